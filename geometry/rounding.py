"""How far a computed cosine can be from the true one: float64, float32 and narrower products.

u is the unit roundoff and gamma_m = m u / (1 - m u); an inner product of length d, summed in any
order, is off by at most gamma_d |x||y| (Higham, Accuracy and Stability of Numerical Algorithms,
2002, eq. 3.5), and gammas add: gamma_j + gamma_k + gamma_j gamma_k <= gamma_{j+k} (lemma 3.3).

In float64, rows are divided by their computed norm, the root of a sum of d squares, which is off by
a factor within 1 +- gamma_{d/2+2}, and each entry by one more rounding; two rows and the gamma_d of
their inner product make gamma_{2d+6}, less than 2 gamma_{d+8} for d <= 2^27: `float64_bound`.

Unit rows in float32 (`sphere.unit_rows`): y is a multiple of x but for three roundings an entry, so
its direction is off by at most 4u, and its length is 1 but for the rounding of a sum of d squares,
a root and the divisions, a factor within 1 +- gamma_{d/2+4}.  What falls below float32's normal
numbers may be lost: rows whose largest entry is near that end are scaled first (`panels`), so that
it is less than 2^-40 of any row of up to 2^40 entries, and lies within the fourth u.

Narrow rows z are y rounded once more, and how far, e = |z - y|, is measured for each row, not
bounded in advance.  By Cauchy and Schwarz |<z_i, z_j> - <y_i, y_j>| <= e_i |z_j| + |y_i| e_j.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["float32_bound", "float64_bound", "gamma", "narrow_bound", "round_down"]

_FLOAT32, _FLOAT64 = 2.0**-24, 2.0**-53
# Units that multiply narrow numbers may cut off their float32 sums where others round them.
_CUT = 2.0**-23


def gamma(terms: int, unit: float = _FLOAT32) -> float:
    """Return gamma_terms, or infinity where terms·u reaches 1 and nothing is known."""
    product = terms * unit
    return product / (1 - product) if product < 1 else np.inf


def float64_bound(dim: int) -> float:
    """Return how far a float64 |cos| of two rows in R^`dim` can be off: 2 gamma_{d+8}.

    For rows divided by their computed norms; `dim` at most 2^27.
    """
    return 2 * gamma(dim + 8, _FLOAT64)


def float32_bound(dim: int) -> float:
    """Return how far |cos| of two rows in R^`dim` can be from that of their float32 unit rows.

    Directions 2·4u, lengths gamma_{d+8}, the inner product gamma_d: together gamma_{2d+24}.  Holds
    for products that round each operation to float32 (CPU and GPU at `Precision.HIGHEST`).
    """
    return gamma(2 * dim + 24)


def narrow_bound(dim: int, top: ArrayLike, side: ArrayLike) -> NDArray[np.float64]:
    """Return how far |cos| can be from the product of narrow rows whose e are `top` and `side`.

    The e, of the same shape as the result, are float32 norms of d numbers as computed; sums are in
    float32.
    """
    reach = 1 + gamma(dim + 8)
    one = reach * np.asarray(top, np.float64)
    two = reach * np.asarray(side, np.float64)
    rounded = reach**2 * (one + two + one * two)
    summed = reach**2 * gamma(dim, _CUT) * (1 + one) * (1 + two)
    bound: NDArray[np.float64] = rounded + summed + gamma(dim + 16)
    return bound


def round_down(values: ArrayLike) -> NDArray[np.float32]:
    """Return the largest float32 not above each value: x > t and x > round_down(t) agree."""
    exact = np.asarray(values, dtype=np.float64)
    near = exact.astype(np.float32)
    return np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
