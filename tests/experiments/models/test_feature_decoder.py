"""The feature decoder and autoencoders on its layer, against plain sums in float64."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.models import feature_decoder, hidden_dictionary, training
from experiments.models.feature_decoder import FeatureDecoder, FeatureDecoderTask
from experiments.models.hidden_dictionary import Layer

Floats = NDArray[np.float64]


def _weights(model: Any) -> dict[str, Floats]:
    names = ("projection", "reader", "bias", "writer")
    return {name: np.asarray(getattr(model, name)[...], np.float64) for name in names}


def _plain(activation: str, held: dict[str, Floats], inputs: Floats) -> tuple[Floats, Floats]:
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


@pytest.mark.parametrize("activation", ["relu", "solu"])
def test_output_and_responses(activation: str) -> None:
    model = FeatureDecoder(jax.random.key(0), 6, 3, 5, activation, jnp.float32(-0.3))
    held = _weights(model)
    other = FeatureDecoder(jax.random.key(0), 6, 3, 7, activation, jnp.float32(0))
    # What differs in width sees the same features in the same way.
    np.testing.assert_array_equal(other.projection[...], model.projection[...])
    np.testing.assert_allclose(np.linalg.norm(held["projection"], axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(held["bias"], np.float32(-0.3))
    inputs = np.random.default_rng(1).random((4, 6))
    hidden = model.hidden(jnp.asarray(inputs.T, jnp.float32))
    layers, outputs = _plain(activation, held, inputs)
    np.testing.assert_allclose(np.asarray(hidden).T, layers, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.asarray(model.restored(hidden)).T, outputs, rtol=1e-4, atol=1e-5)
    alone, _ = _plain(activation, held, np.eye(6))
    np.testing.assert_allclose(np.asarray(model.responses()).T, alone, rtol=1e-4, atol=1e-5)
    sizes = np.abs(alone).max(axis=0) * np.linalg.norm(held["writer"], axis=1)
    np.testing.assert_array_equal(
        np.asarray(model.living(model.responses())), sizes > feature_decoder.ALIVE
    )


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
        inputs = feature_decoder.toy_autoencoder.sample(key, setting.probability, 6, 64)
        weights = [getattr(model, name)[...] for name in ("projection", "reader", "bias", "writer")]
        return task.loss(model, key, setting), inputs, weights, changes

    loss, inputs, weights, changes = both(jax.tree.map(lambda leaf: leaf[0], given))
    names = ("projection", "reader", "bias", "writer")
    held = {name: np.asarray(w, np.float64) for name, w in zip(names, weights, strict=True)}
    x = np.asarray(inputs, np.float64).T
    layers, outputs = _plain("relu", held, x)
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
    found = hidden_dictionary.directions(Layer(rows, reader, bias, np.float32(1)))
    sizes = (np.arange(20_000) + 0.5) / 20_000
    for row, direction in zip(rows.astype(np.float64), found, strict=True):
        values = np.outer(sizes, reader @ row) + bias
        added = np.maximum(values, 0) - np.maximum(bias, 0)
        np.testing.assert_allclose(
            direction, (sizes[:, None] * added).sum(axis=0) / (sizes**2).sum(), atol=1e-3
        )
    # Without biases the line is exact: where a unit is on, its value.
    bare = hidden_dictionary.directions(Layer(rows, reader, 0 * bias, np.float32(1)))
    np.testing.assert_allclose(bare, np.maximum(rows @ reader.T, 0), rtol=1e-5, atol=1e-7)


def test_only_relus_take_a_scale() -> None:
    with pytest.raises(ValueError, match="`task` must have ReLUs, which take a scale; got 'solu'"):
        hidden_dictionary.layer(None, FeatureDecoderTask(4, 2, 4, 10, "solu"), 1)
    with pytest.raises(ValueError, match="`activation` must be one of relu, solu; got 'tanh'"):
        FeatureDecoderTask(4, 2, 4, 10, "tanh")
    with pytest.raises(ValueError, match="sizes of `FeatureDecoderTask` must be at least 1"):
        FeatureDecoderTask(4, 2, 0, 10)


def test_an_autoencoder_is_read_on_the_samples_of_its_model() -> None:
    from experiments.models import dictionary_learning
    from experiments.models.hidden_dictionary import HiddenDictionaryTask
    from experiments.models.synthetic_activations import ActivationLaw

    decoder = FeatureDecoderTask(6, 3, 5, steps=40, batch=64)
    keys = training.member_keys(jax.random.key(0), 2)
    models = training.ensemble(
        keys, decoder, feature_decoder.settings(2, probability=0.3, rate=0.01)
    )
    made = hidden_dictionary.layer(models, decoder, 3)
    task = HiddenDictionaryTask(
        ActivationLaw(6, 1.8, "independent"), 5, 4, "topk", slots=2, batch=16
    )
    given = dictionary_learning.settings(
        np.ones((2, 6, 5)), sparsity=2, rate=0.01, steps=10, source=made
    )
    states = training.ensemble(training.member_keys(jax.random.key(1), 2), task, given)
    reading = hidden_dictionary.read(states, task, models, decoder, 3)
    losses, _, _ = feature_decoder.evaluate(models, decoder, 3)
    held = _weights(training.module(training.member(models, 1), decoder))
    fresh = jax.jit(feature_decoder.fresh, static_argnums=1)
    x = np.concatenate(
        [fresh(training.member(models, 1), decoder, np.uint32(place)).T for place in range(3)]
    ).astype(np.float64)
    layers, outputs = _plain("relu", held, x)
    assert float(losses[1]) == pytest.approx(((outputs - x) ** 2).sum(axis=1).mean(), rel=1e-5)
    scale = np.sqrt((x**2).sum() / (layers**2).sum())
    assert float(made.scale[1]) == pytest.approx(scale, rel=1e-5)
    rows = np.asarray(states.params["decoder"][...][1], np.float64)

    def chosen(hidden: Floats) -> Floats:
        values = np.maximum(hidden @ rows.T, 0)
        found = np.zeros_like(values)
        for sample, line in enumerate(values):
            best = np.argsort(-line)[:2]
            found[sample, best] = line[best]
        return found

    f = chosen(scale * layers)
    restored = f @ rows
    error = ((restored @ held["writer"] / scale - x) ** 2).sum(axis=1).mean()
    assert float(reading.error[1]) == pytest.approx(error, rel=1e-4)
    spread = ((scale * layers - scale * layers.mean(axis=0)) ** 2).sum()
    left = ((scale * layers - restored) ** 2).sum() / spread
    assert float(reading.unexplained[1]) == pytest.approx(left, rel=1e-4)
    np.testing.assert_array_equal(np.asarray(reading.fires[1]), (f > 0).sum(axis=0))
    alone, _ = _plain("relu", held, np.eye(6))
    np.testing.assert_allclose(reading.responses[1].T, chosen(scale * alone), atol=1e-5)
    np.testing.assert_allclose(
        reading.effects[1], np.linalg.norm(rows @ held["writer"] / scale, axis=1), rtol=1e-5
    )
