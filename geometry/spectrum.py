"""The whole law of the cosines between rows: histogram, quantiles, and each row's largest |cos|.

`spectrum` takes all pairs in one sweep (see `panels`); `sampled` takes some rows against all, for
matrices whose pairs are too many.  Cosines are float32 values, off by at most
`rounding.float32_bound(d)`; how many fall into each bin is counted exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray

from geometry import rows, tiles
from geometry.panels import MEMORY, Step, Sweep
from geometry.rows import ALONE, Crew, RowSource

__all__ = ["BINS", "Sampled", "Spectrum", "absolute", "quantile", "sampled", "spectrum"]

BINS = 1 << 16
"""Bins of |cos|; those of the signed cosine are twice as many, as wide."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Cosines over all pairs of n rows.

    `counts` `[2 bins]` int64: pairs whose cosine lies in each of as many equal bins on [-1, 1]; a
    cosine of 1 counts in the last, and the sum is n(n-1)/2.  `nearest` `[n]` float32: the largest
    |cos| of each row with another; 0 where there is no other.
    """

    counts: NDArray[np.int64]
    nearest: NDArray[np.float32]

    def absolute(self) -> NDArray[np.int64]:
        """Return how many pairs have |cos| in each of the bins on [0, 1].  Shape `[bins]`."""
        return absolute(self.counts)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Cosines of m chosen rows, in g groups of equal size, with all n rows but themselves.

    `counts` `[g, 2 bins]` int64, each row of which sums to (n-1)·m/g; `nearest` `[m]` as in
    `Spectrum`.
    """

    counts: NDArray[np.int64]
    nearest: NDArray[np.float32]


def spectrum(
    vectors: ArrayLike | RowSource,
    *,
    bins: int = BINS,
    block: int | None = None,
    memory: int = MEMORY,
    devices: Sequence[jax.Device] | None = None,
    crew: Crew = ALONE,
    step: Step | None = None,
) -> Spectrum:
    """Return the histogram of the cosines of all pairs, and each row's largest |cos|.

    The same for any `memory`, `devices` and `crew`.  About n²d/2 multiply-adds and one scattered
    add a pair.  Memory: that of the rows, or `memory` bytes where they are read from a source.
    `step` is told how many pairs were done.

    Rows must be finite and not zero: ValueError, which names the row.
    """
    _check_bins(bins)
    sweep = Sweep(rows.of(vectors), block, memory, devices=devices, crew=crew)
    counts = np.zeros(2 * bins, np.int64)
    nearest = np.full(sweep.count, -1, np.float32)
    for view in sweep.views():
        for chunk in view.chunks:
            found = view.run(_visit, chunk, np.zeros(2 * bins, np.int32))
            counts += np.asarray(found[0], np.int64).sum(axis=0)
            for first, devices_found in zip(view.first, found[1:], strict=True):
                _raise(nearest, first, devices_found)
            if step is not None:
                step(view.pairs(chunk))
    return Spectrum(crew.gather(counts).sum(axis=0), _shared(nearest, crew))


def sampled(
    vectors: ArrayLike | RowSource,
    chosen: NDArray[np.int64],
    *,
    groups: int,
    bins: int = BINS,
    block: int | None = None,
    memory: int = MEMORY,
    devices: Sequence[jax.Device] | None = None,
    crew: Crew = ALONE,
    step: Step | None = None,
) -> Sampled:
    """Return the cosines of the rows `chosen` `[m]`, in that order, with all rows but themselves.

    Group k holds the k-th stretch of m/groups of them.  m·n·d multiply-adds in one pass over the
    rows; memory as in `spectrum`, and 8·groups·bins bytes.  `step` is told how many of the m·n
    products were done.  ValueError as in `spectrum`, where `groups` does not divide m, or where a
    row is chosen twice.
    """
    _check_bins(bins)
    source = rows.of(vectors)
    picked = np.asarray(chosen, np.int64)
    if groups < 1 or not len(picked) or len(picked) % groups:
        raise ValueError(
            f"`groups` must divide the number of rows chosen; got {groups} and {len(picked)}."
        )
    order = np.argsort(picked, kind="stable")
    if (np.diff(picked[order]) == 0).any() or picked.min() < 0 or picked.max() >= source.shape[0]:
        raise ValueError(f"`chosen` must be different rows among {source.shape[0]}; got others.")
    sweep = Sweep(source, block, memory, devices=devices, crew=crew)
    left = rows.Selected(source, picked[order]).rows(slice(0, len(picked)))[np.argsort(order)]
    # The sweep would name the place of a row among these.
    rows.need_directions(left, picked)
    counts = np.zeros((groups, 2 * bins), np.int64)
    nearest = np.full(len(picked), -1, np.float32)
    names = picked.astype(np.int32)
    for view in sweep.against(left, len(picked) // groups):
        for chunk in view.chunks:
            start = np.zeros((groups, 2 * bins), np.int32)
            found = view.run(_visit_chosen, chunk, start, names, np.int32(view.first[1]))
            counts += np.asarray(found[0], np.int64).sum(axis=0)
            _raise(nearest, 0, found[1])
            if step is not None:
                step(view.pairs(chunk))
    return Sampled(crew.gather(counts).sum(axis=0), _shared(nearest, crew))


def _raise(nearest: NDArray[np.float32], first: int, found: Array) -> None:
    """Take what each device found for the rows from `first` on, `[devices, panel]`."""
    part = nearest[first : first + found.shape[1]]
    np.maximum(part, np.asarray(found).max(axis=0)[: len(part)], out=part)


def _shared(nearest: NDArray[np.float32], crew: Crew) -> NDArray[np.float32]:
    largest: NDArray[np.float32] = np.clip(crew.gather(nearest).max(axis=0), 0, 1)
    return largest


def _visit(grid: tiles.Grid, walk: Array, start: Array) -> Any:
    """Histogram, and largest |cos| along both sides, of one device's tiles."""

    def visit(state: tuple[Array, ...], tile: Array) -> tuple[tuple[Array, ...], None]:
        def body() -> tuple[Array, ...]:
            early, late, tops, sides = state
            cosine, size, counting = _tile(grid, tile, grid.counting(tile))
            tops = _update(tops, jnp.max(size, axis=1), tile[0])
            sides = _update(sides, jnp.max(size, axis=0), tile[1])
            places = _bin(cosine, counting, len(start)).ravel()
            # Two halves, which a CPU counts on two cores.
            half = len(places) // 2
            early = early.at[places[:half]].add(1, mode="drop")
            late = late.at[places[half:]].add(1, mode="drop")
            return early, late, tops, sides

        return tiles.unless_none(tile, body, state), None

    nobody = (jnp.full(len(side), -1, jnp.float32) for side in (grid.left, grid.right))
    (early, late, *largest), _ = lax.scan(visit, (start, start, *nobody), walk.reshape(-1, 2))
    return jax.tree.map(lambda part: part[None], (early + late, *largest))


def _visit_chosen(grid: tiles.Grid, walk: Array, start: Array, names: Array, origin: Array) -> Any:
    """The same for chosen rows, called `names`, with a histogram for each row of tiles."""

    def visit(state: tuple[Array, Array], tile: Array) -> tuple[Any, None]:
        def body() -> tuple[Array, Array]:
            counts, tops = state
            own = lax.dynamic_slice_in_dim(names, tile[0] * grid.shape[0], grid.shape[0])
            column = tile[1] * grid.shape[1] + lax.broadcasted_iota(jnp.int32, grid.shape, 1)
            another = own[:, None] != origin + column
            cosine, size, counting = _tile(grid, tile, grid.counting(tile) & another)
            tops = _update(tops, jnp.max(size, axis=1), tile[0])
            places = _bin(cosine, counting, counts.shape[1])
            return counts.at[tile[0], places.ravel()].add(1, mode="drop"), tops

        return tiles.unless_none(tile, body, state), None

    nobody = jnp.full(len(grid.left), -1, jnp.float32)
    found, _ = lax.scan(visit, (start, nobody), walk.reshape(-1, 2))
    return jax.tree.map(lambda part: part[None], found)


def _tile(grid: tiles.Grid, tile: Array, counting: Array) -> tuple[Array, Array, Array]:
    """The cosines of one tile, their sizes, -1 where a pair does not count, and which do."""
    # Written out once: fused into each of its three uses, the product is slower on a CPU.
    apart: Callable[[Array], Array] = lax.optimization_barrier  # JAX leaves it untyped
    cosine = apart(grid.product(tile))
    return cosine, jnp.where(counting, jnp.abs(cosine), -1), counting


def _update(state: Array, found: Array, place: Array) -> Array:
    first = place * len(found)
    old = lax.dynamic_slice_in_dim(state, first, len(found))
    return lax.dynamic_update_slice_in_dim(state, jnp.maximum(old, found), first, 0)


def _bin(cosine: Array, counting: Array, bins: int) -> Array:
    """The bin of each cosine, past the end where the pair does not count.

    By its size and sign: adding 1 first would round away what float32 knows of small cosines.
    """
    half = bins // 2
    size = jnp.minimum((jnp.abs(cosine) * half).astype(jnp.int32), half - 1)
    return jnp.where(counting, jnp.where(cosine < 0, half - 1 - size, half + size), bins)


def quantile(counts: NDArray[np.int64], level: float) -> tuple[float, float]:
    """Return an interval that holds the quantile of |cos| at `level`, in [0, 1].

    `counts` `[bins]` are those of |cos| in equal bins on [0, 1].  The quantile is the smallest
    value that at least a share `level` of the pairs does not exceed; ends are those of its bin.
    ValueError for another level, and where there is no pair.
    """
    if not 0 <= level <= 1:
        raise ValueError(f"`level` must lie in [0, 1]; got {level}.")
    total = int(counts.sum())
    if not total:
        raise ValueError("`counts` must hold a pair; got none.")
    passed = np.cumsum(counts)
    place = int(np.searchsorted(passed, max(level * total, 0.5)))
    place = min(place, int(np.flatnonzero(counts)[-1]))
    return place / len(counts), (place + 1) / len(counts)


def absolute(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts of |cos| `[..., bins]` from those of the cosine `[..., 2 bins]`."""
    bins = counts.shape[-1] // 2
    folded: NDArray[np.int64] = counts[..., bins:] + counts[..., bins - 1 :: -1]
    return folded


def _check_bins(bins: int) -> None:
    """Raise ValueError for a number of bins that cannot be had."""
    if not 1 <= bins <= 2**20:
        raise ValueError(f"`bins` must lie in [1, 2^20]; got {bins}.")
