"""Where a success rate crosses one half: a logistic curve fitted to counts in groups.

Trials come in groups, the dictionaries that they share: within one they are not independent.  So
the interval comes from a bootstrap over groups (Davison and Hinkley, Bootstrap Methods and their
Application, 1997, section 3.8), which needs no assumption on how trials of a group depend.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.intervals import LEVEL

__all__ = ["Crossing", "crossing"]

_DRAWS = 400
_ROUNDS = 60
# Prior counts added to each end of the scale, far off: they keep the fit finite on separated data.
_SLOPE = 1e-3


@dataclass(frozen=True)
class Crossing:
    """The x of success rate one half, its interval, and the width w of 1/(1 + exp((x - c)/w))."""

    at: float
    interval: tuple[float, float]
    width: float


def crossing(
    x: ArrayLike, successes: ArrayLike, trials: ArrayLike, *, seed: int = 0
) -> Crossing | None:
    """Return the crossing of counts `[groups, m]` over `x` `[m]`; None where all end alike.

    P(success) = 1/(1 + exp((x - c)/w)) with w > 0, by maximum likelihood on the pooled counts.
    Where all x below some point succeed and all above fail, the likelihood has no maximum: a weak
    ridge on the slope (1e-3 per squared unit of standardised x) puts c between the two, and the
    interval covers the gap.  The interval, at 95%, is c ± t·s·sqrt(g/(g-1)), s the standard
    deviation of 400 resamples of the g groups and t Student's quantile for g - 1; infinite where
    the trials of some resample all end alike.  Raises ValueError for fewer than 5 groups or unfit
    shapes.
    """
    places = np.asarray(x, np.float64)
    won, tried = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    tried = np.broadcast_to(tried, won.shape)
    if won.ndim != 2 or places.shape != won.shape[1:] or len(places) < 2:
        raise ValueError(f"`successes` must have shape [groups, {len(places)}]; got {won.shape}.")
    if len(won) < 5:
        raise ValueError(f"`successes` must have at least 5 groups; got {len(won)}.")
    if (won < 0).any() or (won > tried).any():
        raise ValueError("`successes` must lie between 0 and `trials`.")
    pooled = _fit(places, won.sum(axis=0), tried.sum(axis=0))
    if pooled is None:
        return None
    from scipy import stats

    centre, width = pooled
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(_DRAWS):
        chosen = generator.integers(0, len(won), len(won))
        again = _fit(places, won[chosen].sum(axis=0), tried[chosen].sum(axis=0))
        if again is None:
            return Crossing(centre, (-math.inf, math.inf), width)
        found.append(again[0])
    groups = len(won)
    spread = float(np.std(found, ddof=1)) * math.sqrt(groups / (groups - 1))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, groups - 1)) * spread
    low, high = centre - reach, centre + reach
    share = won.sum(axis=0) / tried.sum(axis=0)
    if set(share) <= {0.0, 1.0}:
        low, high = min(low, places[share == 1].max()), max(high, places[share == 0].min())
    return Crossing(centre, (float(low), float(high)), width)


def _fit(
    x: NDArray[np.float64], won: NDArray[np.float64], tried: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Centre and width, by Newton's method on the concave log likelihood of a + b z."""
    if won.sum() in (0, tried.sum()):
        return None
    centre, scale = float(x.mean()), float(x.std())
    z = (x - centre) / scale
    design = np.stack([np.ones_like(z), z])
    ridge = np.diag([0.0, _SLOPE])
    weights = np.zeros(2)
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(weights @ design, -40, 40)))
        slope = design @ (won - tried * chance) - ridge @ weights
        curve = (design * (tried * chance * (1 - chance))) @ design.T + ridge
        step = np.linalg.solve(curve + 1e-12 * np.eye(2), slope)
        # Damped far from the maximum, where the likelihood is flat.
        weights = weights + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10:
            break
    if weights[1] >= 0:  # success does not fall with x
        return None
    return centre - scale * float(weights[0] / weights[1]), -scale / float(weights[1])
