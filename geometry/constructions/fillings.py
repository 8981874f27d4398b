"""Checks of the packing that fills a net's columns: its pairs and the size of its entries."""

from __future__ import annotations

import math

import numpy as np

from geometry.packing import OrbitCheck, Packing, Rows

__all__ = ["check_filling"]

# Larger fillings are checked by their own symmetry, if they have one.
_ALL_PAIRS = 8192
_BLOCK = 1024
_UNIT = 2.0**-53


def check_filling(fill: Packing) -> OrbitCheck:
    """Whether `fill` keeps its coherence and its peak; `pairs` counts its own pairs.

    Up to 8192 lines all pairs and all entries are compared, integers exactly and float64 within
    its rounding. Beyond that the filling's own `orbit_check` decides, and entries go unchecked;
    without one, no pair is counted.
    """
    if fill.count > _ALL_PAIRS:
        return fill.orbit_check() or OrbitCheck(True, 0, "nothing, by its theorem alone")
    rows = fill.rows(np.arange(fill.count))
    return OrbitCheck(
        _pairs_hold(fill, rows) and _peak_holds(fill, rows),
        fill.count * (fill.count - 1) // 2,
        f"all {fill.count * (fill.count - 1) // 2} pairs and all entries",
    )


def _pairs_hold(fill: Packing, rows: Rows) -> bool:
    norms, group = np.unique(rows.squared_norms, return_inverse=True)
    integral = bool(norms[0] > 0)
    values = rows.values.astype(np.float64) if integral else rows.unit()
    if integral:
        # |ip| <= floor(sqrt(coherence^2 n_i n_j)) in integers, one limit for each two norms.
        # float64 sums of integers are exact here: no partial sum passes the largest norm.
        square = fill.coherence.square_bounds()[0]
        limits = np.array(
            [[float(math.isqrt(int(square * int(a) * int(b)))) for b in norms] for a in norms]
        )
    else:
        # A computed inner product of computed unit rows is off by at most (d + 8) units.
        limits = np.full((len(norms),) * 2, fill.coherence.upper_float() + (fill.dim + 8) * _UNIT)
    for start in range(0, fill.count, _BLOCK):
        block = slice(start, start + _BLOCK)
        gram = np.abs(values[block] @ values.T)
        gram[np.arange(len(gram)), np.arange(start, start + len(gram))] = 0
        if (gram > limits[group[block][:, None], group]).any():
            return False
    return True


def _peak_holds(fill: Packing, rows: Rows) -> bool:
    peaks = np.abs(rows.values).max(axis=1)
    for peak, norm in set(zip(peaks.tolist(), rows.squared_norms.tolist(), strict=True)):
        if norm > 0 and int(peak) ** 2 > fill.peak_square * norm:
            return False
        if norm == 0 and peak**2 > float(fill.peak_square) * (1 + 16 * _UNIT):
            return False
    return True
