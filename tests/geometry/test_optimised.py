"""Packings held as rows in float64."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import certify
from geometry.optimised import Optimised
from geometry.rounding import float64_bound


def rows(count: int, dim: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    drawn = np.random.default_rng(0).normal(size=(count, dim))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1)[:, None])


def test_the_coherence_is_proved_by_all_pairs() -> None:
    vectors = rows(20, 5)
    packing = Optimised(vectors, 7, 3)
    largest = np.abs(vectors @ vectors.T - np.eye(20)).max()
    assert largest + 2 * float64_bound(5) < float(packing.coherence) < largest + 2e-12
    finding = certify.certificate(packing, packing.coherence).check()
    assert finding.holds
    assert finding.level == "all pairs"
    assert packing.recipe() == {
        "name": "optimised",
        "dim": 5,
        "count": 20,
        "seed": 7,
        "rounds": 3,
    }
    assert np.array_equal(packing.rows(np.array([3, 1])).values, vectors[[3, 1]])
    assert Optimised(vectors[:1], 0, 1).coherence.square == 0


def test_rounding_in_many_dimensions() -> None:
    # Rounding up at the last decimal is at most 1e-12: here the bound itself is more.
    vectors, bound = rows(3, 20_000), float64_bound(20_000)
    assert bound > 4e-12
    largest = np.abs(vectors @ vectors.T - np.eye(3)).max()
    # Computed elsewhere it is two bounds more, and one is added for a proof.
    coherence = float(Optimised(vectors, 0, 1).coherence)
    assert largest + 2.9 * bound < coherence < largest + 4 * bound + 1e-12


def test_what_is_no_packing() -> None:
    for vectors in (rows(3, 2) * 3, rows(3, 2) * np.nan, rows(3, 2)[:0], rows(3, 2)[0]):
        with pytest.raises(ValueError, match="`vectors` must be"):
            Optimised(vectors, 0, 1)
