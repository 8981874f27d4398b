"""The coherence of polynomial families where the largest sums are in the table of maxima."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from geometry.character_sums import largest_sum, recorded_maximum
from geometry.packing import OrbitCheck, Packing
from geometry.spot_check import spot_check

__all__ = ["recomputed", "recorded_square"]

_MOST_TRANSFORMS = 20000  # recomputed by a check: seconds


@lru_cache(maxsize=1 << 16)
def recorded_square(q: int, degree: int, *, odd: bool = False) -> Fraction:
    """The square of an upper bound of |S_f|/q over all f of degree <= `degree`, or odd ones.

    From the table when it holds `degree`; lower degrees then count with their own values, or with
    Weil's. Else Weil's (`degree` - 1)^2/q.
    """
    top = recorded_maximum(q, degree, odd=odd)
    if top is None:
        return Fraction((degree - 1) ** 2, q)
    largest = max(top.ratio**2, Fraction(1))
    for lower in range(3, degree, 2 if odd else 1):
        record = recorded_maximum(q, lower, odd=odd)
        largest = max(largest, Fraction((lower - 1) ** 2) if record is None else record.ratio**2)
    return min(largest, Fraction((degree - 1) ** 2)) / q


def recomputed(packing: Packing, q: int, degree: int, *, odd: bool = False) -> OrbitCheck:
    """What a check of the sums of degree <= `degree` finds: all of them anew where it is short.

    Differences of lines are lines, so it covers all pairs. Where the sums rest on a theorem or are
    many, random pairs are compared with it.
    """
    agree = spot_check(packing).agree
    degrees = range(3, degree + 1, 2 if odd else 1)
    records = [recorded_maximum(q, one, odd=odd) for one in degrees[1:]]
    known = [record for record in records if record is not None]
    if not known or records[-1] is None:
        return OrbitCheck(agree, 0, f"{packing.proof} Random pairs agree.", whole=False)
    transforms = sum(record.transforms for record in known)
    if len(known) < len(records) or transforms > _MOST_TRANSFORMS:
        detail = f"{transforms} FFTs, recorded in the table of maxima; random pairs agree"
        return OrbitCheck(agree, 0, detail, whole=False)
    squares = [Fraction(largest_sum(q, one, odd=odd).value) ** 2 / q**2 for one in degrees]
    return OrbitCheck(
        agree and max(squares) <= packing.coherence.square,
        packing.pairs,
        f"the sums of all polynomials of degree 3 to {degree} over F_{q} up to translation and "
        f"scaling, by {transforms} FFTs, with their rounding bound",
    )
