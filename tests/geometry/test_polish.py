"""The polish: to local optima that are known, and that no linear programme improves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from geometry import polish
from geometry.constructions.conference import ConferenceFrame
from geometry.constructions.root_systems import RootSystemD

Matrix = NDArray[np.float64]


def _shaken(rows: Matrix, size: float) -> Matrix:
    return rows + size * np.random.default_rng(0).standard_normal(rows.shape)


def _coherence(rows: Matrix) -> float:
    return float(np.abs(np.triu(rows @ rows.T, 1)).max())


def _polygon(count: int) -> Matrix:
    angles = np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], 1)


@pytest.mark.parametrize(
    ("rows", "optimum"),
    [
        (_polygon(7), math.cos(math.pi / 7)),
        (ConferenceFrame(5).rows(np.arange(6)).unit(), 1 / math.sqrt(5)),
        (RootSystemD(4).rows(np.arange(12)).unit(), 0.5),
    ],
)
def test_shaken_optima_are_found_again(rows: Matrix, optimum: float) -> None:
    found, coherence, converged = polish.polish(_shaken(rows, 0.02))
    assert converged
    assert coherence == pytest.approx(optimum, abs=1e-12)
    assert coherence == pytest.approx(_coherence(found), abs=1e-15)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-15)


def _promised(rows: Matrix, radius: float) -> float:
    """The most that small steps lower the coherence by to first order: a linear programme.

    Steps of all coordinates, those along the rows fixed to 0: another form than the module's.
    """
    count, dim = rows.shape
    first, second = np.triu_indices(count, 1)
    inner = (rows @ rows.T)[first, second]
    top = np.abs(inner).max()
    upper = np.zeros((len(first), count, dim))
    place, signs = np.arange(len(first)), np.sign(inner)[:, None]
    upper[place, first] = signs * rows[second]
    upper[place, second] = signs * rows[first]
    flat = np.concatenate([upper.reshape(len(first), -1), np.ones((len(first), 1))], 1)
    along = np.zeros((count, count * dim + 1))
    for i in range(count):
        along[i, i * dim : (i + 1) * dim] = rows[i]
    scaled = linprog(
        np.append(np.zeros(count * dim), -1.0),
        A_ub=flat,
        b_ub=(top - np.abs(inner)) / radius,
        A_eq=along,
        b_eq=np.zeros(count),
        bounds=[(-1, 1)] * (count * dim) + [(0, None)],
    )
    assert scaled.x is not None
    return radius * float(scaled.x[-1])


def test_no_small_step_lowers_what_has_converged() -> None:
    start = np.random.default_rng(3).standard_normal((11, 4))
    found, coherence, converged = polish.polish(start)
    assert converged
    assert coherence < _coherence(start / np.linalg.norm(start, axis=1)[:, None])
    assert _promised(found, 1e-4) < 1e-10
    assert _promised(_shaken(found, 1e-3), 1e-4) > 1e-6


def test_orthogonal_rows_are_left_alone() -> None:
    rows, coherence, converged = polish.polish(np.eye(3))
    assert converged
    assert coherence == 0
    np.testing.assert_array_equal(rows, np.eye(3))


def test_rows_that_coincide_stay_without_a_warning() -> None:
    # Some of their inner products are rounded past 1.
    for seed in range(20):
        vectors = np.random.default_rng(seed).standard_normal((4, 3))
        vectors[1] = vectors[0]
        _, coherence, _ = polish.polish(vectors)
        assert abs(coherence - 1) < 4 * 2.0**-52


def test_beyond_the_largest_size_rows_come_back_and_say_so() -> None:
    rows = np.random.default_rng(0).standard_normal((polish.LARGEST // 9 + 1, 10))
    found, coherence, converged = polish.polish(rows)
    assert not converged
    np.testing.assert_allclose(found, rows / np.linalg.norm(rows, axis=1)[:, None], atol=1e-15)
    assert coherence == _coherence(found)


def test_derivatives_of_the_lagrangian_are_those_of_differences() -> None:
    """Rows moved by a step and normalised, pairs weighted with the multipliers."""
    generator = np.random.default_rng(5)
    rows = generator.standard_normal((7, 4))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    pairs = np.triu_indices(7, 1)
    state = polish._State.begin(rows, 1.0, (rows @ rows.T)[pairs])
    system = polish._System.at(state, pairs)
    turn = generator.standard_normal(7 * 3)

    def lagrangian(size: float) -> float:
        moved = rows + size * np.einsum("nde,ne->nd", system.bases, turn.reshape(7, 3))
        moved /= np.linalg.norm(moved, axis=1)[:, None]
        return float(state.multipliers @ np.abs((moved @ moved.T)[pairs]))

    ahead, here, behind = (lagrangian(size) for size in (1e-4, 0.0, -1e-4))
    slope = system.pulled(state.multipliers)
    assert turn @ slope == pytest.approx((ahead - behind) / 2e-4, rel=1e-5)
    assert system.residual == np.abs(slope).max()
    assert system.changes(turn) @ state.multipliers == pytest.approx(float(turn @ slope))
    bend = turn @ system.matrix(np.zeros(21)) @ turn
    assert bend == pytest.approx((ahead - 2 * here + behind) / 1e-8, rel=1e-4)
    weighed = turn @ system.matrix(np.arange(21.0)) @ turn
    assert weighed - bend == pytest.approx(float(np.arange(21.0) @ system.changes(turn) ** 2))


def test_a_small_gap_alone_is_no_convergence(monkeypatch: pytest.MonkeyPatch) -> None:
    """With any gap taken for small, contacts must still balance: the start does not pass."""
    monkeypatch.setattr(polish, "_GAP", 1.0)
    start = _shaken(ConferenceFrame(5).rows(np.arange(6)).unit(), 0.02)
    _, coherence, converged = polish.polish(start)
    assert converged
    assert coherence < _coherence(start / np.linalg.norm(start, axis=1)[:, None])
