"""Intervals of counts by Poisson's tails, powers of sizes by maximum likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from experiments.poisson import count_interval, scaling

FEATURES = np.repeat([16.0, 32.0, 64.0, 128.0], 6)
NEURONS = np.tile(np.repeat([256.0, 1024.0, 4096.0], 2), 4)


def test_count_interval_has_a_fortieth_in_each_tail() -> None:
    # Garwood's definition; the tails by scipy, whose quantiles are good to 1e-9 or so.
    for total in (1, 2, 17, 400):
        for exposure in (1.0, 12.0):
            low, high = count_interval(total, exposure)
            assert stats.poisson.sf(total - 1, low * exposure) == pytest.approx(0.025, rel=1e-8)
            assert stats.poisson.cdf(total, high * exposure) == pytest.approx(0.025, rel=1e-8)
            assert low < total / exposure < high
    # P(0 | rate) = exp(-rate).
    low, high = count_interval(0, 5)
    assert low == 0
    assert high == pytest.approx(-math.log(0.025) / 5, rel=1e-12)


@pytest.mark.parametrize("mean", [0.3, 2.0, 9.0])
def test_count_intervals_cover(mean: float) -> None:
    seeds, trials = 4, 4000
    totals = np.random.default_rng(0).poisson(mean * seeds, trials)
    kinds = range(int(totals.max()) + 40)
    low, high = np.array([count_interval(kind, seeds) for kind in kinds]).T
    # By the definition, either end misses at most a fortieth; beyond `kinds` lies less than 1e-12.
    chance = np.asarray(stats.poisson.pmf(kinds, mean * seeds))
    below, above = float(chance[high < mean].sum()), float(chance[low > mean].sum())
    assert max(below, above) <= 0.025
    # Four standard deviations of a binomial share.
    missed = ((high < mean) | (low > mean))[totals].mean()
    assert abs(missed - below - above) < 4 * math.sqrt((below + above) / trials)


def _power(exponents: tuple[float, float], constant: float) -> NDArray[np.float64]:
    return np.asarray(math.exp(constant) * FEATURES ** exponents[0] * NEURONS ** exponents[1])


@pytest.mark.parametrize("exponents", [(2.0, -1.0), (0.0, 0.5), (-1.5, 0.0)])
def test_scaling_finds_powers(exponents: tuple[float, float]) -> None:
    # Not rounded to integers: at the true powers the scores are 0, so that they are the maximum.
    found = scaling(_power(exponents, -1.3), FEATURES, NEURONS)
    # Newton stops at steps of 1e-10, the next of which would be their square.
    assert found.exponents == pytest.approx(exponents, abs=1e-9)
    assert found.constant == pytest.approx(-1.3, abs=1e-8)
    for (low, high), exponent in zip(found.intervals, exponents, strict=True):
        assert exponent - 1e-9 < low <= high < exponent + 1e-9


def test_scaling_with_one_size_of_two_values_is_a_ratio_of_means() -> None:
    found = scaling([3, 5, 4, 20, 28], [2.0, 2.0, 2.0, 8.0, 8.0])
    exponent = math.log(24 / 4) / math.log(8 / 2)
    assert found.exponents == pytest.approx((exponent,), abs=1e-9)
    assert found.constant == pytest.approx(math.log(4) - exponent * math.log(2), abs=1e-9)
    # The sandwich of two groups: variances of the logarithms of their means.
    error = math.sqrt((1 + 1 + 0) / 12**2 + (16 + 16) / 48**2) / math.log(4)
    ((low, high),) = found.intervals
    assert (low, high) == pytest.approx(
        (exponent - 1.959964 * error, exponent + 1.959964 * error), abs=1e-6
    )


def test_scaling_is_the_maximum_of_the_likelihood() -> None:
    generator = np.random.default_rng(1)
    counts = generator.poisson(_power((1.8, -0.9), 2.0)).astype(np.float64)
    assert (counts == 0).any()
    rows = np.stack([np.ones(24), np.log(FEATURES), np.log(NEURONS)], axis=1)

    def loss(place: NDArray[np.float64]) -> float:
        return float(np.sum(np.exp(rows @ place) - counts * (rows @ place)))

    def slope(place: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(rows.T @ (np.exp(rows @ place) - counts))

    best = optimize.minimize(loss, np.zeros(3), jac=slope, method="BFGS", options={"gtol": 1e-6}).x
    found = scaling(counts, FEATURES, NEURONS)
    place = np.array([found.constant, *found.exponents])
    information = np.zeros((3, 3))
    middle = np.zeros((3, 3))
    for count, row in zip(counts, rows, strict=True):
        mean = math.exp(row @ best)
        information += mean * np.outer(row, row)
        middle += (count - mean) ** 2 * np.outer(row, row)
    inverse = np.linalg.inv(information)
    # The optimiser is off by its slope over the curvature; twice that, for the curvature varies on
    # the way.  Newton's own error is 1e-9.
    off = np.abs(inverse) @ np.abs(slope(best))
    assert off.max() < 1e-4
    assert (np.abs(place - best) <= 2 * off + 1e-8).all()
    errors = np.sqrt(np.diag(inverse @ middle @ inverse))[1:]
    for (low, high), exponent, error in zip(found.intervals, found.exponents, errors, strict=True):
        assert low == pytest.approx(exponent - 1.959964 * error, abs=1e-3 * error)
        assert high == pytest.approx(exponent + 1.959964 * error, abs=1e-3 * error)


def test_intervals_cover_counts_that_vary_less_than_poissons() -> None:
    # Binomial counts with probability 0.8 have a fifth of Poisson's variance.
    rows, trials, share = 200, 1000, 0.8
    generator = np.random.default_rng(2)
    sizes = generator.choice([2.0, 4.0, 8.0, 16.0], rows)
    inside, widths = [], []
    for _ in range(trials):
        counts = generator.binomial((10 * sizes).astype(np.int64), share)
        ((low, high),) = scaling(counts, sizes).intervals
        inside.append(low <= 1 <= high)
        widths.append(high - low)
    # Three standard deviations of a binomial share, 0.0207; and the sandwich knows 200 residuals
    # whose variance is 2/200 too small, which takes 1% off widths and 0.0023 off the coverage.
    assert 0.95 - 0.0207 - 0.0023 < np.mean(inside) < 0.95 + 0.0207
    # Poisson's variance would make them sqrt(5) times as wide.  A width varies by some 6%, their
    # mean by 0.2%; with the 1% from above, and as much for sizes of more leverage, 3% is enough.
    centred = np.log(sizes) - np.average(np.log(sizes), weights=sizes)
    poisson = 2 * 1.96 / math.sqrt(np.sum(10 * share * sizes * centred**2))
    assert np.mean(widths) / poisson == pytest.approx(math.sqrt(1 / 5), rel=0.03)


def test_an_exact_fit_has_intervals_without_width() -> None:
    found = scaling([2, 4, 673, 6, 8], [32.0, 32, 16, 16, 32], [256.0, 256, 64, 1024, 256])
    for value, (low, high) in zip(found.exponents, found.intervals, strict=True):
        assert low <= value <= high
        assert math.isfinite(high - low)


def test_errors() -> None:
    said = r"^`counts` must not all be 0, and every size must vary on its own\.$"
    for counts, sizes in (
        ([0, 0, 0], [[1.0, 2.0, 4.0]]),
        ([1, 2, 3], [[2.0, 2.0, 2.0]]),
        ([1, 2, 3, 4], [[1.0, 2.0, 4.0, 8.0], [3.0, 12.0, 48.0, 192.0]]),
    ):
        with pytest.raises(ValueError, match=said):
            scaling(counts, *sizes)
    # Here any larger exponent is likelier: there is no maximum.
    said = r"^`counts` must be positive at more than one value of every size\.$"
    for counts, sizes in (
        ([0, 0, 0, 7], [[1.0, 2.0, 4.0, 8.0]]),
        ([9, 0, 0, 0], [[1.0, 2.0, 4.0, 8.0]]),
        ([5, 9, 0, 0], [[1.0, 8.0, 1.0, 8.0], [3.0, 3.0, 12.0, 12.0]]),
    ):
        with pytest.raises(ValueError, match=said):
            scaling(counts, *sizes)
    # Zeros between are no obstacle.
    assert scaling([1, 0, 0, 7], [1.0, 2.0, 4.0, 8.0]).exponents[0] > 0
