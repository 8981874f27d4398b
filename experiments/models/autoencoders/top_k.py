"""TopK: the k latents with the largest activations in each sample, and no penalty.

x̂ = b + sum over the k largest e_j·(x - b) + c_j, times |w_j|, of relu(e_j·(x - b) + c_j) w_j; mean
|x - x̂|² plus the auxiliary loss of the dead (Gao et al. 2024, arXiv 2406.04093; the factor |w_j|
makes the choice free of how lengths are split between encoder and decoder).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models import selection
from experiments.models.autoencoders import active, dead
from experiments.models.autoencoders.active import Chosen
from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error
from geometry.products import product

__all__ = ["TopKAutoencoder"]


class TopKAutoencoder(SparseAutoencoder):
    """The k largest in each sample."""

    penalised = False

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations, k of them in a sample.  Shape `[m, batch]`."""
        centred = self.centred(inputs)
        chosen = self._chosen(centred, sparsity)
        sizes = active.amplitudes(self, centred, chosen)
        return active.whole(len(self.silent[...]), len(inputs), chosen, sizes)

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the auxiliary loss; the number falls from `slots` to k."""
        centred = self.centred(inputs)
        number = self.slots + pressure.share * (pressure.sparsity - self.slots)
        chosen = self._chosen(centred, number)
        sizes = active.amplitudes(self, centred, chosen)
        rows = (sizes[:, None] * self.decoder[...][chosen.latent]).reshape(
            len(inputs), -1, inputs.shape[1]
        )
        residual = centred - jnp.sum(rows, axis=1)
        silent = self.silent[...] > window
        active.count(self, chosen, sizes, residual)
        found = squared_error(residual)
        return found + dead.auxiliary(self, inputs, residual, silent) if window else found

    def _chosen(self, centred: Array, number: Array) -> Chosen:
        """The largest of each sample; a rank counts in part where the number is not whole."""
        held = jax.lax.stop_gradient(
            (centred, self.encoder[...], self.encoder_bias[...], self.norms())
        )
        centred, encoder, bias, norms = held
        scores = (product(centred, encoder.T) + bias[None]) * norms[None]
        latent = selection.largest(scores, self.slots)
        weight = jnp.clip(number - jnp.arange(self.slots), 0, 1)
        batch = len(centred)
        return Chosen(
            jnp.repeat(jnp.arange(batch), self.slots), latent.ravel(), jnp.tile(weight, batch)
        )
