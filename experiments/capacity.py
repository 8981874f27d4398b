"""Do features get dimensions in the order of their importance: their own, a shared one, none?

    python -m experiments.capacity

A quadratic model has fewer dimensions than features.  How the best model divides them is water
filling, in closed form (Scherlis et al. 2022): the most important features have a dimension each,
the middle ones share, the least are ignored, and where the lines run depends on the kurtosis of the
features.  Gradient descent from hundreds of random starts is held against that optimum, feature by
feature, over kurtosis and importance; then a model with a ReLU is asked for the same order.  20 s
on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import capacity_figures, capacity_quadratic, capacity_relu
from experiments.capacity_blocks import in_order
from experiments.capacity_checks import checks, claims
from experiments.capacity_config import Config, validate
from experiments.capacity_tables import tables
from experiments.command import main
from experiments.harness.experiment import Experiment, Result

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
        "relu": capacity_relu.relu(config, progress),
    }
    arrays = {"best": best, "gram": gram}
    for name in ("example", "map"):
        found = data[name]
        drawn = capacity_quadratic.curves(found["importance"], found["dim"], config.kurtosis)
        arrays |= {f"{name}_{key}": value for key, value in drawn._asdict().items()}
    return Result(data, arrays, tables(data))


def _shown(rows: Any) -> int:
    """The row in which theory has most of the three classes; of equals the nearest to F = 6."""

    def merit(row: Any) -> tuple[int, float]:
        return sum(n > 0 for n in row["theory_census"].values()), -abs(row["kurtosis"] - 6)

    return int(max(range(len(rows)), key=lambda place: merit(rows[place])))


def answer(_config: Config, result: Result) -> str:
    """The classes where theory has most of them, and how near training comes."""
    data: Any = result.data
    example = data["example"]
    row = example["rows"][data["shown"]]
    census = row["census"]
    open_ = "" if row["best_converged"] else " (not converged)"
    near = "0.001" if row["distance"] < 1e-3 else f"{row['distance']:.2g}"
    wrong = row["inversions"]
    pairs = f"{wrong or 'no'} pair is" if wrong < 2 else f"{wrong} pairs are"
    return (
        f"Of {len(example['importance'])} features in {_dimensions(example['dim'])}, at kurtosis "
        f"{row['kurtosis']:g}, training gives a dimension each to {census['dedicated']}, a share "
        f"to {census['shared']} and nothing to {census['ignored']}{open_}: within {near} of the "
        f"best capacities, and {pairs} out of the order of importance."
    )


def summary(config: Config, result: Result) -> list[str]:
    """Classes over kurtosis, shares of seeds, thresholds, the map, the ReLU model."""
    data: Any = result.data
    rows = data["example"]["rows"]
    lines = [
        f"Dedicated/shared/ignored over kurtosis F: {_classes(rows, 'kurtosis')}.",
        _shares(rows, config.seeds),
    ]
    known = [row for row in data["scan"] if row["ratio"] is not None]
    if known:
        lines.append(
            "Two features in one dimension begin to share at 2/(F - 1) times "
            + "; ".join(f"{row['ratio']:.4f} at F = {row['kurtosis']:g}" for row in known)
            + "."
        )
    found = data["relu"]
    if found["correlation_interval"] is not None:
        low, high = found["ordered_interval"]
        lines.append(
            f"ReLU model, {len(found['importance'])} features in {_dimensions(found['dim'])}, best "
            f"seed over probability p: {_classes(found['rows'], 'probability')}. Over all seeds "
            f"{found['ordered']:.0%} ({low:.0%} to {high:.0%}) of the pairs that differ are in "
            f"order; rank correlation {found['correlation']:.2f}."
        )
    open_ = [row for row in rows if not row["best_converged"] or row["moving"]]
    if open_:
        names = ", ".join(f"{row['kurtosis']:g}" for row in open_)
        lines.append(f"NOT CONVERGED in the worked example, at F = {names}.")
    moving = sum(row["moving"] for row in found["rows"])
    if moving:
        total = found["seeds"] * len(found["rows"])
        lines.append(f"ReLU model: {moving} of {total} trainings had not converged.")
    return lines


def _dimensions(count: int) -> str:
    return f"{count} dimension" if count == 1 else f"{count} dimensions"


def _classes(rows: Any, over: str) -> str:
    """Counts of the three classes, runs of equal ones together: `2/2/4 at 4.5, 6`."""
    runs: dict[str, list[str]] = {}
    for row in rows:
        runs.setdefault("/".join(map(str, row["census"].values())), []).append(f"{row[over]:g}")
    return "; ".join(f"{census} at {', '.join(places)}" for census, places in runs.items())


def _shares(rows: Any, seeds: int) -> str:
    """One line: the kurtoses at which some seed misses the optimum, with intervals."""
    missed = [row for row in rows if row["reached"] < row["seeds"]]
    listed = "; ".join(
        f"{row['reached'] / row['seeds']:.0%} ({row['share_interval'][0]:.0%} to "
        f"{row['share_interval'][1]:.0%}) at F = {row['kurtosis']:g}"
        for row in missed
    )
    if len(missed) == len(rows):
        return f"Seeds that find the optimum, of {seeds}: {listed}."
    low = min(row["share_interval"][0] for row in rows if row not in missed)
    rest = f"all {seeds} (at least {low:.0%})"
    if not missed:
        return f"Seeds that find the optimum: {rest}, at every F."
    return f"Seeds that find the optimum: {listed}; {rest} at every other F."


EXPERIMENT = Experiment(
    name="capacity",
    question="Do features get dimensions in the order of their importance?",
    primer=(
        "A model with D dimensions serves n > D features that matter more or less. The capacity of "
        "a feature is the share of a dimension that it has to itself: 1 when it is orthogonal to "
        "all others, 0 when it is ignored; capacities sum to at most D. For a quadratic model the "
        "best division is known exactly. Features of large kurtosis F, the mean fourth power, are "
        "rare and seldom meet, so that sharing costs little; up to F = 3 it never pays. Gradient "
        "descent runs on the exact mean loss from many small random starts; the best seed has the "
        "least loss. The toy model with a ReLU has no such theory, and is asked for the same "
        "order."
    ),
    duration="20 s on two cores",
    seconds=22,
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
            "relu_features": 4,
            "relu_dim": 2,
            "relu_probability": (0.7, 0.5),
            "relu_steps": 3000,
            "seeds": 8,
        },
        "quick": {},
        "paper": {"seeds": 256, "steps": 40_000},
        "full": {
            "seeds": 1024,
            "steps": 100_000,
            "map_features": 32,
            "map_points": 40,
            "relu_features": 6,
        },
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
