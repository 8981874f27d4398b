"""A sweep over all pairs of rows that need not fit in memory.

The rows of a `RowSource` are cut into blocks, and so many blocks as `memory` holds make a panel.  A
sweep visits the pairs of panels (a, b), a <= b, reads each panel when it is needed, divides its
rows by their norms on the devices, and deals out the tiles of the pair (see `tiles`) in chunks of
a fraction of a second.  Rows that fit make one panel and are read once.  With p panels they are
read p/2 times, so n²d/2 multiply-adds come with n²/(2·panel) rows to read.

Processes of a `Crew` share the pairs of panels, or the chunks where there is one panel.  Blocks,
and so the arithmetic of each tile, depend on n and `block` alone (by default on the kind of the
devices): not on `memory`, the number of devices or the crew.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from geometry import sphere, tiles
from geometry.rows import ALONE, Crew, RowSource, need_directions

__all__ = ["MEMORY", "Step", "Sweep", "View"]

MEMORY = 1 << 30
"""Bytes for rows on the devices unless the caller says otherwise."""
Step = Callable[[int], None]
"""Told how many pairs were done since the last call."""
# Rows of a block and operations of a chunk. An accelerator has to be kept busy from afar.
_LEAST = 8  # tiles of a chunk on a device
_CPU, _ACCELERATOR = (tiles.BLOCK, 4e10), (4 * tiles.BLOCK, 4e12)
# Bytes of an entry: float32 and bfloat16 unit rows, and what making them takes beside.
_HELD, _MAKING = 6, 8
# Largest |entry| of rows that float32 holds well: what falls below its normal numbers, and may be
# flushed to zero, is less than 2^-62 of the largest.
_PEAKS = 2.0**-64, 2.0**64


@dataclass(frozen=True)
class _Panel:
    """Unit rows on the devices, padded; `residual` is the largest |narrow - unit| of each block."""

    first: int
    count: int
    unit: Array
    narrow: Array | None
    residual: NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """One pair of panels, ready for kernels; tiles `[m, 2]` are counted within the panels."""

    plan: tiles.Plan
    narrow: tiles.Plan | None
    first: tuple[int, int]
    residual: tuple[NDArray[np.float64], NDArray[np.float64]]
    chunks: list[NDArray[np.int32]]
    length: int

    @property
    def width(self) -> int:
        """Most tiles that one run takes."""
        return self.length * (1 if self.plan.mesh is None else self.plan.mesh.size)

    def run(self, kernel: Callable[..., Any], chunk: NDArray[np.int32], *extra: Any) -> Any:
        """Run a kernel over some tiles, at most as many as a chunk has, in float32."""
        return tiles.run(kernel, self._with(self.plan, chunk), *extra)

    def run_narrow(self, kernel: Callable[..., Any], chunk: NDArray[np.int32]) -> Any:
        """Run a kernel over some tiles in the narrow type; ValueError if the sweep has none."""
        if self.narrow is None:
            raise ValueError("`narrow` must be asked of the sweep; got none.")
        return tiles.run(kernel, self._with(self.narrow, chunk))

    def _with(self, plan: tiles.Plan, chunk: NDArray[np.int32]) -> tiles.Plan:
        dealt = tiles.place(chunk, plan.mesh, plan.shape, self.length)
        return dataclasses.replace(plan, tiles=dealt)

    def blocks(self, chunk: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the tiles counted among all blocks of the source."""
        origin = np.asarray(self.first, np.int64) // self.plan.shape[0]
        places: NDArray[np.int64] = chunk.astype(np.int64) + origin
        return places

    def pairs(self, chunk: NDArray[np.int32]) -> int:
        """Return how many pairs of rows some tiles hold."""
        height, width = self.plan.shape
        rows, columns = np.asarray(self.plan.sizes).tolist()
        tall = np.clip(rows - height * chunk[:, 0].astype(np.int64), 0, height)
        wide = np.clip(columns - width * chunk[:, 1].astype(np.int64), 0, width)
        diagonal = (chunk[:, 0] == chunk[:, 1]) & self.plan.symmetric
        return int(np.where(diagonal, tall * (tall - 1) // 2, tall * wide).sum())


@dataclass(frozen=True)
class Sweep:
    """All pairs of the rows of `source`, or this process's share of them."""

    source: RowSource
    block: int | None = None
    memory: int = MEMORY
    narrow: bool = False
    devices: Sequence[jax.Device] | None = None
    crew: Crew = ALONE

    def __post_init__(self) -> None:
        """Hold what the kernels need."""
        shape = self.source.shape
        if len(shape) != 2:
            raise ValueError(f"`vectors` must have shape [n, d]; got shape {shape}.")
        if 0 in shape:
            raise ValueError(f"`vectors` must have a row and a column; got shape {shape}.")
        if self.block is not None:
            tiles.check_block(self.block)

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.source.shape[0]

    @property
    def dim(self) -> int:
        """Number of columns."""
        return self.source.shape[1]

    @property
    def size(self) -> int:
        """Rows of a block."""
        return tiles.even(self.count, self._suited[0] if self.block is None else self.block)

    @cached_property
    def used(self) -> list[jax.Device]:
        """The devices of this process that take part."""
        return list(jax.local_devices() if self.devices is None else self.devices)

    @property
    def _suited(self) -> tuple[int, float]:
        return _CPU if self.used[0].platform == "cpu" else _ACCELERATOR

    @cached_property
    def panel(self) -> int:
        """Rows of a panel: whole blocks."""
        # Virtual devices of a CPU hold their copies in the same memory.
        copies = len(self.used) if self.used[0].platform == "cpu" else 1
        blocks = -(-self.count // self.size)
        row = self.dim * copies
        if blocks * self.size * row * (_HELD + _MAKING) <= self.memory:
            return blocks * self.size
        most = self.memory // (row * (2 * _HELD + _MAKING) * self.size)
        # So many panels that the processes' shares are nearly equal.
        fair = 1 if self.crew.count == 1 else math.isqrt(16 * self.crew.count)
        return self.size * max(1, min(most, -(-blocks // fair)))

    def views(self) -> Iterator[View]:
        """Visit the pairs of panels that are this process's."""
        starts = range(0, self.count, self.panel)
        alone = len(starts) == 1
        top: _Panel | None = None
        for turn, (one, two) in enumerate(itertools.combinations_with_replacement(starts, 2)):
            if not alone and turn % self.crew.count != self.crew.index:
                continue
            if top is None or top.first != one:
                top = self._load(one)
            side = top if one == two else self._load(two)
            yield self._view(top, side, self.size, symmetric=one == two, shared=alone)

    def against(self, chosen: NDArray[Any], height: int) -> Iterator[View]:
        """Visit the pairs of the rows `chosen` `[m, d]` with panels that are this process's.

        Tiles are `height` rows high.
        """
        left = self._panel_of(chosen, 0, -(-len(chosen) // height) * height, height)
        starts = range(0, self.count, self.panel)
        alone = len(starts) == 1
        for turn, start in enumerate(starts):
            if alone or turn % self.crew.count == self.crew.index:
                yield self._view(left, self._load(start), height, symmetric=False, shared=alone)

    def _view(
        self, top: _Panel, side: _Panel, height: int, *, symmetric: bool, shared: bool
    ) -> View:
        across = tiles.mesh(self.used)
        shape = height, self.size
        rows, columns = -(-top.count // shape[0]), -(-side.count // shape[1])
        walk = tiles.walk(rows, None if symmetric else columns)
        length = self._length(shape)
        width = length * len(self.used)
        chunks = [walk[start : start + width] for start in range(0, len(walk), width)]
        if shared:
            chunks = chunks[self.crew.index :: self.crew.count]
        sizes = tiles.replicate(np.array([top.count, side.count], np.int32), across)
        none = tiles.place(np.empty((0, 2), np.int32), across, shape, 1)
        plan = tiles.Plan(top.unit, side.unit, sizes, none, shape, symmetric, across)
        narrow = None
        if top.narrow is not None and side.narrow is not None:
            narrow = dataclasses.replace(plan, left=top.narrow, right=side.narrow, narrow=True)
        first, residual = (top.first, side.first), (top.residual, side.residual)
        return View(plan, narrow, first, residual, chunks, length)

    def _length(self, shape: tuple[int, int]) -> int:
        """Tiles of a chunk on each device."""
        flops = 2.0 * math.prod(shape) * self.dim * len(self.used)
        blocks = -(-self.panel // self.size)
        most = min((2**31 - 1) // math.prod(shape), -(-(blocks**2) // len(self.used)))
        return int(max(1, min(max(self._suited[1] // flops, _LEAST), most)))

    def _load(self, first: int) -> _Panel:
        stop = min(first + self.panel, self.count)
        return self._panel_of(self.source.rows(slice(first, stop)), first, self.panel, self.size)

    def _panel_of(self, rows: NDArray[Any], first: int, padded: int, block: int) -> _Panel:
        values = np.asarray(rows)
        if values.dtype.kind not in "iuf" and not jnp.issubdtype(values.dtype, jnp.floating):
            raise ValueError(f"`vectors` must hold real numbers; got type {values.dtype}.")
        making = {"panel": padded, "block": block, "narrow": self.narrow}
        unit, narrow, residual, peak = _prepare(self._placed(values), **making)
        peaks = np.asarray(peak)
        odd = ~((peaks >= _PEAKS[0]) & (peaks <= _PEAKS[1]))
        if odd.any():
            scaled = _scaled(values, odd, first)
            unit, narrow, residual, _ = _prepare(self._placed(scaled), **making)
        return _Panel(first, len(values), unit, narrow, np.asarray(residual, np.float64))

    def _placed(self, values: NDArray[Any]) -> Array:
        """The rows on the devices; narrow types are widened there."""
        if values.dtype.itemsize >= 4:
            with np.errstate(over="ignore"):
                values = values.astype(np.float32, copy=False)
        one = len(self.used) == 1
        placed = jax.device_put(values, self.used[0]) if one else values
        return tiles.replicate(placed, tiles.mesh(self.used))


def _scaled(values: NDArray[Any], odd: NDArray[np.bool_], first: int) -> NDArray[np.float32]:
    """The rows in float32, the odd ones brought to a largest entry below 1 by a power of two."""
    wide = values[odd].astype(np.float64)
    need_directions(wide, first + np.flatnonzero(odd))
    with np.errstate(over="ignore"):
        scaled = values.astype(np.float32)
    scaled[odd] = sphere.below_one(wide)
    return scaled


@partial(jax.jit, static_argnames=("panel", "block", "narrow"))
def _prepare(
    values: Array, *, panel: int, block: int, narrow: bool
) -> tuple[Array, Array | None, Array, Array]:
    unit, peak = sphere.unit_rows(values.astype(jnp.float32))
    unit = jnp.pad(unit, ((0, panel - len(values)), (0, 0)))
    if not narrow:
        return unit, None, jnp.zeros(panel // block), peak
    # Compilers drop a conversion there and back; they keep this.
    rounded = jax.lax.reduce_precision(unit, exponent_bits=8, mantissa_bits=7)
    away = jnp.linalg.norm(rounded - unit, axis=1)
    return unit, rounded.astype(jnp.bfloat16), jnp.max(away.reshape(-1, block), axis=1), peak
