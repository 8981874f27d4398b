"""The size of the entries of a packing that fills a net's columns."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from geometry.packing import Packing

__all__ = ["peak_proved"]

_MOST_ENTRIES = 2 * 10**8
_BLOCK = 1 << 22  # entries made at a time
_ROUNDED = Fraction(1, 2**48)  # sixteen units: a float64 unit row's entries and their norm


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
