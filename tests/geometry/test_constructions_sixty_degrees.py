"""Lines at 60 degrees that no lattice gives: quadruples with signs, octads with odd signs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from geometry.certify import Level, certificate
from geometry.constructions.leech import Leech
from geometry.constructions.odd_octads import OddOctads
from geometry.constructions.quadruples import Quadruples, quadruples
from geometry.exact import eps
from geometry.packing import Packing

COUNTS = {9: 153, 10: 250, 11: 291, 12: 420, 13: 533, 14: 742, 19: 5730, 20: 9340, 21: 14340}
MEMBERS: list[Packing] = [
    *(Quadruples(dimension) for dimension in range(9, 15)),
    *(OddOctads(dimension) for dimension in range(19, 22)),
]
IDS = [str(packing.dim) for packing in MEMBERS]


@pytest.mark.parametrize("packing", MEMBERS, ids=IDS)
def test_all_pairs(packing: Packing) -> None:
    assert packing.count == COUNTS[packing.dim]
    assert packing.count > Leech(packing.dim).count
    rows = packing.rows(np.arange(packing.count))
    wide = rows.values.astype(np.int64)
    assert np.array_equal((wide**2).sum(axis=1), rows.squared_norms)
    # Inner products of integers are exact in float32; squares are compared as integers.
    short = rows.values.astype(np.float32)
    attained = False
    for start in range(0, packing.count, 512):
        inner = (short[start : start + 512] @ short.T).astype(np.int64)
        norms = rows.squared_norms[start : start + 512, None] * rows.squared_norms
        places = np.arange(len(inner))
        inner[places, start + places] = 0
        assert (4 * inner**2 <= norms).all()
        attained |= bool((4 * inner**2 == norms).any())
    assert attained
    assert packing.coherence == eps("1/2")


@pytest.mark.parametrize("packing", MEMBERS, ids=IDS)
def test_rows_and_frames(packing: Packing) -> None:
    whole = packing.rows(np.arange(packing.count))
    chosen = np.random.default_rng(packing.dim).integers(0, packing.count, 30)
    some = packing.rows(chosen)
    assert np.array_equal(some.values, whole.values[chosen])
    assert np.array_equal(some.squared_norms, whole.squared_norms[chosen])
    # Multiplied by a common multiple of the squared norms, the frame operator is integral.
    scale = 8 * packing.dim
    wide = whole.values.astype(np.int64)
    weighted = wide * (scale // whole.squared_norms)[:, None]
    frame = weighted.T @ wide
    expected = scale * packing.count * np.eye(packing.dim, dtype=np.int64)
    assert packing.tight == np.array_equal(packing.dim * frame, expected)
    peak = (wide**2 / whole.squared_norms[:, None]).max()
    assert peak == packing.peak_square
    assert packing.recipe() == {"name": packing.name, "dimension": packing.dim}
    assert packing.proof.endswith(".")
    assert str(packing.count) in packing.words()


@pytest.mark.parametrize(
    ("points", "blocks"), [(9, 18), (10, 30), (11, 35), (12, 51), (13, 65), (14, 91)]
)
def test_quadruples(points: int, blocks: int) -> None:
    # The largest constant weight codes A(n, 4, 4) (Brouwer, Shearer, Sloane and Smith 1990).
    found = [frozenset(row) for row in quadruples(points).tolist()]
    assert len(found) == blocks
    assert all(len(block) == 4 and max(block) < points for block in found)
    assert all(len(first & second) <= 2 for first, second in combinations(found, 2))


@pytest.mark.parametrize("packing", MEMBERS, ids=IDS)
def test_certificates(packing: Packing) -> None:
    finding = certificate(packing, packing.coherence).check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS


def test_candidates() -> None:
    assert list(Quadruples.candidates(11, eps("1/2"))) == MEMBERS[:3]
    assert list(Quadruples.candidates(90, eps("0.6"))) == MEMBERS[:6]
    assert list(OddOctads.candidates(20, eps("1/2"))) == MEMBERS[6:8]
    assert list(OddOctads.candidates(90, eps("0.499"))) == []
    assert list(Quadruples.candidates(90, eps("0.499"))) == []
    assert [frame.dim for frame in Quadruples.tight_frames(500)] == [9, 10, 12]
    for family in (Quadruples, OddOctads):
        assert len(family.examples()) == 3
        assert all(one.count**2 * one.dim <= 1e10 for one in family.examples())


def test_bad_dimensions() -> None:
    with pytest.raises(ValueError, match=r"^`dimension` must lie in \[9, 14\]; got 8\.$"):
        Quadruples(8)
    with pytest.raises(ValueError, match=r"^`dimension` must be 19, 20 or 21; got 22\.$"):
        OddOctads(22)
