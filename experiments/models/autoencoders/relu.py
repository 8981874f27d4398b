"""ReLU with an l1 penalty: the first sparse autoencoders of language models.

f = relu(E(x - b) + c), and mean |x - x̂|² + lambda mean sum_j f_j |w_j| (Bricken et al. 2023,
"Towards monosemanticity"; the weight |w_j|, which keeps rows from growing to evade the penalty, as
in their update of April 2024).

While many latents are active, a step is dense; once few are, it is a sum over those alone.
"""

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models import selection
from experiments.models.autoencoders import active
from experiments.models.autoencoders.active import Chosen
from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error
from geometry.products import product

__all__ = ["ReluAutoencoder"]

_LEAST = 1024
"""Latents from which on it pays to look whether few are active."""


class ReluAutoencoder(SparseAutoencoder):
    """ReLU and an l1 penalty."""

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations.  Shape `[m, batch]`."""
        return jax.nn.relu(self.preactivations(inputs))

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the penalty, whose weight grows with the share."""
        batch, latents = len(inputs), len(self.silent[...])
        if latents < _LEAST:
            parts = self._dense(inputs)
        else:
            encoder, offsets = jax.lax.stop_gradient((self.encoder[...], self.offsets()))
            on = product(inputs, encoder.T) + offsets[None] > 0
            room = batch * (latents // (2 * active.GATHERED))
            few = jnp.sum(on) <= room
            parts = jax.lax.cond(
                few, lambda: self._sparse(inputs, on, room), lambda: self._dense(inputs)
            )
        residual, penalty, fires, number = parts
        self.count(fires, residual, number)
        return squared_error(residual) + pressure.share * pressure.sparsity * penalty

    def _dense(self, inputs: Array) -> tuple[Array, Array, Array, Array]:
        """x - x̂, the penalty, which latents are active, and how many in a sample."""
        codes = jax.nn.relu(self.preactivations(inputs))
        number = jnp.sum(codes > 0, axis=1)
        penalty = jnp.sum(jnp.sum(codes, axis=1) * self.norms()) / len(inputs)
        return inputs - self.decoded(codes), penalty, number > 0, jnp.sum(number) / len(inputs)

    def _sparse(self, inputs: Array, on: Array, room: int) -> tuple[Array, Array, Array, Array]:
        """The same from the pairs that are `on` `[batch, m]`, at most `room`."""
        places = selection.true_places(on, room)
        there = places < on.size
        places = jnp.where(there, places, on.size - 1)
        latents = on.shape[1]
        chosen = Chosen(places // latents, places % latents, there.astype(jnp.float32))
        found, sizes = active.gathered(self, inputs, chosen, (latents,))
        penalty = jnp.sum(sizes * self.norms()[chosen.latent]) / len(inputs)
        residual = inputs - self.decoder_bias[...][None] - found.parts[0]
        return residual, penalty, found.fires, found.number
