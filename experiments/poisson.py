"""Counts over seeds: intervals of their mean, and how it scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.intervals import LEVEL

__all__ = ["Scaling", "count_interval", "scaling"]

_ROUNDS = 100
_TOLERANCE = 1e-10
_SINGULAR = 1e12


def count_interval(total: float, exposure: float) -> tuple[float, float]:
    """Interval at 95% for a Poisson rate, from `total` events in `exposure` seeds.

    Exact (Garwood 1936): by quantiles of chi-squares.  For counts that vary less than Poisson's,
    as those of shared neurons do, it is wider than it need be.
    """
    from scipy import stats

    reach = (1 - LEVEL) / 2
    low = 0.0 if total == 0 else float(stats.chi2.ppf(reach, 2 * total)) / 2
    high = float(stats.chi2.ppf(1 - reach, 2 * total + 2)) / 2
    return low / exposure, high / exposure


@dataclass(frozen=True)
class Scaling:
    """mean = exp(constant) · product of x_j^exponents_j, with intervals at 95%."""

    exponents: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    constant: float


def scaling(counts: ArrayLike, *sizes: ArrayLike) -> Scaling:
    """Fit powers of `sizes` to counts `[r]` by Poisson regression; each size is `[r]`, positive.

    Maximum likelihood by Newton's method.  The intervals use the sandwich covariance (White 1982,
    Econometrica 50), which holds whatever the counts' dispersion, and do not assume Poisson
    variance.  Raises ValueError when a size does not vary on its own, or the likelihood has no
    maximum: all counts 0, or 0 wherever a size differs.
    """
    seen = np.asarray(counts, np.float64)
    columns = [np.ones_like(seen)] + [np.log(np.asarray(size, np.float64)) for size in sizes]
    design = np.stack(columns, axis=1)
    if not seen.sum() > 0 or np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("`counts` must not all be 0, and every size must vary on its own.")
    # Centred columns make Newton's first steps safe; the constant is put back at the end.
    centre = design[:, 1:].mean(axis=0)
    design[:, 1:] -= centre
    found = np.zeros(design.shape[1])
    found[0] = np.log(seen.mean())
    for _ in range(_ROUNDS):
        mean = np.exp(design @ found)
        information = design.T @ (mean[:, None] * design)
        # Not far from singular, or else exponents run away and no step is the last one.
        if not np.linalg.cond(information) < _SINGULAR:
            break
        step = np.linalg.solve(information, design.T @ (seen - mean))
        found += step
        if np.abs(step).max() < _TOLERANCE:
            return _with_intervals(found, design, seen, centre)
    raise ValueError("`counts` must be positive at more than one value of every size.")


def _with_intervals(
    found: NDArray[np.float64],
    design: NDArray[np.float64],
    seen: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> Scaling:
    from scipy import stats

    mean = np.exp(design @ found)
    inverse = np.linalg.inv(design.T @ (mean[:, None] * design))
    scores = design * (seen - mean)[:, None]
    # Root of the diagonal of the sandwich: a norm, which rounding cannot make negative.
    errors: NDArray[np.float64] = np.linalg.norm(inverse @ scores.T, axis=1)[1:]
    reach = float(stats.norm.ppf((1 + LEVEL) / 2)) * errors
    exponents = found[1:]
    return Scaling(
        tuple(map(float, exponents)),
        tuple(
            (float(a), float(b)) for a, b in zip(exponents - reach, exponents + reach, strict=True)
        ),
        float(found[0] - exponents @ centre),
    )
