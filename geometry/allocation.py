"""How a quadratic model divides its dimensions among features: the best allocation, exactly.

A model ŷ = |Wᵀx|² + b with W `[n, d]` learns y = sum_i v_i x_i² from independent features of mean
0, variance 1 and kurtosis F = E x⁴ (Scherlis et al. 2022, "Polysemanticity and capacity in neural
networks").  With the bias at its best the expected squared error is, for G = W Wᵀ,

    L = (F - 1) sum_i (v_i - G_ii)² + 2 sum_{i≠j} G_ij².

With the capacities C_i = G_ii² / sum_j G_ij² (`capacity.feature_dimensionality`), which sum to at
most d, row i costs (F - 1)(v_i - G_ii)² + 2 G_ii² (1/C_i - 1).  At the best G_ii that is

    l_i = 2 v_i² (F - 1)(1 - C_i) / (2 + (F - 3) C_i),

convex in C_i for F > 3, linear at 3 and concave below.  So the best allocation is water filling for
F > 3, and all or nothing else.  Any C in [0, 1]ⁿ that sums to d can be had: rows of squared
lengths C_i that form a tight frame have these capacities (the theorem of Schur and Horn).

Arguments out of range raise ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Allocation",
    "Census",
    "census",
    "inversions",
    "loss",
    "optimal",
    "row_losses",
    "sharing_threshold",
]


class Allocation(NamedTuple):
    """The best allocation: C_i and |w_i|², `[n]` each; the price mu, or None; the loss.

    C_i = clip((v_i/mu - 2)/(F - 3), 0, 1) where there is a price: a feature has a dimension of its
    own from v_i = (F - 1) mu on, and is ignored up to v_i = 2 mu.
    """

    capacities: NDArray[np.float64]
    squared_norms: NDArray[np.float64]
    price: float | None
    loss: float


def optimal(importance: ArrayLike, dim: int, kurtosis: float) -> Allocation:
    """Return the allocation of `dim` dimensions with the least loss; O(n²) time.

    `importance` is v, `[n]`, positive.  For F > 3 the minimum is unique: sum_i C_i is piecewise
    linear in 1/mu, and the segment where it passes `dim` is found.  For F <= 3 the `dim` most
    important features have a dimension each, the first of equals, and there is no price; at F = 3
    with equal importances other allocations do as well.  With `dim` >= n the loss is 0.
    """
    values = _importance(importance)
    _check_kurtosis(kurtosis)
    if dim < 1:
        raise ValueError(f"`dim` must be at least 1; got {dim}.")
    price = None
    if kurtosis > 3:
        inverse = _inverse_price(values, dim, kurtosis)
        price = 1 / inverse
        capacities = _filled(values * inverse, kurtosis)
    else:
        capacities = np.zeros(len(values))
        capacities[np.argsort(-values, kind="stable")[:dim]] = 1
    norms = values * (kurtosis - 1) * capacities / (2 + (kurtosis - 3) * capacities)
    return Allocation(
        capacities, norms, price, float(row_losses(capacities, values, kurtosis).sum())
    )


def _filled(ratio: NDArray[np.float64], kurtosis: float) -> NDArray[np.float64]:
    return np.clip((ratio - 2) / (kurtosis - 3), 0, 1)


def _inverse_price(values: NDArray[np.float64], dim: int, kurtosis: float) -> float:
    # At these values of 1/mu a feature begins to get capacity, or has all that it can use.
    knots = np.sort(np.concatenate([2 / values, (kurtosis - 1) / values]))
    sums = np.array([_filled(values * knot, kurtosis).sum() for knot in knots])
    place = int(np.searchsorted(sums, dim))
    if place >= len(knots):
        return float(knots[-1])
    share = (dim - sums[place - 1]) / (sums[place] - sums[place - 1])
    return float(knots[place - 1] + share * (knots[place] - knots[place - 1]))


def row_losses(
    capacities: ArrayLike, importance: ArrayLike, kurtosis: float
) -> NDArray[np.float64]:
    """Return each feature's part of the loss at its best |w_i|², given its C_i in [0, 1]; `[n]`."""
    values = _importance(importance)
    _check_kurtosis(kurtosis)
    given = np.asarray(capacities, np.float64)
    wrong = ~((given >= 0) & (given <= 1))
    if given.shape != values.shape or wrong.any():
        came = f"shape {given.shape}" if given.shape != values.shape else str(given[wrong][0])
        raise ValueError(f"`capacities` must be {len(values)} numbers in [0, 1]; got {came}.")
    return 2 * values**2 * (kurtosis - 1) * (1 - given) / (2 + (kurtosis - 3) * given)


def loss(vectors: ArrayLike, importance: ArrayLike, kurtosis: float) -> float:
    """Return the expected squared error of W `[n, d]` with the bias at its best; O(n² d)."""
    values = _importance(importance)
    _check_kurtosis(kurtosis)
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or len(rows) != len(values):
        raise ValueError(f"`vectors` must have shape [{len(values)}, d]; got shape {rows.shape}.")
    gram = rows @ rows.T
    own = np.diagonal(gram)
    shared = float(np.sum((gram - np.diag(own)) ** 2))
    return float((kurtosis - 1) * np.sum((values - own) ** 2) + 2 * shared)


def sharing_threshold(kurtosis: float) -> float:
    """Return 2/(F - 1): two features share one dimension iff v_2/v_1 is above it, v_2 <= v_1.

    For F > 3 only; up to 3 they never do.
    """
    if not kurtosis > 3:
        raise ValueError(f"`kurtosis` must be above 3 for features to share; got {kurtosis}.")
    return 2 / (kurtosis - 1)


class Census(NamedTuple):
    """How many features have a dimension of their own, share, and are ignored."""

    dedicated: int
    shared: int
    ignored: int


def census(capacities: ArrayLike, tolerance: float) -> Census:
    """Count features by capacity: ignored up to `tolerance`, dedicated from 1 - `tolerance` on."""
    if not 0 <= tolerance < 0.5:
        raise ValueError(f"`tolerance` must lie in [0, 0.5); got {tolerance}.")
    given = np.asarray(capacities, np.float64)
    dedicated = int((given >= 1 - tolerance).sum())
    ignored = int((given <= tolerance).sum())
    return Census(dedicated, given.size - dedicated - ignored, ignored)


def inversions(capacities: ArrayLike, tolerance: float) -> int:
    """Count pairs of features of which the less important has more capacity, by `tolerance`.

    `capacities` `[n]` come in the order of importance, the most important first.
    """
    given = np.asarray(capacities, np.float64)
    return int(np.triu(given[None, :] > given[:, None] + tolerance, k=1).sum())


def _importance(importance: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(importance, np.float64)
    shaped, wrong = values.ndim == 1 and len(values) > 0, ~(np.isfinite(values) & (values > 0))
    if not shaped or wrong.any():
        came = str(values[wrong][0]) if shaped else f"shape {values.shape}"
        raise ValueError(f"`importance` must be positive numbers of shape [n]; got {came}.")
    return values


def _check_kurtosis(kurtosis: float) -> None:
    # E x⁴ >= (E x²)², with equality for x = ±1, whose squares say nothing.
    if not 1 < kurtosis < np.inf:
        raise ValueError(f"`kurtosis` must lie in (1, inf); got {kurtosis}.")
