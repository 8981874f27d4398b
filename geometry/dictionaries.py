"""Dictionaries of unit vectors: random ones, tight frames, and explicit packings.

    from geometry import dictionaries
    dictionaries.make("packing", jax.random.key(0), 4096, 512)

A dictionary is `[n, d]`: row i is the direction that stores feature i.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from geometry import catalogue, sphere

__all__ = ["KINDS", "make", "packing", "random", "tight_frame"]

_ROUNDS = 200
# float32, twice as fast, serves until the norms are this close to 1.
_COARSE = 1e-3
# A tenth of float32's rounding, to which the rows are cut.
_NORM_ERROR = 5e-9


def random(key: Array, features: int, dim: int) -> NDArray[np.float32]:
    """Return independent uniform directions.  Shape `[features, dim]`, float32."""
    return np.asarray(sphere.sample(key, features, dim))


def tight_frame(key: Array, features: int, dim: int) -> NDArray[np.float32]:
    """Return a random unit-norm tight frame, WᵀW = (n/d) I.  Shape `[features, dim]`.

    Random directions, then in turn the nearest tight frame (the polar factor times sqrt(n/d)) and
    unit rows (Tropp, Dhillon, Heath and Strohmer, "Designing structured tight frames via an
    alternating projection method", IEEE Trans. Inf. Theory 51, 2005, section IV).  Errors shrink by
    about d/n a round; where n < 2d the frame is the Naimark complement of one in R^(n-d), so that
    they at least halve.  Cost O(n d²) a round, O(n³) for a complement, in float64.  Raises
    ValueError for fewer directions than dimensions, which cannot be a frame, and ArithmeticError
    where 200 rounds do not bring the norms to within 5e-9 of 1.
    """
    if dim < 1:
        raise ValueError(f"`dim` must be at least 1; got {dim}.")
    if features < dim:
        raise ValueError(
            f"`features` must be at least the dimension, {dim}, for a tight frame; got {features}."
        )
    if features < 2 * dim:
        spare = features - dim
        narrow = _alternated(key, features, spare) if spare else np.zeros((features, 0))
        # With sqrt(d/n) W beside it, sqrt(spare/n) V is an orthogonal matrix: its other columns.
        start = sphere.sample(jax.random.fold_in(key, 1), features, features)
        columns = np.concatenate([narrow, np.asarray(start, np.float64)[:, :dim]], axis=1)
        whole, _ = np.linalg.qr(columns)
        return (math.sqrt(features / dim) * whole[:, spare:]).astype(np.float32)
    return _alternated(key, features, dim).astype(np.float32)


def _alternated(key: Array, features: int, dim: int) -> NDArray[np.float64]:
    rows: NDArray[Any] = np.asarray(sphere.sample(key, features, dim))
    for _ in range(_ROUNDS):
        values, axes = np.linalg.eigh(rows.T @ rows)
        rows = rows @ ((axes * np.sqrt(features / dim / values)) @ axes.T)
        norms = np.linalg.norm(rows, axis=1)
        rows /= norms[:, None]
        error = np.abs(norms - 1).max()
        if error < _NORM_ERROR:
            return rows
        if error < _COARSE and rows.dtype == np.float32:
            rows = rows.astype(np.float64)
    raise ArithmeticError(f"no tight frame after {_ROUNDS} rounds for n = {features}, d = {dim}")


def packing(key: Array, features: int, dim: int) -> NDArray[np.float32]:
    """Return the least coherent packing that the catalogue has.  Shape `[features, dim]`.

    A packing is one of lines, and a line has two directions: each row takes one of them at random,
    so that the inner products of a row have no common sign to add up.  Raises ValueError where the
    catalogue has none (`catalogue.least_coherent`).
    """
    found = catalogue.least_coherent(dim, features)
    rows = found.rows(np.arange(found.count, dtype=np.int64)).unit()
    signs = np.asarray(jax.random.rademacher(key, (found.count,)), np.float64)
    return (rows * signs[:, None]).astype(np.float32)


KINDS: Mapping[str, Callable[[Array, int, int], NDArray[np.float32]]] = {
    "random": random,
    "tight": tight_frame,
    "packing": packing,
}
"""Makers of dictionaries from a key, n and d."""


def make(kind: str, key: Array, features: int, dim: int) -> NDArray[np.float32]:
    """Return a dictionary of the named kind.  Shape `[features, dim]`.  Raises ValueError."""
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}; got {kind!r}.")
    return KINDS[kind](key, features, dim)
