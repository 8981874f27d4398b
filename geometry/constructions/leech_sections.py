"""Sections of the Leech lattice at 1/3 and 1/5: 2300 and 276 lines in R^23 lead the two rows.

Minimal vectors u, u' with a given sum v have differences u - u' = 2u - v orthogonal to v. For v
minimal (squared norm 32) these have squared norm 96 and inner products 0, +-32; for v of squared
norm 48, squared norm 80 and inner products +-16 only: equiangular lines. Lines orthogonal to
further vectors of the lattice lie in smaller spaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.leech import leech_lines
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows, Section

__all__ = ["LeechDifferences"]

# Lines by (dimension, reciprocal of the coherence).
_COUNTS = {
    (8, 3): 30,
    (11, 3): 52,
    (14, 3): 112,
    (15, 3): 160,
    (16, 3): 256,
    (17, 3): 288,
    (18, 3): 352,
    (19, 3): 448,
    (20, 3): 640,
    (21, 3): 896,
    (22, 3): 1408,
    (23, 3): 2300,
    (16, 5): 40,
    (17, 5): 48,
    (18, 5): 56,
    (19, 5): 72,
    (20, 5): 90,
    (21, 5): 126,
    (22, 5): 176,
    (23, 5): 276,
}
_ALLOWED = {3: "be 8, 11 or lie in [14, 23]", 5: "lie in [16, 23]"}
# The sections whose lines are a tight frame: the sum of v v^T is a multiple of the projection.
_TIGHT = ((14, 3), (15, 3), (16, 3), (20, 3), (21, 3), (22, 3), (23, 3), (21, 5), (22, 5), (23, 5))
# Normals beside v, as numbers of lines of the Leech lattice. From 23 dimensions down, each takes
# one dimension off; a computer search chose them, so that many lines stay.
_CHAINS = {
    3: (13023, 87454, 89041, 65016, 32457, 60025, 36623, 39630, 89078),
    5: (46954, 72733, 91836, 65005, 79008, 92824),
}
# Where other normals leave more lines than the next in the chain.
_OTHERS = {
    (8, 3): (40, 53, 82, 149, 161, 226, 288, 365, 386, 456, 494, 514, 2097, 8636, 14348),
    (11, 3): (20, 43, 56, 997, 2042, 2150, 2401, 4378, 4623, 9379, 16818, 32936),
    (16, 5): (51037, 36885, 85405, 22236, 26979, 41832, 38046),
}


@lru_cache(maxsize=32)
def _section(dimension: int, reciprocal: int) -> Section:
    """The differences as rows in R^24, one of each pair, with 24 - `dimension` normals."""
    total = np.zeros(24, np.int64)
    if reciprocal == 3:
        total[:2] = (4, -4)
    else:
        total[0], total[1:] = 5, 1
    lines = leech_lines().astype(np.int64)
    every = np.concatenate([lines, -lines])
    differences = 2 * every[every @ total == total @ total // 2] - total
    # u and u' give opposite vectors: keep the one whose first entry that is not 0 is positive.
    first = np.take_along_axis(differences, (differences != 0).argmax(axis=1)[:, None], axis=1)
    kept = differences[first[:, 0] > 0]
    chain = _CHAINS[reciprocal][: 23 - dimension]
    chosen = np.array(_OTHERS.get((dimension, reciprocal), chain), np.int64)
    normals = np.concatenate([total[None], lines[chosen]])
    kept = kept[~(kept @ normals.T).any(axis=1)].astype(np.int8)
    kept.setflags(write=False)
    return Section(Rows.integral(kept), normals)


@dataclass(frozen=True)
class LeechDifferences(Packing):
    """Differences of minimal vectors of the Leech lattice with a given sum, in R^`dimension`.

    `reciprocal` is that of the coherence: 3 or 5. At 1/5 the lines are equiangular. Dimensions
    where no section is known to beat other families are left out.
    """

    dimension: int
    reciprocal: int

    name: ClassVar[str] = "Leech differences"
    reference: ClassVar[str] = "Delsarte, Goethals and Seidel 1977"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` is one that `reciprocal` allows."""
        if self.reciprocal not in _ALLOWED:
            raise ValueError(f"`reciprocal` must be 3 or 5; got {self.reciprocal}.")
        if (self.dimension, self.reciprocal) not in _COUNTS:
            raise ValueError(
                f"`dimension` must {_ALLOWED[self.reciprocal]} at 1/{self.reciprocal}; "
                f"got {self.dimension}."
            )

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """2300 and 276 in dimension 23, 1408 and 176 in 22, and fewer below."""
        return _COUNTS[self.dimension, self.reciprocal]

    @property
    def coherence(self) -> Cosine:
        """1/`reciprocal`."""
        return Cosine.ratio(Fraction(1, self.reciprocal))

    @property
    def tight(self) -> bool:
        """Whether the lines are a tight frame of their space."""
        return (self.dimension, self.reciprocal) in _TIGHT

    @property
    def proof(self) -> str:
        """Inner products of differences, from those of minimal vectors."""
        norm, inner = (96, "0 or +-32") if self.reciprocal == 3 else (80, "+-16")
        return (
            f"Vectors 2u - v, u minimal with u.v half the squared norm of v, have squared norm "
            f"{norm} and inner products {inner} unless parallel (Delsarte, Goethals "
            "and Seidel 1977)."
        )

    def words(self) -> str:
        """The recipe in words."""
        norm = 32 if self.reciprocal == 3 else 48
        below = (
            "" if self.dimension == 23 else f", those in a section of dimension {self.dimension}"
        )
        return (
            f"the {self.count} lines of differences of minimal vectors of the Leech lattice whose "
            f"sum is a given vector of squared norm {norm}{below}"
        )

    def rows(self, indices: Indices) -> Rows:
        """float64 coordinates in the section."""
        return self.section().within(indices)

    def section(self) -> Section:
        """The differences in R^24, integral with squared norm 96 or 80."""
        return _section(self.dimension, self.reciprocal)

    def sign_matrix(self) -> NDArray[np.int8] | None:
        """The signs of the inner products of an equiangular tight frame; else None."""
        if self.reciprocal == 3 or not self.tight:
            return None
        rows = self.section().rows.values.astype(np.int64)
        signs: NDArray[np.int8] = np.sign(rows @ rows.T).astype(np.int8)
        np.fill_diagonal(signs, 0)
        return signs

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every member that fits."""
        for dimension, reciprocal in _COUNTS:
            if dimension <= max_dim and Cosine.ratio(Fraction(1, reciprocal)) <= eps:
                yield cls(dimension, reciprocal)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The tight ones that are small enough."""
        yield from (cls(*key) for key in _TIGHT if _COUNTS[key] <= most_lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """2300 and 276 lines in R^23, and 1408 in R^22."""
        return cls(23, 3), cls(23, 5), cls(22, 3)
