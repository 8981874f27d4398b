"""Characters on the torus of order q + 1, ternary seventh powers: pairs, symmetry, who fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions import complex_torus, ternary, torus
from geometry.constructions.complex_torus import ComplexTorus
from geometry.constructions.field import field, prime_power
from geometry.constructions.ternary import TernarySevenths
from geometry.constructions.torus import torus_turns
from geometry.exact import eps
from geometry.packing import Indices, Packing

UNIT = 2.0**-53
# (packing, dimension, lines, coherence, the true largest |cos|), the last from a direct sum.
CASES: list[tuple[Packing, int, int, str, float]] = [
    (ComplexTorus(3), 8, 72, "sqrt(3)/2", 0.75),
    (ComplexTorus(4), 10, 160, "4/5", 0.6472135955),
    (ComplexTorus(5), 12, 300, "sqrt(20)/6", 0.7088756736),
    (ComplexTorus(8), 18, 1152, "sqrt(32)/9", 0.5626864192),
    (TernarySevenths(3), 27, 729, "1/3", 0.3333333333),
]


@pytest.mark.parametrize(("packing", "dim", "count", "coherence", "true"), CASES, ids=str)
def test_all_pairs(packing: Packing, dim: int, count: int, coherence: str, true: float) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    rows = packing.rows(np.arange(count)).values
    gram = rows @ rows.T
    # Entries are right to 4 units relative to their row's norm; products to 8, sums add dim.
    slack = (16 + dim) * UNIT
    assert np.abs(np.diag(gram) - 1).max() <= slack
    np.fill_diagonal(gram, 0)
    largest = float(np.abs(gram).max())
    assert largest <= float(packing.coherence) + slack
    assert abs(largest - true) < 1e-9
    assert not packing.exact or largest >= float(packing.coherence) - slack
    assert (rows**2).max() <= float(packing.peak_square) + 16 * UNIT
    assert packing.tight
    assert np.abs(rows.T @ rows - count / dim * np.eye(dim)).max() <= count * slack
    if packing.blocks is not None:
        weights = (rows**2).reshape(count, packing.blocks, -1).sum(axis=2)
        assert np.abs(weights * packing.blocks - 1).max() <= 16 * UNIT
    chosen = np.random.default_rng(0).integers(0, count, 20)
    assert np.array_equal(packing.rows(chosen).values, rows[chosen])


@pytest.mark.parametrize("q", [4, 5, 9, 11, 16])
def test_the_torus_is_that_of_norm_1(q: int) -> None:
    # The functions psi(T(c x)) in GF(q^2), by its own arithmetic: the same sets of sums.
    large = field(q * q)
    points = large.exp[: q * q - 1 : q - 1][: q + 1].astype(np.int64)
    p = large.characteristic
    table = np.exp(2j * np.pi * np.arange(p) / p)
    expected = table[large.trace[large.multiply(large.elements[:, None], points)]].sum(axis=1)
    a, b = np.divmod(np.arange(q * q), q)
    found = table[torus_turns(q, a, b)].sum(axis=1)
    assert np.abs(np.sort(found.real) - np.sort(expected.real)).max() < 1e-9


def check(packing: Packing) -> tuple[bool, bool]:
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.pairs == math.comb(packing.count, 2)
    return outcome.holds, outcome.whole


@pytest.mark.parametrize(
    ("packing", "whole"),
    [
        (ComplexTorus(4), True),
        (ComplexTorus(128), True),
        (ComplexTorus(61, 2), False),  # random differences only
        (ComplexTorus(81, 4), False),
        (TernarySevenths(3), True),
        (TernarySevenths(5), True),
    ],
    ids=str,
)
def test_symmetry_checks_hold(packing: Packing, whole: bool) -> None:
    assert check(packing) == (True, whole)


@pytest.mark.parametrize("label", [1, 3, 8])
@pytest.mark.parametrize("degree", [1, 2])
def test_fails_with_one_entry_changed(
    monkeypatch: pytest.MonkeyPatch, label: int, degree: int
) -> None:
    original = torus.torus_turns

    def changed(q: int, first: Indices, second: Indices) -> NDArray[np.int64]:
        turns = original(q, first, second)
        turns[(first == label) & (second == 0), 3] += 1
        return turns % field(q).characteristic

    monkeypatch.setattr(torus, "torus_turns", changed)
    assert not check(ComplexTorus(25, degree))[0]


def test_fails_with_larger_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complex_torus, "largest_kloosterman", lambda q: 2.01 * math.sqrt(q))
    assert not check(ComplexTorus(11))[0]
    monkeypatch.setattr(complex_torus, "largest_sum", lambda turns, p: 4.01 * math.sqrt(61))
    assert not check(ComplexTorus(61, 2))[0]


@pytest.mark.parametrize("label", [0, 1, 5])
def test_ternary_fails_with_one_entry_changed(monkeypatch: pytest.MonkeyPatch, label: int) -> None:
    original = ternary.seventh_turns

    def changed(exponent: int, sevenths: Indices, linear: Indices) -> NDArray[np.int64]:
        turns = original(exponent, sevenths, linear)
        turns[(sevenths == label) & (linear <= 1), 5] += 1
        return turns % 3

    monkeypatch.setattr(ternary, "seventh_turns", changed)
    assert not check(TernarySevenths(3))[0]


def test_ternary_fails_with_cubes(monkeypatch: pytest.MonkeyPatch) -> None:
    # x -> x^3 is linear in characteristic 3, and x^9 too: sums are as large as can be.
    def powers(exponent: int, sevenths: Indices, linear: Indices) -> NDArray[np.int64]:
        gf = field(3**exponent)
        terms = gf.multiply(sevenths[:, None], gf.power(gf.elements, 9))
        return gf.trace[gf.add(terms, gf.multiply(linear[:, None], gf.elements))]

    monkeypatch.setattr(ternary, "seventh_turns", powers)
    assert not check(TernarySevenths(3))[0]


@pytest.mark.parametrize("text", ["0.0894", "0.12", "0.3", "5/12", "0.4166", "0", "0.9"])
def test_candidates_are_all_that_fit(text: str) -> None:
    allowed, limit = eps(text), 500
    found = list(ComplexTorus.candidates(limit, allowed))
    for q in range(3, limit // 2):
        parts = prime_power(q)
        if parts is not None:
            degrees = [
                m for m in range(1, (q + 1) // 2) if m % parts[0] and 4 * m * m * q < (q + 1) ** 2
            ]
            members = [ComplexTorus(q, m) for m in degrees]
            members = [one for one in members if one.coherence <= allowed]
            assert [one for one in found if one.q == q] == members[-1:]
    assert max([one.dim for one in found], default=0) <= limit
    expected = [TernarySevenths(n) for n in (3, 5) if TernarySevenths(n).coherence <= allowed]
    assert list(TernarySevenths.candidates(limit, allowed)) == expected


def test_members_worth_knowing() -> None:
    assert TernarySevenths(5).coherence == eps("1/9")
    large = ComplexTorus(2039, 2)
    assert large in ComplexTorus.candidates(4096, eps("0.1"))
    assert large.count == 2 * 2039**4 * 2040
    rows = large.rows(np.array([5, 1 << 40, 1 << 55])).values
    gram = np.abs(rows @ rows.T - np.eye(3))
    assert gram.max() <= float(large.coherence) + (16 + large.dim) * UNIT


def test_tight_frames() -> None:
    assert [one.q for one in ComplexTorus.tight_frames(300)] == [3, 4, 5]
    assert list(TernarySevenths.tight_frames(728)) == []
    assert list(TernarySevenths.tight_frames(729)) == [TernarySevenths(3)]


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"^`q` must be a prime power that .* 3; got 6\.$"):
        ComplexTorus(6)
    with pytest.raises(
        ValueError, match=r"^`degree` must be at least 1 and below 2\.694; got 3\.$"
    ):
        ComplexTorus(27, 3)
    with pytest.raises(ValueError, match=r"^`degree` must not be divisible by 2; got 2\.$"):
        ComplexTorus(32, 2)
    with pytest.raises(ValueError, match=r"^`exponent` must be odd and lie in \[3, 13\]; got 4\.$"):
        TernarySevenths(4)
