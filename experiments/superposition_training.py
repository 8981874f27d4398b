"""What the parts of the superposition experiment train with: keys, chances, models, settling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments import ensembles

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.models.toy_autoencoder import ToyTask
    from experiments.superposition_config import Config

__all__ = ["REPRESENTED", "SETTLED", "SETTLED_SHARE", "Models", "chances", "train"]

Rows = NDArray[np.float64]

RECORDS = 10
"""Times that |W|² is looked at, and pieces between which a killed run goes on."""
FRAMES = 40
"""Times that all weights are, where a film is shown: a multiple of the pieces."""
REPRESENTED = 0.5
"""A feature is represented if its row is longer than this."""
SETTLED = 0.05
"""Most change of |W|² over the last two fifths of a training that has settled: half of what the
plateau's band of ± 10% allows."""
CLOCK = 10.0
"""Least rate·steps of a training that has settled: Adam moves a weight by about the rate each step,
and before it could have gone from 0 to 1 ten times, standing still means nothing."""
SETTLED_SHARE = 0.9
"""Least share of the seeds that have to settle for a number to count as converged."""
BATCHES = 200
"""Fresh batches that a sampled loss is measured over."""


@dataclass(frozen=True)
class Models:
    """Trained models, `[b]`: W and V `[b, n, d]`, mean squared errors by feature `[b, n]`.

    And which have settled, and the trace.
    """

    vectors: Rows
    decoders: Rows
    errors: Rows
    settled: NDArray[np.bool_]
    trace: ensembles.Trace

    def losses(self, importance: ArrayLike) -> Rows:
        """Return the importance-weighted loss of each, `[b]`; `importance` is `[n]` or `[b, n]`."""
        return np.asarray((self.errors * np.asarray(importance, np.float64)).sum(axis=1))


def chances(lowest: float, levels: int) -> Rows:
    """Return the probabilities `[levels]` of a sweep, from 1 down to `lowest`."""
    return np.asarray(lowest ** np.linspace(0, 1, levels))


def train(
    config: Config,
    progress: Progress,
    name: str,
    task: ToyTask,
    *,
    word: int,
    seeds: int,
    probability: Rows,
    importance: Rows,
    rate: float,
) -> Models:
    """Return models for every setting, `seeds` each, setting by setting.

    `probability` is `[c]`, `importance` `[n]` or `[c, n]`.  Seed i has the same start and the same
    draws under every setting, so that differences between settings are paired.  The task's steps
    are rounded up to a multiple of what is looked at.
    """
    import jax

    from experiments.models import toy_autoencoder, training

    cells = len(probability)
    root = jax.random.fold_in(jax.random.key(config.seed), word)
    keys = training.repeated(training.member_keys(root, seeds), cells)
    weights = np.broadcast_to(importance, (cells, task.features))
    given = toy_autoencoder.settings(
        cells * seeds,
        probability=np.repeat(probability, seeds),
        importance=np.repeat(weights, seeds, axis=0),
        rate=rate,
    )
    records = RECORDS if task.observed != "weights" else FRAMES
    every = math.ceil(task.steps / records)
    task = replace(task, steps=records * every)
    trained = ensembles.train(
        progress, name, task, keys, given, records=records, every=every, chunks=RECORDS
    )
    errors = toy_autoencoder.evaluate(trained.states, task, BATCHES)
    vectors = _array(trained.states.params["vectors"][...])
    decoders = vectors if task.tied else _array(trained.states.params["decoders"][...])
    return Models(
        vectors,
        decoders,
        _array(errors),
        _settled(trained.trace) & (rate * task.steps >= CLOCK),
        trained.trace,
    )


def _array(value: Any) -> Rows:
    return np.asarray(value, np.float64)


def _settled(trace: ensembles.Trace) -> NDArray[np.bool_]:
    """Whether |W|², or the trace of V Wᵀ, moved by at most `SETTLED` of itself at the end.

    In the last two fifths of the steps.
    """
    if "norm" in trace:
        norms = np.asarray(trace["norm"], np.float64)
    else:
        norms = np.asarray(np.sum(np.square(trace["vectors"], dtype=np.float64), axis=(2, 3)))
    late = np.abs(norms)[:, norms.shape[1] * 3 // 5 - 1 :]
    moved = late.max(axis=1) - late.min(axis=1)
    return np.asarray(moved <= SETTLED * np.maximum(late[:, -1], 1e-3))
