"""Flat packings found by an optimiser, as integers: fillings for the columns of nets.

L-BFGS from random starts minimises a p-norm, p rising from 4 to 1024, of all |cos| over the
coherence wanted and all entries over the peak wanted; the rows are then rounded to integers, whose
coherence and peak are computed exactly. By themselves they are worth little: more lines than
dimensions, but no more than other families have; what counts is that their entries are small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from geometry import tables
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["FlatFill"]

_TABLE = "flat_fills.json"


@dataclass(frozen=True)
class _Known:
    """An entry of the table, with what follows from it."""

    rows: Rows
    coherence: Cosine
    peak_square: Fraction


def _sizes() -> list[tuple[int, int]]:
    """(dimension, lines) of the table's entries."""
    return [(entry["dim"], entry["count"]) for entry in tables.read(_TABLE)]


@lru_cache(maxsize=64)
def _known(dimension: int, lines: int) -> _Known:
    place = _sizes().index((dimension, lines))
    rows = Rows.integral(np.array(tables.read(_TABLE)[place]["rows"], np.int16))
    rows.values.setflags(write=False)
    tops = np.abs(rows.values).max(axis=1).tolist()
    peaks = [
        Fraction(top**2, norm) for top, norm in zip(tops, rows.squared_norms.tolist(), strict=True)
    ]
    return _Known(rows, _largest(rows), max(peaks))


def _largest(rows: Rows) -> Cosine:
    """The largest |cos|, exactly: floats find the pairs that may attain it, integers decide."""
    wide, norms = rows.values.astype(np.int64), rows.squared_norms
    gram = wide @ wide.T
    np.fill_diagonal(gram, 0)
    squares = gram / norms * (gram / norms[:, None])
    near = np.argwhere(squares >= squares.max() * (1 - 2.0**-40))
    return max(
        Cosine(Fraction(int(gram[i, j]) ** 2, int(norms[i]) * int(norms[j]))) for i, j in near
    )


@dataclass(frozen=True)
class FlatFill(Packing):
    """`lines` lines in R^`dimension` from the table."""

    dimension: int
    lines: int

    name: ClassVar[str] = "flat fill"
    reference: ClassVar[str] = "found by optimisation; certified by its integers"

    def __post_init__(self) -> None:
        """Raise ValueError unless the table has such an entry."""
        sizes = _sizes()
        if (self.dimension, self.lines) not in sizes:
            raise ValueError(
                f"(`dimension`, `lines`) must be one of {sizes}; "
                f"got ({self.dimension}, {self.lines})."
            )

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """`lines`."""
        return self.lines

    @property
    def coherence(self) -> Cosine:
        """The largest |cos| of the integer rows, exactly."""
        return _known(self.dimension, self.lines).coherence

    @property
    def peak_square(self) -> Fraction:
        """The largest squared entry of the unit rows, exactly."""
        return _known(self.dimension, self.lines).peak_square

    @property
    def peak_attained(self) -> bool:
        """By its definition here."""
        return True

    @property
    def proof(self) -> str:
        """By inspection."""
        return "The rows are integers from a table, and all pairs of them are compared."

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.lines} lines in {self.dimension} dimensions with entries of at most "
            f"{float(self.peak_square) ** 0.5:.4f}, found by optimisation"
        )

    def rows(self, indices: Indices) -> Rows:
        """Rows of the table."""
        every = _known(self.dimension, self.lines).rows
        return Rows(every.values[indices], every.squared_norms[indices])

    @classmethod
    def _members(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        for dimension, lines in _sizes():
            if dimension <= max_dim and _known(dimension, lines).coherence <= eps:
                yield cls(dimension, lines)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        return cls._members(max_dim, eps)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The first three."""
        return tuple(cls(*size) for size in _sizes()[:3])
