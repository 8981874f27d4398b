"""Block designs with Hadamard rows: v(v - 1)/(k - 1) lines in R^v at 1/k, or a few more.

A 2-(v, k, 1) design, or Steiner system S(2, k, v), has v points and blocks of k of them, any two
points in exactly one block. Two blocks meet in at most one point, so with the rows of a Hadamard
matrix on each block's points, vectors on different blocks have inner products of at most 1/k.

Which designs are worth a search: affine planes (v = k^2) have as many lines as nets with
filled columns; from v = 2k^2 on, chirps have more lines, except for k = 3; for k a power of two,
or one less, the Kerdock set in R^(k^2) has more (it beats Denniston's maximal arcs, v = k(2k - 1)).
No other design with a Hadamard matrix of order k or k + 1 is known here, so triples and the
projective planes with a Hadamard matrix of order q + 1 are left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import hadamard, steiner_systems
from geometry.constructions.field import prime_powers
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["BlockDesign"]

# Triples: above 21 points, the Leech lattice's lines at 1/3 in R^22 and R^23 are more.
_LISTED = ((13, 3), (15, 3), (19, 3), (21, 3), (91, 7))


@dataclass(frozen=True)
class BlockDesign(Packing):
    """Hadamard rows of `order` on each block of a 2-(`points`, `block`, 1) design.

    `order` is `block`, or `block` + 1: then one column of the Hadamard matrix is dropped. Planes
    of order q have q + 1 points on a line; nets fill their columns and have fewer.
    """

    points: int
    block: int
    order: int

    name: ClassVar[str] = "block design"
    reference: ClassVar[str] = "Bose 1939"

    def __post_init__(self) -> None:
        """Raise ValueError unless there are such a design and such a Hadamard matrix."""
        if self.block < 3 or not steiner_systems.exists(self.points, self.block):
            raise ValueError(
                f"(`points`, `block`) must be the size of a Steiner system with blocks of 3 or "
                f"more; got ({self.points}, {self.block})."
            )
        if self.order - self.block not in (0, 1) or not hadamard.is_constructible(self.order):
            raise ValueError(
                f"`order` must be {self.block} or {self.block + 1} and that of a Hadamard "
                f"matrix; got {self.order}."
            )

    @property
    def dim(self) -> int:
        """`points`."""
        return self.points

    @property
    def _number(self) -> int:
        return self.points * (self.points - 1) // (self.block * (self.block - 1))

    @property
    def count(self) -> int:
        """`order` for each of the v(v - 1)/(k(k - 1)) blocks."""
        return self._number * self.order

    @property
    def coherence(self) -> Cosine:
        """1/`block`."""
        return Cosine.ratio(Fraction(1, self.block))

    @property
    def peak_square(self) -> Fraction:
        """1/`block`."""
        return Fraction(1, self.block)

    @property
    def tight(self) -> bool:
        """Columns of a Hadamard matrix are orthogonal, and every point is in as many blocks."""
        return True

    @property
    def proof(self) -> str:
        """Two blocks meet in at most one point."""
        return (
            "Two points lie in one block (Bose 1939; Skolem 1958; Wilson 1972), so two blocks meet "
            "in at most one point, and on one block rows of a Hadamard matrix less at most one "
            "column have inner products of at most 1."
        )

    def words(self) -> str:
        """The recipe in words."""
        less = " less a column" if self.order > self.block else ""
        return (
            f"Steiner system of {self.points} points in {self._number} blocks of {self.block}, "
            f"Hadamard rows of order {self.order} ({hadamard.words(self.order)}){less} on each"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line b * `order` + i is row i of the Hadamard matrix on block b.

        The table of blocks is held, k entries for each of the b.
        """
        block, sign = np.divmod(indices, self.order)
        values = np.zeros((len(indices), self.dim), np.int8)
        places = steiner_systems.blocks(self.points, self.block)[block]
        values[np.arange(len(indices))[:, None], places] = self._signs()[sign]
        return Rows(values, np.full(len(indices), self.block, np.int64))

    def _signs(self) -> NDArray[np.int8]:
        """The rows `[order, block]` that each block carries."""
        return hadamard.matrix(self.order)[:, self.order - self.block :]

    def orbit_check(self) -> OrbitCheck:
        """Whether no two points are in two blocks: then no two blocks have two points in common.

        The pairs of points of all blocks are counted, O(v^2), and the products of the Hadamard
        rows are computed.
        """
        listed = steiner_systems.blocks(self.points, self.block)
        codes = listed[:, :, None] * self.points + listed[:, None, :]
        met = np.bincount(codes.ravel(), minlength=self.points**2).reshape(self.points, -1)
        np.fill_diagonal(met, 0)
        apart = int(met.max()) == 1
        signs = self._signs().astype(np.int64)
        off = np.abs(signs @ signs.T - self.block * np.eye(self.order, dtype=np.int64)).max()
        sized = listed.shape == (self._number, self.block)
        return OrbitCheck(
            apart and sized and int(off) <= self.order - self.block,
            self.pairs,
            f"each of {self.points} points shares at most one of the {self._number} blocks with "
            f"any other; {self.order} Hadamard rows on {self.block} points",
        )

    @classmethod
    def _members(cls, most_points: int) -> Iterator[Self]:
        for points, block in _LISTED:
            yield cls(points, block, block + 1)
        for q in prime_powers(math.isqrt(max(most_points, 4))):
            points = q * q + q + 1
            if points <= most_points and hadamard.is_constructible(q + 1) and q > 2:
                yield cls(points, q + 1, q + 1)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Triples of up to 21 points, blocks of seven of 91, and the projective planes that fit."""
        for packing in cls._members(max_dim):
            if packing.dim <= max_dim and packing.coherence <= eps:
                yield packing

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The same."""
        for packing in cls._members(most_lines):
            if packing.count <= most_lines:
                yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Triples by Skolem and by Bose, and blocks of seven."""
        return cls(13, 3, 4), cls(15, 3, 4), cls(91, 7, 8)
