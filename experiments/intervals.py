"""Confidence intervals over independent seeds, at 95%."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEVEL", "mean_interval", "median_interval"]

LEVEL = 0.95


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Student's interval for the mean of `values` `[n]`; infinite for n = 1.

    Exact for normal values; for others an approximation that improves with n.
    """
    from scipy import stats

    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        return -math.inf, math.inf
    centre = float(sample.mean())
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(sample) - 1)) * error
    return centre - reach, centre + reach


def median_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Interval for the median of `values` `[n]`, free of any assumption on their law.

    The number of values below the median is Binomial(n, 1/2), so the k-th smallest and the k-th
    largest enclose it with probability 1 - 2 P(Binomial <= k - 1) (David and Nagaraja, Order
    Statistics, 2003, section 7.1). Infinite for n < 6, where no k reaches 95%.
    """
    from scipy import stats

    sample = np.sort(np.asarray(values, dtype=np.float64))
    rank = int(stats.binom.ppf((1 - LEVEL) / 2, len(sample), 0.5))
    if rank < 1:
        return -math.inf, math.inf
    return float(sample[rank - 1]), float(sample[-rank])
