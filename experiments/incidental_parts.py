"""The measurements of the incidental experiment, each a JSON value that a killed run keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.intervals import mean_interval, proportion_interval, ratio_interval
from experiments.poisson import count_interval, scaling

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = [
    "KINDS",
    "REFERENCE",
    "Schedule",
    "counts",
    "course",
    "exponents",
    "noises",
    "penalties",
    "starts_compared",
    "view",
]

RECORDS = 10
ONE = 0.99
"""Share of features that rest on one weight above 0.5 in a training that converged."""
CLOCK = 5.0
"""Least rate·steps·penalty of a converged proximal training, on the gradient flow's clock."""
RANKS = 5
LEAST_RATIO = 2
"""Exponents are fitted where m/n is at least this: below it the neurons run out."""
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
_COURSE_RATE, _COURSE_PENALTY, _COURSE_END = 0.05, 0.01, 0.9
_COURSE_RECORDS = 60
_VIEW = (12, 48)
_VIEW_RECORDS, _VIEW_EVERY, _VIEW_RATE, _VIEW_PENALTY = 24, 50, 0.05, 0.05
_VIEW_SEEDS = 16

# Counts measured before by another program (proximal gradient descent), mean and standard error.
REFERENCE = {
    (64, 64): (14.0, 1.0),
    (64, 128): (6.9, 0.3),
    (64, 256): (3.6, 0.25),
    (64, 1024): (1.1, 0.2),
    (16, 256): (0.28, 0.03),
}


class Settings(Protocol):
    """What these measurements need of the experiment's flags."""

    @property
    def features(self) -> tuple[int, ...]: ...
    @property
    def neurons(self) -> tuple[int, ...]: ...
    @property
    def optimisers(self) -> tuple[str, ...]: ...
    @property
    def penalty(self) -> float: ...
    @property
    def rate(self) -> float: ...
    @property
    def clock(self) -> float: ...
    @property
    def adam_penalty(self) -> float: ...
    @property
    def adam_rate(self) -> float: ...
    @property
    def adam_steps(self) -> int: ...
    @property
    def threshold(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def noise_steps(self) -> int: ...
    @property
    def probe(self) -> tuple[int, ...]: ...
    @property
    def course_neurons(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def seeds(self) -> int: ...
    @property
    def allow_pressure(self) -> bool: ...


@dataclass(frozen=True)
class Schedule:
    """Rate, penalty and steps of one optimiser; `clock` is rate·steps·penalty."""

    rate: float
    penalty: float
    steps: int

    @property
    def clock(self) -> float:
        """Time in units of 1/penalty, on which weights vanish in the gradient flow."""
        return self.rate * self.steps * self.penalty


def schedule(config: Settings, optimiser: str, *, slower: int = 1) -> Schedule:
    """The optimiser's schedule; steps are whole tenths, so that the last fifth can be watched."""
    if optimiser == "adamw":
        return Schedule(config.adam_rate, config.adam_penalty, _tenths(config.adam_steps))
    rate = config.rate / slower
    return Schedule(rate, config.penalty, _tenths(config.clock / (rate * config.penalty)))


def _tenths(steps: float) -> int:
    return RECORDS * max(1, math.ceil(round(steps / RECORDS, 6)))


def _keys(config: Settings, count: int, *words: int) -> Any:
    """Keys of members; `words` tell measurements apart, member i is the same for any count."""
    import jax

    from experiments.models import training

    root = jax.random.key(config.seed)
    for word in words:
        root = jax.random.fold_in(root, word)
    return training.member_keys(root, count)


def _weights(trained: ensembles.Trained) -> NDArray[np.float32]:
    return np.asarray(trained.states.params["vectors"][...])


def grid(config: Settings) -> Iterable[tuple[int, int, int]]:
    """Features, neurons, and members: smaller n get as many more seeds as they are smaller."""
    most = max(config.features)
    for features in sorted(set(config.features)):
        for neurons in sorted(set(config.neurons)):
            if neurons >= features or config.allow_pressure:
                yield features, neurons, config.seeds * max(1, most // features)


def counts(config: Settings, progress: Progress) -> list[dict[str, Any]]:
    """Polysemantic neurons for every optimiser and size."""
    rows = []
    cells = [(name, *cell) for name in config.optimisers for cell in grid(config)]
    with progress.phase("counts", total=len(cells)) as step:
        for optimiser, features, neurons, members in cells:
            name = f"counts-{optimiser}-{features}-{neurons}"

            def measure(cell: Any = (name, optimiser, features, neurons, members)) -> Any:
                return _count(config, progress, *cell)

            rows.append(progress.part(name, measure))
            step()
    return rows


def _count(
    config: Settings, progress: Progress, name: str, optimiser: str, n: int, m: int, members: int
) -> dict[str, Any]:
    """One size: counts, their interval, thresholds, convergence, which weight won."""
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    plan = schedule(config, optimiser)
    task = TiedReluTask(n, m, descent=optimiser)
    given = settings(members, rate=plan.rate, penalty=plan.penalty)
    words = (members, 0, n, m)
    begun = training.ensemble(_keys(config, *words), task, given)
    start = np.asarray(begun.params["vectors"][...])
    trained = ensembles.train(
        progress,
        name,
        task,
        _keys(config, *words),
        given,
        records=RECORDS,
        every=plan.steps // RECORDS,
        chunks=RECORDS,
    )
    vectors = _weights(trained)
    found = np.asarray(sharing.polysemantic(vectors, config.threshold), np.int64)
    size = np.abs(vectors)
    # As published: |W| from 0.8 to 1.2.
    band = ((size >= 0.8) & (size <= 1.2)).sum(axis=1)
    winner = size.argmax(axis=2)
    began = np.abs(start)
    own = np.take_along_axis(began, winner[..., None], axis=2)
    rank = (began > own).sum(axis=2)
    together = np.take_along_axis((size > config.threshold).sum(axis=1), winner, axis=1) >= 2
    one = float(trained.trace["one"][:, -1].mean())
    # The last fifth: records 8, 9 and 10 of 10.
    changed = int((np.ptp(trained.trace["count"][:, -3:], axis=1) > 0).sum())
    settled = plan.clock >= CLOCK * (1 - 1e-6) if optimiser == "proximal" else changed == 0
    signs = _pairs(vectors, config.threshold)
    return {
        "optimiser": optimiser,
        "features": n,
        "neurons": m,
        "seeds": members,
        "count": float(found.mean()),
        "interval": count_interval(float(found.sum()), members),
        "error": float(found.std(ddof=1) / math.sqrt(members)),
        "dispersion": float(found.var(ddof=1) / found.mean()) if found.any() else None,
        "thresholds": {
            **{f"{t}": float(sharing.polysemantic(vectors, t).mean()) for t in (0.3, 0.5, 0.8)},
            "0.8 to 1.2": float((band >= 2).sum(axis=1).mean()),
        },
        "laws": {law: float(value(n, m)) for law, value in sharing.LAWS.items()},
        "one": one,
        "changed": changed,
        "clock": plan.clock,
        "steps": plan.steps,
        "converged": bool(one >= ONE and settled),
        "won": [float((rank == place).mean()) for place in range(RANKS)],
        "won_interval": mean_interval((rank == 0).mean(axis=1)),
        # At the start, how many weights of a feature were larger than the one that remains.
        "rank_alone": float(rank[~together].mean()) if (~together).any() else None,
        "rank_shared": float(rank[together].mean()) if together.any() else None,
        "opposite": signs,
        "counts": found.tolist(),
    }


def _pairs(vectors: NDArray[np.float32], threshold: float) -> float | None:
    """Of the neurons with exactly two features, the share whose signs are opposite."""
    carried = np.abs(vectors) > threshold
    two = carried.sum(axis=1) == 2
    total = np.where(carried, np.sign(vectors), 0).sum(axis=1)
    return float((total[two] == 0).mean()) if two.any() else None


def exponents(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Powers of m and n in the counts where m/n >= 2, and of each law on the same grid."""
    from geometry import sharing

    found: dict[str, Any] = {}
    for optimiser in dict.fromkeys(row["optimiser"] for row in rows):
        used = [
            row
            for row in rows
            if row["optimiser"] == optimiser
            and row["converged"]
            and row["neurons"] >= LEAST_RATIO * row["features"]
        ]
        seen = [value for row in used for value in row["counts"]]
        m, n = (
            np.array([row[key] for row in used for _ in row["counts"]])
            for key in ("neurons", "features")
        )
        # One n alone leaves the power of m; a grid without spread or without events leaves nothing.
        sizes = [size for size in (m, n) if len(set(size.tolist())) > 1]
        if not seen or not sum(seen) or len(set(m.tolist())) < 2:
            continue
        observed = scaling(seen, *sizes)
        found[optimiser] = {
            "over": ["m", "n"][: len(sizes)],
            "cells": len(used),
            "observed": list(observed.exponents),
            "intervals": [list(one) for one in observed.intervals],
            "laws": {
                name: list(scaling(law(n, m), *sizes).exponents)
                for name, law in sharing.LAWS.items()
            },
            "ratios": {name: _ratio(seen, law(n, m)) for name, law in sharing.LAWS.items()},
        }
    return found


def _ratio(seen: Sequence[int], law: NDArray[np.float64]) -> dict[str, Any]:
    """All events over all that the law expects."""
    expected = float(law.sum())
    return {"ratio": sum(seen) / expected, "interval": count_interval(sum(seen), expected)}


def starts_compared(config: Settings, progress: Progress) -> dict[str, Any]:
    """What each start does to the count, and what becomes of a planted pair."""
    from experiments.models.starts import STEEP

    flat = ["random", "collision-free", "margin", "orthonormal"]
    found: dict[str, Any] = {}
    for names, slower, many in ((flat, 1, 16), (sorted(STEEP), _STEEP, 6)):

        def measure(names: Any = names, slower: int = slower, many: int = many) -> Any:
            return _starts(config, progress, names, slower, many * config.seeds)

        found |= progress.part(f"starts-{slower}", measure)
    random, free = (np.array(found[name].pop("counts")) for name in ("random", "collision-free"))
    for row in found.values():
        row.pop("counts", None)
    cut = ratio_interval(free, random)
    found["cut"] = {
        "mean": float(1 - free.mean() / random.mean()) if random.any() else None,
        "interval": (1 - cut[1], 1 - cut[0]),
    }
    return found


def _starts(
    config: Settings, progress: Progress, names: Sequence[str], slower: int, seeds: int
) -> dict[str, Any]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = config.probe
    plan = schedule(config, "proximal", slower=slower)
    # Every start is made of the same draws.
    keys = training.repeated(_keys(config, seeds, 1), len(names))
    given = settings(
        len(names) * seeds,
        rate=plan.rate,
        penalty=plan.penalty,
        start=np.repeat(range(len(names)), seeds),
    )
    trained = ensembles.train(
        progress,
        f"starts-{slower}-training",
        TiedReluTask(n, m, starts=tuple(names)),
        keys,
        given,
        records=RECORDS,
        every=plan.steps // RECORDS,
        chunks=RECORDS,
    )
    found = {}
    every = _weights(trained).reshape(len(names), seeds, n, m)
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
    return found


def penalties(config: Settings, progress: Progress) -> list[dict[str, Any]]:
    """Counts and axis alignment over the l1 penalty, 0 included."""
    rows: list[dict[str, Any]] = progress.part("penalties", lambda: _penalties(config, progress))
    return rows


def _penalties(config: Settings, progress: Progress) -> list[dict[str, Any]]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = config.probe
    seeds = 2 * config.seeds
    least = min(value for value in _PENALTIES if value)
    steps = _tenths(config.clock / (config.rate * least))
    keys = training.repeated(_keys(config, seeds, 2), len(_PENALTIES))
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
    found = np.asarray(sharing.polysemantic(_weights(trained), config.threshold)).reshape(shape)
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
        }
        for penalty, count, align, one in zip(_PENALTIES, found, aligned, ones, strict=True)
    ]


def course(config: Settings, progress: Progress) -> dict[str, Any]:
    """|w|_1 and nonzeros over time, beside the flow of each feature alone."""
    found: dict[str, Any] = progress.part("course", lambda: _course(config, progress))
    return found


def _course(config: Settings, progress: Progress) -> dict[str, Any]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sparsification

    n, m, seeds = config.probe[0], config.course_neurons, max(2, config.seeds // 4)
    task = TiedReluTask(n, m, observed="course")
    given = settings(seeds, rate=_COURSE_RATE, penalty=_COURSE_PENALTY)
    begun = training.ensemble(_keys(config, seeds, 3), task, given)
    start = np.asarray(begun.params["vectors"][...])
    every = round(_COURSE_END / (_COURSE_RATE * _COURSE_PENALTY * _COURSE_RECORDS))
    trained = ensembles.train(
        progress,
        "course-training",
        task,
        _keys(config, seeds, 3),
        given,
        records=_COURSE_RECORDS,
        every=every,
        chunks=RECORDS,
    )
    times = _COURSE_RATE * every * np.arange(1, _COURSE_RECORDS + 1)
    clock = _COURSE_PENALTY * times
    # The gradient of the squared error over G = W Wᵀ has a factor 4 that the flow's equation lacks.
    alone = sparsification.flow(start.reshape(-1, m), times, _COURSE_PENALTY, rate=4.0)
    norm, nonzeros = (trained.trace[key].mean(axis=2) for key in ("norm", "nonzeros"))
    ratio = norm / sparsification.formula(clock, m)
    inside = clock >= 0.02
    # A slope in log time is that of the law only where the start, 1/sqrt(m) on this clock, is past.
    late = clock >= 8 / math.sqrt(m)
    slopes = np.polyfit(np.log(clock[late]), np.log(nonzeros[:, late]).T, 1)[0]
    limit = sparsification.limit(clock, m)
    law = np.polyfit(np.log(clock[late]), np.log(limit.nonzeros[late]), 1)[0]
    lone = np.polyfit(np.log(clock[late]), np.log(alone.nonzeros.mean(axis=0)[late]), 1)[0]
    worst = int(np.argmax(np.where(inside, np.abs(np.log(ratio.mean(axis=0))), 0)))
    # 1.5-fold above or below alike.
    fold = np.maximum(ratio[:, worst], 1 / ratio[:, worst])
    apart = np.abs(norm.mean(axis=0) / alone.norm.mean(axis=0) - 1)
    return {
        "features": n,
        "neurons": m,
        "seeds": seeds,
        "rate": _COURSE_RATE,
        "penalty": _COURSE_PENALTY,
        "clock": clock.tolist(),
        "norm": norm.mean(axis=0).tolist(),
        "norm_intervals": [mean_interval(column) for column in norm.T],
        "nonzeros": nonzeros.mean(axis=0).tolist(),
        "flow_norm": alone.norm.mean(axis=0).tolist(),
        "flow_nonzeros": alone.nonzeros.mean(axis=0).tolist(),
        "formula": sparsification.formula(clock, m).tolist(),
        "limit_norm": limit.norm.tolist(),
        "limit_nonzeros": limit.nonzeros.tolist(),
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


def noises(config: Settings, progress: Progress) -> list[dict[str, Any]]:
    """Axis alignment and sharing under neural noise, by kind and over the three-point family."""
    from experiments.models.noise import KURTOSIS

    rows = []
    for kind in KINDS:

        def measure(kind: str = kind) -> Any:
            return _noise(config, progress, kind, [KURTOSIS[kind]])

        rows += progress.part(f"noise-{kind}", measure)
    rows += progress.part("noise-family", lambda: _noise(config, progress, "three-point", FAMILY))
    return rows


def _noise(
    config: Settings, progress: Progress, kind: str, kurtosis: Sequence[float]
) -> list[dict[str, Any]]:
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m, seeds = *NOISE_SIZE, config.seeds
    groups = len(kurtosis)
    # The same starts for every kind, so that seeds pair them; draws of noise are each kind's own.
    keys = training.repeated(_keys(config, seeds, 4), groups)
    given = settings(
        groups * seeds,
        rate=NOISE_RATE,
        penalty=0.0,
        noise=config.noise,
        kurtosis=np.repeat(kurtosis, seeds),
    )
    steps = _tenths(config.noise_steps)
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
    found = np.asarray(sharing.polysemantic(_weights(trained), config.threshold)).reshape(shape)
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


def view(config: Settings, progress: Progress) -> dict[str, Any]:
    """One training, watched: W `[frames, n, m]` of the first that ends with a shared neuron."""
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    n, m = _VIEW
    trained = ensembles.train(
        progress,
        "view",
        TiedReluTask(n, m, observed="weights"),
        _keys(config, _VIEW_SEEDS, 5),
        settings(_VIEW_SEEDS, rate=_VIEW_RATE, penalty=_VIEW_PENALTY),
        records=_VIEW_RECORDS,
        every=_VIEW_EVERY,
    )
    films = trained.trace["vectors"]
    shared = np.asarray(sharing.polysemantic(films[:, -1], config.threshold))
    chosen = int(np.argmax(shared > 0))
    steps = _VIEW_EVERY * np.arange(1, _VIEW_RECORDS + 1)
    return {
        "frames": np.asarray(films[chosen], np.float32),
        "clock": _VIEW_RATE * _VIEW_PENALTY * steps,
        "steps": steps,
    }
