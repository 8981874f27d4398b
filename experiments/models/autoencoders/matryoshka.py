"""Matryoshka: nested dictionaries, each of which has to restore the input by itself.

BatchTopK whose first m/8, m/4, m/2 and m latents are held, one after the other, to the squared
error of what they restore alone; the loss is the mean of these.  So the first latents learn what
matters most, and a general feature is not taken apart among special ones (Bussmann et al. 2025,
"Learning multi-level features with Matryoshka sparse autoencoders", arXiv 2503.17547).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments.models.autoencoders.active import Chosen
from experiments.models.autoencoders.base import squared_error
from experiments.models.autoencoders.batch_top_k import BatchTopKAutoencoder

__all__ = ["MatryoshkaAutoencoder"]

_PARTS = (8, 4, 2, 1)


class MatryoshkaAutoencoder(BatchTopKAutoencoder):
    """BatchTopK, and every prefix a dictionary."""

    def errors(self, chosen: Chosen, sizes: Array, centred: Array, residual: Array) -> Array:
        """Return the mean squared error over the prefixes."""
        batch, latents = len(centred), len(self.silent[...])
        ends = np.array([max(1, latents // part) for part in _PARTS[:-1]])
        shell = jnp.sum(chosen.latent[:, None] >= ends[None], axis=1)
        rows = sizes[:, None] * self.decoder[...][chosen.latent]
        # The shells' sums, side by side; up to a shell, their running sum.
        place = chosen.sample * len(_PARTS) + shell
        sums = jax.ops.segment_sum(rows, place, batch * len(_PARTS))
        within = jnp.cumsum(sums.reshape(batch, len(_PARTS), -1), axis=1)
        errors = [squared_error(centred - within[:, part]) for part in range(len(_PARTS) - 1)]
        return (sum(errors) + squared_error(residual)) / len(_PARTS)
