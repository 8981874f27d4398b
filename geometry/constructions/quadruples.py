"""Signs on quadruples that share at most two points: lines at 60 degrees in R^9 to R^14.

More than in the laminated lattices of those dimensions, and no lattices: beside the axes, all
signs on every quadruple of a family in which two share at most two points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.root_systems import signed_quadruples
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["Quadruples", "quadruples"]

_HALF = Cosine(Fraction(1, 4))
# By dimension: the length and number of the cycles of a permutation, which turns consecutive
# points and fixes the rest, and one quadruple of each of its orbits, in base 16. In 10 and 14
# points these are Steiner systems S(3, 4, n); a computer search found them.
_ORBITS = {
    10: (10, 1, "0126 0134 0247"),
    11: (3, 3, "012a 0137 0159 0168 0346 035a 0389 0458 047a 069a 3459 3679 378a"),
    12: (
        3,
        4,
        "0134 0158 017a 019b 0367 038b 039a 0459 046b 048a 056a 057b 0789 3468 347a 36ab 679a",
    ),
    14: (7, 2, "0125 0139 0178 01ab 01cd 027c 029b 02ad 037a 038c 03bd 089d 789b"),
}
_COUNTS = {9: 153, 10: 250, 11: 291, 12: 420, 13: 533, 14: 742}
# The members whose points all lie in equally many quadruples.
_TIGHT = (9, 10, 12, 13, 14)


@lru_cache(maxsize=6)
def quadruples(points: int) -> NDArray[np.int64]:
    """Quadruples `[b, 4]` of 0 .. `points` - 1, any two of which share at most two points.

    b = 18, 30, 35, 51, 65, 91 for `points` from 9 to 14: as many as there can be. For 9 and 13
    those of the next size that miss its last point.
    """
    if points in (9, 13):
        larger = quadruples(points + 1)
        return larger[(larger < points).all(axis=1)]
    length, cycles, orbits = _ORBITS[points]
    places = np.arange(points)
    turned = np.where(places % length == length - 1, places - length + 1, places + 1)
    turned = np.where(places < length * cycles, turned, places)
    found = set()
    for word in orbits.split():
        block = np.array([int(digit, 16) for digit in word])
        for _ in range(length):
            found.add(tuple(sorted(block.tolist())))
            block = turned[block]
    return np.array(sorted(found), np.int64)


@lru_cache(maxsize=6)
def _lines(dimension: int) -> NDArray[np.int8]:
    """2 e_i, then the signs of each quadruple, the first sign +; squared norm 4."""
    lines = signed_quadruples(quadruples(dimension), dimension)
    lines.setflags(write=False)
    return lines


@dataclass(frozen=True)
class Quadruples(Packing):
    """The axes of R^`dimension` and all signs on quadruples that share at most two points."""

    dimension: int

    name: ClassVar[str] = "quadruples"
    reference: ClassVar[str] = "Leech and Sloane 1971"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` lies in [9, 14]."""
        if self.dimension not in _COUNTS:
            raise ValueError(f"`dimension` must lie in [9, 14]; got {self.dimension}.")

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """153, 250, 291, 420, 533 or 742."""
        return _COUNTS[self.dimension]

    @property
    def coherence(self) -> Cosine:
        """1/2."""
        return _HALF

    @property
    def tight(self) -> bool:
        """Whether all points lie in equally many quadruples."""
        return self.dimension in _TIGHT

    @property
    def proof(self) -> str:
        """Quadruples share at most two points."""
        return (
            "Signs on quadruples that share at most two points have inner products of at most 2, "
            "on one quadruple 0 or +-2 unless parallel, and 2 with twice an axis, all of squared "
            "norm 4 (Leech and Sloane 1971)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.count} lines in R^{self.dimension}: the axes, and all signs on "
            f"{(self.count - self.dimension) // 8} quadruples that share at most two points"
        )

    def rows(self, indices: Indices) -> Rows:
        """Integral with squared norm 4."""
        return Rows(_lines(self.dimension)[indices], np.full(len(indices), 4, np.int64))

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every dimension that fits."""
        if eps >= _HALF:
            yield from (cls(dimension) for dimension in range(9, min(max_dim, 14) + 1))

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The tight ones that are small enough."""
        yield from (cls(dimension) for dimension in _TIGHT if _COUNTS[dimension] <= most_lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """One from a Steiner system and two others."""
        return cls(10), cls(11), cls(12)
