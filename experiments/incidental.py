"""How often do features share a neuron although there is one for each?

    python -m experiments.incidental

Tied ReLU autoencoders y = ReLU(W Wᵀ x) with n features, m >= n neurons and an l1 penalty are
trained from many random starts (Lecomte et al. 2023, "Incidental polysemanticity", arXiv
2312.03096).  The report counts the neurons that end with two features, over m and n and for two
optimisers, holds them against the laws of chance, and then intervenes: on the start, the penalty,
the noise.  2 min on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments import (
    incidental_checks,
    incidental_figures,
    incidental_probes,
    incidental_sizes,
)
from experiments.command import main
from experiments.effects import cells, in_words
from experiments.harness.experiment import Experiment, Result, Table
from experiments.incidental_config import Config, validate

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Count over the grid, intervene, follow one training."""
    rows = incidental_sizes.counts(config, progress)
    data: dict[str, Any] = {
        "counts": rows,
        "exponents": incidental_sizes.exponents(rows),
        "probe": list(config.probe),
        "starts": incidental_probes.starts(config, progress),
        "penalties": incidental_probes.penalties(config, progress),
        "course": incidental_probes.course(config, progress),
        "noises": incidental_probes.noises(config, progress),
        "noise_size": list(incidental_probes.NOISE_SIZE),
    }
    film = incidental_probes.view(config, progress)
    return Result(data, film, _tables(data))


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    laws = list(data["counts"][0]["laws"])
    thresholds = list(data["counts"][0]["thresholds"])
    return {
        "counts": Table(
            (
                "optimiser",
                "n",
                "m",
                "seeds",
                "shared neurons",
                "from",
                "to",
                *laws,
                *(f"|w| > {t}" if " " not in t else f"|w| {t}" for t in thresholds),
                "variance/mean",
                "opposite signs",
                "one weight",
                "largest won",
                "rank shared",
                "rank alone",
                "overlap",
                "from ",
                "to ",
                "still changing",
                "converged",
            ),
            tuple(
                (
                    row["optimiser"],
                    row["features"],
                    row["neurons"],
                    row["seeds"],
                    row["count"],
                    *row["interval"],
                    *row["laws"].values(),
                    *row["thresholds"].values(),
                    row["dispersion"],
                    row["opposite"],
                    row["one"],
                    row["won"][0],
                    row["ranks"] and row["ranks"]["shared"],
                    row["ranks"] and row["ranks"]["alone"],
                    *_overlap(row),
                    row["changed"],
                    "yes" if row["converged"] else "NO",
                )
                for row in data["counts"]
            ),
            "Neurons that carry two features, over sizes",
            "Means over seeds with exact Poisson intervals at 95%; the laws of chance; the count "
            "at other thresholds; the share of shared neurons whose weights have opposite signs; "
            "of features that rest on one weight, and of those whose weight was the largest at "
            "the start. Rank: how many weights of the feature were larger at the start than the "
            "one that remains. Still changing: trainings whose count differs between 80, 90 and "
            "100% of the steps.",
        ),
        "starts": Table(
            (
                "start",
                "seeds",
                "shared neurons",
                "from",
                "to",
                "planted pair shared",
                "from ",
                "to ",
            ),
            tuple(
                (
                    name,
                    row["seeds"],
                    row["count"],
                    *row["interval"],
                    row["shared"],
                    *row["shared_interval"],
                )
                for name, row in data["starts"].items()
                if "count" in row
            ),
            "Interventions on the start",
            f"n = {data['probe'][0]}, m = {data['probe'][1]}, proximal gradient descent. The "
            "planted pair is features 0 and 1; elsewhere they share a neuron by chance.",
        ),
        "noises": Table(
            (
                "noise",
                "excess kurtosis",
                "alignment",
                "from",
                "to",
                "shared neurons",
                "change of alignment",
            ),
            tuple(
                (
                    row["kind"],
                    row["kurtosis"],
                    row["alignment"],
                    *row["alignment_interval"],
                    row["count"],
                    row["late_change"],
                )
                for row in data["noises"]
            ),
            "Noise in place of a penalty",
            "Alignment is sum w⁴/(sum w²)² of a feature's weights. The last column is its change "
            "over the last fifth of the steps.",
        ),
    }


def _overlap(row: Any) -> tuple[float | None, ...]:
    found = row["collisions"]["overlap"]
    return (None, None, None) if found is None else cells(found)


def answer(config: Config, result: Result) -> str:
    """The count at the largest size with room to spare, beside the law of chance."""
    data: Any = result.data
    rows = [row for row in data["counts"] if row["converged"]] or data["counts"]
    row = max(rows, key=lambda row: (row["features"], -abs(row["neurons"] - 4 * row["features"])))
    low, high = row["interval"]
    caveat = "" if row["converged"] else " (not converged)"
    return (
        f"With {row['features']} features and {row['neurons']} neurons, {row['count']:.2f} "
        f"({low:.2f} to {high:.2f}) neurons end with two features{caveat}; pairs that meet by "
        f"chance would be {row['laws']['n²/4m']:.2f}, or {row['laws']['drop model']:.2f} with "
        "those that find a neuron taken."
    )


def summary(config: Config, result: Result) -> list[str]:
    """Exponents, the fate of collisions, winners, noise, what did not converge."""
    data: Any = result.data
    lines = [_powers(name, found) for name, found in data["exponents"].items()]
    starts = data["starts"]
    natural = starts["random"]["collisions"]
    lines.append(
        f"Planted on one neuron, two features of opposite signs still share it in "
        f"{starts['planted-opposite']['shared']:.1%} of trainings, of equal signs in "
        f"{starts['planted-same']['shared']:.1%}: the ReLU hides the first collision and punishes "
        "the second. Where largest weights met by chance, "
        f"{natural['opposite']['lasted']} of {natural['opposite']['met']} pairs of opposite signs "
        f"and {natural['equal']['lasted']} of {natural['equal']['met']} of equal signs stay."
    )
    if starts["cut"]["mean"] is not None and natural["shared"]:
        lines.append(_first_winner(data))
    lines += _drawn(data)
    lines.append(
        "Axis alignment under noise in place of the penalty, by rising kurtosis: "
        + ", ".join(f"{row['kind']} {row['alignment']:.3f}" for row in data["noises"][:4])
        + f"; a random direction has {3 / (data['noise_size'][1] + 2):.3f}."
    )
    course = data["course"]
    lines.append(
        f"|w|₁ follows the flow of each feature alone to {course['apart']:.1%}, and is "
        f"{course['least_fold']:.2f} to {course['most_fold']:.2f} times 1/(1/√m + λt) for λt from "
        f"0.02 to 0.9 (time: rate times steps; the gradient of the squared error has a factor 4). "
        f"Half of the features have one weight left at λt = {course['half']:.2f}."
    )
    open_ = [
        f"{row['optimiser']} n = {row['features']}, m = {row['neurons']}"
        for row in data["counts"]
        if not row["converged"]
    ]
    if open_:
        lines.append(f"NOT CONVERGED, left out of the exponents: {'; '.join(open_)}.")
    return lines


def _powers(name: str, found: Any) -> str:
    if "reason" in found:
        return f"{_called(name)}: no exponents, {found['reason']}."
    powers = ", ".join(
        f"{size}^{value:.3f} ({low:.3f} to {high:.3f})"
        for size, value, (low, high) in zip(
            found["over"], found["observed"], found["intervals"], strict=True
        )
    )
    laws = "; ".join(
        f"{law} "
        + ", ".join(
            f"{size}^{value:.3f}" for size, value in zip(found["over"], values, strict=True)
        )
        for law, values in found["laws"].items()
    )
    seen = f"{_called(name)}: shared neurons scale as {powers} where m >= 2n"
    return f"{seen}. On the same sizes: {laws}."


def _first_winner(data: Any) -> str:
    """Where the story that the largest weights decide holds, and where it fails."""
    starts, (n, m) = data["starts"], data["probe"]
    natural = starts["random"]["collisions"]
    began = natural["began"]
    crowd = starts["crowd"]
    more = ""
    if crowd["mean"] is not None:
        more = f"; at n = {crowd['features']} {in_words(crowd, '.0%')} fewer"
    return (
        f"The first-winner story, at n = {n}, m = {m}: a start without a collision of largest "
        f"weights has {in_words(starts['cut'], '.0%')} fewer shared neurons{more}; of pairs that "
        f"end together {began['count'] / natural['shared']:.0%} ({began['interval'][0]:.0%} to "
        f"{began['interval'][1]:.0%}) had met so. A start that also makes largest weights half as "
        f"large again ends with {starts['margin']['count']:.3f}. {_winners(data)}"
    )


def _drawn(data: Any) -> list[str]:
    """Whether pairs that end together had a part in each other's training, at the most crowded
    size with room to spare."""
    parts = []
    for optimiser in dict.fromkeys(row["optimiser"] for row in data["counts"]):
        rows = [
            row
            for row in data["counts"]
            if row["optimiser"] == optimiser
            and row["neurons"] >= 2 * row["features"]
            and row["collisions"]["overlap"]
        ]
        if rows:
            row = max(rows, key=lambda row: row["collisions"]["overlap"]["pairs"])
            mean, low, high = _overlap(row)
            parts.append(
                f"{mean:+.2f} ({low:+.2f} to {high:+.2f}; {_called(optimiser)}, n = "
                f"{row['features']}, m = {row['neurons']})"
            )
    if not parts:
        return []
    return [
        "Inner product at the start of pairs that end together, in standard deviations: "
        f"{' and '.join(parts)}. Chance makes it a little negative; positive, features that "
        "disturb each other are drawn together."
    ]


def _winners(data: Any) -> str:
    """Over sizes, how often the largest weight at the start is the one that remains."""
    parts = []
    for optimiser in dict.fromkeys(row["optimiser"] for row in data["counts"]):
        won = [row["won"][0] for row in data["counts"] if row["optimiser"] == optimiser]
        parts.append(f"{min(won):.0%} to {max(won):.0%} ({_called(optimiser)})")
    return f"The largest weight of a feature wins in {', '.join(parts)} of cases, by size."


def _called(optimiser: str) -> str:
    return {"proximal": "Proximal descent", "adamw": "AdamW"}[optimiser]


EXPERIMENT = Experiment(
    name="incidental",
    question="How often do features share a neuron although there is one for each?",
    primer=(
        "A network with a neuron for every feature could give each its own, and often does not. A "
        "small l1 penalty makes each feature's weights compete until one is left; the random "
        "start has a say in which, so that two features may pick the same neuron. If "
        "their weights have equal signs they disturb each other and part; if opposite, the ReLU "
        "hides each from the other, and the neuron keeps both. Two of n features meet like that on "
        "one of m neurons about n²/4m times. Points are means over trainings from independent "
        "starts, bars are 95% intervals, lines are laws of chance."
    ),
    duration="2 min on two cores; paper: hours",
    seconds=90,
    cite=(
        "V. Lecomte et al., What causes polysemanticity? An alternative origin story of mixed "
        "selectivity from incidental causes, arXiv 2312.03096 (2023)",
        "L. Bereska, E. Gavves, Mechanistic interpretability for AI safety: a review, TMLR (2024)",
        "I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR (2019)",
    ),
    examples=(
        "python -m experiments.incidental",
        "python -m experiments.incidental --features 32 --neurons 32 64 128 --seeds 256",
        "python -m experiments.incidental --preset paper",
    ),
    config=Config,
    presets={
        "tiny": {
            "features": (4, 8),
            "neurons": (16, 32),
            "adam_steps": 300,
            "noise_steps": 200,
            "probe": (8, 32),
            "probe_seeds": 64,
            "course_neurons": 256,
            "seeds": 4,
        },
        "quick": {},
        "paper": {
            "features": (256,),
            "neurons": tuple(range(256, 4097, 256)),
            "optimisers": ("adamw",),
            "adam_penalty": 1e-3,
            "adam_rate": 1e-3,
            "adam_steps": 7500,
            "noise": 0.1,
            "noise_steps": 100_000,
            "seeds": 16,
        },
        "full": {
            "features": (16, 32, 64, 128, 256),
            "neurons": (256, 512, 1024, 2048, 4096),
            "adam_steps": 4000,
            "noise": 0.1,
            "noise_steps": 100_000,
            "seeds": 256,
        },
    },
    measure=measure,
    checks=incidental_checks.checks,
    claims=incidental_checks.claims,
    answer=answer,
    summary=summary,
    figures=incidental_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
