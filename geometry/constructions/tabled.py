"""What families share whose members come from a table, one for each (dimension, lines) in it.

A table is a JSON file in `geometry.tables`: a list of entries with `dim`, `count` and what the
family makes of them. Rows are kept as integers, and their coherence is then exact; or rows are made
again from something smaller, in float64, up to a coherence that the table states with room to
spare.
"""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry import tables
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["SPARE", "Entry", "Listed", "Rebuilt", "Tabled", "decoded", "encoded"]

Entry = dict[str, Any]
SPARE = 1e-7  # relative: far above what rounding moves, far below the digits of a stated eps


def encoded(values: NDArray[np.float64], top: int) -> str:
    """Numbers as text: the largest scaled to `top`, rounded, the integers in base 64.

    8-bit integers up to `top` = 127, else 32-bit ones, little-endian.
    """
    scaled = np.rint(values * (top / np.abs(values).max()))
    return base64.b64encode(scaled.astype(_kind(top)).tobytes()).decode("ascii")


def decoded(text: str, top: int) -> NDArray[Any]:
    """The integers of `encoded` numbers, in one axis."""
    return np.frombuffer(base64.b64decode(text, validate=True), _kind(top))


def _kind(top: int) -> str:
    return "<i1" if top <= 127 else "<i4"


def _largest(rows: Rows) -> Cosine:
    """The largest |cos| of integral rows, exactly: floats find the pairs that may attain it.

    Squared norms must stay below 2^53.
    """
    wide, norms = rows.values.astype(np.int64), rows.squared_norms
    gram = wide @ wide.T
    np.fill_diagonal(gram, 0)
    squares = gram / norms * (gram / norms[:, None])
    near = np.argwhere(np.triu(squares >= squares.max() * (1 - 2.0**-40)))
    return max(
        Cosine(Fraction(int(gram[i, j]) ** 2, int(norms[i]) * int(norms[j]))) for i, j in near
    )


@lru_cache(maxsize=16)
def _entries(table: str) -> dict[tuple[int, int], Entry]:
    return {(entry["dim"], entry["count"]): entry for entry in tables.read(table)}


@dataclass(frozen=True)
class Tabled(Packing):
    """`lines` lines in R^`dimension` from the family's table."""

    dimension: int
    lines: int

    table: ClassVar[str]

    def __post_init__(self) -> None:
        """Raise ValueError unless the table has such an entry."""
        if self.stored(self.dimension, self.lines) is None:
            raise ValueError(
                f"(`dimension`, `lines`) must be one of {list(_entries(self.table))}; "
                f"got ({self.dimension}, {self.lines})."
            )

    @classmethod
    def stored(cls, dimension: int, lines: int) -> Entry | None:
        """The table's entry, None where it has none; not to be changed."""
        return _entries(cls.table).get((dimension, lines))

    @property
    def entry(self) -> Entry:
        """The member's own."""
        return _entries(self.table)[self.dimension, self.lines]

    @property
    def dim(self) -> int:
        """`dimension`."""
        return self.dimension

    @property
    def count(self) -> int:
        """`lines`."""
        return self.lines

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        for dimension, lines in _entries(cls.table):
            if dimension <= max_dim and (one := cls(dimension, lines)).coherence <= eps:
                yield one

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The three with the fewest lines."""
        return tuple(cls(*size) for size in sorted(_entries(cls.table), key=lambda one: one[1])[:3])


@dataclass(frozen=True)
class Listed(Tabled):
    """A member whose integer rows are in the table."""

    @classmethod
    @abstractmethod
    def integers(cls, entry: Entry) -> NDArray[Any]:
        """The rows `[n, d]` that an entry keeps, squared norms below 2^53."""

    @property
    def coherence(self) -> Cosine:
        """The largest |cos| of the integer rows, exactly."""
        return _listed(type(self), self.dimension, self.lines)[1]

    @property
    def proof(self) -> str:
        """By inspection."""
        return "The rows are integers from a table, and all pairs of them are compared."

    def rows(self, indices: Indices) -> Rows:
        """Rows of the table."""
        every = self.every_row()
        return Rows(every.values[indices], every.squared_norms[indices])

    def every_row(self) -> Rows:
        """All rows, kept; not to be changed."""
        return _listed(type(self), self.dimension, self.lines)[0]


@lru_cache(maxsize=512)
def _listed(family: type[Listed], dimension: int, lines: int) -> tuple[Rows, Cosine]:
    entry = _entries(family.table)[dimension, lines]
    rows = Rows.integral(family.integers(entry))
    rows.values.setflags(write=False)
    return rows, _largest(rows)


@dataclass(frozen=True)
class Rebuilt(Tabled):
    """A member whose rows are made again from what the table keeps, up to the entry's `eps`.

    `eps` is a decimal. What is made stays `SPARE` below it, so that other machines, which round in
    another order, arrive as well; certificates compare.
    """

    @abstractmethod
    def rebuild(self) -> NDArray[np.float64]:
        """Unit rows `[n, d]`, the same each time on one machine."""

    @property
    def coherence(self) -> Cosine:
        """The table's."""
        return Cosine.ratio(Fraction(self.entry["eps"]))

    @property
    def exact(self) -> bool:
        """False: the rows stay a little below."""
        return False

    @property
    def proof(self) -> str:
        """By inspection."""
        return "The rows are computed in float64, and all pairs of them are compared."

    def rows(self, indices: Indices) -> Rows:
        """Rows in float64, all made at the first call: seconds, and count * dim entries kept."""
        return Rows.floating(_rebuilt(self)[indices])


@lru_cache(maxsize=8)
def _rebuilt(member: Rebuilt) -> NDArray[np.float64]:
    vectors = member.rebuild()
    vectors.setflags(write=False)
    return vectors
