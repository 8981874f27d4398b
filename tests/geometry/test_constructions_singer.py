"""Singer's difference sets as lines: all pairs, the difference property, and who fits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geometry.constructions import singer
from geometry.constructions.field import prime_power
from geometry.constructions.singer import Singer, difference_set
from geometry.exact import eps

UNIT = 2.0**-53


@pytest.mark.parametrize("q", [2, 3, 4, 5, 8, 9, 16, 25, 27, 32])
def test_every_residue_is_a_difference_once(q: int) -> None:
    order = q * q + q + 1
    elements = difference_set(q)
    assert elements.shape == (q + 1,)
    seen = np.bincount(((elements[:, None] - elements) % order).ravel(), minlength=order)
    assert seen.tolist() == [q + 1] + [1] * (order - 1)


@pytest.mark.parametrize(
    ("q", "dim", "count", "coherence"),
    [
        (2, 6, 14, "sqrt(2)/3"),
        (3, 8, 26, "sqrt(3)/4"),
        (4, 10, 42, "2/5"),
        (5, 12, 62, "sqrt(5)/6"),
        (8, 18, 146, "sqrt(8)/9"),
        (9, 20, 182, "3/10"),
        (25, 52, 1302, "5/26"),
    ],
)
def test_all_pairs(q: int, dim: int, count: int, coherence: str) -> None:
    packing = Singer(q)
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert not packing.exact
    rows = packing.rows(np.arange(count)).values
    # Entries are right to 4 units relative to their row's norm; products to 8, sums add dim.
    slack = (16 + dim) * UNIT
    lines = rows[::2].reshape(-1, q + 1, 2) @ np.array([1, 1j])
    moduli = np.abs(lines.conj() @ lines.T)
    # Equiangular as complex lines: modulus 1 and sqrt(q)/(q + 1) only.
    expected = np.where(np.eye(len(lines)) == 1, 1, float(packing.coherence))
    assert np.abs(moduli - expected).max() <= 2 * slack
    gram = rows @ rows.T
    assert np.abs(np.diag(gram) - 1).max() <= slack
    np.fill_diagonal(gram, 0)
    # Real parts lose at most 3 percent: phases of sums are all about the circle.
    largest = float(np.abs(gram).max())
    assert 0.97 * float(packing.coherence) <= largest <= float(packing.coherence) + slack
    assert np.abs((rows**2).reshape(count, q + 1, 2).sum(2) * (q + 1) - 1).max() <= 16 * UNIT
    assert packing.blocks == q + 1
    assert abs((rows**2).max() - float(packing.peak_square)) <= 16 * UNIT
    assert packing.tight
    assert np.abs(rows.T @ rows - count / dim * np.eye(dim)).max() <= count * slack
    chosen = np.random.default_rng(0).integers(0, count, 20)
    assert np.array_equal(packing.rows(chosen).values, rows[chosen])


@pytest.mark.parametrize("q", [2, 4, 9, 32, 121, 499])
def test_symmetry_check_holds(q: int) -> None:
    packing = Singer(q)
    outcome = packing.orbit_check()
    assert outcome.holds
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2)


def test_symmetry_check_fails_with_another_set(monkeypatch: pytest.MonkeyPatch) -> None:
    elements = difference_set(9).copy()
    elements[4] += 1
    monkeypatch.setattr(singer, "difference_set", lambda q: elements)
    assert not Singer(9).orbit_check().holds
    # A larger set can cover every residue, some of them twice.
    more = np.append(difference_set(9), difference_set(9)[-1] + 1)
    monkeypatch.setattr(singer, "difference_set", lambda q: more)
    assert not Singer(9).orbit_check().holds


@pytest.mark.parametrize("text", ["0.05", "0.2", "5/26", "0.1923", "0", "0.9"])
def test_candidates_are_all_that_fit(text: str) -> None:
    allowed, limit = eps(text), 300
    every = [Singer(q) for q in range(2, limit) if prime_power(q)]
    fitting = [one for one in every if one.dim <= limit and one.coherence <= allowed]
    assert list(Singer.candidates(limit, allowed)) == fitting


def test_tight_frames() -> None:
    assert [one.q for one in Singer.tight_frames(61)] == [2, 3, 4]
    assert [one.q for one in Singer.tight_frames(62)] == [2, 3, 4, 5]


@pytest.mark.parametrize("q", [-1, 1, 6, 32771])
def test_message(q: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^`q` must be a prime power in \[2, 32768\]; got {q}\.$"
    ):
        Singer(q)


def test_large_rows() -> None:
    packing = Singer(1021)
    rows = packing.rows(np.array([5, 12345, packing.count - 2, packing.count - 1])).values
    gram = np.abs(rows @ rows.T - np.eye(4))
    assert gram.max() <= float(packing.coherence) + (16 + packing.dim) * UNIT
