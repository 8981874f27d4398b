"""What a packing that fills the columns of a net makes of it: coherence, entries, their proof."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from geometry.exact import Cosine
from geometry.packing import Packing

__all__ = ["attained", "coherence", "peak_proved", "peak_square"]

_MOST_ENTRIES = 2 * 10**8
_BLOCK = 1 << 22  # entries made at a time
_ROUNDED = Fraction(1, 2**48)  # sixteen units: a float64 unit row's entries and their norm


def coherence(own: Cosine, fill: Packing | None, columns: int) -> Cosine:
    """The coherence of lines with one entry 1/sqrt(`columns`) a column, and fills: `own` is theirs.

    A line meets a column's filling in one entry.
    """
    if fill is None:
        return own
    return max(own, fill.coherence, Cosine(fill.peak_square / columns))


def attained(own: Cosine, fill: Packing | None, columns: int) -> bool:
    """Whether `coherence` is attained, when `own` is: above it the filling decides."""
    largest = coherence(own, fill, columns)
    if fill is None or largest == own:
        return True
    return fill.exact if fill.coherence == largest else fill.peak_attained


def peak_square(fill: Packing | None, columns: int) -> Fraction:
    """The largest squared entry: the larger of 1/`columns` and the filling's."""
    own = Fraction(1, columns)
    return own if fill is None else max(own, fill.peak_square)


def peak_proved(fill: Packing) -> bool | None:
    """Whether no squared entry of the unit rows exceeds `fill.peak_square`, by looking.

    Every row is looked at, except where the form of the rows decides: a unit vector has no squared
    entry above 1, and one that weighs b blocks of coordinates alike none above 1/b, so that a few
    rows do. None where looking decides nothing: more than 2e8 entries, or float64 rows at
    equality, where rounding hides the difference.
    """
    if fill.peak_square >= 1:
        return True
    step = max(1, _BLOCK // fill.dim)
    even = fill.blocks is not None and fill.peak_square >= Fraction(1, fill.blocks)
    seen = min(fill.count, step) if even else fill.count
    if seen * fill.dim > _MOST_ENTRIES:
        return None
    for start in range(0, seen, step):
        rows = fill.rows(np.arange(start, min(start + step, seen), dtype=np.int64))
        peaks = np.abs(rows.values).max(axis=1)
        decided = True
        for peak, norm in set(zip(peaks.tolist(), rows.squared_norms.tolist(), strict=True)):
            square = Fraction(peak) ** 2 / (norm or 1)
            slack = Fraction(0) if norm else square * _ROUNDED
            if square - slack > fill.peak_square:
                return False
            decided = decided and square + slack <= fill.peak_square
        if not (decided or even):
            return None
    return True
