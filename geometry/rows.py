"""Rows of a matrix on demand, and the processes that share a sweep over them.

A matrix `[n, d]` whose rows are vectors may be larger than memory: kernels ask a `RowSource` for a
few rows at a time.  An array in memory is one too, by `of`; so are some of the rows, and the rows
less a mean, by `Selected` and `Centred`.  A `Crew` is what the processes of one run know of each
other; `ALONE` is a run of one process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "ALONE",
    "Alone",
    "Centred",
    "Crew",
    "Held",
    "RowSource",
    "Selected",
    "need_directions",
    "of",
]

# Entries of which reading takes about as long as beginning another read.
_GAP = 1 << 14


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


@dataclass(frozen=True, eq=False)
class Selected:
    """Some rows of a source: `which` `[m]` int64, rising.  Shape `[m, d]`.

    Rows that lie near each other are read together: at a time at most twice as many as are asked
    for, and 2^14 entries.  Raises ValueError.
    """

    source: RowSource
    which: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.which.ndim != 1:
            raise ValueError(f"`which` must have shape [m]; got shape {self.which.shape}.")
        falls = np.flatnonzero(np.diff(self.which) <= 0)
        if falls.size:
            first, second = self.which[falls[0] : falls[0] + 2]
            raise ValueError(f"`which` must be indices that rise; got {first}, then {second}.")
        count = self.source.shape[0]
        if self.which.size and not 0 <= self.which[0] <= self.which[-1] < count:
            raise ValueError(
                f"`which` must lie in 0 to {count - 1}; got {self.which[0]} to {self.which[-1]}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.which.size, *self.source.shape[1:]

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows of a slice."""
        wanted = self.which[which]
        pieces = [self._together(stretch) for stretch in self._stretches(wanted)]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _stretches(self, wanted: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The indices in groups, of which each spans little more than twice its number."""
        spare = _GAP // max(1, math.prod(self.source.shape[1:]))
        cuts, start = [], 0
        for gap in np.flatnonzero(np.diff(wanted) > 1).tolist():
            span = int(wanted[gap + 1] - wanted[start]) + 1
            if span > 2 * (gap + 2 - start) + spare:
                cuts.append(gap + 1)
                start = gap + 1
        return np.split(wanted, cuts)

    def _together(self, stretch: NDArray[np.int64]) -> NDArray[Any]:
        if not stretch.size:
            return self.source.rows(slice(0, 0))
        first, last = int(stretch[0]), int(stretch[-1])
        rows = self.source.rows(slice(first, last + 1))
        return rows if len(rows) == stretch.size else rows[stretch - first]


@dataclass(frozen=True, eq=False)
class Centred:
    """The rows less the `mean` `[d]`, in float64.  Shape `[n, d]`."""

    source: RowSource
    mean: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.mean.shape != self.source.shape[1:]:
            raise ValueError(
                f"`mean` must have shape {self.source.shape[1:]}; got {self.mean.shape}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.source.shape

    def rows(self, which: slice) -> NDArray[np.float64]:
        """Return the rows of a slice."""
        centred: NDArray[np.float64] = np.subtract(
            self.source.rows(which), self.mean, dtype=np.float64
        )
        return centred


def of(vectors: ArrayLike | RowSource) -> RowSource:
    """Return the vectors as rows on demand."""
    return vectors if isinstance(vectors, RowSource) else Held(np.asarray(vectors))


def need_directions(values: NDArray[Any], names: NDArray[np.int64]) -> None:
    """Raise ValueError, naming the first wrong row, unless all rows are finite and not zero.

    `values` `[n, d]`; `names` `[n]` are the rows' indices in the matrix that they come from.
    """
    for good, need, came in (
        (np.isfinite(values).all(axis=1), "`vectors` must be finite", "is not"),
        ((values != 0).any(axis=1), "rows of `vectors` must be non-zero", "is zero"),
    ):
        if not good.all():
            raise ValueError(f"{need}; row {names[np.argmin(good)]} {came}.")
