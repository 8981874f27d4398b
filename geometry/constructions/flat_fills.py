"""Flat packings found by an optimiser, as integers: fillings for the columns of nets.

L-BFGS from random starts minimises a p-norm, p rising from 4 to 1024, of all |cos| over the
coherence wanted and all entries over the peak wanted; the rows are then rounded to integers, whose
coherence and peak are computed exactly. By themselves they are worth little: more lines than
dimensions, but no more than other families have; what counts is that their entries are small.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.tabled import Entry, Listed

__all__ = ["FlatFill"]


@dataclass(frozen=True)
class FlatFill(Listed):
    """`lines` lines in R^`dimension` from the table."""

    name: ClassVar[str] = "flat fill"
    reference: ClassVar[str] = "found by optimisation; certified by its integers"
    table: ClassVar[str] = "flat_fills.json"

    @classmethod
    def integers(cls, entry: Entry) -> NDArray[Any]:
        """The `rows` of the entry."""
        return np.array(entry["rows"], np.int16)

    @property
    def peak_square(self) -> Fraction:
        """The largest squared entry of the unit rows, exactly."""
        rows = self.every_row()
        tops = np.abs(rows.values).max(axis=1).tolist()
        squares = zip(tops, rows.squared_norms.tolist(), strict=True)
        return max(Fraction(top**2, norm) for top, norm in squares)

    @property
    def peak_attained(self) -> bool:
        """By its definition here."""
        return True

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.lines} lines in {self.dimension} dimensions with entries of at most "
            f"{float(self.peak_square) ** 0.5:.4f}, found by optimisation"
        )
