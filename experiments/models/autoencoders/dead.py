"""The auxiliary loss that gives dead latents something to learn.

The dead latents are to explain what the living leave: with k' = min(d/2, number of dead) of the
dead with the largest scores in a sample, ê = sum of (e_j·(x - b) + c_j) w_j, and the loss is
min(1, dead/(d/2)) mean |ê - (x - x̂)|², x - x̂ held fixed (Gao et al. 2024, "Scaling and evaluating
sparse autoencoders", arXiv 2406.04093, appendix A.2; scaled down where few are dead).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models.autoencoders.base import SparseAutoencoder, squared_error
from geometry.products import product

__all__ = ["auxiliary"]


def auxiliary(model: SparseAutoencoder, inputs: Array, residual: Array, dead: Array) -> Array:
    """Return the auxiliary loss for the latents that are `dead` `[m]`, 0 where none is.

    While at most d/2 are dead, all of them take part in every sample, and they alone are worked on.
    """
    half = max(1, inputs.shape[1] // 2)
    left = jax.lax.stop_gradient(residual)
    number = jnp.sum(dead)

    def none() -> Array:
        return jnp.zeros(())

    def few() -> Array:
        places = jnp.nonzero(dead, size=min(half, len(dead)), fill_value=0)[0]
        there = jnp.arange(len(places)) < number
        encoder, decoder = model.encoder[...][places], model.decoder[...][places]
        values = product(encoder, inputs.T) + model.offsets()[places][:, None]
        explained = product(decoder.T, jnp.where(there[:, None], values, 0)).T
        return number / half * squared_error(explained - left)

    def many() -> Array:
        values = model.preactivations(inputs)
        lengths = model.norms()[:, None] if model.weighed else 1
        scores = jax.lax.stop_gradient(values * lengths)
        scores = jnp.where(dead[:, None], scores, -jnp.inf)
        least = jax.lax.top_k(scores.T, min(half, len(dead)))[0][:, -1]
        explained = product(model.decoder[...].T, jnp.where(scores >= least[None], values, 0)).T
        return squared_error(explained - left)

    which = (number > 0).astype(jnp.int32) + (number > half).astype(jnp.int32)
    found: Array = jax.lax.switch(which, (none, few, many))
    return found
