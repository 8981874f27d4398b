"""What all decoders ask of their arguments, and the product that they spend their time in."""

import jax.numpy as jnp
from jax import Array
from jax.lax import Precision
from jax.typing import ArrayLike

__all__ = ["arguments", "product"]


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


def product(left: Array, right: Array) -> Array:
    """Return the matrix product with float32's full precision on every device."""
    return jnp.matmul(left, right, precision=Precision.HIGHEST)
