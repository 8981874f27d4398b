"""Block designs with Hadamard rows: every pair, and designs that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import certify
from geometry.constructions import hadamard, steiner_systems
from geometry.constructions.block_designs import BlockDesign
from geometry.exact import eps

# (packing, dimension, lines, coherence), the numbers written out by hand.
CASES: list[tuple[BlockDesign, int, int, str]] = [
    (BlockDesign(7, 3, 4), 7, 28, "1/3"),
    (BlockDesign(9, 3, 4), 9, 48, "1/3"),
    (BlockDesign(13, 3, 4), 13, 104, "1/3"),
    (BlockDesign(15, 3, 4), 15, 140, "1/3"),
    (BlockDesign(21, 3, 4), 21, 280, "1/3"),
    (BlockDesign(13, 4, 4), 13, 52, "1/4"),
    (BlockDesign(57, 8, 8), 57, 456, "1/8"),
    (BlockDesign(91, 7, 8), 91, 1560, "1/7"),
]
IDS = [f"{packing.points}-{packing.block}" for packing, *_ in CASES]


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_all_pairs(packing: BlockDesign, dim: int, count: int, coherence: str) -> None:
    assert (packing.dim, packing.count) == (dim, count)
    assert packing.coherence == eps(coherence)
    assert packing.exact
    rows = packing.rows(np.arange(count))
    assert rows.values.dtype == np.int8
    assert rows.values.shape == (count, dim)
    assert (rows.squared_norms == packing.block).all()
    wide = rows.values.astype(np.int64)
    assert packing.tight
    frame = wide.T @ wide * dim
    assert np.array_equal(frame, packing.block * count * np.eye(dim, dtype=np.int64))
    gram = np.abs(wide @ wide.T)
    assert (np.diag(gram) == packing.block).all()
    np.fill_diagonal(gram, 0)
    assert gram.max() == 1
    assert float((rows.unit() ** 2).max()) == pytest.approx(float(packing.peak_square), rel=1e-15)
    chosen = np.random.default_rng(count).integers(0, count, 23)
    assert np.array_equal(packing.rows(chosen).values, rows.values[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, dim)


@pytest.mark.parametrize(("packing", "dim", "count", "coherence"), CASES, ids=IDS)
def test_symmetry_checks_hold(packing: BlockDesign, dim: int, count: int, coherence: str) -> None:
    finding = certify.certificate(packing, eps(coherence), most_operations=1).check()
    assert finding.holds
    assert finding.level is certify.Level.BY_SYMMETRY
    assert finding.pairs == math.comb(count, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((14, 3, 4), r"\(`points`, `block`\) must be the size of a Steiner system .* \(14, 3\)\."),
        ((9, 2, 2), r"\(`points`, `block`\) must be the size of a Steiner system .* \(9, 2\)\."),
        ((13, 3, 3), r"`order` must be 3 or 4 and that of a Hadamard matrix; got 3\."),
        ((13, 4, 8), r"`order` must be 4 or 5 and that of a Hadamard matrix; got 8\."),
    ],
)
def test_bad_parameters(values: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        BlockDesign(*values)


def test_candidates_fit_and_are_complete() -> None:
    for max_dim in (12, 13, 20, 21, 90, 91, 500):
        for text in ("0", "1/8", "1/7", "0.3", "1/3", "0.9"):
            found = list(BlockDesign.candidates(max_dim, eps(text)))
            assert all(one.dim <= max_dim and one.coherence <= eps(text) for one in found)
            # Triples up to 21 points, less the planes of 7 and 9 points, which nets reach.
            triples = [v for v in range(10, min(max_dim, 21) + 1) if v % 6 in (1, 3)]
            expected = {BlockDesign(v, 3, 4) for v in triples if eps("1/3") <= eps(text)}
            if max_dim >= 91 and eps("1/7") <= eps(text):
                expected.add(BlockDesign(91, 7, 8))
            for q in (3, 7, 11, 19):  # planes with a Hadamard matrix of order q + 1
                plane = BlockDesign(q * q + q + 1, q + 1, q + 1)
                if plane.dim <= max_dim and plane.coherence <= eps(text):
                    expected.add(plane)
            assert set(found) == expected
    assert [one.count for one in BlockDesign.tight_frames(150)] == [104, 140, 52]


@pytest.mark.parametrize("kind", ["moved", "repeated", "missing", "swapped"])
def test_fails_with_another_design(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    original = steiner_systems.blocks

    def other(points: int, block: int) -> NDArray[np.int64]:
        listed = original(points, block).copy()
        if kind == "moved":  # a block gets another point
            listed[3, 0] = next(x for x in range(points) if x not in listed[3])
        elif kind == "repeated":
            listed[3] = listed[4]
        elif kind == "missing":
            listed = listed[1:]
        else:  # the numbers of two points exchanged in every block: still a design
            listed = np.select([listed == 0, listed == 1], [1, 0], listed)
        return listed

    monkeypatch.setattr(steiner_systems, "blocks", other)
    outcome = BlockDesign(15, 3, 4).orbit_check()
    assert outcome is not None
    assert outcome.holds == (kind == "swapped")


def test_fails_with_a_wrong_hadamard_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = hadamard.matrix(8).copy()
    wrong[3, 4] *= -1
    monkeypatch.setattr(hadamard, "matrix", lambda order: wrong)
    for packing in (BlockDesign(91, 7, 8), BlockDesign(57, 8, 8)):
        outcome = packing.orbit_check()
        assert outcome is not None
        assert not outcome.holds


@pytest.mark.parametrize("packing", BlockDesign.examples())
def test_examples_and_texts(packing: BlockDesign) -> None:
    assert packing.count**2 * packing.dim <= 1e9
    assert len(set(BlockDesign.examples())) == 3
    assert "\n" not in packing.words() + packing.proof
    assert packing.proof.endswith(".")
    assert packing.recipe()["name"] == "block design"
