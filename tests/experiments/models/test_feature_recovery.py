"""Rarely active features: their law, the sampled loss, what decay does, the reported loss."""

from __future__ import annotations

import logging
from itertools import pairwise, product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.models import feature_recovery, rare_features, recovery_loss, training
from experiments.models.feature_recovery import FeatureRecoveryTask
from experiments.models.rare_features import Active

FEATURES, WIDTH, BATCH = 12, 3, 5
CHANCES = rare_features.probabilities(FEATURES, 1.0, 1.5)
# Of a float32.
UNIT = 2.0**-24


def _model() -> tuple[jax.Array, jax.Array]:
    """Rows of length about 1 and one of zeros, biases of either sign."""
    first, second = jax.random.split(jax.random.key(1))
    vectors = 0.6 * jax.random.normal(first, (FEATURES, WIDTH))
    return vectors.at[3].set(0.0), 0.3 * jax.random.normal(second, (FEATURES,))


def _inputs(active: Active, batch: int) -> NDArray[np.float64]:
    inputs = np.zeros((batch, FEATURES))
    for which, feature, value in zip(*(np.asarray(leaf) for leaf in active), strict=True):
        assert value == 0 or inputs[which, feature] == 0
        inputs[which, feature] += float(value)
    return inputs


def _losses(vectors: jax.Array, bias: jax.Array, inputs: NDArray[np.float64]) -> Any:
    rows = np.asarray(vectors, np.float64)
    found = np.maximum(inputs @ rows @ rows.T + np.asarray(bias, np.float64), 0)
    return np.mean((found - inputs) ** 2, axis=1)


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 1.0), (1.0, 1.0), (1.5, 4.0), (3.0, 6.0)])
def test_probabilities(alpha: float, expected: float) -> None:
    found = rare_features.probabilities(50, alpha, expected)
    assert found.sum() == pytest.approx(expected, rel=1e-12)
    assert found.max() <= rare_features.LARGEST
    free = found < rare_features.LARGEST
    ranks = np.arange(1, 51)[free]
    np.testing.assert_allclose(found[free] * ranks**alpha, found[free][0] * ranks[0] ** alpha)
    # The cap binds where a few features would have to be on all the time.
    assert free.all() == (expected <= 1)


def test_tail_loss_is_that_of_the_mean() -> None:
    # Integrals over u: E x² = p·4/3, and the variance of what is predicted by its mean p.
    expected = sum(4 * p / 3 - p * p for p in CHANCES[4:]) / FEATURES
    assert rare_features.tail_loss(CHANCES, 4) == pytest.approx(expected)
    assert rare_features.tail_loss(CHANCES, FEATURES) == 0


@pytest.mark.parametrize("chances", [CHANCES, rare_features.probabilities(1000, 1.2, 3.0)])
def test_the_alias_table_is_exact(chances: NDArray[np.float64]) -> None:
    law = rare_features.law(chances, BATCH)
    weight = np.zeros(len(chances))
    np.add.at(weight, np.arange(len(chances)), law.threshold.astype(np.float64))
    np.add.at(weight, law.alias, 1 - law.threshold.astype(np.float64))
    rates = rare_features.arrivals(chances)
    # A feature's weight is a sum of up to n thresholds, each rounded once.
    allowed = len(chances) * UNIT
    np.testing.assert_allclose(weight / len(chances), rates / rates.sum(), atol=allowed)


def test_the_room_of_a_batch() -> None:
    from scipy import stats

    for batch in (1, 5, 256, 65536):
        mean = rare_features.arrivals(CHANCES).sum() * batch
        room = rare_features.slots(CHANCES, batch)
        assert stats.poisson.sf(room, mean) < rare_features.TRUNCATED
        # Not wasteful: half the spare room would lose more.
        assert stats.poisson.sf(mean + (room - mean) / 2, mean) > rare_features.TRUNCATED


def test_draws_follow_the_law() -> None:
    batch = 100_000
    law = rare_features.law(CHANCES, batch)
    active = jax.jit(rare_features.draw, static_argnames="batch")(jax.random.key(5), law, batch)
    inputs = _inputs(active, batch)
    on = inputs > 0
    # Each of these is a mean of independent 0/1 draws: five standard errors, 1e-6 for a normal.
    error = np.sqrt(CHANCES * (1 - CHANCES) / batch)
    assert (np.abs(on.mean(axis=0) - CHANCES) < 5 * error).all()
    both = CHANCES[0] * CHANCES[1]
    assert abs((on[:, 0] & on[:, 1]).mean() - both) < 5 * np.sqrt(both / batch)
    none = np.prod(1 - CHANCES)
    assert abs((~on.any(axis=1)).mean() - none) < 5 * np.sqrt(none / batch)
    values = inputs[on]
    # Uniform on [0, 2]: variance 1/3, and 16/45 of its square.
    assert abs(values.mean() - 1) < 5 * np.sqrt(1 / 3 / len(values))
    assert abs((values**2).mean() - 4 / 3) < 5 * np.sqrt((16 / 5 - 16 / 9) / len(values))
    assert values.max() < 2


def test_too_large_a_batch_is_refused() -> None:
    law = rare_features.law(CHANCES, 4)
    with pytest.raises(ValueError, match=r"^`batch` times n must be below 2\^31; got "):
        rare_features.draw(jax.random.key(0), law, 2**28)
    with pytest.raises(ValueError, match=r"^`expected` must lie in \(0, 0\.99 n\]; got 12"):
        rare_features.probabilities(12, 1.0, 12.0)


def test_strata_part_the_features() -> None:
    for features, drawn in ((12, 8), (12, 12), (12, 50), (2048, 256), (1001, 7)):
        edges = feature_recovery.strata(features, drawn)
        sizes = np.diff(edges)
        assert (edges[0], edges[-1], len(sizes)) == (0, features, min(features, drawn))
        assert sizes.min() >= 1
        assert (sizes[: len(sizes) // 2] == 1).all()
        assert np.ptp(sizes[len(sizes) // 2 :]) <= 1


def test_the_sampled_loss_is_unbiased() -> None:
    vectors, bias = _model()
    draw = jax.jit(rare_features.draw, static_argnames="batch")
    active = draw(jax.random.key(3), rare_features.law(CHANCES, BATCH), BATCH)
    expected = float(_losses(vectors, bias, _inputs(active, BATCH)).mean())
    edges = feature_recovery.strata(FEATURES, 8)
    choices = product(*(range(low, high) for low, high in pairwise(edges)))
    every = jnp.asarray(list(choices))
    assert len(every) == 16
    found = jax.jit(
        jax.vmap(
            lambda one: feature_recovery.sampled_loss(vectors, bias, active, BATCH, edges, one)
        )
    )(every)
    # The mean over all choices is the loss; single ones are not.  Sums of 60 terms in float32.
    assert float(found.mean()) == pytest.approx(expected, rel=100 * UNIT)
    assert float(found.std()) > 0.01 * expected
    whole = feature_recovery.strata(FEATURES, FEATURES)
    dense = feature_recovery.sampled_loss(vectors, bias, active, BATCH, whole, jnp.arange(FEATURES))
    assert float(dense) == pytest.approx(expected, rel=100 * UNIT)


def test_pull() -> None:
    vectors = jnp.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(
        feature_recovery.pull(vectors, jnp.float32(0.5)), -0.5 * np.asarray(vectors)
    )
    # Length 5 shrinks by 4 and 1/2 grows by 1/2 at unit strength; zeros stay.
    growing = np.asarray(feature_recovery.pull(vectors, jnp.float32(-1.0)))
    np.testing.assert_allclose(growing, np.array([[-2.4, -3.2], [0.3, 0.4], [0.0, 0.0]]), rtol=1e-6)


def test_schedule() -> None:
    steps = jnp.float32(100)
    found = np.asarray(jax.vmap(lambda k: feature_recovery.schedule(k, steps))(jnp.arange(103)))
    assert (np.diff(found[:6]) > 0).all()
    assert (np.diff(found[6:100]) < 0).all()
    assert found.max() == found[5] == pytest.approx(1)
    assert found[99] == pytest.approx(feature_recovery.FLOOR, abs=1e-3)
    assert (found[100:] == 0).all()


TASK = FeatureRecoveryTask(24, 1.0, 1.0, 4, 16, 12)


def _trained(decays: list[float], steps: list[int], total: int) -> Any:
    given = feature_recovery.settings(rate=0.03, bias_rate=0.1, decay=decays, steps=steps)
    keys = training.repeated(training.member_keys(jax.random.key(0), 1), len(decays))
    states, trace = training.advance_all(training.ensemble(keys, TASK, given), TASK, 2, total // 2)
    return np.asarray(states.params["vectors"][...]), trace


def test_decay_decides_what_is_represented(caplog: pytest.LogCaptureFixture) -> None:
    vectors, trace = _trained([-1.0, 0.5, -1.0, 3.0], [400, 400, 200, 400], 400)
    strong, weak, half, none = (np.linalg.norm(one, axis=1) for one in vectors)
    assert np.abs(strong - 1).max() < 0.3
    assert 1 <= (weak > 0.5).sum() < 12
    assert (none < 0.5).all()
    counts = [[int((one > 0.5).sum())] for one in (strong, weak, half, none)]
    np.testing.assert_array_equal(np.asarray(trace["represented"])[:, -1:], counts)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        again, _ = _trained([-1.0, 0.4, -1.0, 2.0], [400, 300, 200, 100], 400)
    assert not any("Finished XLA compilation" in one.message for one in caplog.records)
    # Members of the same setting are the same; after its last step a member stays.
    np.testing.assert_array_equal(again[0], vectors[0])
    shorter, _ = _trained([-1.0, 0.4, -1.0, 2.0], [400, 300, 200, 100], 200)
    np.testing.assert_array_equal(again[2], shorter[2])
    assert not np.array_equal(again[0], shorter[0])


def test_a_step_is_adam_and_the_pull() -> None:
    vectors, bias = _model()
    given = feature_recovery.settings(rate=0.1, bias_rate=0.3, decay=[-2.0], steps=[8])
    setting = jax.tree.map(lambda leaf: leaf[0], given)
    optimiser = TASK.optimiser(setting)
    params = {"bias": bias, "vectors": vectors}
    slopes = jax.tree.map(lambda leaf: 1e3 * jnp.cos(40 * leaf) + 2e3, params)
    change, memory = optimiser.update(slopes, optimiser.init(params), params)
    share = float(feature_recovery.schedule(jnp.float32(0), jnp.float32(8)))
    # The first step of Adam has size 1 against the slope, whatever its size; 1 - 0.999 in float32
    # is off by 2^-24/0.001, its root by half of that.
    loose = 2e-6
    pull = np.asarray(feature_recovery.pull(vectors, jnp.float32(-2.0)))
    np.testing.assert_allclose(change["bias"], np.full(FEATURES, -0.3 * share), atol=loose)
    np.testing.assert_allclose(change["vectors"], 0.1 * share * (pull - 1), atol=loose)
    for _ in range(7):
        change, memory = optimiser.update(slopes, memory, params)
    assert float(jnp.abs(change["vectors"]).max()) > 0
    change, memory = optimiser.update(slopes, memory, params)
    assert all(float(jnp.abs(leaf).max()) == 0 for leaf in change.values())


def test_the_loss_alone_is_its_quadrature() -> None:
    vectors, bias = _model()
    nodes, weights = np.polynomial.legendre.leggauss(400)
    found = np.asarray(recovery_loss.alone(vectors, bias, jnp.arange(FEATURES)))
    for feature in range(FEATURES):
        inputs = np.zeros((400, FEATURES))
        inputs[:, feature] = nodes + 1
        expected = float(weights @ _losses(vectors, bias, inputs)) / 2
        # Nodes near the kinks err by 1/400² at most.
        assert found[feature] == pytest.approx(expected, rel=2e-5)


def test_the_reported_loss_is_that_of_the_law() -> None:
    vectors, bias = _model()
    given = recovery_loss.sample(jax.random.key(3), CHANCES, 4096)
    assert given.nothing == pytest.approx(np.prod(1 - CHANCES))
    inputs = _inputs(given.active, 4096)
    assert ((inputs > 0).sum(axis=1) >= 2).all()
    found = recovery_loss.loss(vectors, bias, given)
    single = recovery_loss.alone(vectors, bias, jnp.arange(FEATURES))
    expected = given.nothing * float(_losses(vectors, bias, np.zeros((1, FEATURES)))[0])
    expected += float(given.weights @ np.asarray(single, np.float64))
    expected += given.several * float(_losses(vectors, bias, inputs).mean())
    assert found.mean == pytest.approx(expected, rel=1e-5)
    # And against plain draws, with independent numbers.
    generator = np.random.default_rng(0)
    plain = (generator.random((100_000, FEATURES)) < CHANCES) * generator.uniform(
        0, 2, (100_000, FEATURES)
    )
    losses = _losses(vectors, bias, plain)
    error = float(np.hypot(losses.std() / 100_000**0.5, found.error))
    assert abs(found.mean - losses.mean()) < 5 * error
    assert found.error < 0.05 * found.mean


def test_turns_stand_for_all_features(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, bias = _model()
    whole = recovery_loss.sample(jax.random.key(3), CHANCES, 64)
    monkeypatch.setattr(recovery_loss, "TURNS", 10)
    few = [recovery_loss.sample(jax.random.key(seed), CHANCES, 64) for seed in range(200)]
    single = np.asarray(recovery_loss.alone(vectors, bias, jnp.arange(FEATURES)), np.float64)
    sums = np.array([one.weights @ single[one.rows] for one in few])
    assert sums.std() > 0
    error = sums.std() / 200**0.5
    assert abs(sums.mean() - whole.weights @ single) < 5 * error
