"""Steiner frames with further lines: room made by an optimiser where eps leaves some slack.

An equiangular tight frame at 1/r, a little below the eps wanted, takes further lines beside it
when all lines may move: `excess.make_room` from the frame and random rows. The table holds the
further rows at the end, as 8-bit integers; from the frame and those, a few dozen rounds make room
again. `python -m experiments.extended_frames` redoes an entry from random rows.
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

from geometry import excess, tables
from geometry.constructions.steiner import SteinerFrame
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["ExtendedFrame", "encoded", "rebuilt", "stored"]

_TABLE = "extended_frames.json"
_TOP = 127  # the largest stored integer
_ROUNDS = 1000
_SPARE = 1e-7  # relative: far above what rounding moves, far below the digits of a stated eps


@lru_cache(maxsize=1)
def _entries() -> dict[tuple[int, int], dict[str, Any]]:
    return {(entry["dim"], entry["count"]): entry for entry in tables.read(_TABLE)}


def stored(dimension: int, lines: int) -> dict[str, Any] | None:
    """The table's entry, None where it has none.

    `dim`, `count`, `eps` as a decimal; `points`, `block`: the Steiner frame; `seed`: how the
    command finds it; `further`: `encoded`.
    """
    return _entries().get((dimension, lines))


def encoded(further: NDArray[np.float64]) -> str:
    """Rows `[f, d]` as text: entries over the largest, as 8-bit integers in base 64."""
    scaled = np.rint(further * (_TOP / np.abs(further).max()))
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode("ascii")


def rebuilt(
    frame: SteinerFrame, dimension: int, text: str, eps: Fraction
) -> tuple[NDArray[np.float64], float]:
    """Unit rows in R^`dimension`, and their coherence, from a frame and `encoded` rows."""
    integers = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    lines = frame.rows(np.arange(frame.count)).unit()
    beside = excess.further_rows(lines, 0, dimension, 0)
    start = np.concatenate([beside, integers.reshape(-1, dimension).astype(np.float64)])
    rows, coherence, _ = excess.make_room(start, float(eps) * (1 - _SPARE), rounds=_ROUNDS)
    return rows, coherence


@lru_cache(maxsize=8)
def _vectors(dimension: int, lines: int) -> NDArray[np.float64]:
    entry = _entries()[dimension, lines]
    frame = SteinerFrame(entry["points"], entry["block"])
    vectors, _ = rebuilt(frame, dimension, entry["further"], Fraction(entry["eps"]))
    vectors.setflags(write=False)
    return vectors


@dataclass(frozen=True)
class ExtendedFrame(Packing):
    """`lines` lines in R^`dimension` from the table."""

    dimension: int
    lines: int

    name: ClassVar[str] = "extended frame"
    reference: ClassVar[str] = "found by optimisation; from Fickus, Mixon and Tremain 2012"

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
        """The table's, up to which room was made."""
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
        entry = _entries()[self.dimension, self.lines]
        frame = SteinerFrame(entry["points"], entry["block"])
        return (
            f"{self.lines} lines in {self.dimension} dimensions: {frame.words()}, and "
            f"{self.lines - frame.count} further lines, all moved by an optimiser until they fit"
        )

    def rows(self, indices: Indices) -> Rows:
        """Rows in float64, all found at the first call: seconds, and count * dim entries kept."""
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
