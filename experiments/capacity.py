"""Do features get dimensions in the order of their importance: their own, a shared one, none?

    python -m experiments.capacity

A quadratic model has fewer dimensions than features.  How the best model divides them is water
filling, in closed form (Scherlis et al. 2022): the most important features have a dimension each,
the middle ones share, the least are ignored, and where the lines run depends on the kurtosis of the
features.  Gradient descent from hundreds of random starts is held against that optimum, feature by
feature, over kurtosis and importance.  Half a minute on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import capacity_figures, capacity_quadratic
from experiments.capacity_blocks import in_order
from experiments.capacity_checks import checks, claims
from experiments.capacity_config import Config, validate
from experiments.harness.experiment import Experiment, Result, Table
from experiments.harness.run import main

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train the worked example, the map and the scan, and hold them against theory."""
    example, best = capacity_quadratic.example(config, progress)
    shown = _shown(example["rows"])
    order = in_order(example["rows"][shown]["blocks"], len(example["importance"]))
    gram = np.abs(best[shown] @ best[shown].T)[np.ix_(order, order)]
    data: dict[str, Any] = {
        "example": example,
        "shown": shown,
        "order": order,
        "map": capacity_quadratic.phase_map(config, progress),
        "scan": capacity_quadratic.scan(config, progress),
    }
    arrays = {"best": best, "gram": gram}
    for name in ("example", "map"):
        found = data[name]
        drawn = capacity_quadratic.curves(found["importance"], found["dim"], config.kurtosis)
        arrays |= {f"{name}_{key}": value for key, value in drawn._asdict().items()}
    return Result(data, arrays, _tables(data))


def _shown(rows: Any) -> int:
    """The row in which theory has most of the three classes; of equals the nearest to F = 6."""

    def merit(row: Any) -> tuple[int, float]:
        return sum(n > 0 for n in row["theory_census"].values()), -abs(row["kurtosis"] - 6)

    return int(max(range(len(rows)), key=lambda place: merit(rows[place])))


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    example = data["example"]
    classes = ("dedicated", "shared", "ignored")
    return {
        "capacities": Table(
            ("F", "capacities of", *(f"v = {value:g}" for value in example["importance"])),
            tuple(
                (row["kurtosis"], name, *row[key])
                for row in example["rows"]
                for key, name in (
                    ("theory", "theory"),
                    ("best", "best seed"),
                    ("low", "least of all seeds"),
                    ("high", "most of all seeds"),
                )
            ),
            "Capacities of the worked example",
            "The share of a dimension that a feature of importance v has to itself; least and most "
            "are over all seeds, those caught in other minima included.",
        ),
        "seeds": Table(
            (
                "F",
                *classes,
                *(f"{name}, theory" for name in classes),
                "largest distance",
                "excess loss",
                "seeds",
                "share at the optimum",
                "from",
                "to",
                "still moving",
            ),
            tuple(
                (
                    row["kurtosis"],
                    *(row["census"][name] for name in classes),
                    *(row["theory_census"][name] for name in classes),
                    row["distance"],
                    row["excess"],
                    row["seeds"],
                    row["reached"] / row["seeds"],
                    *row["share_interval"],
                    row["moving"],
                )
                for row in example["rows"]
            ),
            "The best seed, and how many find what it found",
            "Counts, distance and excess are the best seed's; the share has Clopper and Pearson's "
            "95% interval.",
        ),
        "blocks": Table(
            ("F", "features", "dimension", "spread"),
            tuple(
                (
                    row["kurtosis"],
                    " ".join(str(place + 1) for place in block["features"]),
                    block["dimension"],
                    block["spread"],
                )
                for row in example["rows"]
                for block in row["blocks"]
            ),
            "Blocks of the best seeds",
            "Features that overlap, the sum of their capacities, and the spread of their frame "
            "operator's eigenvalues over its mean, 0 for a tight frame.",
        ),
        "thresholds": Table(
            ("F", "2/(F - 1)", "measured", "measured, over theory", "from", "to", "seeds"),
            tuple(
                (
                    row["kurtosis"],
                    row["threshold"],
                    None if row["ratio"] is None else row["ratio"] * row["threshold"],
                    row["ratio"],
                    *(row["interval"] or (None, None)),
                    row["seeds"],
                )
                for row in data["scan"]
            ),
            "Two features in one dimension",
            "Where the second feature's capacity begins to rise with v2/v1: a quadratic fit of the "
            "ratio over C2, read off at C2 = 0, without the points next to the threshold.",
        ),
        "map": Table(
            ("F", *classes, *(f"{name}, theory" for name in classes), "largest distance"),
            tuple(
                (
                    row["kurtosis"],
                    *(row["census"][name] for name in classes),
                    *(row["theory_census"][name] for name in classes),
                    row["distance"],
                )
                for row in data["map"]["rows"]
            ),
            "The map",
            "Counts of the best seed and of theory, and the largest distance of a capacity.",
        ),
    }


def answer(_config: Config, result: Result) -> str:
    """The classes where theory has most of them, and how near training comes."""
    data: Any = result.data
    example = data["example"]
    row = example["rows"][data["shown"]]
    census = row["census"]
    open_ = "" if row["best_converged"] else " (not converged)"
    return (
        f"Of {len(example['importance'])} features in {example['dim']} dimensions, at kurtosis "
        f"{row['kurtosis']:g}, the best training{open_} gives {census['dedicated']} a dimension of "
        f"their own, lets {census['shared']} share and ignores {census['ignored']}; capacities "
        f"are within {row['distance']:.1g} of the optimum, and {row['inversions'] or 'no'} pairs "
        "are out of the order of importance."
    )


def summary(config: Config, result: Result) -> list[str]:
    """Classes over kurtosis, shares of seeds, thresholds, the map."""
    data: Any = result.data
    rows = data["example"]["rows"]
    lines = [
        "Dedicated, shared, ignored over kurtosis: "
        + "; ".join(
            f"F = {row['kurtosis']:g}: " + ", ".join(str(n) for n in row["census"].values())
            for row in rows
        )
        + "."
    ]
    shares = [
        f"F = {row['kurtosis']:g}: {row['reached'] / row['seeds']:.0%} "
        f"({row['share_interval'][0]:.0%} to {row['share_interval'][1]:.0%})"
        for row in rows
    ]
    lines.append(f"Seeds at the optimum, of {config.seeds}: {'; '.join(shares)}.")
    known = [row for row in data["scan"] if row["ratio"] is not None]
    if known:
        worst = max(known, key=lambda row: abs(row["ratio"] - 1))
        lines.append(
            "Two features in one dimension begin to share at 2/(F - 1) times "
            + ", ".join(f"{row['ratio']:.4f} (F = {row['kurtosis']:g})" for row in known)
            + f"; farthest at F = {worst['kurtosis']:g}."
        )
    grid = data["map"]["rows"]
    agree = sum(row["census"] == row["theory_census"] for row in grid)
    lines.append(
        f"Map of {len(data['map']['importance'])} features in {data['map']['dim']} dimensions: "
        f"the best seeds have as many dedicated, shared and ignored as theory at {agree} of "
        f"{len(grid)} kurtoses."
    )
    open_ = [row for row in rows if not row["best_converged"] or row["moving"]]
    if open_:
        names = ", ".join(f"{row['kurtosis']:g}" for row in open_)
        lines.append(f"NOT CONVERGED in the worked example, at F = {names}.")
    return lines


EXPERIMENT = Experiment(
    name="capacity",
    question="Do features get dimensions in the order of their importance?",
    primer=(
        "A model with D dimensions serves n > D features that matter more or less. The capacity of "
        "a feature is the share of a dimension that it has to itself: 1 when it is orthogonal to "
        "all others, 0 when it is ignored; capacities sum to at most D. For a quadratic model the "
        "best division is known exactly: capacity is poured out in the order of importance, at one "
        "price. Whether features share depends on their kurtosis F, the mean fourth power: rare "
        "features have large F and seldom meet, so that sharing costs little; up to F = 3 it never "
        "pays. Gradient descent runs on the exact mean loss with momentum, from many small random "
        "starts; the best seed is the one of least loss."
    ),
    duration="half a minute on two cores",
    cite=(
        "A. Scherlis, K. Sachan, A. S. Jermyn, J. Benton, B. Shlegeris, Polysemanticity and "
        "capacity in neural networks, arXiv 2210.01892 (2022)",
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022)",
        "C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits, Biometrika 26 "
        "(1934)",
    ),
    examples=(
        "python -m experiments.capacity",
        "python -m experiments.capacity --importance 1 0.9 0.5 0.1 --dim 2 --kurtosis 2 6 30",
        "python -m experiments.capacity --seeds 512 --start 0.3",
    ),
    config=Config,
    presets={
        "tiny": {
            "kurtosis": (2.0, 6.0, 180.0),
            "map_points": 3,
            "map_features": 6,
            "map_dim": 2,
            "scan_points": 9,
            "steps": 3000,
            "seeds": 8,
        },
        "quick": {},
        "paper": {"seeds": 256, "steps": 40_000, "map_features": 32, "map_points": 40},
        "full": {"seeds": 2048, "steps": 100_000, "map_features": 64, "map_points": 80},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=capacity_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
