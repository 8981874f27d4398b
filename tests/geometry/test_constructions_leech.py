"""The Golay code, the Leech lattice and its sections: closed forms, all pairs, symmetries."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry.certify import Level, certificate
from geometry.constructions import leech
from geometry.constructions.golay import automorphisms, golay_code, octads, sextet
from geometry.constructions.leech import Leech, leech_lines
from geometry.constructions.leech_sections import LeechDifferences
from geometry.exact import eps
from geometry.packing import Packing

# Half the kissing numbers of the laminated lattices (in dimension 12 of Coxeter and Todd's),
# Conway and Sloane 1988, tables 1.5 and 6.3.
LOW_LAMINATED = {9: 136, 10: 168, 11: 219, 12: 378, 13: 453, 14: 711, 15: 1170, 16: 2160}
HIGH_LAMINATED = {17: 2673, 18: 3699, 19: 5334, 20: 8700, 21: 13860, 22: 24948, 23: 46575}
LAMINATED = {**LOW_LAMINATED, **HIGH_LAMINATED}
EQUIANGULAR = {23: 276, 22: 176, 21: 126, 20: 90, 19: 72, 18: 56, 17: 48, 16: 40}
THIRDS = {23: 2300, 22: 1408, 21: 896, 20: 640, 19: 448, 18: 352, 17: 288, 16: 256}
LOW_THIRDS = {15: 160, 14: 112, 11: 52, 8: 30}
SECTIONS: list[Packing] = [
    *(Leech(dimension) for dimension in LAMINATED),
    *(LeechDifferences(dimension, 3) for dimension in [*THIRDS, *LOW_THIRDS]),
    *(LeechDifferences(dimension, 5) for dimension in EQUIANGULAR),
]
IDS = [f"{section.dim}-{section.count}" for section in SECTIONS]


def integral(packing: Packing) -> NDArray[np.int64]:
    section = packing.section()
    assert section is not None
    return section.rows.values.astype(np.int64)


def test_golay_code() -> None:
    code = golay_code().astype(np.int64)
    assert code.shape == (4096, 24)
    assert len(np.unique(code, axis=0)) == 4096
    weights, counts = np.unique(code.sum(axis=1), return_counts=True)
    assert weights.tolist() == [0, 8, 12, 16, 24]
    assert counts.tolist() == [1, 759, 2576, 759, 1]
    assert not (code @ code.T % 2).any()  # self-orthogonal with 2^12 words, hence linear
    assert np.array_equal(code[::-1], 1 - code)


def test_octads_are_a_steiner_system() -> None:
    # S(5, 8, 24): two octads share at most 4 points, and 759 C(8, 5) = C(24, 5).
    assert octads().shape == (759, 8)
    assert all(len(set(row)) == 8 for row in octads().tolist())
    shared = golay_code()[golay_code().sum(axis=1) == 8].astype(np.int64)
    inner = shared @ shared.T
    assert set(np.unique(inner)) == {0, 2, 4, 8}


def test_sextet() -> None:
    tetrads = sextet()
    assert sorted(tetrads.ravel().tolist()) == list(range(24))
    words = {frozenset(row) for row in octads().tolist()}
    for first, second in combinations(tetrads.tolist(), 2):
        assert frozenset([*first, *second]) in words


def test_automorphisms_keep_the_code() -> None:
    words = {row.tobytes() for row in golay_code()}
    for images in automorphisms():
        assert sorted(images.tolist()) == list(range(24))
        moved = np.empty_like(golay_code())
        moved[:, images] = golay_code()
        assert {row.tobytes() for row in moved} == words


def test_leech_lines_have_the_three_shapes() -> None:
    lines = leech_lines().astype(np.int64)
    assert lines.shape == (98280, 24)
    assert ((lines**2).sum(axis=1) == 32).all()
    for part, entries, zeros in (
        (lines[:552], 4, 22),
        (lines[552 : 552 + 48576], 2, 16),
        (lines[-49152:], 1, 0),
    ):
        assert ((np.abs(part) == entries).sum(axis=1) == 24 - zeros - (zeros == 0)).all()
        assert ((part == 0).sum(axis=1) == zeros).all()
    # Conway's description: all coordinates m mod 2, the sum 4m mod 8, and for each k the places
    # of the coordinates that are k mod 4 form a word.
    parity = lines[:, 0] % 2
    assert (lines % 2 == parity[:, None]).all()
    assert (lines.sum(axis=1) % 8 == 4 * parity).all()
    words = {row.tobytes() for row in golay_code()}
    residues = (lines - parity[:, None]) % 4 // 2
    assert {row.tobytes() for row in residues.astype(np.int8)} <= words


def test_leech_against_some_of_its_lines() -> None:
    # All pairs take 20 s; every line is like every other, and here are 300 against all.
    lines = leech_lines().astype(np.float32)  # exact: inner products are at most 32
    chosen = np.random.default_rng(0).choice(98280, 300, replace=False)
    inner = np.abs(lines[chosen] @ lines.T)
    assert (inner[np.arange(300), chosen] == 32).all()
    inner[np.arange(300), chosen] = 0
    # The number of lines at each inner product, from the theta series.
    for value, expected in ((16, 4600), (8, 47104), (0, 46576)):
        assert ((inner == value).sum(axis=1) == expected).all()


def test_leech_is_tight() -> None:
    lines = leech_lines().astype(np.int64)
    assert np.array_equal(lines.T @ lines, 98280 * 32 // 24 * np.eye(24, dtype=np.int64))
    assert Leech(24).tight


def test_leech_rows() -> None:
    chosen = np.random.default_rng(1).integers(0, 98280, 50)
    rows = Leech(24).rows(chosen)
    assert np.array_equal(rows.values, leech_lines()[chosen])
    assert (rows.squared_norms == 32).all()
    assert (Leech(24).dim, Leech(24).count, Leech(24).coherence) == (24, 98280, eps("1/2"))
    assert Leech(24).section() is None
    assert Leech(24).peak_square == int(np.abs(leech_lines()).max()) ** 2 / 32


def test_leech_by_symmetry() -> None:
    found = Leech(24).orbit_check()
    assert found is not None
    assert found.holds
    assert found.whole
    assert found.pairs == 98280 * 98279 // 2
    assert Leech(23).orbit_check() is None


def swapped_sign(lines: NDArray[np.int8]) -> None:
    lines[5000, np.flatnonzero(lines[5000])[0]] *= -1


def repeated(lines: NDArray[np.int8]) -> None:
    lines[5000] = -lines[0]


@pytest.mark.parametrize("breaking", [swapped_sign, repeated])
def test_orbit_check_sees_a_broken_line(breaking: object, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = leech_lines().copy()
    assert callable(breaking)
    breaking(broken)
    monkeypatch.setattr(leech, "leech_lines", lambda: broken)
    found = Leech(24).orbit_check()
    assert found is not None
    assert not found.holds


def test_orbit_check_needs_every_symmetry(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without Conway's symmetry the three shapes stay apart.
    symmetries = leech._symmetries()
    monkeypatch.setattr(leech, "_symmetries", lambda: symmetries[:-1])
    found = Leech(24).orbit_check()
    assert found is not None
    assert not found.holds


def test_counts_of_sections() -> None:
    for dimension, count in LAMINATED.items():
        assert Leech(dimension).count == count
    for dimension, count in {**THIRDS, **LOW_THIRDS}.items():
        assert LeechDifferences(dimension, 3).count == count
    for dimension, count in EQUIANGULAR.items():
        assert LeechDifferences(dimension, 5).count == count


@pytest.mark.parametrize("packing", SECTIONS, ids=IDS)
def test_section_is_exact(packing: Packing) -> None:
    section = packing.section()
    assert section is not None
    rows = integral(packing)
    assert len(rows) == packing.count
    assert section.normals.shape == (24 - packing.dim, 24)
    assert np.linalg.matrix_rank(section.normals.astype(np.float64)) == 24 - packing.dim
    assert not (rows @ section.normals.T).any()
    norms = (rows**2).sum(axis=1)
    assert np.array_equal(norms, section.rows.squared_norms)
    assert len(np.unique(norms)) == 1
    # Plain all pairs where they are few; a sample against all for the large ones.
    chosen = np.arange(0, packing.count, max(1, packing.count // 1000))
    wide = rows.astype(np.float32)  # exact: inner products are at most 96
    inner = np.abs(wide[chosen] @ wide.T)
    inner[np.arange(len(chosen)), chosen] = 0
    assert eps(f"{int(inner.max())}/{norms[0]}") == packing.coherence
    if packing.coherence == eps("1/5"):
        assert set(np.unique(inner)) == {0, 16}


@pytest.mark.parametrize("packing", SECTIONS, ids=IDS)
def test_tightness(packing: Packing) -> None:
    # F = sum of v v^T is c times the projection on d dimensions iff F^2 = c F, c = tr F / d.
    rows = integral(packing)
    frame = rows.T @ rows
    tight = np.array_equal(packing.dim * (frame @ frame), np.trace(frame) * frame)
    assert packing.tight == tight


@pytest.mark.parametrize("packing", [p for p in SECTIONS if p.count <= 3000])
def test_rows_have_the_gram_matrix_of_the_section(packing: Packing) -> None:
    whole = packing.rows(np.arange(packing.count))
    assert whole.values.shape == (packing.count, packing.dim)
    assert (whole.squared_norms == 0).all()
    rows = integral(packing)
    expected = rows @ rows.T / (rows[0] @ rows[0])
    # The frame is orthonormal to a few dozen units of rounding, entries of rows as well.
    unit = whole.unit()
    assert np.abs(unit @ unit.T - expected).max() <= 400 * 2.0**-53
    chosen = np.random.default_rng(packing.count).integers(0, packing.count, 20)
    some = packing.rows(chosen).values
    # Another number of rows may add the products in another order.
    assert np.abs(some - whole.values[chosen]).max() <= 100 * 2.0**-53


@pytest.mark.parametrize("dimension", [21, 22, 23])
def test_sign_matrices_of_tight_frames(dimension: int) -> None:
    packing = LeechDifferences(dimension, 5)
    signs = packing.sign_matrix()
    assert signs is not None
    rows = integral(packing)
    assert np.array_equal(rows @ rows.T, 80 * np.eye(len(rows), dtype=np.int64) + 16 * signs)
    # The smaller eigenvalue is -5, the product of both 1 - N.
    wide = signs.astype(np.int64)
    other = (packing.count - 1) // 5
    identity = np.eye(packing.count, dtype=np.int64)
    assert np.array_equal(wide @ wide, (other - 5) * wide + (packing.count - 1) * identity)


def test_other_members_have_no_sign_matrix() -> None:
    assert LeechDifferences(20, 5).sign_matrix() is None
    assert LeechDifferences(23, 3).sign_matrix() is None


@pytest.mark.parametrize(
    "packing", [Leech(12), Leech(16), LeechDifferences(23, 3), LeechDifferences(23, 5)]
)
def test_certificates(packing: Packing) -> None:
    finding = certificate(packing, packing.coherence).check()
    assert finding.holds
    assert finding.level is Level.ALL_PAIRS
    assert finding.largest == packing.coherence


def test_candidates() -> None:
    assert list(Leech.candidates(11, eps("1/2"))) == [Leech(9), Leech(10), Leech(11)]
    assert list(Leech.candidates(100, eps("0.49"))) == []
    assert len(list(Leech.candidates(24, eps("0.6")))) == 16
    fifths = {LeechDifferences(dimension, 5) for dimension in EQUIANGULAR}
    assert set(LeechDifferences.candidates(500, eps("0.2"))) == fifths
    assert set(LeechDifferences.candidates(19, eps("1/3"))) == {
        *(packing for packing in fifths if packing.dim <= 19),
        *(LeechDifferences(d, 3) for d in [*THIRDS, *LOW_THIRDS] if d <= 19),
    }
    assert list(LeechDifferences.candidates(23, eps("0.19"))) == []
    for family in (Leech, LeechDifferences):
        frames = list(family.tight_frames(1000))
        assert frames
        assert all(frame.tight and frame.count <= 1000 for frame in frames)
        for packing in family.examples():
            assert packing.count**2 * packing.dim <= 2e9


def test_texts() -> None:
    for packing in [Leech(24), *SECTIONS]:
        assert packing.proof.endswith(".")
        assert "\n" not in packing.words() + packing.proof
        assert str(packing.count) in packing.words()
        assert packing.recipe()["dimension"] == packing.dim


def test_bad_parameters() -> None:
    for dimension in (8, 25):
        with pytest.raises(
            ValueError, match=rf"^`dimension` must lie in \[9, 24\]; got {dimension}\.$"
        ):
            Leech(dimension)
    with pytest.raises(ValueError, match=r"^`reciprocal` must be 3 or 5; got 4\.$"):
        LeechDifferences(23, 4)
    for dimension in (7, 13, 24):
        allowed = r"be 8, 11 or lie in \[14, 23\] at 1/3"
        with pytest.raises(ValueError, match=rf"^`dimension` must {allowed}; got {dimension}\.$"):
            LeechDifferences(dimension, 3)
    for dimension in (15, 24):
        allowed = r"lie in \[16, 23\] at 1/5"
        with pytest.raises(ValueError, match=rf"^`dimension` must {allowed}; got {dimension}\.$"):
            LeechDifferences(dimension, 5)
