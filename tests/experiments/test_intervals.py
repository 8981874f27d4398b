"""Intervals cover what they should, as often as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.intervals import (
    mean_interval,
    median_interval,
    proportion_interval,
    ratio_interval,
)


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


def test_proportion_interval_has_a_fortieth_in_each_tail() -> None:
    # Clopper and Pearson's definition; scipy's root finder and tails are good to 1e-8 or so.
    for successes, trials in ((1, 8), (4, 8), (7, 8), (3, 200)):
        low, high = proportion_interval(successes, trials)
        assert stats.binom.sf(successes - 1, trials, low) == pytest.approx(0.025, rel=1e-6)
        assert stats.binom.cdf(successes, trials, high) == pytest.approx(0.025, rel=1e-6)
        assert low < successes / trials < high
    # P(no success) = (1 - p)^n.
    reach = 1 - 0.025 ** (1 / 8)
    assert proportion_interval(0, 8) == pytest.approx((0, reach), rel=1e-9)
    assert proportion_interval(8, 8) == pytest.approx((1 - reach, 1), rel=1e-9)


def test_proportion_interval_covers() -> None:
    # All outcomes there are: at most a fortieth is missed on either side.
    low, high = np.array([proportion_interval(successes, 12) for successes in range(13)]).T
    for chance in (0.02, 0.3, 0.5, 0.9):
        weight = np.asarray(stats.binom.pmf(range(13), 12, chance))
        assert weight[low > chance].sum() <= 0.025
        assert weight[high < chance].sum() <= 0.025


@pytest.mark.parametrize("sign", [1, -1])
def test_ratio_interval_holds_the_ratios_that_the_mean_interval_allows(sign: int) -> None:
    generator = np.random.default_rng(1)
    below = sign * generator.normal(5, 1, 12)
    above = 2 * below + generator.normal(0, 3, 12)
    low, high = ratio_interval(above, below)
    # Fieller's definition: at the ends, Student's interval of above - r below ends at 0.  A few
    # roundings of the quadratic, whose roots lie far apart.
    for end in (low, high):
        ends = np.abs(mean_interval(above - end * below))
        assert ends.min() < 1e-12 * ends.max()
    for ratio in np.linspace(low - 1, high + 1, 41):
        first, last = mean_interval(above - ratio * below)
        assert (first <= 0 <= last) == (low <= ratio <= high)
    # Of a sure denominator: the mean's own interval, divided.
    first, last = mean_interval(above)
    expected = sorted((first / (4 * sign), last / (4 * sign)))
    assert ratio_interval(above, np.full(12, 4.0 * sign)) == pytest.approx(expected, rel=1e-12)
    # Values that keep a ratio leave no doubt: half the digits, for the ends are a double root.
    assert ratio_interval(3 * below, below) == pytest.approx((3, 3), abs=1e-6)


def test_ratio_interval_covers() -> None:
    generator = np.random.default_rng(3)
    trials = 2000
    below = generator.normal(4, 1, (trials, 10))
    above = 6 + 1.2 * (below - 4) + generator.normal(0, 1, (trials, 10))
    inside = [low <= 1.5 <= high for low, high in map(ratio_interval, above, below)]
    # Exact for normal pairs, and a denominator of 12 errors is never in doubt: 95% to three
    # standard deviations of a binomial share.
    assert abs(np.mean(inside) - 0.95) < 3 * math.sqrt(0.95 * 0.05 / trials)


def test_ratio_interval_is_infinite_where_the_denominator_may_be_zero() -> None:
    everything = (-math.inf, math.inf)
    assert ratio_interval([1.0], [2.0]) == everything
    below = np.array([-1.0, 0.0, 1.0, 2.0])
    above = np.array([5.0, 6.0, 7.0, 5.0])
    assert mean_interval(below)[0] < 0 < mean_interval(below)[1]
    assert ratio_interval(above, below) == everything
    # From where Student's interval of the denominator leaves 0, it ends.
    reach = mean_interval(below)[1] - below.mean()
    assert ratio_interval(above, below - below.mean() + 0.999 * reach) == everything
    low, high = ratio_interval(above, below - below.mean() + 1.001 * reach)
    assert -math.inf < low < high < math.inf
