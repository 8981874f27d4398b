"""Codes of few active latents: the amplitudes and sums of chosen (sample, latent) pairs.

With many latents for each that may be active, rows are gathered and slopes scattered back, so that
work grows with what is active and not with m.  With few, dense products of masked codes are
faster.  Both are the same function.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models.autoencoders.base import SparseAutoencoder
from geometry.products import product

__all__ = ["GATHERED", "Chosen", "Restored", "dense", "gathered", "gathers"]

GATHERED = 48
"""Latents for each slot from which on rows are gathered: a slot costs as much as 35 latents do in
dense products at d = 64, m = 512, and as 57 at d = 256, m = 2048, on two cores."""


class Chosen(NamedTuple):
    """Pairs that may be active, each `[slots]`, samples in order; how much they count, in [0, 1].

    Slots out of use have weight 0; their sample and latent are in range, and mean nothing.
    """

    sample: Array
    latent: Array
    weight: Array


class Restored(NamedTuple):
    """What chosen latents restore.

    - `parts` `[parts, batch, d]`: sum of f_j w_j over the latents of each part.
    - `fires` `[m]`: which are active anywhere; `number`: how many in a sample, in the mean.
    - `least`: the smallest positive score of an active latent, 0 if there is none.
    """

    parts: Array
    fires: Array
    number: Array
    least: Array


def gathers(model: SparseAutoencoder) -> bool:
    """Return whether gathering rows is less work than dense products."""
    return len(model.silent[...]) >= GATHERED * model.slots


def dense(model: SparseAutoencoder, values: Array, mask: Array, ends: tuple[int, ...]) -> Restored:
    """Return what latents restore with preactivations `values` and weights `mask`, `[m, batch]`.

    Part i has the latents from the end of the one before to `ends[i]`; the last end is m.
    """
    codes = jax.nn.relu(values) * mask
    parts = [
        product(model.decoder[...][first:end].T, codes[first:end]).T
        for first, end in zip((0, *ends[:-1]), ends, strict=True)
    ]
    number = jnp.sum(codes > 0, axis=1)
    scores = jax.lax.stop_gradient(codes) * _weights(model)[:, None]
    return Restored(jnp.stack(parts), number > 0, jnp.sum(number) / codes.shape[1], _least(scores))


def gathered(
    model: SparseAutoencoder, inputs: Array, chosen: Chosen, ends: tuple[int, ...]
) -> Restored:
    """Return what the chosen pairs restore of `inputs` `[batch, d]`, parts as above."""
    batch, latents = len(inputs), len(model.silent[...])
    rows = model.encoder[...][chosen.latent]
    values = jnp.sum(inputs[chosen.sample] * rows, axis=1) + model.offsets()[chosen.latent]
    sizes = jax.nn.relu(values) * chosen.weight
    rows = sizes[:, None] * model.decoder[...][chosen.latent]
    part = jnp.sum(chosen.latent[:, None] >= jnp.array(ends[:-1], jnp.int32)[None], axis=1)
    place = part * batch + chosen.sample
    sums = jax.ops.segment_sum(rows, place, len(ends) * batch, indices_are_sorted=len(ends) == 1)
    fires = jnp.zeros(latents, bool).at[chosen.latent].max(sizes > 0)
    scores = jax.lax.stop_gradient(sizes) * _weights(model)[chosen.latent]
    parts = sums.reshape(len(ends), batch, -1)
    return Restored(parts, fires, jnp.sum(sizes > 0) / batch, _least(scores))


def _weights(model: SparseAutoencoder) -> Array:
    """What a score has beside the activation.  Shape `[m]`."""
    return jax.lax.stop_gradient(model.norms()) if model.weighed else jnp.ones(model.silent.shape)


def _least(scores: Array) -> Array:
    least = jnp.min(scores, where=scores > 0, initial=jnp.inf)
    return jnp.where(jnp.isfinite(least), least, 0)
