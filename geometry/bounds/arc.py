"""The exact answer in the plane: lines at angles of at least theta share a half turn.

N lines through the origin of R^2 cut the half turn into N arcs, so N theta <= 180 degrees, and N
equally spaced lines attain it. N(2, eps) is the largest N with cos(180/N) <= eps.
"""

from __future__ import annotations

from fractions import Fraction

from geometry.bounds.upper_bound import UpperBound
from geometry.exact import Cosine

__all__ = ["arc_bound", "most_equally_spaced"]


def arc_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """N(2, `eps`), exact, or None unless `dim` is 2. Raises ValueError when eps >= 1."""
    if not eps < Cosine(Fraction(1)):
        raise ValueError(f"`eps` must lie in [0, 1); got {eps}.")
    if dim != 2:
        return None
    if eps.square == 1:
        count = 180 * eps.degrees.denominator // eps.degrees.numerator
    else:
        count = most_equally_spaced(eps)
    return UpperBound(count, "arc", "N <= 180°/arccos(eps), in the plane", "elementary")


def most_equally_spaced(eps: Cosine) -> int:
    """The largest N >= 2 with cos(180/N) <= `eps` < 1, exactly, by doubling and halving."""

    def fits(count: int) -> bool:
        return Cosine(Fraction(1), Fraction(180, count)) <= eps

    fit, clash = 2, 4
    while fits(clash):
        fit, clash = clash, 2 * clash
    while clash - fit > 1:
        middle = (fit + clash) // 2
        if fits(middle):
            fit = middle
        else:
            clash = middle
    return fit
