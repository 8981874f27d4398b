"""The same order in the toy ReLU model: x̂ = ReLU(W Wᵀx + b), importances that fall by a ratio.

No closed form is known here.  Capacity is measured as before; the loss is the exact mean.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.intervals import mean_interval

if TYPE_CHECKING:
    from experiments.capacity_config import Config
    from experiments.harness.progress import Progress

__all__ = ["RECORDS", "Order", "capacities", "order", "relu"]

RECORDS = 10
CLOCK = 20.0
"""Least rate·steps of a converged training: so far Adam can carry a weight."""
_ZERO = 1e-2
"""A shorter row represents nothing, whatever its capacity."""
_LEAST = 8
"""Seeds, at least: about a third of them find the best minimum."""
_CLASSES = ("dedicated", "shared", "ignored")


def capacities(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the capacities `[s, n]` of W `[s, n, d]`, 0 for rows shorter than 0.01."""
    from geometry import capacity

    found = np.stack([capacity.feature_dimensionality(one) for one in vectors])
    return np.where(np.linalg.norm(vectors, axis=-1) < _ZERO, 0, found)


class Order(NamedTuple):
    """How capacities follow importance, among pairs of features.

    Kendall's tau-b, and the share in order of those pairs whose capacities differ.
    """

    correlation: float
    ordered: float


def order(held: NDArray[np.float64], tolerance: float) -> Order | None:
    """Return the order of capacities `[n]` of features whose importance falls along them.

    Capacities no further apart than `tolerance` are tied; None where all are.  Where t of the
    N = n(n - 1)/2 pairs are tied and the others in order, tau-b is √(1 - t/N), which is below 1.
    """
    first, second = np.triu_indices(len(held), k=1)
    gap = held[first] - held[second]
    right, wrong = int((gap > tolerance).sum()), int((gap < -tolerance).sum())
    differ = right + wrong
    if not differ:
        return None
    return Order((right - wrong) / math.sqrt(len(gap) * differ), right / differ)


def relu(config: Config, progress: Progress) -> dict[str, Any]:
    """Train the model at each probability; seeds are the same at all, so that they can be pooled.

    A member has converged if no capacity moved by more than the tolerance from the middle of the
    training on, where the rate begins to fall, and rate·steps is at least 20.
    """
    import jax

    from experiments.models import training
    from experiments.models.toy_autoencoder import ToyTask, evaluate, settings

    chances = sorted(set(config.relu_probability), reverse=True)
    importance = config.relu_ratio ** np.arange(config.relu_features)
    seeds = max(_LEAST, config.seeds // 4)
    root = jax.random.fold_in(jax.random.key(config.seed), 3)
    keys = training.repeated(training.member_keys(root, seeds), len(chances))
    every = -(-config.relu_steps // RECORDS)
    task = ToyTask(config.relu_features, config.relu_dim, steps=every * RECORDS, observed="weights")
    given = settings(
        len(chances) * seeds,
        probability=np.repeat(chances, seeds),
        importance=importance,
        rate=config.relu_rate,
    )
    trained = ensembles.train(
        progress, "relu", task, keys, given, records=RECORDS, every=every, chunks=RECORDS
    )
    errors = np.asarray(evaluate(trained.states, task, 1), np.float64)
    losses = (errors @ importance).reshape(len(chances), seeds)
    ends, middles = (
        capacities(trained.trace["vectors"][:, place]).reshape(len(chances), seeds, -1)
        for place in (RECORDS - 1, RECORDS // 2 - 1)
    )
    moved = np.abs(ends - middles).max(axis=2)
    if config.relu_rate * config.relu_steps < CLOCK:
        moved[:] = np.inf
    rows = [
        _row(chance, losses[place], ends[place], moved[place], config.tolerance)
        for place, chance in enumerate(chances)
    ]
    return {
        "importance": importance.tolist(),
        "dim": config.relu_dim,
        "seeds": seeds,
        "rows": rows,
        **_pooled([[order(one, config.tolerance) for one in held] for held in ends]),
        "moving": sum(row["moving"] for row in rows) / (seeds * len(rows)),
    }


def _row(
    chance: float,
    losses: NDArray[np.float64],
    ends: NDArray[np.float64],
    moved: NDArray[np.float64],
    tolerance: float,
) -> dict[str, Any]:
    from geometry import allocation

    best = int(np.nanargmin(losses))
    held = ends[best]
    counts = np.array([allocation.census(one, tolerance) for one in ends], np.float64)
    return {
        "probability": chance,
        "best": held.tolist(),
        "low": ends.min(axis=0).tolist(),
        "high": ends.max(axis=0).tolist(),
        "loss": float(losses[best]),
        "census": allocation.census(held, tolerance)._asdict(),
        "counts": {name: float(counts[:, k].mean()) for k, name in enumerate(_CLASSES)},
        "intervals": {name: mean_interval(counts[:, k]) for k, name in enumerate(_CLASSES)},
        "inversions": allocation.inversions(held, tolerance),
        **_pooled([[order(one, tolerance) for one in ends]]),
        "moving": int((~(moved <= tolerance)).sum()),
        "best_converged": bool(moved[best] <= tolerance),
    }


def _pooled(found: list[list[Order | None]]) -> dict[str, Any]:
    """Mean and interval of each seed's mean over the rows: seeds are independent, rows are not."""
    seeds = [[one for one in seed if one is not None] for seed in zip(*found, strict=True)]
    means = np.array([np.mean(seed, axis=0) for seed in seeds if seed])
    # Student's interval knows nothing of the ends of a range.
    ranges = ((-1.0, 1.0), (0.0, 1.0))
    pooled: dict[str, Any] = {}
    for place, name in enumerate(Order._fields):
        pooled[name] = float(means[:, place].mean()) if len(means) else None
        reach = np.clip(mean_interval(means[:, place]), *ranges[place]) if len(means) > 1 else None
        pooled[f"{name}_interval"] = None if reach is None else reach.tolist()
    return pooled
