"""Tiles of a Gram matrix: how the rows are cut into blocks, masked, and spread over devices.

A `Plan` holds the padded rows and the list of tiles (block i, block j), i <= j within one set of
rows. `run` walks a kernel over them, on every device that the rows live on; `gram` makes one tile,
in float32 with `Precision.HIGHEST`, and masks by index the pairs that do not count.
"""

from collections.abc import Callable
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

__all__ = ["BLOCK", "Plan", "checked", "gram", "plan", "run"]

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
    """Rows padded to whole blocks, their true numbers, and tiles `[chunks, length, 2]`."""

    left: Array
    right: Array
    sizes: Array
    tiles: Array
    shape: tuple[int, int] = field(metadata={"static": True})
    symmetric: bool = field(metadata={"static": True})
    mesh: Mesh | None = field(metadata={"static": True})


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
    if not 1 <= block <= _LARGEST_BLOCK:
        raise ValueError(f"`block` must lie in [1, {_LARGEST_BLOCK}]; got {block}.")
    other = left if right is None else right
    shape = _even(left.shape[0], block), _even(other.shape[0], block)
    rows, columns = -(-left.shape[0] // shape[0]), -(-other.shape[0] // shape[1])
    if right is None:
        pairs = np.stack(np.triu_indices(rows), axis=1)
    else:
        pairs = np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)
    mesh = _mesh(left) or _mesh(other)
    devices = 1 if mesh is None else mesh.size
    # The counts of one chunk of tiles must fit in int32.
    length = min(-(-len(pairs) // devices), _LARGEST_COUNT // (shape[0] * shape[1]))
    chunks = -(-len(pairs) // (length * devices)) * devices
    # Every pair in a tile past the end is masked, being out of range.
    tiles = np.full((chunks * length, 2), max(rows, columns), dtype=np.int32)
    tiles[: len(pairs)] = pairs
    padded = _place(_pad(left, shape[0]), mesh, _WHOLE)
    return Plan(
        padded,
        padded if right is None else _place(_pad(right, shape[1]), mesh, _WHOLE),
        _place(np.array([left.shape[0], other.shape[0]], dtype=np.int32), mesh, _WHOLE),
        _place(tiles.reshape(chunks, length, 2), mesh, _SPLIT),
        shape,
        right is None,
        mesh,
    )


def _even(count: int, block: int) -> int:
    # Blocks of nearly equal size need the least padding; multiples of 8 suit vector units.
    size = -(-count // -(-count // block))
    return min(block, -(-size // 8) * 8)


def _pad(rows: Array, block: int) -> Array:
    missing = -rows.shape[0] % block
    return jnp.pad(rows, ((0, missing), (0, 0))) if missing else rows


def _mesh(rows: Array) -> Mesh | None:
    if isinstance(rows, jax.core.Tracer) or len(rows.sharding.device_set) == 1:
        return None
    devices = sorted(rows.sharding.device_set, key=attrgetter("id"))
    return Mesh(np.array(devices), ("tiles",), axis_types=(AxisType.Auto,))


def _place(values: Array | NDArray[np.int32], mesh: Mesh | None, spec: PartitionSpec) -> Array:
    return jnp.asarray(
        values if mesh is None else jax.device_put(values, NamedSharding(mesh, spec))
    )


@partial(jax.jit, static_argnums=0)
def run(kernel: Callable[..., Any], plan: Plan, *extra: ArrayLike) -> Any:
    """Run `kernel` over the tiles of each device, and join the results along their first axis."""

    def on_device(left: Array, right: Array, sizes: Array, tiles: Array, *extra: Any) -> Any:
        one = partial(gram, left, right, sizes, shape=plan.shape, symmetric=plan.symmetric)
        return kernel(one, tiles, *extra)

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


def gram(
    left: Array,
    right: Array,
    sizes: Array,
    tile: Array,
    *,
    shape: tuple[int, int],
    symmetric: bool,
) -> Array:
    """Return the absolute inner products of one tile, -1 where the pair does not count."""
    top, side = tile[0] * shape[0], tile[1] * shape[1]
    above = lax.dynamic_slice_in_dim(left, top, shape[0]).astype(jnp.float32)
    beside = lax.dynamic_slice_in_dim(right, side, shape[1]).astype(jnp.float32)
    product = lax.dot_general(
        above, beside, (((1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST
    )
    row = top + lax.broadcasted_iota(jnp.int32, shape, 0)
    column = side + lax.broadcasted_iota(jnp.int32, shape, 1)
    counts = (row < column) if symmetric else (row < sizes[0])
    return jnp.where(counts & (column < sizes[1]), jnp.abs(product), -1)
