"""Optimisers against their formulas in plain float64."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.typing import NDArray

from experiments.models import optimisers


def _arrays(count: int) -> NDArray[np.float32]:
    values = np.random.default_rng(0).standard_normal((count, 3, 4)).astype(np.float32)
    values[0, 0, 0] = 0
    return values


def _threshold(value: float, reach: float) -> float:
    if value > reach:
        return value - reach
    return value + reach if value < -reach else 0.0


def test_soft_threshold() -> None:
    values = np.array([-2.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 2.0], np.float32)
    found = np.asarray(optimisers.soft_threshold(jnp.asarray(values), jnp.float32(0.5)))
    # Of eighths: exact.
    assert found.tolist() == [-1.5, -0.25, 0, 0, 0, 0, 0, 0.25, 1.5]
    unchanged = optimisers.soft_threshold(jnp.asarray(values), jnp.float32(0))
    np.testing.assert_array_equal(np.asarray(unchanged), values)


def test_soft_threshold_is_the_proximal_map() -> None:
    # It minimises (x - v)²/2 + reach |x|, here over a grid of steps of 1e-3 that holds 0.
    grid = np.arange(-4000, 4001) / 1000
    for value in _arrays(1).ravel()[:6]:
        found = float(optimisers.soft_threshold(jnp.float32(value), jnp.float32(0.5)))
        best = grid[np.argmin((grid - float(value)) ** 2 / 2 + 0.5 * np.abs(grid))]
        assert abs(found - best) <= 0.5e-3 + 2.0**-22


def test_a_proximal_step() -> None:
    weights, slope = _arrays(2)
    rate, penalty = 0.25, 1.5
    # Larger steps than usual, so that some weights vanish and some change their sign.
    step = optimisers.proximal_sgd(jnp.float32(rate), jnp.float32(penalty))
    memory = step.init({"w": jnp.asarray(weights)})
    change, after = step.update({"w": jnp.asarray(slope)}, memory, {"w": jnp.asarray(weights)})
    assert after == memory == optax.EmptyState()
    found = np.asarray(optax.apply_updates({"w": jnp.asarray(weights)}, change)["w"])
    expected = np.zeros((3, 4))
    for place in np.ndindex(3, 4):
        moved = float(weights[place]) - rate * float(slope[place])
        expected[place] = _threshold(moved, rate * penalty)
    # Five operations on numbers below 4, half a unit of 2^-22 each.
    np.testing.assert_allclose(found, expected, atol=5 * 2.0**-23)
    assert 0 < (expected == 0).sum() < 12
    # Zeros are exact, and those that a small gradient leaves at 0 stay.
    np.testing.assert_array_equal(found == 0, expected == 0)


def test_a_weight_leaves_zero_only_against_the_penalty() -> None:
    step = optimisers.proximal_sgd(jnp.float32(0.5), jnp.float32(1.0))
    weights = jnp.zeros(4)
    slope = jnp.array([-1.0, 1.0, 2.0, -3.0])
    change, _ = step.update(slope, step.init(weights), weights)
    assert np.asarray(change).tolist() == [0, 0, -0.5, 1]


def test_adamw_is_that_of_a_loop() -> None:
    rate, penalty, steps = 0.01, 0.3, 8
    weights, *slopes = _arrays(steps + 1)
    step = optimisers.adamw(jnp.float32(rate), jnp.float32(penalty))
    params = jnp.asarray(weights)
    memory = step.init(params)
    expected = weights.astype(np.float64)
    first, second = np.zeros((3, 4)), np.zeros((3, 4))
    for place, slope in enumerate(slopes, 1):
        change, memory = step.update(jnp.asarray(slope), memory, params)
        params = optax.apply_updates(params, change)
        for at in np.ndindex(3, 4):
            weight = expected[at]
            # The penalty is in the gradient, with subgradient 0 at 0; the decay is not.
            gradient = float(slope[at]) + penalty * float(np.sign(weight))
            first[at] = 0.9 * first[at] + 0.1 * gradient
            second[at] = 0.999 * second[at] + 0.001 * gradient**2
            mean = first[at] / (1 - 0.9**place)
            square = second[at] / (1 - 0.999**place)
            expected[at] -= rate * (mean / (math.sqrt(square) + 1e-8) + 0.01 * weight)
        # A step is at most about rate·(1 + 0.01); 1 - 0.999^t is 0.001 t at least, from numbers
        # near 1, so that its root is off by 2^-24/0.002 < 4e-5; weights round by 2^-24·4.
        allowed = place * (rate * 4e-5 + 4 * 2.0**-24)
        np.testing.assert_allclose(np.asarray(params), expected, rtol=0, atol=allowed)
    # They moved by far more than that.
    assert np.abs(expected - weights).max() > 2 * rate


@pytest.mark.parametrize(("name", "zero"), [("proximal", True), ("adamw", False)])
def test_only_proximal_descent_reaches_zero(name: str, zero: bool) -> None:
    assert list(optimisers.OPTIMISERS) == ["proximal", "adamw"]
    step = optimisers.OPTIMISERS[name](jnp.float32(0.01), jnp.float32(0.3))
    weights = jnp.array([0.02, -0.01, 0.0])
    memory = step.init(weights)
    for _ in range(10):
        change, memory = step.update(jnp.zeros(3), memory, weights)
        weights = optax.apply_updates(weights, change)
    assert (np.asarray(weights)[:2] == 0).all() == zero
    assert float(weights[2]) == 0
