"""Where a check's band, interval and estimate lie on a line of some width."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.harness.checks import Check


@dataclass(frozen=True)
class Gauge:
    """Places on a line from 0 to its width: two ends of the band and the bar, one of the dot."""

    band: tuple[float, float]
    bar: tuple[float, float]
    dot: float


def gauge(check: Check, width: float) -> Gauge | None:
    """Return the places, or None where there are not two finite numbers to set a scale.

    A tenth of the width is left on each side, for a band without an end. The scale is logarithmic
    where all numbers are positive and span more than a factor of 100.
    """
    ends = check.interval if check.interval is not None else (check.estimate, check.estimate)
    try:
        marks = [float(end) for end in (*ends, check.estimate) if end is not None]
        limits = [None if limit is None else float(limit) for limit in check.band]
    except OverflowError:
        return None
    known = [*marks, *(limit for limit in limits if limit is not None)]
    if not marks or len(set(known)) < 2 or not all(map(math.isfinite, known)):
        return None
    low, high = min(known), max(known)
    logarithmic = low > 0 and high / low > 100
    if logarithmic:
        low, high = math.log(low), math.log(high)

    def at(value: float) -> float:
        share = ((math.log(value) if logarithmic else value) - low) / (high - low)
        return round(width * (0.1 + 0.8 * share), 2)

    left = 0.0 if limits[0] is None else at(limits[0])
    right = float(width) if limits[1] is None else at(limits[1])
    return Gauge((left, right), (at(min(marks)), at(max(marks))), at(marks[-1]))
