"""The Leech lattice: 98280 lines in R^24 at 60 degrees, and its sections in R^9 to R^23.

In the usual scale minimal vectors have squared norm 32 and inner products 0, +-8, +-16, +-32:

(+-4, +-4, 0^22)     552 lines
(+-2^8, 0^16)      48576 lines: on the octads, with an even number of minus signs
(-3, 1^23)         49152 lines: any place of the 3, the signs then changed on a word of the code
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.golay import (
    automorphisms,
    golay_code,
    octads,
    sextet,
    signed_octads,
)
from geometry.constructions.root_systems import RootSystemD
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows, Section

__all__ = ["Leech", "leech_lines"]

_HALF = Cosine(Fraction(1, 4))
_NORM = 32
_COUNTS = {
    9: 136,
    10: 168,
    11: 219,
    12: 378,
    13: 453,
    14: 711,
    15: 1170,
    16: 2160,
    17: 2673,
    18: 3699,
    19: 5334,
    20: 8700,
    21: 13860,
    22: 24948,
    23: 46575,
    24: 98280,
}
# The sections whose lines are a tight frame: the sum of v v^T is a multiple of the projection.
_TIGHT = (12, 15, 16, 20, 21, 22, 23, 24)
# Normals on one tetrad of a sextet, each pattern ending with all four coordinates 0.
_DIFFERENCES = ((1, -1, 0, 0), (0, 1, -1, 0), (0, 0, 1, -1), (1, 1, 1, 1))
_PLACES = ((1, 0, 0, 0), (0, 1, 1, 1), (0, 1, 0, 0), (0, 0, 1, 0))
# The cycles of a permutation of order 3 that keeps the Golay code and fixes six coordinates.
_CYCLES = ((0, 1, 3), (2, 12, 4), (5, 19, 13), (6, 15, 17), (8, 11, 21), (9, 23, 18))


@lru_cache(maxsize=1)
def leech_lines() -> NDArray[np.int8]:
    """One minimal vector of each line, int8 `[98280, 24]`, in the order of the module's table."""
    pairs = 4 * RootSystemD(24).rows(np.arange(24 * 23)).values
    eights = 2 * signed_octads(octads(), 24, 0)
    # Words and their complements give opposite signs: the first 2048 words suffice.
    signs = 1 - 2 * golay_code()[:2048]
    odd = signs[:, None] * (1 - 4 * np.eye(24, dtype=np.int8))
    lines = np.concatenate([pairs, eights, odd.reshape(-1, 24)])
    lines.setflags(write=False)
    return lines


def _normals(dimension: int) -> NDArray[np.int64]:
    """Independent normals `[24 - dimension, 24]` of the section of this dimension.

    Their complements are the laminated lattices, by tetrads of a sextet. In dimension 12 the
    Coxeter-Todd lattice has more lines: the vectors that an element of order 3 of M24 with six
    fixed points keeps, that is those constant on its six cycles.
    """
    normals = np.zeros((24 - dimension, 24), np.int64)
    if dimension == 12:
        for i, (a, b, c) in enumerate(_CYCLES):
            normals[2 * i, [a, b]] = normals[2 * i + 1, [b, c]] = (1, -1)
        return normals
    patterns = (_DIFFERENCES, _PLACES, _PLACES, _DIFFERENCES)
    for i, normal in enumerate(normals):
        normal[sextet()[i // 4]] = patterns[i // 4][i % 4]
    return normals


@lru_cache(maxsize=16)
def _section(dimension: int) -> Section:
    normals = _normals(dimension)
    lines = leech_lines()
    kept = lines[~(lines @ normals.T.astype(np.int16)).any(axis=1)]
    kept.setflags(write=False)
    return Section(Rows.integral(kept), normals)


def _negated_tetrad() -> NDArray[np.int64]:
    """Twice Conway's symmetry outside 2^12:M24, `[24, 24]`.

    Each tetrad of a sextet has half its sum taken off every entry; the first changes sign too.
    """
    twice = 2 * np.eye(24, dtype=np.int64)
    for tetrad in sextet():
        twice[np.ix_(tetrad, tetrad)] -= 1
    twice[:, sextet()[0]] *= -1
    return twice


def _symmetries() -> list[NDArray[np.int64]]:
    """Twice the matrices of some isometries of the lattice, each `[24, 24]`: rows v go to v A / 2.

    Permutations, the sign change on a word of the Golay code, and Conway's symmetry.
    """
    identity = np.eye(24, dtype=np.int64)
    signs = 1 - 2 * golay_code()[1].astype(np.int64)
    moved = [2 * identity[np.argsort(images)].T for images in automorphisms()]
    return [*moved, 2 * np.diag(signs), _negated_tetrad()]


def _upward(lines: NDArray[np.int16]) -> NDArray[np.int16]:
    """Each row `[n, 24]` or its negative, whichever has a positive first entry that is not 0."""
    first = np.take_along_axis(lines, (lines != 0).argmax(axis=1)[:, None], axis=1)
    return lines * np.sign(first)


def _keys(lines: NDArray[np.int16]) -> NDArray[np.uint64]:
    """The rows `[n, 24]` read in base 9, modulo 2^64."""
    places = np.uint64(9) ** np.arange(24, dtype=np.uint64)
    return np.asarray(lines.astype(np.uint64) @ places)


def _images(lines: NDArray[np.int16], twice: NDArray[np.int64]) -> Indices | None:
    """Where the isometry `twice`/2 carries each of the `lines` `[n, 24]`; None if out of them.

    `lines` are `_upward`.
    """
    # float32 products are fast, and exact for integers so small.
    doubled = _upward((lines.astype(np.float32) @ twice.astype(np.float32)).astype(np.int16))
    keys = _keys(lines)
    order = np.argsort(keys)
    found = np.searchsorted(keys, _keys(doubled // 2), sorter=order)
    images = order[np.minimum(found, len(lines) - 1)]
    # Equal keys only propose an image: the rows themselves decide.
    return images if np.array_equal(2 * lines[images], doubled) else None


@dataclass(frozen=True)
class Leech(Packing):
    """The lines of the Leech lattice, `dimension` = 24, or of its section in R^`dimension`.

    The sections are the laminated lattices and, in dimension 12, the Coxeter-Todd lattice: the
    lattices with the most minimal vectors known in each dimension.
    """

    dimension: int

    name: ClassVar[str] = "Leech lattice"
    reference: ClassVar[str] = "Leech 1967"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` lies in [9, 24]."""
        if self.dimension not in _COUNTS:
            raise ValueError(f"`dimension` must lie in [9, 24]; got {self.dimension}.")

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """98280 in dimension 24, 46575 in 23, ..., 136 in 9."""
        return _COUNTS[self.dimension]

    @property
    def coherence(self) -> Cosine:
        """1/2."""
        return _HALF

    @property
    def peak_square(self) -> Fraction:
        """1/2 in the whole lattice; no bound is kept for the coordinates of sections."""
        return Fraction(1, 2) if self.dimension == 24 else Fraction(1)

    @property
    def tight(self) -> bool:
        """Whether the minimal vectors are a tight frame of their space."""
        return self.dimension in _TIGHT

    @property
    def proof(self) -> str:
        """No difference of minimal vectors is shorter than they are."""
        return (
            "Two minimal vectors that are not parallel differ by no shorter vector, and so do one "
            "and the other's negative, so their |cos| is at most 1/2 (Leech 1967; Conway and "
            "Sloane 1988, chapters 4 and 6)."
        )

    def words(self) -> str:
        """The recipe in words."""
        lattice = "Leech lattice"
        if self.dimension == 12:
            lattice = "Coxeter-Todd lattice, a section of the Leech lattice"
        elif self.dimension < 24:
            lattice = f"laminated lattice of dimension {self.dimension}, a section of the {lattice}"
        return f"the {self.count} lines of minimal vectors of the {lattice}"

    def rows(self, indices: Indices) -> Rows:
        """Integral with squared norm 32 in R^24; float64 in a section."""
        if self.dimension < 24:
            return _section(self.dimension).within(indices)
        return Rows(leech_lines()[indices], np.full(len(indices), _NORM, np.int64))

    def section(self) -> Section | None:
        """Minimal vectors orthogonal to 24 - `dimension` normals; None for the whole lattice."""
        return _section(self.dimension) if self.dimension < 24 else None

    def orbit_check(self) -> OrbitCheck | None:
        """Symmetries that carry line 0 to every line, then line 0 against all others.

        Each symmetry is checked to be an isometry and to permute the lines. Comparing every pair
        takes fifty times as long. None for the sections.
        """
        if self.dimension < 24:
            return None
        lines = _upward(leech_lines().astype(np.int16))
        symmetries = _symmetries()
        identity = np.eye(24, dtype=np.int64)
        holds = all(np.array_equal(twice @ twice.T, 4 * identity) for twice in symmetries)
        images = [_images(lines, twice) for twice in symmetries]
        moves = [image for image in images if image is not None]
        reached = np.zeros(len(lines), bool)
        frontier = np.zeros(1, np.int64)
        while len(frontier):
            reached[frontier] = True
            following = np.zeros(len(lines), bool)
            for image in moves:
                following[image[frontier]] = True
            frontier = np.flatnonzero(following & ~reached)
        holds &= len(moves) == len(symmetries) and bool(reached.all())
        holds &= bool((np.einsum("nd,nd->n", lines, lines) == _NORM).all())  # below 2^15
        largest = int(np.abs(lines[1:] @ lines[0]).max())
        return OrbitCheck(
            holds and Cosine.ratio(Fraction(largest, _NORM)) == self.coherence,
            self.pairs,
            f"one line against all others, after {len(moves)} symmetries of the lattice were seen "
            "to carry it to every line",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every dimension that fits."""
        if eps >= _HALF:
            yield from (cls(dimension) for dimension in range(9, min(max_dim, 24) + 1))

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The tight ones that are small enough."""
        yield from (cls(dimension) for dimension in _TIGHT if _COUNTS[dimension] <= most_lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The Coxeter-Todd lattice and two laminated ones."""
        return cls(12), cls(15), cls(20)
