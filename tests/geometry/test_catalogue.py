"""The search: brackets close where theory says, both sides are monotone, recipes rebuild."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from experiments.reference_numbers import LOWER, TIGHT, threshold
from geometry import bounds, catalogue, certify, exact
from geometry.bounds.relative import welch_coherence
from geometry.constructions.conference import ConferenceRows
from geometry.constructions.reed_solomon import ReedSolomon
from geometry.exact import Cosine
from geometry.moves import BlowUp, DirectSum, leading
from geometry.packing import Packing
from geometry.rounding import float64_bound


@pytest.mark.parametrize(("dim", "eps", "count"), TIGHT)
def test_tight_brackets_close(dim: int, eps: str, count: int) -> None:
    allowed = threshold(eps)
    packing = catalogue.best(dim, allowed)
    assert packing.count == bounds.best_upper_bound(dim, allowed).count == count
    # 1e10 multiply-adds at most here; the two largest are certified by their symmetry.
    finding = certify.certificate(packing, allowed, most_operations=10**10).check()
    assert finding.holds
    assert finding.pairs == math.comb(count, 2)


@pytest.mark.parametrize(("dim", "eps", "count"), LOWER)
def test_floors_are_reached(dim: int, eps: str, count: int) -> None:
    packing = catalogue.best(dim, eps)
    assert packing.count >= count
    # Little effort: symmetry and theorems, random pairs, and all pairs of small parts.
    finding = certify.certificate(packing, exact.eps(eps), most_operations=10**8).check()
    assert finding.holds


@pytest.mark.parametrize("angle", ["90", "60", "59.99", "45", "36", "35.9", "1", "0.001", "180/7"])
def test_the_plane_is_exact(angle: str) -> None:
    eps = exact.angle(angle)
    top, _, bottom = angle.partition("/")
    expected = 180 // (Fraction(top) / Fraction(bottom or "1"))
    assert catalogue.best(2, eps).count == bounds.best_upper_bound(2, eps).count == expected


def test_orthogonal_lines_are_a_basis() -> None:
    right = exact.eps(0)
    shelf = catalogue.shelf(300, right)
    for dim in range(2, 301):
        assert shelf.count(dim) == bounds.best_upper_bound(dim, right).count == dim
    assert shelf.packing(300).words() == "the 300 coordinate axes"


def test_the_main_answer() -> None:
    packing = catalogue.best(500, "1/20")
    assert packing == ReedSolomon(25, 20, 20, 1, ConferenceRows(25))
    assert packing.count == 25**2 * 20 + 20 * 26
    assert packing.coherence == exact.eps(0.05)
    # A hair less and none of it is left.
    assert catalogue.best(500, "0.0499999").count < 2000
    assert catalogue.best(512, "1/16").count == 262656


GRID = sorted(
    {Cosine.ratio(Fraction(i, 40)) for i in range(0, 40, 4)}
    | {Cosine.ratio(Fraction(1, k)) for k in (2, 3, 5, 7, 8, 9, 12, 16, 23, 24, 32, 64)}
    | {Cosine(Fraction(1, k)) for k in (2, 3, 5, 7, 13, 17, 28, 41, 61)}
)
DIMS = (2, 3, 4, 6, 7, 8, 11, 16, 23, 36, 64)  # 11 by 29: 319 points


def test_brackets_on_a_grid() -> None:
    below = {(d, e): catalogue.best(d, e).count for d in DIMS for e in GRID}
    above = {(d, e): bounds.best_upper_bound(d, e).count for d in DIMS for e in GRID}
    assert len(below) >= 300
    for key, count in below.items():
        assert count <= above[key], key
    for table in (below, above):
        for d in DIMS:
            assert all(table[d, a] <= table[d, b] for a, b in itertools.pairwise(GRID))
        for e in GRID:
            assert all(table[c, e] <= table[d, e] for c, d in itertools.pairwise(DIMS))


@pytest.mark.parametrize("eps", ["0.05", "1/sqrt(7)", "0.3", "cos 36"])
def test_one_search_serves_every_smaller_dimension(eps: str) -> None:
    allowed = exact.angle(36) if eps == "cos 36" else exact.eps(eps)
    shelf = catalogue.shelf(90, allowed)
    for dim in range(2, 91):
        packing = shelf.packing(dim)
        assert packing.dim == dim
        assert packing.count == shelf.count(dim) == catalogue.shelf(dim, allowed).count(dim)
        assert packing.coherence <= allowed


@pytest.mark.parametrize(
    ("dim", "eps"), [(500, "0.05"), (29, "1/5"), (40, "0.4"), (77, "0.11"), (13, "0.9")]
)
def test_recipes_rebuild_the_same_packing(dim: int, eps: str) -> None:
    packing = catalogue.best(dim, eps)
    again = catalogue.build(packing.recipe())
    assert again == packing
    indices = np.arange(0, packing.count, max(1, packing.count // 50), dtype=np.int64)
    assert np.array_equal(again.rows(indices).values, packing.rows(indices).values)


@pytest.mark.parametrize(("dim", "eps"), [(29, "1/5"), (40, "0.4"), (77, "0.11"), (50, "0.2")])
def test_answers_are_certified_all_pairs(dim: int, eps: str) -> None:
    allowed = exact.eps(eps)
    packing = catalogue.best(dim, allowed)
    assert packing.dim == dim
    unit = packing.rows(np.arange(packing.count, dtype=np.int64)).unit()
    gram = np.abs(unit @ unit.T)
    np.fill_diagonal(gram, 0)
    assert gram.max() <= float(allowed) + float64_bound(dim)
    assert certify.certificate(packing, allowed).check().holds


def test_spare_dimensions_are_filled() -> None:
    packing = catalogue.best(521, "0.05")
    assert isinstance(packing, DirectSum)
    # 510 dimensions take the extended net, and 11 more a basis.
    assert packing.count == 13020 + 2 * 40 + 11


def test_families_list_the_best_of_each() -> None:
    members = catalogue.largest_of_each(500, exact.eps("0.05"))
    assert members[0].count == 13020
    assert all(one.dim <= 500 and one.coherence <= exact.eps("0.05") for one in members)
    # Blow-ups come from any family; all others stand once.
    found = [leading(one) for one in members if not isinstance(one, BlowUp)]
    names = [family.name for family, _ in found]
    assert len(set(names)) == len(names) == len(members) - 1


@pytest.mark.parametrize(
    ("dim", "eps", "count"),
    [
        (3, "1/sqrt(3)", 7),  # the diagonals of the cube and its axes
        (10, "1/sqrt(10)", 22),
        (97, "1/sqrt(96)", 195),
        (57, "1/8", 456),  # the plane of order 7
        (20, "0.87614804288", 29282),  # polynomials two degrees below the largest, punctured
        (256, "1/2", 2**46),  # Delsarte-Goethals rows on the graphs of polynomials
    ],
)
def test_records_that_moves_make(dim: int, eps: str, count: int) -> None:
    assert catalogue.best(dim, eps).count >= count


def test_no_family_beats_the_answer() -> None:
    for dim, eps in ((64, "1/8"), (100, "0.2"), (37, "0.35")):
        allowed = exact.eps(eps)
        best = catalogue.best(dim, allowed).count
        members: list[Packing] = catalogue.largest_of_each(dim, allowed)
        assert max(member.count for member in members) <= best


@pytest.mark.parametrize(
    ("dim", "count", "coherence"),
    [
        (3, 6, "1/sqrt(5)"),
        (23, 276, "1/5"),
        (24, 98280, "1/2"),
        (64, 2112, "1/8"),
        (7, 28, "1/3"),
        (500, 501, "1/500"),
        (500, 500, "0"),
        (9, 4, "0"),
    ],
)
def test_least_coherent_of_known_optima(dim: int, count: int, coherence: str) -> None:
    packing = catalogue.least_coherent(dim, count)
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == exact.eps(coherence)


@pytest.mark.parametrize(("dim", "count"), [(20, 60), (50, 1000), (100, 150), (100, 9000)])
def test_least_coherent_is_where_the_search_begins_to_serve(dim: int, count: int) -> None:
    packing = catalogue.least_coherent(dim, count)
    assert (packing.dim, packing.count) == (dim, count)
    own = packing.coherence
    assert welch_coherence(dim, count) <= own
    assert catalogue.best(dim, own).count >= count
    assert catalogue.best(dim, Cosine(own.square * (1 - Fraction(1, 10**8)))).count < count
    assert catalogue.least_coherent(dim, count + 1).coherence >= own
    rows = packing.rows(np.arange(min(count, 2000), dtype=np.int64)).unit()
    gram = np.abs(rows @ rows.T)
    np.fill_diagonal(gram, 0)
    assert gram.max() <= float(own) + float64_bound(dim)


@pytest.mark.parametrize("count", [0, -1, 2.0, True])
def test_bad_counts(count: int) -> None:
    with pytest.raises(ValueError, match="count must be an integer >= 1; got"):
        catalogue.least_coherent(10, count)


def test_a_larger_tolerance_never_costs_lines() -> None:
    # Polynomials of a larger degree begin to fit at these: sparser ones, punctured, still count.
    points = sorted(exact.eps(f"{value:.4f}") for value in np.linspace(0.05, 0.3, 40))
    for dim in (120, 200):
        counts = [catalogue.best(dim, one).count for one in points]
        assert all(a <= b for a, b in itertools.pairwise(counts))


@pytest.mark.parametrize("dim", [1, 0, -3, 2.5, True, 1 << 17])
def test_bad_dimensions(dim: int) -> None:
    with pytest.raises(ValueError, match=r"dim must be an integer in \[2, 65536\]; got"):
        catalogue.best(dim, "0.05")


def test_bad_recipes() -> None:
    with pytest.raises(ValueError, match="recipe `name` must be one of"):
        catalogue.build({"name": "none such"})
    with pytest.raises(ValueError, match="wrong fields"):
        catalogue.build({"name": "simplex", "width": 3})


def test_extreme_questions_answer() -> None:
    assert catalogue.best(2, exact.angle("1e-20")).count == 180 * 10**20
    assert catalogue.best(3, "0.999999").count >= 6
    assert catalogue.best(64, "1e-300").count == 64
