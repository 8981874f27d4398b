"""Orthogonal matching pursuit: take the best feature, project it out, and again.

Pati, Rezaiifar and Krishnaprasad, "Orthogonal matching pursuit", Asilomar 1993; Tropp, "Greed is
good", IEEE Trans. Inf. Theory 50 (2004).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry.decoders.batch import arguments
from geometry.products import product

__all__ = ["Pursuit", "orthogonal", "recovers"]

# A feature whose part orthogonal to those chosen is shorter adds nothing that float32 can tell.
_DEPENDENT = 1e-4


class Pursuit(NamedTuple):
    """`codes` `[b, n]`, and `picks` `[b, k]` int32: the features in the order they were taken.

    A pick n means that no feature was left to take.
    """

    codes: Array
    picks: Array


def orthogonal(
    vectors: ArrayLike, inputs: ArrayLike, active: int, *, nonnegative: bool = False
) -> Pursuit:
    """Return what `active` steps of the pursuit take, and its least-squares code on them.

    Each step takes the feature with the largest |<residual, w_i>|; with `nonnegative` the largest
    positive <residual, w_i> (the code on the support is the plain least-squares one, and may have
    negative entries).  The first j picks are those of a run with j steps.  Time O(b k n d), memory
    O(b k d + b n).  Raises ValueError for `active` outside [1, min(n, d)].
    """
    rows, signals = arguments(vectors, inputs)
    most = min(rows.shape)
    if not 1 <= active <= most:
        raise ValueError(f"`active` must lie in [1, {most}]; got {active}.")
    found: Pursuit = _orthogonal(rows, signals, active, nonnegative)
    return found


def recovers(
    vectors: ArrayLike, codes: ArrayLike, *, most: int, nonnegative: bool = False
) -> Array:
    """Return whether the pursuit finds the support of each true code.  Shape `[b]` from `[b, n]`.

    Its picks do not depend on how many steps are to come, so with k active features it succeeds if
    the first k picks are active; an item stops at its first wrong pick, and the batch with its last
    item.  Codes with more than `most` active features count as not found: pass the largest k, or
    min(n, d).  Raises ValueError for `most` outside [1, min(n, d)] or codes of another width.
    """
    rows = jnp.asarray(vectors, jnp.float32)
    truth = jnp.asarray(codes, jnp.float32)
    if truth.ndim != 2 or rows.ndim != 2 or truth.shape[1] != rows.shape[0]:
        raise ValueError(f"`codes` must have shape [b, {rows.shape[0]}]; got shape {truth.shape}.")
    if not 1 <= most <= min(rows.shape):
        raise ValueError(f"`most` must lie in [1, {min(rows.shape)}]; got {most}.")
    found: Array = _recovers(rows, truth, most, nonnegative)
    return found


@partial(jax.jit, static_argnums=(2, 3))
def _recovers(rows: Array, truth: Array, most: int, nonnegative: bool) -> Array:
    wanted = jnp.sum(truth != 0, axis=1, dtype=jnp.int32)
    item = jnp.arange(truth.shape[0])

    def right(state: _State, place: Array) -> Array:
        pick = state.picks[:, place]
        known = pick < rows.shape[0]
        return known & (truth[item, jnp.where(known, pick, 0)] != 0)

    def going(both: tuple[Array, _State, Array]) -> Array:
        place, _state, alive = both
        return (place < most) & jnp.any(alive & (wanted > place))

    def step(both: tuple[Array, _State, Array]) -> tuple[Array, _State, Array]:
        place, state, alive = both
        state = _step(place, state, rows, nonnegative)
        return place + 1, state, alive & (right(state, place) | (place >= wanted))

    start = _start(rows, product(truth, rows), most)
    _, _, alive = lax.while_loop(going, step, (jnp.int32(0), start, wanted <= most))
    return alive


class _State(NamedTuple):
    residual: Array  # [b, d]
    basis: Array  # [b, k, d], orthonormal rows, zero where not yet filled
    triangle: Array  # [b, k, k], lower triangular: pick j is triangle[j] · basis
    picks: Array  # [b, k]
    taken: Array  # [b, n]


def _start(rows: Array, signals: Array, active: int) -> _State:
    batch, (features, dim) = signals.shape[0], rows.shape
    return _State(
        signals,
        jnp.zeros((batch, active, dim), jnp.float32),
        jnp.zeros((batch, active, active), jnp.float32),
        jnp.full((batch, active), features, jnp.int32),
        jnp.zeros((batch, features), bool),
    )


def _step(place: Array, state: _State, rows: Array, nonnegative: bool) -> _State:
    readings = product(state.residual, rows.T)
    strength = readings if nonnegative else jnp.abs(readings)
    strength = jnp.where(state.taken, -jnp.inf, strength)
    pick = jnp.argmax(strength, axis=1)
    useful = jnp.max(strength, axis=1) > 0
    chosen = rows[pick]

    def project(vector: Array) -> tuple[Array, Array]:
        along = jnp.einsum("bkd,bd->bk", state.basis, vector, precision="highest")
        return vector - jnp.einsum("bk,bkd->bd", along, state.basis, precision="highest"), along

    # Gram-Schmidt done twice is as orthogonal as float32 allows.
    once, first = project(chosen)
    rest, second = project(once)
    length = jnp.linalg.norm(rest, axis=1)
    useful &= length > _DEPENDENT
    axis = jnp.where(useful[:, None], rest / jnp.where(useful, length, 1)[:, None], 0)
    column = (first + second).at[:, place].set(jnp.where(useful, length, 1))
    share = jnp.sum(axis * state.residual, axis=1, keepdims=True)
    return _State(
        state.residual - share * axis,
        state.basis.at[:, place].set(axis),
        state.triangle.at[:, place].set(column),
        state.picks.at[:, place].set(jnp.where(useful, pick, rows.shape[0])),
        state.taken.at[jnp.arange(len(pick)), pick].set(True),
    )


@partial(jax.jit, static_argnums=(2, 3))
def _orthogonal(rows: Array, signals: Array, active: int, nonnegative: bool) -> Pursuit:
    end = lax.fori_loop(
        0,
        active,
        lambda place, state: _step(place, state, rows, nonnegative),
        _start(rows, signals, active),
    )
    # x is, on the span, sum_j c_j pick_j with triangleᵀ c = basis · x.
    along = jnp.einsum("bkd,bd->bk", end.basis, signals, precision="highest")
    triangle = jnp.swapaxes(end.triangle, 1, 2)
    weights = jax.scipy.linalg.solve_triangular(triangle, along[..., None], lower=False)[..., 0]
    item = jnp.arange(signals.shape[0])[:, None]
    codes = jnp.zeros((signals.shape[0], rows.shape[0]), jnp.float32)
    return Pursuit(codes.at[item, end.picks].set(weights, mode="drop"), end.picks)
