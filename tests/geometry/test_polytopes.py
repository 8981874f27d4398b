"""The census: each polytope is found under rotation, permutation, scaling and small errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import capacity, polytopes
from geometry.polytopes import POLYTOPES, Block, census


def _rotation(rng: np.random.Generator, dim: int) -> NDArray[np.float64]:
    return np.asarray(np.linalg.qr(rng.normal(size=(dim, dim)))[0])


@pytest.mark.parametrize("name", POLYTOPES)
def test_each_polytope(name: str) -> None:
    rng = np.random.default_rng(3)
    rows, dim = POLYTOPES[name]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.linalg.matrix_rank(rows) == dim
    # All are tight frames, so that each vector has the same share of the dimensions.
    np.testing.assert_allclose(capacity.feature_dimensionality(rows), dim / len(rows))
    moved = rows[rng.permutation(len(rows))] @ _rotation(rng, rows.shape[1])
    moved = moved * rng.uniform(0.5, 2, (len(rows), 1))
    moved += rng.normal(size=moved.shape) * 0.02
    assert census(moved, shortest=0.1) == [Block(tuple(range(len(rows))), dim, name)]


def test_cosines_in_closed_form() -> None:
    root = np.sqrt(0.5)
    # Within a ring (1 in height² 1/2, of norm² 3/2) opposite and neighbouring corners, then corners
    # of the two rings an eighth or three eighths of a turn apart.
    ring = [(-1 + 0.5) / 1.5] * 4 + [0.5 / 1.5] * 8
    across = [(root - 0.5) / 1.5] * 8 + [(-root - 0.5) / 1.5] * 8
    wanted = {
        "square antiprism": ring + across,
        "tetrahedron": [-1 / 3] * 6,
        "4-simplex": [-1 / 4] * 10,
        "pentagon": [(np.sqrt(5) - 1) / 4] * 5 + [-(np.sqrt(5) + 1) / 4] * 5,
        "hexagon": [0.5] * 6 + [-0.5] * 6 + [-1.0] * 3,
        "triangle": [-0.5] * 3,
        "pair": [-1.0],
        "alone": [],
    }
    assert set(wanted) == set(POLYTOPES)
    for name, cosines in wanted.items():
        rows = POLYTOPES[name][0]
        found = np.sort((rows @ rows.T)[np.triu_indices(len(rows), 1)])
        np.testing.assert_allclose(found, np.sort(cosines), atol=1e-12)


def test_blocks_are_orthogonal_parts() -> None:
    rng = np.random.default_rng(4)
    rows = np.zeros((9, 6))
    rows[0, 0] = 1.0
    rows[[1, 2], 1] = 1.0, -0.9
    rows[3:8, 2:4] = POLYTOPES["pentagon"][0]
    rows[8, 5] = 1e-3
    found = census(rows @ _rotation(rng, 6), shortest=1e-2)
    assert found == [
        Block((3, 4, 5, 6, 7), 2, "pentagon"),
        Block((1, 2), 1, "pair"),
        Block((0,), 1, "alone"),
    ]


def test_what_is_no_polytope() -> None:
    # Five directions in a half plane, two that are not opposite, and a flat tetrahedron.
    angle = np.linspace(0, 1.2, 5)
    fan = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert census(fan, shortest=0.1) == [Block((0, 1, 2, 3, 4), 2, "other")]
    assert census(np.array([[1, 0], [0.7, 0.7]]), shortest=0.1)[0].name == "other"
    assert census(np.zeros((3, 2)), shortest=0.0) == []
    assert census(np.array([[1, 0], [0.1, 1]]), shortest=0.1)[0].members == (0,)
    assert census(np.array([[1, 0], [0.1, 1]]), shortest=0.1, linked=0.05)[0].members == (0, 1)
    with pytest.raises(ValueError, match="must have shape"):
        polytopes.census([1.0, 2.0], shortest=0.1)
