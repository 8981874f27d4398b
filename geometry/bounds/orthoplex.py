"""The orthoplex bound, from Rankin's lemma on vectors at obtuse angles.

The matrices w wᵀ - I/d of N unit vectors lie in the space of symmetric matrices of trace 0, which
has D = d(d+1)/2 - 1 dimensions, and have inner products <w_i, w_j>^2 - 1/d. When eps^2 < 1/d these
are negative, and no more than D + 1 vectors of R^D have that. Hence N <= d(d+1)/2.

The bound rises with d, and d eps^2 < 1 is a down-set. It is below Levenshtein's for eps^2 between
1/(d+2) and 1/d.

Rankin, "The closest packing of spherical caps in n dimensions" (1955); Conway, Hardin and Sloane,
"Packing lines, planes, etc." (1996), Corollary 5.3.
"""

from __future__ import annotations

from fractions import Fraction

from geometry.bounds.upper_bound import UpperBound, rounded_square
from geometry.exact import Cosine

__all__ = ["orthoplex_bound", "orthoplex_coherence"]


def orthoplex_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """d(d+1)/2 when dim eps^2 < 1, else None."""
    if dim * rounded_square(eps) >= 1:
        return None
    return UpperBound(
        dim * (dim + 1) // 2,
        "orthoplex",
        "N <= d(d+1)/2 while d·eps² < 1",
        "Rankin 1955; Conway, Hardin and Sloane 1996",
    )


def orthoplex_coherence(dim: int, count: int) -> Cosine:
    """The inverse: more than d(d+1)/2 lines have coherence 1/sqrt(d) at least; else 0."""
    return Cosine(Fraction(1, dim) if count > dim * (dim + 1) // 2 else Fraction(0))
