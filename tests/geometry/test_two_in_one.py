"""Two features in one dimension: the loss against plain sums, the optimum, the boundary."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import two_in_one


def _midpoints(weights: list[float], bias: list[float], probability: float) -> list[float]:
    places = (np.arange(3000) + 0.5) / 3000
    found = []
    for i in (0, 1):
        a, g = weights[i] ** 2, weights[0] * weights[1]
        total = 0.0
        for mine in (0, 1):
            for other in (0, 1):
                x = places[:, None] if mine else np.zeros((1, 1))
                y = places[None, :] if other else np.zeros((1, 1))
                error = (x - np.maximum(a * x + g * y + bias[i], 0)) ** 2
                on = mine + other
                total += probability**on * (1 - probability) ** (2 - on) * error.mean()
        found.append(total)
    return found


@pytest.mark.parametrize(
    ("weights", "bias", "probability"),
    [
        ([0.9, -1.1], [0.05, -0.1], 0.3),
        ([0.5, 0.7], [-0.1, 0.2], 1.0),
        ([1.0, 0.0], [0.0, 0.15], 0.3),
        ([0.0, 0.0], [0.1, -0.2], 0.6),
        ([1.2, -0.3], [-0.4, 0.5], 0.9),
    ],
)
def test_the_loss(weights: list[float], bias: list[float], probability: float) -> None:
    # Midpoints of width h: h²/24 times second derivatives of up to 2·1.44².
    np.testing.assert_allclose(
        two_in_one.errors(weights, bias, probability),
        _midpoints(weights, bias, probability),
        atol=1e-7,
    )


def _one(place: int, given: NDArray[np.float64]) -> float:
    return float(two_in_one.errors(given[:2], given[2:], 0.3)[place])


def test_slopes_are_those_of_the_loss() -> None:
    from scipy.optimize import approx_fprime

    for given in ([0.9, -1.1, 0.05, -0.1], [1.2, -0.3, -0.4, 0.5], [0.5, 0.7, -0.1, 0.2]):
        at = np.array(given)
        _, slopes = two_in_one._errors(at[:2], at[2:], 0.3)
        rows = at[:2]
        for i in (0, 1):
            own, other, bias = slopes[:, i]
            expected = approx_fprime(at, partial(_one, i), 1e-7)
            found = other * rows[::-1]
            found[i] += 2 * own * rows[i]
            np.testing.assert_allclose(found, expected[:2], atol=2e-6)
            np.testing.assert_allclose(expected[2 + i], bias, atol=2e-6)
            np.testing.assert_allclose(expected[3 - i], 0, atol=1e-8)


def test_ignoring_is_the_variance() -> None:
    for probability, importance in ((0.2, 0.5), (1.0, 3.0)):
        weights, bias = ([1, 0], [0, probability / 2])
        if importance > 1:
            weights, bias = weights[::-1], bias[::-1]
        loss = two_in_one.errors(weights, bias, probability) @ [1, importance]
        assert loss == pytest.approx(two_in_one.ignoring(probability, importance), rel=1e-12)


def test_the_leading_boundary_is_where_the_simple_losses_meet() -> None:
    for importance in (0.1, 0.7, 1.0, 4.0):
        p = two_in_one.leading_boundary(importance)
        pair = two_in_one.errors([1, -1], [0, 0], p) @ [1, importance]
        assert pair == pytest.approx((1 + importance) * p**2 / 6, rel=1e-12)
        assert pair == pytest.approx(two_in_one.ignoring(p, importance), rel=1e-12)


def _loss(importance: float, probability: float, given: NDArray[np.float64]) -> float:
    first, second = two_in_one.errors(given[:2], given[2:], probability)
    return float(first + importance * second)


def test_no_random_start_finds_better() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(7)
    for importance, probability in ((0.3, 0.2), (0.3, 0.5), (0.9, 0.8), (1.0, 1.0), (2.0, 0.4)):
        best = min(
            two_in_one.shared(probability, importance).loss,
            two_in_one.ignoring(probability, importance),
        )
        for _ in range(6):
            start = rng.normal(size=4) * [1, 1, 0.2, 0.2]
            found = minimize(
                partial(_loss, importance, probability),
                start,
                method="Nelder-Mead",
                options={"maxfev": 800, "fatol": 1e-10, "xatol": 1e-7},
            )
            assert found.fun > best * (1 - 1e-6)


def test_the_boundary() -> None:
    for importance in (0.1, 0.5, 0.9):
        found = two_in_one.boundary(importance)
        assert found is not None
        # A free pair is at least as good as one of unit weights without bias.
        assert found > two_in_one.leading_boundary(importance)
        assert two_in_one.shares(found - 2e-4, importance)
        assert not two_in_one.shares(found + 2e-4, importance)
        # Exchanging the features exchanges importances: I and 1/I are one problem.
        assert two_in_one.boundary(1 / importance) == pytest.approx(found, abs=2e-4)
    # Of equal features a lopsided pair beats ignoring one however often they are on.
    assert two_in_one.boundary(1.0) is None


def test_refusals() -> None:
    for probability, importance in ((0.0, 1.0), (1.5, 1.0), (0.5, 0.0), (0.5, math.inf)):
        with pytest.raises(ValueError, match="must"):
            two_in_one.shared(probability, importance)
