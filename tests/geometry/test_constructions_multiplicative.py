"""Products of multiplicative and additive characters: all pairs, symmetry, and who fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions import multiplicative_additive as family
from geometry.constructions.field import field, prime_power
from geometry.constructions.multiplicative_additive import (
    MultiplicativeAdditive,
    additive_turns,
    multiplicative_turns,
)
from geometry.exact import Cosine, eps
from geometry.packing import Indices

UNIT = 2.0**-53
CASES = [
    (3, 4, 12, "sqrt(3)/2"),
    (4, 6, 24, "2/3"),
    (5, 8, 40, "sqrt(5)/4"),
    (7, 12, 84, "sqrt(7)/6"),
    (8, 14, 112, "sqrt(8)/7"),
    (9, 16, 144, "3/8"),
    (16, 30, 480, "4/15"),
    (25, 48, 1200, "5/24"),
    (27, 52, 1404, "sqrt(27)/26"),
    (32, 62, 1984, "sqrt(32)/31"),
]


@pytest.mark.parametrize(("q", "dim", "count", "coherence"), CASES)
def test_all_pairs(q: int, dim: int, count: int, coherence: str) -> None:
    packing = MultiplicativeAdditive(q)
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    rows = packing.rows(np.arange(count)).values
    gram = rows @ rows.T
    # Entries are right to 4 units relative to their row's norm; products to 8, sums add dim.
    slack = (16 + dim) * UNIT
    assert np.abs(np.diag(gram) - 1).max() <= slack
    np.fill_diagonal(gram, 0)
    largest = np.abs(gram).max()
    assert largest <= float(packing.coherence) + slack
    # Where no Gauss sum is known to be real or imaginary, none is: odd powers of 2.
    assert (largest >= float(packing.coherence) - slack) == packing.exact
    assert packing.exact == (q not in (8, 32))
    weights = (rows**2).reshape(count, q - 1, 2).sum(axis=2)
    assert np.abs(weights * (q - 1) - 1).max() <= 16 * UNIT
    assert packing.blocks == q - 1
    assert abs((rows**2).max() - float(packing.peak_square)) <= 16 * UNIT
    assert packing.tight
    assert np.abs(rows.T @ rows - count / dim * np.eye(dim)).max() <= count * slack
    chosen = np.random.default_rng(0).integers(0, count, 20)
    assert np.array_equal(packing.rows(chosen).values, rows[chosen])


@pytest.mark.parametrize("q", [5, 8, 9])
def test_rows_against_the_definition(q: int) -> None:
    gf = field(q)
    packing = MultiplicativeAdditive(q)
    points = gf.exp[: q - 1]
    for j in range(q - 1):
        for a in range(q):
            chi = np.exp(2j * np.pi * j * np.arange(q - 1) / (q - 1))
            psi = np.exp(2j * np.pi * gf.trace[gf.multiply(a, points)] / gf.characteristic)
            line = chi * psi / math.sqrt(q - 1)
            plain, rotated = packing.rows(2 * (j * q + a) + np.arange(2)).values
            # j l up to 64 turns of 2 pi in the exponential lose at most 400 units.
            assert np.abs(plain - np.stack([line.real, line.imag], 1).ravel()).max() < 500 * UNIT
            assert np.abs(rotated - np.stack([-line.imag, line.real], 1).ravel()).max() < 500 * UNIT


def check(q: int) -> bool:
    packing = MultiplicativeAdditive(q)
    outcome = packing.orbit_check()
    assert outcome.pairs == math.comb(packing.count, 2)
    assert outcome.whole
    return outcome.holds


@pytest.mark.parametrize("q", [3, 4, 5, 8, 27, 64, 121, 251, 499])
def test_symmetry_checks_hold(q: int) -> None:
    assert check(q)


@pytest.mark.parametrize("label", [1, 2, 6])
def test_fails_with_one_additive_entry_changed(monkeypatch: pytest.MonkeyPatch, label: int) -> None:
    original = family.additive_turns

    def changed(q: int, labels: Indices) -> NDArray[np.int64]:
        turns = original(q, labels)
        turns[labels == label, 3] += 1
        return turns % field(q).characteristic

    monkeypatch.setattr(family, "additive_turns", changed)
    assert not check(7)


@pytest.mark.parametrize("label", [1, 2, 5])
def test_fails_with_one_multiplicative_entry_changed(
    monkeypatch: pytest.MonkeyPatch, label: int
) -> None:
    original = family.multiplicative_turns

    def changed(q: int, powers: Indices) -> NDArray[np.int64]:
        turns = original(q, powers)
        turns[powers == label, 3] += 1
        return turns % (q - 1)

    monkeypatch.setattr(family, "multiplicative_turns", changed)
    assert not check(7)


def test_fails_with_a_trivial_additive_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "additive_turns", lambda q, labels: 0 * additive_turns(q, labels))
    assert not check(7)


def test_fails_with_characters_of_half_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        family, "multiplicative_turns", lambda q, powers: multiplicative_turns(q, 2 * powers)
    )
    assert not check(7)


@pytest.mark.parametrize("text", ["0.05", "0.0634", "0.2", "sqrt(27)/26", "0.19985", "0", "0.9"])
def test_candidates_are_all_that_fit(text: str) -> None:
    allowed, limit = eps(text), 500
    every = [MultiplicativeAdditive(q) for q in range(3, limit) if prime_power(q)]
    fitting = [one for one in every if one.dim <= limit and one.coherence <= allowed]
    assert list(MultiplicativeAdditive.candidates(limit, allowed)) == fitting


def test_a_member_named_elsewhere() -> None:
    # With the basis, 126000 lines in R^500.
    last = list(MultiplicativeAdditive.candidates(500, eps("0.0634")))[-1]
    assert (last.q, last.dim, last.count + last.dim) == (251, 500, 126000)
    assert Cosine(last.peak_square) <= last.coherence


def test_tight_frames() -> None:
    assert [one.q for one in MultiplicativeAdditive.tight_frames(83)] == [3, 4, 5]
    assert [one.q for one in MultiplicativeAdditive.tight_frames(84)] == [3, 4, 5, 7]


@pytest.mark.parametrize("q", [-1, 1, 2, 6, 12])
def test_message(q: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^`q` must be a prime power that is at least 3; got {q}\.$"
    ):
        MultiplicativeAdditive(q)


def test_large_rows() -> None:
    packing = MultiplicativeAdditive(6143)
    rows = packing.rows(np.array([5, 12345, packing.count - 2, packing.count - 1])).values
    gram = np.abs(rows @ rows.T - np.eye(4))
    assert gram.max() <= float(packing.coherence) + (16 + packing.dim) * UNIT


def test_turns() -> None:
    assert multiplicative_turns(5, np.array([3])).tolist() == [[0, 3, 2, 1]]
    gf = field(9)
    expected = gf.trace[gf.multiply(np.array([[2]]), gf.exp[:8])]
    assert np.array_equal(additive_turns(9, np.array([2])), expected)
