"""Exact |cosines|: numbers sqrt(r) * cos(a) with r and a (in degrees) rational.

A bracket that closes has its two sides meet at equality, so the allowed |inner product| and
the coherence of a construction are kept as exact numbers and compared as such: 1/20 <= 0.05
holds, and 1/sqrt(400) equals both. Nearly every coherence in use has a rational square
(`degrees` = 0); the rest are cosines of rational angles (polygons) or products of the two.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, total_ordering
from typing import cast

from geometry import intervals

__all__ = ["ANGLE_NEED", "DECIMALS", "EPS_NEED", "Cosine", "angle", "eps"]

EPS_NEED = "a number in [0, 1), such as 0.05, 1/16 or 1/sqrt(5)"
ANGLE_NEED = "a number of degrees in (0, 90], such as 60 or 89.5"

# cos(a)^2 of the only rational angles in [0, 90] degrees whose cosine has a rational square:
# cos(a)^2 = (1 + cos 2a)/2, and Niven's theorem lists the rational values of cos 2a.
_RATIONAL_SQUARES = {
    Fraction(0): Fraction(1),
    Fraction(30): Fraction(3, 4),
    Fraction(45): Fraction(1, 2),
    Fraction(60): Fraction(1, 4),
    Fraction(90): Fraction(0),
}
DECIMALS = 12  # of bounds on coherences that are rounded up
_LONG = 10**6  # a denominator above which a decimal reads better
_FLOAT_BITS = 500  # quotients of smaller integers neither overflow nor underflow
# Two different numbers are told apart by intervals of at most this many bits; inputs are a few
# dozen digits long, so equal values in different clothes are the only way to get here.
_MOST_BITS = 1 << 13
_LONGEST_TEXT = 100
_LARGEST_EXPONENT = 300


@total_ordering
@dataclass(frozen=True, eq=False)
class Cosine:
    """The number sqrt(`square`) * cos(`degrees`), compared and printed exactly.

    `square` is a rational >= 0 and `degrees` a rational in [0, 90]. Angles whose cosine has a
    rational square are folded into `square`, so `degrees` is 0 whenever it can be.
    """

    square: Fraction
    degrees: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.square < 0 or not 0 <= self.degrees <= 90:
            raise ValueError(
                f"`square` must be >= 0, `degrees` in [0, 90]; got {self.square}, {self.degrees}."
            )
        folded = _RATIONAL_SQUARES.get(self.degrees)
        if folded is not None or self.square == 0:
            factor = Fraction(1) if folded is None else folded
            object.__setattr__(self, "square", self.square * factor)
            object.__setattr__(self, "degrees", Fraction(0))

    @classmethod
    def ratio(cls, value: Fraction | int) -> Cosine:
        """The rational `value` >= 0; ValueError below."""
        if value < 0:
            raise ValueError(f"`value` must be >= 0; got {value}.")
        return cls(Fraction(value) ** 2)

    @property
    def is_rational(self) -> bool:
        """Whether the square is rational: then every comparison is one of integers."""
        return self.degrees == 0

    def square_bounds(self, bits: int = 128) -> tuple[Fraction, Fraction]:
        """Rationals (low, high) that enclose the square; equal when it is rational.

        The width is about 2^-`bits`, by interval arithmetic.
        """
        if self.is_rational:
            return self.square, self.square
        low, high = _cosine_bounds(self.degrees, bits)
        return self.square * max(low, Fraction(0)) ** 2, self.square * high**2

    def upper_square(self, bits: int = 128) -> Fraction:
        """A rational >= the square: the square itself when that is rational."""
        return self.square_bounds(bits)[1]

    def bounds(self) -> tuple[Fraction, Fraction]:
        """Rationals (low, high) that enclose the number to 2^-96; equal when it is rational."""
        low, high = self.square_bounds()
        tops = [math.isqrt(part) for part in (low.numerator, low.denominator)]
        if low == high and (tops[0] ** 2, tops[1] ** 2) == (low.numerator, low.denominator):
            return Fraction(*tops), Fraction(*tops)
        unit = 1 << 96
        below = Fraction(math.isqrt(math.floor(low * unit**2)), unit)
        above = Fraction(math.isqrt(math.ceil(high * unit**2)) + 1, unit)
        return below, above

    def rounded_up(self) -> Cosine:
        """A decimal of `DECIMALS` places at or just above the number."""
        return Cosine.ratio(Fraction(math.ceil(self.bounds()[1] * 10**DECIMALS), 10**DECIMALS))

    def _order(self, other: Cosine) -> int:
        if self.degrees == other.degrees:  # a common factor cos(a) > 0, or none
            return (self.square > other.square) - (self.square < other.square)
        if self.square == other.square:  # cos falls from 0 to 90 degrees
            return (self.degrees < other.degrees) - (self.degrees > other.degrees)
        bits = 128
        while bits <= _MOST_BITS:
            (low, high), (other_low, other_high) = (
                self.square_bounds(bits),
                other.square_bounds(bits),
            )
            if high < other_low:
                return -1
            if low > other_high:
                return 1
            bits *= 2
        raise ArithmeticError(f"{self} and {other} agree to {_MOST_BITS} bits.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cosine):
            return NotImplemented
        return (self.square, self.degrees) == (other.square, other.degrees)

    def __hash__(self) -> int:
        return hash((self.square, self.degrees))

    def __lt__(self, other: Cosine) -> bool:
        return self._order(other) < 0

    def __float__(self) -> float:
        """The nearest float, or one of its neighbours."""
        top, bottom = self.square.numerator, self.square.denominator
        if self.is_rational and max(top.bit_length(), bottom.bit_length()) < _FLOAT_BITS:
            return math.sqrt(top / bottom)  # a quotient and a root, each correctly rounded
        return _nearest(self)

    def upper_float(self) -> float:
        """A float >= the number."""
        return math.nextafter(float(self), math.inf)

    def angle_degrees(self) -> float:
        """The angle in degrees whose cosine this is, as a float."""
        if self.square == 1:
            return float(self.degrees)
        return math.degrees(math.acos(min(1.0, float(self))))

    def __str__(self) -> str:
        root = _root_text(self.square)
        if self.is_rational:
            return root
        cosine = f"cos({self.degrees}°)"
        return cosine if self.square == 1 else f"{root}·{cosine}"


@lru_cache(maxsize=256)
def _nearest(number: Cosine) -> float:
    low, high = number.square_bounds()
    return _root((low + high) / 2)


@lru_cache(maxsize=256)  # one angle meets many coherences in a search
def _cosine_bounds(degrees: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """Rationals that enclose the cosine of an angle, by interval arithmetic with so many bits."""
    context = intervals.context(bits)
    radians = context.pi * degrees.numerator / (180 * degrees.denominator)
    return intervals.ends(context.cos(radians))


def _root(value: Fraction) -> float:
    """sqrt of a rational to double precision, without overflow: isqrt of a scaled integer."""
    shift = max(0, 128 - (value.numerator.bit_length() - value.denominator.bit_length()))
    shift += shift % 2
    scaled = math.isqrt((value.numerator << shift) // value.denominator)
    return float(Fraction(scaled, 1 << (shift // 2)))


def _square_free(value: int) -> tuple[int, int]:
    """(a, b) with value = a^2 * b, taking out squares of small factors and a whole square."""
    whole = math.isqrt(value)
    if whole * whole == value:
        return whole, 1
    outside, inside, factor = 1, value, 2
    while factor * factor <= inside and factor < 1000:
        while inside % (factor * factor) == 0:
            inside //= factor * factor
            outside *= factor
        factor += 1
    return outside, inside


def _root_text(square: Fraction) -> str:
    """sqrt(p/q) as text: 1/20, 1/√5, √3/4; bounds rounded up as decimals: 0.098100884317."""
    top, top_root = _square_free(square.numerator)
    bottom, bottom_root = _square_free(square.denominator)
    if top_root == 1 and bottom > _LONG and 10**DECIMALS % bottom == 0:
        whole, places = divmod(top * 10**DECIMALS // bottom, 10**DECIMALS)
        decimal = f"{whole}.{places:0{DECIMALS}}".rstrip("0")
        return decimal if bottom_root == 1 else f"{decimal}/√{bottom_root}"
    over = f"{top}" if top_root == 1 else f"{'' if top == 1 else top}√{top_root}"
    if square.denominator == 1:
        return over
    under = f"{bottom}" if bottom_root == 1 else f"{'' if bottom == 1 else bottom}√{bottom_root}"
    if bottom > 1 and bottom_root > 1:
        under = f"({under})"
    return f"{over}/{under}"


def _number(text: str) -> Fraction | None:
    """A decimal or an integer as a rational, or None."""
    match = re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", text, re.ASCII)
    if match is None or abs(int(match.group(1) or 0)) > _LARGEST_EXPONENT:
        return None
    return Fraction(text)


def _term_square(text: str) -> tuple[Fraction, int] | None:
    """(square, sign) of a decimal, sqrt(a), √a, or b*sqrt(a); None when it is none of these."""
    match = re.fullmatch(r"(?:(.+?)\*?)?(?:sqrt\(([^()]+)\)|√\(?([^()]+?)\)?)", text)
    if match is None:
        value = _number(text)
        return None if value is None else (value * value, -1 if value < 0 else 1)
    factor = Fraction(1) if match.group(1) is None else _number(match.group(1))
    radicand = _rational(match.group(2) or match.group(3))
    if factor is None or radicand is None or radicand < 0:
        return None
    return factor * factor * radicand, -1 if factor < 0 else 1


def _rational(text: str) -> Fraction | None:
    parts = [_number(part) for part in text.split("/")]
    if len(parts) > 2 or any(part is None for part in parts):
        return None
    top, bottom = parts[0], parts[1] if len(parts) == 2 else Fraction(1)
    return None if top is None or not bottom else top / bottom


def _shorten(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:36]}...{shown[-1]}"


def eps(value: str | int | float | Fraction | Cosine) -> Cosine:
    """The allowed |inner product| as an exact number in [0, 1).

    Takes a decimal ("0.05", read as 1/20), a fraction ("1/16"), a root ("1/sqrt(5)",
    "sqrt(3)/4"), a `Fraction`, a `Cosine`, or a float, which is read as the decimal it prints.
    Raises ValueError, in one line, for anything else.
    """
    exact: Cosine | None
    if isinstance(value, Cosine):
        exact = value
    elif isinstance(value, Fraction):
        exact = None if value < 0 else Cosine(value * value)
    else:
        exact = _parse(str(value)) if not isinstance(value, bool) else None
    if exact is None or not exact < Cosine(Fraction(1)):
        raise ValueError(f"eps must be {EPS_NEED}; got {_shorten(value)}.")
    return exact


def _parse(text: str) -> Cosine | None:
    compact = "".join(text.split())
    if not compact or len(compact) > _LONGEST_TEXT:
        return None
    # A slash inside the brackets of a root belongs to the radicand.
    halves = re.split(r"/(?![^()]*\))", compact)
    if len(halves) > 2:
        return None
    terms = [_term_square(half) for half in halves]
    if any(term is None for term in terms):
        return None
    top, *rest = cast(list[tuple[Fraction, int]], terms)
    bottom = rest[0] if rest else (Fraction(1), 1)
    if bottom[0] == 0 or (top[0] and top[1] * bottom[1] < 0):
        return None
    return Cosine(top[0] / bottom[0])


def angle(value: str | int | float | Fraction) -> Cosine:
    """The cosine of an angle of `value` degrees, 0 < `value` <= 90, as an exact number.

    Raises ValueError, in one line, for anything else.
    """
    text = str(value)
    degrees = None if isinstance(value, bool) or len(text) > _LONGEST_TEXT else _rational(text)
    if degrees is None or not 0 < degrees <= 90:
        raise ValueError(f"angle must be {ANGLE_NEED}; got {_shorten(value)}.")
    return Cosine(Fraction(1), degrees)
