"""Blocked kernels over the Gram matrix that never form it.

The rows of `vectors` `[n, d]` are cut into blocks, and the kernels walk over the tiles
(block i, block j) with i <= j: by symmetry half of the pairs.  A tile is one matrix product, in
float32 with `Precision.HIGHEST`; pairs that do not count (the diagonal, the lower half of diagonal
tiles, padding) are masked by index.  Memory is O(n·d + block²); the floor of the work is n²d/2
multiply-adds, and the diagonal tiles add a share of block/n.

The list of tiles is what is distributed.  Vectors that live on several devices (replicated, say)
are compared on all of them; on one device, or inside `jit` and `vmap`, the same code runs on one.
The answers are the same.

"Pairs" are i < j, and |cos| is the absolute inner product of the rows divided by their norms.  One
row has no pairs: its largest |cos| is 0.  Input may be of any integer or floating type, is read as
float32, and must be finite there.  Errors are ValueError; inside `jit` or `vmap` values cannot be
inspected, there only shapes are checked and a NaN spreads to the result.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import ArrayLike as HostLike
from numpy.typing import NDArray

from geometry import sphere, tiles

_NONE = np.iinfo(np.int32).max


class RowMaxima(NamedTuple):
    """Largest |cos| of each row with another, `[n]` float32, and that row's index, `[n]` int32."""

    cosine: Array
    partner: Array


class Pairs(NamedTuple):
    """Pairs of rows: |cos| `[k]` float32, and indices first < second, `[k]` int64 each."""

    cosine: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def largest_inner_product(vectors: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |<v_i, v_j>| over pairs of rows as given, not normalised.  float32 scalar.

    Exact for integer rows as long as the absolute products |v_ik v_jk| of any pair sum to less
    than 2^24: then every partial sum, in whatever order, is an integer that float32 holds.  For
    rows of -1, 0, 1 this means d < 2^24.  Else the error is at most d·2^-24 |v_i||v_j|, to first
    order.  0 for one row.  About n²d/2 multiply-adds.
    """
    plan = tiles.plan(tiles.checked(vectors, "vectors"), None, block)
    return jnp.maximum(jnp.max(tiles.run(_maxima, plan)), 0)


def largest_cross_product(left: ArrayLike, right: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |<u, v>|, u a row of `left` `[m, d]` and v of `right` `[n, d]`, as given.

    float32 scalar, exact for integer rows as in `largest_inner_product`.  m·n·d multiply-adds.
    """
    first, second = tiles.checked(left, "left"), tiles.checked(right, "right")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "`left` and `right` must have as many columns; "
            f"got shapes {first.shape} and {second.shape}."
        )
    return jnp.max(tiles.run(_maxima, tiles.plan(first, second, block)))


def mutual_coherence(vectors: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |cos| over pairs of rows, in [0, 1].  float32 scalar.

    Rows are normalised first; a zero row raises ValueError.  The error is at most about d·2^-24,
    in practice a few 1e-7.  0 for one row.  About n²d/2 multiply-adds.
    """
    return jnp.clip(jnp.max(tiles.run(_maxima, tiles.plan(_unit(vectors), None, block))), 0, 1)


def histogram(vectors: ArrayLike, *, bins: int, block: int = tiles.BLOCK) -> NDArray[np.int64]:
    """Return how many pairs have |cos| in each of `bins` equal bins on [0, 1].  Shape `[bins]`.

    Bin k holds floor(bins·|cos|) = k in float32 arithmetic; 1 goes to the last bin.  The counts
    are exact and sum to n(n-1)/2.  About n²d/2 multiply-adds and one scattered add a pair.
    """
    if not 1 <= bins <= 2**20:
        raise ValueError(f"`bins` must lie in [1, 2^20]; got {bins}.")
    plan = tiles.plan(_unit(vectors), None, block)
    return _total(tiles.run(_histogram, plan, np.zeros(bins, np.int32)))


def counts_above(
    vectors: ArrayLike, thresholds: HostLike, *, block: int = tiles.BLOCK
) -> NDArray[np.int64]:
    """Return how many pairs have |cos| > t, for each t of `thresholds` `[k]`.  Shape `[k]`.

    The counts are exact for the float32 values of |cos|: a pair within rounding of t may fall on
    either side.  Thresholds lie in [0, 1] and are compared at full precision (rounded down to
    float32, which decides alike).  About n²d/2 multiply-adds and k·n²/2 comparisons.
    """
    wanted = np.asarray(thresholds, dtype=np.float64)
    if wanted.ndim != 1 or not np.all((wanted >= 0) & (wanted <= 1)):
        raise ValueError(f"`thresholds` must be a list of numbers in [0, 1]; got {wanted}.")
    plan = tiles.plan(_unit(vectors), None, block)
    return _total(tiles.run(_counts, plan, round_down(wanted)))


def row_maximum(vectors: ArrayLike, *, block: int = tiles.BLOCK) -> RowMaxima:
    """Return each row's largest |cos| with another row, and which: the lowest index among equals.

    One row alone has |cos| 0 and partner -1.  About n²d/2 multiply-adds.
    """
    rows = _unit(vectors)
    plan = tiles.plan(rows, None, block)
    start = np.full(plan.left.shape[0], -1, np.float32)
    values, partners = tiles.run(_row_maxima, plan, start)
    count = rows.shape[0]
    return RowMaxima(*_across_devices(values[:, :count], partners[:, :count]))


def closest_pairs(vectors: ArrayLike, count: int, *, block: int = tiles.BLOCK) -> Pairs:
    """Return the `count` pairs with the largest |cos|, falling; equals by their indices, rising.

    Fewer when there are fewer pairs.  Two passes.  The first takes the maximum of each tile.  The
    second takes the tiles from the largest maximum down, each time keeping the best `count` pairs,
    until no tile left can hold a better one: at most about `count` tiles, and never more than all,
    so between n²d/2 and n²d multiply-adds.  Memory O(n·d + block² + count).
    """
    if count < 1:
        raise ValueError(f"`count` must be at least 1; got {count}.")
    plan = tiles.plan(_unit(vectors), None, block)
    maxima = np.asarray(tiles.run(_maxima, plan)).ravel()
    places = np.asarray(plan.tiles).reshape(-1, 2)
    rows, sizes = plan.left.addressable_data(0), plan.sizes.addressable_data(0)
    best = Pairs(np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64))
    # The passes may round differently, by at most d·2^-24 each for unit rows.
    slack = (plan.left.shape[1] + 2) * 2.0**-23
    for index in np.argsort(-maxima, kind="stable"):
        full = best.cosine.size == count
        if maxima[index] < 0 or (full and maxima[index] < best.cosine[-1] - slack):
            break
        gram = _one_tile(rows, sizes, places[index], shape=plan.shape)
        least = best.cosine[-1] if full else np.float32(0)
        best = _merge(best, _tile_pairs(np.asarray(gram), places[index], least, count), count)
    return best


def round_down(values: HostLike) -> NDArray[np.float32]:
    """Return the largest float32 not above each value: x > t and x > round_down(t) agree."""
    exact = np.asarray(values, dtype=np.float64)
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)


def _total(chunks: Array) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.asarray(chunks, np.int64).sum(axis=0)
    return total


def _unit(vectors: ArrayLike) -> Array:
    return sphere.normalise(tiles.checked(vectors, "vectors"))


def _maxima(gram: Callable[[Array], Array], walk: Array) -> Array:
    def largest(tile: Array) -> Array:
        # Two steps: the first runs along the vector unit.
        return jnp.max(jnp.max(gram(tile), axis=0))

    found: Array = lax.map(largest, walk.reshape(-1, 2))
    return found


def _histogram(gram: Callable[[Array], Array], walk: Array, start: Array) -> Array:
    bins = start.shape[0]

    def add(counts: Array, tile: Array) -> tuple[Array, None]:
        cosine = gram(tile).ravel()
        index = jnp.minimum((cosine * bins).astype(jnp.int32), bins - 1)
        return counts.at[jnp.where(cosine < 0, bins, index)].add(1, mode="drop"), None

    return _by_chunk(add, start, walk)


def _counts(gram: Callable[[Array], Array], walk: Array, thresholds: Array) -> Array:
    def add(counts: Array, tile: Array) -> tuple[Array, None]:
        cosine = gram(tile)
        above = jax.vmap(lambda least: jnp.sum(cosine > least, dtype=jnp.int32))(thresholds)
        return counts + above, None

    return _by_chunk(add, jnp.zeros(thresholds.shape, jnp.int32), walk)


def _by_chunk(
    add: Callable[[Array, Array], tuple[Array, None]], start: Array, walk: Array
) -> Array:
    counts: Array = lax.map(lambda chunk: lax.scan(add, start, chunk)[0], walk)
    return counts


def _row_maxima(gram: Callable[[Array], Array], walk: Array, start: Array) -> tuple[Array, Array]:
    def best(cosine: Array, first: Array, axis: int) -> tuple[Array, Array]:
        value = jnp.max(cosine, axis=axis)
        index = first + lax.broadcasted_iota(jnp.int32, cosine.shape, axis)
        ties = (cosine == jnp.expand_dims(value, axis)) & (cosine >= 0)
        return value, jnp.min(jnp.where(ties, index, _NONE), axis=axis)

    def update(
        state: tuple[Array, Array], found: tuple[Array, Array], first: Array
    ) -> tuple[Array, Array]:
        size = found[0].shape[0]
        old = tuple(lax.dynamic_slice_in_dim(part, first, size) for part in state)
        new = _better((old[0], old[1]), found)
        return (
            lax.dynamic_update_slice_in_dim(state[0], new[0], first, 0),
            lax.dynamic_update_slice_in_dim(state[1], new[1], first, 0),
        )

    def visit(state: tuple[Array, Array], tile: Array) -> tuple[tuple[Array, Array], None]:
        cosine = gram(tile)
        top, side = tile[0] * cosine.shape[0], tile[1] * cosine.shape[1]
        state = update(state, best(cosine, side, 1), top)
        return update(state, best(cosine, top, 0), side), None

    nobody = jnp.full(start.shape, _NONE, jnp.int32)
    (value, partner), _ = lax.scan(visit, (start, nobody), walk.reshape(-1, 2))
    return value[None, :], partner[None, :]


def _better(old: tuple[Array, Array], new: tuple[Array, Array]) -> tuple[Array, Array]:
    wins = (new[0] > old[0]) | ((new[0] == old[0]) & (new[1] < old[1]))
    return jnp.where(wins, new[0], old[0]), jnp.where(wins, new[1], old[1])


@jax.jit
def _across_devices(values: Array, partners: Array) -> tuple[Array, Array]:
    best = jnp.max(values, axis=0)
    partner = jnp.min(jnp.where(values == best[None, :], partners, _NONE), axis=0)
    return jnp.clip(best, 0, 1), jnp.where(partner == _NONE, -1, partner)


@partial(jax.jit, static_argnames="shape")
def _one_tile(rows: Array, sizes: Array, tile: Array, *, shape: tuple[int, int]) -> Array:
    return jnp.minimum(tiles.gram(rows, rows, sizes, tile, shape=shape, symmetric=True), 1)


def _tile_pairs(
    gram: NDArray[np.float32], tile: NDArray[np.int32], least: np.float32, count: int
) -> Pairs:
    flat = gram.ravel()
    hits = np.flatnonzero(flat >= least)
    if hits.size > count:
        values = flat[hits]
        bar = np.partition(values, hits.size - count)[hits.size - count]
        above, equal = hits[values > bar], hits[values == bar]
        # Row-major order is the order of the pairs, so the first of the equals are wanted.
        hits = np.concatenate([above, equal[: count - above.size]])
    row, column = np.divmod(hits, gram.shape[1])
    top, side = (int(tile[axis]) * gram.shape[axis] for axis in (0, 1))
    return Pairs(flat[hits], row + top, column + side)


def _merge(one: Pairs, two: Pairs, count: int) -> Pairs:
    cosine = np.concatenate([one.cosine, two.cosine])
    first = np.concatenate([one.first, two.first])
    second = np.concatenate([one.second, two.second])
    order = np.lexsort((second, first, -cosine))[:count]
    return Pairs(cosine[order], first[order], second[order])
