"""The phase transition of l1 recovery: how many active features a width can carry.

For a random dictionary of N features in d dimensions, as N grows with delta = d/N fixed, the code
of least l1 norm is the true one for most sets of k = rho d active features when rho is below the
weak threshold rho(delta), and for almost none above (Donoho and Tanner, "Observed universality of
phase transitions in high-dimensional geometry", Phil. Trans. R. Soc. A 367, 2009).  In the form of
Donoho, Maleki and Montanari, "Message-passing algorithms for compressed sensing", PNAS 106 (2009),
equation 4,

    rho(delta) = max over z >= 0 of (1 - (kappa/delta) h(z)) / (1 + z² - kappa h(z)),
    h(z) = (1 + z²) Q(z) - z phi(z),

kappa = 2 for amplitudes of any sign and 1 for nonnegative ones.  Arguments out of range raise
ValueError.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

__all__ = ["least_dim", "most_active", "threshold", "tuning"]

_LARGEST_Z = 40.0


def threshold(delta: ArrayLike, *, nonnegative: bool = False) -> NDArray[np.float64]:
    """Return rho(delta), elementwise, for delta in (0, 1]; in (0, 1], and 1 at delta = 1.

    Relative error below 1e-9.
    """
    return np.asarray(
        np.vectorize(lambda x: _best(float(x), nonnegative)[1], otypes=[float])(delta)
    )


def tuning(delta: ArrayLike, *, nonnegative: bool = False) -> NDArray[np.float64]:
    """Return the z that attains `threshold`, elementwise: the minimax soft threshold.

    Message passing with alpha = z (`decoders.amp`) recovers up to rho(delta), and no other alpha
    recovers as far (Donoho, Maleki and Montanari 2009).
    """
    return np.asarray(
        np.vectorize(lambda x: _best(float(x), nonnegative)[0], otypes=[float])(delta)
    )


def least_dim(features: int, active: int, *, nonnegative: bool = False) -> int:
    """Return the smallest d with k <= rho(d/N) d.  (4096, 32): 207, and 178 nonnegative.

    rho(delta)·delta rises with delta, so bisection finds it.  Raises ValueError unless 1 <= k <= N.
    """
    if not 1 <= active <= features:
        raise ValueError(f"`active` must lie in [1, {features}]; got {active}.")
    low, high = active - 1, features
    while high - low > 1:
        middle = (low + high) // 2
        enough = _best(middle / features, nonnegative)[1] * middle >= active
        low, high = (low, middle) if enough else (middle, high)
    return high


def most_active(features: int, dim: int, *, nonnegative: bool = False) -> int:
    """Return the largest k with k <= rho(d/N) d, in [0, d]; N for d >= N.

    Raises ValueError unless N >= 1 and d >= 1.
    """
    if features < 1 or dim < 1:
        raise ValueError(f"`features` and `dim` must be at least 1; got {features} and {dim}.")
    if dim >= features:
        return features
    return math.floor(_best(dim / features, nonnegative)[1] * dim)


@lru_cache(maxsize=4096)
def _best(delta: float, nonnegative: bool) -> tuple[float, float]:
    """The maximiser z and rho(delta)."""
    if not 0 < delta <= 1:
        raise ValueError(f"`delta` must lie in (0, 1]; got {delta}.")
    kappa = 1.0 if nonnegative else 2.0
    if delta == 1:
        # As delta rises to 1 the maximiser falls to 0 and the maximum rises to 1, for both kappa.
        return 0.0, 1.0

    def ratio(z: float) -> float:
        h = (1 + z * z) * special.ndtr(-z) - z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return float((1 - kappa / delta * h) / (1 + z * z - kappa * h))

    # One maximum: coarse grid, then a bounded search around the best of it.
    grid = np.linspace(0.0, _LARGEST_Z, 801)
    values = [ratio(float(z)) if z > 0 or kappa == 1 else -math.inf for z in grid]
    place = int(np.argmax(values))
    around = float(grid[max(place - 1, 0)]), float(grid[min(place + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(
        lambda z: -ratio(max(z, 1e-12)), bounds=around, method="bounded", options={"xatol": 1e-12}
    )
    return float(found.x), -float(found.fun)
