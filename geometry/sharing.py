"""Neurons that several features share: how to count them, and how many chance would give.

W `[n, m]` holds a feature in each row and a neuron in each column.  A feature is *carried* by the
neurons on which its weight exceeds a threshold in absolute value, and a neuron that carries two
features or more is *polysemantic* (Lecomte et al. 2023, "Incidental polysemanticity",
arXiv 2312.03096).  With m >= n there is a neuron for every feature, so that whatever is shared is
shared by accident.

The laws of chance count for n features that each choose one signed neuron:

- `pair_law`, n²/4m: pairs, times 1/m for the same neuron, times 1/2 for opposite signs (section 3
  of the paper).  Equal signs interfere and part; opposite signs do not, since the ReLU cuts off
  what one feature reads of the other.
- `slot_law`, n(n-1)/(4m-2): ordered pairs exactly, no two features of a neuron with equal signs.
- `drop_law`, m(1 - 2(1-1/2m)ⁿ + (1-1/m)ⁿ): neurons with both signs taken when n features drop on
  the 2m signed neurons independently; what is taken twice counts once.
"""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import ArrayLike as HostLike
from numpy.typing import NDArray

__all__ = [
    "LAWS",
    "alignment",
    "carriers",
    "drop_law",
    "least_shared",
    "load",
    "pair_law",
    "polysemantic",
    "random_alignment",
    "slot_law",
]


def load(vectors: ArrayLike, threshold: ArrayLike = 0.5) -> Array:
    """Return how many features each neuron carries.  Integers `[..., m]`, of `[..., n, m]`."""
    return jnp.sum(jnp.abs(jnp.asarray(vectors)) > threshold, axis=-2)


def polysemantic(vectors: ArrayLike, threshold: ArrayLike = 0.5) -> Array:
    """Return the number of neurons that carry two features or more.  Shape `[...]`, integers."""
    return jnp.sum(load(vectors, threshold) >= 2, axis=-1)


def carriers(vectors: ArrayLike, threshold: ArrayLike = 0.5) -> Array:
    """Return the number of neurons that carry each feature.  Shape `[..., n]`, integers."""
    return jnp.sum(jnp.abs(jnp.asarray(vectors)) > threshold, axis=-1)


def alignment(vectors: ArrayLike) -> Array:
    """Return sum w⁴ / (sum w²)² of each row.  Shape `[..., n]`.

    The inverse of the participation ratio over neurons: 1 on an axis, 1/m when spread evenly, 0 for
    a row of zeros (in float32: of entries below 1e-10, whose fourth powers vanish).
    """
    squares = jnp.square(jnp.asarray(vectors))
    whole = jnp.square(jnp.sum(squares, axis=-1))
    safe = jnp.where(whole > 0, whole, 1)
    return jnp.where(whole > 0, jnp.sum(jnp.square(squares), axis=-1) / safe, 0)


def random_alignment(neurons: int) -> float:
    """Return the mean `alignment` of a random direction, 3/(m + 2) exactly."""
    return 3 / (neurons + 2)


def least_shared(features: HostLike, neurons: HostLike) -> NDArray[np.float64]:
    """Return max(0, n - m), at most m: the neurons that must carry two features.

    The fewest where each of n features is carried and no neuron carries more than two, as two of
    opposite signs can be read through a ReLU without disturbing each other, and three cannot.
    Below m = n/2 that is impossible, and the value is m.
    """
    count, width = np.asarray(features, np.float64), np.asarray(neurons, np.float64)
    return np.clip(count - width, 0, width)


def pair_law(features: HostLike, neurons: HostLike) -> NDArray[np.float64]:
    """Return n²/4m, elementwise."""
    return np.asarray(features, np.float64) ** 2 / (4 * np.asarray(neurons, np.float64))


def slot_law(features: HostLike, neurons: HostLike) -> NDArray[np.float64]:
    """Return n(n-1)/(4m-2), elementwise."""
    count = np.asarray(features, np.float64)
    return count * (count - 1) / (4 * np.asarray(neurons, np.float64) - 2)


def drop_law(features: HostLike, neurons: HostLike) -> NDArray[np.float64]:
    """Return m(1 - 2(1-1/2m)ⁿ + (1-1/m)ⁿ), elementwise."""
    count, width = np.asarray(features, np.float64), np.asarray(neurons, np.float64)
    return np.asarray(width * (1 - 2 * (1 - 0.5 / width) ** count + (1 - 1 / width) ** count))


LAWS: Mapping[str, Callable[[HostLike, HostLike], NDArray[np.float64]]] = {
    "n²/4m": pair_law,
    "n(n-1)/(4m-2)": slot_law,
    "drop model": drop_law,
}
"""The laws of chance by the name they have in tables."""
