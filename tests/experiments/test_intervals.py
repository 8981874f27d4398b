"""Intervals cover what they should, as often as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.intervals import mean_interval, median_interval


def test_mean_interval_is_students() -> None:
    # t(0.975, 4) = 2.776445 (any table); sd of 1..5 is sqrt(2.5).
    low, high = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    reach = 2.7764451 * math.sqrt(2.5 / 5)
    assert (low, high) == pytest.approx((3 - reach, 3 + reach), rel=1e-6)
    assert mean_interval([1.0]) == (-math.inf, math.inf)


def test_median_interval_takes_order_statistics() -> None:
    # P(Binomial(16, 1/2) <= 3) = 697/65536 = 0.0106, P(<= 4) = 0.0384: the 4th from either end.
    assert median_interval(np.arange(1.0, 17.0)) == (4.0, 13.0)
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) == (-math.inf, math.inf)
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == (1.0, 6.0)


def test_coverage() -> None:
    draws = np.random.default_rng(0).exponential(size=(2000, 16))
    inside = [low <= math.log(2) <= high for low, high in map(median_interval, draws)]
    # At least 95%, here 1 - 2 * 0.0106 = 0.979; 2000 trials give it to 3 * 0.0032.
    assert 0.969 < np.mean(inside) < 0.989
