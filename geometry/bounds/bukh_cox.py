"""The Bukh-Cox bound, the best known when there are few more lines than dimensions.

Let N = d + k unit vectors have coherence <= eps. Their Gram matrix G kills a space of dimension
>= k; let u_i be the columns of an orthonormal basis of k of its vectors. Then sum_ij G_ij <u_i,u_j>
= 0, so k = sum |u_i|^2 <= eps (sum_ij |<u_i,u_j>| - k). Bukh and Cox bound the mean |<x,y>| of two
independent draws from an isotropic measure in R^k with mean square norm 1 by

    A_k = ((k-1) sqrt(k+2) + 2)/(k(k+1)),

so the sum is at most k N A_k, and N = d + k lines need eps (N A_k - 1) >= 1. If some k fails this,
then N <= d + k - 1.

Monotone. The k that fail shrink as d or eps grows, so the smallest of them rises. The search
stops at K = floor(d/2) + 1: (d+k) A_k falls on 1 <= k <= K, so it is enough to halve, and the bound
answers when K fails; (d+K) A_K rises with d, so this is a down-set. For more lines Welch's bound is
the better one.

Bukh and Cox, "Nearly orthogonal vectors and small antipodal spherical codes", Israel J. Math. 238
(2020).
"""

from __future__ import annotations

import math
from fractions import Fraction

from geometry.bounds.upper_bound import UpperBound, rounded_square
from geometry.exact import Cosine

__all__ = ["bukh_cox_bound", "bukh_cox_coherence", "excludes"]


def excludes(dim: int, extra: int, square: Fraction) -> bool:
    """Whether eps (N A_k - 1) < 1 for N = `dim` + k, k = `extra` >= 1, eps^2 = `square`; exact."""
    count, scale = dim + extra, extra * (extra + 1)
    # N A_k - 1 = (plain + root sqrt(k+2))/scale > 0.
    plain, root, radicand = 2 * count - scale, count * (extra - 1), extra + 2
    top, bottom = square.numerator, square.denominator
    room = scale * scale * bottom - top * (plain * plain + root * root * radicand)
    cross = 2 * top * plain * root  # the test is cross * sqrt(radicand) < room
    if cross < 0:
        return room > 0 or cross * cross * radicand > room * room
    return room > 0 and cross * cross * radicand < room * room


def bukh_cox_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """The Bukh-Cox bound on N(`dim`, `eps`), or None when it excludes no N <= 3 `dim`/2 + 1."""
    square = rounded_square(eps)
    fails, low = dim // 2 + 1, 0
    if not excludes(dim, fails, square):
        return None
    while fails - low > 1:
        middle = (low + fails) // 2
        if excludes(dim, middle, square):
            fails = middle
        else:
            low = middle
    return UpperBound(
        dim + fails - 1,
        "bukh-cox",
        f"eps >= 1/(N·A_k - 1) fails at N = d + {fails}, A_k = ((k-1)√(k+2) + 2)/(k(k+1))",
        "Bukh and Cox 2020",
    )


def bukh_cox_coherence(dim: int, count: int) -> Cosine:
    """The inverse: no `count` > `dim` lines have coherence below 1/(N A_k - 1), k = N - dim.

    Exact where k + 2 is a square, else rounded down by a part in 2^96 or so. ValueError unless
    `dim` >= 2 and `count` > `dim`.
    """
    if dim < 2 or count <= dim:
        raise ValueError(f"`count` must exceed `dim` >= 2; got {count}, {dim}.")
    extra, unit = count - dim, 1 << 96
    root = Fraction(math.isqrt(extra + 2))
    if root * root != extra + 2:
        root = Fraction(math.isqrt((extra + 2) * unit**2) + 1, unit)
    mean = ((extra - 1) * root + 2) / (extra * (extra + 1))
    return Cosine.ratio(1 / (count * mean - 1))
