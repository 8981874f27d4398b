"""Chirps, and their real halves: all pairs, rows by index, symmetry, and who fits."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions import chirps
from geometry.constructions.chirps import Chirps, HalfChirps, chirp_turns
from geometry.constructions.field import field, prime_power
from geometry.exact import Cosine, eps
from geometry.packing import Indices, Packing

UNIT = 2.0**-53
# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[Packing, int, int, Cosine]] = [
    (Chirps(3), 6, 18, eps("1/sqrt(3)")),
    (Chirps(5), 10, 50, eps("1/sqrt(5)")),
    (Chirps(9), 18, 162, eps("1/3")),
    (Chirps(27), 54, 1458, eps("1/sqrt(27)")),
    (HalfChirps(3, 1), 5, 11, eps("1/2")),
    (HalfChirps(3, 0), 6, 9, eps("1/2")),
    (HalfChirps(27, 1), 53, 755, eps("1/6")),
    (HalfChirps(27, 0), 54, 729, eps("1/6")),
    (HalfChirps(7, 1), 13, 55, Cosine(Fraction(1, 7), Fraction(90, 7))),
    (HalfChirps(11, 1), 21, 131, Cosine(Fraction(1, 11), Fraction(90, 11))),
    (HalfChirps(9, 1), 17, 89, eps("1/3")),
    (HalfChirps(13, 1), 25, 181, eps("1/sqrt(13)")),
    (HalfChirps(25, 0), 50, 625, eps("1/5")),
]


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=str)
def test_all_pairs(packing: Packing, dim: int, count: int, coherence: Cosine) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == coherence
    assert packing.exact
    rows = packing.rows(np.arange(count))
    unit = rows.unit()
    assert unit.shape == (count, dim)
    gram = unit @ unit.T
    # Entries are right to 4 units relative to their row's norm; products to 8, sums add dim.
    slack = (16 + dim) * UNIT
    assert np.abs(np.diag(gram) - 1).max() <= slack
    np.fill_diagonal(gram, 0)
    assert abs(np.abs(gram).max() - float(coherence)) <= slack
    assert abs((unit**2).max() - float(packing.peak_square)) <= 16 * UNIT
    chosen = np.random.default_rng(0).integers(0, count, 20)
    assert np.array_equal(packing.rows(chosen).values, rows.values[chosen])
    if packing.tight:
        frame = unit.T @ unit - count / dim * np.eye(dim)
        assert np.abs(frame).max() <= count * slack
    if packing.blocks is not None:
        weights = (unit**2).reshape(count, packing.blocks, -1).sum(axis=2)
        assert np.abs(weights * packing.blocks - 1).max() <= 16 * UNIT


@pytest.mark.parametrize("q", [3, 9, 11, 27])
def test_turns_against_the_definition(q: int) -> None:
    gf = field(q)
    for a in range(0, q, 2):
        for b in (0, 1, q - 1):
            squares = gf.multiply(a, gf.power(gf.elements, 2))
            expected = gf.trace[gf.add(squares, gf.multiply(b, gf.elements))]
            assert np.array_equal(chirp_turns(q, np.array([a]), np.array([b]))[0], expected)


def check(packing: Packing) -> bool:
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.pairs == math.comb(packing.count, 2)
    assert outcome.whole
    return outcome.holds


@pytest.mark.parametrize("q", [3, 5, 9, 27, 49, 121, 243, 499])
def test_symmetry_checks_hold(q: int) -> None:
    assert check(Chirps(q))
    assert check(HalfChirps(q, 1))
    assert check(HalfChirps(q, 0))


def change(
    monkeypatch: pytest.MonkeyPatch, quadratic: int, linear: int, point: int, value: int
) -> None:
    original = chirps.chirp_turns

    def changed(q: int, a: Indices, b: Indices) -> NDArray[np.int64]:
        turns = original(q, a, b)
        hit = (a == quadratic) & (b == linear)
        turns[hit, point] += value
        return turns % field(q).characteristic

    monkeypatch.setattr(chirps, "chirp_turns", changed)


@pytest.mark.parametrize(("quadratic", "linear"), [(6, 0), (0, 5), (1, 0), (0, 1)])
def test_fail_with_one_entry_changed(
    monkeypatch: pytest.MonkeyPatch, quadratic: int, linear: int
) -> None:
    change(monkeypatch, quadratic, linear, 4, 1)
    assert not check(Chirps(7))
    assert not check(HalfChirps(7, 1))


def test_fail_with_cubes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Additive in (a, b), but sums of psi(a x^3 + b x) are larger.
    def cubes(q: int, a: Indices, b: Indices) -> NDArray[np.int64]:
        gf = field(q)
        terms = gf.multiply(a[:, None], gf.power(gf.elements, 3))
        return gf.trace[gf.add(terms, gf.multiply(b[:, None], gf.elements))]

    monkeypatch.setattr(chirps, "chirp_turns", cubes)
    assert not check(Chirps(11))


def test_halves_fail_where_sums_are_real(monkeypatch: pytest.MonkeyPatch) -> None:
    # For q = 9 the Gauss sums are real, so a gain must not be believed.
    monkeypatch.setattr(HalfChirps, "gains", property(lambda self: True))
    assert not check(HalfChirps(9, 1))
    assert not check(HalfChirps(13, 1))


def test_halves_need_real_entries_at_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, 2, 2, 0, 1)
    assert check(Chirps(7))  # (2, 2) is looked at for this only
    assert not check(HalfChirps(7, 1))


@pytest.mark.parametrize("text", ["0.05", "0.2", "1/sqrt(27)", "1/6", "0.1667", "0.3", "0", "0.9"])
def test_candidates_are_all_that_fit(text: str) -> None:
    allowed, limit = eps(text), 300
    odd = [q for q in range(3, limit) if q % 2 and prime_power(q)]
    fitting = [Chirps(q) for q in odd if 2 * q <= limit and Chirps(q).coherence <= allowed]
    assert list(Chirps.candidates(limit, allowed)) == fitting
    halves = [HalfChirps(q, axes) for axes in (1, 0) for q in odd]
    halves = [one for one in halves if one.dim <= limit and one.coherence <= allowed]
    assert list(HalfChirps.candidates(limit, allowed)) == [one for one in halves if one.axes]
    flat = [one for one in halves if not one.axes and one.gains]
    assert list(HalfChirps.flat_candidates(limit, allowed)) == flat


def test_the_gain_decides_at_equality() -> None:
    exact = Cosine(Fraction(1, 7), Fraction(90, 7))
    assert HalfChirps(7, 1) in HalfChirps.candidates(13, exact)
    assert HalfChirps(7, 1) not in HalfChirps.candidates(12, exact)
    smaller = Cosine(exact.upper_square() * (1 - Fraction(1, 10**9)))
    assert HalfChirps(7, 1) not in HalfChirps.candidates(13, smaller)
    assert HalfChirps(243, 1).coherence == eps("1/18")


def test_tight_frames() -> None:
    assert list(Chirps.tight_frames(161)) == [Chirps(3), Chirps(5), Chirps(7)]
    assert list(Chirps.tight_frames(162))[-1] == Chirps(9)


@pytest.mark.parametrize("q", [1, 2, 8, 15, -3])
def test_messages(q: int) -> None:
    message = rf"^`q` must be an odd prime power; got {q}\.$"
    with pytest.raises(ValueError, match=message):
        Chirps(q)
    with pytest.raises(ValueError, match=message):
        HalfChirps(q, 1)


def test_message_about_axes() -> None:
    with pytest.raises(ValueError, match=r"^`axes` must be 0 or 1; got 2\.$"):
        HalfChirps(3, 2)


def test_large_rows() -> None:
    packing = Chirps(6143)
    rows = packing.rows(np.array([0, 1, packing.count - 2, packing.count - 1])).values
    gram = np.abs(rows @ rows.T)
    slack = (16 + packing.dim) * UNIT
    assert np.abs(np.diag(gram) - 1).max() <= slack
    assert gram[0, 1] == 0
    assert max(gram[0, 2], gram[0, 3]) <= float(packing.coherence) + slack


@pytest.mark.parametrize("packing", [*Chirps.examples(), *HalfChirps.examples()], ids=str)
def test_words(packing: Packing) -> None:
    assert "chirps" in packing.words()
    assert packing.proof.count("\n") == 0
    assert "1989" in packing.proof or "Gauss" in packing.proof
    assert packing.count**2 * packing.dim <= 1e11
