"""Rows of a matrix on demand, and the processes that share a sweep over them.

A matrix `[n, d]` whose rows are vectors may be larger than memory: kernels ask a `RowSource` for a
few rows at a time.  An array in memory is one too, by `of`.  A `Crew` is what the processes of one
run know of each other; `ALONE` is a run of one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ALONE", "Alone", "Crew", "Held", "RowSource", "of"]


@runtime_checkable
class RowSource(Protocol):
    """Rows on demand. Shape `[n, d]`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows of a slice with step 1: finite real numbers, `[count, d]`."""


class Crew(Protocol):
    """The processes that share a sweep.  All of them can read all rows."""

    @property
    def index(self) -> int:
        """This process, from 0."""

    @property
    def count(self) -> int:
        """Number of processes."""

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of every process, `[count, ...]`.

        Every process calls it, with arrays of the same shape and type, as often as the others.
        """


@dataclass(frozen=True)
class Alone:
    """A run of one process."""

    index: int = 0
    count: int = 1

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values, `[1, ...]`."""
        return np.asarray(values)[None]


ALONE = Alone()


@dataclass(frozen=True, eq=False)
class Held:
    """A matrix in memory. Shape `[n, d]`."""

    matrix: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.matrix.shape

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows of a slice, not copied."""
        return self.matrix[which]


def of(vectors: ArrayLike | RowSource) -> RowSource:
    """Return the vectors as rows on demand."""
    return vectors if isinstance(vectors, RowSource) else Held(np.asarray(vectors))


@dataclass(frozen=True, eq=False)
class Selected:
    """Rows of a source at the indices `which` `[m]`, rising."""

    source: RowSource
    which: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return len(self.which), *self.source.shape[1:]

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows of a slice."""
        return np.concatenate([self.source.rows(slice(i, i + 1)) for i in self.which[which]])
