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

__all__ = ["Config", "TiedAutoencoder", "train"]


@dataclass(frozen=True)
class Config:
    """Sizes and training.

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


def train(key: Array, config: Config) -> tuple[Array, Array]:
    """Return the trained W `[n, d]` and the loss at each step `[steps]`.

    The loss is the squared error summed over features, mean over the batch.  A pure function of the
    key: `jax.vmap` over keys trains an ensemble.
    """
    vectors, losses = _train(key, config)
    return vectors, losses


@partial(jax.jit, static_argnums=1)
def _train(key: Array, config: Config) -> tuple[Array, Array]:
    starting, feeding = jax.random.split(key)
    model = TiedAutoencoder(config.features, config.dim, rngs=nnx.Rngs(starting))
    graph, start = nnx.split(model)
    optimiser = optax.adam(optax.cosine_decay_schedule(config.rate, config.steps))

    def loss(state: Any, inputs: Array) -> Array:
        restored = nnx.merge(graph, state)(inputs)
        return jnp.mean(jnp.sum((restored - inputs) ** 2, axis=1))

    def step(carry: tuple[Any, Any], place: Array) -> tuple[tuple[Any, Any], Array]:
        state, memory = carry
        choosing, sizing = jax.random.split(jax.random.fold_in(feeding, place))
        shape = (config.batch, config.features)
        on = jax.random.bernoulli(choosing, config.probability, shape)
        inputs = jnp.where(on, jax.random.uniform(sizing, shape), 0)
        value, slope = jax.value_and_grad(loss)(state, inputs)
        change, memory = optimiser.update(slope, memory, state)
        return (optax.apply_updates(state, change), memory), value

    begin = (start, optimiser.init(start))
    (end, _), losses = jax.lax.scan(step, begin, jnp.arange(config.steps))
    return nnx.merge(graph, end).vectors[...], losses
