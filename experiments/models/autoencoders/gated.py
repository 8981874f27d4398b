"""Gated: one path decides which latents are active, another how strongly.

pi = E(x - b) + c; f = 1[pi > 0] relu(exp(r) E(x - b) + a), so that the penalty, on relu(pi) alone,
does not shrink f.  Mean |x - x̂|² + lambda mean sum_j relu(pi_j) |w_j| + |x - x̂(relu(pi))|², the
last with the decoder held fixed, which teaches the gate (Rajamanoharan et al. 2024, "Improving
dictionary learning with gated sparse autoencoders", arXiv 2404.16014, equations 6 to 8).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error
from geometry.products import product

__all__ = ["GatedAutoencoder"]


class GatedAutoencoder(SparseAutoencoder):
    """A gate and a magnitude that share their encoder.  `log_gain`, `magnitude_bias` `[m]`."""

    def __init__(self, latents: int, dim: int, slots: int, *, norm: float, rngs: nnx.Rngs) -> None:
        """As the base."""
        super().__init__(latents, dim, slots, norm=norm, rngs=rngs)
        self.log_gain = nnx.Param(jnp.zeros(latents))
        self.magnitude_bias = nnx.Param(jnp.zeros(latents))

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations.  Shape `[m, batch]`."""
        return self._parts(inputs)[0]

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error, the penalty on the gate, and the gate's own error."""
        codes, gate = self._parts(inputs)
        residual = inputs - self.decoded(codes)
        self.count_dense(codes, residual)
        decoder, bias = (
            jax.lax.stop_gradient(value) for value in (self.decoder[...], self.decoder_bias[...])
        )
        own = inputs - product(decoder.T, gate).T - bias[None]
        norms = jnp.sqrt(jnp.sum(decoder**2, axis=1))
        penalty = jnp.sum(jnp.sum(gate, axis=1) * norms) / inputs.shape[0]
        weight = pressure.share * pressure.sparsity
        return squared_error(residual) + weight * penalty + squared_error(own)

    def _parts(self, inputs: Array) -> tuple[Array, Array]:
        encoder = self.encoder[...]
        plain = product(encoder, inputs.T) - product(encoder, self.decoder_bias[...])[:, None]
        gate = jax.nn.relu(plain + self.encoder_bias[...][:, None])
        gain = jnp.exp(self.log_gain[...])[:, None]
        size = jax.nn.relu(gain * plain + self.magnitude_bias[...][:, None])
        return jnp.where(gate > 0, size, 0), gate
