"""Steiner frames: v(r + 1) equiangular lines in R^b at 1/r from a Steiner system S(2, k, v).

Coordinates are the b blocks. Each of the v points carries the rows of a Hadamard matrix of order
r + 1 less its first column, on the r blocks through the point.

The pairs of v = 2^t points give the frame of the matrix (-1)^Q(x + y) on F_2^(2t), Q a quadratic
form; the lines of PG(t - 1, 2), which are triples, give that of the points of F_2^(2t) where a
form of plus type is 1, signs being those of the symplectic form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import hadamard, steiner_systems
from geometry.constructions.admissible import least_reciprocal
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["SteinerFrame"]


@dataclass(frozen=True)
class SteinerFrame(Packing):
    """The equiangular tight frame of a Steiner system: `points` points in blocks of `block`."""

    points: int
    block: int

    name: ClassVar[str] = "Steiner frame"
    reference: ClassVar[str] = "Fickus, Mixon and Tremain 2012"

    def __post_init__(self) -> None:
        """Raise ValueError unless the system and the Hadamard matrix of order r + 1 exist here."""
        if self.block < 2 or not steiner_systems.exists(self.points, self.block):
            raise ValueError(
                "(`points`, `block`) must be the size of a Steiner system that "
                f"`steiner_systems` makes; got ({self.points}, {self.block})."
            )
        if self.repeats < 3 or not hadamard.is_constructible(self.repeats + 1):
            raise ValueError(
                "(`points` - 1)/(`block` - 1) + 1 must be at least 4 and the order of a Hadamard "
                f"matrix; got {self.repeats + 1}."
            )

    @property
    def repeats(self) -> int:
        """r = (`points` - 1)/(`block` - 1), the blocks on a point."""
        return (self.points - 1) // (self.block - 1)

    @property
    def dim(self) -> int:
        """The number of blocks."""
        return self.points * self.repeats // self.block

    @property
    def count(self) -> int:
        """`points` * (r + 1)."""
        return self.points * (self.repeats + 1)

    @property
    def coherence(self) -> Cosine:
        """1/r, the relative bound."""
        return Cosine.ratio(Fraction(1, self.repeats))

    @property
    def peak_square(self) -> Fraction:
        """1/r."""
        return Fraction(1, self.repeats)

    @property
    def tight(self) -> bool:
        """Equality in the relative bound."""
        return True

    @property
    def proof(self) -> str:
        """Two points share one block."""
        return (
            "Two points lie in one block, where their rows have product +-1, and on one point rows "
            "of a Hadamard matrix less a column have inner product +-1 (Fickus, Mixon and Tremain "
            "2012)."
        )

    def words(self) -> str:
        """The recipe in words."""
        order = self.repeats + 1
        return (
            f"the Steiner equiangular tight frame of {self.points} points in {self.dim} blocks of "
            f"{self.block}, Hadamard rows of order {order} ({hadamard.words(order)}) less a column "
            "on each point"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line p(r + 1) + h is row h on the blocks through point p."""
        on, _ = steiner_systems.through(self.points, self.block)
        point, sign = np.divmod(indices, self.repeats + 1)
        values = np.zeros((len(indices), self.dim), np.int8)
        signs = hadamard.matrix(self.repeats + 1)[:, 1:]
        values[np.arange(len(indices))[:, None], on[point]] = signs[sign]
        return Rows(values, np.full(len(indices), self.repeats, np.int64))

    def sign_matrix(self) -> NDArray[np.int8]:
        """Products of the two signs that the lines have on the block their points share.

        On one point it is minus the product of the dropped entries. O(count^2).
        """
        order = self.repeats + 1
        _, meeting = steiner_systems.through(self.points, self.block)
        # Entry (p, h, p'): the sign of line (p, h) on the block that p and p' share.
        towards = hadamard.matrix(order)[:, meeting].swapaxes(0, 1)
        half = np.repeat(towards.reshape(self.count, self.points), order, axis=1)
        values = half * half.T
        for first in range(0, self.count, order):
            values[first : first + order, first : first + order] *= -1
        np.fill_diagonal(values, 0)
        return values

    def orbit_check(self) -> OrbitCheck:
        """Any two points in one block, counted, and the Hadamard matrix: O(b k^2 + r^3).

        The lines of two points then meet in one entry +-1 each, and all lines of one point are
        the same rows.
        """
        order = self.repeats + 1
        matrix = hadamard.matrix(order).astype(np.float64)
        orthogonal = np.array_equal(matrix @ matrix.T, order * np.eye(order))
        signs = bool((np.abs(matrix) == 1).all())
        return OrbitCheck(
            orthogonal and signs and steiner_systems.holds(self.points, self.block),
            self.pairs,
            f"any two of {self.points} points lie in one of {self.dim} blocks, counted; {order} "
            f"Hadamard rows on each point",
        )

    @classmethod
    def _members(cls, most_blocks: int) -> Iterator[Self]:
        for points, block in steiner_systems.sizes(most_blocks):
            if hadamard.is_constructible((points - 1) // (block - 1) + 1):
                yield cls(points, block)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every member that fits."""
        least = least_reciprocal(eps)
        if least is not None:
            yield from (one for one in cls._members(max_dim) if one.repeats >= least)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Every member with that few lines."""
        yield from (one for one in cls._members(most_lines) if one.count <= most_lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Pairs, triples, and blocks of five."""
        return cls(12, 2), cls(15, 3), cls(45, 5)
