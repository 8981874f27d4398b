"""Tiles of a Gram matrix: how the rows are cut into blocks, masked, and spread over devices.

A `Plan` holds the padded rows and the list of tiles (block i, block j), i <= j within one set of
rows. `run` walks a kernel over them, on every device that the rows live on. A kernel makes a tile
by the methods of its `Grid`: `product` in float32 with `Precision.HIGHEST` (or, in a plan of narrow
rows, in the type of the rows with float32 sums), `counting` for which of its pairs count, by
index, and `gram` for both. A tile of negative indices is none, and skipped by `unless_none`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike
from numpy.typing import NDArray

__all__ = [
    "BLOCK",
    "Grid",
    "Plan",
    "check_block",
    "checked",
    "even",
    "mesh",
    "place",
    "plan",
    "replicate",
    "run",
    "unless_none",
    "walk",
]

# Measured on two CPU cores at n = 13020, d = 500, for 256 to 2048: 768 and 1024 were fastest.
BLOCK = 1024
_LARGEST_BLOCK = 32768
_LARGEST_COUNT = 2**31 - 1
# JAX leaves this class untyped.
_spec: Callable[..., PartitionSpec] = PartitionSpec
_WHOLE, _SPLIT = _spec(), _spec("tiles")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Plan:
    """Rows padded to whole blocks, their true numbers, and tiles `[chunks, length, 2]`.

    `narrow` rows are multiplied in their own type; others are widened to float32 first.
    """

    left: Array
    right: Array
    sizes: Array
    tiles: Array
    shape: tuple[int, int] = field(metadata={"static": True})
    symmetric: bool = field(metadata={"static": True})
    mesh: Mesh | None = field(metadata={"static": True})
    narrow: bool = field(default=False, metadata={"static": True})


@dataclass(frozen=True)
class Grid:
    """What a kernel makes tiles from, on one device."""

    left: Array
    right: Array
    sizes: Array
    shape: tuple[int, int]
    symmetric: bool
    narrow: bool

    def product(self, tile: Array) -> Array:
        """Return the inner products of one tile. Shape `self.shape`, float32."""
        top, side = tile[0] * self.shape[0], tile[1] * self.shape[1]
        above = lax.dynamic_slice_in_dim(self.left, top, self.shape[0])
        beside = lax.dynamic_slice_in_dim(self.right, side, self.shape[1])
        numbers = (((1,), (1,)), ((), ()))
        if self.narrow:
            return lax.dot_general(above, beside, numbers, preferred_element_type=jnp.float32)
        return lax.dot_general(
            above.astype(jnp.float32),
            beside.astype(jnp.float32),
            numbers,
            precision=lax.Precision.HIGHEST,
        )

    def counting(self, tile: Array) -> Array:
        """Return which pairs of one tile count: off the diagonal, once each, no padding."""
        row = tile[0] * self.shape[0] + lax.broadcasted_iota(jnp.int32, self.shape, 0)
        column = tile[1] * self.shape[1] + lax.broadcasted_iota(jnp.int32, self.shape, 1)
        counts = (row < column) if self.symmetric else (row < self.sizes[0])
        return counts & (column < self.sizes[1])

    def gram(self, tile: Array) -> Array:
        """Return the absolute inner products of one tile, -1 where the pair does not count."""
        return jnp.where(self.counting(tile), jnp.abs(self.product(tile)), -1)


def unless_none(tile: Array, body: Callable[[], Any], otherwise: Any) -> Any:
    """Return what `body` gives, or `otherwise`, of the same shapes, where the tile is none."""
    return lax.cond(tile[0] < 0, lambda: otherwise, body)


def checked(vectors: ArrayLike, name: str) -> Array:
    """The vectors `[n, d]` as an array, narrow types kept. ValueError, naming `name`, if bad."""
    given = vectors if isinstance(vectors, Array) else np.asarray(vectors)
    if given.ndim != 2:
        raise ValueError(f"`{name}` must have shape [n, d]; got shape {given.shape}.")
    if 0 in given.shape:
        raise ValueError(f"`{name}` must have a row and a column; got shape {given.shape}.")
    if not (jnp.issubdtype(given.dtype, jnp.integer) or jnp.issubdtype(given.dtype, jnp.floating)):
        raise ValueError(f"`{name}` must hold real numbers; got type {given.dtype}.")
    # Narrow types are kept as they are, and widened tile by tile.
    with np.errstate(over="ignore"):
        narrow = given if given.dtype.itemsize < 4 else given.astype(np.float32)
    rows = jnp.asarray(narrow)
    if jnp.issubdtype(rows.dtype, jnp.floating) and not isinstance(rows, jax.core.Tracer):
        good = np.asarray(jnp.all(jnp.isfinite(rows), axis=1))
        if not good.all():
            raise ValueError(
                f"`{name}` must be finite in float32; row {int(np.argmin(good))} is not."
            )
    return rows


def plan(left: Array, right: Array | None, block: int) -> Plan:
    """The tiles of left leftᵀ above its diagonal, or all tiles of left rightᵀ."""
    check_block(block)
    other = left if right is None else right
    shape = even(left.shape[0], block), even(other.shape[0], block)
    rows, columns = -(-left.shape[0] // shape[0]), -(-other.shape[0] // shape[1])
    across = _mesh_of(left) or _mesh_of(other)
    padded = replicate(_pad(left, shape[0]), across)
    return Plan(
        padded,
        padded if right is None else replicate(_pad(right, shape[1]), across),
        replicate(np.array([left.shape[0], other.shape[0]], dtype=np.int32), across),
        place(walk(rows, None if right is None else columns), across, shape),
        shape,
        right is None,
        across,
    )


def check_block(block: int) -> None:
    """Raise ValueError for a size of blocks that the kernels cannot take."""
    if not 1 <= block <= _LARGEST_BLOCK:
        raise ValueError(f"`block` must lie in [1, {_LARGEST_BLOCK}]; got {block}.")


def even(count: int, block: int) -> int:
    """Return the size, at most `block`, of the blocks that `count` rows are cut into.

    Blocks of nearly equal size need the least padding; multiples of 8 suit vector units.
    """
    size = -(-count // -(-count // block))
    return min(block, -(-size // 8) * 8)


def walk(rows: int, columns: int | None = None) -> NDArray[np.int32]:
    """Return all tiles of `rows` by `columns` blocks, or those with i <= j of `rows` by `rows`.

    Shape `[tiles, 2]`, in the order of their rows.
    """
    if columns is None:
        return np.stack(np.triu_indices(rows), axis=1).astype(np.int32)
    return np.stack(np.divmod(np.arange(rows * columns), columns), axis=1).astype(np.int32)


def place(
    pairs: NDArray[np.int32],
    across: Mesh | None,
    shape: tuple[int, int],
    length: int | None = None,
) -> Array:
    """Return tiles `[tiles, 2]` dealt out to the devices, in chunks `[chunks, length, 2]`.

    A chunk has at most so many tiles that the counts of its pairs fit in int32; the last ones are
    filled up with none. With `length` given there is one chunk of that length on each device.
    """
    devices = 1 if across is None else across.size
    if length is None:
        length = min(-(-len(pairs) // devices), _LARGEST_COUNT // (shape[0] * shape[1]))
        chunks = -(-len(pairs) // (length * devices)) * devices
    else:
        chunks = devices
    dealt = np.full((length * chunks, 2), -1, dtype=np.int32)
    dealt[: len(pairs)] = pairs
    # Neighbours go to different devices: the last tiles, or the few of a recheck, to all alike.
    spread = dealt.reshape(length, chunks, 2).swapaxes(0, 1)
    return jnp.asarray(
        spread if across is None else jax.device_put(spread, NamedSharding(across, _SPLIT))
    )


def replicate(values: Array | NDArray[Any], across: Mesh | None) -> Array:
    """Return the values on every device of the mesh."""
    return jnp.asarray(
        values if across is None else jax.device_put(values, NamedSharding(across, _WHOLE))
    )


def mesh(devices: Sequence[jax.Device]) -> Mesh | None:
    """Return the mesh of several devices; None for one, which needs no mesh."""
    if len(devices) == 1:
        return None
    return Mesh(np.array(devices), ("tiles",), axis_types=(AxisType.Auto,))


def _pad(rows: Array, block: int) -> Array:
    missing = -rows.shape[0] % block
    return jnp.pad(rows, ((0, missing), (0, 0))) if missing else rows


def _mesh_of(rows: Array) -> Mesh | None:
    if isinstance(rows, jax.core.Tracer):
        return None
    return mesh(sorted(rows.sharding.device_set, key=attrgetter("id")))


@partial(jax.jit, static_argnums=0)
def run(kernel: Callable[..., Any], plan: Plan, *extra: ArrayLike) -> Any:
    """Run `kernel` over the tiles of each device, and join the results along their first axis."""

    def on_device(left: Array, right: Array, sizes: Array, tiles: Array, *extra: Any) -> Any:
        grid = Grid(left, right, sizes, plan.shape, plan.symmetric, plan.narrow)
        return kernel(grid, tiles, *extra)

    arrays = plan.left, plan.right, plan.sizes, plan.tiles
    if plan.mesh is None:
        return on_device(*arrays, *extra)
    return jax.shard_map(
        on_device,
        mesh=plan.mesh,
        in_specs=(_WHOLE, _WHOLE, _WHOLE, _SPLIT, *(_WHOLE for _ in extra)),
        out_specs=_SPLIT,
        check_vma=False,
    )(*arrays, *extra)
