"""Block designs with Hadamard rows: v(v - 1)/(k - 1) lines in R^v at 1/k, and more.

A 2-(v, k, 1) design has v points and blocks of k of them, any two points in exactly one block. Two
blocks meet in at most one point, so with the rows of a Hadamard matrix on each block's
points, vectors on different blocks have inner products of at most 1/k.

Planes are designs too, but nets with filled columns have as many lines, and from v = 2k^2 on
chirps have more, except for k = 3. What is left, by the source of the blocks:

triples     k = 3, v = 13, 15, 19, 21 (Bose 1939; Skolem 1958): above, the Leech lattice has more
maximal arc v = k(2k - 1), k = 2^a: the points with Q(x, y) in A of the affine plane over GF(2k),
            Q an irreducible quadratic form, A a subgroup of order k of the field (Denniston 1969)
translates  of starter blocks by the additive group of GF(v), or of GF(13) x GF(7)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import hadamard, steiner_systems
from geometry.constructions.field import field
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["BlockDesign", "design"]

Blocks = NDArray[np.int64]

_CHUNK = 1 << 22  # entries handled at once
_LARGEST_BLOCK = 256  # of a maximal arc: 130816 points

# (v, k): starter blocks in GF(v), whose differences are all non-zero elements, once each.
_STARTERS: dict[tuple[int, int], tuple[tuple[int, ...], ...]] = {
    (25, 4): ((0, 1, 11, 18), (0, 8, 24, 3)),  # 0 and the cubic roots of unity, and a multiple
}
_FROM_STEINER = ((13, 3), (15, 3), (19, 3), (21, 3), (91, 7))


def _is_arc(points: int, block: int) -> bool:
    return (
        4 <= block <= _LARGEST_BLOCK
        and block & (block - 1) == 0
        and points == block * (2 * block - 1)
    )


def _maximal_arc(block: int) -> Blocks:
    """The lines that meet a maximal arc of degree `block` in the plane over GF(2 `block`).

    Q(x, y) = x^2 + t xy + y^2 is irreducible when 1/t has trace 1; the elements below `block` are
    a subgroup. Of the k(2k - 1) points, (0, 0) and 2k + 1 for each non-zero value of Q, a line has
    k or none; the line at infinity has none. O(k^3).
    """
    gf = field(2 * block)
    middle = gf.inverse(int(np.flatnonzero(gf.trace == 1)[0]))
    squares = gf.multiply(gf.elements, gf.elements)
    x, y = gf.elements[:, None], gf.elements
    crossed = gf.multiply(middle, gf.multiply(x, y))
    inside = gf.add(gf.add(squares[:, None], squares), crossed) < block
    number = np.cumsum(inside).reshape(inside.shape) - 1
    vertical = np.flatnonzero(inside.any(axis=1))
    found = [number[vertical][inside[vertical]].reshape(-1, block)]
    for slope in gf.elements:
        heights = gf.add(gf.multiply(slope, gf.elements), gf.elements[:, None])
        on = inside[gf.elements, heights]
        met = np.flatnonzero(on.any(axis=1))
        places = number[gf.elements, heights[met]]
        found.append(places[on[met]].reshape(-1, block))
    return np.concatenate(found)


@lru_cache(maxsize=4)
def design(points: int, block: int) -> Blocks:
    """The blocks `[b, block]` of the design, points numbered from 0; read-only. O(b block).

    Raises ValueError when no construction here gives it.
    """
    if (points, block) in _FROM_STEINER:
        return steiner_systems.blocks(points, block)
    if (points, block) in _STARTERS:
        gf = field(points)
        starters = np.array(_STARTERS[points, block])
        made = gf.add(starters[:, None, :], gf.elements[:, None]).reshape(-1, block)
    elif _is_arc(points, block):
        made = _maximal_arc(block)
    else:
        raise ValueError(
            f"(`points`, `block`) must be the size of a design listed in `block_designs`; "
            f"got ({points}, {block})."
        )
    made.setflags(write=False)
    return made


@dataclass(frozen=True)
class BlockDesign(Packing):
    """Hadamard rows of `order` on each block of a 2-(`points`, `block`, 1) design.

    `order` is `block`, or `block` + 1: then one column of the Hadamard matrix is dropped.
    """

    points: int
    block: int
    order: int

    name: ClassVar[str] = "block design"
    reference: ClassVar[str] = "Denniston 1969"

    def __post_init__(self) -> None:
        """Raise ValueError unless there are such a design and such a Hadamard matrix."""
        sizes = (self.points, self.block)
        if not (sizes in _FROM_STEINER or sizes in _STARTERS or _is_arc(*sizes)):
            raise ValueError(
                f"(`points`, `block`) must be the size of a design listed in `block_designs`; "
                f"got ({self.points}, {self.block})."
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
        source = "the blocks cover every pair of points once"
        if _is_arc(self.points, self.block):
            source = "they are lines of a plane, cut by a maximal arc: Denniston 1969"
        return (
            f"Two blocks of the design meet in at most one point ({source}), and on one block rows "
            f"of a Hadamard matrix less at most one column have inner products of at most 1."
        )

    def words(self) -> str:
        """The recipe in words."""
        kind = "design"
        if self.block == 3:
            kind = "Steiner triple system"
        elif _is_arc(self.points, self.block):
            kind = "Denniston's design"
        less = " less a column" if self.order > self.block else ""
        return (
            f"{kind} of {self.points} points in {self._number} blocks of {self.block}, Hadamard "
            f"rows of order {self.order} ({hadamard.words(self.order)}){less} on each"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line b * `order` + i is row i of the Hadamard matrix on block b.

        The table of blocks is held, k entries for each of the b.
        """
        block, sign = np.divmod(indices, self.order)
        values = np.zeros((len(indices), self.dim), np.int8)
        places = design(self.points, self.block)[block]
        values[np.arange(len(indices))[:, None], places] = self._signs()[sign]
        return Rows(values, np.full(len(indices), self.block, np.int64))

    def _signs(self) -> NDArray[np.int8]:
        """The rows `[order, block]` that each block carries."""
        return hadamard.matrix(self.order)[:, self.order - self.block :]

    def orbit_check(self) -> OrbitCheck:
        """Whether no two points are in two blocks: then no two blocks have two points in common.

        For each point, the other points of its blocks are counted, O(v^2); and the products of the
        Hadamard rows are computed.
        """
        listed = design(self.points, self.block)
        on = np.argsort(listed.ravel(), kind="stable") // self.block
        ends = np.cumsum(np.bincount(listed.ravel(), minlength=self.points))
        step, apart = max(1, _CHUNK // self.points), True
        for start in range(0, self.points, step):
            stop = min(start + step, self.points)
            first = ends[start - 1] if start else 0
            around = listed[on[first : ends[stop - 1]]]
            owner = np.repeat(np.arange(stop - start), np.diff(ends[start:stop], prepend=first))
            codes = (owner[:, None] * self.points + around).ravel()
            met = np.bincount(codes, minlength=(stop - start) * self.points)
            met = met.reshape(stop - start, self.points)
            met[np.arange(stop - start), np.arange(start, stop)] = 0  # the point itself
            apart &= int(met.max()) == 1
        signs = self._signs().astype(np.int64)
        off = np.abs(signs @ signs.T - self.block * np.eye(self.order, dtype=np.int64)).max()
        sized = listed.shape == (self._number, self.block)
        return OrbitCheck(
            apart and sized and int(off) <= self.order - self.block,
            self.count * (self.count - 1) // 2,
            f"each of {self.points} points shares at most one of the {self._number} blocks with "
            f"any other; {self.order} Hadamard rows on {self.block} points",
        )

    @classmethod
    def _members(cls, max_points: int) -> Iterator[Self]:
        arcs = ((2 * (4 << i) - 1) * (4 << i) for i in range(_LARGEST_BLOCK.bit_length() - 2))
        sizes = [*_FROM_STEINER, *_STARTERS, *((v, 4 << i) for i, v in enumerate(arcs))]
        for points, block in sizes:
            for order in (block, block + 1):
                if points <= max_points and hadamard.is_constructible(order):
                    yield cls(points, block, order)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        for packing in cls._members(max_dim):
            if packing.coherence <= eps:
                yield packing

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All."""
        for packing in cls._members(most_lines):
            if packing.count <= most_lines:
                yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Triples, translates, and a maximal arc."""
        return cls(15, 3, 4), cls(25, 4, 4), cls(120, 8, 8)
