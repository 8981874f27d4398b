"""The best division of dimensions: against exact moments, optimisers, and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from geometry import allocation, capacity

Values = NDArray[np.float64]

EXAMPLE = np.array((1.0, 0.8, 0.6, 0.45, 0.3, 0.2, 0.12, 0.05))


def weighted(vectors: Values, importance: Values, kurtosis: float) -> tuple[float, Values]:
    """The loss in the words of the module's docstring, entry by entry, and its gradient."""
    gram = vectors @ vectors.T
    weight = np.full(gram.shape, 2.0)
    np.fill_diagonal(weight, kurtosis - 1)
    residual = gram - np.diag(importance)
    return float(np.sum(weight * residual**2)), 4 * (weight * residual) @ vectors


def test_the_worked_example() -> None:
    found = allocation.optimal(EXAMPLE, 3, 6)
    np.testing.assert_allclose(found.capacities, (1, 1, 2 / 3, 1 / 3, 0, 0, 0, 0), atol=1e-12)
    # In the shared dimension |w|² = mu (F - 1) C, with mu = .15.
    assert found.price == pytest.approx(0.15)
    np.testing.assert_allclose(found.squared_norms[:4], (1, 0.8, 0.5, 0.25), atol=1e-12)
    assert allocation.census(found.capacities, 0.02) == (2, 2, 4)


@pytest.mark.parametrize("kurtosis", [1.5, 3.0, 6.0])
def test_the_loss_is_the_mean_over_all_points(kurtosis: float) -> None:
    # x is 0 or ±√F, the latter with probability 1/F: variance 1, kurtosis F.
    generator = np.random.default_rng(0)
    vectors, importance = generator.normal(size=(4, 2)), generator.random(4) + 0.1
    values = np.array(list(itertools.product((-1, 0, 1), repeat=4)))
    chance = np.where(values == 0, 1 - 1 / kurtosis, 0.5 / kurtosis).prod(axis=1)
    x = values * math.sqrt(kurtosis)
    gap = (x**2) @ importance - np.sum((x @ vectors) ** 2, axis=1)
    variance = chance @ gap**2 - (chance @ gap) ** 2
    assert chance.sum() == pytest.approx(1)
    assert allocation.loss(vectors, importance, kurtosis) == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize("kurtosis", [1.5, 2.5, 3.0, 6.0, 180.0])
def test_a_rows_loss_is_least_over_its_length(kurtosis: float) -> None:
    def loss(own: float, value: float, held: float) -> float:
        return (kurtosis - 1) * (value - own) ** 2 + 2 * own**2 * (1 / held - 1)

    for value, held in itertools.product((0.3, 1.0), (0.01, 0.4, 0.9, 1.0)):
        best = optimize.minimize_scalar(loss, args=(value, held), tol=1e-12)
        found = allocation.row_losses([held], [value], kurtosis)[0]
        assert found == pytest.approx(float(best.fun), rel=1e-8, abs=1e-12)
    # Without capacity the row is 0, and all of its variance is lost.
    assert allocation.row_losses([0], [0.7], kurtosis)[0] == pytest.approx((kurtosis - 1) * 0.49)


@pytest.mark.parametrize("kurtosis", [3.5, 6.0, 18.0, 180.0])
def test_water_filling_is_the_convex_optimum(kurtosis: float) -> None:
    generator = np.random.default_rng(1)
    for count, dim in ((3, 1), (5, 2), (8, 3)):
        values = generator.random(count) + 0.02
        found = allocation.optimal(values, dim, kurtosis)

        def total(held: Values, values: Values = values) -> float:
            return float(allocation.row_losses(np.clip(held, 0, 1), values, kurtosis).sum())

        best = optimize.minimize(
            total,
            np.full(count, dim / count),
            bounds=[(0, 1)] * count,
            constraints=optimize.LinearConstraint(np.ones((1, count)), dim, dim),
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 1000},
        )
        assert found.loss <= float(best.fun) + 1e-9
        assert found.loss == pytest.approx(float(best.fun), rel=1e-4)
        np.testing.assert_allclose(found.capacities, best.x, atol=0.01)


@pytest.mark.parametrize("kurtosis", [1.5, 2.0, 2.9, 3.0])
def test_below_three_it_is_all_or_nothing(kurtosis: float) -> None:
    generator = np.random.default_rng(2)
    values = generator.random(6) + 0.02
    found = allocation.optimal(values, 2, kurtosis)
    assert found.price is None
    assert sorted(found.capacities) == [0, 0, 0, 0, 1, 1]
    assert set(np.flatnonzero(found.capacities)) == set(np.argsort(values)[-2:])
    # A concave function is least at a corner; no point between is lower.
    for _ in range(300):
        held = generator.dirichlet(np.full(6, 0.5)) * 2
        if held.max() <= 1:
            assert allocation.row_losses(held, values, kurtosis).sum() >= found.loss - 1e-12


@pytest.mark.parametrize("kurtosis", [2.0, 6.0, 18.0])
def test_no_matrix_has_a_lower_loss_and_some_has_this_one(kurtosis: float) -> None:
    values = np.array((1.0, 0.8, 0.5, 0.4, 0.2))
    found = allocation.optimal(values, 2, kurtosis)

    def objective(flat: Values) -> float:
        return weighted(flat.reshape(5, 2), values, kurtosis)[0]

    def slope(flat: Values) -> Values:
        return weighted(flat.reshape(5, 2), values, kurtosis)[1].ravel()

    generator = np.random.default_rng(3)
    starts = [generator.normal(size=10) for _ in range(20)]
    ends = [
        optimize.minimize(
            objective,
            start,
            jac=slope,
            method="L-BFGS-B",
            options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-10},
        )
        for start in starts
    ]
    best = min(ends, key=lambda end: float(end.fun))
    assert float(best.fun) == pytest.approx(found.loss, rel=1e-6)
    rows = best.x.reshape(5, 2)
    np.testing.assert_allclose(capacity.feature_dimensionality(rows), found.capacities, atol=1e-3)
    np.testing.assert_allclose(np.sum(rows**2, axis=1), found.squared_norms, atol=1e-3)
    assert allocation.loss(rows, values, kurtosis) == pytest.approx(float(best.fun), rel=1e-12)


@pytest.mark.parametrize("kurtosis", [2.0, 3.0 + 1e-9, 4.0, 60.0, 1e6])
def test_what_every_allocation_has(kurtosis: float) -> None:
    generator = np.random.default_rng(4)
    for count, dim in ((2, 1), (7, 3), (40, 11)):
        values = generator.random(count) + 1e-3
        found = allocation.optimal(values, dim, kurtosis)
        held = found.capacities
        assert held.sum() == pytest.approx(dim, rel=1e-6)
        assert ((held >= 0) & (held <= 1)).all()
        assert (np.diff(held[np.argsort(values)]) >= -1e-12).all()
        assert (found.squared_norms <= values + 1e-12).all()
        order = generator.permutation(count)
        again = allocation.optimal(3 * values[order], dim, kurtosis)
        np.testing.assert_allclose(again.capacities, held[order], atol=1e-9)
        assert again.loss == pytest.approx(9 * found.loss)


@pytest.mark.parametrize("kurtosis", [3.5, 6.0, 180.0])
def test_two_features_share_from_the_threshold_on(kurtosis: float) -> None:
    threshold = allocation.sharing_threshold(kurtosis)
    assert threshold == 2 / (kurtosis - 1)
    below, above = (
        allocation.optimal((1, factor * threshold), 1, kurtosis).capacities[1]
        for factor in (0.999, 1.001)
    )
    assert below == 0
    # C2 leaves 0 with slope 2 (F - 1)/((F + 1)(F - 3)) a threshold.
    slope = 2 * (kurtosis - 1) / ((kurtosis + 1) * (kurtosis - 3))
    assert above == pytest.approx(0.001 * slope, rel=2e-3)


def test_edges() -> None:
    for dim in (1, 5):
        alone = allocation.optimal([0.5], dim, 6)
        assert (alone.capacities.tolist(), alone.squared_norms.tolist()) == ([1], [0.5])
        assert alone.loss == 0
    np.testing.assert_allclose(allocation.optimal(np.ones(5), 2, 6).capacities, 0.4)
    assert allocation.optimal(np.ones(3), 2, 3).capacities.tolist() == [1, 1, 0]
    # At F = 3 the loss is linear, and between equals any allocation does as well.
    even = allocation.row_losses(np.full(3, 2 / 3), np.ones(3), 3).sum()
    assert even == pytest.approx(allocation.optimal(np.ones(3), 2, 3).loss)
    assert allocation.census([0.02, 0.021, 0.98, 0.97], 0.02) == (1, 2, 1)


def test_bad_numbers() -> None:
    for bad in ([], [[1.0]], [1.0, 0.0], [1.0, math.nan], [-1.0]):
        with pytest.raises(ValueError, match=r"^`importance` must be positive numbers of shape"):
            allocation.optimal(bad, 1, 6)
    for kurtosis in (1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"^`kurtosis` must lie in \(1, inf\); got "):
            allocation.optimal([1.0], 1, kurtosis)
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        allocation.optimal([1.0], 0, 6)
    with pytest.raises(ValueError, match=r"^`capacities` must be 2 numbers in \[0, 1\]; got "):
        allocation.row_losses([0.5, 1.1], [1, 1], 6)
    with pytest.raises(ValueError, match=r"^`vectors` must have shape \[2, d\]; got shape \(3, 1"):
        allocation.loss(np.ones((3, 1)), [1, 1], 6)
    with pytest.raises(ValueError, match=r"^`kurtosis` must be above 3 for features to share; got"):
        allocation.sharing_threshold(3)
    with pytest.raises(ValueError, match=r"^`tolerance` must lie in \[0, 0\.5\); got 0\.5\.$"):
        allocation.census([1.0], 0.5)
