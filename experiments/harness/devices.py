"""Where arrays live: on all devices, rows spread over them. One device runs the same code.

Hosts that share a run place their arrays each on its own devices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from jax import Array

    from experiments.harness.experiment import Json

T = TypeVar("T")


def place(array: ArrayLike | Array) -> Array:
    """Return the array on the mesh of all devices of this host.

    Shape `[n, ...]`; rows are sharded where their number divides by the number of devices, and
    the whole is replicated otherwise. Kernels see data in place and need no change.
    """
    import jax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    here = jax.local_devices()
    count = len(here)
    mesh = jax.make_mesh((count,), ("rows",), axis_types=(AxisType.Auto,), devices=here)
    values = jax.numpy.asarray(array)
    split = values.ndim > 0 and values.shape[0] % count == 0
    spec: Callable[..., PartitionSpec] = PartitionSpec  # its constructor has no type hints
    rows = spec("rows") if split else spec()
    placed: Array = jax.device_put(values, NamedSharding(mesh, rows))
    return placed


def place_all(tree: T) -> T:
    """Return a pytree of arrays with every leaf placed as `place` does."""
    import jax

    placed: T = jax.tree.map(place, tree)
    return placed


def describe() -> dict[str, Json]:
    """Return platform, kind and number of the devices, and how many hosts have them if several."""
    import jax

    first = jax.devices()[0]
    hosts: dict[str, Json] = {} if jax.process_count() == 1 else {"hosts": jax.process_count()}
    count = jax.device_count()
    return {"platform": first.platform, "kind": first.device_kind, "count": count, **hosts}
