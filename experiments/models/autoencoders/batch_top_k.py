"""BatchTopK: the k·B largest activations of a batch of B samples, wherever they lie.

As TopK, but a sample may have more than k active latents and another fewer.  Outside of training a
latent is active where its score is past the running mean of the smallest that were (Bussmann et al.
2024, "BatchTopK sparse autoencoders", arXiv 2412.06410).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from experiments.models import selection
from experiments.models.autoencoders.active import Chosen, Restored
from experiments.models.autoencoders.top_k import TopKAutoencoder
from experiments.models.training import Untrained

__all__ = ["BatchTopKAutoencoder"]


class BatchTopKAutoencoder(TopKAutoencoder):
    """The k·B largest of the batch.  `threshold` is the running mean of the smallest of them."""

    def __init__(self, latents: int, dim: int, slots: int, *, norm: float, rngs: nnx.Rngs) -> None:
        """As the base."""
        super().__init__(latents, dim, slots, norm=norm, rngs=rngs)
        self.threshold = Untrained(jnp.float32(0))

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations past the running threshold.  Shape `[m, batch]`."""
        values = self.preactivations(inputs)
        return jnp.where(self.scores(values) >= self.threshold[...], jax.nn.relu(values), 0)

    def chosen(self, scores: Array, number: Array) -> Chosen:
        """Return the `number` times B largest of the batch, of scores `[batch, m]`."""
        batch, latents = scores.shape
        places = self._places(scores, number, batch)
        there = places < scores.size
        places = jnp.where(there, places, scores.size - 1)
        return Chosen(places // latents, places % latents, there.astype(jnp.float32))

    def mask(self, scores: Array, number: Array) -> Array:
        """Return the same as weights, `[m, batch]`, of scores `[m, batch]`."""
        places = self._places(scores, number, scores.shape[1])
        blank = jnp.zeros(scores.size)
        return blank.at[places].set(1, mode="drop").reshape(scores.shape)

    def _places(self, scores: Array, number: Array, batch: int) -> Array:
        whole = jnp.round(number * batch).astype(jnp.int32)
        return selection.largest_of_all(scores, whole, self.slots * batch)

    def remember(self, found: Restored) -> None:
        """Move the running threshold towards the smallest score of the batch."""
        self.follow(self.threshold, found.least)
