"""Is the true code the one of least l1 norm?  Decided trial by trial.

Basis pursuit answers x = s W with the code of least |s|_1, of any sign or nonnegative (Chen, Donoho
and Saunders, "Atomic decomposition by basis pursuit", SIAM J. Sci. Comput. 20, 1998).  Its phase
transition is a statement about that minimiser, not about an algorithm.  Here Douglas-Rachford
splitting runs on many trials that share a dictionary, and each trial ends in one of three ways:

- *recovered*: the iteration, which does not know the true code, has reached it to a relative 1e-3;
- *refuted*: it has met a code with the same x and a smaller l1 norm, which proves that the true one
  is not the minimiser, whatever the iteration does later;
- *undecided*: the steps are spent.  Callers count these and report them.

Since decided trials would cost as much as the others, the batch is packed anew as they leave.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray

from geometry.decoders.batch import soft_threshold
from geometry.products import product

__all__ = ["RECOVERED", "REFUTED", "UNDECIDED", "decide", "subspace"]

RECOVERED, REFUTED, UNDECIDED = 1, -1, 0

# Relative error at which a code counts as reached.  The vertices of the l1 ball that compete are
# much farther apart.
_REACHED = 1e-3
# Relative drop of the l1 norm that refutes: float32 keeps both norms, and the constraint, to about
# n eps = 5e-5 for n = 400.
_DROP = 1e-3
# Iterates break the sign constraint a little.  Were the true code optimal, with a dual certificate
# v <= 1, v = 1 on its support, then goal = v·s for every s with the same x, and a drop of the norm
# could come from negative entries alone: of at most max(1 - v) times their sum.  So a drop
# larger than this many times the breach refutes, unless some entry of v is below -19.
_STEEP = 20.0
_RELAXED = 1.7
_RANK = 1e-10
_STRIDE = 20
_SMALLEST_BATCH = 8


def subspace(vectors: ArrayLike, *, dense: bool) -> NDArray[np.float32]:
    """Return what the projection onto {s: s W = x} needs, from unit rows `[n, d]`.

    `dense` False: Q `[n, r]`, r the rank, with orthonormal columns that span W's; a step then costs
    two products with it.  `dense` True, and wherever r = n: P = QQᵀ `[n, n]`; one product, cheaper
    for d > n/2, and the shape is the same for every d.  Directions that float32 rows hardly span,
    with less than 1e-10 of the largest eigenvalue of WᵀW, are left out.  Cost n d² in float64.
    ValueError for another shape.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    values, axes = np.linalg.eigh(rows.T @ rows)
    kept = values > _RANK * values[-1]
    basis = rows @ (axes[:, kept] / np.sqrt(values[kept]))
    # A square Q would be taken for P.
    whole = dense or basis.shape[1] == len(rows)
    return np.asarray(basis @ basis.T if whole else basis, np.float32)


class _State(NamedTuple):
    codes: Array  # the truth, [b, n]
    fixed: Array  # its projection onto the span of W's columns, [b, n]
    shrunk: Array
    dual: Array
    outcome: Array  # [b] int32


def decide(
    span: ArrayLike,
    codes: ArrayLike,
    *,
    nonnegative: bool = False,
    steps: int = 2000,
) -> NDArray[np.int32]:
    """Return RECOVERED, REFUTED or UNDECIDED for each true code.  Shape `[b]` from `[b, n]`.

    `span` is `subspace(vectors)`; where one shape is to serve several ranks, Q may have zero
    columns beside it, fewer than n in all, since a square span is taken for P.  The entries of the
    codes should be of order 1.  `steps` of the iteration, in hundreds, are the most that a trial
    gets.  Raises ValueError for shapes that do not fit, or a negative entry where `nonnegative`.
    """
    basis = jnp.asarray(span, jnp.float32)
    truth = np.asarray(codes, np.float32)
    if truth.ndim != 2 or 0 in truth.shape or basis.ndim != 2 or basis.shape[0] != truth.shape[1]:
        raise ValueError(
            f"`codes` must have shape [b, n] and `span` [n, d] or [n, n]; got {truth.shape} and "
            f"{basis.shape}."
        )
    if nonnegative and (truth < 0).any():
        raise ValueError(f"`codes` must be nonnegative; got {truth.min()}.")
    outcome = np.full(len(truth), UNDECIDED, np.int32)
    # Batches shrink fourfold, so that few shapes are compiled.
    size = len(truth)
    places = np.arange(size)
    state = _start(basis, jnp.asarray(truth))
    for _ in range(-(-steps // (5 * _STRIDE))):
        state = _advance(basis, state, nonnegative)
        found = np.asarray(state.outcome)
        outcome[places] = found
        left = np.flatnonzero(found == UNDECIDED)
        if len(left) == 0:
            break
        while len(left) <= size // 4 and size >= 2 * _SMALLEST_BATCH:
            size //= 4
        if size < len(found):
            # Short of trials, some run twice over.
            kept = np.resize(left, size)
            places = places[kept]
            state = jax.tree.map(lambda part, kept=kept: part[kept], state)
    return outcome


def _onto(basis: Array, values: Array) -> Array:
    """The projection of each row onto the span of W's columns."""
    if basis.shape[0] == basis.shape[1]:
        return product(values, basis)
    return product(product(values, basis), basis.T)


@jax.jit
def _start(basis: Array, truth: Array) -> _State:
    zeros = jnp.zeros_like(truth)
    # A true code of zeros is reached before the first step.
    outcome = jnp.where(jnp.any(truth != 0, axis=1), UNDECIDED, RECOVERED).astype(jnp.int32)
    return _State(truth, _onto(basis, truth), zeros, zeros, outcome)


@partial(jax.jit, static_argnums=2)
def _advance(basis: Array, state: _State, nonnegative: bool) -> _State:
    """Five strides of steps; each looks, at its end, which trials are decided.

    Steps as in Boyd et al., "Distributed optimization and statistical learning via the alternating
    direction method of multipliers", Found. Trends Mach. Learn. 3 (2011), section 6.2.
    """
    # Steps of the proximal map of |s|_1, tuned on n = 400: half as many steps as with 1, or 0.1.
    level = 0.1 if nonnegative else 0.3
    goal = jnp.sum(jnp.abs(state.codes), axis=1)
    size = jnp.linalg.norm(state.codes, axis=1)

    def step(_: int, both: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        shrunk, dual, _feasible = both
        point = shrunk - dual
        feasible = point - _onto(basis, point) + state.fixed
        moved = _RELAXED * feasible + (1 - _RELAXED) * shrunk + dual
        shrunk = soft_threshold(moved, level, nonnegative=nonnegative)
        return shrunk, moved - shrunk, feasible

    def stride(_: int, state: _State) -> _State:
        start = (state.shrunk, state.dual, state.shrunk)
        shrunk, dual, feasible = lax.fori_loop(0, _STRIDE, step, start)
        reached = jnp.linalg.norm(shrunk - state.codes, axis=1) < _REACHED * size
        drop = goal - jnp.sum(jnp.abs(feasible), axis=1)
        refuted = drop > _DROP * goal
        if nonnegative:
            refuted &= _STEEP * jnp.sum(jnp.maximum(-feasible, 0), axis=1) < drop
        outcome = jnp.where(reached, RECOVERED, jnp.where(refuted, REFUTED, UNDECIDED))
        decided = state.outcome != UNDECIDED
        return state._replace(
            shrunk=shrunk,
            dual=dual,
            outcome=jnp.where(decided, state.outcome, outcome.astype(jnp.int32)),
        )

    end: _State = lax.fori_loop(0, 5, stride, state)
    return end
