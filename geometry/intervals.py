"""Interval arithmetic of so many bits, and its ends as rationals.

mpmath's contexts round outwards: what they enclose is proved. The ones here are apart from
mpmath's global context, whose precision others may change.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from mpmath.ctx_iv import MPIntervalContext
from mpmath.libmp import to_rational

__all__ = ["context", "ends"]


@lru_cache(maxsize=64)
def context(bits: int) -> Any:
    """The interval context of this precision: its `mpf`, `pi`, `sqrt`, `cos` make intervals."""
    made = MPIntervalContext()
    made.prec = bits
    return made


def ends(interval: Any) -> tuple[Fraction, Fraction]:
    """The (low, high) of an interval, exactly."""
    low, high = (Fraction(*to_rational(end)) for end in interval._mpi_)
    return low, high
