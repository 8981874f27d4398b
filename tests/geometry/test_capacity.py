"""Capacity, leverage, sharing and worst cases against the whole Gram matrix in float64."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import capacity, coherence, sphere
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.simplex import Simplex


def _rows(count: int = 60, dim: int = 9, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((count, dim))


def test_feature_dimensionality_and_leverage() -> None:
    rows = _rows()
    gram = rows @ rows.T
    found = capacity.feature_dimensionality(rows)
    for i in range(len(rows)):
        assert found[i] == pytest.approx(gram[i, i] ** 2 / sum(gram[i, j] ** 2 for j in range(60)))
    inverse = np.linalg.inv(rows.T @ rows)
    leverages = capacity.leverage(rows)
    np.testing.assert_allclose(leverages, [row @ inverse @ row for row in rows], rtol=1e-9)
    assert leverages.sum() == pytest.approx(9)
    assert (found <= leverages + 1e-12).all()


def test_orthogonal_blocks_meet_both_bounds() -> None:
    # Two tight frames in orthogonal planes: a square's diagonals, and a triangle.
    rows = np.zeros((5, 4))
    rows[:2, :2] = np.eye(2)
    angles = 2 * math.pi * np.arange(3) / 3
    rows[2:, 2:] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    expected = [1, 1, 2 / 3, 2 / 3, 2 / 3]
    np.testing.assert_allclose(capacity.feature_dimensionality(rows), expected)
    np.testing.assert_allclose(capacity.leverage(rows), expected)


def test_zero_rows_and_low_rank() -> None:
    rows = _rows(8, 3)
    rows[:, 2] = rows[:, 0] - rows[:, 1]
    rows[4] = 0
    assert capacity.feature_dimensionality(rows)[4] == 0
    leverages = capacity.leverage(rows)
    assert leverages[4] == 0
    assert leverages.sum() == pytest.approx(2)
    np.testing.assert_allclose(leverages, np.diag(rows @ np.linalg.pinv(rows)), atol=1e-9)


def test_off_diagonal_moments() -> None:
    rows = _rows(30, 5)
    gram = rows @ rows.T
    found = capacity.off_diagonal_moments(rows)
    for i in range(30):
        others = [gram[i, j] for j in range(30) if j != i]
        assert found.mean[i] == pytest.approx(np.mean(others))
        assert found.mean_square[i] == pytest.approx(np.mean(np.square(others)))


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _rows(50, 6)
    whole = (
        capacity.feature_dimensionality(rows),
        capacity.leverage(rows),
        capacity.off_diagonal_moments(rows).mean_square,
        capacity.cumulative_coherence(rows, (1, 4, 9)),
    )
    monkeypatch.setattr(capacity, "_ROWS", 7)
    monkeypatch.setattr(capacity, "_BLOCK_ENTRIES", 50 * 7)
    again = (
        capacity.feature_dimensionality(rows),
        capacity.leverage(rows),
        capacity.off_diagonal_moments(rows).mean_square,
        capacity.cumulative_coherence(rows, (1, 4, 9)),
    )
    for one, two in zip(whole, again, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_participation_ratio() -> None:
    rows = np.array([[1.0, 0, 0, 0], [1, -1, 1, -1], [2, 2, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(capacity.participation_ratio(rows, axis=1), [1, 4, 2, 0])
    np.testing.assert_allclose(capacity.participation_ratio(rows, axis=0), [36 / 18, 25 / 17, 1, 1])
    with pytest.raises(ValueError, match=r"^`axis` must be 0 "):
        capacity.participation_ratio(rows, axis=2)


def test_random_directions_share_three_over_d_plus_two() -> None:
    dim, count = 24, 40_000
    rows = np.random.default_rng(5).standard_normal((count, dim))
    inverse = 1 / capacity.participation_ratio(rows, axis=1)
    error = inverse.std() / math.sqrt(count)
    assert abs(inverse.mean() - 3 / (dim + 2)) < 4 * error
    assert error < 0.002 * 3 / (dim + 2)


@pytest.mark.parametrize("positive", [False, True])
def test_cumulative_coherence(positive: bool) -> None:
    rows = _rows(40, 6, seed=3)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    gram = rows @ rows.T
    expected = []
    for m in (1, 2, 7, 39):
        sums = []
        for i in range(40):
            entries = [gram[i, j] if positive else abs(gram[i, j]) for j in range(40) if j != i]
            sums.append(sum(sorted(entries, reverse=True)[:m]))
        expected.append(max(sums))
    found = capacity.cumulative_coherence(rows, (1, 2, 7, 39), positive=positive)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_cumulative_coherence_of_features_that_repel_is_negative() -> None:
    simplex = Simplex(4)
    rows = simplex.rows(np.arange(simplex.count)).unit()
    found = capacity.cumulative_coherence(rows, (1, 3), positive=True)
    np.testing.assert_allclose(found, [-1 / 4, -3 / 4], rtol=1e-6)


def test_cumulative_coherence_is_at_most_m_times_the_coherence() -> None:
    packing = Kerdock(4)
    rows = packing.rows(np.arange(packing.count)).unit()
    sums = capacity.cumulative_coherence(rows, range(1, 9))
    # Each row meets many others at exactly 1/4.
    np.testing.assert_allclose(sums, np.arange(1, 9) / 4, rtol=1e-6)
    random = np.asarray(_rows(50, 8))
    unit = random / np.linalg.norm(random, axis=1)[:, None]
    largest = float(coherence.mutual_coherence(unit))
    found = capacity.cumulative_coherence(unit, range(1, 9))
    assert found[0] == pytest.approx(largest, rel=1e-5)
    assert (found <= np.arange(1, 9) * largest * (1 + 1e-5)).all()


def test_rotation_leaves_all_but_the_participation_ratio() -> None:
    rows = _rows(20, 5)
    turned = rows @ np.linalg.qr(_rows(5, 5, seed=8))[0]
    for measure in (capacity.feature_dimensionality, capacity.leverage):
        np.testing.assert_allclose(measure(rows), measure(turned), rtol=1e-9)
    assert not np.allclose(
        capacity.participation_ratio(rows, axis=1), capacity.participation_ratio(turned, axis=1)
    )


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0))])
def test_bad_shapes(bad: NDArray[Any]) -> None:
    for measure in (capacity.feature_dimensionality, capacity.leverage):
        with pytest.raises(ValueError, match=r"^`vectors` must have shape \[n, d\]; got shape"):
            measure(bad)


def test_bad_numbers() -> None:
    with pytest.raises(ValueError, match=r"^`vectors` must have at least 2 rows; got 1\.$"):
        capacity.off_diagonal_moments(np.ones((1, 3)))
    for m in (0, 5):
        with pytest.raises(ValueError, match=rf"^`active` must lie in \[1, 4\]; got {m}\.$"):
            capacity.cumulative_coherence(np.eye(5), (m,))


def test_mean_dimensionality_of_random_directions() -> None:
    import jax

    rows = sphere.sample(jax.random.key(0), 800, 40)
    # sum_j G_ij² = 1 + (n-1)/d on average, with a relative spread of about sqrt(2/n): Jensen's
    # correction is below its square.
    expected = 1 / (1 + 799 / 40)
    assert capacity.feature_dimensionality(rows).mean() == pytest.approx(expected, rel=0.01)
