"""The large model over sparsity: dimensions a feature, their plateaus, and the polytopes found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.effects import estimate
from experiments.superposition_sweeps import compared
from experiments.superposition_training import REPRESENTED, SETTLED_SHARE, chances, train

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.superposition_config import Config

__all__ = ["FRACTIONS", "NEAR", "PLATEAU", "on_plateau", "plateaus"]

Rows = NDArray[np.float64]

FRACTIONS = {
    "alone": 1.0,
    "tetrahedron": 3 / 4,
    "triangle": 2 / 3,
    "pair": 1 / 2,
    "pentagon": 2 / 5,
    "square antiprism": 3 / 8,
    "not learned": 0.0,
}
"""Feature dimensionality in tight arrangements (Elhage et al. 2022)."""
PLATEAU = (0.45, 0.55)
"""Dimensions for each represented feature, m/|W|², where features share in antipodal pairs."""
NEAR = 0.02
_BANDWIDTH = 0.1
_LEARNED = 1e-2
"""Shorter rows have no dimensionality to speak of."""


def plateaus(config: Config, progress: Progress) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """n features in m dimensions, all of importance 1, from samples."""

    def measure() -> dict[str, Any]:
        from experiments.models.toy_autoencoder import ToyTask
        from geometry import capacity

        chance = chances(config.lowest, config.large_levels)
        importance = np.ones(config.features)
        models = train(
            config,
            progress,
            "plateaus",
            ToyTask(
                config.features,
                config.dim,
                steps=config.large_steps,
                exact=False,
                batch=config.batch,
                level=config.level,
                observed="norm",
            ),
            word=5,
            seeds=config.large_seeds,
            probability=chance,
            importance=importance,
            rate=config.large_rate,
        )
        shape = (len(chance), config.large_seeds)
        rows = models.vectors.reshape(*shape, config.features, config.dim)
        losses = models.losses(importance).reshape(shape)
        settled = models.settled.reshape(shape)
        found = compared(losses, chance, importance, config.dim)
        shares: list[list[Rows]] = []
        for place, row in enumerate(found):
            norms = (rows[place] ** 2).sum(axis=(1, 2))
            row["dimensions"] = estimate(config.dim / norms)
            row["settled"] = float(settled[place].mean())
            row["census"] = _census(rows[place])
            shares.append(
                [_learned(one, capacity.feature_dimensionality(one)) for one in rows[place]]
            )
        return {
            "rows": found,
            "concentration": _concentration(shares),
            "spread": _spread(rows[-1]),
            "shares": [[one.tolist() for one in row] for row in shares],
        }

    kept: dict[str, Any] = progress.part("plateaus", measure)
    places = [
        p for p, row in zip(kept["rows"], kept["shares"], strict=True) for one in row for _ in one
    ]
    arrays = {
        "shares": np.array([d for row in kept["shares"] for one in row for d in one], np.float32),
        "shares_at": np.array([row["probability"] for row in places], np.float32),
    }
    return {key: kept[key] for key in ("rows", "concentration", "spread")}, arrays


def on_plateau(row: dict[str, Any]) -> bool:
    """Return whether m/|W|² has settled on the plateau at this sparsity, its whole interval."""
    low, high = row["dimensions"]["interval"]
    return bool(row["settled"] >= SETTLED_SHARE and PLATEAU[0] <= low and high <= PLATEAU[1])


def _learned(rows: Rows, shares: Rows) -> Rows:
    return np.asarray(shares[np.linalg.norm(rows, axis=1) >= _LEARNED])


def _census(models: Rows) -> dict[str, float]:
    """Features by the polytope they are part of, the mean over models; the rest is short."""
    from geometry import polytopes

    counts: dict[str, float] = {}
    for rows in models:
        for block in polytopes.census(rows, shortest=REPRESENTED):
            counts[block.name] = counts.get(block.name, 0.0) + len(block.members) / len(models)
    counts["short"] = models.shape[1] - sum(counts.values())
    return counts


def _concentration(shares: list[list[Rows]]) -> dict[str, Any]:
    """How much oftener D_i lies near a fraction than a smooth law with the same D_i would have it.

    The smooth law is a kernel density estimate of all D_i of a seed, over all sparsities.
    """
    seeds = len(shares[0])
    pooled = [np.concatenate([row[seed] for row in shares]) for seed in range(seeds)]

    def shares_of(fractions: Iterable[float]) -> tuple[Rows, Rows]:
        intervals = _merged([(one - NEAR, one + NEAR) for one in fractions])
        return (
            np.array([_inside(values, intervals) for values in pooled]),
            np.array([_smooth(values, intervals) for values in pooled]),
        )

    near, smooth = shares_of(FRACTIONS.values())
    learned, smooth_learned = shares_of(one for one in FRACTIONS.values() if one > 0)
    alone = {name: shares_of([one]) for name, one in FRACTIONS.items()}
    return {
        "near": estimate(near),
        "smooth": estimate(smooth),
        "ratio": estimate(near / smooth),
        "ratio_learned": estimate(learned / smooth_learned),
        "fractions": [
            {
                "name": name,
                "value": FRACTIONS[name],
                "near": float(one.mean()),
                "smooth": float(other.mean()),
            }
            for name, (one, other) in alone.items()
        ],
    }


def _merged(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _inside(values: Rows, intervals: list[tuple[float, float]]) -> float:
    return float(np.mean([any(low <= one <= high for low, high in intervals) for one in values]))


def _smooth(values: Rows, intervals: list[tuple[float, float]]) -> float:
    """The intervals' probability under normal kernels of standard deviation 0.1 on `values`."""
    from scipy.special import ndtr

    return sum(
        float(np.mean(ndtr((high - values) / _BANDWIDTH) - ndtr((low - values) / _BANDWIDTH)))
        for low, high in intervals
    )


def _spread(models: Rows) -> dict[str, Any]:
    """Participation ratios of represented rows over those of random directions, seed by seed.

    A direction uniform on the sphere has E sum u⁴/(sum u²)² = 3/(m+2).  In a tight frame turned at
    random a coordinate has E sum w⁴/(sum w²)² = 3m/(m+2) · sum |w|⁴/(sum |w|²)² over the rows.
    """
    from geometry import capacity

    over, serves, neurons, features = [], [], [], []
    for rows in models:
        kept = rows[np.linalg.norm(rows, axis=1) > REPRESENTED]
        if len(kept) == 0:
            return {"reason": "no feature is represented"}
        dim = kept.shape[1]
        lengths = (kept**2).sum(axis=1)
        alone = 3 * dim / (dim + 2) * (lengths**2).sum() / lengths.sum() ** 2
        spread = np.mean(1 / capacity.participation_ratio(kept, axis=1))
        load = np.mean(1 / capacity.participation_ratio(kept, axis=0))
        neurons.append(1 / spread)
        features.append(1 / load)
        over.append(3 / (dim + 2) / spread)
        serves.append(alone / load)
    return {
        "neurons": estimate(np.array(neurons)),
        "features": estimate(np.array(features)),
        "neurons_ratio": estimate(np.array(over)),
        "features_ratio": estimate(np.array(serves)),
    }
