"""The toy model of superposition: a tied autoencoder with a ReLU on its output.

x̂ = ReLU(W Wᵀ x + b) with W `[n, d]`, trained to restore sparse x `[n]` through d < n numbers
(Elhage et al. 2022, "Toy models of superposition"; their W is the transpose).  Rows of W are the
directions that the model gives to its features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

from experiments.models import training

__all__ = ["Config", "TiedAutoencoder", "train"]

_BATCHES = 20


@dataclass(frozen=True)
class Config:
    """Sizes and training; a `training.Task` whose setting is empty.

    Each of `features` is on with probability `probability`, uniform on [0, 1] then; `steps` steps
    of Adam at `rate` on batches of `batch`, the rate falling to zero along a cosine.
    """

    features: int
    dim: int
    probability: float = 0.004
    steps: int = 400
    batch: int = 128
    rate: float = 1e-2

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if min(self.features, self.dim, self.steps, self.batch) < 1:
            raise ValueError(f"sizes of `Config` must be at least 1; got {self}.")
        if not 0 < self.probability <= 1:
            raise ValueError(f"`probability` must lie in (0, 1]; got {self.probability}.")
        if not self.rate > 0:
            raise ValueError(f"`rate` must be positive; got {self.rate}.")

    def model(self, key: Array, setting: Any) -> TiedAutoencoder:
        """Return the model at its start."""
        return TiedAutoencoder(self.features, self.dim, rngs=nnx.Rngs(key))

    def loss(self, model: TiedAutoencoder, key: Array, setting: Any) -> Array:
        """Return the squared error summed over features, mean over a fresh batch."""
        choosing, sizing = jax.random.split(key)
        shape = (self.batch, self.features)
        on = jax.random.bernoulli(choosing, self.probability, shape)
        inputs = jnp.where(on, jax.random.uniform(sizing, shape), 0)
        return jnp.mean(jnp.sum((model(inputs) - inputs) ** 2, axis=1))

    def optimiser(self, setting: Any) -> optax.GradientTransformation:
        """Return Adam with a rate that falls to zero."""
        return optax.adam(optax.cosine_decay_schedule(self.rate, self.steps))

    def observe(self, model: TiedAutoencoder) -> dict[str, Array]:
        """Return nothing: only the end counts."""
        return {}


class TiedAutoencoder(nnx.Module):
    """x̂ = ReLU(W Wᵀ x + b), on batches `[b, n]`."""

    def __init__(self, features: int, dim: int, *, rngs: nnx.Rngs) -> None:
        """Rows of W start as normal vectors of mean squared length 1, b as zeros."""
        start = jax.random.normal(rngs.params(), (features, dim)) / jnp.sqrt(dim)
        self.vectors = nnx.Param(start)
        self.bias = nnx.Param(jnp.zeros(features))

    def __call__(self, inputs: Array) -> Array:
        """Return the restored features.  Shape `[b, n]`."""
        vectors = self.vectors[...]
        return jax.nn.relu(inputs @ vectors @ vectors.T + self.bias[...][None, :])


@partial(jax.jit, static_argnums=1)
def train(key: Array, config: Config) -> tuple[Array, Array]:
    """Return the trained W `[n, d]` and its loss, the mean over 20 fresh batches.

    A pure function of the key: `jax.vmap` over keys trains an ensemble.
    """
    state, _ = training.train(key, config, (), 1, config.steps)
    model = training.module(state, config)
    later = config.steps + jnp.arange(_BATCHES)
    fresh = jax.vmap(partial(jax.random.fold_in, state.key))(later)
    losses = jax.vmap(lambda one: config.loss(model, one, ()))(fresh)
    return model.vectors[...], jnp.mean(losses)
