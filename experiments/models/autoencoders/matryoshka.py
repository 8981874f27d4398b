"""Matryoshka: nested dictionaries, each of which has to restore the input by itself.

BatchTopK whose first m/8, m/4, m/2 and m latents are held, one after the other, to the squared
error of what they restore alone; the loss is the mean of these.  So the first latents learn what
matters most, and a general feature is not taken apart among special ones (Bussmann et al. 2025,
"Learning multi-level features with Matryoshka sparse autoencoders", arXiv 2503.17547).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from experiments.models.autoencoders.active import Restored
from experiments.models.autoencoders.base import squared_error
from experiments.models.autoencoders.batch_top_k import BatchTopKAutoencoder

__all__ = ["MatryoshkaAutoencoder"]

_SHARES = (8, 4, 2, 1)


class MatryoshkaAutoencoder(BatchTopKAutoencoder):
    """BatchTopK, and every prefix a dictionary."""

    def ends(self) -> tuple[int, ...]:
        """Return where the prefixes end."""
        latents = len(self.silent[...])
        return tuple(sorted({max(1, latents // share) for share in _SHARES}))

    def error_of(self, centred: Array, residual: Array, found: Restored) -> Array:
        """Return the mean squared error over the prefixes."""
        within = jnp.cumsum(found.parts, axis=0)
        errors = [squared_error(centred - prefix) for prefix in within[:-1]]
        return sum(errors, start=squared_error(residual)) / len(within)
