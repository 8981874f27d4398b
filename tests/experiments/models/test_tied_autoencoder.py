"""The toy model: its output, its training as a pure function, superposition learned."""

from __future__ import annotations

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.models import training
from experiments.models.tied_autoencoder import Config, TiedAutoencoder, train

SMALL = Config(features=12, dim=4, probability=0.05, steps=600, batch=128)


def test_the_output() -> None:
    model = TiedAutoencoder(5, 2, rngs=nnx.Rngs(jax.random.key(0)))
    model.bias[...] = jnp.arange(5) / 10 - 0.2
    inputs = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    vectors = np.asarray(model.vectors[...], np.float64)
    expected = np.maximum(inputs @ vectors @ vectors.T + np.arange(5) / 10 - 0.2, 0)
    np.testing.assert_allclose(np.asarray(model(jnp.asarray(inputs))), expected, atol=1e-5)


def test_training_finds_superposition() -> None:
    vectors, loss = train(jax.random.key(1), SMALL)
    # The best linear model keeps d of n features and loses the rest: (n - d) p / 3 and more.
    assert loss < 0.8 * (12 - 4) * 0.05 / 3
    norms = np.linalg.norm(np.asarray(vectors), axis=1)
    # The loss is that of the model on data of its own kind: 20 batches of 128 against 100.
    state, _ = training.train(jax.random.key(1), SMALL, (), 1, SMALL.steps)
    model = training.module(state, SMALL)
    np.testing.assert_allclose(np.asarray(model.vectors[...]), np.asarray(vectors), atol=1e-5)
    fresh = [float(SMALL.loss(model, key, ())) for key in jax.random.split(jax.random.key(2), 100)]
    error = float(np.std(fresh)) * (1 / 20 + 1 / 100) ** 0.5
    assert abs(float(loss) - np.mean(fresh)) < 4 * error
    # More features than dimensions are represented.
    assert (norms > 0.5).sum() > 4


def test_training_is_a_pure_function(caplog: pytest.LogCaptureFixture) -> None:
    short = Config(features=6, dim=2, steps=5, batch=8)

    def compiled(seed: int) -> int:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            train(jax.random.key(seed), short)
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(0) > 0
    assert compiled(1) == 0
    one, two = (np.asarray(train(jax.random.key(3), short)[0]) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    # An ensemble's member is the model that its key trains alone.
    together = jax.vmap(lambda key: train(key, short)[0])(jax.random.split(jax.random.key(4), 3))
    alone = train(jax.random.split(jax.random.key(4), 3)[1], short)[0]
    np.testing.assert_allclose(np.asarray(together)[1], np.asarray(alone), atol=1e-5)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^sizes of `Config` must be at least 1; got "):
        Config(features=0, dim=2)
    with pytest.raises(ValueError, match=r"^`probability` must lie in \(0, 1\]; got 0\.0\.$"):
        Config(features=3, dim=2, probability=0.0)
    with pytest.raises(ValueError, match=r"^`rate` must be positive; got 0\.0\.$"):
        Config(features=3, dim=2, rate=0.0)
