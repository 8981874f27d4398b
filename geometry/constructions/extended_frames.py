"""Steiner frames with further lines: room made by an optimiser where eps leaves some slack.

An equiangular tight frame at 1/r, a little below the eps wanted, takes further lines beside it
when all lines may move: `excess.make_room` from the frame and random rows. The table holds the
further rows at the end, as 8-bit integers; from the frame and those, a few dozen rounds make room
again. `python -m experiments.extended_frames` redoes an entry from random rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geometry import excess
from geometry.constructions.steiner import SteinerFrame
from geometry.constructions.tabled import SPARE, Rebuilt, decoded

__all__ = ["TOP", "ExtendedFrame", "rebuilt"]

TOP = 127  # the largest integer of further rows in the table
_ROUNDS = 1000


def rebuilt(
    frame: SteinerFrame, dimension: int, text: str, eps: Fraction
) -> tuple[NDArray[np.float64], float]:
    """Unit rows in R^`dimension`, and their coherence, from a frame and further rows as text."""
    further = decoded(text, TOP).reshape(-1, dimension).astype(np.float64)
    lines = frame.rows(np.arange(frame.count)).unit()
    beside = excess.further_rows(lines, 0, dimension, 0)
    start = np.concatenate([beside, further])
    rows, coherence, _ = excess.make_room(start, float(eps) * (1 - SPARE), rounds=_ROUNDS)
    return rows, coherence


@dataclass(frozen=True)
class ExtendedFrame(Rebuilt):
    """`lines` lines in R^`dimension` from the table.

    An entry has the Steiner frame's `points` and `block`, the `seed` with which the command finds
    it, and the `further` rows.
    """

    name: ClassVar[str] = "extended frame"
    reference: ClassVar[str] = "found by optimisation; from Fickus, Mixon and Tremain 2012"
    table: ClassVar[str] = "extended_frames.json"

    @property
    def _frame(self) -> SteinerFrame:
        return SteinerFrame(self.entry["points"], self.entry["block"])

    def rebuild(self) -> NDArray[np.float64]:
        """By making room for the further rows: seconds."""
        eps = Fraction(self.entry["eps"])
        return rebuilt(self._frame, self.dimension, self.entry["further"], eps)[0]

    def words(self) -> str:
        """The recipe in words."""
        frame = self._frame
        return (
            f"{self.lines} lines in {self.dimension} dimensions: {frame.words()}, and "
            f"{self.lines - frame.count} further lines, all moved by an optimiser until they fit"
        )
