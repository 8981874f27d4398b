"""Few more lines than dimensions, from kernels in a table: each leads to a Gram matrix again.

`kernel_clip` finds N lines in R^d whose Gram matrix vanishes on a kernel of N - d columns. The
search is long, and its way depends on rounding. The table holds where it ended: the kernel, rounded
to integers of 8 bits. From there some hundred rounds of clipping lead to a packing again, in a
second and whatever the rounding, with something to spare: the coherence is stated a little above
the one that is reached. `python -m experiments.small_kernels` redoes an entry from its start.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry import kernel_clip, tables
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["SmallKernel", "encoded", "rebuilt", "stored"]

_TABLE = "small_kernels.json"
_TOP = 127  # the largest stored integer
_ROUNDS = 2000
_SPARE = 1e-7  # relative: far above what rounding moves, far below the digits of a stated eps


@lru_cache(maxsize=1)
def _entries() -> dict[tuple[int, int], dict[str, Any]]:
    return {(entry["dim"], entry["count"]): entry for entry in tables.read(_TABLE)}


def stored(dimension: int, lines: int) -> dict[str, Any] | None:
    """The table's entry, None where it has none.

    `dim`, `count`, `eps` as a decimal; `start`, `seed`, `plain`: how the command finds it;
    `kernel`: `encoded`.
    """
    return _entries().get((dimension, lines))


def encoded(kernel: NDArray[np.float64]) -> str:
    """A kernel `[N, k]` as text: its entries over the largest, as 8-bit integers in base 64."""
    scaled = np.rint(kernel * (_TOP / np.abs(kernel).max()))
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode("ascii")


def _decoded(text: str, lines: int) -> NDArray[np.float64]:
    integers = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    return np.linalg.qr(integers.reshape(lines, -1).astype(np.float64))[0]


def rebuilt(text: str, lines: int, eps: Fraction) -> kernel_clip.Clipped:
    """The packing that clipping at `eps` reaches from an `encoded` kernel of `lines` rows."""
    kernel = _decoded(text, lines)
    return kernel_clip.clip(kernel, float(eps) * (1 - _SPARE), rounds=_ROUNDS)


@lru_cache(maxsize=8)
def _vectors(dimension: int, lines: int) -> NDArray[np.float64]:
    entry = _entries()[dimension, lines]
    found = rebuilt(entry["kernel"], lines, Fraction(entry["eps"]))
    vectors = kernel_clip.vectors(found)
    vectors.setflags(write=False)
    return vectors


@dataclass(frozen=True)
class SmallKernel(Packing):
    """`lines` lines in R^`dimension` from the table."""

    dimension: int
    lines: int

    name: ClassVar[str] = "small kernel"
    reference: ClassVar[str] = "found by clipping; after Bukh and Cox 2020"

    def __post_init__(self) -> None:
        """Raise ValueError unless the table has such an entry."""
        if stored(self.dimension, self.lines) is None:
            raise ValueError(
                f"(`dimension`, `lines`) must be one of {list(_entries())}; "
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
        """The table's, at which the Gram matrix was clipped."""
        return Cosine.ratio(Fraction(_entries()[self.dimension, self.lines]["eps"]))

    @property
    def exact(self) -> bool:
        """False: the rows stay a little below."""
        return False

    @property
    def proof(self) -> str:
        """By inspection."""
        return "The rows are computed in float64, and all pairs of them are compared."

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.lines} lines in {self.dimension} dimensions whose Gram matrix, clipped at "
            f"{_entries()[self.dimension, self.lines]['eps']}, has a kernel of "
            f"{self.lines - self.dimension} dimensions near a stored one"
        )

    def rows(self, indices: Indices) -> Rows:
        """Rows in float64, all found at the first call: a second, and count * dim entries kept."""
        return Rows.floating(_vectors(self.dimension, self.lines)[indices])

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        for dimension, lines in _entries():
            if dimension <= max_dim and cls(dimension, lines).coherence <= eps:
                yield cls(dimension, lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The three with the fewest lines."""
        return tuple(cls(*size) for size in sorted(_entries(), key=lambda one: one[1])[:3])
