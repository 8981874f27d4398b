"""A census of the shapes that directions form: blocks of a Gram matrix, and the polytopes they are.

Vectors that are not orthogonal, directly or through others, form a block.  A block is named after
the polytope whose inner products it has, whatever its orientation and the order of its vectors.
Orthogonal pairs count as two blocks: a square is two antipodal pairs, an octahedron three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["POLYTOPES", "Block", "census", "components"]

Rows = NDArray[np.float64]


class Block(NamedTuple):
    """Indices of the vectors, the dimension they span, the polytope's name, or "other"."""

    members: tuple[int, ...]
    dim: int
    name: str


def _polygon(sides: int) -> Rows:
    angle = 2 * math.pi * np.arange(sides) / sides
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _simplex(count: int) -> Rows:
    """`count` directions of equal angles in count - 1 dimensions, as rows of rank count - 1."""
    centred = np.eye(count) - 1 / count
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True))


def _antiprism() -> Rows:
    """The square antiprism that is a tight frame: rings of radius 1 at heights ±1/√2."""
    ring = 2 * math.pi * np.arange(4) / 4
    rows = [
        (math.cos(angle + turn), math.sin(angle + turn), height / math.sqrt(2))
        for turn, height in ((0.0, 1.0), (math.pi / 4, -1.0))
        for angle in ring
    ]
    return np.array(rows) / math.sqrt(1.5)


POLYTOPES: Mapping[str, tuple[Rows, int]] = {
    "alone": (np.ones((1, 1)), 1),
    "pair": (np.array([[1.0], [-1.0]]), 1),
    "triangle": (_polygon(3), 2),
    "tetrahedron": (_simplex(4), 3),
    "4-simplex": (_simplex(5), 4),
    "pentagon": (_polygon(5), 2),
    "hexagon": (_polygon(6), 2),
    "square antiprism": (_antiprism(), 3),
}
"""Unit vectors and the dimension that they span, by name; feature dimensionality is dim/count."""


def census(
    vectors: ArrayLike, *, shortest: float, linked: float = 0.15, misfit: float = 0.1
) -> list[Block]:
    """Return the blocks that the rows of `vectors` `[n, d]` form, largest first.

    Rows shorter than `shortest` are left out; lengths do not matter otherwise.  Two rows are linked
    where |cos| > `linked`.  A block takes the name of the polytope with as many vectors in as many
    dimensions whose sorted cosines are within `misfit` of the block's, as a root mean square.  Both
    limits are choices: a trained dictionary's cosines scatter by a few hundredths.  O(n² d) time.
    ValueError for another shape.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    lengths = np.linalg.norm(rows, axis=1)
    kept = np.flatnonzero(lengths >= max(shortest, np.finfo(np.float64).tiny))
    if len(kept) == 0:
        return []
    unit = rows[kept] / lengths[kept, None]
    cosines = unit @ unit.T
    found = []
    for label in components(cosines, linked):
        dim = int(np.linalg.matrix_rank(unit[label], tol=0.2 * math.sqrt(len(label))))
        name = _name(cosines[np.ix_(label, label)], dim, misfit)
        found.append(Block(tuple(int(place) for place in kept[label]), dim, name))
    return sorted(found, key=lambda block: (-len(block.members), block.members))


def components(cosines: Rows, linked: float) -> list[NDArray[np.int64]]:
    """Return the sets of vectors that |cos| > `linked` connects, in the order of first members."""
    from scipy.sparse.csgraph import connected_components

    links = (np.abs(cosines) > linked).astype(np.float64)
    _, labels = connected_components(links, directed=False)
    return [np.flatnonzero(labels == place) for place in dict.fromkeys(labels.tolist())]


def _off_diagonal(cosines: Rows) -> Rows:
    return np.sort(cosines[np.triu_indices(len(cosines), 1)])


def _name(cosines: Rows, dim: int, misfit: float) -> str:
    seen = _off_diagonal(cosines)
    for name, (rows, span) in POLYTOPES.items():
        if (len(rows), span) != (len(cosines), dim):
            continue
        difference = seen - _off_diagonal(rows @ rows.T)
        if len(difference) == 0 or math.sqrt(float(np.mean(difference**2))) <= misfit:
            return name
    return "other"
