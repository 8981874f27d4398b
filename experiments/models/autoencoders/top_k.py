"""TopK: the k latents with the largest activations in each sample, and no penalty.

x̂ = b + sum over the k largest (e_j·(x - b) + c_j) |w_j| of relu(e_j·(x - b) + c_j) w_j; mean
|x - x̂|² plus the auxiliary loss of the dead (Gao et al. 2024, arXiv 2406.04093; the factor |w_j|,
which may be left out, makes the choice free of how lengths are split between encoder and decoder).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models import selection
from experiments.models.autoencoders import active, dead
from experiments.models.autoencoders.active import Chosen, Restored
from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error
from geometry.products import product

__all__ = ["TopKAutoencoder"]


class TopKAutoencoder(SparseAutoencoder):
    """The k largest in each sample."""

    penalised = False

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations, k of them in a sample.  Shape `[m, batch]`."""
        values = self.preactivations(inputs)
        return jax.nn.relu(values) * self.mask(self.scores(values), sparsity)

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the auxiliary loss; the number falls from `slots` to k."""
        number = self.slots + pressure.share * (pressure.sparsity - self.slots)
        if active.gathers(self):
            encoder, offsets = jax.lax.stop_gradient((self.encoder[...], self.offsets()))
            values = product(inputs, encoder.T) + offsets[None]
            found = active.gathered(
                self, inputs, self.chosen(self.scores(values.T).T, number), self.ends()
            )
        else:
            values = self.preactivations(inputs)
            mask = self.mask(self.scores(values), number)
            found = active.dense(self, values, mask, self.ends())
        centred = inputs - self.decoder_bias[...][None]
        residual = centred - jnp.sum(found.parts, axis=0)
        error = self.error_of(centred, residual, found)
        if window:
            error += dead.auxiliary(self, inputs, residual, self.silent[...] > window)
        self.remember(found)
        self.count(found.fires, residual, found.number)
        return error

    def scores(self, values: Array) -> Array:
        """Return what latents are chosen by, from preactivations `[m, batch]`; no slope."""
        held, norms = jax.lax.stop_gradient((values, self.norms()))
        return held * norms[:, None] if self.weighed else held

    def chosen(self, scores: Array, number: Array) -> Chosen:
        """Return the `number` largest of each sample, the last in part if it is not whole.

        Of scores `[batch, m]`.
        """
        batch = len(scores)
        latent = selection.largest(scores, self.slots)
        weight = jnp.clip(number - jnp.arange(self.slots), 0, 1)
        sample = jnp.repeat(jnp.arange(batch), self.slots)
        return Chosen(sample, latent.ravel(), jnp.tile(weight, batch))

    def mask(self, scores: Array, number: Array) -> Array:
        """Return the same as weights, `[m, batch]`, of scores `[m, batch]`."""
        weight = jnp.clip(number - jnp.arange(self.slots), 0, 1)
        return selection.by_rank(scores, weight)

    def ends(self) -> tuple[int, ...]:
        """Return where the parts of the latents end that the loss tells apart."""
        return (len(self.silent[...]),)

    def error_of(self, centred: Array, residual: Array, found: Restored) -> Array:
        """Return the squared error that is minimised."""
        return squared_error(residual)

    def remember(self, found: Restored) -> None:
        """Keep what codes need outside of training: nothing."""
