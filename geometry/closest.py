"""The pairs of rows with the largest |cos|, and a proof that no other pair is closer.

Three stages.  (1) The largest |cos| of each tile of the Gram matrix, by a product in bfloat16 where
the device multiplies that faster: what rounding can hide is bounded (`rounding`), so a tile whose
largest plus that bound stays below the best known pair is done with.  (2) The other tiles again in
float32.  (3) The few tiles that can still hold a pair of the answer, in float64 on the host, from
the rows as given.

Where many tiles tie (every tile of a Kerdock or Gold packing does) the first stage decides nothing;
it is then left out for `_RETRY` chunks.  The last stage visits at most `count` + 8
tiles, so that ties may stay undecided: `Closest.unseen` then says how close a pair that is not
listed can be at most.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray

from geometry import coherence, rounding, rows, sphere, tiles
from geometry.panels import MEMORY, Step, Sweep, View
from geometry.rows import ALONE, Crew, RowSource

__all__ = ["SCREENS", "Closest", "pairs"]

SCREENS = ("auto", "bfloat16", "float32")
_SPARE = 8
# A screen that leaves so much of its tiles undecided is left out for a while. Taking all tiles in
# half the time, and so many again, costs at most 1.25 times what float32 alone would.
_WORTH = 0.75
_RETRY = 8
# Multiply-adds below which a look at the device's speed takes longer than what it can save.
_SMALL = 2e10
_FASTER = 1.2
_STRIP = 1024


class Closest(NamedTuple):
    """The closest pairs of rows, and how close any other pair can be.

    `cosine` `[k]` float64: |cos| from the rows as given, off by less than (d + 8)·2^-52, falling;
    `first` < `second` `[k]` int64; equals by their indices.  `unseen`: no pair that is not listed
    has a larger |cos|.  So the list is complete if unseen <= cosine[-1], and the mutual coherence
    lies between cosine[0] and max(cosine[0], unseen).
    """

    cosine: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    unseen: float


def pairs(
    vectors: ArrayLike | RowSource,
    count: int = 1,
    *,
    block: int | None = None,
    memory: int = MEMORY,
    screen: str = "auto",
    devices: Sequence[jax.Device] | None = None,
    crew: Crew = ALONE,
    step: Step | None = None,
) -> Closest:
    """Return the `count` pairs of rows with the largest |cos|; fewer when there are fewer pairs.

    Where `unseen` is above the last of them, pairs that nearly tie with it may be missing.

    The same for any `memory`, `devices`, `crew` and `screen` ("bfloat16", "float32", or "auto" for
    the faster one, found by trial), but that `unseen` may be larger or smaller.  About n²d/2
    multiply-adds, and 8 + `count` tiles in float64.  Memory: that of the rows, or `memory` bytes
    and two blocks where they are read from a source.  `step` is told how many pairs were done.

    On a TPU float32 products are sums of products in bfloat16, for which `unseen` is not proved.
    Rows must be finite and not zero: ValueError, which names the row.
    """
    if count < 1:
        raise ValueError(f"`count` must be at least 1; got {count}.")
    if screen not in SCREENS:
        raise ValueError(f"`screen` must be one of {', '.join(SCREENS)}; got {screen!r}.")
    source = rows.of(vectors)
    sweep = Sweep(source, block, memory, devices=devices, crew=crew)
    work = sweep.count**2 * sweep.dim / 2
    narrow = screen == "bfloat16" or (
        screen == "auto" and work > _SMALL and _narrow_is_faster(sweep.used[0])
    )
    sweep = Sweep(source, block, memory, narrow, devices, crew)
    known = _Known(count, rounding.float32_bound(sweep.dim))
    for view in sweep.views():
        _visit(view, sweep.dim, known, step)
    known.share(crew)
    return _decided(source, sweep.size, known)


class _Known:
    """The tiles with the largest |cos| in float32, and a bound on all that was passed over."""

    def __init__(self, count: int, slack: float) -> None:
        self.count, self.slack = count, slack
        self.largest = np.empty(0)
        self.tiles = np.empty((0, 2), np.int64)
        self.passed = 0.0

    @property
    def bar(self) -> float:
        """What the |cos| of a tile must reach, or it holds no pair of the answer."""
        if len(self.largest) < self.count:
            return 0.0
        return float(self.largest[self.count - 1]) - self.slack

    def add(self, largest: NDArray[np.float64], places: NDArray[np.int64]) -> None:
        """Take the float32 maxima of tiles, and keep the best."""
        largest = np.concatenate([self.largest, largest])
        places = np.concatenate([self.tiles, places])
        order = np.lexsort((places[:, 1], places[:, 0], -largest))
        # A tile without a pair that counts has -1.
        order = order[largest[order] >= 0]
        kept, left = np.split(order, [self.count + _SPARE])
        if len(left):
            self.pass_over(float(largest[left[0]]) + self.slack)
        self.largest, self.tiles = largest[kept], places[kept]

    def pass_over(self, bound: float) -> None:
        """Say that a tile is left out in which no |cos| is above `bound`."""
        self.passed = max(self.passed, bound)

    def share(self, crew: Crew) -> None:
        """Take what the other processes know."""
        room = self.count + _SPARE
        largest, places = np.full(room, -1.0), np.zeros((room, 2), np.int64)
        largest[: len(self.largest)], places[: len(self.tiles)] = self.largest, self.tiles
        every = crew.gather(largest).ravel(), crew.gather(places).reshape(-1, 2)
        self.passed = float(crew.gather(np.array([self.passed])).max())
        self.largest, self.tiles = np.empty(0), np.empty((0, 2), np.int64)
        self.add(*every)


def _visit(view: View, dim: int, known: _Known, step: Step | None) -> None:
    """Take the maxima of the tiles of a view, through the narrow type while that decides enough.

    What a screen leaves undecided waits until the whole view was seen: the best known |cos| is
    larger by then.
    """
    nothing = _Waiting(np.empty(0), np.empty((0, 2), np.int32))
    waiting, blind = nothing, 0
    for chunk in view.chunks:
        if view.narrow is None or blind:
            blind = max(blind - 1, 0)
            known.add(_largest(view, chunk), view.blocks(chunk))
        else:
            twice, undecided = _screened(view, chunk, dim, known)
            waiting = waiting.and_also(undecided)
            if twice + len(undecided.most) > _WORTH * len(chunk):
                _settle(view, waiting, known)
                waiting, blind = nothing, _RETRY
        if step is not None:
            step(view.pairs(chunk))
    _settle(view, waiting, known)


class _Waiting(NamedTuple):
    """Tiles `[m, 2]` that the narrow type left undecided, and how large their |cos| can be."""

    most: NDArray[np.float64]
    tiles: NDArray[np.int32]

    def and_also(self, other: _Waiting) -> _Waiting:
        """Return the tiles of both."""
        return _Waiting(
            np.concatenate([self.most, other.most]), np.concatenate([self.tiles, other.tiles])
        )


def _largest(view: View, chunk: NDArray[np.int32]) -> NDArray[np.float64]:
    return _flat(view.run(coherence.tile_maxima, chunk), len(chunk))


def _screened(
    view: View, chunk: NDArray[np.int32], dim: int, known: _Known
) -> tuple[int, _Waiting]:
    """Take the maxima of a chunk in the narrow type; how many were taken again, and what waits."""
    seen = _flat(view.run_narrow(coherence.tile_maxima, chunk), len(chunk))
    top, side = (view.residual[axis][chunk[:, axis]] for axis in (0, 1))
    most = seen + rounding.narrow_bound(dim, top, side)
    # The best are taken again at once where they look better than what is known.
    order = np.argsort(-most, kind="stable")
    first = order[: known.count]
    first = first[seen[first] > known.bar]
    if len(first):
        known.add(_largest(view, chunk[first]), view.blocks(chunk[first]))
    # A tile without a pair that counts has -1.
    rest = np.setdiff1d(order[seen[order] >= 0], first)
    decided = most[rest] < known.bar
    known.pass_over(float(most[rest][decided].max(initial=0.0)))
    return len(first), _Waiting(most[rest][~decided], chunk[rest][~decided])


def _settle(view: View, waiting: _Waiting, known: _Known) -> None:
    """Take the maxima of waiting tiles in float32, from the largest down, until none can matter."""
    order = np.argsort(-waiting.most, kind="stable")
    done, group = 0, 1
    while done < len(order):
        # Few at first, since each may raise the bar for the others; at most a chunk.
        todo = order[done : done + min(group, view.width)]
        todo = todo[waiting.most[todo] >= known.bar]
        if not len(todo):
            known.pass_over(float(waiting.most[order[done]]))
            return
        known.add(_largest(view, waiting.tiles[todo]), view.blocks(waiting.tiles[todo]))
        done, group = done + len(todo), 2 * group


def _flat(dealt: Array, count: int) -> NDArray[np.float64]:
    """The values of the tiles in the order in which they were given to `tiles.place`."""
    values: NDArray[np.float64] = np.asarray(dealt, np.float64).T.ravel()[:count]
    return values


def _decided(source: RowSource, size: int, known: _Known) -> Closest:
    """Take the tiles from the largest down, in float64, until none left can matter."""
    best = _Found(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    passed = known.passed
    for largest, (one, two) in zip(known.largest, known.tiles, strict=True):
        if len(best.cosine) > known.count and (
            largest + known.slack < best.cosine[known.count - 1]
        ):
            passed = max(passed, float(largest) + known.slack)
            break
        best = _best_of(best, _tile(source, size, int(one), int(two), known.count), known.count)
    unseen = max([passed, *best.cosine[known.count :].tolist()])
    listed = slice(known.count)
    return Closest(best.cosine[listed], best.first[listed], best.second[listed], unseen)


class _Found(NamedTuple):
    """Pairs, one more than are wanted: the best of those that are not."""

    cosine: NDArray[np.float64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def _tile(source: RowSource, size: int, one: int, two: int, count: int) -> _Found:
    above, beside = (
        _scaled(source.rows(slice(part * size, min((part + 1) * size, source.shape[0]))))
        for part in (one, two)
    )
    best = _Found(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    for start in range(0, len(above[0]), _STRIP):
        values, squares = above[0][start : start + _STRIP], above[1][start : start + _STRIP]
        # The rows are not divided by their norms, so that integers tie exactly.
        cosine = np.abs(values @ beside[0].T) / np.sqrt(np.outer(squares, beside[1]))
        first = one * size + start + np.arange(len(values))
        second = two * size + np.arange(len(beside[0]))
        flat = np.where(first[:, None] < second[None, :], cosine, -1).ravel()
        hits = _top(flat, count + 1)
        row, column = np.divmod(hits[flat[hits] >= 0], len(second))
        found = _Found(np.minimum(cosine[row, column], 1), first[row], second[column])
        best = _best_of(best, found, count)
    return best


def _scaled(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows in float64, scaled, and their squares."""
    wide = sphere.below_one(values)
    return wide, np.einsum("nd,nd->n", wide, wide)


def _top(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Indices of the largest values, of equals the first ones."""
    if values.size <= count:
        return np.arange(values.size)
    bar = np.partition(values, values.size - count)[values.size - count]
    above = np.flatnonzero(values > bar)
    return np.concatenate([above, np.flatnonzero(values == bar)[: count - above.size]])


def _best_of(one: _Found, two: _Found, count: int) -> _Found:
    cosine = np.concatenate([one.cosine, two.cosine])
    first = np.concatenate([one.first, two.first])
    second = np.concatenate([one.second, two.second])
    order = np.lexsort((second, first, -cosine))[: count + 1]
    return _Found(cosine[order], first[order], second[order])


@cache
def _narrow_is_faster(device: jax.Device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32, by a trial."""
    trials = [
        partial(_square, jax.device_put(jnp.ones((2 * tiles.BLOCK, 512), kind), device), exact)
        for kind, exact in ((jnp.bfloat16, False), (jnp.float32, True))
    ]
    seconds: list[list[float]] = [[], []]
    # In turn, so that a busy moment slows both.
    for _ in range(6):
        for trial, times in zip(trials, seconds, strict=True):
            begun = time.perf_counter()
            trial().block_until_ready()
            times.append(time.perf_counter() - begun)
    narrow, wide = (min(times) for times in seconds)
    return wide > _FASTER * narrow


@partial(jax.jit, static_argnums=1)
def _square(values: Array, exact: bool) -> Array:
    return lax.dot_general(
        values,
        values,
        (((1,), (1,)), ((), ())),
        precision=lax.Precision.HIGHEST if exact else None,
        preferred_element_type=jnp.float32,
    )
