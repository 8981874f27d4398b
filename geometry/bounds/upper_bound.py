"""What an upper bound is, and the one rounding that the bounds share."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from geometry.exact import Cosine

__all__ = ["UpperBound", "rounded_square", "square_bounds", "within_resolution"]

_LARGEST_DENOMINATOR = 1 << 96


@dataclass(frozen=True)
class UpperBound:
    """A proved statement: no more than `count` lines of R^dim have pairwise |cos| <= eps.

    `count` is exact, `method` names the bound, `statement` says it in a formula, and `reference`
    says where it is proved.
    """

    count: int
    method: str
    statement: str
    reference: str


@lru_cache(maxsize=4096)
def rounded_square(eps: Cosine) -> Fraction:
    """The least rational >= eps^2 with a denominator of at most 2^96; always below 1.

    Rounding up to a fixed set keeps order, so a bound that rises with eps still rises after it,
    and every eps in use whose square is rational stays exact. A square above every such rational is
    returned to 96 bits of 1 - eps^2. Raises ValueError when eps >= 1.
    """
    square = square_bounds(eps)[1]
    return _round_up(square) if within_resolution(square) else square


def square_bounds(eps: Cosine) -> tuple[Fraction, Fraction]:
    """Rationals (low, high) that enclose eps^2, apart by at most 2^-96 (1 - high), high < 1.

    Raises ValueError when eps >= 1.
    """
    if not eps < Cosine(Fraction(1)):
        raise ValueError(f"`eps` must lie in [0, 1); got {eps}.")
    bits = 128
    low, high = eps.square_bounds(bits)
    while high >= 1 or (high - low) * _LARGEST_DENOMINATOR > 1 - high:
        bits *= 2
        low, high = eps.square_bounds(bits)
    return low, high


def within_resolution(square: Fraction) -> bool:
    """Whether 1 - `square` >= 2^-96: what the bounds of growing degree need."""
    return (1 - square) * _LARGEST_DENOMINATOR >= 1


def _round_up(value: Fraction) -> Fraction:
    nearest = value.limit_denominator(_LARGEST_DENOMINATOR)
    if nearest >= value:
        return nearest
    # The next rational c/e after a/b in the Farey sequence has b*c - a*e = 1, e as large as fits.
    top, bottom = nearest.numerator, nearest.denominator
    spare = (_LARGEST_DENOMINATOR + pow(top, -1, bottom)) % bottom
    next_bottom = _LARGEST_DENOMINATOR - spare
    return Fraction((1 + top * next_bottom) // bottom, next_bottom)
