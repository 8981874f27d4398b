"""The toy model: its output, its expected loss against plain sums, its samples, what it learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from numpy.typing import NDArray

from experiments.models import expected_loss, toy_autoencoder, training
from experiments.models.toy_autoencoder import ToyAutoencoder, ToyTask, settings

Rows = NDArray[np.float64]

FUNCTIONS: dict[str, Callable[[Rows], Rows]] = {
    "relu": lambda z: np.maximum(z, 0),
    "abs": np.abs,
    "linear": lambda z: z,
    "gelu": lambda z: z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2,
}


def _weights(features: int, dim: int) -> Rows:
    """W and V of no symmetry, `[2, n, d]`."""
    rng = np.random.default_rng(features)
    return np.asarray(rng.normal(size=(2, features, dim)) / math.sqrt(dim))


def _expected(
    activation: str, gram: Rows, bias: Rows, probability: float, points: int = 400
) -> Rows:
    """The mean squared errors by midpoints, pattern by pattern."""
    count = len(gram)
    places = (np.arange(points) + 0.5) / points
    total = np.zeros(count)
    for pattern in product((0, 1), repeat=count):
        axes = [places if on else np.zeros(1) for on in pattern]
        inputs = np.stack([grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")])
        outputs = FUNCTIONS[activation](gram @ inputs + bias[:, None])
        on = sum(pattern)
        chance = probability**on * (1 - probability) ** (count - on)
        total += chance * ((inputs - outputs) ** 2).mean(axis=1)
    return total


@pytest.mark.parametrize("activation", ["relu", "abs", "gelu", "linear"])
@pytest.mark.parametrize("tied", [True, False])
def test_the_output(activation: str, tied: bool) -> None:
    model = ToyAutoencoder(5, 2, activation, tied=tied, rngs=nnx.Rngs(jax.random.key(0)))
    model.bias[...] = jnp.arange(5) / 10 - 0.2
    inputs = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    rows, out = (np.asarray(one, np.float64) for one in model.rows())
    assert (rows is out or np.array_equal(rows, out)) == tied
    expected = FUNCTIONS[activation](inputs @ rows @ out.T + np.arange(5) / 10 - 0.2)
    np.testing.assert_allclose(np.asarray(model(jnp.asarray(inputs))), expected, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "abs", "gelu", "linear"])
@pytest.mark.parametrize(("features", "probability"), [(2, 0.3), (2, 1.0), (3, 0.1)])
def test_the_expected_loss(activation: str, features: int, probability: float) -> None:
    rows, out = _weights(features, 2)
    gram, bias = out @ rows.T, np.linspace(-0.3, 0.2, features)
    points = 2000 if features == 2 else 160
    expected = _expected(activation, gram, bias, probability, points)
    found = expected_loss.errors(
        activation, jnp.asarray(gram, jnp.float32), jnp.asarray(bias, jnp.float32), probability
    )
    # Midpoints of width h are off by h²/24 times second derivatives of a few units; the rule of
    # three features by 2e-5 of the loss, as measured against one of sixty nodes.
    np.testing.assert_allclose(np.asarray(found), expected, rtol=5e-5, atol=2 / points**2)


def test_one_feature_has_no_others() -> None:
    found = expected_loss.errors("relu", jnp.array([[0.5]]), jnp.array([0.1]), jnp.float32(1))
    # ∫ (x/2 - 0.1)² dx.
    np.testing.assert_allclose(np.asarray(found), [1 / 12 - 0.05 + 0.01], rtol=1e-5)
    # Lines that are never positive, and one that is 0 throughout.
    for own, hidden in ((0.5, -1.0), (-0.5, -0.1), (0.0, 0.0)):
        found = expected_loss.ERRORS["relu"](
            jnp.float32(own), jnp.float32(hidden), jnp.float32(0.25)
        )
        np.testing.assert_allclose(float(found), 0.25 / 3, rtol=1e-6)


def test_rules_integrate_polynomials() -> None:
    for count in range(1, expected_loss.LARGEST + 1):
        inputs, weights, active = expected_loss.rule(count)
        assert inputs.shape == (len(weights), count - 1)
        np.testing.assert_array_equal((inputs > 0).sum(axis=1), active)
        for on in range(count):
            here = active == on
            # Every pattern has the weight of a cube; the mean of x² is 1/3 on each side that is on.
            np.testing.assert_allclose(weights[here].sum(), math.comb(count - 1, on), rtol=1e-5)
            square = (weights[here, None] * inputs[here] ** 2).sum()
            np.testing.assert_allclose(square, math.comb(count - 1, on) * on / 3, rtol=1e-5)


def test_the_gradient_is_that_of_the_expected_loss() -> None:
    rows, _ = _weights(2, 1)
    bias = np.array([0.05, -0.1])

    def loss(weights: Rows) -> float:
        return float(_expected("relu", weights @ weights.T, bias, 0.4, 1000).sum())

    def ours(weights: jax.Array) -> jax.Array:
        gram = jnp.matmul(weights, weights.T, precision="highest")
        return jnp.sum(expected_loss.errors("relu", gram, jnp.asarray(bias, jnp.float32), 0.4))

    found = np.asarray(jax.grad(ours)(jnp.asarray(rows, jnp.float32)))
    for place in ((0, 0), (1, 0)):
        shift = np.zeros((2, 1))
        shift[place] = 1e-3
        slope = (loss(rows + shift) - loss(rows - shift)) / 2e-3
        # Central differences: h² times third derivatives of a few units; midpoints as before.
        np.testing.assert_allclose(found[place], slope, atol=3e-5)


@pytest.mark.parametrize("probability", [0.1, 1.0])
def test_samples(probability: float) -> None:
    found = np.asarray(
        toy_autoencoder.sample(jax.random.key(5), jnp.float32(probability), 3, 40_000), np.float64
    )
    size = found.size
    on = (found > 0).mean()
    assert abs(on - probability) <= 5 * math.sqrt(probability * (1 - probability) / size) + 1e-4
    values = found[found > 0]
    # Moments of a uniform variable; variances 1/12 and 4/45.
    assert abs(values.mean() - 1 / 2) < 5 * math.sqrt(1 / 12 / len(values))
    assert abs((values**2).mean() - 1 / 3) < 5 * math.sqrt(4 / 45 / len(values))
    correlation = float(np.corrcoef(found[0], found[1]).ravel()[1])
    assert abs(correlation) < 5 / math.sqrt(found.shape[1])


def test_sampled_and_exact_losses_agree() -> None:
    keys = training.member_keys(jax.random.key(1), 2)
    given = settings(2, probability=[0.2, 0.7], importance=np.ones(4), rate=0.01)
    exact = ToyTask(4, 2, steps=4)
    drawn = ToyTask(4, 2, steps=4, exact=False, batch=512)
    states = training.ensemble(keys, exact, given)
    sure = toy_autoencoder.evaluate(states, exact, 1)
    singles = []
    for place in range(20):
        # Other keys: other batches, of which the spread is seen.
        keyed = states._replace(key=training.member_keys(jax.random.key(10 + place), 2))
        singles.append(np.asarray(toy_autoencoder.evaluate(keyed, drawn, 1), np.float64))
    error = np.std(singles, axis=0, ddof=1) / 10
    mean = toy_autoencoder.evaluate(states, drawn, 100)
    # A spread from 20 batches is itself off by a sixth: six standard errors.
    assert float(np.max(np.abs(mean - sure) / error)) < 6
    assert float(np.max(np.abs(np.mean(singles, axis=0) - sure) / error)) < 6 * math.sqrt(5)
    # The loss weighs them.
    model = training.module(jax.tree.map(lambda leaf: leaf[0], states), exact)
    weighed = given._replace(importance=jnp.array([0.0, 2, 0, 1]), probability=given.probability[0])
    np.testing.assert_allclose(
        float(exact.loss(model, jax.random.key(0), weighed)), 2 * sure[0, 1] + sure[0, 3], rtol=1e-5
    )


def test_members_do_not_depend_on_the_ensemble() -> None:
    for task in (
        ToyTask(3, 2, steps=20),
        ToyTask(6, 2, steps=20, exact=False, batch=64, activation="gelu", tied=False),
    ):
        found = []
        for count in (5, 2):
            given = settings(
                count,
                probability=np.linspace(0.1, 0.9, 5)[:count],
                importance=np.ones(task.features),
                rate=0.02,
            )
            states = training.ensemble(training.member_keys(jax.random.key(2), count), task, given)
            states, _ = training.advance_all(states, task, 2, 5)
            found.append(np.asarray(states.params["vectors"][...])[:2])
        np.testing.assert_array_equal(found[0], found[1])


def test_training_finds_an_antipodal_pair_or_the_first_feature() -> None:
    # Far on either side of p* = 4I/(2+5I) = 0.44, the two losses to leading order.
    task = ToyTask(2, 1, steps=800, observed="weights")
    given = settings(16, probability=np.repeat([0.1, 0.9], 8), importance=[1, 0.5], rate=0.02)
    keys = training.member_keys(jax.random.key(6), 16)
    states, trace = training.advance_all(training.ensemble(keys, task, given), task, 4, 200)
    errors = toy_autoencoder.evaluate(states, task, 1)
    losses = np.asarray(errors) @ [1, 0.5]
    rows = np.asarray(states.params["vectors"][...])[:, :, 0]
    sparse, dense = int(losses[:8].argmin()), 8 + int(losses[8:].argmin())
    # To leading order; the free bias and length lower it by a tenth at most.
    np.testing.assert_allclose(losses[sparse], 1.5 * 0.1**2 / 6, rtol=0.1)
    assert rows[sparse, 0] * rows[sparse, 1] < -0.8
    np.testing.assert_allclose(losses[dense], 0.5 * (0.9 / 3 - 0.81 / 4), rtol=1e-3)
    np.testing.assert_allclose(np.abs(rows[dense]), [1, 0], atol=0.02)
    assert trace["vectors"].shape == (16, 4, 2, 1)
    np.testing.assert_array_equal(np.asarray(trace["vectors"])[:, -1, :, 0], rows)
    assert trace["bias"].shape == (16, 4, 2)


def test_the_rate_falls_in_the_second_half() -> None:
    # Adam's first step is the rate; the schedule is seen through a constant gradient.
    for level, expected in ((False, [1.0, 1.0, 1.0, 0.5]), (True, [1.0] * 4)):
        rule = ToyTask(1, 1, steps=4, level=level).optimiser(
            settings(1, probability=1, importance=[1], rate=0.1)._replace(rate=jnp.float32(0.1))
        )
        memory, moves = rule.init(jnp.zeros(())), []
        for _ in range(4):
            move, memory = rule.update(jnp.ones(()), memory)
            moves.append(float(move) / -0.1)
        np.testing.assert_allclose(moves, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"features": 0}, "sizes of `ToyTask` must be at least 1"),
        ({"batch": 0}, "sizes of `ToyTask` must be at least 1"),
        ({"activation": "tanh"}, "`activation` must be one of relu, gelu, linear, abs"),
        ({"observed": "all"}, "`observed` must be one of nothing, norm, weights"),
        ({"features": 7}, "`exact` takes at most 6 features, or a linear output; got 7 and 'relu'"),
    ],
)
def test_refusals(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ToyTask(**({"features": 3, "dim": 2, "steps": 5} | words))
    assert ToyTask(50, 2, steps=5, activation="linear").workspace == 4 * 50**2
    with pytest.raises(ValueError, match="at most 6 features; got 7"):
        expected_loss.errors("relu", jnp.eye(7), jnp.zeros(7), jnp.float32(0.5))
