"""Every family: all pairs in plain NumPy against the closed forms, and rows by index."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame, ConferenceRows
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns, HadamardWithBasis
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.polygon import Polygon
from geometry.constructions.root_systems import RootSystemD, RootSystemE
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine, eps
from geometry.packing import Packing, Rows

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[Packing, int, int, str]] = [
    (Polygon(2), 2, 2, "0"),
    (Polygon(3), 2, 3, "1/2"),
    (Polygon(4), 2, 4, "1/sqrt(2)"),
    (Polygon(6), 2, 6, "sqrt(3)/2"),
    (Basis(1), 1, 1, "0"),
    (Basis(2), 2, 2, "0"),
    (Basis(9), 9, 9, "0"),
    (Simplex(2), 2, 3, "1/2"),
    (Simplex(3), 3, 4, "1/3"),
    (Simplex(40), 40, 41, "1/40"),
    (HadamardWithBasis(2), 2, 4, "1/sqrt(2)"),
    (HadamardWithBasis(12), 12, 24, "1/sqrt(12)"),
    (HadamardWithBasis(52), 52, 104, "1/sqrt(52)"),
    (HadamardColumns(4, 1), 3, 4, "1/3"),
    (HadamardColumns(20, 0), 20, 20, "0"),
    (HadamardColumns(28, 3), 25, 28, "3/25"),
    (HadamardColumns(36, 17), 19, 36, "17/19"),
    (ConferenceFrame(5), 3, 6, "1/sqrt(5)"),
    (ConferenceFrame(9), 5, 10, "1/3"),
    (ConferenceFrame(25), 13, 26, "1/5"),
    (ConferenceFrame(81), 41, 82, "1/9"),
    (ConferenceFrame(125), 63, 126, "1/sqrt(125)"),
    (ConferenceRows(5), 5, 6, "1/4"),
    (ConferenceRows(9), 9, 10, "1/8"),
    (ConferenceRows(25), 25, 26, "1/24"),
    (RootSystemD(3), 3, 6, "1/2"),
    (RootSystemD(4), 4, 12, "1/2"),
    (RootSystemD(11), 11, 110, "1/2"),
    (RootSystemE(6), 6, 36, "1/2"),
    (RootSystemE(7), 7, 63, "1/2"),
    (RootSystemE(8), 8, 120, "1/2"),
    (Kerdock(2), 4, 12, "1/2"),
    (Kerdock(4), 16, 144, "1/4"),
    (Kerdock(6), 64, 2112, "1/8"),
    (Gold(3), 8, 72, "1/2"),
    (Gold(5), 32, 1056, "1/4"),
    (Gold(7), 128, 16512, "1/8"),
]
IDS = [f"{type(case[0]).__name__}-{case[1]}-{case[2]}" for case in CASES]
UNIT = 2.0**-53


def largest_cosine_square(rows: Rows) -> Fraction:
    """The largest squared cosine of two integral rows, every pair compared exactly."""
    norms = np.unique(rows.squared_norms)
    assert norms[0] > 0
    assert norms[-1] < 2**24  # float32 sums of integers are exact below that
    values = rows.values.astype(np.float32)
    largest = Fraction(0)
    for i, first in enumerate(norms):
        left = values[rows.squared_norms == first]
        for second in norms[: i + 1]:
            right = values[rows.squared_norms == second]
            top = 0.0
            for start in range(0, len(left), 1024):
                # Pairs of equal norms come once.
                others = right[start:] if first == second else right
                gram = np.abs(left[start : start + 1024] @ others.T)
                if first == second:
                    gram[np.arange(len(gram)), np.arange(len(gram))] = 0
                top = max(top, float(gram.max(initial=0)))
            largest = max(largest, Fraction(int(top) ** 2, int(first) * int(second)))
    return largest


def every_row(packing: Packing) -> Rows:
    return packing.rows(np.arange(packing.count))


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: Packing, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    rows = every_row(packing)
    assert rows.values.shape == (count, dim)
    assert rows.squared_norms.shape == (count,)
    assert rows.squared_norms.dtype == np.int64
    if (rows.squared_norms > 0).all():
        wide = rows.values.astype(np.int64)
        assert np.array_equal(wide, rows.values)
        assert np.array_equal((wide**2).sum(axis=1), rows.squared_norms)
        assert largest_cosine_square(rows) == packing.coherence.square
    else:
        unit = rows.unit()
        gram = unit @ unit.T
        # Coordinates are right to 8 units, so unit rows are to 8 and products to 16 units; the
        # sum of d products adds at most d units.
        slack = (16 + dim) * UNIT
        assert np.abs(np.diag(gram) - 1).max() <= slack
        np.fill_diagonal(gram, 0)
        assert abs(np.abs(gram).max() - float(packing.coherence)) <= slack


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_peak_is_the_largest_entry(packing: Packing, dim: int, count: int, coherence: str) -> None:
    # A net is exact only because its filling attains its peak, so equality matters.
    largest = float((every_row(packing).unit() ** 2).max())
    assert abs(largest - float(packing.peak_square)) <= 32 * UNIT


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_rows_by_index(packing: Packing, dim: int, count: int, coherence: str) -> None:
    whole = every_row(packing)
    chosen = np.random.default_rng(count).integers(0, count, 23)
    some = packing.rows(chosen)
    assert np.array_equal(some.values, whole.values[chosen])
    assert np.array_equal(some.squared_norms, whole.squared_norms[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, dim)


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_sign_matrix(packing: Packing, dim: int, count: int, coherence: str) -> None:
    signs = packing.sign_matrix()
    if signs is None:
        return
    unit = every_row(packing).unit()
    expected = np.eye(count) + float(packing.coherence) * signs
    assert np.abs(unit @ unit.T - expected).max() <= (16 + dim) * UNIT
    # S^2 = a S + b I in integers, and the trace of the projector is the dimension.
    wide = signs.astype(np.int64)
    square = wide @ wide
    a = int(square[0, 1] * wide[0, 1])
    assert np.array_equal(square, a * wide + (count - 1) * np.eye(count, dtype=np.int64))


def test_equiangular_families_have_sign_matrices() -> None:
    assert Simplex(5).sign_matrix() is not None
    assert ConferenceFrame(13).sign_matrix() is not None
    assert Basis(3).sign_matrix() is None


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_texts_and_recipes(packing: Packing, dim: int, count: int, coherence: str) -> None:
    assert "\n" not in packing.words() + packing.proof
    assert packing.proof.endswith(".")
    assert not packing.words().endswith(".")
    recipe = packing.recipe()
    assert recipe["name"] == packing.name
    assert all(value is not None for value in recipe.values())


def test_large_counts() -> None:
    assert Gold(9).count == 262656
    assert (Gold(9).dim, Gold(9).coherence) == (512, eps("1/16"))
    assert Kerdock(8).count == 33024
    assert Kerdock(10).count == 525312
    assert (Kerdock(10).dim, Kerdock(10).coherence) == (1024, eps("1/32"))


@pytest.mark.parametrize("packing", [Kerdock(8), Gold(9), Kerdock(10)])
def test_random_rows_of_large_packings(packing: Packing) -> None:
    rng = np.random.default_rng(packing.count)
    chosen = np.unique(np.append(rng.integers(0, packing.count, 1500), packing.count - 1))
    assert largest_cosine_square(packing.rows(chosen)) == packing.coherence.square


def test_polygon_of_a_billion_lines() -> None:
    packing = Polygon(10**9)
    assert packing.coherence == Cosine(Fraction(1), Fraction(180, 10**9))
    first, second, middle, last = packing.rows(np.array([0, 1, 5 * 10**8, 10**9 - 1])).values
    # sin(x) = x to first order for x = pi * 10^-9.
    assert second[1] == pytest.approx(np.pi * 1e-9, rel=1e-15)
    assert abs(last[1] - np.pi * 1e-9) <= 8 * UNIT
    assert abs(first @ middle) <= 8 * UNIT


def test_last_pair_of_a_large_root_system() -> None:
    packing = RootSystemD(60000)
    rows = packing.rows(np.array([0, packing.count - 1])).values
    assert np.flatnonzero(rows[0]).tolist() == [0, 1]
    assert np.flatnonzero(rows[1]).tolist() == [59998, 59999]
    assert rows[1, 59999] == -1


def unordered_rows(values: NDArray[np.float64]) -> set[tuple[float, ...]]:
    return {tuple(row) for row in np.round(values, 12)}


def test_conference_frame_of_order_6_is_the_icosahedron() -> None:
    gram = ConferenceFrame(5).rows(np.arange(6)).values
    assert unordered_rows(np.abs(gram @ gram.T)) == unordered_rows(
        np.full((6, 6), 1 / np.sqrt(5)) + (1 - 1 / np.sqrt(5)) * np.eye(6)
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Polygon(1), r"`lines` must be at least 2; got 1\."),
        (lambda: Basis(0), r"`dimension` must be at least 1; got 0\."),
        (lambda: Simplex(1), r"`dimension` must be at least 2; got 1\."),
        (lambda: ConferenceFrame(7), r"`q` must be a prime power that is 1 mod 4; got 7\."),
        (lambda: ConferenceFrame(21), r"`q` must be a prime power that is 1 mod 4; got 21\."),
        (lambda: ConferenceRows(1), r"`q` must be a prime power that is 1 mod 4; got 1\."),
        (lambda: RootSystemD(2), r"`rank` must lie in \[3, 2\^25\]; got 2\."),
        (lambda: RootSystemE(9), r"`rank` must be 6, 7 or 8; got 9\."),
        (lambda: Kerdock(3), r"`exponent` must be even and lie in \[2, 22\]; got 3\."),
        (lambda: Kerdock(0), r"`exponent` must be even and lie in \[2, 22\]; got 0\."),
        (lambda: Gold(4), r"`exponent` must be odd and lie in \[3, 21\]; got 4\."),
        (lambda: Gold(1), r"`exponent` must be odd and lie in \[3, 21\]; got 1\."),
    ],
)
def test_bad_parameters(make: type[Packing], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        make()
