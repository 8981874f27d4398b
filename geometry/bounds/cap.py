"""The fraction of a sphere that a pair of opposite caps takes, as an enclosure.

The directions of R^d within an angle of a given line whose sine has square y are the fraction

    I_y(a, 1/2) = c y^a sqrt(1-y) S(d, d+1, y),

the incomplete beta function (DLMF 8.17.7, 8.17.8), with a = (d-1)/2 and

    c = Gamma(a+1/2)/(Gamma(a+1) Gamma(1/2));

S(p, q, y) is the sum of t_0 = 1, t_{j+1} = t_j y (p+2j)/(q+2j). For y near 1 that sum is long, and
the complement, with x = 1-y, is short:

    1 - I_y(a, 1/2) = 2a c x^(1/2) (1-x)^a S(d, 3, x).

It is also the law of the inner product g of random unit vectors: P(|g| >= sqrt(1-y)).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

from geometry import intervals

__all__ = ["cap_fraction"]

# Binomial coefficients above this take seconds; inequalities of relative width 1/(4d) do not.
_LARGEST_EXACT_DIM = 1 << 15
# Below this cosine squared the complement is used: its sum is the shorter one, but it needs an
# accurate c.
_SMALL = Fraction(1, 16)
_SMALL_BEYOND = Fraction(1, 4096)


def cap_fraction(dim: int, sine_square: Fraction, *, bits: int) -> tuple[Fraction, Fraction]:
    """Enclosure (low, high) of I_y((dim-1)/2, 1/2) for y = `sine_square` in (0, 1), `dim` >= 2.

    The relative width is about 2^-`bits` up to dim = 32768; above, it is 1/(4 dim) while y < 1 -
    1/4096, and beyond that the enclosure may hold 0. Cost: of the order of 16 `bits` additions, or
    dim/16 if that is more, up to dim = 32768; 4096 `bits` above.
    """
    cosine_square = 1 - sine_square
    small = _SMALL if dim <= _LARGEST_EXACT_DIM else _SMALL_BEYOND
    if cosine_square >= small:
        front = _front(dim, sine_square, cosine_square, bits)
        series = _series(dim, dim + 1, sine_square, bits)
        return front[0] * series[0], front[1] * series[1]
    # The answer is at least about exp(-d x/2), of which the complement falls short by rounding.
    bits += math.ceil(dim * cosine_square)
    front = _front(dim, sine_square, cosine_square, bits)
    series = _series(dim, 3, cosine_square, bits)
    return 1 - (dim - 1) * front[1] * series[1], 1 - (dim - 1) * front[0] * series[0]


def _front(
    dim: int, sine_square: Fraction, cosine_square: Fraction, bits: int
) -> tuple[Fraction, Fraction]:
    """Enclosure of c y^a sqrt(1-y)."""
    precision, half = bits + 32 + dim.bit_length(), dim // 2
    context, constant = intervals.context(precision), _constant(dim, precision)
    y = context.mpf(sine_square.numerator) / sine_square.denominator
    x = context.mpf(cosine_square.numerator) / cosine_square.denominator
    power = y**half if dim % 2 else y**half / context.sqrt(y)
    return intervals.ends(constant * power * context.sqrt(x))


@lru_cache(maxsize=1024)
def _constant(dim: int, precision: int) -> Any:
    """Enclosure of c, an interval of the context of this precision."""
    context, half = intervals.context(precision), dim // 2
    if dim > _LARGEST_EXACT_DIM:
        # Watson (1959): a + 1/4 < (Gamma(a+1)/Gamma(a+1/2))^2 < a + 1/2.
        square = context.mpf([2 * dim - 1, 2 * dim]) / 4
        return 1 / context.sqrt(square * context.pi)
    if dim % 2:
        return context.mpf(math.comb(2 * half, half)) / 4**half
    return context.mpf(4**half) / (half * math.comb(2 * half, half) * context.pi)


def _series(top: int, bottom: int, y: Fraction, bits: int) -> tuple[Fraction, Fraction]:
    """Enclosure of S(`top`, `bottom`, `y`): fixed point, one sum rounded down and one up."""
    shift = bits + 32
    one = 1 << shift
    y_low, y_high = math.floor(y * one), math.ceil(y * one)
    low = high = low_sum = high_sum = one
    j = 0
    while True:
        over, under = top + 2 * j, (bottom + 2 * j) << shift
        low = low * y_low * over // under
        high = -(-high * y_high * over // under)
        low_sum += low
        high_sum += high
        j += 1
        # Ratios go to y monotonically, so from here on none exceeds the larger of the two.
        largest = max(y_high * (top + 2 * j), y_high * (bottom + 2 * j))
        room = under + (2 << shift) - largest
        if room > 0 and high << bits <= low_sum and high * largest << bits <= low_sum * room:
            high_sum += math.ceil(Fraction(high * largest, room))
            return Fraction(low_sum, one), Fraction(high_sum, one)
