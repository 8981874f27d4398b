"""Approximate message passing with a soft threshold.

Donoho, Maleki and Montanari, "Message-passing algorithms for compressed sensing", PNAS 106
(2009), equations 1 and 2: s <- eta(s + z Wᵀ; alpha tau), z <- x - s W + z |s|_0 / d.  The last
term, Onsager's, keeps the effective noise of s + z Wᵀ Gaussian with standard deviation tau,
estimated as |z|/sqrt(d); `geometry.state_evolution` predicts it for large random dictionaries.  For
other dictionaries the iteration may diverge.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry.decoders.batch import arguments, soft_threshold
from geometry.products import product

__all__ = ["Passed", "decode"]


class Passed(NamedTuple):
    """`codes` `[b, n]`, and `tau` `[b]`, the noise level that the last step saw."""

    codes: Array
    tau: Array


def decode(
    vectors: ArrayLike,
    inputs: ArrayLike,
    alpha: ArrayLike,
    *,
    steps: int,
    nonnegative: bool = False,
    dim: ArrayLike | None = None,
) -> Passed:
    """Return the codes after `steps` steps with the soft threshold alpha·tau.

    `alpha` >= 0: `donoho_tanner.tuning` gives the best for the noiseless problem.  `dim` is d; it
    is given where `vectors` and `inputs` are padded with zero columns, so that one compilation
    serves several widths.  A step costs two products [b, d] × [d, n].  ValueError for shapes that
    do not fit and for `steps` below 1.
    """
    rows, signals = arguments(vectors, inputs)
    if steps < 1:
        raise ValueError(f"`steps` must be at least 1; got {steps}.")
    width = jnp.asarray(rows.shape[1] if dim is None else dim, jnp.float32)
    found: Passed = _decode(
        rows, signals, jnp.asarray(alpha, jnp.float32), width, nonnegative, steps
    )
    return found


@partial(jax.jit, static_argnums=(4, 5))
def _decode(
    rows: Array, signals: Array, alpha: Array, width: Array, nonnegative: bool, steps: int
) -> Passed:
    def step(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        codes, residual, _tau = state
        tau = jnp.linalg.norm(residual, axis=1) / jnp.sqrt(width)
        seen = codes + product(residual, rows.T)
        codes = soft_threshold(seen, (alpha * tau)[:, None], nonnegative=nonnegative)
        onsager = jnp.sum(codes != 0, axis=1, keepdims=True) / width
        return codes, signals - product(codes, rows) + onsager * residual, tau

    batch = signals.shape[0]
    start = (
        jnp.zeros((batch, rows.shape[0]), jnp.float32),
        signals,
        jnp.zeros(batch, jnp.float32),
    )
    codes, _, tau = lax.fori_loop(0, steps, step, start)
    return Passed(codes, tau)
