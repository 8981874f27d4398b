"""What decoders share: what they ask of their arguments, and the soft threshold."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

__all__ = ["arguments", "soft_threshold"]


def arguments(vectors: ArrayLike, inputs: ArrayLike) -> tuple[Array, Array]:
    """Return both in float32; ValueError unless they are `[n, d]` and `[b, d]`, none of them 0."""
    rows, signals = jnp.asarray(vectors, jnp.float32), jnp.asarray(inputs, jnp.float32)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    if signals.ndim != 2 or 0 in signals.shape or signals.shape[1] != rows.shape[1]:
        raise ValueError(
            f"`inputs` must have shape [b, {rows.shape[1]}]; got shape {signals.shape}."
        )
    return rows, signals


def soft_threshold(values: Array, level: ArrayLike, *, nonnegative: bool) -> Array:
    """Return sign(v) max(|v| - level, 0), or max(v - level, 0), elementwise.

    The proximal map of level·|s|_1, over codes of any sign or nonnegative ones.
    """
    if nonnegative:
        return jnp.maximum(values - level, 0)
    return jnp.sign(values) * jnp.maximum(jnp.abs(values) - level, 0)
