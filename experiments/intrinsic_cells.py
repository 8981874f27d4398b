"""The trainings of the intrinsic experiment: one layer, and what makes its units monosemantic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import effects, ensembles, intervals
from experiments.intrinsic_config import BELOW, Config

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.feature_decoder import FeatureDecoderTask
    from experiments.models.training import State

__all__ = [
    "ARMS",
    "CLOCK",
    "LATE",
    "MORE",
    "RECORDS",
    "Cell",
    "Layers",
    "batches",
    "cells",
    "estimate",
    "members",
    "name",
    "ratio",
    "shapes",
    "steps",
    "train",
    "units",
]

RECORDS = 10
CLOCK = 10.0
"""Least rate times steps: Adam could have moved a weight by ten times what it starts with."""
LATE = 0.02
"""Most change over the last tenth of a training that has settled: of the loss as a share of it, and
of the share of monosemantic units."""
MORE = 3
"""Members, for each of `seeds`, of the two settings whose small difference is asked for."""
ARMS = {
    "start": "the start of the biases",
    "penalty": "the l1 penalty",
    "solu": "the function",
    "width": "the width",
    "speed": "the learning rate",
    "length": "the length of the training",
}
"""What is varied, by name; the matched model is the first arm's, with its biases at 0."""

Floats = NDArray[np.float64]


class Cell(NamedTuple):
    """One setting: its arm, units, function, start of biases, penalty, rate, and steps over those
    of the matched layer.
    """

    arm: str
    hidden: int
    activation: str
    start: float
    penalty: float
    rate: float
    length: float = 1.0


class Layers(NamedTuple):
    """Trained members of settings of the same shape, one after the other; what was measured.

    `parts`: the members of each setting.  `responses` `[b, k, N]` and `living` `[b, k]` are as
    `feature_decoder.evaluate` has them.
    """

    states: State
    task: FeatureDecoderTask
    parts: list[slice]
    rows: list[dict[str, Any]]
    responses: NDArray[np.float32]
    living: NDArray[np.bool_]


def cells(config: Config) -> list[Cell]:
    """Return every setting, the matched one first."""
    main = Cell("start", config.hidden, "relu", 0.0, 0.0, config.rate)
    # Adding 0 makes 0 of -0.
    starts = sorted({start + 0.0 for start in config.starts}, reverse=True)
    starts = [0.0, *(start for start in starts if start)]
    both = (0.0, BELOW)
    widths = sorted({max(1, round(width * config.features)) for width in config.widths})
    return [
        *(main._replace(start=start) for start in starts),
        *(
            main._replace(arm="penalty", penalty=penalty)
            for penalty in sorted(set(config.penalties))
        ),
        *(main._replace(arm="solu", activation=one) for one in dict.fromkeys(config.functions)),
        *(
            main._replace(arm="speed", rate=speed * config.rate, start=start)
            for speed in sorted({speed for speed in config.speeds if speed != 1})
            for start in both
        ),
        *(
            main._replace(arm="length", length=times, rate=config.rate / times, start=start)
            for times in sorted({times for times in config.lengths if times != 1})
            for start in both
        ),
        *(
            main._replace(arm="width", hidden=width, start=start)
            for width in widths
            if width != config.hidden
            for start in both
        ),
    ]


def name(cell: Cell) -> str:
    """Return what tells a setting from the others, in words."""
    words = {
        "start": f"biases start at {cell.start:g}",
        "penalty": f"penalty {cell.penalty:g}",
        "solu": "SoLU",
        "width": f"{cell.hidden} unit{'s' * (cell.hidden != 1)}, biases start at {cell.start:g}",
        "length": f"{cell.length:g} times the steps, biases start at {cell.start:g}",
        "speed": f"rate {cell.rate:g}, biases start at {cell.start:g}",
    }
    return words[cell.arm]


def estimate(values: Sequence[float] | Floats) -> dict[str, Any]:
    """Return mean, Student's interval over seeds, and the values."""
    return {**effects.estimate(values), "seeds": [float(value) for value in values]}


def ratio(above: Sequence[float] | Floats, below: Sequence[float] | Floats) -> dict[str, Any]:
    """Return the geometric mean of the ratios of paired positive values, with its interval.

    Student's, of the logarithms.  Where one has more values than the other, the first ones are
    paired.
    """
    logs = np.log([a / b for a, b in zip(above, below, strict=False)])
    return {
        "mean": float(np.exp(logs.mean())),
        "interval": np.exp(intervals.mean_interval(logs)).tolist(),
    }


def members(config: Config, cell: Cell) -> int:
    """Return how many members a setting has."""
    asked = cell.arm == "start" and cell.start in (0.0, BELOW)
    return config.seeds * (MORE if asked else 1)


def steps(config: Config, length: float = 1.0) -> int:
    """Return the steps of a training that is `length` times that of the matched layer."""
    return RECORDS * round(length * -(-config.steps // RECORDS))


def batches(config: Config) -> int:
    """Return how many batches losses are measured on."""
    return max(1, -(-config.evaluations // config.batch))


def shapes(config: Config) -> dict[str, list[Cell]]:
    """Return the settings that train together, under a name of them, the matched one's first.

    They have the same units, function and number of steps.
    """
    found: dict[str, list[Cell]] = {}
    for cell in cells(config):
        length = "" if cell.length == 1 else f"-{cell.length:g}"
        shape = f"{cell.hidden}-{cell.activation}{length}".replace(".", "_").replace("+", "")
        found.setdefault(shape, []).append(cell)
    return found


def train(config: Config, progress: Progress, shape: str, chosen: Sequence[Cell]) -> Layers:
    """Train and measure settings of the same shape together, `shape` their name.

    Member i of each has the same projection, samples and start of its weights; projections and
    samples are also those of member i of any other shape.
    """
    import jax

    from experiments.models import feature_decoder, training
    from experiments.models.feature_decoder import FeatureDecoderTask

    whole = steps(config, chosen[0].length)
    counts = [members(config, cell) for cell in chosen]
    ends = np.cumsum([0, *counts])
    parts = [slice(int(a), int(b)) for a, b in itertools.pairwise(ends)]
    place = np.concatenate([np.arange(count) for count in counts])
    hidden, activation = chosen[0].hidden, chosen[0].activation
    task = FeatureDecoderTask(config.features, config.dim, hidden, whole, activation, config.batch)
    root = jax.random.fold_in(jax.random.key(config.seed), 0)
    trained = ensembles.train(
        progress,
        f"layers-{shape}",
        task,
        training.member_keys(root, max(counts))[jax.numpy.asarray(place)],
        feature_decoder.settings(
            len(place),
            probability=config.probability,
            start=np.repeat([cell.start for cell in chosen], counts),
            penalty=np.repeat([cell.penalty for cell in chosen], counts),
            rate=np.repeat([cell.rate for cell in chosen], counts),
            shrink=config.shrink,
        ),
        records=RECORDS,
        every=whole // RECORDS,
        chunks=RECORDS,
    )
    found = feature_decoder.evaluate(trained.states, task, batches(config))
    losses, responses, living = (np.asarray(part) for part in found)
    rows = []
    for part, cell in zip(parts, chosen, strict=True):
        kinds = [units(*one) for one in zip(responses[part], living[part], strict=True)]
        course = {
            "loss": trained.trace["loss"][part],
            "share": trained.trace["monosemantic"][part]
            / np.maximum(trained.trace["living"][part], 1),
        }
        rows.append(
            {
                **cell._asdict(),
                "name": name(cell),
                "loss": estimate(losses[part].astype(np.float64)),
                **{key: estimate([kind[key] for kind in kinds]) for key in kinds[0]},
                **_settled(cell, whole, course),
            }
        )
    return Layers(trained.states, task, parts, rows, responses, living)


def units(responses: NDArray[np.float32], living: NDArray[np.bool_]) -> dict[str, float]:
    """Return the shares of monosemantic units, what they represent, and the mean score.

    `share` is over the living, 0 where none lives, and `share_of_all` over all k; `represented` is
    the number of features with a monosemantic unit; `score` the living units' mean of largest
    response over sum.
    """
    from geometry import monosemanticity

    pure = np.asarray(monosemanticity.monosemantic(responses, living))
    scores = np.asarray(monosemanticity.scores(responses), np.float64)
    alive = int(living.sum())
    return {
        "share": float(pure.sum() / max(alive, 1)),
        "share_of_all": float(pure.mean()),
        "represented": float(np.asarray(monosemanticity.represented(responses, living)).sum()),
        "living": float(alive),
        "score": float(scores[living].mean()) if alive else 0.0,
    }


def _settled(cell: Cell, whole: int, course: dict[str, Floats]) -> dict[str, Any]:
    """How far loss and share moved over the last tenth, and whether that is little.

    By the schedule: the rate falls to 0, so that a longer training may still find less loss.
    """
    loss, share = (course[key].mean(axis=0) for key in ("loss", "share"))
    fall = float(loss[-2] / loss[-1] - 1)
    turn = float(share[-1] - share[-2])
    # A hair more, since 0.01·1000 need not be 10 in binary.
    clock = cell.rate * whole * (1 + 1e-9)
    return {
        "late_fall": fall,
        "late_turn": turn,
        "converged": bool(clock >= CLOCK and abs(fall) <= LATE and abs(turn) <= LATE),
    }
