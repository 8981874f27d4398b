"""Tremain's frames: (v + 1)(v + 2)/2 equiangular lines in (v + 2)(v + 3)/6 dimensions.

They extend the Steiner frame of a triple system on v points. With r = (v - 1)/2, Hadamard
matrices H of order r + 1 and K of order v + 1, and coordinates for the triples, for one point
more and for each of the v points, the lines, of squared norm v + 3, are

    (p, h)    sqrt(2) H_h on the r triples through p, but 2 H_h0 on p's own coordinate;
    (inf, h)  K_h on the v points' coordinates, but sqrt(3) K_h0 on the extra one.

For v = 2^t - 1 they are the points of F_2^(2t) where a quadratic form of plus type is 0, with the
signs of the symplectic form.
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
from geometry.constructions.admissible import least_reciprocal
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["TremainFrame"]


def _is_allowed(points: int) -> bool:
    return steiner_systems.exists(points, 3) and hadamard.is_constructible((points + 1) // 2)


@dataclass(frozen=True)
class TremainFrame(Packing):
    """The equiangular tight frame of a Steiner triple system on `points` points and one more."""

    points: int

    name: ClassVar[str] = "Tremain frame"
    reference: ClassVar[str] = "Fickus, Jasper, Mixon and Peterson 2018"

    def __post_init__(self) -> None:
        """Raise ValueError unless the triples and a Hadamard matrix for a point's lines exist."""
        if not _is_allowed(self.points):
            raise ValueError(
                "`points` must be 1 or 3 mod 6, at least 3, and (`points` + 1)/2 the order of a "
                f"Hadamard matrix; got {self.points}."
            )

    @property
    def repeats(self) -> int:
        """r = (`points` - 1)/2, the triples on a point."""
        return (self.points - 1) // 2

    @property
    def triples(self) -> int:
        """The number of triples."""
        return self.points * (self.points - 1) // 6

    @property
    def dim(self) -> int:
        """(`points` + 2)(`points` + 3)/6."""
        return self.triples + self.points + 1

    @property
    def count(self) -> int:
        """(`points` + 1)(`points` + 2)/2."""
        return (self.points + 1) * (self.points + 2) // 2

    @property
    def coherence(self) -> Cosine:
        """2/(`points` + 3), the relative bound."""
        return Cosine.ratio(Fraction(2, self.points + 3))

    @property
    def peak_square(self) -> Fraction:
        """4/(`points` + 3)."""
        return Fraction(4, self.points + 3)

    @property
    def tight(self) -> bool:
        """Equality in the relative bound."""
        return True

    @property
    def proof(self) -> str:
        """Two points share one triple, and the added coordinates turn signs."""
        return (
            "Two points lie in one triple, where their rows have product +-2; on one point the "
            "inner product is 4 - 2 = 2 up to sign, on the point added 3 - 1, and of the two kinds "
            "2 * 1; squared norms are v + 3 (Fickus, Jasper, Mixon and Peterson 2018)."
        )

    def words(self) -> str:
        """The recipe in words."""
        order = self.repeats + 1
        return (
            f"Tremain's equiangular tight frame on {self.points} points in {self.triples} triples "
            f"and one point more, Hadamard rows of orders {order} ({hadamard.words(order)}) and "
            f"{2 * order}"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line p(r + 1) + h is (p, h); the v + 1 lines (inf, h) follow. The extra point is first.

        Coordinates: the triples, the extra point, the points.
        """
        order = self.repeats + 1
        on, _ = steiner_systems.through(self.points, 3)
        scale = 1 / math.sqrt(self.points + 3)
        values = np.zeros((len(indices), self.dim))
        added = indices >= self.points * order
        place = np.flatnonzero(~added)
        point, sign = np.divmod(indices[place], order)
        signs = hadamard.matrix(order)[sign]
        values[place[:, None], on[point]] = math.sqrt(2) * scale * signs[:, 1:]
        values[place, self.triples + 1 + point] = 2 * scale * signs[:, 0]
        signs = hadamard.rows(2 * order, indices[added] - self.points * order)
        values[added, self.triples :] = scale * signs
        values[added, self.triples] *= math.sqrt(3)
        return Rows.floating(values)

    def sign_matrix(self) -> NDArray[np.int8]:
        """Products of the two signs that lines have on the coordinate that they share.

        On one point that is its own coordinate, which outweighs the others. O(count^2).
        """
        order = self.repeats + 1
        _, meeting = steiner_systems.through(self.points, 3)
        # Entry (line, point): the line's sign on the coordinate it shares with that point's lines.
        own = np.empty((self.count, self.points + 1), np.int8)
        kept = self.points * order
        towards = hadamard.matrix(order)[:, meeting].swapaxes(0, 1)
        own[:kept, 1:] = towards.reshape(kept, self.points)
        own[:kept, 0] = np.tile(hadamard.matrix(order)[:, 0], self.points)
        own[kept:] = hadamard.rows(2 * order, np.arange(2 * order))
        point = np.concatenate(
            [np.repeat(np.arange(1, self.points + 1), order), np.zeros(2 * order, np.int64)]
        )
        half = own[:, point]
        values = half * half.T
        np.fill_diagonal(values, 0)
        return values

    def orbit_check(self) -> OrbitCheck:
        """Any two points in one triple, counted, and both Hadamard matrices: O(v^3).

        The inner products of each kind of pairs, times v + 3, are then the integers of `proof`.
        """
        order = self.repeats + 1
        small = hadamard.matrix(order).astype(np.float64)
        large = hadamard.rows(2 * order, np.arange(2 * order)).astype(np.float64)
        holds = steiner_systems.holds(self.points, 3)
        for signs, rest, first in ((small, 2, 4), (large, 1, 3)):
            weights = np.full(len(signs), rest)
            weights[0] = first
            gram = (signs * weights) @ signs.T
            norms = gram.diagonal().copy()
            np.fill_diagonal(gram, 2)
            holds &= bool((np.abs(signs) == 1).all() and (np.abs(gram) == 2).all())
            holds &= bool((norms == self.points + 3).all())
        return OrbitCheck(
            holds,
            self.pairs,
            f"any two of {self.points} points lie in one of {self.triples} triples, counted; "
            f"{order} weighted Hadamard rows on each point and {2 * order} on the one added",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every member that fits."""
        least = least_reciprocal(eps)
        if least is None:
            return
        top = math.isqrt(6 * max(max_dim, 0))  # (v + 2)(v + 3) <= 6 max_dim
        for points in range(max(3, 2 * least - 3), top - 1):
            if points % 2 and _is_allowed(points) and cls(points).dim <= max_dim:
                yield cls(points)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Every member with that few lines."""
        for points in range(3, math.isqrt(2 * max(most_lines, 0)) + 1, 2):
            if _is_allowed(points) and cls(points).count <= most_lines:
                yield cls(points)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """3, 15 and 39 points."""
        return cls(3), cls(15), cls(39)
