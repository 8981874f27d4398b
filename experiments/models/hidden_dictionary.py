"""Sparse autoencoders on the hidden layer of a trained feature decoder.

Inputs are s·h(x), h = relu(W Pᵀx + b) the layer's activations on fresh features
(`feature_decoder`), scaled so that their mean square is that of the features.  A ReLU takes the
factor s to its weights: a layer is kept with s in W and b.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from experiments.models import feature_decoder, toy_autoencoder, training
from experiments.models.dictionary_learning import DictionaryTask, Setting
from experiments.models.feature_decoder import FeatureDecoderTask
from experiments.models.training import State
from geometry.products import product

__all__ = ["HiddenDictionaryTask", "Layer", "Reading", "directions", "layer", "read"]

_NODES = 64


class Layer(NamedTuple):
    """P `[N, d]`, s·W `[k, d]` and s·b `[k]`; `scale` is s."""

    projection: Array
    reader: Array
    bias: Array
    scale: Array

    def activations(self, inputs: Array) -> Array:
        """Return s·h `[b, k]` of features `[N, b]`."""
        seen = product(self.projection.T, inputs)
        return jax.nn.relu(product(self.reader, seen) + self.bias[:, None]).T


@dataclass(frozen=True)
class HiddenDictionaryTask(DictionaryTask):
    """As a `DictionaryTask` whose setting's source is a `Layer`, and its dictionary `directions`.

    Of the law only N and the mean number on count; features are on with a probability, and then
    uniform on [0, 1].
    """

    def inputs(self, key: Array, setting: Setting) -> Array:
        """Return a batch of the layer's activations.  Shape `[batch, k]`."""
        chance = jnp.float32(self.law.active / self.law.features)
        features = toy_autoencoder.sample(key, chance, self.law.features, self.batch)
        found: Array = setting.source.activations(features)
        return found


@partial(jax.jit, static_argnames=("task", "batches"))
def layer(states: State, task: FeatureDecoderTask, batches: int) -> Layer:
    """Return the layers of trained members, leaves `[b, ...]`, scaled on samples not trained on.

    Raises ValueError unless they are of ReLUs.
    """
    if task.activation != "relu":
        raise ValueError(f"`task` must have ReLUs, which take a scale; got {task.activation!r}.")

    def one(state: State) -> Layer:
        model = training.module(state, task)

        def batch(total: Array, place: Array) -> tuple[Array, None]:
            inputs = feature_decoder.fresh(state, task, place)
            return total + jnp.stack([jnp.sum(inputs**2), jnp.sum(model.hidden(inputs) ** 2)]), None

        total, _ = jax.lax.scan(batch, jnp.zeros(2), jnp.arange(batches, dtype="uint32"))
        # A layer that is never on stays as it is.
        scale = jnp.sqrt(total[0] / jnp.where(total[1] > 0, total[1], total[0]))
        return Layer(
            model.projection[...], scale * model.reader[...], scale * model.bias[...], scale
        )

    found: Layer = jax.lax.map(one, states)
    return found


def directions(one: Layer) -> NDArray[np.float64]:
    """Return what each feature alone adds to the layer for each unit of it.  Shape `[N, k]`.

    A feature at a adds h(a) - h(0), which bends where units switch on; w_i is the straight line
    that fits it best over a uniform on [0, 1]: E[a (h(a) - h(0))]/E[a²].
    """
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    sizes, weights = (places + 1) / 2, weights / 2
    values = np.asarray(one.reader, np.float64) @ np.asarray(one.projection, np.float64).T
    bias = np.asarray(one.bias, np.float64)[:, None]
    total = np.zeros(values.shape)
    for size, weight in zip(sizes, weights, strict=True):
        added = np.maximum(size * values + bias, 0) - np.maximum(bias, 0)
        total += weight * size * added
    return np.asarray(3 * total.T, np.float64)


class Reading(NamedTuple):
    """What an autoencoder makes of a layer, over fresh samples.

    - `error`: mean |x - x̂|² of the model with ĥ in place of h.
    - `unexplained`: sum |h - ĥ|² over sum |h - mean h|².
    - `active`: latents that are on, in the mean; `fires` `[m]`: how often each was.
    - `responses` `[m, N]`: the latents on each feature alone, at 1.
    - `effects` `[m]`: how far a unit of each latent moves the output.
    """

    error: Array
    unexplained: Array
    active: Array
    fires: Array
    responses: Array
    effects: Array


@partial(jax.jit, static_argnames=("task", "decoder", "batches"))
def read(
    states: State,
    task: HiddenDictionaryTask,
    models: State,
    decoder: FeatureDecoderTask,
    batches: int,
) -> Reading:
    """Return the readings of autoencoders `states` on `models`, one each; leaves `[b, ...]`.

    Samples are those on which `feature_decoder.evaluate` measures the models.
    """

    def one(pair: tuple[State, State]) -> Reading:
        state, owner = pair
        model, layer_ = training.module(owner, decoder), state.setting.source
        autoencoder = training.module(state, task)

        def batch(total: tuple[Array, ...], place: Array) -> tuple[tuple[Array, ...], None]:
            inputs = feature_decoder.fresh(owner, decoder, place)
            hidden = layer_.activations(inputs)
            codes = autoencoder.codes(hidden, state.setting.sparsity)
            restored = autoencoder.decoded(codes)
            output = model.restored(restored.T / layer_.scale)
            found = (
                jnp.sum((output - inputs) ** 2),
                jnp.sum((hidden - restored) ** 2),
                jnp.sum(hidden, axis=0),
                jnp.sum(hidden**2),
                jnp.sum(codes > 0, axis=1),
            )
            return tuple(a + b for a, b in zip(total, found, strict=True)), None

        units, latents = task.dim, task.latents
        blank = jnp.float32(0)
        start: tuple[Array, ...] = (
            blank,
            blank,
            jnp.zeros(units),
            blank,
            jnp.zeros(latents, jnp.int32),
        )
        sums, _ = jax.lax.scan(batch, start, jnp.arange(batches, dtype="uint32"))
        count = batches * decoder.batch
        spread = sums[3] - jnp.sum(sums[2] ** 2) / count
        alone = layer_.activations(jnp.eye(decoder.features))
        moves = product(autoencoder.decoder[...], model.writer[...]) / layer_.scale
        return Reading(
            sums[0] / count,
            sums[1] / spread,
            jnp.sum(sums[4]) / count,
            sums[4],
            autoencoder.codes(alone, state.setting.sparsity),
            jnp.sqrt(jnp.sum(moves**2, axis=1)),
        )

    found: Reading = jax.lax.map(one, (states, models))
    return found
