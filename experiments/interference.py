"""What does a reader see when k of N features share d dimensions?

    python -m experiments.interference --dim 512 --features 4096 --active 16

Stores N features as directions in R^d, switches k of them on, and reads them all back with one
product.  Random directions, a tight frame and the least coherent packing known stand side by side;
theory (Gaussian interference, Welch's floor, coherence) is drawn over every measurement.  The
reference settings are measured too, whatever the flags are.  20 s on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments import dictionary, interference_figures, interference_parts
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.dictionary import called
from experiments.effects import in_words
from experiments.harness.checks import Check, Claim, judge, judge_effect, judge_near
from experiments.harness.experiment import Experiment, Result, Table
from experiments.interference_config import DEFAULTS, Config, activity_of, validate
from experiments.sentences import capital, listed

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Read every dictionary, sweep k and d, and redo the reference settings."""
    features, dim = dictionary.shape(config, DEFAULTS)
    activity = activity_of(config)
    kinds = dictionary.kinds(config)
    data: dict[str, Any] = {"features": features, "dim": dim, "active": config.active}
    arrays: dict[str, Any] = {}
    rows: dict[str, dict[str, Any]] = {}
    with progress.phase("dictionaries", total=len(kinds) * config.seeds) as step:
        for kind in kinds:
            made = None
            if config.file is not None:
                made = dictionary.from_file(config.file, config.tensor)
                data["notice"] = made.notice
            name = kind if made is None else made.name
            found, drawn = interference_parts.read_kind(
                config, activity, kind, made, (features, dim), step
            )
            rows[name] = found
            arrays |= {f"{name}:{key}": value for key, value in drawn.items()}
    data["dictionaries"] = rows
    data["theory"] = interference_parts.theory(features, dim, activity)
    with progress.phase("widths"):
        data["widths"] = interference_parts.widths(config, features, dim)
    with progress.phase("reference settings"):
        data["reference"] = interference_parts.reference(config)
    return Result(data, arrays, _tables(data))


def _tables(data: Mapping[str, Any]) -> dict[str, Table]:
    columns = {
        "dictionary": None,
        "rms interference": "rms",
        "Welch floor": "welch",
        "largest |cos|": "coherence",
        "most from k": "babel",
        "every k is read, by coherence": "limit",
        "and by row sums": "row_limit",
        "errors a trial at best threshold": "errors",
        "trials without error": "errorless",
        "the same, were errors independent": "independent",
        "trials that some threshold reads": "separable",
        "neurons a feature uses": "neurons",
        "features a neuron serves": "serves",
    }
    compared = tuple(
        (name, *(_cell(row[key]) for key in columns.values() if key is not None))
        for name, row in data["dictionaries"].items()
    )
    swept = tuple(
        (one["dim"], one["active"], one["errors"], *one["interval"], one["theory"])
        for one in data["widths"]
    )
    return {
        "dictionaries": Table(
            tuple(columns), compared, "Average and worst case", "Means over the seeds."
        ),
        "widths": Table(
            ("d", "k", "errors a trial", "from", "to", "theory"),
            swept,
            "Features read wrong, at the best threshold",
            "Random directions; 95% intervals over seeds.",
        ),
    }


def _cell(value: Any) -> Any:
    return value["mean"] if isinstance(value, dict) else value


def checks(config: Config, result: Result) -> list[Check]:
    """Theory against what was read, and the reference numbers."""
    data: Any = result.data
    found = []
    first = next(iter(data["dictionaries"].values()))
    for name, row in data["dictionaries"].items():
        found.append(
            judge_near(
                f"mean square interference, {name}",
                effect=row["square_ratio"],
                theory="measured over what this dictionary's own rows predict: 1 within 1%",
                centre=1.0,
                share=0.01,
            )
        )
        if row["welch_deviation"] is not None:
            found.append(
                judge(
                    f"Welch's floor met row by row, {name}",
                    theory="(N-d)/(d(N-1)) for every row of a tight frame, but for float32: 1e-5",
                    estimate=row["welch_deviation"],
                    band=(None, 1e-5),
                )
            )
        if row["guaranteed_errors"] is not None:
            found.append(
                judge(
                    f"errors at the k that coherence guarantees, {name}",
                    theory=f"none with {row['limit']} active, k < (1 + 1/mu)/2",
                    estimate=row["guaranteed_errors"],
                    band=(0, 0),
                )
            )
    if "random" in data["dictionaries"]:
        found += _random_checks(data)
    for one in data["reference"]:
        found.append(
            judge(
                one["name"],
                theory=one["theory"],
                estimate=one["estimate"],
                interval=tuple(one["interval"]),
                band=tuple(one["band"]),
            )
        )
    found.append(
        judge_effect(
            "C5: neurons that a feature is spread over",
            theory="two or more; (d+2)/3 for random directions",
            effect=first["neurons"],
            band=(2, None),
        )
    )
    found.append(
        judge_effect(
            "C5: features that a neuron serves",
            theory="two or more; about N/3 for random directions",
            effect=first["serves"],
            band=(2, None),
        )
    )
    return found


def _random_checks(data: Any) -> list[Check]:
    row, theory = data["dictionaries"]["random"], data["theory"]
    found = [
        judge_near(
            "C6: interference at features that are off",
            effect=row["rms"],
            theory=f"{theory['rms']:.4g} for random directions, sqrt(k E a²/d + noise²), within 1%",
            centre=theory["rms"],
            share=0.01,
        ),
        judge_near(
            "interference at active features",
            effect=row["rms_active"],
            theory=f"{theory['rms_active']:.4g}, that of the k - 1 others, within 2%",
            centre=theory["rms_active"],
            share=0.02,
        ),
        judge_near(
            "C6: features read wrong at the best threshold",
            effect=row["wrong_share"],
            theory=f"{theory['wrong_share']:.3g} of all features, from the law of the "
            "interference; 5%",
            centre=theory["wrong_share"],
            share=0.05,
        ),
    ]
    tight = data["dictionaries"].get("tight")
    if tight is not None:
        found.append(
            judge_near(
                "rms interference, tight frame over random directions",
                effect=tight["against_random"],
                theory=f"{theory['gain']:.4f}, sqrt((N-d)/(N-1)): the average is barely cut; "
                "within 1%",
                centre=theory["gain"],
                share=0.01,
            )
        )
    return found


def claims(found: list[Check]) -> list[Claim]:
    """C5 and C6, as far as fixed dictionaries go."""
    return verdicts_of("interference", found)


def answer(config: Config, result: Result) -> str:
    """How many features are misread, and what a packing changes."""
    data: Any = result.data
    told = []
    for name, row in data["dictionaries"].items():
        told.append(f"{in_words(row['errors'], '.3g')} with {called(name)}")
    return (
        f"With {config.active} of {data['features']:,} features on in {data['dim']:,} dimensions, "
        "a reader at the best threshold misreads so many features a trial: "
        f"{listed(told)}."
    )


def summary(config: Config, result: Result) -> list[str]:
    """Average against worst case, thresholds, sharing."""
    data: Any = result.data
    lines = [data["notice"]] if data.get("notice") else []
    theory = data["theory"]
    lines.append(
        f"Random directions, by theory: rms interference {theory['rms']:.4g}, best threshold "
        f"{theory['best']:.4g}, {theory['errors']:.3g} features misread a trial."
    )
    for name, row in data["dictionaries"].items():
        limit = "any number" if row["limit"] is None else f"any {row['limit']}"
        lines.append(
            f"{capital(called(name))}: rms {row['rms']['mean']:.4g}, largest "
            f"|cos| {row['coherence']['mean']:.4g}; {config.active} features can cause at most "
            f"{row['babel']['mean']:.3g} at another; {limit} active features are read right, "
            f"by coherence; {row['errorless']['mean']:.1%} of trials without an error "
            f"({row['independent']['mean']:.1%} if errors were independent)."
        )
    rows = data["dictionaries"]
    if {"random", "packing"} <= set(rows):
        worst = rows["random"]["babel"]["mean"] / rows["packing"]["babel"]["mean"]
        average = rows["random"]["rms"]["mean"] / rows["packing"]["rms"]["mean"]
        lines.append(
            f"The packing cuts the worst case {worst:.2f}-fold, the average {average:.3f}-fold."
        )
    return lines


EXPERIMENT = Experiment(
    name="interference",
    question="What does a reader see when k of N features share d dimensions?",
    primer=(
        "A layer with d neurons can store many more than d features, each as a direction. When k "
        "of them are active, the layer holds the sum of their directions. A reader who wants to "
        "know whether a feature is on multiplies that sum with its direction, and gets 1 or 0, "
        "plus a little from every other active feature whose direction is not exactly orthogonal: "
        "interference. Its typical size is √(k/d), however cleverly the directions are chosen; a "
        "good choice only cuts its extremes. A threshold then decides. Too low, and features that "
        "are off look on (false alarms); too high, and active ones are missed."
    ),
    duration="20 s on two cores",
    seconds=26,
    cite=(
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022)",
        "L. R. Welch, Lower bounds on the maximum cross correlation of signals, IEEE Trans. Inf. "
        "Theory 20 (1974)",
        "J. A. Tropp, Greed is good: algorithmic results for sparse approximation, IEEE Trans. "
        "Inf. Theory 50 (2004)",
        "J. J. Benedetto, M. Fickus, Finite normalized tight frames, Adv. Comput. Math. 18 (2003)",
    ),
    examples=(
        "python -m experiments.interference --dim 512 --features 4096 --active 16",
        "python -m experiments.interference --law bernoulli --sign signed --noise 0.05",
        "python -m experiments.interference --dictionaries packing --dim 64 --features 512 "
        "--active 4",
        "python -m experiments.interference --file weights.npy --active 8",
    ),
    config=Config,
    presets={
        "tiny": {
            "dim": 32,
            "features": 128,
            "active": 3,
            "trials": 512,
            "seeds": 3,
            "reference": 1,
        },
        "quick": {},
        "paper": {"trials": 1 << 16},
        "full": {"trials": 1 << 18, "seeds": 16},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=interference_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
