"""The trainings of the quadratic model: the worked example, the map, the scan of two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.capacity_blocks import blocks
from experiments.harness.errors import InputError
from experiments.intervals import mean_interval, proportion_interval

if TYPE_CHECKING:
    from experiments.capacity_config import Config
    from experiments.harness.progress import Progress

__all__ = [
    "EXCESS",
    "STILL",
    "Curves",
    "Members",
    "curves",
    "example",
    "judged",
    "patient",
    "phase_map",
    "rise",
    "scan",
]

RECORDS = 10
EXCESS = 1e-3
"""Most relative excess of a loss over theory's least at the optimum."""
STILL = 0.1
"""Most change of a capacity over the last fifth of a converged training, in tolerances."""
CLOCK = 10.0
"""Its least v·rate·steps/(1 - momentum), v the least importance: so small a row can then grow
e^(4·10·(F-1)/(F+1))-fold, if it meets no other."""
REACH = 1.6
"""Upper end of the scan of v2/v1, in thresholds, where the features are not equal before."""
_FLOOR, _SETTLED, _FITTED = 0.05, 0.01, 4
_CURVE = 400


class Curves(NamedTuple):
    """Theory over kurtosis: F `[k]`, capacities `[k, n]`, the price `[k]` (NaN up to F = 3)."""

    kurtosis: NDArray[np.float32]
    capacities: NDArray[np.float32]
    price: NDArray[np.float32]


class Members(NamedTuple):
    """Rows `[k, s, n, d]`, capacities `[k, s, n]`, their last changes; k settings, s seeds.

    Changes are infinite where no training was long enough.
    """

    vectors: NDArray[np.float32]
    capacities: NDArray[np.float64]
    late: NDArray[np.float64]


def _train(
    config: Config,
    progress: Progress,
    name: str,
    importance: NDArray[np.float64],
    dim: int,
    kurtosis: NDArray[np.float64],
    seeds: int,
) -> Members:
    """Train `seeds` members at each pair of v `[k, n]` and F `[k]`; all settings share starts."""
    import jax

    from experiments.models import training
    from experiments.models.quadratic import QuadraticTask, settings
    from geometry import capacity

    cells, count = importance.shape
    root = jax.random.fold_in(jax.random.key(config.seed), ["example", "map", "scan"].index(name))
    keys = training.repeated(training.member_keys(root, seeds), cells)
    given = settings(
        np.repeat(importance, seeds, axis=0),
        kurtosis=np.repeat(kurtosis, seeds),
        rate=config.rate,
        start=config.start,
    )
    trained = ensembles.train(
        progress,
        name,
        QuadraticTask(count, dim, config.momentum),
        keys,
        given,
        records=RECORDS,
        every=-(-config.steps // RECORDS),
        chunks=RECORDS,
    )
    flat = np.asarray(trained.states.params["vectors"][...])
    trace = trained.trace["capacities"].astype(np.float64)
    found = np.stack([capacity.feature_dimensionality(one) for one in flat])
    late = np.abs(trace[:, -1] - trace[:, -3])
    if not patient(config, float(importance.min())):
        late[:] = np.inf
    shape = (cells, seeds, count)
    return Members(flat.reshape(*shape, dim), found.reshape(shape), late.reshape(shape))


def patient(config: Config, least: float) -> bool:
    """Whether trainings are long enough for a row of importance `least` to grow.

    Before that all is still, and nothing has converged.
    """
    return least * config.rate * config.steps / (1 - config.momentum) >= CLOCK


def judged(
    values: NDArray[np.float64], dim: int, kurtosis: float, trained: Members, tolerance: float
) -> dict[str, Any]:
    """Compare the members of one setting, `[s, ...]`, with theory's optimum.

    `values` `[n]` fall.  Equal ones may change places, which matters where theory takes only some.
    Raises InputError where every training diverged.
    """
    from geometry import allocation

    theory = allocation.optimal(values, dim, kurtosis)
    losses = np.array([allocation.loss(one, values, kurtosis) for one in trained.vectors])
    if not np.isfinite(losses).any():
        raise InputError("--rate must be smaller: every training diverged at this one.")
    best = int(np.nanargmin(losses))
    ranked = np.stack([one[np.lexsort((-one, -values))] for one in trained.capacities])
    distances = np.abs(ranked - theory.capacities).max(axis=1)
    excess = losses / theory.loss - 1
    # What is not a number is neither at the optimum nor still.
    reached = (distances < tolerance) & (excess <= EXCESS)
    still = trained.late.max(axis=1) <= STILL * tolerance
    held = trained.capacities[best]
    return {
        "kurtosis": kurtosis,
        "theory": theory.capacities.tolist(),
        "price": theory.price,
        "theory_census": allocation.census(theory.capacities, tolerance)._asdict(),
        "place": best,
        "best": held.tolist(),
        "census": allocation.census(held, tolerance)._asdict(),
        "distance": float(distances[best]),
        "excess": float(excess[best]),
        "best_converged": bool(still[best]),
        "reached": int(reached.sum()),
        "seeds": len(losses),
        "share_interval": proportion_interval(int(reached.sum()), len(losses)),
        "moving": int((~reached & ~still).sum()),
        "most": float(np.nanmax(trained.capacities.sum(axis=1))),
        "inversions": allocation.inversions(ranked[best], tolerance),
    }


def curves(importance: Sequence[float], dim: int, kurtosis: Sequence[float]) -> Curves:
    """Return theory's capacities and prices on a fine grid between the ends of `kurtosis`."""
    from geometry import allocation

    grid = 1 + np.geomspace(min(kurtosis) - 1, max(kurtosis) - 1, _CURVE)
    found = [allocation.optimal(importance, dim, float(one)) for one in grid]
    return Curves(
        grid.astype(np.float32),
        np.array([one.capacities for one in found], np.float32),
        np.array([np.nan if one.price is None else one.price for one in found], np.float32),
    )


def example(config: Config, progress: Progress) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Train the worked example at each kurtosis; the best seeds' W, `[k, n, d]`, come beside."""
    values = np.sort(np.array(config.importance))[::-1]
    kurtosis = np.unique(config.kurtosis)
    tiled = np.tile(values, (len(kurtosis), 1))
    trained = _train(config, progress, "example", tiled, config.dim, kurtosis, config.seeds)
    rows, best = [], []
    for place, one in enumerate(kurtosis.tolist()):
        part = Members(*(array[place] for array in trained))
        row = judged(values, config.dim, one, part, config.tolerance)
        vectors = part.vectors[row["place"]]
        row |= {
            "low": np.nanmin(part.capacities, axis=0).tolist(),
            "high": np.nanmax(part.capacities, axis=0).tolist(),
            "blocks": blocks(vectors, np.array(row["best"])),
        }
        rows.append(row)
        best.append(vectors)
    found = {"importance": values.tolist(), "dim": config.dim, "rows": rows}
    return found, np.stack(best)


def phase_map(config: Config, progress: Progress) -> dict[str, Any]:
    """Train models of many importances over a grid of kurtoses."""
    values = np.geomspace(1.0, config.map_least, config.map_features)
    ends = (min(config.kurtosis) - 1, max(config.kurtosis) - 1)
    kurtosis = 1 + np.geomspace(*ends, config.map_points)
    tiled = np.tile(values, (len(kurtosis), 1))
    seeds = max(2, config.seeds // 4)
    trained = _train(config, progress, "map", tiled, config.map_dim, kurtosis, seeds)
    rows = [
        judged(
            values,
            config.map_dim,
            one,
            Members(*(array[place] for array in trained)),
            config.tolerance,
        )
        for place, one in enumerate(kurtosis.tolist())
    ]
    return {"importance": values.tolist(), "dim": config.map_dim, "rows": rows}


def scan(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Train two features in one dimension at ratios v2/v1 about the threshold, at each F > 3."""
    from geometry import allocation

    kurtosis = [float(one) for one in np.unique(config.kurtosis) if one > 3]
    if not kurtosis:
        return []
    thresholds = [allocation.sharing_threshold(one) for one in kurtosis]
    # A quarter of the points lies below the threshold.
    above = [min(REACH, 1 / one) - 1 for one in thresholds]
    relative = 1 + np.outer(above, np.linspace(-1 / 3, 1, config.scan_points))
    ratios = np.array(thresholds)[:, None] * relative
    importance = np.stack([np.ones(ratios.size), ratios.ravel()], axis=1)
    cells = np.repeat(kurtosis, config.scan_points)
    seeds = max(2, config.seeds // 4)
    trained = _train(config, progress, "scan", importance, 1, cells, seeds)
    shape = (*ratios.shape, seeds)
    second, late = (array[..., 1].reshape(shape) for array in (trained.capacities, trained.late))
    rows = []
    for place, (one, threshold) in enumerate(zip(kurtosis, thresholds, strict=True)):
        found = [
            rise(ratios[place], second[place, :, seed], late[place, :, seed])
            for seed in range(seeds)
        ]
        measured = [value / threshold for value in found if value is not None]
        theory = [
            float(allocation.optimal((1.0, ratio), 1, one).capacities[1]) for ratio in ratios[place]
        ]
        # C2 rises from the threshold t as slope·(v2/(v1 t) - 1).
        slope = 2 * (one - 1) / ((one + 1) * (one - 3))
        rows.append(
            {
                "kurtosis": one,
                "threshold": threshold,
                "relative": relative[place].tolist(),
                "capacity": second[place].mean(axis=1).tolist(),
                "theory": theory,
                "over_slope": (second[place].mean(axis=1) / slope).tolist(),
                "theory_over_slope": [value / slope for value in theory],
                "ratio": float(np.mean(measured)) if measured else None,
                "interval": mean_interval(measured) if len(measured) > 1 else None,
                "converged": len(measured) == seeds,
                "seeds": seeds,
            }
        )
    return rows


def rise(
    ratios: NDArray[np.float64], capacity: NDArray[np.float64], late: NDArray[np.float64]
) -> float | None:
    """Return the ratio at which the second feature's capacity begins to rise, of one start.

    The transition is continuous, and on its upper side the ratio is a smooth function of C2; its
    quadratic fit is read off at C2 = 0.  Points near the threshold, where descent slows down,
    are left out: those with C2 below 5% of the largest, and those where C2 still moved by more than
    1% of it in the last fifth.  None with fewer than four points.
    """
    largest = np.nanmax(capacity)
    used = (capacity >= _FLOOR * largest) & (late <= _SETTLED * largest)
    if used.sum() < _FITTED or not largest > 0:
        return None
    return float(np.polyfit(capacity[used] / largest, ratios[used], 2)[-1])
