"""Measured effects, a mean over seeds with its interval: in a record, a table, a sentence.

An effect is a mapping with `mean` and `interval`, the interval's two ends at 95% in a list.  Either
is None where it was not measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.intervals import mean_interval

__all__ = ["cells", "estimate", "in_words"]


def estimate(values: Sequence[float] | NDArray[np.float64]) -> dict[str, Any]:
    """Return the effect whose `values` `[n]` are one a seed: their mean, and Student's interval.

    None in its place for n = 1, where it has no ends.
    """
    ends = list(mean_interval(values)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "interval": ends}


def cells(effect: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """Return three cells of a table: the mean, and the interval from and to."""
    low, high = effect["interval"] or (None, None)
    return effect["mean"], low, high


def in_words(
    effect: Mapping[str, Any], form: str, *, least: float = -math.inf, most: float = math.inf
) -> str:
    """Return an effect in words, as "0.52 (0.49 to 0.55)"; `form` is the format of a number.

    The interval is cut to what the quantity can be, from `least` to `most`, but never short of the
    mean: Student's knows nothing of a range.
    """
    mean, low, high = cells(effect)
    if mean is None:
        return "not measured"
    if low is None or high is None:
        return f"{mean:{form}}"
    low, high = min(mean, max(low, least)), max(mean, min(high, most))
    return f"{mean:{form}} ({low:{form}} to {high:{form}})"
