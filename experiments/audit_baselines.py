"""What an audit compares a matrix with: random directions, Welch's bound, the best packing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.audit_pairs import BINS, QUANTILES

__all__ = ["baselines"]

_POINTS = 400


def baselines(count: int, dim: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Numbers of n directions in R^d by theory, and the curves of random ones."""
    from geometry import interference, marchenko_pastur, sphere
    from geometry.bounds.relative import welch_coherence

    edges = np.linspace(0, 1, BINS + 1)
    pairs = math.comb(count, 2)
    rms = 1 / math.sqrt(dim)
    side = min(count, dim)
    ranks = np.unique(np.geomspace(1, side, _POINTS).round())
    data = {
        "random": {
            "mean_cosine": 0.0,
            "rms": rms,
            "largest": sphere.largest_cosine_quantile(count, dim, 0.5),
            "quantiles": sphere.absolute_quantile(QUANTILES, dim).tolist(),
            "nearest": _nearest_median(count, dim),
            # (sum λ)²/sum λ² with the mean of sum λ² = n + n(n-1)/d.
            "effective_dimension": count / (1 + (count - 1) / dim),
            # The inverse has this mean exactly.
            "row_participation": (dim + 2) / 3,
            "column_participation": (count + 2) / 3,
        },
        "welch": {
            "rms": math.sqrt(interference.welch_mean_square(count, dim)),
            "largest": float(welch_coherence(dim, count)),
        },
        "packing": _packing(count, dim),
        "all_pairs": pairs,
    }
    curves = {
        "random:cosines": -np.diff(sphere.tail(edges, dim)),
        "random:nearest": np.diff(sphere.nearest_law(edges, count, dim)),
        "random:ranks": ranks,
        "random:eigenvalues": marchenko_pastur.quantiles(1 - (ranks - 0.5) / side, count, dim),
    }
    return data, curves


def _nearest_median(count: int, dim: int) -> float:
    """The median of a random direction's largest |cos|: (1 - P(|g| > t))^(n-1) = 1/2."""
    from geometry import sphere

    return float(sphere.absolute_quantile(0.5 ** (1 / (count - 1)), dim))


def _packing(count: int, dim: int) -> dict[str, Any]:
    """The least coherent packing known, found in a second; or why there is none here."""
    from geometry import catalogue

    if not 2 <= dim <= catalogue.LARGEST_DIM:
        return {"largest": None, "words": f"none: the catalogue has 2 to {catalogue.LARGEST_DIM:,}"}
    try:
        packing = catalogue.least_coherent(dim, count)
    except ValueError as error:
        return {"largest": None, "words": f"none: {error}"}
    return {"largest": float(packing.coherence), "words": packing.words()}
