"""Lattice shells and icosahedral axes: counts and coherences against every pair in NumPy."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from geometry import catalogue, certify
from geometry.bounds import best_upper_bound
from geometry.constructions import icosahedral, shells
from geometry.constructions.icosahedral import Icosahedral
from geometry.constructions.shells import Shells
from geometry.exact import Cosine
from geometry.packing import Packing

MEMBERS = list(Shells.candidates(8, Cosine(Fraction(99, 100))))
AXES = list(Icosahedral.candidates(4, Cosine(Fraction(99, 100))))


def _largest(packing: Packing) -> float:
    unit = packing.rows(np.arange(packing.count)).unit()
    assert unit.shape == (packing.count, packing.dim)
    gram = np.abs(unit @ unit.T)
    np.fill_diagonal(gram, 0)
    return float(gram.max())


def test_all_members_are_listed_and_none_equals_another() -> None:
    assert len(MEMBERS) == 44
    assert len(AXES) == 7
    for one in MEMBERS:
        better = [
            two
            for two in MEMBERS
            if two.dim == one.dim and two.coherence <= one.coherence and two.count >= one.count
        ]
        assert better == [one]


@pytest.mark.parametrize("packing", [*MEMBERS, *AXES], ids=lambda one: f"{one.dim}-{one.count}")
def test_all_pairs(packing: Packing) -> None:
    # Unit rows of at most 8 coordinates: products are right to far below 1e-13.
    slack = 1e-13 if packing.exact else 1e-12
    assert abs(_largest(packing) - float(packing.coherence)) <= slack
    certificate = certify.certificate(packing, packing.coherence, most_operations=10**10)
    finding = certificate.check()
    assert finding.holds
    assert finding.level in (certify.Level.ALL_PAIRS, certify.Level.BY_SYMMETRY)
    assert finding.pairs == math.comb(packing.count, 2)


@pytest.mark.parametrize(
    ("lattice", "norms", "count", "square"),
    [
        ("E8", "2+4", 1200, "9/16"),
        ("E7", "2+4", 441, "9/16"),
        ("E6", "2+4", 171, "9/16"),
        ("Z5", "1+2+4", 65, "9/16"),
        ("Z4", "1+2+4+6", 72, "3/4"),
    ],
)
def test_known_unions(lattice: str, norms: str, count: int, square: str) -> None:
    packing = Shells(lattice, norms)
    assert (packing.count, packing.coherence) == (count, Cosine(Fraction(square)))
    assert packing.count == len(packing.rows(np.arange(count)).values)
    assert catalogue.best(packing.dim, packing.coherence).count >= count


def test_every_primitive_vector_of_a_shell_is_there() -> None:
    # D_n: coordinates with an even sum; a multiple of another vector is left out.
    for rank, norm in ((4, 8), (4, 12), (5, 8)):
        box = [v for v in product(range(-3, 4), repeat=rank) if sum(x * x for x in v) == norm]
        kept = 0
        for v in box:
            half = [x // 2 for x in v]
            double = all(x % 2 == 0 for x in v) and sum(half) % 2 == 0
            kept += sum(v) % 2 == 0 and not double
        assert 2 * len(shells._shell(f"D{rank}", norm)) == kept


def test_shells_have_as_many_vectors_as_the_theta_series_say() -> None:
    # E8: 240, 2160, 6720; E7: 126, 756, 2072; E6: 72, 270, 720 (Conway and Sloane, chapter 4).
    theta = {"E8": (240, 2160, 6720), "E7": (126, 756, 2072), "E6": (72, 270, 720)}
    for lattice, sizes in theta.items():
        assert tuple(2 * len(shells._shell(lattice, norm)) for norm in (2, 4, 6)) == sizes


def test_the_600_cell_meets_the_upper_bound() -> None:
    eps = Cosine(Fraction(1), Fraction(36))
    packing = catalogue.best(4, eps)
    assert packing.count == 60 == best_upper_bound(4, eps).count
    finding = certify.certificate(Icosahedral(60), eps).check()
    assert (finding.holds, finding.level) == (True, certify.Level.BY_SYMMETRY)


@pytest.mark.parametrize(
    ("lines", "degrees"), [(6, 63.435), (10, 41.810), (15, 36), (16, 37.377), (21, 31.717)]
)
def test_icosahedral_angles(lines: int, degrees: float) -> None:
    assert abs(Icosahedral(lines).coherence.angle_degrees() - degrees) < 5e-4


@pytest.mark.parametrize("lines", [one.lines for one in AXES])
def test_the_golden_comparison_is_sharp(lines: int) -> None:
    coherence = Icosahedral(lines).coherence
    less = Cosine(coherence.square * (1 - Fraction(1, 10**11)), coherence.degrees)
    vectors = icosahedral._exact(lines)
    assert icosahedral._none_above(vectors, coherence)
    assert not icosahedral._none_above(vectors, less)
    assert not icosahedral._none_above((*vectors, vectors[0]), coherence)


def test_squares_of_the_cosines() -> None:
    for degrees, (p, q) in icosahedral._COSINE_SQUARES.items():
        expected = math.cos(math.radians(degrees)) ** 2
        assert abs(float(p) + float(q) * (1 + math.sqrt(5)) / 2 - expected) < 1e-15


@pytest.mark.parametrize(
    ("lattice", "norms", "message"),
    [
        ("E8", "2+8", r"`norms` must be one of .* for E8; got E8, 2\+8\."),
        ("A3", "2", r"`lattice` must be one of .*; got A3, 2\."),
    ],
)
def test_unknown_shells(lattice: str, norms: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Shells(lattice, norms)


def test_unknown_axes() -> None:
    with pytest.raises(ValueError, match=r"`lines` must be one of 6, 10, .*; got 25\."):
        Icosahedral(25)


def test_candidates_fit() -> None:
    for family in (Shells, Icosahedral):
        for dim in (2, 3, 5, 8):
            for eps in (
                Cosine(Fraction(1, 4)),
                Cosine(Fraction(9, 16)),
                Cosine(Fraction(1), Fraction(36)),
            ):
                found = list(family.candidates(dim, eps))
                assert all(one.dim <= dim and one.coherence <= eps for one in found)
                every = list(family.candidates(100, Cosine(Fraction(99, 100))))
                assert found == [one for one in every if one.dim <= dim and one.coherence <= eps]
