"""Starts of W `[n, m]`, each from the same normal draw, so that seeds pair them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
from jax import Array

__all__ = ["PLANTED", "STARTS", "STEEP", "make"]

PLANTED = 3.0
"""What a planted pair's shared weights are multiplied by."""
_MARGIN = 1.5


def _random(normal: Array) -> Array:
    return normal


def _orthonormal(normal: Array) -> Array:
    # Rows where there is room; else columns, for a tight frame whose rows have mean square 1.
    features, neurons = normal.shape
    if features <= neurons:
        return _basis(normal.T).T
    return _basis(normal) * math.sqrt(features / neurons)


def _basis(columns: Array) -> Array:
    # With R's diagonal positive the law has no preferred signs (Mezzadri 2007).
    basis, triangle = jnp.linalg.qr(columns)
    return basis * jnp.where(jnp.diagonal(triangle) < 0, -1, 1)[None, :]


def _collision_free(normal: Array) -> Array:
    return _spread(normal, 1.0)


def _margin(normal: Array) -> Array:
    return _spread(normal, _MARGIN)


def _spread(normal: Array, gain: float) -> Array:
    """Give each feature its largest weight on a neuron of its own, multiplied by `gain`.

    One feature after the other takes, of the neurons that the fewest have taken, the one where its
    weight is largest, and swaps its largest weight there.
    """

    def settle(taken: Array, row: Array) -> tuple[Array, Array]:
        size = jnp.abs(row)
        chosen = jnp.argmax(jnp.where(taken == taken.min(), size, -1))
        first = jnp.argmax(size)
        largest = row[first]
        row = row.at[first].set(row[chosen]).at[chosen].set(gain * largest)
        return taken.at[chosen].add(1), row

    _, rows = jax.lax.scan(settle, jnp.zeros(normal.shape[1], jnp.int32), normal)
    return rows


def _non_negative(normal: Array) -> Array:
    return jnp.abs(normal)


def _planted(normal: Array, sign: int) -> Array:
    """Put the largest weights of features 0 and 1 on one neuron, tripled, with that sign."""
    first, second = normal[0], normal[1]
    shared = jnp.argmax(jnp.abs(first))
    own = jnp.argmax(jnp.abs(second))
    strength = jnp.abs(second[own])
    second = second.at[own].set(second[shared])
    second = second.at[shared].set(PLANTED * sign * jnp.sign(first[shared]) * strength)
    first = first.at[shared].multiply(PLANTED)
    return normal.at[0].set(first).at[1].set(second)


STARTS: Mapping[str, Callable[[Array], Array]] = {
    "random": _random,
    "orthonormal": _orthonormal,
    "collision-free": _collision_free,
    "margin": _margin,
    "non-negative": _non_negative,
    "planted-opposite": lambda normal: _planted(normal, -1),
    "planted-same": lambda normal: _planted(normal, 1),
}
"""By name: from normal entries of variance 1/m to the start."""

STEEP = frozenset({"non-negative", "planted-opposite", "planted-same"})
"""Starts with long or aligned rows.  The loss curves there up to about 12 |W Wᵀ|, so that gradient
descent leaps where the gradient flow glides unless the rate is small: at rate 0.1 a non-negative
start of 16 features ends with every weight at 0."""


def make(names: Sequence[str], place: Array, key: Array, features: int, neurons: int) -> Array:
    """Return W `[features, neurons]` from the start `names[place]`; `place` may be traced.

    The same key gives all starts the same draw.  Under vmap every one of `names` is computed.
    """
    normal = jax.random.normal(key, (features, neurons)) / math.sqrt(neurons)
    start: Array = jax.lax.switch(place, [STARTS[name] for name in names], normal)
    return start
