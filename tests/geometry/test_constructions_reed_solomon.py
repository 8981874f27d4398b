"""Graphs of polynomials with Hadamard rows: every pair, every candidate, and broken ones."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify, exact
from geometry.constructions import hadamard, reed_solomon
from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceRows
from geometry.constructions.field import prime_power
from geometry.constructions.hadamard import HadamardColumns
from geometry.constructions.polygon import Polygon
from geometry.constructions.reed_solomon import ReedSolomon
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine, angle, eps
from geometry.packing import Packing

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[ReedSolomon, int, int, str]] = [
    (ReedSolomon(2, 2, 2), 4, 8, "1/2"),
    (ReedSolomon(2, 3, 4), 6, 16, "1/3"),
    (ReedSolomon(3, 4, 4), 12, 36, "1/4"),
    (ReedSolomon(8, 7, 8), 56, 512, "1/7"),
    (ReedSolomon(11, 12, 12), 132, 1452, "1/12"),
    (ReedSolomon(2, 3, 4, 2), 6, 32, "2/3"),
    (ReedSolomon(4, 5, 8, 3), 20, 2048, "3/5"),
    (ReedSolomon(5, 6, 8, 2), 30, 1000, "1/3"),
    (ReedSolomon(7, 8, 8, 2), 56, 2744, "1/4"),
    (ReedSolomon(7, 6, 8, 2), 42, 2744, "1/3"),
    (ReedSolomon(9, 8, 8, 1, ConferenceRows(9)), 72, 728, "1/8"),
    (ReedSolomon(4, 4, 4, 1, Basis(4)), 16, 80, "1/2"),
    (ReedSolomon(4, 4, 4, 1, HadamardColumns(4, 0)), 16, 80, "1/4"),
    (ReedSolomon(4, 4, 4, 2, Basis(4)), 16, 272, "1/2"),
    (ReedSolomon(5, 4, 4, 1, Simplex(5)), 20, 124, "1/2"),
    (ReedSolomon(2, 2, 2, 1, Polygon(3)), 4, 14, "1/sqrt(2)"),
]
IDS = [f"{packing.dim}-{packing.count}" for packing, *_ in CASES]
UNIT = 2.0**-53


def unit_rows(packing: Packing) -> NDArray[np.float64]:
    return packing.rows(np.arange(packing.count)).unit()


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: ReedSolomon, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    rows = packing.rows(np.arange(count))
    assert rows.values.shape == (count, dim)
    assert (rows.squared_norms[: packing.q ** (packing.degree + 1)] == packing.columns).all()
    unit = rows.unit()
    gram = np.abs(unit @ unit.T)
    # Coordinates are right to 8 units, so unit rows are to 8 and products to 16 units; the sum
    # of d products adds at most d units.
    slack = (16 + dim) * UNIT
    assert np.abs(np.diag(gram) - 1).max() <= slack
    np.fill_diagonal(gram, 0)
    assert abs(gram.max() - float(packing.coherence)) <= slack
    assert abs((unit**2).max() - float(packing.peak_square)) <= 32 * UNIT


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_rows_by_index(packing: ReedSolomon, dim: int, count: int, coherence: str) -> None:
    whole = packing.rows(np.arange(count))
    chosen = np.random.default_rng(count).integers(0, count, 23)
    some = packing.rows(chosen)
    assert np.array_equal(some.values, whole.values[chosen])
    assert np.array_equal(some.squared_norms, whole.squared_norms[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, dim)


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_frames_and_blocks(packing: ReedSolomon, dim: int, count: int, coherence: str) -> None:
    unit = unit_rows(packing)
    # Each entry is a sum of `count` products below 1, right to 16 units each and to `count`
    # units more by the additions.
    slack = (16 + count) * count * UNIT
    distance = np.abs(unit.T @ unit - count / dim * np.eye(dim)).max()
    if packing.tight:
        assert distance <= slack
    if packing.blocks is not None:
        weights = (unit**2).reshape(count, packing.blocks, -1).sum(axis=2)
        assert np.abs(weights - 1 / packing.blocks).max() <= 32 * UNIT
    assert packing.tight or packing.fill is not None
    assert (packing.blocks is None) == (packing.fill is not None)


def test_13020_lines_in_500_dimensions_at_one_twentieth() -> None:
    packing = ReedSolomon(25, 20, 20, 1, ConferenceRows(25))
    assert (packing.dim, packing.count) == (500, 13020)
    assert packing.coherence == eps("0.05")
    assert packing.words() == (
        "net of 25 points in 20 columns, Hadamard rows of order 20 (Paley I) on each of 625 "
        "lines, each column filled with 26 rows of the conference matrix of order 26 less a column"
    )
    rows = packing.rows(np.arange(packing.count))
    values = rows.values.astype(np.float32)  # integers below 2^24 stay exact
    norms = rows.squared_norms
    assert rows.values.dtype == np.int8
    assert set(norms.tolist()) == {20, 24, 25}
    # 400 ip^2 <= n_i n_j holds for |ip| <= 1 and fails for 2, as 400 <= n_i n_j <= 625 < 1600;
    # it is an equality for two rows of squared norm 20.
    tops = set()
    for start in range(0, packing.count, 1024):
        gram = values[start : start + 1024] @ values[start:].T  # each pair once
        gram[np.arange(len(gram)), np.arange(len(gram))] = 0
        tops.add((float(gram.max()), float(gram.min())))
    assert max(top for top, _ in tops) == 1
    assert min(bottom for _, bottom in tops) == -1
    first = values[:2000] @ values[:2000].T
    assert (np.abs(first[0]) == 1).any()
    assert (norms[:2000] == 20).all()


def test_312500_lines_in_500_dimensions_at_one_tenth() -> None:
    packing = ReedSolomon(25, 20, 20, 2)
    assert (packing.dim, packing.count) == (500, 312500)
    assert packing.coherence == eps("0.1")
    assert packing.words() == (
        "graphs of the 25^3 polynomials of degree at most 2 over GF(25) in 20 columns of 25 "
        "points, Hadamard rows of order 20 (Paley I) on each"
    )
    finding = certify.certificate(packing, eps("0.1")).check()
    assert finding.holds
    assert finding.level is certify.Level.BY_SYMMETRY
    assert finding.pairs == math.comb(312500, 2)
    values = packing.rows(np.arange(0, packing.count, 101)).values.astype(np.float32)
    gram = np.abs(values @ values.T) - 20 * np.eye(len(values), dtype=np.float32)
    assert gram.max() == 2


def test_polynomials_come_first_then_fillings_by_column() -> None:
    packing = ReedSolomon(3, 4, 4, 1, Basis(3))
    rows = packing.rows(np.arange(packing.count)).values
    # Line a = 2, b = 1, row 3: heights 1, 0, 2 at x = 0, 1, 2, and the slope 2 at infinity.
    row = rows[(2 * 3 + 1) * 4 + 3]
    assert np.flatnonzero(row).tolist() == [0 + 1, 3 + 0, 6 + 2, 9 + 2]
    # Filling 1 of column 2.
    assert np.flatnonzero(rows[36 + 2 * 3 + 1]).tolist() == [2 * 3 + 1]
    # 3 + 2 x + x^2 over GF(5) at x = 0 .. 4, and 1 at infinity.
    number = 3 + 2 * 5 + 1 * 25
    row = ReedSolomon(5, 6, 8, 2).rows(np.array([number * 8])).values[0]
    heights = [(3 + 2 * x + x * x) % 5 for x in range(5)] + [1]
    assert np.flatnonzero(row).tolist() == [5 * x + y for x, y in enumerate(heights)]


def test_mixed_rows_keep_integers() -> None:
    packing = ReedSolomon(5, 4, 4, 1, Simplex(5))
    rows = packing.rows(np.array([3, 100, 7]))
    assert rows.values.dtype == np.float64
    assert rows.squared_norms.tolist() == [4, 0, 4]
    assert packing.rows(np.array([3, 7])).values.dtype == np.int8


def test_counts_beyond_64_bits() -> None:
    packing = ReedSolomon(64, 60, 64, 12, Simplex(64))
    assert packing.count == 64**14 + 60 * 65
    top = 2**63 - 1
    indices = np.append(np.random.default_rng(0).integers(0, top, 200), top)
    values = packing.rows(indices).values.astype(np.int64)
    assert ((values != 0).reshape(len(indices), 60, 64).sum(axis=2) == 1).all()
    gram = np.abs(values @ values.T) - 60 * np.eye(len(indices), dtype=np.int64)
    assert gram.max() <= 12
    # 2^63 - 1 = 64 * (2^57 - 1) + 63: row 63 of the polynomial with digits 64 - 1, nine of them,
    # and 7 as the tenth; at x = 1 they add up to nine times 63 and 7, that is 63 ^ 7.
    assert values[-1].reshape(60, 64)[1].nonzero()[0].tolist() == [63 ^ 7]


class Loose(HadamardColumns):
    """A filling whose coherence is only a bound."""

    exact: ClassVar[bool] = False


def test_exact_depends_on_the_filling_only_where_it_decides() -> None:
    assert ReedSolomon(9, 8, 8, 1, HadamardColumns(12, 3)).exact
    assert not ReedSolomon(9, 8, 8, 1, Loose(12, 3)).exact
    # Here the lines' own 1/4 is the largest.
    assert ReedSolomon(11, 4, 4, 1, Loose(12, 1)).coherence == eps("1/4")
    assert ReedSolomon(11, 4, 4, 1, Loose(12, 1)).exact


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((6, 4, 4), r"`q` must be a prime power; got 6\."),
        ((5, 7, 8), r"`columns` must lie in \[2, 6\]; got 7\."),
        ((5, 1, 1), r"`columns` must lie in \[2, 6\]; got 1\."),
        ((5, 4, 4, 0), r"`degree` must lie in \[1, 3\]; got 0\."),
        ((5, 4, 4, 4), r"`degree` must lie in \[1, 3\]; got 4\."),
        ((7, 5, 6), r"`order` must lie in \[5, 6\] and .*; got 6\."),
        ((7, 4, 8), r"`order` must lie in \[4, 5\] and .*; got 8\."),
        ((7, 8, 4, 2), r"`order` must lie in \[8, 10\] and .*; got 4\."),
        ((5, 4, 4, 1, Basis(4)), r"`fill` must have dimension 5; got 4\."),
    ],
)
def test_bad_parameters(values: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        ReedSolomon(*values)


@pytest.mark.parametrize(
    "allowed",
    [
        angle("50"),
        *map(eps, ["0", "0.05", "1/7", "0.2", "1/sqrt(5)", "1/2", "0.8", "0.99"]),
    ],
    ids=str,
)
def test_candidates_are_the_pareto_frontier(allowed: Cosine) -> None:
    max_dim = 130
    members = [
        (q * columns, q ** (degree + 1) * order)
        for q in range(2, max_dim)
        if prime_power(q)
        for columns in range(2, min(q + 1, max_dim // q) + 1)
        for degree in range(1, columns)
        if Cosine.ratio(Fraction(degree, columns)) <= allowed
        for order in range(columns, columns + degree + 1)
        if hadamard.is_constructible(order)
    ]
    frontier, most = [], 0
    for dim, count in sorted(members, key=lambda member: (member[0], -member[1])):
        if count > most:
            frontier.append((dim, count))
            most = count
    found = list(ReedSolomon.candidates(max_dim, allowed))
    assert [(packing.dim, packing.count) for packing in found] == frontier
    assert all(packing.coherence <= allowed for packing in found)


def test_candidates_of_very_large_counts() -> None:
    found = list(ReedSolomon.candidates(12288, eps("0.99")))
    assert max(packing.dim for packing in found) <= 12288
    counts = [packing.count for packing in found]
    assert counts == sorted(counts)
    assert ReedSolomon(109, 110, 216, 108) in found


def test_tight_frames_are_all_listed() -> None:
    members = {
        ReedSolomon(q, columns, order, degree)
        for q in range(2, 33)
        if prime_power(q)
        for columns in range(2, q + 2)
        for degree in range(1, columns)
        for order in range(columns, columns + degree + 1)
        if hadamard.is_constructible(order) and q ** (degree + 1) * order <= 2000
    }
    found = list(ReedSolomon.tight_frames(2000))
    assert len(found) == len(set(found))
    assert set(found) == members
    assert not list(ReedSolomon.tight_frames(7))


def check(packing: ReedSolomon) -> bool:
    outcome = packing.orbit_check()
    assert outcome is not None
    inside = sum(copies * math.comb(part.count, 2) for part, copies in packing.inner())
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2) - inside
    return outcome.holds


@pytest.mark.parametrize(
    "packing",
    [packing for packing, *_ in CASES] + [ReedSolomon(27, 28, 28), ReedSolomon(16, 17, 20, 3)],
    ids=lambda packing: f"{packing.dim}-{packing.count}",
)
def test_symmetry_checks_hold(packing: ReedSolomon) -> None:
    assert check(packing)


def test_many_polynomials_rest_on_the_number_of_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reed_solomon, "_MOST_POINTS", 1 << 20)
    packing = ReedSolomon(31, 32, 32, 5)
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.holds
    assert not outcome.whole
    # 31^3 * 32 < 2^20 < 31^4 * 32: parabolas are compared.
    same_coset = math.comb(31**3 * 32, 2)
    assert outcome.pairs == 31**3 * same_coset < math.comb(packing.count, 2)
    finding = certify.certificate(packing, packing.coherence).check()
    assert finding.level is certify.Level.BY_THEOREM


Heights = NDArray[np.int64]


def broken(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    original = ReedSolomon._heights

    def heights(self: ReedSolomon, coefficients: Heights) -> Heights:
        values = original(self, coefficients)
        if kind == "bent":  # one polynomial takes its value at 0 once more
            chosen = (coefficients == 3).all(axis=1)
            values[chosen, 2] = values[chosen, 0]
        elif kind == "doubled":  # additive, but columns 1 and 2 are the same
            values[:, 2] = values[:, 1]
        else:  # few meetings with 0, but differences are no polynomials
            values = original(self, coefficients**2 % self.q)
        return values

    monkeypatch.setattr(ReedSolomon, "_heights", heights)


@pytest.mark.parametrize("kind", ["bent", "doubled", "squared"])
@pytest.mark.parametrize("packing", [ReedSolomon(7, 7, 8), ReedSolomon(7, 8, 8, 2)])
def test_fails_with_other_graphs(
    monkeypatch: pytest.MonkeyPatch, kind: str, packing: ReedSolomon
) -> None:
    broken(monkeypatch, kind)
    assert not check(packing)


def test_fails_with_a_column_twice_where_few_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "doubled")
    monkeypatch.setattr(reed_solomon, "_MOST_POINTS", 1 << 20)
    outcome = ReedSolomon(31, 32, 32, 5).orbit_check()
    assert outcome is not None
    assert not outcome.holds


def test_fails_with_a_wrong_hadamard_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = hadamard.matrix(8).copy()
    wrong[3, 4] *= -1
    monkeypatch.setattr(hadamard, "matrix", lambda order: wrong)
    assert not check(ReedSolomon(7, 8, 8))
    assert not check(ReedSolomon(7, 7, 8))


class TooOptimistic(Simplex):
    """A simplex that claims a smaller coherence."""

    @property
    def coherence(self) -> Cosine:
        return Cosine(Fraction(1, (self.dimension + 1) ** 2))


class TooFlat(ConferenceRows):
    """Rows of a conference matrix that claim smaller entries."""

    @property
    def peak_square(self) -> Fraction:
        return Fraction(1, self.q)


class TooNarrow(ConferenceRows):
    """Rows of a conference matrix that claim a smaller coherence."""

    @property
    def coherence(self) -> Cosine:
        return Cosine(Fraction(1, self.q**2))


class FlatSimplex(Simplex):
    """A simplex that claims smaller entries."""

    @property
    def peak_square(self) -> Fraction:
        return Fraction(1, 2)


class Large(Simplex):
    """A filling with more entries than are looked at."""

    @property
    def count(self) -> int:
        return 10**9

    @property
    def peak_square(self) -> Fraction:
        return Fraction(9, 10)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize(
    "fill",
    [TooOptimistic(9), TooFlat(9), TooNarrow(9), FlatSimplex(9)],
    ids=lambda f: type(f).__name__,
)
def test_fails_with_a_filling_that_claims_too_much(fill: Packing, degree: int) -> None:
    for honest in (Simplex(9), ConferenceRows(9)):
        packing = ReedSolomon(9, 8, 8, degree, honest)
        assert certify.certificate(packing, packing.coherence, most_operations=1).check().holds
    packing = ReedSolomon(9, 8, 8, degree, fill)
    assert not certify.certificate(packing, exact.eps("0.99"), most_operations=1).check().holds


def test_entries_that_nobody_saw_leave_a_theorem() -> None:
    packing = ReedSolomon(9, 8, 8, 1, Large(9))
    outcome = packing.orbit_check()
    assert outcome is not None
    assert not outcome.whole
    own, lines = 10**9 * (10**9 - 1) // 2, 81 * 8
    assert outcome.pairs == math.comb(packing.count, 2) - 8 * own - lines * 8 * 10**9


@pytest.mark.parametrize("packing", ReedSolomon.examples())
def test_examples_are_small_and_different(packing: ReedSolomon) -> None:
    assert packing.count**2 * packing.dim <= 1e9
    assert len(set(ReedSolomon.examples())) == 3
    assert "\n" not in packing.words() + packing.proof
    assert packing.proof.endswith(".")
