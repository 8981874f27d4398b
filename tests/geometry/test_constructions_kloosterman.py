"""Kloosterman sums on the units and on the circle: all pairs, attained, and checked by symmetry."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import exact
from geometry.constructions import circle, kloosterman
from geometry.constructions.circle import Circle, TwistedCircle
from geometry.constructions.field import Elements, prime_power, prime_powers
from geometry.constructions.galois_ring import Phases
from geometry.constructions.kloosterman import Kloosterman, TwistedKloosterman
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

FAMILIES = (Kloosterman, TwistedKloosterman, Circle, TwistedCircle)
SMALL = [
    *(cls(q) for cls in (Kloosterman, TwistedKloosterman) for q in (7, 9, 13, 25, 27, 31)),
    *(cls(q) for cls in (Circle, TwistedCircle) for q in (5, 7, 9, 25, 27, 29)),
    *(one for cls in FAMILIES for one in cls.examples()),
]


def largest(packing: Packing) -> float:
    rows = packing.rows(np.arange(packing.count)).unit()
    found = 0.0
    for low in range(0, len(rows), 2000):
        tile = np.abs(rows[low : low + 2000] @ rows.T)
        tile[np.arange(len(tile)), low + np.arange(len(tile))] = 0
        found = max(found, float(tile.max()))
    return found


@pytest.mark.parametrize("packing", SMALL, ids=repr)
def test_all_pairs(packing: Packing) -> None:
    found = largest(packing)
    # Rows and inner products are off by a few d 2^-53.
    rounding = 4 * (packing.dim + 8) * 2.0**-53
    assert found <= float(packing.coherence) + rounding
    # Attained: computed coherences are rounded up by 64 u log2(8q) q/d < 1e-12.
    assert found >= float(packing.coherence) - 1e-12
    assert packing.coherence < Cosine.ratio(1)


@pytest.mark.parametrize("packing", SMALL, ids=repr)
def test_rows(packing: Packing) -> None:
    every = packing.rows(np.arange(packing.count))
    values = every.values
    assert values.shape == (packing.count, packing.dim)
    assert not every.squared_norms.any()
    # Entries are right to 2^-52 or so.
    assert np.abs(np.einsum("nd,nd->n", values, values) - 1).max() < 1e-14
    assert (values**2).max() <= float(packing.peak_square) * (1 + 1e-14)
    assert packing.blocks == packing.dim // 2
    shares = (values.reshape(packing.count, -1, 2) ** 2).sum(axis=2)
    assert np.abs(shares * packing.blocks - 1).max() < 1e-14
    assert packing.tight
    frame = values.T @ values
    assert np.abs(frame - np.eye(packing.dim) * (packing.count / packing.dim)).max() < 1e-9
    some = np.random.default_rng(0).integers(0, packing.count, 20)
    assert np.array_equal(packing.rows(some).values, values[some])


@pytest.mark.parametrize("packing", SMALL, ids=repr)
def test_orbit_check_holds(packing: Packing) -> None:
    outcome = packing.orbit_check()
    assert outcome is not None
    assert outcome.holds
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2)


@pytest.mark.parametrize("q", [19, 25, 27])
def test_poles_of_two_orders(q: int) -> None:
    # Quotients of lines are lines up to sign and i, so line 0 meets all |cos|. In characteristic 3
    # the cube has a coefficient in a Galois ring.
    packing = TwistedKloosterman(q, 3)
    rows = packing.rows(np.arange(packing.count)).values
    assert packing.count == len(rows) == 2 * q**3
    found = np.abs(rows[1:] @ rows[0]).max()
    assert 0.7 * float(packing.coherence) < found <= float(packing.coherence)
    assert float(packing.coherence) == pytest.approx(4 * math.sqrt(q) / (q - 1))
    assert not packing.exact
    frame = rows.T @ rows
    assert np.abs(frame - np.eye(packing.dim) * (packing.count / packing.dim)).max() < 1e-9
    some = np.random.default_rng(q).integers(0, packing.count, 1000)
    gram = np.abs(rows[some] @ rows[some].T)[some[:, None] != some]
    assert gram.max() <= found + 1e-12
    outcome = packing.orbit_check()
    assert outcome.holds
    assert (outcome.whole, outcome.pairs) == (False, 0)


def test_closed_forms() -> None:
    # Salié: |sum| = 2 sqrt(p) |cos(2 pi y/p)|, y != 0, largest at y = (p - 1)/2.
    assert TwistedKloosterman(101).coherence == Cosine(Fraction(404, 10000), Fraction(180, 101))
    assert TwistedKloosterman(49).coherence == Cosine.ratio(Fraction(14, 48))
    assert TwistedCircle(101).coherence == Cosine(Fraction(404, 102**2), Fraction(90, 101))
    assert TwistedKloosterman(101).count == 20402
    assert TwistedKloosterman(25, 3).count == 2 * 25**3
    # science.md's example: 101^2 lines and the basis at .19287.
    assert abs(float(Kloosterman(101).coherence) - 0.19287) < 5e-6
    # In characteristic 3 the sums are integers.
    assert Kloosterman(27).coherence == Cosine.ratio(Fraction(10, 26))
    assert Circle(27).coherence == Cosine.ratio(Fraction(10, 28))
    above = next(q for q in prime_powers(70000) if q > 1 << 16)
    assert TwistedCircle(above).coherence == Cosine(Fraction(4 * above, (above + 1) ** 2))
    assert not TwistedKloosterman(above).exact
    assert TwistedKloosterman(above).coherence == Cosine(Fraction(4 * above, (above - 1) ** 2))


@pytest.mark.parametrize("q", [997, 1009, 729, 2187])
def test_large_members_on_random_pairs(q: int) -> None:
    for cls in FAMILIES:
        packing = cls(q)
        chosen = np.random.default_rng(q).integers(0, packing.count, 300)
        rows = packing.rows(np.unique(chosen)).unit()
        gram = np.abs(rows @ rows.T - np.eye(len(rows)))
        assert gram.max() <= float(packing.coherence) + 4 * (packing.dim + 8) * 2.0**-53
        # Larger than most sums by far: pairs are not all alike.
        assert gram.max() > float(packing.coherence) / 2


@pytest.mark.parametrize("cls", FAMILIES)
@pytest.mark.parametrize("text", ["0.05", "0.1", "0.19287313", "2/9", "0.3", "1/sqrt(8)", "0.5"])
def test_candidates_are_those_that_fit(cls: type[Packing], text: str) -> None:
    eps = exact.eps(text)
    found = set(cls.candidates(400, eps))
    assert all(one.coherence <= eps and one.dim <= 400 for one in found)
    every: set[Packing] = set()
    for q in prime_powers(402):
        if q % 2 == 0 or q < 7:
            continue
        if cls is Kloosterman or cls is Circle:
            one = Kloosterman(q) if cls is Kloosterman else Circle(q)
            larger = TwistedKloosterman(q) if cls is Kloosterman else TwistedCircle(q)
            # Where twice as many lines fit in as many dimensions, they are left out.
            if one.dim <= 400 and one.coherence <= eps and not larger.coherence <= eps:
                every.add(one)
        elif cls is TwistedCircle and q + 1 <= 400 and TwistedCircle(q).coherence <= eps:
            every.add(TwistedCircle(q))
        elif cls is TwistedKloosterman and q - 1 <= 400:
            degrees = [m for m in (1, 3) if (m + 1) ** 2 * q < (q - 1) ** 2]
            fitting = [m for m in degrees if TwistedKloosterman(q, m).coherence <= eps]
            if fitting:
                every.add(TwistedKloosterman(q, fitting[-1]))
    # Wider bounds than eps on Weil's side may list more, never less.
    small = {one for one in found if one.dim < 6 or getattr(one, "q", 0) < 7}
    assert found - small == every


def test_edge_of_the_window() -> None:
    # The sums that `near_edge` skips are those with eps below (2 - 8 q^(-2/3)) sqrt(q)/(q - 1).
    for q in prime_powers(1100):
        if q % 2 and q >= 7:
            scaled = float(Kloosterman(q).coherence) * (q - 1) / math.sqrt(q)
            assert 2 - 8 * q ** (-2 / 3) < scaled <= 2
            if prime_power(q) == (q, 1):
                assert Kloosterman(q).coherence <= TwistedKloosterman(q).coherence
                assert Circle(q).coherence <= TwistedCircle(q).coherence


def test_equality_at_the_edge() -> None:
    for packing in (TwistedKloosterman(101), TwistedCircle(101), TwistedKloosterman(49)):
        at = packing.coherence
        assert packing in set(type(packing).candidates(110, at))
        below = Cosine(at.square * Fraction(10**12 - 1, 10**12), at.degrees)
        assert packing not in set(type(packing).candidates(110, below))


def test_checks_fail_on_broken_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Phases.turns

    def wrong(self: Phases, indices: Indices) -> NDArray[np.int64]:
        turns = original(self, indices).copy()
        turns[indices > 0] = original(self, indices[indices > 0] * 0 + 1)
        return turns

    monkeypatch.setattr(Phases, "turns", wrong)
    for packing in (Kloosterman(31), TwistedKloosterman(31), TwistedKloosterman(31, 3)):
        outcome = packing.orbit_check()
        assert outcome is not None
        assert not outcome.holds


def test_checks_fail_without_the_conic(monkeypatch: pytest.MonkeyPatch) -> None:
    original = circle._point

    def off(q: int, t: Elements) -> tuple[Elements, Elements, NDArray[np.int8]]:
        c, s, character = original(q, t)
        return np.where(t == 3, (c + 1) % q, c), s, character

    monkeypatch.setattr(circle, "_point", off)
    for packing in (Circle(31), TwistedCircle(31)):
        assert not packing.orbit_check().holds


def test_checks_fail_without_the_character(monkeypatch: pytest.MonkeyPatch) -> None:
    original = circle._point

    def flipped(q: int, t: Elements) -> tuple[Elements, Elements, NDArray[np.int8]]:
        c, s, character = original(q, t)
        return c, s, np.where(t == 3, -character, character)

    monkeypatch.setattr(circle, "_point", flipped)
    assert not TwistedCircle(31).orbit_check().holds


def test_checks_fail_with_too_small_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kloosterman, "_largest_kloosterman", lambda q: Fraction(2))
    assert not Kloosterman(31).orbit_check().holds
    assert not Circle(31).orbit_check().holds


def test_checks_fail_when_rows_are_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(self: Packing, indices: Indices) -> Rows:
        return Rows.floating(np.full((len(indices), self.dim), 1 / math.sqrt(self.dim)))

    for cls in FAMILIES:
        monkeypatch.setattr(cls, "rows", same)
        outcome = cls(31).orbit_check()
        assert outcome is not None
        assert not outcome.holds


def test_errors() -> None:
    for q in (-1, 4, 5, 8, 15):
        with pytest.raises(ValueError, match=rf"^`q` .* prime power of at least 7; got {q}\.$"):
            Kloosterman(q)
    for q in (3, 4, 15):
        for cls in (Circle, TwistedCircle):
            with pytest.raises(ValueError, match=rf"^`q` .* prime power of at least 5; got {q}\.$"):
                cls(q)
    for degree in (0, 2, -1):
        with pytest.raises(ValueError, match=rf"^`degree` must be odd .*; got {degree}\.$"):
            TwistedKloosterman(31, degree)
    for q, degree in ((5, 1), (16, 1), (33, 1), (17, 3)):
        with pytest.raises(ValueError, match=rf"^`q` must be an odd prime power .*; got {q}\.$"):
            TwistedKloosterman(q, degree)


def test_words_name_the_field() -> None:
    for cls in FAMILIES:
        packing = cls(27)
        assert "GF(27" in packing.words()
        assert str(packing.count) in packing.words()
        assert packing.proof.endswith(".")
        assert packing.recipe()["q"] == 27
