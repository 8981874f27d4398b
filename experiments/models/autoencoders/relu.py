"""ReLU with an l1 penalty: the first sparse autoencoders of language models.

f = relu(E(x - b) + c), and mean |x - x̂|² + lambda mean sum_j f_j |w_j| (Bricken et al. 2023,
"Towards monosemanticity"; the weight |w_j|, which keeps rows from growing to evade the penalty, as
in their update of April 2024).
"""

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error

__all__ = ["ReluAutoencoder"]


class ReluAutoencoder(SparseAutoencoder):
    """ReLU and an l1 penalty."""

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations.  Shape `[m, batch]`."""
        return jax.nn.relu(self.preactivations(inputs))

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the penalty, whose weight grows with the share."""
        codes = self.codes(inputs, pressure.sparsity)
        residual = inputs - self.decoded(codes)
        self.count_dense(codes, residual)
        penalty = jnp.sum(jnp.sum(codes, axis=1) * self.norms()) / inputs.shape[0]
        return squared_error(residual) + pressure.share * pressure.sparsity * penalty
