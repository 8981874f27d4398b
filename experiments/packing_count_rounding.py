"""Exact coherences and their angles as decimals, rounded so that what is said of them holds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geometry.exact import Cosine

__all__ = ["angle_words", "cosine_words", "known_words", "proved_words"]

_DIGITS, _MOST_DIGITS = 10, 28  # of a |cos|, whose enclosure is 2^-96 wide
_DEGREE_DIGITS = 6


def known_words(coherence: Cosine) -> dict[str, str]:
    """Of lines that exist: their coherence is no larger and their angle no smaller."""
    return {
        "coherence_words": cosine_words(coherence, up=True),
        "angle_words": angle_words(coherence, up=False),
    }


def proved_words(bound: Cosine) -> dict[str, str]:
    """Of a lower bound on coherences: it is no smaller, and its angle no larger."""
    return {
        "bound_words": cosine_words(bound, up=False),
        "bound_angle_words": angle_words(bound, up=True),
    }


def cosine_words(value: Cosine, *, up: bool) -> str:
    """A |cos| to ten digits, or to as many as tell it from 1; rounded `up`, else down."""
    low, high = value.bounds()
    if not up:
        return _decimal(math.floor(low * 10**_DIGITS), _DIGITS)
    for digits in range(_DIGITS, _MOST_DIGITS):
        place = math.ceil(high * 10**digits)
        if place < 10**digits:
            return _decimal(place, digits)
    return _decimal(10**_DIGITS, _DIGITS)


def angle_words(value: Cosine, *, up: bool) -> str:
    """The angle in degrees to six decimals, or to three digits; rounded `up`, else down."""
    from geometry.exact import Cosine

    near = _angle(value)
    if near == 0:
        return _decimal(0, _DEGREE_DIGITS)
    digits = max(_DEGREE_DIGITS, 2 - math.floor(math.log10(near)))
    unit = 10**digits

    def reaches(place: int) -> bool:
        """Whether the angle is at least so many units, exactly."""
        return Cosine(Fraction(1), Fraction(place, unit)) >= value

    # The float is within a few units of the last digit, or is right.
    place = min(math.floor(Fraction(near) * unit), 90 * unit)
    while not reaches(place):
        place -= 1
    while place < 90 * unit and reaches(place + 1):
        place += 1
    if up and Cosine(Fraction(1), Fraction(place, unit)) != value:
        place += 1
    return _decimal(place, digits)


def _angle(value: Cosine) -> float:
    """The angle in degrees; from its sine where it is small, as the cosine is then too near 1."""
    if value.square == 1:
        return float(value.degrees)
    sine_square = 1 - value.square_bounds()[0]
    if 2 * sine_square > 1:
        return math.degrees(math.acos(float(value)))
    return math.degrees(math.asin(math.sqrt(sine_square)))


def _decimal(place: int, digits: int) -> str:
    whole, rest = divmod(place, 10**digits)
    return f"{whole}.{rest:0{digits}}"
