"""How many active features can each decoder read, and how wide must the layer be?

    python -m experiments.readout

Maps the share of trials in which each decoder finds which k of N features are active, over d/N and
k/d, with Donoho and Tanner's curve for l1 recovery on top; measures where l1 recovery fails, trial
by trial with a certificate; and compares the widths that threshold, pursuit and l1 need for the
same features with the information that has to pass.  30 s on two cores.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from experiments import readout_figures, readout_parts
from experiments.command import main
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.experiment import Experiment, Result, Table
from experiments.readout_config import Config, validate

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """The picture, the transition, the widths, message passing: each part kept if killed."""
    data: dict[str, Any] = {}
    cells = config.cells
    with progress.phase("heat maps", total=cells) as step:
        shares = readout_parts.picture(
            config.seed, config.map_features, cells, config.cell_trials, step
        )
    arrays = {f"share:{name}": value for name, value in shares.items()}
    columns = [(delta, sign) for delta in config.columns for sign in (False, True)]
    with progress.phase("l1 transition", total=len(columns)) as step:
        data["transition"] = []
        for place, (delta, nonnegative) in enumerate(columns):
            make = partial(
                readout_parts.transition,
                config.seed,
                config.features,
                delta,
                config.trials,
                config.seeds,
                nonnegative=nonnegative,
            )
            data["transition"].append(progress.part(f"column-{place}", make))
            step()
    with progress.phase("widths"):
        make = partial(
            readout_parts.widths,
            config.seed,
            config.wide_features,
            config.wide_active,
            min(config.seeds, 5),
            4 * config.cell_trials,
        )
        data["widths"] = progress.part("widths", make)
    with progress.phase("message passing"):
        make = partial(
            readout_parts.message_passing, config.seed, config.passing_features, config.seeds
        )
        data["passing"] = progress.part("passing", make)
    data["curves"] = _curves()
    return Result(data, arrays, _tables(data))


def _curves() -> dict[str, Any]:
    import numpy as np

    from geometry import donoho_tanner

    deltas = np.linspace(0.005, 1.0, 200)
    return {
        "delta": deltas.tolist(),
        "signed": donoho_tanner.threshold(deltas).tolist(),
        "nonnegative": donoho_tanner.threshold(deltas, nonnegative=True).tolist(),
    }


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    crossed = tuple(
        (
            one["delta"],
            one["features"],
            "nonnegative" if one["nonnegative"] else "signed",
            one["predicted"] / one["dim"],
            None if one["ratio"] is None else one["ratio"] * one["predicted"] / one["dim"],
            one["ratio"],
            *(one["interval"] or (None, None)),
            one["trials"],
            one["undecided"],
        )
        for one in data["transition"]
    )
    wide = data["widths"]
    needed: list[tuple[Any, ...]] = [
        ("threshold 1/2", wide["half"], wide["bits"] / wide["half"], "half an expected error"),
        ("Bayes threshold", wide["bayes"], wide["bits"] / wide["bayes"], "half an expected error"),
    ]
    for one in wide["sparse"]:
        if one["dim"] is not None:
            needed.append(
                (one["decoder"], one["dim"], wide["bits"] / one["dim"], "half of the trials right")
            )
    return {
        "transition": Table(
            (
                "d/N",
                "N",
                "amplitudes",
                "k/d by theory",
                "k/d measured",
                "measured over theory",
                "from",
                "to",
                "trials a k",
                "undecided",
            ),
            crossed,
            "Where l1 recovery fails half of the time",
            "95% intervals over dictionaries, wide enough for either reading of undecided trials.",
        ),
        "widths": Table(
            ("decoder", "width d", "bits a dimension", "where"),
            tuple(needed),
            f"Width needed for {wide['active']} of {wide['features']:,} features",
            f"{wide['bits']:.2f} bits say which features are active.",
        ),
    }


def checks(config: Config, result: Result) -> list[Check]:
    """The l1 transition, the widths and message passing against theory."""
    data: Any = result.data
    found = []
    for one in data["transition"]:
        kind = "nonnegative" if one["nonnegative"] else "signed"
        found.append(
            judge(
                f"l1 transition at d/N = {one['delta']:g}, {kind}",
                theory="crossing over Donoho and Tanner's: 1 within 5%",
                estimate=one["ratio"],
                interval=None if one["interval"] is None else tuple(one["interval"]),
                band=(0.95, 1.05),
                note=f"{one['undecided']:.1%} of the trials undecided",
            )
        )
    wide = data["widths"]
    for one in wide["linear"]:
        at = {"threshold 1/2": wide["half"], "Bayes threshold": wide["bayes"]}[one["decoder"]]
        if one["dim"] == at:
            found.append(
                judge(
                    f"errors a trial at the needed width, {one['decoder']}",
                    theory=f"{one['theory']:.3g} at d = {at}, by the interference's law; 15%",
                    estimate=one["errors"],
                    interval=tuple(one["interval"]),
                    band=(0.85 * one["theory"], 1.15 * one["theory"]),
                )
            )
    for one in wide["sparse"]:
        if one["predicted"] is not None:
            found.append(
                judge(
                    f"width needed by {one['decoder']}",
                    theory=f"Donoho and Tanner's {one['predicted']}, as N grows; within 10%",
                    estimate=one["dim"],
                    interval=None if one["interval"] is None else tuple(one["interval"]),
                    band=(0.9 * one["predicted"], 1.1 * one["predicted"]),
                )
            )
    passing = data["passing"]
    found.append(
        judge(
            "message passing at its fixed point, mean square error",
            theory=f"{passing['theory']:.6f} by state evolution, within 3%",
            estimate=passing["error"],
            interval=tuple(passing["interval"]),
            band=(0.97 * passing["theory"], 1.03 * passing["theory"]),
        )
    )
    return found


def claims(found: list[Check]) -> list[Claim]:
    """None: the account's statements are examined by interference and dimensions."""
    return []


def answer(_config: Config, result: Result) -> str:
    """What the same features cost each decoder."""
    wide: Any = result.data["widths"]
    l1 = next(one for one in wide["sparse"] if one["decoder"] == "l1, signed")
    if l1["dim"] is None:
        return (
            f"Reading {wide['active']} of {wide['features']:,} features takes {wide['half']:,} "
            "dimensions by a threshold at 1/2; l1's need was not found."
        )
    low, high = l1["interval"]
    return (
        f"Reading {wide['active']} of {wide['features']:,} features takes {wide['half']:,} "
        f"dimensions by a threshold at 1/2, {wide['bayes']:,} at the best threshold, and "
        f"{l1['dim']:.0f} ({low:.0f} to {high:.0f}) by l1 decoding."
    )


def summary(_config: Config, result: Result) -> list[str]:
    """The price of linear reading, the transition, the bits."""
    data: Any = result.data
    wide = data["widths"]
    lines = []
    for one in wide["sparse"]:
        if one["decoder"] == "l1, signed" and one["dim"] is not None:
            low, high = (wide["bayes"] / one["interval"][place] for place in (1, 0))
            lines.append(
                f"Linear read-out pays {wide['bayes'] / one['dim']:.1f} ({low:.1f} to {high:.1f}) "
                "times the width of signed l1 at the best threshold, "
                f"{wide['half'] / one['dim']:.1f} times at 1/2."
            )
    for one in data["transition"]:
        kind = "nonnegative" if one["nonnegative"] else "signed"
        if one["ratio"] is not None:
            lines.append(
                f"At d/N = {one['delta']:g}, {kind}: l1 recovery fails past k/d = "
                f"{one['ratio'] * one['predicted'] / one['dim']:.4f}, {one['ratio']:.3f} times "
                "Donoho and Tanner's value."
            )
    lines.append(
        f"{wide['bits']:.2f} bits say which features are on: "
        f"{wide['bits'] / wide['half']:.2f} a dimension at the threshold's width"
        + "".join(
            f", {wide['bits'] / one['dim']:.2f} for {one['decoder']}"
            for one in wide["sparse"]
            if one["dim"] is not None
        )
        + "."
    )
    return lines


EXPERIMENT = Experiment(
    name="readout",
    question="How many active features can each decoder read, and how wide must the layer be?",
    primer=(
        "k of N features are on, and only d numbers, fewer than N, are passed on. Whether they "
        "can be told from these depends on how one reads. A threshold on each feature by itself "
        "is what a layer of neurons can do; it drowns in interference early. A decoder that "
        "searches for the sparsest explanation, by least l1 norm, needs several times fewer "
        "dimensions, and fails at a sharp line: below it nearly every set of k features is found, "
        "above it nearly none. The maps show the share of trials in which each decoder was right."
    ),
    duration="30 s on two cores",
    seconds=30,
    cite=(
        "D. L. Donoho, J. Tanner, Observed universality of phase transitions in high-dimensional "
        "geometry, Phil. Trans. R. Soc. A 367 (2009)",
        "D. L. Donoho, A. Maleki, A. Montanari, Message-passing algorithms for compressed sensing, "
        "PNAS 106 (2009)",
        "A. Beck, M. Teboulle, A fast iterative shrinkage-thresholding algorithm, SIAM J. Imaging "
        "Sci. 2 (2009)",
        "J. A. Tropp, A. C. Gilbert, Signal recovery from random measurements via orthogonal "
        "matching pursuit, IEEE Trans. Inf. Theory 53 (2007)",
    ),
    examples=(
        "python -m experiments.readout",
        "python -m experiments.readout --columns 0.1 0.25 0.5 0.75 0.9",
        "python -m experiments.readout --wide-features 1024 --wide-active 8",
    ),
    config=Config,
    presets={
        "tiny": {
            "features": 60,
            "columns": (0.5,),
            "trials": 20,
            "map_features": 24,
            "cells": 4,
            "cell_trials": 4,
            "wide_features": 128,
            "wide_active": 2,
            "passing_features": 200,
            "seeds": 5,
        },
        "quick": {},
        "paper": {"columns": (0.1, 0.25, 0.5, 0.75, 0.9), "cells": 20, "map_features": 200},
        "full": {
            "columns": (0.1, 0.25, 0.5, 0.75, 0.9),
            "cells": 32,
            "cell_trials": 50,
            "map_features": 400,
            "trials": 2000,
            "seeds": 20,
        },
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=readout_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
