"""Codes as lists of what is active, so that a step's work grows with that and not with m.

Only the search for what is active is dense.  Amplitudes, reconstructions and all slopes are sums
over a list of (sample, latent) pairs: rows are gathered, and slopes scattered back.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models.autoencoders.base import SparseAutoencoder

__all__ = ["Chosen", "amplitudes", "count", "fires", "whole"]


class Chosen(NamedTuple):
    """Pairs that may be active, each `[slots]`, and by how much they count, in [0, 1].

    Slots out of use have weight 0; their sample and latent are in range, and mean nothing.
    """

    sample: Array
    latent: Array
    weight: Array


def amplitudes(model: SparseAutoencoder, centred: Array, chosen: Chosen) -> Array:
    """Return relu(e_j·(x - b) + c_j) of the pairs, times their weights.  Shape `[slots]`."""
    rows = model.encoder[...][chosen.latent]
    values = jnp.sum(centred[chosen.sample] * rows, axis=1) + model.encoder_bias[...][chosen.latent]
    return jax.nn.relu(values) * chosen.weight


def fires(model: SparseAutoencoder, chosen: Chosen, sizes: Array) -> Array:
    """Return which latents are active in the batch.  Shape `[m]`."""
    silent = jnp.zeros(model.silent[...].shape, bool)
    return silent.at[chosen.latent].max(sizes > 0)


def count(model: SparseAutoencoder, chosen: Chosen, sizes: Array, residual: Array) -> None:
    """Keep count of a step."""
    model.count(fires(model, chosen, sizes), residual, jnp.sum(sizes > 0) / residual.shape[0])


def whole(latents: int, batch: int, chosen: Chosen, sizes: Array) -> Array:
    """Return the codes as a matrix `[m, batch]`: outside of training."""
    return jnp.zeros((latents, batch)).at[chosen.latent, chosen.sample].add(sizes)
