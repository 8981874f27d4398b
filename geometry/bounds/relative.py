"""The relative (Welch) bound, the first of the linear programming bounds.

For N unit vectors the Gram matrix G has rank <= d, so N^2/d <= |G|_F^2 <= N + N(N-1)eps^2. Hence
N <= d(1 - eps^2)/(1 - d eps^2) when d eps^2 < 1, with equality exactly at equiangular tight
frames. The bound rises with d and with eps, and where it answers is a down-set.

Welch, "Lower bounds on the maximum cross correlation of signals" (1974); van Lint and Seidel,
"Equilateral point sets in elliptic geometry" (1966).
"""

from __future__ import annotations

from fractions import Fraction

from geometry.bounds.upper_bound import UpperBound, rounded_square
from geometry.exact import Cosine

__all__ = ["relative_bound", "relative_value", "welch_coherence"]


def relative_value(dim: int, square: Fraction) -> Fraction | None:
    """d(1 - `square`)/(1 - d `square`), or None unless d `square` < 1; `square` is eps^2."""
    if dim * square >= 1:
        return None
    return dim * (1 - square) / (1 - dim * square)


def relative_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """The relative bound on N(`dim`, `eps`), or None when dim eps^2 >= 1."""
    value = relative_value(dim, rounded_square(eps))
    if value is None:
        return None
    return UpperBound(
        value.numerator // value.denominator,
        "relative",
        "N <= d(1 - eps²)/(1 - d·eps²)",
        "Welch 1974; van Lint and Seidel 1966",
    )


def welch_coherence(dim: int, count: int) -> Cosine:
    """The Welch bound: no `count` lines in R^`dim` have coherence below this.

    sqrt((N-d)/(d(N-1))), exact (`.square` is the rational); 0 when `count` <= `dim`. Raises
    ValueError unless both are at least 1.
    """
    if dim < 1 or count < 1:
        raise ValueError(f"`dim` and `count` must be at least 1; got {dim}, {count}.")
    if count <= dim:
        return Cosine(Fraction(0))
    return Cosine(Fraction(count - dim, dim * (count - 1)))
