"""Legendre symbols of quadratics: all pairs in integers, and the traces that are attained."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify, exact
from geometry.constructions import legendre
from geometry.constructions.field import field, prime_powers
from geometry.constructions.legendre import Legendre
from geometry.exact import Cosine
from geometry.packing import Indices, Rows

SMALL = [
    *Legendre.examples(),
    *(Legendre(q, 1) for q in (7, 9, 11, 17, 25, 27, 37)),
    *(Legendre(q, 0) for q in (11, 13, 25)),
]


@pytest.mark.parametrize("packing", SMALL, ids=repr)
def test_all_pairs_attain_the_coherence(packing: Legendre) -> None:
    every = packing.rows(np.arange(packing.count))
    values = every.values.astype(np.int64)
    assert values.shape == (packing.count, packing.dim)
    assert np.array_equal((values**2).sum(axis=1), every.squared_norms)
    gram = values @ values.T
    np.fill_diagonal(gram, 0)
    products = np.multiply.outer(every.squared_norms, every.squared_norms)
    largest = max(
        Fraction(int(np.abs(gram[products == norm]).max()) ** 2, int(norm))
        for norm in np.unique(products)
    )
    assert Cosine(largest) == packing.coherence
    assert packing.exact
    assert packing.coherence < Cosine.ratio(1)
    assert Fraction(1, int(every.squared_norms.min())) == packing.peak_square
    assert packing.blocks == (packing.q if packing.irreducible else None)
    if packing.irreducible:
        assert set(np.unique(values)) == {-1, 1}
    some = np.random.default_rng(0).integers(0, packing.count, 20)
    assert np.array_equal(packing.rows(some).values, every.values[some])


@pytest.mark.parametrize("q", [11, 13, 31])
def test_rows_by_the_definition(q: int) -> None:
    squares = {x * x % q for x in range(1, q)}

    def symbol(a: int) -> int:
        return 0 if a % q == 0 else 1 if a % q in squares else -1

    def row(b: int, c: int) -> tuple[int, ...]:
        return tuple(symbol(x * x + b * x + c) for x in range(q))

    discriminants = {(b, c): symbol(b * b - 4 * c) for b in range(q) for c in range(q)}
    for irreducible in (0, 1):
        expected = {row(*f) for f, d in discriminants.items() if (d < 0 if irreducible else d)}
        packing = Legendre(q, irreducible)
        found = packing.rows(np.arange(packing.count)).values
        assert {tuple(one) for one in found.tolist()} == expected
        assert len(expected) == packing.count


@pytest.mark.parametrize(
    "packing", [*SMALL, Legendre(101, 1), Legendre(243, 0), Legendre(125, 1)], ids=repr
)
def test_orbit_check_holds(packing: Legendre) -> None:
    outcome = packing.orbit_check()
    assert outcome.holds
    assert outcome.whole
    assert outcome.pairs == math.comb(packing.count, 2)


def test_traces() -> None:
    # 17: 2 sqrt(17) = 8.2; 17 + 1 - 8 is even but no multiple of 4, 17 + 1 - 6 is one.
    assert Legendre(17, 1).coherence == Cosine.ratio(Fraction(7, 17))
    assert Legendre(101, 1).coherence == Cosine.ratio(Fraction(19, 101))
    assert Legendre(49, 1).coherence == Cosine.ratio(Fraction(15, 49))
    # 243: t = 30 is divisible by 3 and no trace; 28 is.
    assert Legendre(243, 0).coherence == Cosine.ratio(Fraction(29, 241))
    assert Legendre(31, 0).coherence == Cosine(Fraction(121, 31 * 29))
    assert not Legendre(1031, 0).exact


def test_too_large_to_check_rests_on_the_theorem() -> None:
    packing = Legendre(2053, 1)
    outcome = packing.orbit_check()
    assert not outcome.whole
    rows = packing.rows(np.random.default_rng(0).integers(0, packing.count, 300))
    unit = rows.unit()
    rounding = 4 * (packing.dim + 8) * 2.0**-53
    assert np.abs(unit @ unit.T - np.eye(300)).max() <= float(packing.coherence) + rounding


@pytest.mark.parametrize("text", ["0.1", "0.19", "19/101", "0.35", "1/2", "0.0001"])
def test_candidates_are_those_that_fit(text: str) -> None:
    eps = exact.eps(text)
    found = set(Legendre.candidates(300, eps))
    every = set()
    for q in prime_powers(300):
        if q % 2 == 0 or q < 5 or not eps < Cosine(Fraction(4, q)):
            continue
        for irreducible in (0, 1):
            try:
                packing = Legendre(q, irreducible)
            except ValueError:
                continue
            if packing.coherence <= eps:
                every.add(packing)
                break
    assert found == every


@pytest.mark.parametrize("packing", [Legendre(139, 0), Legendre(251, 0), Legendre(109, 1)])
def test_candidates_at_equality(packing: Legendre) -> None:
    assert packing in set(Legendre.candidates(packing.dim, packing.coherence))
    assert packing not in set(Legendre.candidates(packing.dim - 1, packing.coherence))
    below = Cosine(packing.coherence.square * Fraction(10**12 - 1, 10**12))
    assert packing not in set(Legendre.candidates(packing.dim, below))


def test_certificate() -> None:
    packing = Legendre(31, 0)
    finding = certify.certificate(packing, packing.coherence).check()
    assert finding.holds
    assert finding.level is not certify.Level.BY_THEOREM


def test_check_fails_on_a_wrong_character(monkeypatch: pytest.MonkeyPatch) -> None:
    table: NDArray[np.int8] = field(31).character.copy()
    table[7] *= -1
    monkeypatch.setitem(vars(field(31)), "character", table)
    assert not Legendre(31, 0).orbit_check().holds
    assert not Legendre(31, 1).orbit_check().holds


def test_check_fails_on_wrong_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Legendre.rows

    def flipped(self: Legendre, indices: Indices) -> Rows:
        rows = original(self, indices)
        rows.values[:, :4] *= -1
        rows.values[indices // self.q == 3, :8] *= -1
        return rows

    monkeypatch.setattr(Legendre, "rows", flipped)
    assert not Legendre(31, 0).orbit_check().holds


def test_check_fails_where_a_trace_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legendre, "_largest_trace", lambda q, multiple: 12)
    assert not Legendre(31, 0).orbit_check().holds
    monkeypatch.setattr(legendre, "_largest_trace", lambda q, multiple: 4)
    assert not Legendre(31, 1).orbit_check().holds


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`irreducible` must be 0 or 1; got 2\.$"):
        Legendre(11, 2)
    for q, irreducible in ((15, 1), (16, 0), (3, 1), (5, 0), (7, 0)):
        with pytest.raises(ValueError, match=rf"^`q` must be an odd prime power .*; got {q}\.$"):
            Legendre(q, irreducible)


def test_words() -> None:
    assert Legendre(31, 0).words() == (
        "the quadratic characters of the 930 monic square-free quadratic polynomials over GF(31)"
    )
    assert Legendre(31, 1).recipe() == {"name": "Legendre", "q": 31, "irreducible": 1}
