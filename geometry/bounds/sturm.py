"""Sturm's theorem in integers: proof that a polynomial stays negative on an interval."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

__all__ = ["is_negative_on"]


def is_negative_on(coefficients: list[Fraction], high: Fraction) -> bool:
    """Whether the polynomial sum_i `coefficients`[i] u^i is negative for all u in [0, `high`].

    Exact: negative at 0, not zero at `high`, and no sign change of Sturm's sequence between.
    `high` > 0. Cost: O(n^2) operations on integers that grow linearly, for degree n.
    """
    scale = math.lcm(*(c.denominator for c in coefficients))
    first = _primitive([c.numerator * (scale // c.denominator) for c in coefficients])
    if not first or first[0] >= 0:
        return False
    sequence = [first, _primitive([i * c for i, c in enumerate(first)][1:])]
    while sequence[-1]:
        sequence.append(_primitive([-c for c in _remainder(sequence[-2], sequence[-1])]))
    sequence.pop()
    at_high = [_value(polynomial, high) for polynomial in sequence]
    return at_high[0] < 0 and _changes([p[0] for p in sequence]) == _changes(at_high)


def _primitive(polynomial: list[int]) -> list[int]:
    """The polynomial over the greatest common divisor of its coefficients, no leading zeros."""
    size = len(polynomial)
    while size and polynomial[size - 1] == 0:
        size -= 1
    divisor = math.gcd(*polynomial[:size]) if size else 1
    return [c // divisor for c in polynomial[:size]]


def _remainder(over: list[int], under: list[int]) -> list[int]:
    """A positive multiple of the remainder of `over` by `under`."""
    rest, lead = list(over), under[-1]
    while len(rest) >= len(under):
        top, shift = rest[-1], len(rest) - len(under)
        # abs(lead) keeps the sign of the multiple.
        factor = top if lead > 0 else -top
        rest = [abs(lead) * c for c in rest]
        for i, c in enumerate(under):
            rest[shift + i] -= factor * c
        rest = rest[:-1]
    return rest


def _value(polynomial: list[int], at: Fraction) -> int:
    """The polynomial at `at`, times a positive number."""
    total, power = 0, 1
    for c in reversed(polynomial):
        total = total * at.numerator + c * power
        power *= at.denominator
    return total


def _changes(values: list[int]) -> int:
    signs = [v > 0 for v in values if v]
    return sum(a != b for a, b in pairwise(signs))
