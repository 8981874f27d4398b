"""Steering's closed forms for random directions, and the same measured at reference settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.intervals import mean_interval
from experiments.steering_config import Config

if TYPE_CHECKING:
    from jax import Array

__all__ = ["SCALES", "reference", "theory"]

SCALES = tuple(range(21))
# Dimension, share of the targets, and resolution of the check: rare events need more targets.
_REFERENCE = ((64, 4, 0.02), (256, 4, 0.02), (768, 2, 0.02), (4096, 1, 0.05))
_REFERENCE_FEATURES = 4096


def theory(config: Config, features: int, dim: int) -> dict[str, Any]:
    """Closed forms for random directions, over s, and for the arms."""
    from geometry import steering

    neuron = steering.best_neuron_law(features, dim)
    random = steering.dimensionality_law(features, dim)
    return {
        "on": [
            float(steering.spurious_fraction(s, config.theta, dim, amplitude=config.amplitude))
            for s in SCALES
        ],
        "neuron": neuron,
        "random": random,
        "tight": min(1.0, dim / features),
        "chance": 1 / features,
        "gain": random / neuron,
    }


def reference(root: Array, seeds: int, most: int) -> list[dict[str, Any]]:
    """The share of other features on at s = 10, theta = 1/2, at the suite's reference widths."""
    import jax

    from geometry import sphere, steering

    found = []
    for dim, part, within in _REFERENCE:
        shares = []
        targets = np.arange(most // part)
        for member in range(seeds):
            key = jax.random.fold_in(jax.random.fold_in(root, dim), member)
            rows = np.asarray(sphere.sample(key, _REFERENCE_FEATURES, dim))
            seen = steering.couplings(rows, targets, rows[targets], np.array([0.5 / 9]))
            shares.append(float(seen.passing.mean()) / (_REFERENCE_FEATURES - 1))
        found.append(
            {
                "dim": dim,
                "share": float(np.mean(shares)),
                "interval": list(mean_interval(shares)),
                "exact": float(steering.spurious_fraction(10, 0.5, dim)),
                "normal": float(steering.spurious_fraction(10, 0.5, dim, exact=False)),
                "within": within,
            }
        )
    return found
