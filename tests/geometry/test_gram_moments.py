"""Moments of all cosines against the plain Gram matrix, and what they are made of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import marchenko_pastur
from geometry.capacity import off_diagonal_moments, participation_ratio
from geometry.duplicates import duplicates
from geometry.gram_moments import LARGEST_SIDE, moments
from geometry.rows import Held


def matrix(count: int, dim: int, seed: int = 0) -> NDArray[np.float64]:
    rows = np.random.default_rng(seed).standard_normal((count, dim)) + 0.4
    rows *= np.geomspace(1e-3, 1e3, count)[:, None]
    rows[3] = 0
    return rows


# The last has d rows, one of them of zeros: fewer directions than dimensions, and F all the same.
@pytest.mark.parametrize(("count", "dim"), [(50, 7), (7, 50), (20, 20)])
@pytest.mark.parametrize("block", [None, 3, 1])
def test_agrees_with_the_gram_matrix(count: int, dim: int, block: int | None) -> None:
    rows = matrix(count, dim)
    done: list[int] = []
    found = moments(Held(rows), block=block, step=done.append)
    kept = np.delete(rows, 3, axis=0)
    unit = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[np.triu_indices(count - 1, 1)]
    by_row = off_diagonal_moments(unit)
    assert found.zero.tolist() == [3]
    assert (found.count, found.dim) == (count - 1, dim)
    assert np.allclose(found.norms, np.linalg.norm(rows, axis=1), rtol=1e-14)
    assert np.allclose(found.mean_row, kept.mean(axis=0), rtol=1e-12)
    assert np.isclose(found.mean_cosine, cosines.mean(), rtol=1e-12)
    assert np.isclose(found.mean_square, (cosines**2).mean(), rtol=1e-12)
    assert np.isclose(found.row_mean_square, (by_row.mean**2).mean(), rtol=1e-10)
    assert np.allclose(found.row_participation, participation_ratio(unit, axis=1))
    assert np.allclose(found.column_participation, participation_ratio(unit, axis=0))
    values = np.linalg.svd(unit, compute_uv=False) ** 2
    assert np.allclose(found.eigenvalues, values, atol=1e-12)
    assert np.isclose(found.eigenvalues.sum(), count - 1)
    assert np.isclose(found.effective_dimension, values.sum() ** 2 / (values**2).sum())
    some = np.arange(0, count - 1, 2)
    one = found.of_rows(some, unit[some])
    assert np.allclose(one.mean, by_row.mean[some])
    assert np.allclose(one.mean_square, by_row.mean_square[some])
    assert sum(done) == count


def test_a_tight_frame_and_a_basis() -> None:
    angles = np.arange(5) * np.pi / 5
    pentagon = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = moments(pentagon)
    # Welch's floor with equality: (n - d)/(d (n - 1)) = 3/8.
    assert np.isclose(found.mean_square, 3 / 8, rtol=1e-14)
    assert np.isclose(found.effective_dimension, 2)
    basis = moments(np.eye(6))
    assert (basis.mean_cosine, basis.mean_square, basis.row_mean_square) == (0, 0, 0)


def test_extreme_and_small_rows() -> None:
    rows = np.array([[1e300, 1e300], [1e-300, 0.0], [1.0, 1.0]])
    found = moments(rows)
    assert np.allclose(found.mean_square, (0.5 + 1 + 0.5) / 3)
    assert found.zero.size == 0
    # Powers of two, of which the sum overflows, and down to what is subnormal.
    given = np.random.default_rng(3).standard_normal((40, 3))
    for power in (1019, -1040):
        scaled = moments(np.ldexp(given, power), block=7)
        assert np.allclose(scaled.mean_square, moments(given).mean_square, rtol=1e-8)
        assert np.allclose(np.ldexp(scaled.mean_row, -power), given.mean(axis=0), atol=1e-8)
        assert np.allclose(np.ldexp(scaled.norms, -power), np.linalg.norm(given, axis=1))
    assert moments(rows * [[1e-300], [1e300], [1]], least=1.2).zero.tolist() == [1]
    assert moments(np.array([[1, 2], [2, 1], [0, 0]], np.float16)).count == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (np.ones(3), "shape"),
        (np.empty((0, 3)), "shape"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), "number 1 is not"),
        (np.array([[1.0, 2.0], [1e308, 1.0]]), "number 1 is not"),
        (np.array([[1.0, 2.0], [0.0, 0.0]]), "at least 2 that are not zero"),
        (np.broadcast_to(1.0, (LARGEST_SIDE + 1, LARGEST_SIDE + 1)), "at most"),
    ],
)
def test_refusals(rows: NDArray[np.float64], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        moments(rows)


def test_duplicates_are_grouped() -> None:
    rows = np.random.default_rng(1).standard_normal((100_000, 3)).astype(np.float32)
    rows[[7, 50, 99_999]] = rows[2]
    rows[60] = rows[50_000]
    rows[10], rows[11] = [0.0, -0.0, 1], [-0.0, 0.0, 1]
    done: list[int] = []
    found = duplicates(rows, step=done.append)
    assert [group.tolist() for group in found] == [
        [2, 7, 50, 99_999],
        [10, 11],
        [60, 50_000],
    ]
    assert sum(done) == len(rows)
    assert duplicates(rows[:5]) == []
    assert duplicates(rows[:0]) == []


@pytest.mark.parametrize(("count", "dim"), [(1500, 300), (300, 1200)])
def test_marchenko_pastur_is_what_random_directions_do(count: int, dim: int) -> None:
    rows = np.random.default_rng(2).standard_normal((count, dim))
    side = min(count, dim)
    seen = moments(rows).eigenvalues
    law = marchenko_pastur.quantiles(1 - (np.arange(side) + 0.5) / side, count, dim)
    # Eigenvalues keep so close to the law that errors are O(1/side) but for the edges.
    assert np.abs(seen / law - 1).max() < 0.03
    assert np.median(np.abs(seen / law - 1)) < 0.004
    assert np.isclose(law.sum(), count, rtol=1e-4)
    assert np.allclose(
        marchenko_pastur.quantiles([0, 1], count, dim), marchenko_pastur.edges(count, dim)
    )


def test_marchenko_pastur_at_the_square_and_its_refusal() -> None:
    # γ = 1: the density sqrt((4 - x)/x)/(2π) has P(x <= 1) = 1/3 + sqrt(3)/(2π).
    share = 1 / 3 + np.sqrt(3) / (2 * np.pi)
    assert np.isclose(marchenko_pastur.quantiles(share, 10, 10), 1, atol=1e-6)
    with pytest.raises(ValueError, match="at least 1"):
        marchenko_pastur.quantiles(0.5, 0, 3)
