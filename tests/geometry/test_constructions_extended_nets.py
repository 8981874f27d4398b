"""Nets with further points: every pair, the counts, broken ones, and what the search finds."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import catalogue, certify
from geometry.constructions import extended_nets
from geometry.constructions.basis import Basis
from geometry.constructions.extended_nets import ExtendedNet, weighing
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine, eps
from geometry.packing import Packing

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[ExtendedNet, int, int, str]] = [
    (ExtendedNet(5, 4, 2), 22, 100, "1/4"),  # both points in the one column left: no secant
    (ExtendedNet(7, 4, 3), 31, 202, "1/4"),
    (ExtendedNet(9, 4, 10), 46, 404, "1/4"),
    (ExtendedNet(8, 4, 8), 40, 304, "1/4"),
    (ExtendedNet(16, 8, 10), 138, 2134, "1/8"),
    (ExtendedNet(7, 4, 5, Simplex(7)), 33, 244, "1/2"),
    (ExtendedNet(7, 4, 5, Basis(7)), 33, 240, "1/2"),
]
IDS = [f"{packing.q}-{packing.extra}" for packing, *_ in CASES]


@pytest.mark.parametrize("weight", [4, 8, 16, 20, 32, 36, 40])
def test_weighing_matrices(weight: int) -> None:
    matrix = weighing(weight).astype(np.int64)
    assert np.array_equal(matrix @ matrix.T, weight * np.eye(weight + 2))
    assert set(np.unique(matrix)) == {-1, 0, 1}


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: ExtendedNet, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    rows = packing.rows(np.arange(count))
    unit = rows.unit()
    gram = np.abs(unit @ unit.T) - np.eye(count)
    slack = (16 + dim) * 2.0**-53  # as for Reed-Solomon packings
    assert abs(gram.max() - float(packing.coherence)) <= slack
    assert abs((unit**2).max() - float(packing.peak_square)) <= 2.0**-48
    chosen = np.random.default_rng(count).integers(0, count, 23)
    assert np.array_equal(packing.rows(chosen).values, rows.values[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, dim)
    assert certify.certificate(packing, packing.coherence, most_operations=1).check().holds
    outcome = packing.orbit_check()
    assert outcome is not None
    inside = sum(times * math.comb(part.count, 2) for part, times in packing.inner())
    assert outcome.pairs + inside == math.comb(count, 2)


@pytest.mark.parametrize("packing", [ExtendedNet(13, 8, 10), ExtendedNet(8, 4, 8)])
def test_further_points_have_no_three_in_line(packing: ExtendedNet) -> None:
    tops = packing.rows(np.arange(packing.count)).values[:, packing.q * packing.columns :]
    filled = {tuple(np.flatnonzero(row).tolist()) for row in tops if (row != 0).sum() == 2}
    lines = np.array(packing._incidence())[:, packing.q * packing.columns :]
    assert lines.sum(axis=1).max() == 2
    secants = [
        pair for pair in combinations(range(packing.extra), 2) if lines[:, pair].all(1).any()
    ]
    assert len(secants) == packing._secants
    # A weighing matrix has one zero among the two columns in some rows, and none in others.
    assert filled == set(secants)


def test_28914_lines_in_768_dimensions_at_one_twentieth() -> None:
    packing = catalogue.best(768, "1/20")
    assert (packing.dim, packing.count) == (768, 28914)
    assert isinstance(packing, ExtendedNet)
    assert packing.coherence == eps("0.05")
    # 37^2 lines of 20 rows, 2 more on 367 of them, 40 lines in each of 20 columns.
    assert packing.count == 37**2 * 20 + 2 * (math.comb(28, 2) - 11) + 20 * 40
    assert certify.certificate(packing, eps("0.05"), most_operations=10**9).check().holds
    assert catalogue.build(packing.recipe()) == packing


@dataclasses.dataclass(frozen=True)
class TooFlat(Simplex):
    """A simplex that claims smaller entries than it has."""

    @property
    def peak_square(self) -> Fraction:
        return Fraction(1, 50)


@dataclasses.dataclass(frozen=True)
class TooNarrow(Simplex):
    """A simplex that claims a smaller coherence than it has."""

    @property
    def coherence(self) -> Cosine:
        return eps("1/1000")


@pytest.mark.parametrize("fill", [TooFlat(7), TooNarrow(7)], ids=lambda one: type(one).__name__)
def test_fails_with_a_filling_that_claims_too_much(fill: Packing) -> None:
    packing = ExtendedNet(7, 4, 5, fill)
    assert not certify.certificate(packing, eps("0.99"), most_operations=1).check().holds


def test_fails_with_points_in_line_and_with_wrong_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    packing = ExtendedNet(9, 4, 6)
    honest = extended_nets._points(9, 4, 6)

    def check() -> bool:
        outcome = packing.orbit_check()
        return outcome is not None and outcome.holds

    assert check()

    def crooked(weight: int) -> NDArray[np.int8]:
        matrix = weighing(weight)
        matrix[0] *= np.where(np.arange(weight + 2) == 1, -1, 1).astype(np.int8)
        return matrix

    moved = honest.further.copy()
    moved[1] = moved[0]
    with monkeypatch.context() as patch:
        patch.setattr(extended_nets, "weighing", crooked)
        assert not check()
    with monkeypatch.context() as patch:
        broken = dataclasses.replace(honest, further=moved)
        patch.setattr(extended_nets, "_points", lambda *_: broken)
        assert not check()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((12, 8, 3), "`q` must be a prime power; got 12"),
        ((9, 6, 3), "`columns` must be one of"),
        ((8, 8, 3), "`columns` must be one of"),
        ((9, 8, 3), r"`extra` must lie in \[2, 2\]; got 3"),
        ((9, 8, 2, Simplex(7)), "`fill` must have dimension 9; got 7"),
    ],
)
def test_refusals(values: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExtendedNet(*values)
