"""Root systems D_n, E6, E7, E8 as lines at 60 or 90 degrees.

A_n has n(n + 1)/2 lines, no more than the n(n - 1) of D_n for n >= 3 and those of a polygon for
n = 2, so it is left out. E7 and E8 have integral coordinates from binary codes. E6 has none in
R^6: its lattice has determinant 3, and 3 c^6 is no square for any rational scale c. It is a
section of E8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows, Section

__all__ = ["RootSystemD", "RootSystemE", "e6_in_e8", "signed_quadruples"]

_HALF = Cosine(Fraction(1, 4))
_REFERENCE = "(Conway and Sloane 1988, chapter 4)"


@dataclass(frozen=True)
class RootSystemD(Packing):
    """The lines of D_n, n = `rank`: n(n - 1) lines in R^n through (..., 1, ..., +-1, ...)."""

    rank: int

    name: ClassVar[str] = "root system D"
    reference: ClassVar[str] = "Conway and Sloane 1988"

    def __post_init__(self) -> None:
        """Raise ValueError unless `rank` lies in [3, 2^25]."""
        if not 3 <= self.rank <= 1 << 25:
            raise ValueError(f"`rank` must lie in [3, 2^25]; got {self.rank}.")

    @property
    def dim(self) -> int:
        """`rank`."""
        return self.rank

    @property
    def count(self) -> int:
        """`rank` * (`rank` - 1)."""
        return self.rank * (self.rank - 1)

    @property
    def coherence(self) -> Cosine:
        """1/2."""
        return _HALF

    @property
    def peak_square(self) -> Fraction:
        """1/2."""
        return Fraction(1, 2)

    @property
    def tight(self) -> bool:
        """Its Weyl group acts irreducibly."""
        return True

    @property
    def peak_attained(self) -> bool:
        """Every entry but the zeros."""
        return True

    @property
    def proof(self) -> str:
        """Roots share at most one coordinate's worth."""
        return (
            "Two roots of D_n that are not parallel have inner product 0 or +-1 and squared norm "
            f"2 {_REFERENCE}."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"the {self.count} lines of the root system D{self.rank}"

    def rows(self, indices: Indices) -> Rows:
        """Line 2t + s has 1 and (-1)^s at the t-th pair i < j, pairs ordered by j, then i."""
        pair, sign = np.divmod(indices, 2)
        # j(j - 1)/2 <= t < j(j + 1)/2, so (2j - 1)^2 <= 8t + 1: in float64, whose integers are
        # exact below 2^53, the root cannot cross an integer for j <= 2^25.
        upper = ((1 + np.sqrt(1.0 + 8.0 * pair)) / 2).astype(np.int64)
        values = np.zeros((len(indices), self.rank), np.int8)
        place = np.arange(len(indices))
        values[place, pair - upper * (upper - 1) // 2] = 1
        values[place, upper] = 1 - 2 * sign
        return Rows(values, np.full(len(indices), 2, np.int64))

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every rank that fits."""
        if eps >= _HALF:
            yield from (cls(rank) for rank in range(3, max_dim + 1))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(4), cls(9), cls(40)


def signed_quadruples(quadruples: NDArray[np.int64], length: int) -> NDArray[np.int8]:
    """2 e_i, then all signs on each of the `quadruples` `[b, 4]`, the first sign +.

    Shape `[length + 8 b, length]`; squared norms are 4. O(b length).
    """
    signs = np.array([(1, *rest) for rest in product((1, -1), repeat=3)], np.int8)
    fours = np.zeros((len(quadruples), 8, length), np.int8)
    on_quadruple = np.broadcast_to(quadruples[:, None], (len(quadruples), 8, 4))
    np.put_along_axis(fours, on_quadruple, signs[None], axis=2)
    return np.concatenate([2 * np.eye(length, dtype=np.int8), fours.reshape(-1, length)])


def _hamming() -> NDArray[np.int64]:
    """Words of weight 4 of the extended Hamming code, `[14, 4]`: points of F_2^3 with sum 0."""
    every = np.array(list(combinations(range(8), 4)))
    words: NDArray[np.int64] = every[np.bitwise_xor.reduce(every, axis=1) == 0]
    return words


@lru_cache(maxsize=1)
def e6_in_e8() -> Section:
    """The roots of E8 orthogonal to two of its roots at 120 degrees."""
    roots = signed_quadruples(_hamming(), 8).astype(np.int64)
    first = roots[0]
    second = next(root for root in roots if root @ first == 2) * -1
    kept = (roots @ first == 0) & (roots @ second == 0)
    return Section(Rows.integral(roots[kept]), np.stack([first, second]))


@lru_cache(maxsize=2)
def _integral(rank: int) -> Rows:
    """The roots of E7 or E8."""
    words = _hamming()
    if rank == 7:
        # The words that miss point 0 are those of the [7, 3] simplex code.
        words = words[words[:, 0] > 0] - 1
    rows = Rows.integral(signed_quadruples(words, rank))
    rows.values.setflags(write=False)
    return rows


@dataclass(frozen=True)
class RootSystemE(Packing):
    """The lines of E6, E7 or E8: 36, 63 or 120 in R^`rank`."""

    rank: int

    name: ClassVar[str] = "root system E"
    reference: ClassVar[str] = "Conway and Sloane 1988"

    def __post_init__(self) -> None:
        """Raise ValueError unless `rank` is 6, 7 or 8."""
        if self.rank not in (6, 7, 8):
            raise ValueError(f"`rank` must be 6, 7 or 8; got {self.rank}.")

    @property
    def dim(self) -> int:
        """`rank`."""
        return self.rank

    @property
    def count(self) -> int:
        """36, 63 or 120."""
        return {6: 36, 7: 63, 8: 120}[self.rank]

    @property
    def coherence(self) -> Cosine:
        """1/2."""
        return _HALF

    @property
    def tight(self) -> bool:
        """Its Weyl group acts irreducibly."""
        return True

    @property
    def proof(self) -> str:
        """Roots of a simply laced system."""
        return (
            "Two roots of a simply laced root system that are not parallel have |cos| 0 or 1/2 "
            f"{_REFERENCE}."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"the {self.count} lines of the root system E{self.rank}"

    def rows(self, indices: Indices) -> Rows:
        """Integral with squared norm 4 for E7 and E8, float64 for E6."""
        if self.rank == 6:
            return e6_in_e8().within(indices)
        every = _integral(self.rank)
        return Rows(every.values[indices], every.squared_norms[indices])

    def section(self) -> Section | None:
        """E6 as 36 of the lines of E8 in R^8; the others have integral rows of their own."""
        return e6_in_e8() if self.rank == 6 else None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those that fit."""
        if eps >= _HALF:
            yield from (cls(rank) for rank in range(6, min(max_dim, 8) + 1))

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The one whose dimension has no good equiangular frame."""
        if most_lines >= 120:
            yield cls(8)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(6), cls(7), cls(8)
