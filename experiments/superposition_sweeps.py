"""Small models over sparsity: five features in a plane, twenty in five dimensions, outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.effects import estimate
from experiments.intervals import proportion_interval
from experiments.superposition_training import REPRESENTED, Models, chances, train

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.superposition_config import Config

__all__ = ["CROWD", "PLANE", "VARIANTS", "crowd", "plane", "variants", "without"]

Rows = NDArray[np.float64]

PLANE = (5, 2)
_UNTIED = 8
CROWD = (20, 5)
VARIANTS = {
    "ReLU": ("relu", True),
    "ReLU, untied": ("relu", False),
    "GELU": ("gelu", True),
    "absolute value": ("abs", True),
    "linear": ("linear", True),
}
"""Outputs by name: activation, and whether encoder and decoder are one."""


def falling(ratio: float, count: int) -> Rows:
    """Return importances 1, ratio, ratio², ..., `[count]`."""
    return np.asarray(np.power(ratio, np.arange(count)), np.float64)


def without(probability: float, importance: Rows, dim: int) -> float:
    """The least loss without superposition, where rows of W are orthogonal or 0.

    The `dim` most important features are restored without error, of every other one its mean: it
    costs its variance p/3 - p²/4.
    """
    rest = np.sort(importance)[::-1][dim:]
    return float(rest.sum() * (probability / 3 - probability**2 / 4))


def in_pairs(probability: float, importance: Rows, dim: int) -> float:
    """The loss of `dim` antipodal pairs of unit rows without bias, the rest ignored."""
    order = np.sort(importance)[::-1]
    paired, rest = order[: 2 * dim], order[2 * dim :]
    variance = probability / 3 - probability**2 / 4
    return float(paired.sum() * probability**2 / 6 + rest.sum() * variance)


def compared(losses: Rows, chance: Rows, importance: Rows, dim: int) -> list[dict[str, Any]]:
    """For each probability the losses `[c, seeds]` over the least without superposition."""
    return [
        {
            "probability": float(p),
            "ratio": estimate(row / without(p, importance, dim)),
            "best": float(row.min() / without(p, importance, dim)),
            "in_pairs": in_pairs(p, importance, dim) / without(p, importance, dim),
        }
        for p, row in zip(chance, losses, strict=True)
    ]


def plane(config: Config, progress: Progress) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Five features in two dimensions: losses, polytopes, and one training frame by frame."""

    def measure() -> dict[str, Any]:
        from experiments.models.toy_autoencoder import ToyTask
        from geometry import polytopes

        chance = chances(config.lowest, config.levels)
        importance = falling(config.importance, PLANE[0])
        models = train(
            config,
            progress,
            "plane",
            ToyTask(*PLANE, steps=config.steps, level=config.level, observed="weights"),
            word=2,
            seeds=config.seeds,
            probability=chance,
            importance=importance,
            rate=config.rate,
        )
        shape = (len(chance), config.seeds)
        losses = models.losses(importance).reshape(shape)
        rows = models.vectors.reshape(*shape, *PLANE)
        settled = models.settled.reshape(shape)
        found = compared(losses, chance, importance, PLANE[1])
        for place, row in enumerate(found):
            named = [polytopes.census(one, shortest=REPRESENTED) for one in rows[place]]
            row |= _shapes(named, losses[place])
            row["settled"] = float(settled[place].mean())
        best = losses.argmin(axis=1)
        return {
            "rows": found,
            "final": rows[np.arange(len(chance)), best].tolist(),
            "film": _film(models, config, (len(chance) - 1) * config.seeds + int(best[-1])),
        }

    kept: dict[str, Any] = progress.part("plane", measure)
    film = kept["film"]
    arrays = {
        "film": np.array(film["frames"], np.float32),
        "film_steps": np.array(film["steps"], np.int32),
        "final": np.array(kept["final"], np.float32),
    }
    return {"rows": kept["rows"]}, arrays


def _shapes(named: list[Any], losses: Rows) -> dict[str, Any]:
    """How many features are represented, and how often all of them form a pentagon."""
    represented = [sum(len(block.members) for block in blocks) for blocks in named]
    words = ["; ".join(block.name for block in blocks) or "none" for blocks in named]
    pentagons = sum(word == "pentagon" for word in words)
    return {
        "represented": represented,
        "shapes": {word: words.count(word) for word in sorted(set(words))},
        "best_shape": words[int(losses.argmin())],
        "pentagon": pentagons / len(words),
        "pentagon_interval": proportion_interval(pentagons, len(words)),
    }


def _film(models: Models, config: Config, member: int) -> dict[str, Any]:
    frames = models.trace["vectors"][member]
    every = math.ceil(config.steps / len(frames))
    return {
        "frames": frames.astype(float).tolist(),
        "steps": (every * np.arange(1, len(frames) + 1)).tolist(),
    }


def crowd(config: Config, progress: Progress) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Twenty features of falling importance in five dimensions, from samples."""

    def measure() -> dict[str, Any]:
        from experiments.models.toy_autoencoder import ToyTask

        chance = chances(config.lowest, config.levels)
        importance = falling(config.crowd_importance, CROWD[0])
        seeds = max(2, config.seeds // 2)
        models = train(
            config,
            progress,
            "crowd",
            ToyTask(
                *CROWD,
                steps=config.steps,
                exact=False,
                batch=config.batch,
                level=config.level,
                observed="norm",
            ),
            word=3,
            seeds=seeds,
            probability=chance,
            importance=importance,
            rate=config.rate,
        )
        shape = (len(chance), seeds)
        losses = models.losses(importance).reshape(shape)
        found = compared(losses, chance, importance, CROWD[1])
        lengths = np.linalg.norm(models.vectors, axis=2)
        settled = models.settled.reshape(shape)
        counts = (lengths > REPRESENTED).sum(axis=1).reshape(shape)
        for place, row in enumerate(found):
            row["represented"] = estimate(counts[place])
            row["settled"] = float(settled[place].mean())
        mean = lengths.reshape(*shape, CROWD[0]).mean(axis=1)
        return {"rows": found, "lengths": mean.tolist()}

    kept: dict[str, Any] = progress.part("crowd", measure)
    return {"rows": kept["rows"]}, {"lengths": np.array(kept["lengths"], np.float32)}


def represented(vectors: Rows, decoders: Rows) -> Rows:
    """Return how many features move their own output by more than 1/4 of their input, `[b]`.

    That is w_i·v_i, which of tied models is the squared length of a row; of untied ones neither
    row has a length of its own.
    """
    own = np.einsum("bnd,bnd->bn", vectors, decoders)
    return np.asarray((own > REPRESENTED**2).sum(axis=1), np.float64)


def variants(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Five features in two dimensions at the least probability, by what the output does."""

    def measure() -> list[dict[str, Any]]:
        from experiments.models.toy_autoencoder import ToyTask

        chance = np.array([config.lowest])
        importance = falling(config.importance, PLANE[0])
        seeds = max(2, config.seeds // 2)
        found = []
        for name, (activation, tied) in VARIANTS.items():
            models = train(
                config,
                progress,
                f"output-{activation}-{'tied' if tied else 'untied'}",
                ToyTask(
                    *PLANE,
                    # Two sets of weights that pull each other up from small ones take longer.
                    steps=config.steps if tied else _UNTIED * config.steps,
                    activation=activation,
                    tied=tied,
                    level=config.level,
                    observed="norm",
                ),
                word=4,
                seeds=seeds,
                probability=chance,
                importance=importance,
                rate=config.rate,
            )
            losses = models.losses(importance)
            found.append(
                {
                    "name": name,
                    "ratio": estimate(losses / without(config.lowest, importance, PLANE[1])),
                    "represented": estimate(represented(models.vectors, models.decoders)),
                    "settled": float(models.settled.mean()),
                }
            )
        return found

    kept: list[dict[str, Any]] = progress.part("variants", measure)
    return kept
