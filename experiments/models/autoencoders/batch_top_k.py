"""BatchTopK: the k·B largest activations of a batch of B samples, wherever they lie.

As TopK, but a sample may have more than k active latents and another fewer.  Outside of training a
latent is active where its score is past the running mean of the smallest that were (Bussmann et al.
2024, "BatchTopK sparse autoencoders", arXiv 2412.06410).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from experiments.models import selection
from experiments.models.autoencoders import active, dead
from experiments.models.autoencoders.active import Chosen
from experiments.models.autoencoders.base import (
    MEMORY,
    Pressure,
    SparseAutoencoder,
    Variable,
    squared_error,
)
from geometry.products import product

__all__ = ["BatchTopKAutoencoder"]


class BatchTopKAutoencoder(SparseAutoencoder):
    """The k·B largest of the batch.  `threshold` is the running mean of the smallest of them."""

    penalised = False

    def __init__(self, latents: int, dim: int, slots: int, *, norm: float, rngs: nnx.Rngs) -> None:
        """As the base."""
        super().__init__(latents, dim, slots, norm=norm, rngs=rngs)
        self.threshold = Variable(jnp.float32(0))

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations past the running threshold.  Shape `[m, batch]`."""
        values = jax.nn.relu(self.preactivations(inputs))
        return jnp.where(values * self.norms()[:, None] >= self.threshold[...], values, 0)

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the auxiliary loss; the number falls from `slots` to k."""
        centred = self.centred(inputs)
        chosen = self.chosen(centred, pressure)
        sizes = active.amplitudes(self, centred, chosen)
        residual = centred - self.sums(chosen, sizes, len(inputs))
        silent = self.silent[...] > window
        active.count(self, chosen, sizes, residual)
        self.remember(chosen, sizes)
        found = self.errors(chosen, sizes, centred, residual)
        return found + dead.auxiliary(self, inputs, residual, silent) if window else found

    def sums(self, chosen: Chosen, sizes: Array, batch: int) -> Array:
        """Return sum of f_j w_j of each sample.  Shape `[batch, d]`."""
        rows = sizes[:, None] * self.decoder[...][chosen.latent]
        return jax.ops.segment_sum(rows, chosen.sample, batch, indices_are_sorted=True)

    def errors(self, chosen: Chosen, sizes: Array, centred: Array, residual: Array) -> Array:
        """Return the squared error."""
        return squared_error(residual)

    def chosen(self, centred: Array, pressure: Pressure) -> Chosen:
        """Return the largest of the batch, samples in order."""
        held = jax.lax.stop_gradient(
            (centred, self.encoder[...], self.encoder_bias[...], self.norms())
        )
        centred, encoder, bias, norms = held
        batch, latents = len(centred), len(norms)
        scores = (product(centred, encoder.T) + bias[None]) * norms[None]
        number = self.slots + pressure.share * (pressure.sparsity - self.slots)
        number = jnp.round(number * batch).astype(jnp.int32)
        places = selection.largest_of_all(scores, number, self.slots * batch)
        there = places < scores.size
        places = jnp.where(there, places, scores.size - 1)
        return Chosen(places // latents, places % latents, there.astype(jnp.float32))

    def remember(self, chosen: Chosen, sizes: Array) -> None:
        """Move the running threshold towards the smallest score of the batch."""
        scores = jax.lax.stop_gradient(sizes * self.norms()[chosen.latent])
        least = jnp.min(scores, where=scores > 0, initial=math.inf)
        least = jnp.where(jnp.isfinite(least), least, 0)
        past = jnp.where(self.done[...] <= 1, 0, MEMORY)
        self.threshold[...] = past * self.threshold[...] + (1 - past) * least
