"""Kernels and clipping against closed forms and plain NumPy, and the packings kept from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import catalogue, certify, exact, excess, kernel_clip
from geometry.constructions.small_kernels import SmallKernel
from geometry.constructions.taylor import TaylorFrame


def coherence(rows: NDArray[np.float64]) -> float:
    """By the definition, pair by pair."""
    largest = 0.0
    for place, row in enumerate(rows):
        for other in rows[:place]:
            inner = abs(math.fsum(row * other))
            largest = max(largest, inner / math.sqrt(math.fsum(row**2) * math.fsum(other**2)))
    return largest


def test_a_simplex_is_found() -> None:
    # d + 1 lines have coherence at least 1/d, and the simplex attains it.
    rows, found = kernel_clip.lowest(9, 10, 0, rounds=300)
    assert rows.shape == (10, 9)
    assert found == pytest.approx(1 / 9, rel=1e-9)
    assert coherence(rows) == pytest.approx(found, rel=1e-12)
    again, _ = kernel_clip.lowest(9, 10, 0, rounds=300)
    assert np.array_equal(rows, again)


def test_an_equiangular_frame_as_a_kernel_meets_bukh_and_cox() -> None:
    # The complement of the 28 lines in R^7: k = 7, and A_7 = (6 * 3 + 2)/56 makes the bound
    # 1/(28 * 20/56 - 1) = 1/9 for 28 lines in R^21.
    lines = TaylorFrame(3).rows(np.arange(28)).unit()
    kernel = kernel_clip.repeated_kernel(lines, 28, 7, 0)
    assert kernel_clip.kernel_bound(kernel) == pytest.approx(1 / 9, rel=1e-12)
    found = kernel_clip.clip(kernel, 1 / 9 * (1 + 1e-9), rounds=20)
    assert found.coherence <= 1 / 9 * (1 + 1e-9)
    assert np.abs(found.gram @ found.kernel).max() <= 1e-12
    rows = kernel_clip.vectors(found)
    assert rows.shape == (28, 21)
    assert np.abs(rows @ rows.T - found.gram).max() <= 1e-12


@pytest.mark.parametrize("count", [100, 150])  # by eigendecomposition, and by iteration
def test_rounds_end_in_packings_above_the_bound(count: int) -> None:
    start = kernel_clip.random_kernel(count, 10, 1)
    kernel = kernel_clip.sharpen(start)
    assert kernel_clip.kernel_bound(kernel) < kernel_clip.kernel_bound(start)
    found = kernel_clip.clip(kernel, kernel_clip.kernel_bound(kernel), rounds=40)
    rows = kernel_clip.vectors(found)
    assert rows.shape == (count, count - 10)
    gram = np.abs(rows @ rows.T) - np.eye(count)
    assert gram.max() == pytest.approx(found.coherence, rel=1e-9)
    assert found.coherence >= kernel_clip.kernel_bound(found.kernel) * (1 - 1e-9)
    assert np.linalg.norm(kernel_clip.vectors(found), axis=1) == pytest.approx(1, abs=1e-12)


def test_what_is_no_packing_is_refused() -> None:
    found = kernel_clip.Clipped(-np.eye(4), np.eye(4)[:, :1], 0.0, 1)
    with pytest.raises(ValueError, match="`gram` must be positive"):
        kernel_clip.vectors(found)
    with pytest.raises(ValueError, match=r"`dim` must lie in \[2, count - 1\]; got 5 for 5"):
        kernel_clip.lowest(5, 5, 0)
    with pytest.raises(ValueError, match="`width` must lie in"):
        kernel_clip.random_kernel(5, 5, 0)
    for eps, rounds, name in ((0.0, 1, "eps"), (1.0, 1, "eps"), (0.5, 0, "rounds")):
        with pytest.raises(ValueError, match=f"`{name}` must"):
            kernel_clip.clip(np.eye(4)[:, :1], eps, rounds=rounds)
    with pytest.raises(ValueError, match="must be one of"):
        SmallKernel(500, 570)


def test_room_is_made() -> None:
    # Of the 6 diagonals of the icosahedron at 1/sqrt(5) in R^3, and of R^4, 7 fit at 0.45.
    lines = kernel_clip.lowest(3, 6, 0)[0]
    rows, found, _ = excess.make_room(excess.further_rows(lines, 1, 4, 0), 0.45, rounds=200)
    assert rows.shape == (7, 4)
    assert coherence(rows) == pytest.approx(found, rel=1e-12)
    assert found <= 0.45
    with pytest.raises(ValueError, match=r"`eps` must lie in \(0, 1\); got 1"):
        excess.make_room(rows, 1.0, rounds=1)


@pytest.mark.parametrize(
    ("dim", "eps", "count"), [(500, "0.01", 524), (500, "0.0157", 562), (100, "0.1", 549)]
)
def test_the_answers_that_were_searched_for(dim: int, eps: str, count: int) -> None:
    packing = catalogue.best(dim, eps)
    assert packing.count >= count
    finding = certify.certificate(packing, exact.eps(eps)).check()
    assert (finding.holds, finding.level) == (True, certify.Level.ALL_PAIRS)
    # Another rounding must not undo them: something is left between the rows and eps.
    assert float(finding.largest) <= float(eps) * (1 - 1e-8)
