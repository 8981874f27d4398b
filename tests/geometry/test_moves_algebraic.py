"""Axes, punctures, blow-ups and tensor products: all pairs against the closed forms."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import catalogue, certify, exact
from geometry.certify import Level
from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame
from geometry.constructions.delsarte_goethals import DelsarteGoethals
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns, HadamardWithBasis
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.polygon import Polygon
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import BlowUp, Puncture, Tensor, WithAxes
from geometry.moves.blow_up import copies_needed
from geometry.moves.puncture import most_dropped
from geometry.packing import Packing

UNIT = 2.0**-53

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[Packing, int, int, str]] = [
    (WithAxes(HadamardColumns(12, 0)), 12, 24, "1/sqrt(12)"),
    (WithAxes(HadamardColumns(12, 1)), 11, 23, "1/sqrt(11)"),
    (WithAxes(HadamardColumns(12, 4)), 8, 20, "1/2"),
    (WithAxes(DelsarteGoethals(4, 1)), 16, 1040, "1/2"),
    (BlowUp(Simplex(2), 34), 100, 102, "1/67"),
    (BlowUp(Kerdock(4), 1), 128, 144, "1/32"),
    (BlowUp(Kerdock(4), 3), 416, 432, "1/98"),
    (BlowUp(Kerdock(4, 3), 1), 32, 48, "1/8"),
    (BlowUp(HadamardWithBasis(12), 1), 12, 24, "1/sqrt(12)"),
    (Tensor(Kerdock(2), Simplex(2)), 8, 36, "1/2"),
    (Tensor(Gold(3), Kerdock(2)), 32, 72 * 12, "1/2"),
    (Tensor(ConferenceFrame(5), Basis(3)), 9, 18, "1/sqrt(5)"),
]
IDS = [f"{type(case[0]).__name__}-{case[1]}-{case[2]}" for case in CASES]


def unit_rows(packing: Packing) -> NDArray[np.float64]:
    return packing.rows(np.arange(packing.count)).unit()


def largest(unit: NDArray[np.float64]) -> float:
    gram = np.abs(unit @ unit.T)
    np.fill_diagonal(gram, 0)
    return float(gram.max())


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: Packing, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == exact.eps(coherence)
    assert packing.exact
    unit = unit_rows(packing)
    assert unit.shape == (count, dim)
    # Coordinates are right to 64 units: a QR factorisation, a root and a product.
    slack = (128 + dim) * UNIT
    assert np.abs(np.einsum("nd,nd->n", unit, unit) - 1).max() <= slack
    assert abs(largest(unit) - float(packing.coherence)) <= slack
    assert (unit**2).max() <= float(packing.peak_square) + slack
    frame = unit.T @ unit - count / dim * np.eye(dim)
    assert not packing.tight or np.abs(frame).max() <= count * slack
    assert catalogue.build(packing.recipe()) == packing


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
@pytest.mark.parametrize("effort", [1, 10**10])
def test_certificates(packing: Packing, dim: int, count: int, coherence: str, effort: int) -> None:
    finding = certify.certificate(packing, exact.eps(coherence), most_operations=effort).check()
    assert finding.holds
    # Little effort leaves a base without symmetry to its theorem, and some of its pairs.
    assert finding.pairs == math.comb(count, 2) or (
        effort == 1 and finding.level is Level.BY_THEOREM
    )
    less = Cosine(packing.coherence.square * Fraction(999, 1000))
    assert not certify.certificate(packing, less, most_operations=effort).check().holds


@pytest.mark.parametrize("dropped", [1, 2, 3])
@pytest.mark.parametrize(
    "base", [HadamardColumns(28, 0), HadamardColumns(12, 1), DelsarteGoethals(6, 3)]
)
def test_punctures_stay_below_their_bound(base: Packing, dropped: int) -> None:
    packing = Puncture(base, dropped)
    assert (packing.dim, packing.count) == (base.dim - dropped, base.count)
    sums = round(float(base.coherence) * base.dim)
    assert packing.coherence == Cosine.ratio(Fraction(sums + dropped, base.dim - dropped))
    assert not packing.exact
    unit = unit_rows(packing)
    assert largest(unit) <= float(packing.coherence) + (16 + packing.dim) * UNIT
    assert np.abs(unit**2 * packing.dim - 1).max() <= 8 * UNIT
    # As many go as the bound allows, and no more.
    assert most_dropped(base, packing.coherence) == dropped
    below = Cosine(packing.coherence.square * Fraction(999, 1000))
    assert most_dropped(base, below) == dropped - 1
    for effort in (1, 10**10):
        finding = certify.certificate(packing, packing.coherence, most_operations=effort).check()
        assert finding.holds
    assert finding.level is Level.ALL_PAIRS


def test_a_punctured_set_of_a_quarter_of_a_million_lines() -> None:
    packing = Puncture(DelsarteGoethals(9, 4), 4)
    assert (packing.dim, packing.count) == (508, 2**18)
    assert packing.coherence == exact.eps("36/508")
    finding = certify.certificate(packing, exact.eps("0.071")).check()
    assert finding.holds
    assert finding.level is Level.BY_SYMMETRY
    chosen = np.random.default_rng(4).integers(0, packing.count, 1500)
    values = packing.rows(np.unique(chosen)).values.astype(np.int64)
    gram = np.abs(values @ values.T)
    np.fill_diagonal(gram, 0)
    assert gram.max() <= 36


@pytest.mark.parametrize("eps", ["0.2", "0.05", "1/67", "0.011", "0.6"])
@pytest.mark.parametrize("base", [Simplex(2), Simplex(7), Kerdock(4), ConferenceFrame(13)])
def test_copies_needed_are_the_fewest(base: Packing, eps: str) -> None:
    allowed = exact.eps(eps)
    copies = copies_needed(base, allowed)
    assert copies is not None
    assert BlowUp(base, copies).coherence <= allowed
    if copies > 2 or (copies == 2 and not isinstance(base, Simplex)):
        assert BlowUp(base, copies - 1).coherence > allowed
    assert copies_needed(base, exact.eps(0)) is None


def test_irrational_frames_round_up() -> None:
    packing = BlowUp(ConferenceFrame(5), 4)
    # e = mu/(s + (s - 1) mu) at mu = 1/sqrt(5), N = 2d.
    true = 1 / (4 * math.sqrt(5) + 3)
    assert not packing.exact
    # Rounded up to twelve decimals.
    assert 0 <= float(packing.coherence) - true <= 1e-12
    assert abs(largest(unit_rows(packing)) - true) <= 1e-12
    assert certify.certificate(packing, packing.coherence).check().level is Level.ALL_PAIRS


class NotTight(HadamardColumns):
    """Three rows of a Hadamard matrix, called tight."""

    name: ClassVar[str] = "not tight"

    @property
    def count(self) -> int:
        return self.order - 1

    @property
    def coherence(self) -> Cosine:
        return Cosine.ratio(Fraction(self.dropped, self.dim))


def test_a_frame_that_is_not_tight_is_found_out() -> None:
    packing = BlowUp(NotTight(12, 4), 2)
    assert not certify.certificate(packing, exact.eps("0.9"), most_operations=1).check().holds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WithAxes(Simplex(3)), "`base` must have entries below 1"),
        (lambda: Puncture(Simplex(3), 1), "`base` must have equal blocks"),
        (lambda: Puncture(HadamardColumns(12, 0), 6), r"`dropped` must lie in \[1, 5\]; got 6"),
        (lambda: Puncture(HadamardColumns(12, 0), 0), r"`dropped` must lie in \[1, 5\]; got 0"),
        (lambda: BlowUp(Basis(3), 2), "`base` must be a tight frame of more lines"),
        (lambda: BlowUp(Polygon(2), 2), "`base` must be a tight frame of more lines"),
        (lambda: BlowUp(Simplex(3), 0), "`base` must be a tight frame of more lines"),
        (lambda: BlowUp(Simplex(3), 1), "`copies` must keep the lines apart; got 1"),
    ],
)
def test_bad_parameters(make: type[Packing], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
