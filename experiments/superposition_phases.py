"""Phase diagrams: two features in one dimension, three in two, over activity and importance."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.intervals import mean_interval
from experiments.superposition_training import Models, chances, train

if TYPE_CHECKING:
    from experiments.harness.progress import Progress, Step
    from experiments.superposition_config import Config

__all__ = ["BAND", "IMPORTANCES", "KINDS", "pairs", "triples"]

Rows = NDArray[np.float64]

IMPORTANCES = (0.1, 10.0)
"""Ends of the importances of the last feature; the others have 1."""
BAND = 0.15
"""Cells this close to the boundary, as a ratio of probabilities, are not judged."""
IGNORED = 0.1
"""A feature whose row is shorter is ignored.  An optimum that ignores it has 0, one that shares has
less than this only within two hundredths of the boundary, for importances from about 0.6 of each
other up, where sharing fades in without a jump."""
KINDS = ("the second is ignored", "an antipodal pair", "the first is ignored", "other")
TRIPLE_KINDS = (
    "the third is ignored",
    "another one is ignored",
    "the third has a dimension, the others a pair",
    "the third is one of a pair",
    "all three share",
    "other",
)
"""What may become of three features in two dimensions."""


def _grid(config: Config, cells: int) -> tuple[Rows, Rows, Rows, Rows]:
    """Probabilities and importances of the axes, then of every cell, row by row of importance."""
    axis, weights = chances(config.lowest, cells)[::-1], np.geomspace(*IMPORTANCES, cells)
    weight, chance = (grid.ravel() for grid in np.meshgrid(weights, axis, indexing="ij"))
    return axis, weights, chance, weight


def _train(
    config: Config, progress: Progress, name: str, sizes: tuple[int, int], cells: int, word: int
) -> tuple[Models, Rows]:
    """Models `[cells², seeds]` flattened, and their losses `[cells², seeds]`."""
    from experiments.models.toy_autoencoder import ToyTask

    features, dim = sizes
    _, _, chance, weight = _grid(config, cells)
    importance = np.ones((len(weight), features))
    importance[:, -1] = weight
    models = train(
        config,
        progress,
        name,
        ToyTask(features, dim, steps=config.cell_steps, level=config.level, observed="norm"),
        word=word,
        seeds=config.cell_seeds,
        probability=chance,
        importance=importance,
        rate=config.cell_rate,
    )
    losses = models.losses(np.repeat(importance, config.cell_seeds, axis=0))
    return models, losses.reshape(len(weight), config.cell_seeds)


def pairs(config: Config, progress: Progress) -> dict[str, Any]:
    """Two features in one dimension, beside the optimum by exact quadrature."""

    def measure() -> dict[str, Any]:
        from geometry import two_in_one

        axis, weights, chance, weight = _grid(config, config.cells)
        models, losses = _train(config, progress, "pairs", (2, 1), config.cells, 0)
        kinds = np.array([_kind(row) for row in models.vectors[:, :, 0]]).reshape(losses.shape)
        best = losses.argmin(axis=1)
        every = np.arange(len(best))
        settled = models.settled.reshape(losses.shape)[every, best]
        with progress.phase("pairs, optimum", total=len(weight)) as step:
            optimum, sharing = _optima(chance, weight, step)
        bounds = [_boundary(one) for one in weights]
        return {
            "probabilities": axis.tolist(),
            "importances": weights.tolist(),
            "kinds": kinds[every, best].tolist(),
            "expected": _expected(weight, sharing).tolist(),
            "near": _near(chance, weight, dict(zip(weights.tolist(), bounds, strict=True))),
            "agreeing": (kinds == _expected(weight, sharing)[:, None]).astype(int).tolist(),
            "excess": (losses.min(axis=1) / optimum - 1).tolist(),
            "boundary": bounds,
            "leading": [two_in_one.leading_boundary(one) for one in weights.tolist()],
            "seeds": config.cell_seeds,
            "settled": settled.tolist(),
        }

    found: dict[str, Any] = progress.part("pairs", measure)
    return found | _agreement(found)


def _agreement(found: dict[str, Any]) -> dict[str, Any]:
    """Shares of the cells away from the boundary, and of their trainings, that agree."""
    away = ~np.array(found["near"], bool)
    same = np.array(found["kinds"])[away] == np.array(found["expected"])[away]
    # A seed has one start and one set of draws in all cells: seeds are what is independent.
    single = np.array(found["agreeing"], np.float64)[away].mean(axis=0)
    return {
        "judged": int(away.sum()),
        "agreement": float(same.mean()),
        "single": float(single.mean()),
        "single_interval": mean_interval(single),
    }


def _kind(weights: Rows) -> int:
    first, second = (abs(float(one)) > IGNORED for one in weights)
    if first and second:
        return 1 if weights[0] * weights[1] < 0 else 3
    return 0 if first else 2 if second else 3


def _expected(weight: Rows, sharing: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(np.where(sharing, 1, np.where(weight <= 1, 0, 2)))


def _optima(chance: Rows, weight: Rows, step: Step) -> tuple[Rows, NDArray[np.bool_]]:
    """The least loss of every cell, and whether a pair has it."""
    from geometry import two_in_one

    losses, sharing = [], []
    for p, importance in zip(chance.tolist(), weight.tolist(), strict=True):
        pair, alone = _pair(p, importance), two_in_one.ignoring(p, importance)
        losses.append(min(pair, alone))
        sharing.append(pair < alone * (1 - 1e-7))
        step()
    return np.array(losses), np.array(sharing)


def _pair(p: float, importance: float) -> float:
    """The loss of the best pair; importances I and 1/I are one problem."""
    # Rounded, so that both find it: 12 digits are more than the optimum has.
    small = float(f"{min(importance, 1 / importance):.12g}")
    return _small_pair(p, small) * max(importance, 1.0)


@cache
def _small_pair(p: float, importance: float) -> float:
    from geometry import two_in_one

    return two_in_one.shared(p, importance).loss


@cache
def _boundary(importance: float) -> float | None:
    from geometry import two_in_one

    return two_in_one.boundary(float(f"{min(importance, 1 / importance):.12g}"))


def _near(chance: Rows, weight: Rows, bounds: dict[float, float | None]) -> list[bool]:
    found = []
    for p, importance in zip(chance.tolist(), weight.tolist(), strict=True):
        bound = bounds[importance]
        found.append(bound is not None and abs(p / bound - 1) <= BAND)
    return found


def triples(config: Config, progress: Progress) -> dict[str, Any]:
    """Three features in two dimensions, beside the best that leaves one dimension to one feature.

    Two candidates are known exactly: ignore the least important feature, or give one feature a
    dimension and the other two a pair in the other.  What trained models reach below both is what
    the plane has to offer beyond its two axes.
    """

    def measure() -> dict[str, Any]:
        axis, weights, chance, weight = _grid(config, config.triples)
        models, losses = _train(config, progress, "triples", (3, 2), config.triples, 1)
        best = losses.argmin(axis=1)
        every = np.arange(len(best))
        rows = models.vectors.reshape(*losses.shape, 3, 2)[every, best]
        known = [_known(p, one) for p, one in zip(chance.tolist(), weight.tolist(), strict=True)]
        return {
            "probabilities": axis.tolist(),
            "importances": weights.tolist(),
            "kinds": [_triple(one) for one in rows],
            "ratio": (losses.min(axis=1) / np.array(known)).tolist(),
            "settled": models.settled.reshape(losses.shape)[every, best].tolist(),
        }

    found: dict[str, Any] = progress.part("triples", measure)
    return found


def _known(p: float, importance: float) -> float:
    variance = p / 3 - p**2 / 4
    # Importances 1, 1 and I: which feature is ignored, which two make the pair.
    return min(variance * min(1.0, importance), _pair(p, importance), _pair(p, 1.0))


def _triple(rows: Rows) -> int:
    """A place in `TRIPLE_KINDS`."""
    from geometry import polytopes

    blocks = polytopes.census(rows, shortest=IGNORED)
    sizes = sorted(len(block.members) for block in blocks)
    if sizes == [1, 1]:
        return 0 if all(2 not in block.members for block in blocks) else 1
    if sizes == [3]:
        return 4
    if sizes == [1, 2] and any(block.name == "pair" for block in blocks):
        alone = next(block for block in blocks if len(block.members) == 1)
        return 2 if alone.members == (2,) else 3
    return 5
