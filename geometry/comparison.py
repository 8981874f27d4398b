"""The largest |cos| over all pairs of rows: exact for integral rows, computed for float64 ones."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import coherence
from geometry.exact import Cosine
from geometry.packing import Rows

__all__ = ["flaw", "largest_float", "largest_integral"]

_BLOCK = 2048
_FEW = 1 << 16  # pairs for which starting a device's kernel takes longer than the host's product


def flaw(rows: Rows) -> str | None:
    """What is wrong with the rows taken by themselves, in words; None when nothing is.

    Integral rows must hold integers with the stated sum of squares, float rows unit vectors up to
    a factor of 2, so that neither overflow nor underflow can touch an inner product.
    """
    values, norms = rows.values, rows.squared_norms
    if not np.isfinite(values).all():
        return "an entry is NaN or infinite"
    if (norms < 0).any():
        return "a squared norm is negative"
    integral = values[norms > 0]
    if integral.size:
        peak = float(np.abs(integral.astype(np.float64)).max())
        if not (integral == np.rint(integral)).all():
            return "a row with a squared norm has entries that are no integers"
        if peak**2 * values.shape[1] >= 2.0**62:
            return "a row with a squared norm has entries too large to square exactly"
        whole = integral.astype(np.int64)
        if not np.array_equal(np.einsum("nd,nd->n", whole, whole), norms[norms > 0]):
            return "a row has another squared norm than stated"
    floats = values[norms == 0].astype(np.float64)
    squares = np.einsum("nd,nd->n", floats, floats)
    if not ((squares >= 0.25) & (squares <= 4)).all():
        return "a float row is no unit vector"
    return None


def largest_integral(rows: Rows, chosen: NDArray[np.bool_]) -> Cosine:
    """The exact coherence of the chosen rows, all integral and without `flaw`.

    Rows of one squared norm at a time, so that a class of pairs needs the largest |inner product|
    only. In float32 that is exact while every partial sum stays below 2^24, and a partial sum of
    x y is at most |x||y|; beyond, float64 on the host is exact below 2^53. Cost: n^2 d / 2
    multiply-adds. Raises ValueError for larger squared norms.
    """
    largest = Fraction(0)
    norms = [int(norm) for norm in np.unique(rows.squared_norms[chosen])]
    for place, norm in enumerate(norms):
        left = rows.values[chosen & (rows.squared_norms == norm)]
        for other in norms[place:]:
            product = math.isqrt(norm * other)
            if product >= 2**53:
                raise ValueError(f"`squared_norms` must stay below 2^53; got {norm} and {other}.")
            right = None if other == norm else rows.values[chosen & (rows.squared_norms == other)]
            if right is None and len(left) < 2:
                continue
            pairs = len(left) * len(left if right is None else right)
            if product >= 2**24 or pairs < _FEW:
                inner = _largest_host(left, right)
            elif right is None:
                inner = float(coherence.largest_inner_product(left))
            else:
                inner = float(coherence.largest_cross_product(left, right))
            largest = max(largest, Fraction(int(inner) ** 2, norm * other))
    return Cosine(largest)


def largest_float(rows: Rows, floats: NDArray[np.bool_]) -> float:
    """The largest computed |cos| over the pairs with a float row in them; rows without `flaw`.

    Off by `rounding.float64_bound` at most. Cost: n^2 d / 2 multiply-adds.
    """
    values = rows.values.astype(np.float64)
    values /= np.sqrt(np.einsum("nd,nd->n", values, values))[:, None]
    unit, rest = values[floats], values[~floats]
    return max(_largest_host(unit), _largest_host(unit, rest))


def _largest_host(left: NDArray[Any], right: NDArray[Any] | None = None) -> float:
    """The largest |inner product| in float64 between rows of two sets, or i < j within one.

    Memory: one tile beside the rows.
    """
    wide = left.astype(np.float64)
    other = wide if right is None else right.astype(np.float64)
    largest = 0.0
    for i in range(0, len(wide), _BLOCK):
        for j in range(0 if right is not None else i, len(other), _BLOCK):
            tile = wide[i : i + _BLOCK] @ other[j : j + _BLOCK].T
            if right is None and i == j:
                tile = np.triu(tile, 1)
            largest = max(largest, float(np.abs(tile, out=tile).max()))
    return largest
