"""The standard basis: d lines at right angles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["Basis", "basis_rows", "rows_then_basis"]


def basis_rows(indices: Indices, dim: int) -> NDArray[np.int8]:
    """The basis vectors with these `indices` `[n]`, as integers `[n, dim]`."""
    values = np.zeros((len(indices), dim), np.int8)
    values[np.arange(len(indices)), indices] = 1
    return values


def rows_then_basis(
    indices: Indices, first: int, dim: int, signs: Callable[[Indices], NDArray[Any]]
) -> Rows:
    """Rows of a packing whose first `first` lines are `signs(indices)` and whose rest is a basis.

    `signs` returns rows of +-1, `[n, dim]`.
    """
    among = indices < first
    values = np.empty((len(indices), dim), np.int8)
    values[among] = signs(indices[among])
    values[~among] = basis_rows(indices[~among] - first, dim)
    return Rows(values, np.where(among, dim, 1).astype(np.int64))


@dataclass(frozen=True)
class Basis(Packing):
    """The `dimension` coordinate axes."""

    dimension: int

    name: ClassVar[str] = "basis"
    reference: ClassVar[str] = "by definition"

    def __post_init__(self) -> None:
        """Raise ValueError unless `dimension` >= 1."""
        if self.dimension < 1:
            raise ValueError(f"`dimension` must be at least 1; got {self.dimension}.")

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def coherence(self) -> Cosine:
        """0."""
        return Cosine(Fraction(0))

    @property
    def tight(self) -> bool:
        """An orthonormal basis."""
        return True

    @property
    def peak_attained(self) -> bool:
        """Ones."""
        return True

    @property
    def proof(self) -> str:
        """Orthogonality."""
        return "The coordinate axes are orthogonal by definition."

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.dimension} coordinate axes" if self.dimension > 1 else "a coordinate axis"
        )

    def rows(self, indices: Indices) -> Rows:
        """Basis vectors."""
        return Rows(basis_rows(indices, self.dimension), np.ones(len(indices), np.int64))

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The basis of R^`max_dim`; smaller ones are part of it."""
        if max_dim >= 1:
            yield cls(max_dim)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(2), cls(9), cls(100)
