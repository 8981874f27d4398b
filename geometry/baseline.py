"""The measured random baseline: how far random and greedy choices of directions get.

Each function takes one key and runs one draw.  An ensemble is
`jax.vmap(lambda i: first_clash(jax.random.fold_in(root, i), ...))(jnp.arange(members))`, and
member i does not depend on the size of the ensemble.  Directions come in batches, batch b from
`sphere.sample(fold_in(key, b), batch, dim)`, so the directions do not depend on the caps either,
and the same key and batch size show `first_clash` and `greedy` the same directions.

The laws that these draws follow are in `geometry.sphere`.  Comparisons are made in float32: a pair
within rounding of `eps` may fall on either side, which no random draw notices.  Arguments out of
range raise ValueError.
"""

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from geometry import coherence, rounding, sphere

__all__ = ["BATCH", "FirstClash", "Greedy", "first_clash", "greedy", "random_coherence"]

BATCH = 256
"""Directions drawn at a time."""
_State: TypeAlias = tuple[Array, Array, Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FirstClash:
    """Directions drawn before the first clash, int32, and whether the cap ended the count, bool."""

    count: Array
    capped: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Greedy:
    """Size of the greedy packing, int32, and whether a direction found no room in it, bool."""

    count: Array
    full: Array


def first_clash(key: Array, *, dim: int, eps: float, cap: int, batch: int = BATCH) -> FirstClash:
    """Return how many random directions are drawn before the first pair with |cos| > eps.

    The count is the largest n, at most `cap`, such that the first n directions are free of clashes;
    direction n+1 then clashes with one of them, unless `capped`.  Its median is
    `sphere.first_clash_median`.  Stops at the batch that holds the clash: about n²d/2
    multiply-adds.  Memory O(cap·d + batch²).  Under `vmap` each member costs as much as the
    slowest, and all hold their memory at once: on a CPU `lax.map` is as fast, or faster.
    """
    _check(dim, eps=eps, cap=cap, batch=batch)
    drawn: FirstClash = _first_clash(key, rounding.round_down(eps), dim=dim, cap=cap, batch=batch)
    return drawn


def greedy(
    key: Array, *, dim: int, eps: float, candidates: int, capacity: int, batch: int = BATCH
) -> Greedy:
    """Return the size of the packing that random candidates reach when taken greedily in order.

    A candidate is kept if |cos| <= eps with all kept so far.  Once `capacity` are kept no more are
    taken, and `full` says that one more would have been: the count is then a lower bound.
    The expected size is about `sphere.greedy_count`.  Memory O(capacity·d + batch²); about
    candidates·count·d multiply-adds.
    """
    _check(dim, eps=eps, candidates=candidates, capacity=capacity, batch=batch)
    packed: Greedy = _greedy(
        key,
        rounding.round_down(eps),
        dim=dim,
        candidates=candidates,
        capacity=capacity,
        batch=batch,
    )
    return packed


def random_coherence(key: Array, *, dim: int, count: int) -> Array:
    """Return the largest |cos| among `count` random directions.  float32 scalar.

    Its quantiles are `sphere.largest_cosine_quantile`.  0 when `count` is 1.
    """
    _check(dim, count=count)
    largest: Array = _random_coherence(key, dim=dim, count=count)
    return largest


@partial(jax.jit, static_argnames=("dim", "count"))
def _random_coherence(key: Array, *, dim: int, count: int) -> Array:
    return coherence.mutual_coherence(sphere.sample(key, count, dim))


@partial(jax.jit, static_argnames=("dim", "cap", "batch"))
def _first_clash(key: Array, eps: Array, *, dim: int, cap: int, batch: int) -> FirstClash:
    batches = -(-cap // batch)

    def unfinished(state: _State) -> Array:
        index, count, _ = state
        return (index < batches) & (count == index * batch)

    def draw(state: _State) -> _State:
        index, count, drawn = state
        rows = sphere.sample(jax.random.fold_in(key, index), batch, dim)
        clashes = _clashes_with_earlier(drawn, index, rows, eps)
        clashes |= jnp.any(_earlier_clashes(rows, eps), axis=1)
        drawn = lax.dynamic_update_slice_in_dim(drawn, rows, index * batch, 0)
        clear = jnp.where(jnp.any(clashes), jnp.argmax(clashes), batch).astype(jnp.int32)
        return index + 1, count + clear, drawn

    nothing = jnp.zeros((batches * batch, dim), jnp.float32)
    start = jnp.int32(0), jnp.int32(0), nothing
    _, count, _ = lax.while_loop(unfinished, draw, start)
    return FirstClash(jnp.minimum(count, cap), count >= cap)


@partial(jax.jit, static_argnames=("dim", "candidates", "capacity", "batch"))
def _greedy(
    key: Array, eps: Array, *, dim: int, candidates: int, capacity: int, batch: int
) -> Greedy:
    room = -(-capacity // batch) * batch

    def take(state: _State, index: Array) -> tuple[_State, None]:
        kept, count, full = state
        rows = sphere.sample(jax.random.fold_in(key, index), batch, dim)
        wanted = index * batch + jnp.arange(batch) < candidates
        blocks = (count + batch - 1) // batch
        clear = wanted & ~_clashes_with_earlier(kept, blocks, rows, eps)
        keep = _first_come(clear, _earlier_clashes(rows, eps))
        place = count + jnp.cumsum(keep, dtype=jnp.int32) - 1
        taken = keep & (place < capacity)
        kept = kept.at[jnp.where(taken, place, room)].set(rows, mode="drop")
        count += jnp.sum(taken, dtype=jnp.int32)
        return (kept, count, full | jnp.any(keep & ~taken)), None

    start = jnp.zeros((room, dim), jnp.float32), jnp.int32(0), jnp.bool_(False)
    (_, count, full), _ = lax.scan(take, start, jnp.arange(-(-candidates // batch)))
    return Greedy(count, full)


def _first_come(clear: Array, clashes: Array) -> Array:
    """Return which rows a pass in order keeps: the clear ones that clash with none kept earlier.

    The rule has one fixed point, since row i depends on rows before i alone, and iterating it
    settles row i after at most i rounds; in practice a few rounds of one product each settle all.
    """

    def keep(kept: Array) -> Array:
        return clear & ~jnp.any(clashes & kept[None, :], axis=1)

    def settle(state: tuple[Array, Array]) -> tuple[Array, Array]:
        return state[1], keep(state[1])

    start = clear, keep(clear)
    return lax.while_loop(lambda state: jnp.any(state[0] != state[1]), settle, start)[1]


def _clashes_with_earlier(earlier: Array, blocks: Array, rows: Array, eps: Array) -> Array:
    """Return whether each of `rows` `[b, d]` clashes with the first blocks·b of `earlier`.

    Rows of `earlier` not filled yet are zero, and clash with nothing.
    """
    size = rows.shape[0]

    def screen(block: Array, clashes: Array) -> Array:
        others = lax.dynamic_slice_in_dim(earlier, block * size, size)
        return clashes | jnp.any(_cosines(rows, others) > eps, axis=1)

    clashes: Array = lax.fori_loop(0, blocks, screen, jnp.zeros(size, jnp.bool_))
    return clashes


def _earlier_clashes(rows: Array, eps: Array) -> Array:
    """Return `[b, b]`, whether row i clashes with row j, for j < i; False elsewhere."""
    return jnp.tril(_cosines(rows, rows) > eps, -1)


def _cosines(rows: Array, others: Array) -> Array:
    return jnp.abs(jnp.matmul(rows, others.T, precision=lax.Precision.HIGHEST))


def _check(dim: int, *, eps: float = 0.0, **sizes: int) -> None:
    if dim < 1:
        raise ValueError(f"`dim` must be at least 1; got {dim}.")
    if not 0 <= eps < 1:
        raise ValueError(f"`eps` must lie in [0, 1); got {eps}.")
    for name, size in sizes.items():
        if not 1 <= size < np.iinfo(np.int32).max:
            raise ValueError(f"`{name}` must lie in [1, 2^31 - 1); got {size}.")
