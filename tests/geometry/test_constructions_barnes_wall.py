"""Barnes-Wall lines: counts by brute force, all pairs, rows by index, symmetry."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions import barnes_wall
from geometry.constructions.barnes_wall import BarnesWall, gaussian_binomial
from geometry.exact import eps

SMALL = [BarnesWall(m, every) for m in (2, 3, 4) for every in (False, True)]
# Sums of at most 16 products, each right to 4 units of rounding.
SLACK = 80 * 2.0**-53


def every_unit_row(packing: BarnesWall) -> NDArray[np.float64]:
    return packing.rows(np.arange(packing.count)).unit()


def lines_by_definition(m: int, every: bool) -> set[tuple[int, ...]]:
    """All (-1)^Q on affine subspaces, from all spanning sets and all forms; sign normalised."""
    points = range(1 << m)
    found: set[tuple[int, ...]] = set()
    for rank in range(m + 1):
        if (rank - m) % 2 and not every:
            continue
        for spanning in combinations(points, rank):
            where = [0]
            for vector in spanning:
                where += [place ^ vector for place in where]
            if len(set(where)) < 1 << rank:
                continue
            for start, form in product(points, product((0, 1), repeat=rank * (rank + 1) // 2)):
                row = [0] * (1 << m)
                for u, place in enumerate(where):
                    bits = [u >> i & 1 for i in range(rank)]
                    terms = [bits[i] * bits[j] for i in range(rank) for j in range(i + 1)]
                    odd = sum(a * b for a, b in zip(terms, form, strict=True)) % 2
                    row[place ^ start] = 1 - 2 * odd
                lead = next(entry for entry in row if entry)
                found.add(tuple(lead * entry for entry in row))
    return found


@pytest.mark.parametrize("packing", [BarnesWall(2), BarnesWall(2, True), BarnesWall(3)])
def test_lines_are_those_of_the_definition(packing: BarnesWall) -> None:
    values = packing.rows(np.arange(packing.count)).values.astype(np.int64)
    lead = np.take_along_axis(values, (values != 0).argmax(axis=1)[:, None], axis=1)
    listed = {tuple(row) for row in (values * lead).tolist()}
    assert len(listed) == packing.count
    assert listed == lines_by_definition(packing.exponent, packing.every)


def test_counts() -> None:
    # D4, E8, and the lattices in R^16, R^32 and R^64: half of 24, 240, 4320, 146880, 9694080.
    halves = [12, 120, 2160, 73440, 4847040]
    assert [BarnesWall(m).count for m in range(2, 7)] == halves
    assert [BarnesWall(m, True).count for m in range(2, 7)] == [2 * n for n in halves]
    # The product formula (2 + 2)(2 + 4) ... (2 + 2^m), half of it for each parity.
    for m in range(2, 17):
        product_formula = 1
        for i in range(1, m + 1):
            product_formula *= 2 + (1 << i)
        assert BarnesWall(m, True).count == product_formula
        assert 2 * BarnesWall(m).count == product_formula


def test_gaussian_binomials() -> None:
    assert [gaussian_binomial(4, r) for r in range(5)] == [1, 15, 35, 15, 1]
    assert gaussian_binomial(6, 3) == 1395


@pytest.mark.parametrize("packing", SMALL)
def test_all_pairs(packing: BarnesWall) -> None:
    rows = packing.rows(np.arange(packing.count))
    wide = rows.values.astype(np.int64)
    assert rows.values.shape == (packing.count, 1 << packing.exponent)
    assert np.array_equal((wide**2).sum(axis=1), rows.squared_norms)
    unit = every_unit_row(packing)
    gram = np.abs(unit @ unit.T)
    np.fill_diagonal(gram, 0)
    assert abs(gram.max() - float(packing.coherence)) <= SLACK
    assert packing.coherence == eps("1/sqrt(2)" if packing.every else "1/2")
    assert abs((unit**2).max() - float(packing.peak_square)) <= SLACK


@pytest.mark.parametrize("packing", SMALL)
def test_tight(packing: BarnesWall) -> None:
    unit = every_unit_row(packing)
    # Up to 4320 terms, each right to 4 units, added pairwise or in blocks: 4320 units at most.
    assert packing.tight
    frame = unit.T @ unit - packing.count / packing.dim * np.eye(packing.dim)
    assert np.abs(frame).max() <= 4330 * 2.0**-53 * packing.count / packing.dim


@pytest.mark.parametrize("packing", [*SMALL, BarnesWall(5)])
def test_rows_by_index(packing: BarnesWall) -> None:
    whole = packing.rows(np.arange(packing.count))
    chosen = np.random.default_rng(packing.count).integers(0, packing.count, 40)
    some = packing.rows(chosen)
    assert np.array_equal(some.values, whole.values[chosen])
    assert np.array_equal(some.squared_norms, whole.squared_norms[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, packing.dim)


@pytest.mark.parametrize("packing", [BarnesWall(5), BarnesWall(7), BarnesWall(8, True)])
def test_random_rows_of_large_packings(packing: BarnesWall) -> None:
    rng = np.random.default_rng(packing.exponent)
    chosen = np.unique(np.append(rng.integers(0, packing.count, 800), packing.count - 1))
    rows = packing.rows(chosen)
    wide = rows.values.astype(np.int64)
    squares = (wide @ wide.T) ** 2
    norms = rows.squared_norms[:, None] * rows.squared_norms
    np.fill_diagonal(squares, 0)
    # |cos|^2 is 0 or a power of 1/2, of 1/4 within a parity.
    assert (4 * squares <= norms * (2 if packing.every else 1)).all()
    apart = squares > 0
    assert apart.any()
    ratios = norms[apart] // squares[apart]
    assert (ratios * squares[apart] == norms[apart]).all()
    assert ((ratios & (ratios - 1)) == 0).all()


def test_lines_of_every_kind_differ() -> None:
    # One block of consecutive indices about every boundary between dimensions of subspaces.
    packing = BarnesWall(6, True)
    ends = np.cumsum([packing._of_rank(rank) for rank in range(7)])
    chosen = np.unique(np.clip(ends[:, None] + np.arange(-60, 60), 0, packing.count - 1))
    rows = packing.rows(chosen)
    assert len(np.unique(rows.values, axis=0)) == len(chosen)
    assert set(rows.squared_norms) == {1 << rank for rank in range(7)}


def test_indices_up_to_the_largest() -> None:
    packing = BarnesWall(16)
    rows = packing.rows(np.array([0, 65535, 65536, (1 << 63) - 1]))
    assert rows.values.shape == (4, 65536)
    assert rows.squared_norms.tolist()[:3] == [1, 1, 4]
    assert np.array_equal(
        np.einsum("nd,nd->n", *[rows.values.astype(np.int64)] * 2), rows.squared_norms
    )


@pytest.mark.parametrize("packing", [*SMALL, BarnesWall(5), BarnesWall(9, True), BarnesWall(12)])
def test_orbit_check(packing: BarnesWall) -> None:
    found = packing.orbit_check()
    assert found.holds
    assert found.whole
    assert found.pairs == packing.count * (packing.count - 1) // 2


def test_orbit_check_sees_a_wrong_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    right = barnes_wall._states

    def wrong(
        m: int, basis: NDArray[np.int64], point: NDArray[np.int64], forms: NDArray[np.int64]
    ) -> NDArray[np.int8]:
        return np.abs(right(m, basis, point, forms))

    monkeypatch.setattr(barnes_wall, "_states", wrong)
    assert not BarnesWall(4).orbit_check().holds


def test_orbit_check_covers_every_square() -> None:
    # The squared |cos| of all pairs in R^16 are those of the representatives: 0, 1/4, 1/16.
    unit = every_unit_row(BarnesWall(4))
    squares = np.unique(np.round((unit @ unit.T) ** 2 * 256)) / 256
    assert [Fraction(value) for value in squares] == [0, Fraction(1, 16), Fraction(1, 4), 1]


def test_candidates() -> None:
    assert list(BarnesWall.candidates(64, eps("1/2"))) == [BarnesWall(m) for m in range(2, 7)]
    found = list(BarnesWall.candidates(63, eps("1/sqrt(2)")))
    assert found == [BarnesWall(m, True) for m in range(2, 6)]
    assert list(BarnesWall.candidates(64, eps("0.4999"))) == []
    assert list(BarnesWall.candidates(3, eps("0.9"))) == []
    assert len(list(BarnesWall.candidates(1 << 17, eps("1/2")))) == 15
    assert all(frame.count <= 3000 for frame in BarnesWall.tight_frames(3000))
    assert len(list(BarnesWall.tight_frames(3000))) == 5
    for packing in BarnesWall.examples():
        assert packing.count**2 * packing.dim <= 1e9


def test_texts() -> None:
    for packing in SMALL:
        assert packing.proof.endswith(".")
        assert "\n" not in packing.words()
        assert packing.recipe() == {
            "name": "Barnes-Wall",
            "exponent": packing.exponent,
            "every": packing.every,
        }


@pytest.mark.parametrize("exponent", [1, 0, -3, 17])
def test_bad_exponent(exponent: int) -> None:
    with pytest.raises(ValueError, match=rf"^`exponent` must lie in \[2, 16\]; got {exponent}\.$"):
        BarnesWall(exponent)
