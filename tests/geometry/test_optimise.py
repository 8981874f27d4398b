"""The optimiser: known optima, repeatable rounds, and what is stored of its long searches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.reference_numbers import BEST_ANGLES
from geometry import catalogue, optimise, polish
from geometry.constructions.numerical import Numerical
from geometry.constructions.tabled import decoded, encoded


def _angle(coherence: float) -> float:
    return math.degrees(math.acos(coherence))


def _fewer_starts(monkeypatch: pytest.MonkeyPatch, starts: int) -> None:
    monkeypatch.setattr(optimise, "starts_a_round", lambda _dim, _count: starts)


def test_an_optimum_that_early_exponents_never_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight lines in R^4: from p = 4 no start ends there. Two rounds, the second one shaken."""
    _fewer_starts(monkeypatch, 16)
    fresh = optimise.begin(4, 8)
    assert fresh.coherence == 1
    first = optimise.advance(fresh)
    search = optimise.advance(first)
    assert _angle(search.coherence) == pytest.approx(BEST_ANGLES[4][8], abs=6e-4)
    assert search.polished
    assert (search.rounds, search.starts) == (2, 32)
    assert search.history == (first.coherence, search.coherence)
    assert min(search.ends) == search.coherence <= first.coherence
    computed = np.abs(np.triu(search.vectors @ search.vectors.T, 1)).max()
    assert search.coherence == pytest.approx(float(computed), abs=1e-15)
    again = optimise.advance(first)
    np.testing.assert_array_equal(again.vectors, search.vectors)
    assert again.ends == search.ends


def test_in_the_plane_every_seed_finds_equal_angles(monkeypatch: pytest.MonkeyPatch) -> None:
    _fewer_starts(monkeypatch, 2)
    one, other = (optimise.advance(optimise.begin(2, 7, seed)) for seed in (0, 2**32 - 1))
    assert not np.array_equal(one.vectors, other.vectors)
    for search in (one, other):
        assert _angle(search.coherence) == pytest.approx(180 / 7, abs=1e-9)


def test_clipping_joins_where_lines_are_few_more_than_dimensions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _fewer_starts(monkeypatch, 1)
    monkeypatch.setattr(optimise, "_CLIPPED_FROM", 1)
    # L-BFGS and the polish left out: rows come back as they start.
    monkeypatch.setattr(optimise, "_descend", lambda starts, _: (starts, np.ones(1)))
    monkeypatch.setattr(polish, "polish", lambda rows: (rows, 1.0, False))
    search = optimise.advance(optimise.begin(20, 21))
    # The simplex is what clipping finds from a kernel of one dimension.
    assert search.coherence == pytest.approx(1 / 20, rel=1e-3)
    monkeypatch.setattr(optimise, "_CLIPPED_FROM", 10**9)
    assert optimise.advance(optimise.begin(20, 21)).coherence == 1


def test_up_to_a_basis_there_is_nothing_to_search() -> None:
    search = optimise.advance(optimise.begin(5, 3))
    assert search.coherence == 0
    assert search.polished
    assert search.starts == 0
    assert len(optimise.contacts(search.vectors)) == 0


def test_contacts_of_the_icosahedron_are_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    _fewer_starts(monkeypatch, 2)
    search = optimise.advance(optimise.begin(3, 6))
    assert search.coherence == pytest.approx(5**-0.5, abs=1e-12)
    assert len(optimise.contacts(search.vectors)) == 15
    turned = search.vectors.copy()
    turned[0] = -turned[0]
    np.testing.assert_array_equal(optimise.contacts(turned), optimise.contacts(search.vectors))


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (3, True), (2.0, 3)])
def test_refusals(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be an integer >= 1; got"):
        optimise.begin(*sizes)


def test_too_large() -> None:
    with pytest.raises(ValueError, match="at most 2,500,000 for the optimiser; got 2,560,360"):
        optimise.begin(600, 1012)


@pytest.mark.parametrize("dim", BEST_ANGLES)
def test_the_catalogue_has_the_best_known_angles(dim: int) -> None:
    for count, angle in BEST_ANGLES[dim].items():
        found = catalogue.least_coherent(dim, count).coherence.angle_degrees()
        assert found == pytest.approx(angle, abs=6e-4), count


def test_stored_rows_are_integers_whose_largest_cosine_is_stated() -> None:
    packing = Numerical(4, 17)
    rows = packing.rows(np.arange(17))
    assert rows.values.dtype.kind == "i"
    vectors = [[int(entry) for entry in row] for row in rows.values]
    largest = max(
        abs(sum(a * b for a, b in zip(vectors[i], vectors[j], strict=True)))
        / math.sqrt(sum(a * a for a in vectors[i]) * sum(b * b for b in vectors[j]))
        for i in range(17)
        for j in range(i)
    )
    assert largest <= float(packing.coherence) <= largest + 2e-12


@pytest.mark.parametrize(("top", "bytes_each"), [(127, 1), (1 << 25, 4)])
def test_text_keeps_numbers_to_half_a_unit(top: int, bytes_each: int) -> None:
    values = np.random.default_rng(0).standard_normal((5, 3))
    text = encoded(values, top)
    assert len(text) == 4 * math.ceil(15 * bytes_each / 3)
    unit = np.abs(values).max() / top
    read = decoded(text, top).reshape(5, 3)
    np.testing.assert_allclose(read * unit, values, atol=unit / 2 * (1 + 1e-9))
