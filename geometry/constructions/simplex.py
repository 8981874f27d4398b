"""The regular simplex: d + 1 lines at 1/d."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.admissible import least_reciprocal
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["Simplex"]


@dataclass(frozen=True)
class Simplex(Packing):
    """The lines from the centre of the regular simplex in R^`dimension` to its vertices."""

    dimension: int

    name: ClassVar[str] = "simplex"
    reference: ClassVar[str] = "Lancaster 1965"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` >= 2: in R^1 the two vertices span one line."""
        if self.dimension < 2:
            raise ValueError(f"`dimension` must be at least 2; got {self.dimension}.")

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """`dimension` + 1."""
        return self.dimension + 1

    @property
    def coherence(self) -> Cosine:
        """1/`dimension`, the relative bound for d + 1 lines."""
        return Cosine.ratio(Fraction(1, self.dimension))

    @property
    def tight(self) -> bool:
        """The vertices sum to 0 and are permuted by the symmetric group."""
        return True

    @property
    def peak_attained(self) -> bool:
        """The last vertex lies on the last axis."""
        return True

    @property
    def proof(self) -> str:
        """Equal inner products that sum to -1."""
        return (
            "The unit vectors to the d + 1 vertices sum to 0 and have equal inner products, "
            "so each is -1/d (coordinates: Lancaster 1965, The Helmert Matrices)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"the {self.count} vertices of the regular simplex in {self.dimension} dimensions"

    def rows(self, indices: Indices) -> Rows:
        """Columns of the Helmert matrix without its constant row, scaled to unit length.

        Its row k = 1 .. d is (1, ..., 1, -k, 0, ..., 0)/sqrt(k(k + 1)), with k ones.
        """
        k = np.arange(1, self.dimension + 1)
        vertex = indices[:, None]
        scale = np.sqrt((self.dimension + 1) / (self.dimension * (k * (k + 1.0))))
        return Rows.floating(np.where(vertex < k, 1.0, np.where(vertex == k, -k, 0.0)) * scale)

    def sign_matrix(self) -> NDArray[np.int8]:
        """-1 off the diagonal."""
        return np.eye(self.count, dtype=np.int8) - np.int8(1)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The smallest and the largest: one between is no better than the smallest and a basis."""
        least = least_reciprocal(eps)
        if least is not None:
            for dimension in sorted({max(least, 2), max_dim}):
                if max(least, 2) <= dimension <= max_dim:
                    yield cls(dimension)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        return map(cls, range(2, most_lines))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(2), cls(9), cls(150)
