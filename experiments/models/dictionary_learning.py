"""Training sparse autoencoders on activations whose features are known.

A member has its own dictionary `[n, d]`, start and samples; sparsity, rate and length may differ
between members.  Adam with gradients clipped to length 1; the rate stays as it is, and falls to 0
along a line in the last part of the steps if asked to; the pressure to be sparse grows from none to
all over the first part.  What a step minimises says the architecture (`models.autoencoders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike

from experiments.models import synthetic_activations, training
from experiments.models.autoencoders import ARCHITECTURES
from experiments.models.autoencoders.base import Pressure, SparseAutoencoder
from experiments.models.synthetic_activations import ActivationLaw
from experiments.models.training import State
from geometry.products import product

__all__ = ["DictionaryTask", "Moments", "Setting", "best_cosines", "firing", "moments", "settings"]


class Setting(NamedTuple):
    """What may differ between members that train together.

    The dictionary `[n, d]`; sparsity, a penalty's weight or k; the learning rate; how many steps
    there are; over which share of them the pressure to be sparse grows, and over which, at the end,
    the rate falls; what else a task makes its activations from, if anything.
    """

    dictionary: Array
    sparsity: Array
    rate: Array
    steps: Array
    growth: Array
    fall: Array
    source: Any = None


def settings(
    dictionaries: ArrayLike,
    *,
    sparsity: ArrayLike,
    rate: ArrayLike,
    steps: ArrayLike,
    growth: ArrayLike = 0.0,
    fall: ArrayLike = 0.0,
    source: Any = None,
) -> Setting:
    """Return settings for members with `dictionaries` `[b, n, d]`; the others one or `[b]`.

    Leaves of `source` are `[b, ...]`.
    """
    rows = jnp.asarray(dictionaries, jnp.float32)
    column = partial(training.column, count=len(rows))
    return Setting(
        rows,
        column(sparsity),
        column(rate),
        column(steps),
        column(growth),
        column(fall),
        source,
    )


@dataclass(frozen=True)
class DictionaryTask:
    """The law of the activations, the autoencoder's size and kind.

    `slots` is the most latents that are active in a sample where their number is fixed; training
    begins with that many.  A latent silent for more than `window` steps is dead, and cared for by
    the auxiliary loss where the architecture has one; 0 for no care.  Decoder rows start `norm`
    long; `weighed`: latents are chosen by activation times decoder length, or else by it alone.
    """

    law: ActivationLaw
    dim: int
    latents: int
    architecture: str = "topk"
    slots: int = 8
    batch: int = 1024
    window: int = 0
    norm: float = 1.0
    weighed: bool = True

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if min(self.dim, self.latents, self.slots, self.batch) < 1:
            raise ValueError(f"sizes of `DictionaryTask` must be at least 1; got {self}.")
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f"`architecture` must be one of {', '.join(ARCHITECTURES)}; got "
                f"{self.architecture!r}."
            )
        if self.slots > self.latents:
            raise ValueError(
                f"`slots` must be at most the latents, {self.latents}; got {self.slots}."
            )

    @property
    def workspace(self) -> int:
        """Bytes of the largest array that a member's step works on."""
        return 4 * self.batch * self.latents

    @property
    def branches(self) -> bool:
        """A step without dead latents leaves their loss out; and a batch fills both cores."""
        return True

    def model(self, key: Array, setting: Setting) -> SparseAutoencoder:
        """Return the model at its start."""
        kind = ARCHITECTURES[self.architecture]
        model = kind(self.latents, self.dim, self.slots, norm=self.norm, rngs=nnx.Rngs(key))
        model.weighed = self.weighed
        return model

    def inputs(self, key: Array, setting: Setting) -> Array:
        """Return a batch of activations.  Shape `[batch, d]`."""
        found = synthetic_activations.draw(key, self.law, self.batch)
        return synthetic_activations.mix(setting.dictionary, found, self.batch)

    def loss(self, model: SparseAutoencoder, key: Array, setting: Setting) -> Array:
        """Return the architecture's loss of a fresh batch."""
        growing = setting.growth * setting.steps
        share = jnp.where(growing > 0, jnp.minimum(model.done[...] / growing, 1), 1)
        pressure = Pressure(setting.sparsity, share)
        return model.loss(self.inputs(key, setting), pressure, self.window)

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return Adam behind the clipping of gradients."""

        def rate(done: Array) -> Array:
            falling = setting.fall * setting.steps
            left = (setting.steps - done) / jnp.where(falling > 0, falling, 1)
            return setting.rate * jnp.where(falling > 0, jnp.clip(left, 0, 1), 1)

        return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    def observe(self, model: SparseAutoencoder, setting: Setting) -> dict[str, Array]:
        """Return each feature's best cosine `[n]`, the living latents, running means."""
        silent = max(self.window, SILENT)
        living = model.silent[...] <= silent
        return {
            "best": best_cosines(model.decoder[...], setting.dictionary, living),
            "living": jnp.sum(living),
            "error": model.error[...],
            "active": model.active[...],
        }


SILENT = 100
"""Steps after which a latent without activation counts as dead in traces."""


def best_cosines(decoder: Array, dictionary: Array, living: Array) -> Array:
    """Return for each feature the largest cosine with a living latent's row.  Shape `[n]`."""
    norms = jnp.sqrt(jnp.sum(decoder**2, axis=1, keepdims=True))
    units = decoder / jnp.where(norms > 0, norms, 1)
    lengths = jnp.sqrt(jnp.sum(dictionary**2, axis=1, keepdims=True))
    cosines = product(dictionary / lengths, units.T)
    return jnp.max(jnp.where(living, cosines, -1), axis=1)


class Moments(NamedTuple):
    """Sums over a batch of fresh samples.

    - `error`, `inputs` `[d]`, `input_squares` `[d]`: of |x - x̂|², of x, of x².
    - `fires` `[m]`, `codes` `[m]`, `code_squares` `[m]`: of f > 0, f, f².
    - `on` `[n]`, `amplitudes` `[n]`, `amplitude_squares` `[n]`: of a > 0, a, a², the features' true
      amplitudes.
    - `code_products` `[m, n]`, `input_products` `[d, n]`: of f a and of x a.
    """

    error: Array
    inputs: Array
    input_squares: Array
    fires: Array
    codes: Array
    code_squares: Array
    on: Array
    amplitudes: Array
    amplitude_squares: Array
    code_products: Array
    input_products: Array


@partial(jax.jit, static_argnames="task")
def moments(state: State, task: DictionaryTask, place: Array) -> Moments:
    """Return the moments of one member over the `place`-th batch that it was not trained on."""
    model = training.module(state, task)
    inputs, codes, truth = sampled(model, state, task, place)
    left = inputs - model.decoded(codes)
    return Moments(
        jnp.sum(left**2),
        jnp.sum(inputs, axis=0),
        jnp.sum(inputs**2, axis=0),
        jnp.sum(codes > 0, axis=1),
        jnp.sum(codes, axis=1),
        jnp.sum(codes**2, axis=1),
        jnp.sum(truth > 0, axis=0),
        jnp.sum(truth, axis=0),
        jnp.sum(truth**2, axis=0),
        product(codes, truth),
        product(inputs.T, truth),
    )


@partial(jax.jit, static_argnames="task")
def firing(state: State, task: DictionaryTask, place: Array) -> tuple[Array, Array]:
    """Return which latents fire `[batch, m]` and which features are on `[batch, n]`, fresh ones."""
    _, codes, truth = sampled(training.module(state, task), state, task, place)
    return codes.T > 0, truth > 0


def sampled(
    model: SparseAutoencoder, state: State, task: DictionaryTask, place: Array
) -> tuple[Array, Array, Array]:
    """Return fresh inputs `[batch, d]`, their codes `[m, batch]`, true amplitudes `[batch, n]`."""
    key = training.unseen(state.key, place)
    active = synthetic_activations.draw(key, task.law, task.batch)
    inputs = synthetic_activations.mix(state.setting.dictionary, active, task.batch)
    codes = model.codes(inputs, state.setting.sparsity)
    return inputs, codes, synthetic_activations.dense(active, task.law.features, task.batch)
