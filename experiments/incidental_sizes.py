"""Shared neurons over sizes: counts, convergence, winners, exponents."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.intervals import mean_interval, ratio_interval
from experiments.poisson import count_interval, scaling

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from experiments.incidental_config import Config

__all__ = [
    "CLOCK",
    "ONE",
    "RECORDS",
    "REFERENCE",
    "Schedule",
    "collisions",
    "counts",
    "exponents",
    "member_keys",
    "schedule",
    "tenths",
    "weights",
]

RECORDS = 10
ONE = 0.99
"""Share of features that rest on one weight above 0.5 in a training that converged."""
CLOCK = 5.0
"""Least rate·steps·penalty of a converged proximal training, on the gradient flow's clock."""
RANKS = 5
LEAST_RATIO = 2
"""Exponents are fitted where m/n is at least this: below it the neurons run out."""

# Counts measured before by another program (proximal gradient descent), mean and standard error.
REFERENCE = {
    (64, 64): (14.0, 1.0),
    (64, 128): (6.9, 0.3),
    (64, 256): (3.6, 0.25),
    (64, 1024): (1.1, 0.2),
    (16, 256): (0.28, 0.03),
}


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


def schedule(config: Config, optimiser: str, *, slower: int = 1) -> Schedule:
    """The optimiser's schedule; steps are whole tenths, so that the last fifth can be watched."""
    if optimiser == "adamw":
        return Schedule(config.adam_rate, config.adam_penalty, tenths(config.adam_steps))
    rate = config.rate / slower
    return Schedule(rate, config.penalty, tenths(config.clock / (rate * config.penalty)))


def tenths(steps: float) -> int:
    """The steps, rounded up to whole tenths."""
    return RECORDS * max(1, math.ceil(round(steps / RECORDS, 6)))


def member_keys(config: Config, count: int, *words: int) -> Any:
    """Keys of members; `words` tell measurements apart, member i is the same for any count."""
    import jax

    from experiments.models import training

    root = jax.random.key(config.seed)
    for word in words:
        root = jax.random.fold_in(root, word)
    return training.member_keys(root, count)


def weights(trained: ensembles.Trained) -> NDArray[np.float32]:
    """W of every member, `[b, n, m]`."""
    return np.asarray(trained.states.params["vectors"][...])


def grid(config: Config) -> Iterable[tuple[int, int, int]]:
    """Features, neurons, and members: smaller n get as many more seeds as they are smaller."""
    most = max(config.features)
    for features in sorted(set(config.features)):
        for neurons in sorted(set(config.neurons)):
            if neurons >= features or config.allow_pressure:
                yield features, neurons, config.seeds * max(1, most // features)


def counts(config: Config, progress: Progress) -> list[dict[str, Any]]:
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
    config: Config, progress: Progress, name: str, optimiser: str, n: int, m: int, members: int
) -> dict[str, Any]:
    """One size: counts, their interval, thresholds, convergence, which weight won."""
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import sharing

    plan = schedule(config, optimiser)
    task = TiedReluTask(n, m, descent=optimiser)
    given = settings(members, rate=plan.rate, penalty=plan.penalty)
    words = (members, 0, n, m)
    begun = training.ensemble(member_keys(config, *words), task, given)
    start = np.asarray(begun.params["vectors"][...])
    trained = ensembles.train(
        progress,
        name,
        task,
        member_keys(config, *words),
        given,
        records=RECORDS,
        every=plan.steps // RECORDS,
        chunks=RECORDS,
    )
    vectors = weights(trained)
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
        "ranks": _ranks(rank, together),
        "collisions": collisions(start, vectors, config.threshold),
        "opposite": signs,
        "counts": found.tolist(),
    }


def _ranks(rank: NDArray[np.int64], together: NDArray[np.bool_]) -> dict[str, Any] | None:
    """How many weights of a feature were larger at the start than the one that remains, `[b, n]`.

    Mean over features that end on shared neurons, over those that end alone, and the difference,
    within each training that has both; None where fewer than two have.
    """
    both = together.any(axis=1) & ~together.all(axis=1)
    if both.sum() < 2:
        return None
    shared, alone = (
        np.where(chosen, rank, 0)[both].sum(axis=1) / chosen[both].sum(axis=1)
        for chosen in (together, ~together)
    )
    return {
        "shared": float(shared.mean()),
        "alone": float(alone.mean()),
        "difference": float((shared - alone).mean()),
        "interval": mean_interval(shared - alone),
    }


def _pairs(vectors: NDArray[np.float32], threshold: float) -> float | None:
    """Of the neurons with exactly two features, the share whose signs are opposite."""
    carried = np.abs(vectors) > threshold
    two = carried.sum(axis=1) == 2
    total = np.where(carried, np.sign(vectors), 0).sum(axis=1)
    return float((total[two] == 0).mean()) if two.any() else None


def collisions(
    start: NDArray[np.float32], end: NDArray[np.float32], threshold: float
) -> dict[str, Any]:
    """What became of pairs whose largest weights met on a neuron at the start, `[b, n, m]` both.

    Of those with opposite and with equal signs, how many share that neuron at the end; and of the
    pairs that share a neuron at the end, how many had met there.
    """
    places = np.abs(start).argmax(axis=2)
    signs = np.sign(np.take_along_axis(start, places[..., None], axis=2))[..., 0]
    carried = np.abs(end) > threshold
    pairs = np.triu(np.ones((start.shape[1],) * 2, bool), 1)
    met = (places[:, :, None] == places[:, None, :]) & pairs
    # Whether feature i is carried at the end by the neuron where feature j began.
    there = np.take_along_axis(carried, places[:, None, :].repeat(start.shape[1], 1), axis=2)
    own = np.take_along_axis(carried, places[..., None], axis=2)[..., 0]
    lasted = met & there & own[:, None, :]
    opposite = signs[:, :, None] != signs[:, None, :]
    shared = carried.sum(axis=1)
    found: dict[str, Any] = {
        "shared": int((shared * (shared - 1) // 2).sum()),
        "overlap": _overlap(start, carried.astype(np.float32), pairs),
    }
    for name, chosen in (("opposite", met & opposite), ("equal", met & ~opposite)):
        found[name] = {"met": int(chosen.sum()), "lasted": int((lasted & chosen).sum())}
    return found


def _overlap(
    start: NDArray[np.float32], carried: NDArray[np.float32], pairs: NDArray[np.bool_]
) -> dict[str, Any] | None:
    """Inner products at the start, times sqrt(m), of pairs that share a neuron at the end.

    About normal over all pairs.  Chance alone makes it negative here, as opposite weights on the
    shared neuron belong to it; only pairs with a positive one act on each other.  The interval is
    over trainings, whose pairs are not independent of each other; None where there are too few.
    """
    together = (carried @ carried.swapaxes(1, 2) > 0) & pairs
    rows = start.astype(np.float64)
    products = (rows @ rows.swapaxes(1, 2)) * math.sqrt(start.shape[2])
    sums, counts = np.sum(products, axis=(1, 2), where=together), together.sum(axis=(1, 2))
    low, high = ratio_interval(sums, counts.astype(np.float64))
    if not math.isfinite(low):
        return None
    return {
        "pairs": int(counts.sum()),
        "mean": float(sums.sum() / counts.sum()),
        "interval": [low, high],
    }


def exponents(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Powers of m and n in the counts where m/n >= 2, and of each law on the same grid.

    For each optimiser; `reason` says why there are none.
    """
    return {
        optimiser: _exponents([row for row in rows if row["optimiser"] == optimiser])
        for optimiser in dict.fromkeys(row["optimiser"] for row in rows)
    }


def _exponents(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    from geometry import sharing

    used = [
        row for row in rows if row["converged"] and row["neurons"] >= LEAST_RATIO * row["features"]
    ]
    seen = [value for row in used for value in row["counts"]]
    m, n = (
        np.array([row[key] for row in used for _ in row["counts"]])
        for key in ("neurons", "features")
    )
    # One n alone leaves the power of m.
    sizes = [size for size in (m, n) if len(set(size.tolist())) > 1]
    if len(set(m.tolist())) < 2:
        return {"reason": "fewer than two converged m with m >= 2n"}
    try:
        observed = scaling(seen, *sizes)
    except ValueError as error:
        return {"reason": str(error)}
    return {
        "over": ["m", "n"][: len(sizes)],
        "cells": len(used),
        "observed": list(observed.exponents),
        "intervals": [list(one) for one in observed.intervals],
        "laws": {
            name: list(scaling(law(n, m), *sizes).exponents) for name, law in sharing.LAWS.items()
        },
        "ratios": {name: _ratio(seen, law(n, m)) for name, law in sharing.LAWS.items()},
    }


def _ratio(seen: Sequence[int], law: NDArray[np.float64]) -> dict[str, Any]:
    """All events over all that the law expects."""
    expected = float(law.sum())
    return {"ratio": sum(seen) / expected, "interval": count_interval(sum(seen), expected)}
