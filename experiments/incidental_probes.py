"""Interventions and closer looks: starts, penalties, the course of a training, noise, a view.

Each measurement is a JSON value that a killed run keeps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.incidental_sizes import (
    CLOCK,
    ONE,
    RECORDS,
    collisions,
    member_keys,
    schedule,
    tenths,
    weights,
)
from experiments.intervals import mean_interval, proportion_interval, ratio_interval
from experiments.poisson import count_interval

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.incidental_config import Config

__all__ = ["KINDS", "NOISE_SIZE", "course", "noises", "penalties", "starts", "view"]

KINDS = ("bipolar", "uniform", "gaussian", "laplace")
FAMILY = (-2.0, -1.5, 0.0, 1.5, 3.0)
_PENALTIES = (0.0, 0.02, 0.05, 0.1, 0.2)
_STEEP = 5
NOISE_SIZE = (8, 16)
NOISE_RATE = 0.02
NOISE_CLOCK = 10.0
"""Least rate·steps·sigma² under noise: its drift is of second order in sigma."""
NOISE_CHANGE = 0.02
"""Most change of the mean alignment over the last fifth of a training that converged."""
_COURSE_RATE, _COURSE_PENALTY = 0.05, 0.01
_COURSE_EVERY, _COURSE_RECORDS = 30, 180
_COURSE_WINDOW = (0.02, 0.9)
"""Where the paper's formula is held against the course, on the clock penalty·t."""
_VIEW = (12, 48)
_VIEW_RECORDS, _VIEW_EVERY, _VIEW_RATE, _VIEW_PENALTY = 200, 10, 0.05, 0.05
_VIEW_FRAMES = 28
_VIEW_SEEDS = 16


def starts(config: Config, progress: Progress) -> dict[str, Any]:
    """What each start does to the count, and what becomes of collisions, planted and natural."""
    from experiments.models.starts import STEEP

    n, m = config.probe
    flat = ("random", "collision-free", "margin", "orthonormal")
    found: dict[str, Any] = {}
    for name, features, names, slower, seeds in (
        ("flat", n, flat, 1, config.probe_seeds),
        ("steep", n, tuple(sorted(STEEP)), _STEEP, max(2, config.probe_seeds * 3 // 8)),
        # Four times as many features on the same neurons.
        ("crowd", 4 * n, ("random", "collision-free"), 1, config.seeds),
    ):

        def measure(one: Any = (f"starts-{name}", (features, m), names, slower, seeds)) -> Any:
            return _starts(config, progress, *one)

        rows = progress.part(f"starts-{name}", measure)
        if name != "steep":
            counts = [np.array(rows[start]["counts"]) for start in ("random", "collision-free")]
            found["crowd" if name == "crowd" else "cut"] = {"features": features, **_cut(*counts)}
        if name != "crowd":
            found |= rows
    for row in found.values():
        row.pop("counts", None)
    return found


def _cut(random: NDArray[np.float64], free: NDArray[np.float64]) -> dict[str, Any]:
    """By which share the collision-free start lowers the count; None where there is too little."""
    low, high = ratio_interval(free, random)
    if not math.isfinite(low):
        return {"mean": None, "interval": None}
    return {"mean": float(1 - free.mean() / random.mean()), "interval": (1 - high, 1 - low)}


def _starts(
    config: Config,
    progress: Progress,
    name: str,
    size: tuple[int, int],
    names: tuple[str, ...],
    slower: int,
    seeds: int,
) -> dict[str, Any]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = size
    plan = schedule(config, "proximal", slower=slower)
    task = TiedReluTask(n, m, starts=names)
    given = settings(
        len(names) * seeds,
        rate=plan.rate,
        penalty=plan.penalty,
        start=np.repeat(range(len(names)), seeds),
    )

    def keys() -> Any:
        # Every start is made of the same draws.
        return training.repeated(member_keys(config, seeds, 1, n), len(names))

    begun = np.asarray(training.ensemble(keys(), task, given).params["vectors"][...])
    trained = ensembles.train(
        progress,
        f"{name}-training",
        task,
        keys(),
        given,
        records=RECORDS,
        every=plan.steps // RECORDS,
        chunks=RECORDS,
    )
    found = {}
    every = weights(trained).reshape(len(names), seeds, n, m)
    ones = trained.trace["one"][:, -1].reshape(len(names), seeds)
    for name, vectors, one in zip(names, every, ones, strict=True):
        count = np.asarray(sharing.polysemantic(vectors, config.threshold), np.int64)
        first, second = (np.abs(vectors[:, row]) > config.threshold for row in (0, 1))
        pair = np.any(first & second, axis=1)
        found[name] = {
            "seeds": seeds,
            "count": float(count.mean()),
            "interval": count_interval(float(count.sum()), seeds),
            "one": float(one.mean()),
            "converged": bool(one.mean() >= ONE and plan.clock >= CLOCK * (1 - 1e-6)),
            "shared": float(pair.mean()),
            "shared_interval": proportion_interval(int(pair.sum()), seeds),
            "counts": count.tolist(),
        }
        if name == "random":
            kept = collisions(begun[:seeds], vectors, config.threshold)
            for kind in ("opposite", "equal"):
                one = kept[kind]
                one["interval"] = proportion_interval(one["lasted"], one["met"])
            began = kept["opposite"]["lasted"] + kept["equal"]["lasted"]
            kept["began"] = {"count": began, "interval": proportion_interval(began, kept["shared"])}
            found[name]["collisions"] = kept
    return found


def penalties(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Counts and axis alignment over the l1 penalty, 0 included."""
    rows: list[dict[str, Any]] = progress.part("penalties", lambda: _penalties(config, progress))
    return rows


def _penalties(config: Config, progress: Progress) -> list[dict[str, Any]]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = config.probe
    seeds = 2 * config.seeds
    least = min(value for value in _PENALTIES if value)
    steps = tenths(config.clock / (config.rate * least))
    # Without a penalty there is no clock; the error then has its least long before the others end.
    patient = steps * config.rate * least >= CLOCK * (1 - 1e-6)
    keys = training.repeated(member_keys(config, seeds, 2), len(_PENALTIES))
    given = settings(
        len(_PENALTIES) * seeds, rate=config.rate, penalty=np.repeat(_PENALTIES, seeds)
    )
    trained = ensembles.train(
        progress,
        "penalties-training",
        TiedReluTask(n, m // 4),
        keys,
        given,
        records=RECORDS,
        every=steps // RECORDS,
        chunks=RECORDS,
    )
    shape = (len(_PENALTIES), seeds)
    found = np.asarray(sharing.polysemantic(weights(trained), config.threshold)).reshape(shape)
    aligned, ones = (trained.trace[key][:, -1].reshape(shape) for key in ("alignment", "one"))
    return [
        {
            "penalty": penalty,
            "neurons": m // 4,
            "count": float(count.mean()),
            "interval": count_interval(float(count.sum()), seeds),
            "alignment": float(align.mean()),
            "alignment_interval": mean_interval(align),
            "one": float(one.mean()),
            "converged": bool(patient and (penalty == 0 or one.mean() >= ONE)),
        }
        for penalty, count, align, one in zip(_PENALTIES, found, aligned, ones, strict=True)
    ]


def course(config: Config, progress: Progress) -> dict[str, Any]:
    """|w|_1 and nonzeros over time, beside the flow of each feature alone."""
    found: dict[str, Any] = progress.part("course", lambda: _course(config, progress))
    return found


def _course(config: Config, progress: Progress) -> dict[str, Any]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sparsification

    n, m, seeds = config.probe[0], config.course_neurons, max(2, config.seeds // 4)
    task = TiedReluTask(n, m, observed="course")
    given = settings(seeds, rate=_COURSE_RATE, penalty=_COURSE_PENALTY)
    begun = training.ensemble(member_keys(config, seeds, 3), task, given)
    start = np.asarray(begun.params["vectors"][...])
    trained = ensembles.train(
        progress,
        "course-training",
        task,
        member_keys(config, seeds, 3),
        given,
        records=_COURSE_RECORDS,
        every=_COURSE_EVERY,
        chunks=RECORDS,
    )
    times = _COURSE_RATE * _COURSE_EVERY * np.arange(1, _COURSE_RECORDS + 1)
    clock = _COURSE_PENALTY * times
    # The gradient of the squared error over G = W Wᵀ has a factor 4 that the flow's equation lacks.
    alone = sparsification.flow(start.reshape(-1, m), times, _COURSE_PENALTY, rate=4.0)
    norm, nonzeros = (trained.trace[key].mean(axis=2) for key in ("norm", "nonzeros"))
    ratio = norm / sparsification.formula(clock, m)
    early, end = _COURSE_WINDOW
    inside = (clock >= early) & (clock <= end)
    # A slope in log time is that of the law only where the start, 1/sqrt(m) on this clock, is past.
    late = inside & (clock >= 8 / math.sqrt(m))
    slopes = np.polyfit(np.log(clock[late]), np.log(nonzeros[:, late]).T, 1)[0]
    limit = sparsification.limit(clock, m)
    law = np.polyfit(np.log(clock[late]), np.log(limit.nonzeros[late]), 1)[0]
    lone = np.polyfit(np.log(clock[late]), np.log(alone.nonzeros.mean(axis=0)[late]), 1)[0]
    worst = int(np.argmax(np.where(inside, np.abs(np.log(ratio.mean(axis=0))), 0)))
    # 1.5-fold above or below alike.
    fold = np.maximum(ratio[:, worst], 1 / ratio[:, worst])
    apart = np.abs(norm.mean(axis=0) / alone.norm.mean(axis=0) - 1)
    single = [
        np.mean(trained.trace["nonzeros"] == 1, axis=(0, 2)),
        np.mean(alone.nonzeros == 1, axis=0),
    ]
    half = [float(np.interp(0.5, share, clock)) for share in single]
    return {
        "features": n,
        "neurons": m,
        "seeds": seeds,
        "rate": _COURSE_RATE,
        "penalty": _COURSE_PENALTY,
        "clock": clock.tolist(),
        "norm": norm.mean(axis=0).tolist(),
        "nonzeros": nonzeros.mean(axis=0).tolist(),
        "flow_norm": alone.norm.mean(axis=0).tolist(),
        "flow_nonzeros": alone.nonzeros.mean(axis=0).tolist(),
        "formula": sparsification.formula(clock, m).tolist(),
        "limit_norm": limit.norm.tolist(),
        "limit_nonzeros": limit.nonzeros.tolist(),
        "single": single[0].tolist(),
        "half": half[0],
        "flow_half": half[1],
        "least_fold": float(ratio.mean(axis=0)[inside].min()),
        "most_fold": float(ratio.mean(axis=0)[inside].max()),
        "fold": float(fold.mean()),
        "fold_interval": mean_interval(fold),
        "fold_clock": float(clock[worst]),
        "apart": float(apart[inside].max()),
        "slope": float(slopes.mean()),
        "slope_interval": mean_interval(slopes),
        "slope_from": float(clock[late][0]),
        "slope_law": float(law),
        "slope_flow": float(lone),
    }


def noises(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Axis alignment and sharing under neural noise, by kind and over the three-point family."""
    from experiments.models.noise import KURTOSIS

    rows = []
    for kind in KINDS:

        def measure(kind: str = kind) -> Any:
            return _noise(config, progress, kind, [KURTOSIS[kind]], config.seeds)

        rows += progress.part(f"noise-{kind}", measure)
    rows += progress.part(
        "noise-family",
        lambda: _noise(config, progress, "three-point", FAMILY, max(2, config.seeds // 4)),
    )
    return rows


def _noise(
    config: Config, progress: Progress, kind: str, kurtosis: Sequence[float], seeds: int
) -> list[dict[str, Any]]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = NOISE_SIZE
    groups = len(kurtosis)
    # The same keys for every kind: starts are the same, noises are functions of the same bits.
    keys = training.repeated(member_keys(config, seeds, 4), groups)
    given = settings(
        groups * seeds,
        rate=NOISE_RATE,
        penalty=0.0,
        noise=config.noise,
        kurtosis=np.repeat(kurtosis, seeds),
    )
    steps = tenths(config.noise_steps)
    clock = NOISE_RATE * steps * config.noise**2
    trained = ensembles.train(
        progress,
        f"noise-{kind}-training",
        TiedReluTask(n, m, noise=kind),
        keys,
        given,
        records=RECORDS,
        every=steps // RECORDS,
        chunks=RECORDS,
    )
    shape = (groups, seeds)
    found = np.asarray(sharing.polysemantic(weights(trained), config.threshold)).reshape(shape)
    aligned = trained.trace["alignment"].reshape(*shape, RECORDS)
    return [
        {
            "kind": kind,
            "kurtosis": value,
            "alignment": float(align[:, -1].mean()),
            "alignment_interval": mean_interval(align[:, -1]),
            "alignments": align[:, -1].tolist(),
            "late_change": (late := float((align[:, -1] - align[:, -3]).mean())),
            "converged": bool(clock >= NOISE_CLOCK and abs(late) <= NOISE_CHANGE),
            "count": float(count.mean()),
            "interval": count_interval(float(count.sum()), seeds),
        }
        for value, align, count in zip(kurtosis, aligned, found, strict=True)
    ]


def view(config: Config, progress: Progress) -> dict[str, Any]:
    """One training, watched: W `[frames, n, m]` of the first that ends with a shared neuron.

    The first frame is the start; later ones come at growing distances, since most happens early.
    """
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    task = TiedReluTask(*_VIEW, observed="weights")
    given = settings(_VIEW_SEEDS, rate=_VIEW_RATE, penalty=_VIEW_PENALTY)
    begun = training.ensemble(member_keys(config, _VIEW_SEEDS, 5), task, given)
    start = np.asarray(begun.params["vectors"][...])
    trained = ensembles.train(
        progress,
        "view",
        task,
        member_keys(config, _VIEW_SEEDS, 5),
        given,
        records=_VIEW_RECORDS,
        every=_VIEW_EVERY,
    )
    films = np.concatenate([start[:, None], trained.trace["vectors"]], axis=1)
    shared = np.asarray(sharing.polysemantic(films[:, -1], config.threshold))
    # Best one where largest weights met at the start, too: they may part or stay.
    largest = np.sort(np.abs(start).argmax(axis=2), axis=1)
    met = (np.diff(largest, axis=1) == 0).any(axis=1)
    chosen = int(np.argmax(2 * (shared > 0) + met))
    later = np.unique(np.geomspace(1, _VIEW_RECORDS, _VIEW_FRAMES).round().astype(np.int64))
    frames = np.concatenate([[0], later])
    steps = _VIEW_EVERY * frames
    return {
        "frames": np.asarray(films[chosen, frames], np.float32),
        "clock": _VIEW_RATE * _VIEW_PENALTY * steps,
        "steps": steps,
        "threshold": np.asarray(config.threshold),
    }
