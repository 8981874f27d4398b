"""What scaling a latent of a trained autoencoder does to inputs, and to its codes.

x' = x + (s-1) f_j(x) w_j: the latent's own activation times s, written back along its decoder row
(Templeton et al. 2024, "Scaling monosemanticity", Transformer Circuits Thread, clamp it alike).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from experiments.models import training
from experiments.models.autoencoders.base import SparseAutoencoder
from experiments.models.training import State

__all__ = ["Scaled", "scale", "scale_latents"]


class Scaled(NamedTuple):
    """What came of it, for each of b inputs and its latent.

    - `moved` `[b, d]`: x' - x.
    - `before`, `after` `[b]`: the latent's part of the reconstruction, f_j|w_j|, of x and of x'.
    - `rises` `[b, m]`: by how much each latent's part rises, 0 for the one that was scaled.
    """

    moved: Array
    before: Array
    after: Array
    rises: Array


def scale(
    model: SparseAutoencoder, inputs: Array, sparsity: Array, latents: Array, factor: float
) -> Scaled:
    """Scale the activation of `latents` `[b]` on `inputs` `[b, d]` by `factor`, and read again."""
    place = jnp.arange(len(inputs))
    norms = model.norms()
    before = model.codes(inputs, sparsity)
    chosen = before[latents, place]
    moved = (factor - 1) * chosen[:, None] * model.decoder[...][latents]
    after = model.codes(inputs + moved, sparsity)
    rises = ((after - before) * norms[:, None]).T
    return Scaled(
        moved,
        chosen * norms[latents],
        after[latents, place] * norms[latents],
        rises.at[place, latents].set(0),
    )


@partial(jax.jit, static_argnames=("task", "factor"))
def scale_latents(
    state: State, task: Any, inputs: Array, latents: Array, *, factor: float
) -> Scaled:
    """As `scale`, for one member of an ensemble of `DictionaryTask`s."""
    model = training.module(state, task)
    return scale(model, inputs, state.setting.sparsity, latents, factor)
