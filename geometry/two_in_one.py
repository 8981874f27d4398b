"""Two features in one dimension: the expected loss of x̂ = ReLU(w wᵀx + b), and its optimum.

Feature i is on with probability p and then uniform on [0, 1]; importances are 1 and I.  Either the
less important feature is ignored, at the cost of its variance min(1, I)(p/3 - p²/4), or the two
point in opposite directions and are wrong only where both are on (Elhage et al. 2022, "Toy models
of superposition", section "Superposition as a phase change").  All in float64, by exact quadrature:
between its kinks the error is a polynomial of each input.  Arguments out of range raise ValueError.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Optimum", "boundary", "errors", "ignoring", "leading_boundary", "shared", "shares"]

# Three nodes are exact up to degree 5; the error of an output is of degree 3 in the other input.
_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_BETTER = 1e-7


class Optimum(NamedTuple):
    """Weights `[2]`, biases `[2]`, and the loss."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    loss: float


def errors(weights: ArrayLike, bias: ArrayLike, probability: float) -> NDArray[np.float64]:
    """Return the expected squared error of both outputs, `[2]`, for w `[2]` and b `[2]`."""
    return _errors(weights, bias, probability)[0]


def _errors(
    weights: ArrayLike, bias: ArrayLike, probability: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors `[2]`, and their derivatives by w_i², w_1 w_2 and b_i, `[3, 2]`."""
    rows, offset = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
    own, other = rows**2, rows[0] * rows[1]
    # The other input passes two kinks: z = 0 where x_i = 0, and where x_i = 1.
    if other == 0:
        kinks = np.zeros((2, 2))
    else:
        kinks = np.clip(np.stack([-offset, -offset - own], axis=1) / other, 0, 1)
    ends = np.concatenate([np.zeros((2, 1)), np.sort(kinks, axis=1), np.ones((2, 1))], axis=1)
    width, middle = np.diff(ends, axis=1) / 2, (ends[:, 1:] + ends[:, :-1]) / 2
    places = np.zeros((2, 10))
    places[:, 1:] = (middle[:, :, None] + width[:, :, None] * _PLACES).reshape(2, 9)
    chance = np.full((2, 10), 1 - probability)
    chance[:, 1:] = probability * (width[:, :, None] * _WEIGHTS).reshape(2, 9)
    found, by_own, by_hidden = _error(own[:, None], offset[:, None] + other * places, probability)
    slopes = [(chance * one).sum(axis=1) for one in (by_own, by_hidden * places, by_hidden)]
    return (chance * found).sum(axis=1), np.stack(slopes)


def _error(
    own: NDArray[np.float64], hidden: NDArray[np.float64], probability: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """e = (1-p) relu(c)² + p ∫ (x - relu(ax+c))² dx for a = `own` >= 0, c = `hidden`; de/da, de/dc.

    The integrand is continuous where the line crosses 0, so that the crossing's own motion does
    not enter the derivatives.
    """
    safe = np.where(own > 0, own, 1)
    low = np.where(own > 0, np.clip(-hidden / safe, 0, 1), np.where(hidden > 0, 0, 1))
    # From `low` on the line is positive: ∫ (x - ax - c)² less ∫ x², added to the whole 1/3.
    rest = 1 - own
    first, second, third = 1 - low, (1 - low**2) / 2, (1 - low**3) / 3
    off = np.maximum(hidden, 0)
    changed = rest**2 * third - 2 * rest * hidden * second + hidden**2 * first - third
    error = (1 - probability) * off**2 + probability * (1 / 3 + changed)
    by_own = -2 * probability * (rest * third - hidden * second)
    by_hidden = 2 * (1 - probability) * off - 2 * probability * (rest * second - hidden * first)
    return error, by_own, by_hidden


def ignoring(probability: float, importance: float) -> float:
    """Return the least loss without superposition: the less important feature's variance."""
    return min(1.0, importance) * (probability / 3 - probability**2 / 4)


def leading_boundary(importance: float) -> float:
    """Return p* below which an antipodal pair of unit weights without bias beats ignoring.

    4I/(2+5I) for I <= 1 and 4/(5+2I) above: where (1+I)p²/6 = min(1, I)(p/3 - p²/4).
    """
    _check(importance=importance)
    return 4 * importance / (2 + 5 * importance) if importance <= 1 else 4 / (5 + 2 * importance)


def shared(probability: float, importance: float) -> Optimum:
    """Return the better of the local optima that descent reaches from two pairs.

    Both pairs are antipodal: one of equal lengths, and one that gives the less important feature
    less, which is best where importances and activity are near 1.  Where no pair is an optimum it
    is the one that ignores a feature.  BFGS on the exact loss; that no other start leads to a
    better one was seen on a grid, not proved.  Raises ValueError for p outside (0, 1] or I <= 0.
    """
    _check(probability=probability, importance=importance)
    order = [0, 1] if importance <= 1 else [1, 0]
    found = [_descended(probability, importance, start, order) for start in _STARTS]
    return min(found, key=lambda one: one.loss)


# Weights and biases, the more important feature first.
_STARTS = (((1.0, -1.0), (0.0, 0.0)), ((1.0, -0.4), (0.2, 0.6)))


def _descended(
    probability: float,
    importance: float,
    start: tuple[tuple[float, float], tuple[float, float]],
    order: list[int],
) -> Optimum:
    from scipy.optimize import minimize

    # In units of what ignoring costs, so that the tolerance on gradients is relative.
    weight = np.array([1.0, importance]) / ignoring(probability, importance)

    def loss(given: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found, (by_own, by_other, by_bias) = _errors(given[:2], given[2:], probability)
        rows = given[:2]
        slope = 2 * weight * by_own * rows + (weight @ by_other) * rows[::-1]
        return float(weight @ found), np.concatenate([slope, weight * by_bias])

    first = np.concatenate([np.array(part)[order] for part in start])
    found = minimize(loss, first, jac=True, method="BFGS", options={"gtol": 1e-6})
    unit = ignoring(probability, importance)
    return Optimum(found.x[:2], found.x[2:], float(found.fun) * unit)


def shares(probability: float, importance: float) -> bool:
    """Return whether an antipodal pair is better than ignoring a feature."""
    return shared(probability, importance).loss < ignoring(probability, importance) * (1 - _BETTER)


def boundary(importance: float) -> float | None:
    """Return p below which sharing is optimal, to 1e-4; None where it is up to p = 1."""
    _check(importance=importance)
    if shares(1.0, importance):
        return None
    # The free optimum shares wherever unit weights without bias would do.
    low, high = 0.9 * leading_boundary(importance), 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if shares(middle, importance) else (low, middle)
    return (low + high) / 2


def _check(*, probability: float = 1.0, importance: float = 1.0) -> None:
    if not 0 < probability <= 1:
        raise ValueError(f"`probability` must lie in (0, 1]; got {probability}.")
    if not (importance > 0 and math.isfinite(importance)):
        raise ValueError(f"`importance` must be positive; got {importance}.")
