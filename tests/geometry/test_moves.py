"""Moves keep the coherence, and put the rows where they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame, ConferenceRows
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import DirectSum, Subset, ZeroPad
from geometry.packing import Packing

MOVES = [
    Subset(ConferenceRows(13), 9),
    Subset(Simplex(4), 1),
    Subset(ConferenceFrame(5), 5),
    ZeroPad(ConferenceRows(5), 9),
    ZeroPad(Simplex(3), 3),
    ZeroPad(Basis(2), 5),
    DirectSum((ConferenceRows(9), Simplex(5), Basis(3))),
    DirectSum((Simplex(3), Simplex(3), Simplex(2))),
    DirectSum((ConferenceRows(5), ZeroPad(ConferenceRows(5), 6))),
    DirectSum((Basis(4),)),
]


def all_rows(packing: Packing) -> NDArray[np.float64]:
    return packing.rows(np.arange(packing.count, dtype=np.int64)).unit()


@pytest.mark.parametrize("packing", MOVES, ids=lambda packing: packing.words())
def test_all_pairs_agree(packing: Packing) -> None:
    unit = all_rows(packing)
    assert unit.shape == (packing.count, packing.dim)
    worst = 0.0
    for i in range(packing.count):
        for j in range(i):
            worst = max(
                worst, abs(float(sum(a * b for a, b in zip(unit[i], unit[j], strict=True))))
            )
    # A sum of at most 20 products of entries below 1: off by less than 40 ulp of 1.
    slack = 40 * 2.0**-53
    assert worst <= float(packing.coherence) + slack
    if packing.exact:
        assert worst >= float(packing.coherence) - slack
    assert np.allclose((unit**2).sum(axis=1), 1, atol=slack)
    assert (unit**2).max() <= float(packing.peak_square) + slack


@pytest.mark.parametrize("packing", MOVES, ids=lambda packing: packing.words())
def test_rows_by_index(packing: Packing) -> None:
    indices = np.random.default_rng(0).integers(0, packing.count, 7)
    assert np.array_equal(packing.rows(indices).unit(), all_rows(packing)[indices])


def test_sums_are_integral_only_when_every_row_is() -> None:
    whole = DirectSum((ConferenceRows(5), Basis(2))).rows(np.arange(8))
    assert whole.values.dtype.kind == "i"
    assert (whole.squared_norms > 0).all()
    mixed = DirectSum((ConferenceRows(5), Simplex(2))).rows(np.arange(9))
    assert mixed.values.dtype == np.float64
    assert (mixed.squared_norms[:6] > 0).all()
    assert (mixed.squared_norms[6:] == 0).all()


def test_a_sum_takes_the_larger_coherence() -> None:
    assert DirectSum((Simplex(3), Simplex(5))).coherence == Cosine(Fraction(1, 9))


def test_a_coherence_is_exact_only_where_it_is_attained() -> None:
    part = Subset(ConferenceFrame(5), 2)
    assert not part.exact
    assert not ZeroPad(part, 9).exact
    assert not DirectSum((part, Simplex(9))).exact
    assert DirectSum((part, ConferenceFrame(5))).exact


def test_words_count_equal_parts() -> None:
    assert "2 copies of" in DirectSum((Simplex(3), Simplex(3))).words()


def test_bad_parameters() -> None:
    with pytest.raises(ValueError, match=r"`size` must lie in \[1, 4\]; got 5"):
        Subset(Simplex(3), 5)
    with pytest.raises(ValueError, match="`ambient` must be at least 3; got 2"):
        ZeroPad(Simplex(3), 2)
    with pytest.raises(ValueError, match="`parts` must hold at least one packing"):
        DirectSum(())
