"""Candidates obey (max_dim, eps), and no member of a family does better."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest

from geometry.constructions import families, hadamard
from geometry.constructions.admissible import (
    inverse_root,
    irreducible_sizes,
    least_reciprocal,
    least_root,
)
from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame, ConferenceRows
from geometry.constructions.field import prime_power
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns, HadamardWithBasis
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.polygon import Polygon
from geometry.constructions.reed_solomon import ReedSolomon
from geometry.constructions.root_systems import RootSystemD, RootSystemE
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine, angle, eps
from geometry.packing import Packing

TOLERANCES = ["0", "0.01", "0.05", "1/16", "0.1", "1/7", "0.2", "1/sqrt(5)", "1/2", "0.8", "0.99"]


@pytest.mark.parametrize("family", families())
def test_candidates_fit(family: type[Packing]) -> None:
    for text in [*TOLERANCES, "cos"]:
        allowed = angle("85.5") if text == "cos" else eps(text)
        for max_dim in (0, 1, 2, 3, 7, 8, 100, 600):
            for packing in family.candidates(max_dim, allowed):
                assert type(packing) is family
                assert packing.dim <= max_dim
                assert packing.coherence <= allowed
            for packing in family.flat_candidates(max_dim, allowed):
                assert type(packing) is family
                assert packing.dim <= max_dim
                assert packing.coherence <= allowed
                # At most twice the mean, or little more: entries of similar size.
                assert packing.peak_square <= Fraction(2, packing.dim - 1)


def test_known_members_are_found() -> None:
    assert list(Basis.candidates(7, eps("0"))) == [Basis(7)]
    assert list(Simplex.candidates(500, eps("0.0157"))) == [Simplex(64), Simplex(500)]
    assert list(Simplex.candidates(20, eps("0.05"))) == [Simplex(20)]
    assert list(Simplex.candidates(19, eps("0.05"))) == []
    assert ConferenceFrame(5) in ConferenceFrame.candidates(3, eps("1/sqrt(5)"))
    assert Kerdock(10) in Kerdock.candidates(1024, eps("1/32"))
    assert Kerdock(10) not in Kerdock.candidates(1023, eps("1/32"))
    assert list(Gold.candidates(512, eps("1/16"))) == [Gold(9)]
    assert list(Gold.candidates(512, eps("0.0624"))) == []
    assert list(RootSystemE.candidates(7, eps("1/2"))) == [RootSystemE(6), RootSystemE(7)]
    assert list(RootSystemD.candidates(4, eps("1/2"))) == [RootSystemD(3), RootSystemD(4)]
    assert list(RootSystemD.candidates(4, eps("0.499"))) == []
    assert ReedSolomon(25, 20, 20) in ReedSolomon.candidates(500, eps("0.05"))
    assert ConferenceRows(25) in ConferenceRows.flat_candidates(25, eps("1/24"))
    assert ConferenceRows(25) not in ConferenceRows.flat_candidates(25, eps("0.04"))
    flat = list(HadamardColumns.flat_candidates(25, eps("0.12")))
    assert HadamardColumns(28, 3) in flat
    assert HadamardColumns(24, 0) in flat
    assert HadamardColumns(28, 4) not in flat


@pytest.mark.parametrize("degrees", ["90", "60", "36", "45", "89.5", "0.1", "1e-9", "7/3"])
def test_polygon_at_angles(degrees: str) -> None:
    exact = Fraction(7, 3) if "/" in degrees else Fraction(degrees)
    (packing,) = Polygon.candidates(2, angle(degrees))
    assert packing.lines == 180 // exact


@pytest.mark.parametrize(
    "text", ["0", "0.3", "1/2", "1/sqrt(2)", "0.9", "0.999999", "0." + 60 * "9"]
)
def test_polygon_is_the_largest(text: str) -> None:
    (packing,) = Polygon.candidates(5, eps(text))
    assert packing.coherence <= eps(text) < Polygon(packing.lines + 1).coherence


def most_lines(packings: list[Packing], max_dim: int) -> list[int]:
    """The most lines of direct sums of these packings in each dimension, the rest a basis."""
    best = list(range(max_dim + 1))
    for dim in range(max_dim + 1):
        for packing in packings:
            if packing.dim <= dim:
                best[dim] = max(best[dim], best[dim - packing.dim] + packing.count)
    return best


@pytest.mark.parametrize("text", ["0.1", "0.13", "0.2", "1/sqrt(5)", "1/2", "0.8"])
def test_what_is_left_out_is_matched_by_direct_sums(text: str) -> None:
    max_dim, allowed = 150, eps(text)
    families: list[tuple[type[Packing], list[Packing]]] = [
        (Simplex, [Simplex(d) for d in range(2, max_dim + 1)]),
        (HadamardWithBasis, [HadamardWithBasis(n) for n in hadamard.orders(max_dim) if n > 1]),
        (
            ConferenceFrame,
            [ConferenceFrame(q) for q in range(5, 2 * max_dim, 4) if prime_power(q)],
        ),
    ]
    for family, members in families:
        admitted = [packing for packing in members if packing.coherence <= allowed]
        listed: list[Packing] = list(family.candidates(max_dim, allowed))
        assert most_lines(listed, max_dim) == most_lines(admitted, max_dim)
        assert not admitted or max(p.dim for p in listed) == max(p.dim for p in admitted)


@pytest.mark.parametrize("text", ["0.03", "0.045", "0.1", "0.17", "0.6", "0.9"])
def test_hadamard_columns_left_out_are_matched(text: str) -> None:
    max_dim, allowed = 120, eps(text)
    simpler: list[Packing] = [
        packing
        for family in (Simplex, HadamardWithBasis, HadamardColumns)
        for packing in family.candidates(max_dim, allowed)
    ]
    best = most_lines(simpler, max_dim)
    for order in hadamard.orders(2 * max_dim):
        for dropped in range((order + 1) // 2):
            if order > 1 and Cosine.ratio(Fraction(dropped, order - dropped)) <= allowed:
                packing = HadamardColumns(order, dropped)
                assert packing.dim > max_dim or best[packing.dim] >= packing.count


def test_thresholds() -> None:
    assert least_root(eps("0")) is None
    assert least_reciprocal(eps("0")) is None
    for text in ["0.05", "1/20", "1/sqrt(400)", "0.0499", "1/3", "0.3", "0.999", "1/sqrt(7)"]:
        allowed = eps(text)
        root, reciprocal = least_root(allowed), least_reciprocal(allowed)
        assert root is not None
        assert reciprocal is not None
        assert inverse_root(root) <= allowed < inverse_root(root - 1)
        assert Cosine.ratio(Fraction(1, reciprocal)) <= allowed
        assert allowed < Cosine.ratio(Fraction(1, reciprocal - 1))
    # cos(72 degrees) = (sqrt(5) - 1)/4 = 0.309..: 1/cos^2 = 10.47.
    assert least_root(angle("72")) == 11
    assert least_reciprocal(angle("72")) == 4
    # cos(90 - x) = x in radians to first order: 1/eps is about 180/pi * 10^40.
    tiny = least_reciprocal(angle("89." + 40 * "9"))
    assert tiny is not None
    assert tiny == pytest.approx(180 / math.pi * 1e40, rel=1e-12)


def test_irreducible_sizes() -> None:
    assert irreducible_sizes([]) == []
    assert irreducible_sizes([4, 6, 7, 8, 9, 10, 12]) == [4, 6, 7, 9, 12]
    assert irreducible_sizes([3, 5, 7, 9, 11, 13]) == [3, 5, 7, 13]


def test_candidates_grow_with_the_dimension() -> None:
    for small, large in pairwise([60, 200, 500, 1000]):
        most = [max(p.count for p in ReedSolomon.candidates(d, eps("0.2"))) for d in (small, large)]
        assert most[0] < most[1]
