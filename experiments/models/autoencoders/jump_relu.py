"""JumpReLU: a threshold for each latent, learned through a penalty on the number of active ones.

f_j = z_j where z_j > theta_j, else 0; mean |x - x̂|² + lambda mean #{j: z_j > theta_j}.  The number
has no slope in theta, so that a rectangle of width eps around the threshold stands in for the
density of z there (Rajamanoharan et al. 2024, "Jumping ahead", arXiv 2407.14435, equations 11, 12).
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from experiments.models.autoencoders.base import Pressure, SparseAutoencoder, squared_error

__all__ = ["JumpReluAutoencoder"]

START = 0.1
"""First thresholds, a tenth of a feature's amplitude."""
WIDTH = 0.1
"""eps, in the units of the activations."""


@jax.custom_vjp
def step(values: Array, threshold: Array) -> Array:
    """Return 1 where the value is past the threshold; its slope in the threshold is estimated."""
    return (values > threshold).astype(values.dtype)


def _step(values: Array, threshold: Array) -> tuple[Array, tuple[Array, Array]]:
    return step(values, threshold), (values, threshold)


def _step_slope(kept: tuple[Array, Array], slope: Array) -> tuple[Array, Array]:
    values, threshold = kept
    near = (jnp.abs(values - threshold) < WIDTH / 2).astype(values.dtype)
    return jnp.zeros_like(values), -jnp.sum(slope * near, axis=1, keepdims=True) / WIDTH


step.defvjp(_step, _step_slope)


class JumpReluAutoencoder(SparseAutoencoder):
    """JumpReLU and an l0 penalty.  `log_threshold` `[m]`."""

    def __init__(self, latents: int, dim: int, slots: int, *, norm: float, rngs: nnx.Rngs) -> None:
        """As the base."""
        super().__init__(latents, dim, slots, norm=norm, rngs=rngs)
        self.log_threshold = nnx.Param(jnp.full(latents, jnp.log(START)))

    def codes(self, inputs: Array, sparsity: Array) -> Array:
        """Return the latents' activations.  Shape `[m, batch]`."""
        return self._parts(inputs)[0]

    def loss(self, inputs: Array, pressure: Pressure, window: int) -> Array:
        """Return the squared error and the penalty, whose weight grows with the share."""
        codes, gates = self._parts(inputs)
        residual = inputs - self.decoded(codes)
        self.count_dense(codes, residual)
        penalty = jnp.sum(gates) / inputs.shape[0]
        return squared_error(residual) + pressure.share * pressure.sparsity * penalty

    def _parts(self, inputs: Array) -> tuple[Array, Array]:
        # Thresholds and the penalty are in units of f_j |w_j|, which rescaling leaves as they are.
        values = jax.nn.relu(self.preactivations(inputs))
        norms = jax.lax.stop_gradient(self.norms())[:, None]
        threshold = jnp.exp(self.log_threshold[...])[:, None]
        gates = step(values * norms, threshold)
        held, edge = jax.lax.stop_gradient((gates, threshold / jnp.where(norms > 0, norms, 1)))
        # Where the slope in the threshold is estimated, f_j is what it is at the threshold.
        return values * held + edge * (gates - held), gates
