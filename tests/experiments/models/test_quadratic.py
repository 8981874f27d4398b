"""The quadratic model: its exact loss and gradient, training to the optimum, one compilation."""

from __future__ import annotations

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.models import quadratic, training
from experiments.models.quadratic import Quadratic, QuadraticTask, settings
from geometry import allocation, capacity

IMPORTANCE = (1.0, 0.6, 0.45, 0.1)


def test_loss_and_gradient() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(4, 2)).astype(np.float32)
    given = jnp.float32(IMPORTANCE), jnp.float32(6)
    found, slope = jax.value_and_grad(quadratic.expected_loss)(jnp.asarray(vectors), *given)
    assert found == pytest.approx(allocation.loss(vectors, IMPORTANCE, 6), rel=1e-5)
    np.testing.assert_allclose(
        float(quadratic.expected_loss(jnp.asarray(vectors), *given)), float(found), rtol=1e-6
    )
    # Central differences of the float64 loss.
    wide = vectors.astype(np.float64)
    for place in np.ndindex(4, 2):
        step = np.zeros((4, 2))
        step[place] = 1e-5
        ends = [allocation.loss(wide + sign * step, IMPORTANCE, 6) for sign in (1, -1)]
        wanted = (ends[0] - ends[1]) / 2e-5
        assert float(slope[place]) == pytest.approx(wanted, rel=1e-4, abs=1e-3)


def test_the_model_and_what_is_observed() -> None:
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(4, 2)).astype(np.float32)
    vectors[2] = 0
    model = Quadratic(jnp.asarray(vectors))
    inputs = generator.normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(model(jnp.asarray(inputs))), np.sum((inputs @ vectors) ** 2, axis=1), rtol=1e-5
    )
    given = settings(np.ones((1, 4)), kurtosis=3.0, rate=0.1, start=0.5)
    setting = jax.tree.map(lambda leaf: leaf[0], given)
    seen = np.asarray(QuadraticTask(4, 2).observe(model, setting)["capacities"])
    np.testing.assert_allclose(seen, capacity.feature_dimensionality(vectors), atol=1e-6)
    assert seen[2] == 0


def test_members_with_settings_of_their_own_reach_their_optima(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = QuadraticTask(4, 2)
    kurtosis = np.array([2.5, 6.0, 18.0, 60.0])
    importance = np.stack([np.roll(IMPORTANCE, place) for place in range(4)])

    def ends(seed: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], int]:
        keys = training.member_keys(jax.random.key(seed), 4)
        given = settings(importance, kurtosis=kurtosis, rate=0.05, start=0.1)
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            states = training.ensemble(keys, task, given)
            states, trace = training.advance_all(states, task, 1, 4000)
            seen = np.asarray(trace["capacities"][:, -1], np.float64)
        compiled = sum("Finished XLA compilation" in one.message for one in caplog.records)
        return seen, compiled

    found, _ = ends(0)
    for held, values, one in zip(found, importance, kurtosis, strict=True):
        wanted = allocation.optimal(values, 2, float(one)).capacities
        np.testing.assert_allclose(held, wanted, atol=0.01)
    kurtosis[:] = 10.0
    again, compiled = ends(1)
    assert compiled == 0
    wanted = allocation.optimal(importance[0], 2, 10).capacities
    np.testing.assert_allclose(again[0], wanted, atol=0.01)


def test_starts_have_the_given_size() -> None:
    task = QuadraticTask(50, 40)
    given = settings(np.ones((1, 50)), kurtosis=6, rate=0.05, start=0.2)
    one = jax.tree.map(lambda leaf: leaf[0], given)
    start = np.asarray(task.model(jax.random.key(0), one).vectors[...])
    # 2000 normal numbers: their standard deviation is known to 1.6%.
    assert start.std() == pytest.approx(0.2, rel=0.05)


def test_members_do_not_depend_on_the_ensemble() -> None:
    task, found = QuadraticTask(6, 3), []
    for count in (64, 5, 2):
        given = settings(np.ones((count, 6)), kurtosis=6.0, rate=0.05, start=0.1)
        states = training.ensemble(training.member_keys(jax.random.key(0), count), task, given)
        states, _ = training.advance_all(states, task, 1, 50)
        found.append(np.asarray(states.params["vectors"][...])[:2])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
