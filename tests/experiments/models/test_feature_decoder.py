"""The feature decoder and autoencoders on its layer, against plain sums in float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.models import feature_decoder, hidden_dictionary, toy_autoencoder
from experiments.models.feature_decoder import FeatureDecoder, FeatureDecoderTask
from experiments.models.hidden_dictionary import Layer

Floats = NDArray[np.float64]


def plain(activation: str, held: dict[str, Floats], inputs: Floats) -> tuple[Floats, Floats]:
    """h and x̂ of features `[b, N]`, sample by sample."""
    layers, outputs = [], []
    for x in inputs:
        values = held["reader"] @ (held["projection"].T @ x) + held["bias"]
        if activation == "relu":
            hidden = np.maximum(values, 0)
        else:
            hidden = len(values) * values * np.exp(values) / np.exp(values).sum()
        layers.append(hidden)
        outputs.append(held["writer"].T @ hidden)
    return np.array(layers), np.array(outputs)


def test_output_and_responses() -> None:
    inputs = np.random.default_rng(1).random((4, 6))

    @jax.jit
    def made(x: Any) -> Any:
        found = {}
        for name, hidden in (("relu", 5), ("solu", 4)):
            model = FeatureDecoder(jax.random.key(0), 6, 3, hidden, name, jnp.float32(-0.3))
            layer, alone = model.hidden(x), model.responses()
            names = ("projection", "reader", "bias", "writer")
            weights = {name: getattr(model, name)[...] for name in names}
            found[name] = (weights, layer, model.restored(layer), alone, model.living(alone))
        return found

    found = made(jnp.asarray(inputs.T, jnp.float32))
    for activation, (weights, hidden, restored, alone, living) in found.items():
        held = {name: np.asarray(value, np.float64) for name, value in weights.items()}
        np.testing.assert_allclose(np.linalg.norm(held["projection"], axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(held["bias"], np.float32(-0.3))
        layers, outputs = plain(activation, held, inputs)
        np.testing.assert_allclose(hidden.T, layers, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(restored.T, outputs, rtol=1e-4, atol=1e-5)
        single, _ = plain(activation, held, np.eye(6))
        np.testing.assert_allclose(alone.T, single, rtol=1e-4, atol=1e-5)
        sizes = np.abs(single).max(axis=0) * np.linalg.norm(held["writer"], axis=1)
        np.testing.assert_array_equal(living, sizes > feature_decoder.ALIVE)
    # What differs in width sees the same features in the same way.
    np.testing.assert_array_equal(found["relu"][0]["projection"], found["solu"][0]["projection"])


def test_loss_penalty_and_shrinking_biases() -> None:
    task = FeatureDecoderTask(6, 3, 5, steps=40, batch=64)
    key = jax.random.key(1)

    given = feature_decoder.settings(
        1, probability=0.3, rate=0.0, start=-1.0, penalty=0.5, shrink=2.0
    )

    @jax.jit
    def both(setting: Any) -> Any:
        model = task.model(jax.random.key(2), setting)
        params = {"bias": model.bias[...], "writer": model.writer[...]}
        optimiser = task.optimiser(setting)
        memory = optimiser.init(params)
        slope = jax.tree.map(jnp.ones_like, params)

        def step(memory: Any, _: None) -> Any:
            change, memory = optimiser.update(slope, memory, params)
            return memory, change

        _, changes = jax.lax.scan(step, memory, length=40)
        inputs = toy_autoencoder.sample(key, setting.probability, 6, 64)
        weights = [getattr(model, name)[...] for name in ("projection", "reader", "bias", "writer")]
        return task.loss(model, key, setting), inputs, weights, changes

    loss, inputs, weights, changes = both(jax.tree.map(lambda leaf: leaf[0], given))
    names = ("projection", "reader", "bias", "writer")
    held = {name: np.asarray(w, np.float64) for name, w in zip(names, weights, strict=True)}
    x = np.asarray(inputs, np.float64).T
    layers, outputs = plain("relu", held, x)
    size = layers @ np.linalg.norm(held["writer"], axis=1)
    expected = ((outputs - x) ** 2).sum(axis=1) + 0.5 * size
    assert layers.max() > 0
    assert float(loss) == pytest.approx(expected.mean(), rel=1e-5)
    # At rate 0 nothing but the shrinking is left: 2/20 of a bias of -1, in the first half alone.
    np.testing.assert_allclose(changes["bias"][:20], 0.1, rtol=1e-6)
    assert not changes["bias"][20:].any()
    assert not changes["writer"].any()


def test_directions_are_lines_through_what_a_feature_adds() -> None:
    generator = np.random.default_rng(0)
    rows, reader, bias = (
        generator.standard_normal(shape).astype(np.float32) for shape in ((4, 2), (5, 2), (5,))
    )

    def found_of(biases: Any) -> Floats:
        held = (jnp.asarray(part) for part in (rows, reader, biases, np.float32(1)))
        return hidden_dictionary.directions(Layer(*held))

    found = found_of(bias)
    sizes = (np.arange(20_000) + 0.5) / 20_000
    for row, direction in zip(rows.astype(np.float64), found, strict=True):
        values = np.outer(sizes, reader @ row) + bias
        added = np.maximum(values, 0) - np.maximum(bias, 0)
        np.testing.assert_allclose(
            direction, (sizes[:, None] * added).sum(axis=0) / (sizes**2).sum(), atol=1e-3
        )
    # Without biases the line is exact: where a unit is on, its value.
    bare = found_of(0 * bias)
    np.testing.assert_allclose(bare, np.maximum(rows @ reader.T, 0), rtol=1e-5, atol=1e-7)


def test_only_relus_take_a_scale() -> None:
    with pytest.raises(ValueError, match="`task` must have ReLUs, which take a scale; got 'solu'"):
        hidden_dictionary.layer(None, FeatureDecoderTask(4, 2, 4, 10, "solu"), 1)
    with pytest.raises(ValueError, match="`activation` must be one of relu, solu; got 'tanh'"):
        FeatureDecoderTask(4, 2, 4, 10, "tanh")
    with pytest.raises(ValueError, match="sizes of `FeatureDecoderTask` must be at least 1"):
        FeatureDecoderTask(4, 2, 0, 10)
