"""What the sparse autoencoders share: weights, the sums over what is active, what dies.

x̂ = sum_j f_j w_j + b, f_j >= 0: w_j the decoder's rows, f the latents' activations, made from
e_j·(x - b) + c_j by each architecture in its own way.  Inputs are `[batch, d]`; arrays over latents
and samples are `[m, batch]`, a layout in which all five products of a step run at the matrix
product's full rate on a processor.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from experiments.models.training import Untrained
from geometry.products import product

__all__ = ["Pressure", "SparseAutoencoder", "squared_error"]

MEMORY = 0.99
"""Weight of the past in running means."""


class Pressure(NamedTuple):
    """How sparse the latents are to be at this step.

    - `sparsity`: the weight of the penalty, or k, the number active in a sample.
    - `share`: how much of the way there, from 0 at the start to 1.
    """

    sparsity: Array
    share: Array


class SparseAutoencoder(nnx.Module):
    """Weights and counters; architectures say how codes are made and what is minimised.

    `encoder` and `decoder` `[m, d]`, `encoder_bias` `[m]`, `decoder_bias` `[d]`.  Decoder rows
    start in independent directions, `norm` long, encoder rows as the decoder's, biases as 0.
    `silent` `[m]` counts the steps since a latent was active; `done` all steps; `error` and
    `active` are running means of the squared error and of the number of active latents a sample.
    `weighed` says whether latents are chosen by their activation times |w_j|, or by it alone.
    """

    penalised = True
    """Whether sparsity is the weight of a penalty; else the number k of active latents."""

    def __init__(self, latents: int, dim: int, slots: int, *, norm: float, rngs: nnx.Rngs) -> None:
        """`slots`: the most latents that are active in a sample, where their number is fixed."""
        rows = jax.random.normal(rngs.params(), (latents, dim))
        rows = norm * rows / jnp.linalg.norm(rows, axis=1, keepdims=True)
        self.decoder = nnx.Param(rows)
        self.encoder = nnx.Param(rows)
        self.encoder_bias = nnx.Param(jnp.zeros(latents))
        self.decoder_bias = nnx.Param(jnp.zeros(dim))
        self.silent = Untrained(jnp.zeros(latents, jnp.int32))
        self.done = Untrained(jnp.int32(0))
        self.error = Untrained(jnp.float32(0))
        self.active = Untrained(jnp.float32(0))
        self.slots = slots
        self.weighed = True

    def offsets(self) -> Array:
        """Return c_j - e_j·b, what a preactivation has without its input.  Shape `[m]`."""
        # Taken apart from the input, whose product with E then needs no slope back to it.
        return self.encoder_bias[...] - product(self.encoder[...], self.decoder_bias[...])

    def preactivations(self, inputs: Array) -> Array:
        """Return e_j·(x - b) + c_j.  Shape `[m, batch]`."""
        return product(self.encoder[...], inputs.T) + self.offsets()[:, None]

    def norms(self) -> Array:
        """Return |w_j|.  Shape `[m]`."""
        return jnp.sqrt(jnp.sum(self.decoder[...] ** 2, axis=1))

    def decoded(self, codes: Array) -> Array:
        """Return x̂ from codes `[m, batch]`.  Shape `[batch, d]`."""
        return product(self.decoder[...].T, codes).T + self.decoder_bias[...][None]

    @abstractmethod
    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations outside of training.  Shape `[m, batch]`.

        `sparsity` as in `Pressure`; where it is a penalty's weight it makes no difference here.
        """

    @abstractmethod
    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return what a step minimises, a scalar, and keep count.

        Latents that were silent for more than `window` steps are dead; 0 for no care of them.
        """

    def count(self, fires: Array, residual: Array, active: Array) -> None:
        """Keep count of a step: which latents were active `[m]`, x - x̂, how many a sample."""
        self.silent[...] = jnp.where(fires, 0, self.silent[...] + 1)
        self.follow(self.error, squared_error(residual))
        self.follow(self.active, active)
        self.done[...] = self.done[...] + 1

    def follow(self, mean: Untrained, value: Array) -> None:
        """Move a running mean towards the value of a step that is not counted yet."""
        # The first step's mean is its value.
        past = jnp.where(self.done[...] == 0, 0, MEMORY)
        mean[...] = past * mean[...] + (1 - past) * jax.lax.stop_gradient(value)

    def count_dense(self, codes: Array, residual: Array) -> None:
        """Keep count of a step with codes `[m, batch]`."""
        number = jnp.sum(codes > 0, axis=1)
        self.count(number > 0, residual, jnp.sum(number) / codes.shape[1])


def squared_error(residual: Array) -> Array:
    """Return the squared error of a sample, in the mean."""
    return jnp.sum(residual**2) / residual.shape[0]
