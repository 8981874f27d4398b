"""Which cause makes neurons polysemantic: too little room, the start, the penalty, or noise?

    python -m experiments.causes

The review of Bereska and Gavves (2024) names capacity, noise-induced redundancy and misaligned
starts as three distinct causes.  Here all of them act on one family of models, y = ReLU(W(Wᵀx +
noise)) with n features and m neurons (Lecomte et al. 2023), and each is switched on and off while
the others stay: start, l1 penalty, noise and its kurtosis, m from n/2 to 16n.  The same seeds run
through all combinations, so that differences have paired intervals.  1 min on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import causes_cells, causes_figures, causes_shares
from experiments.causes_config import Config, validate
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.effects import cells
from experiments.harness.checks import HAIR, Band, Check, Claim, judge, judge_effect
from experiments.harness.experiment import Experiment, Result, Table
from experiments.intervals import mean_interval
from experiments.sentences import first_of

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train every combination; decompose what is shared."""
    rows = causes_cells.train_all(config, progress)
    whole = sorted({round(ratio * config.features) for ratio in config.factorial})
    data: dict[str, Any] = {
        "features": config.features,
        "kurtosis": config.kurtosis,
        "cells": rows,
        "decomposition": causes_shares.decompose(rows, config.features, config.kurtosis),
        "interactions": causes_shares.interactions(rows, whole, config.kurtosis),
    }
    return Result(data, {}, _tables(data))


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    shares = ("observed", "incidental", "start", "penalty", "noise", "residual", "nothing")
    used = ("observed", "start", "penalty", "noise")
    return {
        "decomposition": Table(
            (
                "m",
                "m/n",
                "necessary",
                *(word for s in shares for word in (s, f"{s} from", f"{s} to")),
                "converged",
            ),
            tuple(
                (
                    row["neurons"],
                    row["neurons"] / data["features"],
                    row["necessary"],
                    *(value for share in shares for value in cells(row[share])),
                    "yes" if all(row[share]["converged"] for share in used) else "NO",
                )
                for row in data["decomposition"]
            ),
            "Shares of the causes",
            "In neurons; 95% intervals from differences between trainings of the same seed. "
            "Observed = necessary + incidental; the shares of start, penalty and noise need not "
            "sum to the incidental part, and the residual is what they miss. Nothing: every "
            "cause off.",
        ),
        "effects": Table(
            ("m", "effect", "neurons", "from", "to"),
            tuple((row["neurons"], row["effect"], *cells(row)) for row in data["interactions"]),
            "Effects and interactions",
            "Of the cube start (random or margin) × penalty × noise: means of differences over "
            "the other factors' levels. Where interactions are as large as effects, no share is "
            "a cause's own.",
        ),
        "factorial": Table(
            (
                "m",
                "start",
                "penalty",
                "kurtosis of noise",
                "seeds",
                "shared neurons",
                "from",
                "to",
                "features represented",
                "on several neurons",
                "alignment",
                "features a neuron serves",
                "late change",
                "converged",
            ),
            tuple(
                (
                    row["neurons"],
                    row["start"],
                    "on" if row["penalised"] else "off",
                    "no noise" if row["kurtosis"] is None else f"{row['kurtosis']:g}",
                    row["seeds"],
                    row["count"],
                    *row["interval"],
                    row["represented"],
                    row["redundant"],
                    row["alignment"],
                    row["serves"],
                    row["late_change"],
                    "yes" if row["converged"] else "NO",
                )
                for row in data["cells"]
            ),
            "Every combination",
            "Represented: on a neuron with |w| above the threshold. A neuron serves (sum "
            "w²)²/sum w⁴ features, with no threshold.",
        ),
    }


def _row(data: Any, ratio: float) -> Any:
    m = round(ratio * data["features"])
    return next(row for row in data["decomposition"] if row["neurons"] == m)


def _cell(data: Any, ratio: float, name: str) -> Any:
    m = round(ratio * data["features"])
    return next(row for row in data["cells"] if row["neurons"] == m and row["name"] == name)


def checks(_config: Config, result: Result) -> list[Check]:
    """That each cause acts, and what is left when none does."""
    data: Any = result.data
    n = data["features"]
    half, tight, even, roomy = (_row(data, ratio) for ratio in (0.5, 0.75, 1.0, 4.0))
    scarce = _cell(data, 0.5, causes_cells.SEPARATE.name)
    still = _cell(data, 4.0, causes_cells.NOTHING.name)
    done = sum(row["converged"] for row in data["cells"])
    # What a neuron serves of random rows: the inverse of E sum w⁴/(sum w²)² = 3/(n+2).
    mixed = (n + 2) / 3

    def share(name: str, theory: str, effect: Any, band: Band) -> Check:
        return judge_effect(
            name,
            theory=theory,
            effect=effect,
            band=band,
            converged=effect["converged"],
        )

    return [
        judge(
            "combinations that converged",
            theory=f"all {len(data['cells'])}: rate·steps·penalty >= 5 and rate·steps·noise² >= 10 "
            "where these are on, and neither alignment nor count moves in the last fifth",
            estimate=done,
            band=(len(data["cells"]), len(data["cells"])),
            converged=done == len(data["cells"]),
        ),
        judge(
            "C12: capacity: shared neurons at m = n/2, margin start, penalty alone",
            theory=f"n - m = {half['necessary']:g}, which is every neuron; at least 0.98 of it",
            estimate=float(np.mean(scarce["counts"])),
            # Not Poisson's interval: there are no more neurons than are shared here.
            interval=mean_interval(scarce["counts"]),
            band=(0.98 * half["necessary"], None),
            converged=scarce["converged"],
        ),
        share(
            "C12: capacity: shared neurons at m = 3n/4, margin start, penalty alone",
            f"n - m = {tight['necessary']:g}, with at most two features a neuron; within a third",
            tight["separate"],
            (tight["necessary"] * 2 / 3, tight["necessary"] * 4 / 3),
        ),
        share(
            "C12: start: random less margin at m = n, penalty alone",
            "more than 0",
            even["start_alone"],
            (HAIR, None),
        ),
        share(
            "C12: noise of excess kurtosis +3: shared neurons with less without, m = n",
            "more than 0: heavy tails spread features over neurons",
            even["by_kurtosis"]["3"],
            (HAIR, None),
        ),
        share(
            "C12: noise of excess kurtosis -2: shared neurons with less without, m = n",
            "less than 0: light tails put features on neurons of their own",
            even["by_kurtosis"]["-2"],
            (None, -HAIR),
        ),
        share(
            "C13: shared neurons at m = 4n, margin start, penalty alone",
            "none where only capacity could cause them; at most 0.05",
            roomy["separate"],
            (None, 0.05),
        ),
        share(
            "C13: shared neurons at m = 4n, random start, penalty alone",
            f"more than 0; n²/4m = {n * n / (4 * roomy['neurons']):g}",
            roomy["penalty_alone"],
            (HAIR, None),
        ),
        judge(
            "C13: features a neuron serves at m = 4n with every cause off",
            theory=f"(n+2)/3 = {mixed:.3g}, as of random directions; at least 0.9 of it",
            estimate=still["serves"],
            interval=tuple(still["serves_interval"]),
            band=(0.9 * mixed, None),
            converged=still["converged"],
        ),
    ]


def claims(found: list[Check]) -> list[Claim]:
    """C12 and C13."""
    return verdicts_of("causes", found)


def answer(_config: Config, result: Result) -> str:
    """The shares where there is just enough room."""
    data: Any = result.data
    row = _row(data, 1.0)
    both = next(
        one
        for one in data["interactions"]
        if one["neurons"] == row["neurons"] and one["effect"] == "start × noise"
    )
    return (
        f"With as many neurons as features ({data['features']}) none need be shared and "
        f"{_of(row['observed'])} are: {_of(row['start'])} fewer without the random start, "
        f"{_of(row['noise'])} without noise, {_of(row['penalty'])} without the penalty. The causes "
        f"interact: start and noise by {_of(both)}."
    )


def _of(effect: Any) -> str:
    low, high = effect["interval"]
    open_ = "" if effect["converged"] else ", not converged"
    return f"{effect['mean']:.2f} ({low:.2f} to {high:.2f}{open_})"


def summary(_config: Config, result: Result) -> list[str]:
    """Shares over m/n, noise by kurtosis, what remains."""
    data: Any = result.data
    lines = [
        f"m/n = {row['neurons'] / data['features']:g}: observed {_of(row['observed'])}, necessary "
        f"{row['necessary']:g}; start {_of(row['start'])}, penalty {_of(row['penalty'])}, noise "
        f"{_of(row['noise'])}, residual {_of(row['residual'])}."
        for row in data["decomposition"]
    ]
    even = _row(data, 1.0)["by_kurtosis"]
    lines.append(
        "Noise by excess kurtosis, at m = n with the penalty on: "
        + ", ".join(f"{level}: {_of(effect)}" for level, effect in even.items())
        + " shared neurons more than without."
    )
    off = _row(data, 4.0)
    still = _cell(data, 4.0, causes_cells.NOTHING.name)
    lines.append(
        f"With every cause off, at m = 4n, {_of(off['nothing'])} neurons carry two features; but "
        f"each serves {still['serves']:.1f} of {data['features']} by participation ratio: without "
        "penalty or noise nothing sets neurons apart from other directions."
    )
    open_ = [row for row in data["cells"] if not row["converged"]]
    if open_:
        names = first_of([f"m = {row['neurons']}: {row['name']}" for row in open_])
        lines.append(
            f"NOT CONVERGED, {len(open_)} of {len(data['cells'])}, marked wherever they enter: "
            f"{names}."
        )
    return lines


EXPERIMENT = Experiment(
    name="causes",
    question="Which causes make features share neurons, and how much does each explain?",
    primer=(
        "Features may share neurons because there are too few (necessary), because the random "
        "start put two on one (incidental), because a penalty or noise drives weights together "
        "or apart. Here one small network is trained under every combination. A cause's share is "
        "what disappears when it alone is switched off; interactions are what differences of "
        "differences show. Shares of interacting causes do not sum to the whole, as shares of a "
        "product would not; the residual says by how much. Everything is counted in neurons that "
        "carry two features, with 95% intervals over seeds that are the same in all "
        "combinations."
    ),
    duration="1 min on two cores",
    seconds=44,
    cite=(
        "L. Bereska, E. Gavves, Mechanistic interpretability for AI safety: a review, TMLR (2024)",
        "V. Lecomte et al., What causes polysemanticity? An alternative origin story of mixed "
        "selectivity from incidental causes, arXiv 2312.03096 (2023)",
        "G. E. P. Box, J. S. Hunter, W. G. Hunter, Statistics for experimenters, 2nd ed. (2005)",
    ),
    examples=(
        "python -m experiments.causes",
        "python -m experiments.causes --kurtosis 3 --seeds 64",
        "python -m experiments.causes --features 16 --noise 0.1 --steps 100000",
    ),
    config=Config,
    presets={
        "tiny": {"features": 4, "ratios": (4.0,), "steps": 100, "seeds": 2},
        "quick": {},
        "paper": {"features": 16, "steps": 40_000, "seeds": 64},
        "full": {"features": 32, "steps": 80_000, "seeds": 256},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=causes_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
