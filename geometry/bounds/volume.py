"""The volume bound: caps of half the angle around the lines of a packing are disjoint.

Let theta = arccos(eps). The 2N caps of angular radius theta/2 around +-w_i do not overlap, so N
times the fraction of the sphere that a pair of opposite caps takes is at most 1. It is weak, but
finite for every eps < 1, where the degree of Levenshtein's bound grows beyond reach. It rises with
d and with eps: a cap of at most 45 degrees takes less of a larger sphere.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

from geometry.bounds.cap import cap_fraction
from geometry.bounds.upper_bound import UpperBound, rounded_square
from geometry.exact import Cosine

__all__ = ["volume_bound"]

# Squares told apart by `rounded_square` differ by 2^-192 at least; at this precision the noise of
# an enclosure is smaller than the step between their bounds, so order is kept.
_BITS = 288


def volume_bound(dim: int, eps: Cosine) -> UpperBound:
    """The volume bound on N(`dim`, `eps`); 1 when `dim` is 1. Always answers."""
    square = rounded_square(eps)
    return UpperBound(
        1 if dim == 1 else _most_disjoint_caps(dim, square),
        "volume",
        "N·(fraction of the sphere within arccos(eps)/2 of a line) <= 1",
        "elementary",
    )


@lru_cache(maxsize=4096)
def _most_disjoint_caps(dim: int, square: Fraction) -> int:
    # sin(theta/2)^2 = (1 - eps)/2 = (1 - eps^2)/(2(1 + eps)), with eps rounded up in 1 + eps.
    bits = _BITS + square.denominator.bit_length()
    root = math.isqrt((square.numerator << 2 * bits) // square.denominator) + 1
    sine_square = (1 - square) / (2 + Fraction(root, 1 << (bits - 1)))
    low, _ = cap_fraction(dim, sine_square, bits=_BITS)
    return low.denominator // low.numerator
