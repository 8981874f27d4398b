"""Confidence intervals over independent seeds, at 95%."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEVEL",
    "mean_interval",
    "median_interval",
    "proportion_interval",
    "ratio_interval",
]

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


def proportion_interval(successes: int, trials: int) -> tuple[float, float]:
    """Clopper and Pearson's interval (1934) for a probability: coverage is at least 95%."""
    from scipy import stats

    found = stats.binomtest(successes, trials).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)


def ratio_interval(
    above: Sequence[float] | NDArray[np.float64], below: Sequence[float] | NDArray[np.float64]
) -> tuple[float, float]:
    """Fieller's interval (1954) for the ratio of the means of paired values `[n]`.

    All r with |mean(above - r below)| within Student's reach of 0: a quadratic in r.  Infinite
    where the mean of `below` is not surely away from 0, or n = 1.
    """
    from scipy import stats

    top, bottom = np.asarray(above, np.float64), np.asarray(below, np.float64)
    if len(top) < 2:
        return -math.inf, math.inf
    square = float(stats.t.ppf((1 + LEVEL) / 2, len(top) - 1)) ** 2 / len(top)
    covariance = square * np.cov(top, bottom, ddof=1)
    a = bottom.mean() ** 2 - covariance[1, 1]
    b = top.mean() * bottom.mean() - covariance[0, 1]
    c = top.mean() ** 2 - covariance[0, 0]
    if a <= 0:
        return -math.inf, math.inf
    reach = math.sqrt(max(b * b - a * c, 0.0))
    return float((b - reach) / a), float((b + reach) / a)
