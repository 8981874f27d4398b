"""l1-penalised least squares by accelerated proximal gradients.

Minimises |x - s W|²/2 + penalty |s|_1 over codes s, of any sign or nonnegative (Beck and Teboulle,
"A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2, 2009, equations
4.1-4.3), with momentum restarted item by item where it points uphill (O'Donoghue and Candès,
"Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15, 2015, equation 12).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry.decoders.batch import arguments, soft_threshold
from geometry.products import product

__all__ = ["Lasso", "decode"]

_CHECK_EVERY = 10
_CONTINUATION = 0.9


class Lasso(NamedTuple):
    """`codes` `[b, n]`; how far each is from optimal, `violation` `[b]`; and the `steps` spent.

    With g = (x - s W) Wᵀ, an optimal code has |g| <= penalty where s = 0 and g = penalty sign(s)
    elsewhere; `violation` is the largest breach in units of the penalty.
    """

    codes: Array
    violation: Array
    steps: Array


def decode(
    vectors: ArrayLike,
    inputs: ArrayLike,
    penalty: ArrayLike,
    *,
    nonnegative: bool = False,
    steps: int = 2000,
    tolerance: float = 1e-2,
) -> Lasso:
    """Return codes that minimise |x - s W|²/2 + penalty |s|_1, to the `tolerance` on violation.

    `penalty` > 0 is one number or one for each input, `[b]`.  It starts at the largest |<x, w_i>|,
    where s = 0 is optimal, and falls by a tenth a step, so that small penalties converge as fast as
    large ones.  The batch stops when every item is within `tolerance`, or after `steps`: see
    `violation`.  A step costs two products [b, d] × [d, n].  ValueError for shapes that do not fit,
    a penalty or a tolerance that is not positive, and `steps` below 1.
    """
    rows, signals = arguments(vectors, inputs)
    level = jnp.broadcast_to(jnp.asarray(penalty, jnp.float32), (signals.shape[0],))
    if not isinstance(level, jax.core.Tracer) and not bool(jnp.all(level > 0)):
        raise ValueError(f"`penalty` must be positive; got {level.min()}.")
    if steps < 1 or not tolerance > 0:
        raise ValueError(
            f"`steps` must be at least 1 and `tolerance` positive; got {steps} and {tolerance}."
        )
    found: Lasso = _decode(rows, signals, level, jnp.float32(tolerance), nonnegative, steps)
    return found


class _State(NamedTuple):
    step: Array
    codes: Array
    ahead: Array  # the point of extrapolation
    pace: Array  # t of the momentum, [b]
    level: Array  # the penalty of this step, [b]
    violation: Array


@partial(jax.jit, static_argnums=(4, 5))
def _decode(
    rows: Array, signals: Array, penalty: Array, tolerance: Array, nonnegative: bool, steps: int
) -> Lasso:
    curvature = jnp.linalg.eigvalsh(product(rows.T, rows))[-1] * (1 + 1e-5)

    def gradient(codes: Array) -> Array:
        return product(signals - product(codes, rows), rows.T)

    def step(_: int, state: _State) -> _State:
        codes = soft_threshold(
            state.ahead + gradient(state.ahead) / curvature,
            state.level[:, None] / curvature,
            nonnegative=nonnegative,
        )
        change = codes - state.codes
        uphill = jnp.sum((state.ahead - codes) * change, axis=1) > 0
        pace = jnp.where(uphill, 1.0, (1 + jnp.sqrt(1 + 4 * state.pace**2)) / 2)
        momentum = jnp.where(uphill, 0.0, (state.pace - 1) / pace)
        return state._replace(
            codes=codes,
            ahead=codes + momentum[:, None] * change,
            pace=pace,
            level=jnp.maximum(penalty, _CONTINUATION * state.level),
        )

    def breach(codes: Array) -> Array:
        pull = gradient(codes) / penalty[:, None]
        on = jnp.abs(pull - jnp.sign(codes))
        off = jnp.maximum((pull if nonnegative else jnp.abs(pull)) - 1, 0)
        return jnp.max(jnp.where(codes != 0, on, off), axis=1)

    def some(state: _State) -> _State:
        state = lax.fori_loop(0, _CHECK_EVERY, step, state)
        return state._replace(step=state.step + _CHECK_EVERY, violation=breach(state.codes))

    def unfinished(state: _State) -> Array:
        return (state.step < steps) & jnp.any(state.violation > tolerance)

    batch = signals.shape[0]
    readings = product(signals, rows.T)
    highest = jnp.max(readings if nonnegative else jnp.abs(readings), axis=1)
    zeros = jnp.zeros_like(readings)
    start = _State(
        jnp.int32(0),
        zeros,
        zeros,
        jnp.ones(batch, jnp.float32),
        jnp.maximum(highest, penalty),
        jnp.full(batch, jnp.inf, jnp.float32),
    )
    end = lax.while_loop(unfinished, some, start)
    return Lasso(end.codes, end.violation, end.step)
