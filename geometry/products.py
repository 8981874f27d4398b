"""The matrix product of everything that is reported, decoded or trained."""

import jax.numpy as jnp
from jax import Array
from jax.lax import Precision

__all__ = ["product"]


def product(left: Array, right: Array) -> Array:
    """Return the matrix product with float32's full precision on every device.

    Accelerators would round the factors to a few bits otherwise.  Unlike a sum over elementwise
    products it also rounds the same in ensembles of any size.
    """
    return jnp.matmul(left, right, precision=Precision.HIGHEST)
