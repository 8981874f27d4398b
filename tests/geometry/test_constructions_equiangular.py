"""Equiangular tight frames: Taylor's, Steiner's, Tremain's and those of constant diagonal."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.certify import GramIdentity
from geometry.constructions import (
    hadamard,
    steiner,
    steiner_systems,
    strongly_regular,
    taylor,
    tremain,
)
from geometry.constructions.field import prime_power
from geometry.constructions.steiner import SteinerFrame
from geometry.constructions.strongly_regular import TwinPowerFrame
from geometry.constructions.taylor import TaylorFrame
from geometry.constructions.tremain import TremainFrame
from geometry.exact import Cosine, eps
from geometry.packing import Packing

UNIT = 2.0**-53
FAMILIES: list[type[Packing]] = [TaylorFrame, SteinerFrame, TremainFrame, TwinPowerFrame]

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[Packing, int, int, str]] = [
    (TaylorFrame(3), 7, 28, "1/3"),
    (TaylorFrame(5), 21, 126, "1/5"),
    (TaylorFrame(7), 43, 344, "1/7"),
    (TaylorFrame(9), 73, 730, "1/9"),
    (SteinerFrame(4, 2), 6, 16, "1/3"),
    (SteinerFrame(8, 2), 28, 64, "1/7"),
    (SteinerFrame(12, 2), 66, 144, "1/11"),
    (SteinerFrame(7, 3), 7, 28, "1/3"),
    (SteinerFrame(15, 3), 35, 120, "1/7"),
    (SteinerFrame(31, 3), 155, 496, "1/15"),
    (SteinerFrame(39, 3), 247, 780, "1/19"),
    (SteinerFrame(45, 5), 99, 540, "1/11"),
    (SteinerFrame(61, 5), 183, 976, "1/15"),
    (SteinerFrame(91, 7), 195, 1456, "1/15"),
    (TremainFrame(3), 5, 10, "1/3"),
    (TremainFrame(7), 15, 36, "1/5"),
    (TremainFrame(15), 51, 136, "1/9"),
    (TremainFrame(39), 287, 820, "1/21"),
    (TwinPowerFrame(5), 15, 36, "1/5"),
    (TwinPowerFrame(9), 45, 100, "1/9"),
    (TwinPowerFrame(17), 153, 324, "1/17"),
    (TwinPowerFrame(25), 325, 676, "1/25"),
]
IDS = [f"{type(case[0]).__name__}-{case[1]}-{case[2]}" for case in CASES]


def vectors(packing: Packing) -> NDArray[np.float64]:
    return packing.rows(np.arange(packing.count)).unit()


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_every_pair_has_the_stated_cosine_and_sign(
    packing: Packing, dim: int, count: int, coherence: str
) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    assert packing.tight
    unit = vectors(packing)
    assert unit.shape == (count, dim)
    signs = packing.sign_matrix()
    assert signs is not None
    assert signs.dtype == np.int8
    # Coordinates are products of a few factors, each right to a few units; Taylor's vectors x_c
    # are sums of q terms, so right to 8q units with room to spare. A sum of d products whose
    # absolute values sum to at most 1 adds at most d units.
    slack = (64 + 16 * math.isqrt(dim) + dim) * UNIT
    gram = np.eye(count) + float(packing.coherence) * signs
    assert np.abs(unit @ unit.T - gram).max() <= slack
    # W^T W = (N/d) I; its entries are sums of N products of size at most N/d together.
    excess = unit.T @ unit - count / dim * np.eye(dim)
    assert np.abs(excess).max() <= count * slack
    largest = float((unit**2).max())
    assert abs(largest - float(packing.peak_square)) <= slack


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_sign_matrices_satisfy_the_identity(
    packing: Packing, dim: int, count: int, coherence: str
) -> None:
    signs = packing.sign_matrix()
    assert signs is not None
    allowed = eps(coherence)
    assert GramIdentity(signs, dim, allowed, packing.coherence).check().holds
    broken = signs.copy()
    broken[0, 1] *= -1
    broken[1, 0] *= -1
    assert not GramIdentity(broken, dim, allowed, packing.coherence).check().holds


@pytest.mark.parametrize(
    "packing", [TaylorFrame(9), SteinerFrame(45, 5), TremainFrame(15), TwinPowerFrame(25)]
)
def test_rows_by_index_are_rows_in_bulk(packing: Packing) -> None:
    chosen = np.random.default_rng(0).permutation(packing.count)[:200]
    chosen[:2] = 0, packing.count - 1
    some, every = packing.rows(chosen), packing.rows(np.arange(packing.count))
    assert np.array_equal(some.values, every.values[chosen])
    assert np.array_equal(some.squared_norms, every.squared_norms[chosen])
    one = packing.rows(chosen[3:4])
    assert np.array_equal(one.values[0], every.values[chosen[3]])
    assert packing.rows(np.zeros(0, np.int64)).values.shape == (0, packing.dim)


def test_steiner_rows_are_integral() -> None:
    rows = SteinerFrame(45, 5).rows(np.arange(540))
    assert rows.values.dtype == np.int8
    assert set(np.unique(rows.values)) == {-1, 0, 1}
    assert (np.count_nonzero(rows.values, axis=1) == 11).all()
    assert (rows.squared_norms == 11).all()


@pytest.mark.parametrize(
    "packing",
    [
        TaylorFrame(23),
        TaylorFrame(49),
        SteinerFrame(156, 6),
        SteinerFrame(379, 7),
        TremainFrame(127),
        TwinPowerFrame(41),
        TwinPowerFrame(125),
    ],
)
def test_random_pairs_of_larger_members(packing: Packing) -> None:
    chosen = np.unique(np.random.default_rng(1).integers(0, packing.count, 150))
    unit = packing.rows(chosen).unit()
    gram = np.abs(unit @ unit.T)
    np.fill_diagonal(gram, float(packing.coherence))
    slack = (64 + 16 * math.isqrt(packing.dim) + packing.dim) * UNIT
    assert np.abs(gram - float(packing.coherence)).max() <= slack
    assert np.abs((unit**2).sum(axis=1) - 1).max() <= slack


@pytest.mark.parametrize("family", FAMILIES)
def test_relative_bound_is_met(family: type[Packing]) -> None:
    members = list(family.candidates(65536, eps("0.99")))
    assert len(members) >= 15
    for packing in members:
        square = packing.coherence.square
        bound = packing.dim * (1 - square) / (1 - packing.dim * square)
        assert bound == packing.count
    assert len({packing.dim for packing in members}) == len(members)


def brute_force(family: type[Packing], max_dim: int) -> set[Packing]:
    """Every member up to `max_dim` that the constructor takes."""
    found: set[Packing] = set()
    parameters: list[tuple[int, ...]] = [(n,) for n in range(3 * math.isqrt(max_dim) + 9)]
    if family is SteinerFrame:
        # d = b >= v, and b = v(v - 1)/(k(k - 1)) grows with v.
        blocks = [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]
        parameters = [(v, k) for v in range(2, max_dim + 1) for k in blocks]
    for given in parameters:
        try:
            packing = family(*given)
        except ValueError:
            continue
        if packing.dim <= max_dim:
            found.add(packing)
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["0", "0.01", "0.05", "1/15", "1/7", "1/sqrt(40)", "0.34", "0.99"])
def test_candidates_are_all_members_that_fit(family: type[Packing], text: str) -> None:
    allowed = eps(text)
    for max_dim in (0, 1, 4, 5, 6, 7, 35, 200, 830):
        listed = list(family.candidates(max_dim, allowed))
        fitting = {one for one in brute_force(family, max_dim) if one.coherence <= allowed}
        assert set(listed) == fitting
        assert len(listed) == len(fitting)


@pytest.mark.parametrize("family", FAMILIES)
def test_tight_frames_and_examples(family: type[Packing]) -> None:
    members = brute_force(family, 830)
    for most_lines in (0, 9, 10, 16, 27, 28, 500, 800):
        expected = {one for one in members if one.count <= most_lines}
        assert set(family.tight_frames(most_lines)) == expected
    examples = family.examples()
    assert len(set(examples)) == 3
    assert all(one.count**2 * one.dim <= 10**9 for one in examples)


@pytest.mark.parametrize(
    "packing",
    [
        TaylorFrame(3),
        TaylorFrame(5),
        TaylorFrame(9),
        TaylorFrame(27),
        TaylorFrame(47),
        SteinerFrame(4, 2),
        SteinerFrame(152, 2),
        SteinerFrame(103, 3),
        SteinerFrame(156, 6),
        SteinerFrame(445, 5),
        TremainFrame(3),
        TremainFrame(127),
        TwinPowerFrame(5),
        TwinPowerFrame(81),
    ],
)
def test_orbit_checks_hold(packing: Packing) -> None:
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.holds
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2)


def test_taylor_check_fails_on_wrong_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    right = taylor._signs(7)
    changes = [right.copy() for _ in range(5)]
    for wrong, place in zip(changes, [(1, 2), (0, 3), (6, 0)], strict=False):
        wrong[place] *= -1
    # Kept by the symmetry, wrong in the square: f turned where n is 0, and all of f.
    changes[3][0] *= -1
    changes[4] *= -1
    for wrong in changes:
        monkeypatch.setattr(taylor, "_signs", lambda q, wrong=wrong: wrong)
        assert not TaylorFrame(7).orbit_check().holds


@pytest.mark.parametrize("place", [0, 1, 2])
def test_twin_power_check_fails_on_wrong_signs(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [part.copy() for part in strongly_regular._matrices(9)]
    # All entries of one sign turned: a wrong matrix, developed over the group as before.
    part = wrong[place]
    part[part[0, 1] == part] *= -1
    monkeypatch.setattr(strongly_regular, "_matrices", lambda q: tuple(wrong))
    assert not TwinPowerFrame(9).orbit_check().holds


def test_twin_power_matrix_is_a_hadamard_matrix_of_constant_diagonal() -> None:
    for q in (5, 9, 17):
        packing = TwinPowerFrame(q)
        matrix = np.eye(packing.count, dtype=np.int64) - packing.sign_matrix()
        assert (np.abs(matrix) == 1).all()
        assert (matrix.diagonal() == 1).all()
        assert np.array_equal(matrix, matrix.T)
        assert np.array_equal(matrix @ matrix, packing.count * np.eye(packing.count))


def test_steiner_checks_fail_on_a_wrong_system(monkeypatch: pytest.MonkeyPatch) -> None:
    steiner_systems.through.cache_clear()
    wrong = steiner_systems.blocks(15, 3).copy()
    place = next(i for i in range(1, 35) if not np.isin(wrong[i], wrong[0]).any())
    # Two points exchanged between disjoint blocks: each still lies in as many.
    wrong[0, 0], wrong[place, 0] = wrong[place, 0], wrong[0, 0]
    monkeypatch.setattr(steiner_systems, "blocks", lambda points, block: wrong)
    try:
        assert not SteinerFrame(15, 3).orbit_check().holds
        assert not TremainFrame(15).orbit_check().holds
    finally:
        steiner_systems.through.cache_clear()


@pytest.mark.parametrize(("family", "order"), [(steiner, 8), (tremain, 8), (tremain, 16)])
def test_steiner_checks_fail_on_wrong_signs(
    family: object, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = hadamard.matrix(order).copy()
    right[2, 3] *= -1

    def matrix(wanted: int) -> NDArray[np.int8]:
        return right if wanted == order else hadamard.rows(wanted, np.arange(wanted))

    packing = SteinerFrame(15, 3) if family is steiner else TremainFrame(15)
    assert packing.orbit_check().holds
    if order == 16:
        monkeypatch.setattr(hadamard, "rows", lambda wanted, indices: matrix(wanted)[indices])
    else:
        monkeypatch.setattr(hadamard, "matrix", matrix)
    assert not packing.orbit_check().holds


SYSTEMS = [
    *[(v, 2) for v in (2, 3, 8, 13)],
    *[(v, 3) for v in range(3, 64) if v % 6 in (1, 3)],
    *[(7, 3), (13, 4), (40, 4), (21, 5), (85, 5), (31, 6), (156, 6), (73, 9), (91, 10)],
    *steiner_systems._CYCLOTOMIC,
    *[(q * k, k) for q, k in steiner_systems._PRODUCTS],
]


@pytest.mark.parametrize(("points", "block"), SYSTEMS)
def test_two_points_lie_in_one_block(points: int, block: int) -> None:
    listed = steiner_systems.blocks(points, block)
    assert listed.shape == (points * (points - 1) // (block * (block - 1)), block)
    assert listed.min() == 0
    assert listed.max() == points - 1
    first, second = np.triu_indices(block, 1)
    low = np.minimum(listed[:, first], listed[:, second])
    high = np.maximum(listed[:, first], listed[:, second])
    met = np.bincount((low * points + high).ravel(), minlength=points * points)
    above = np.triu(np.ones((points, points), np.int64), 1)
    assert np.array_equal(met.reshape(points, points), above)
    assert steiner_systems.holds(points, block)
    on, meeting = steiner_systems.through(points, block)
    x, y = np.nonzero(above)
    assert np.array_equal(on[x, meeting[x, y] - 1], on[y, meeting[y, x] - 1])
    assert not meeting.diagonal().any()


def test_two_frames_are_the_symplectic_ones() -> None:
    # Off the diagonal, signs (-1)^[x, y] on the zeros and on the ones of a form of plus type
    # on F_2^(2t) give N lines in d dimensions with the smaller of the two dimensions.
    for t in (2, 3, 4):
        words = np.arange(4**t)
        a, b = words >> t, words & (2**t - 1)
        form = np.bitwise_count(a & b) & 1
        frames: list[Packing] = [TremainFrame(2**t - 1)]
        if t > 2:  # PG(1, 2) is one line
            frames.append(SteinerFrame(2**t - 1, 3))
        for value, frame in enumerate(frames):
            kept = form == value
            left, right = a[kept], b[kept]
            odd = np.bitwise_count(left[:, None] & right) + np.bitwise_count(right[:, None] & left)
            signs = np.where(odd & 1, -1, 1).astype(np.int8)
            np.fill_diagonal(signs, 0)
            # The smaller eigenspace is that of 2^t - 1 on the zeros, of -(2^t + 1) on the ones.
            signs = signs if value == 0 else -signs
            check = GramIdentity(signs, frame.dim, frame.coherence, frame.coherence).check()
            assert check.holds
            assert len(signs) == frame.count


@pytest.mark.parametrize("q", [-3, 0, 1, 2, 4, 15, 21, 1031])
def test_taylor_parameters(q: int) -> None:
    assert q < 3 or q > 1024 or q % 2 == 0 or prime_power(q) is None
    message = rf"^`q` must be an odd prime power in \[3, 1024\]; got {q}\.$"
    with pytest.raises(ValueError, match=message):
        TaylorFrame(q)


@pytest.mark.parametrize(("points", "block"), [(8, 3), (1, 2), (12, 1), (14, 4), (100, 5), (-5, 3)])
def test_steiner_needs_a_system(points: int, block: int) -> None:
    with pytest.raises(
        ValueError, match=rf"size of a Steiner system .*; got \({points}, {block}\)"
    ):
        SteinerFrame(points, block)
    if block > 1:
        with pytest.raises(ValueError, match=rf"got \({points}, {block}\)"):
            steiner_systems.blocks(points, block)


@pytest.mark.parametrize(
    ("points", "block", "order"), [(2, 2, 2), (3, 3, 2), (13, 4, 5), (92, 2, 92)]
)
def test_steiner_needs_a_hadamard_matrix(points: int, block: int, order: int) -> None:
    with pytest.raises(ValueError, match=rf"order of a Hadamard matrix; got {order}\."):
        SteinerFrame(points, block)


@pytest.mark.parametrize("points", [-1, 0, 1, 2, 5, 8, 9, 13, 183])
def test_tremain_parameters(points: int) -> None:
    with pytest.raises(ValueError, match=rf"^`points` must be 1 or 3 mod 6.*; got {points}\.$"):
        TremainFrame(points)


@pytest.mark.parametrize("q", [-3, 0, 1, 3, 7, 13, 21, 37, 1033])
def test_twin_power_parameters(q: int) -> None:
    with pytest.raises(ValueError, match=rf"^`q` must lie in \[5, 1024\].*; got {q}\.$"):
        TwinPowerFrame(q)


def test_coherences_are_the_relative_bound_at_a_glance() -> None:
    assert TaylorFrame(109).coherence == Cosine.ratio(Fraction(1, 109))
    assert (TaylorFrame(109).dim, TaylorFrame(109).count) == (11773, 1295030)
    assert (SteinerFrame(379, 7).dim, SteinerFrame(379, 7).count) == (3411, 24256)
    assert (TremainFrame(255).dim, TremainFrame(255).count) == (11051, 32896)
    for packing in (TaylorFrame(5), SteinerFrame(7, 3), TremainFrame(7), TwinPowerFrame(9)):
        assert packing.reference
        assert "\n" not in packing.words() + packing.proof
