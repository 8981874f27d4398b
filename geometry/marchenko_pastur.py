"""Eigenvalues of the frame operator of random directions, for many rows and dimensions.

For n independent random directions in R^d the eigenvalues of F = UᵀU, zeros left out, follow the
law of Marchenko and Pastur as n and d grow with n/d fixed ("Distribution of eigenvalues for some
sets of random matrices", Math. USSR Sb. 1, 1967).  With p = min(n, d), q = max(n, d), γ = p/q and
the scale s = n/p the density is

    sqrt((b - x)(x - a)) / (2π γ x s)  at s·x,   a, b = (1 ∓ sqrt(γ))².

n and d below 1 raise ValueError.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["edges", "quantiles"]

_POINTS = 1 << 14


def edges(count: int, dim: int) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue that n directions in R^d have in the limit."""
    small, large = min(count, dim), max(count, dim)
    _need(count, dim)
    root = math.sqrt(small / large)
    return count / small * (1 - root) ** 2, count / small * (1 + root) ** 2


def quantiles(probability: ArrayLike, count: int, dim: int) -> NDArray[np.float64]:
    """Return the values below which these shares of the eigenvalues that are not 0 lie.

    Elementwise, for probabilities in [0, 1].  The density is integrated over the angle θ of
    x = 1 + γ + 2 sqrt(γ) cos θ, in which it is smooth, by the midpoint rule; relative error below
    1e-6 of the range.
    """
    _need(count, dim)
    small, large = min(count, dim), max(count, dim)
    gamma = small / large
    bounds = np.linspace(0, np.pi, _POINTS + 1)
    middle = (bounds[1:] + bounds[:-1]) / 2
    # dx = 2 sqrt(γ) sin θ dθ, and sqrt((b - x)(x - a)) = 2 sqrt(γ) sin θ.
    weight = np.sin(middle) ** 2 / (1 + gamma + 2 * math.sqrt(gamma) * np.cos(middle))
    # From θ = π, the lower edge, to 0; divided by its sum, which is 1 but for the rule's error.
    below = np.concatenate([[0.0], np.cumsum(weight[::-1])]) / weight.sum()
    values = 1 + gamma + 2 * math.sqrt(gamma) * np.cos(bounds[::-1])
    return np.asarray(
        count / small * np.interp(np.asarray(probability, np.float64), below, values), np.float64
    )


def _need(count: int, dim: int) -> None:
    if count < 1 or dim < 1:
        raise ValueError(f"`count` and `dim` must be at least 1; got {count}, {dim}.")
