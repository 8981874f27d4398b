"""When do trained models put more features into a space than it has dimensions, and how?

    python -m experiments.superposition

Trains the toy model x̂ = ReLU(W Wᵀx + b) of Elhage et al. (2022) many times over: five features in
a plane and twenty in five dimensions over sparsity, two in one dimension and three in two over
sparsity and importance, and a large model whose features share dimensions in polytopes.  Small
models descend the exact expected loss; theory is the optimum by exact quadrature.  The report shows
phases with their boundary, plateaus of the dimensions for a feature, and one training frame by
frame.  70 s on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments import (
    superposition_checks,
    superposition_figures,
    superposition_phases,
    superposition_plateaus,
    superposition_sweeps,
    superposition_training,
)
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.effects import cells, in_words
from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import Experiment, Result, Table
from experiments.superposition_config import Config, validate

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train every part; compare each with its theory."""
    pairs = superposition_phases.pairs(config, progress)
    triples = superposition_phases.triples(config, progress)
    plane, film = superposition_sweeps.plane(config, progress)
    crowd, lengths = superposition_sweeps.crowd(config, progress)
    variants = superposition_sweeps.variants(config, progress)
    plateaus, shares = superposition_plateaus.plateaus(config, progress)
    rows = plateaus["rows"]
    data: dict[str, Any] = {
        "features": config.features,
        "dim": config.dim,
        "pairs": pairs,
        "triples": triples,
        "plane": plane,
        "crowd": crowd,
        "variants": variants,
        "plateaus": plateaus,
        "settled": {
            "pairs": _mean(pairs["settled"]),
            "triples": _mean(triples["settled"]),
            "plane": _mean([row["settled"] for row in plane["rows"]]),
            "crowd": _mean([row["settled"] for row in crowd["rows"]]),
            "plateaus": _mean([row["settled"] for row in rows]),
            **{f"output {row['name']}": row["settled"] for row in variants},
        },
    }
    return Result(data, {**film, **lengths, **shares}, _tables(data))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    return {
        "sweeps": Table(
            (
                "model",
                "probability",
                "loss over the least without superposition",
                "from",
                "to",
                "best seed",
                "antipodal pairs",
                "settled",
            ),
            tuple(
                (
                    name,
                    row["probability"],
                    *cells(row["ratio"]),
                    row["best"],
                    row["in_pairs"],
                    row["settled"],
                )
                for name, part in (
                    ("5 in 2", "plane"),
                    ("20 in 5", "crowd"),
                    (f"{data['features']} in {data['dim']}", "plateaus"),
                )
                for row in data[part]["rows"]
            ),
            "Loss over sparsity",
            "Means over seeds with 95% intervals. Without superposition the m most important "
            "features are restored exactly, and the rest costs its variance. Antipodal pairs: m "
            "pairs of unit rows without bias. Settled: the share of seeds.",
        ),
        "shapes": Table(
            ("probability", "shape of the best seed", "pentagons", "from", "to", "all shapes"),
            tuple(
                (
                    row["probability"],
                    row["best_shape"],
                    row["pentagon"],
                    *row["pentagon_interval"],
                    ", ".join(f"{count} × {name}" for name, count in row["shapes"].items()),
                )
                for row in data["plane"]["rows"]
            ),
            "Five features in a plane",
            "Blocks of the Gram matrix of rows longer than 1/2, named by their cosines.",
        ),
        "plateaus": Table(
            ("probability", "m/|W|²", "from", "to", "features by shape, mean over seeds"),
            tuple(
                (
                    row["probability"],
                    *cells(row["dimensions"]),
                    ", ".join(f"{name} {count:.1f}" for name, count in row["census"].items()),
                )
                for row in data["plateaus"]["rows"]
            ),
            f"{data['features']} features in {data['dim']} dimensions",
            "Short: rows below 1/2. Orthogonal pairs count as pairs, not as squares or octahedra.",
        ),
        "outputs": Table(
            ("output", "features represented", "from", "to", "loss ratio", "from", "to", "settled"),
            tuple(
                (
                    row["name"],
                    *cells(row["represented"]),
                    *cells(row["ratio"]),
                    row["settled"],
                )
                for row in data["variants"]
            ),
            "What the output does",
            "Five features in a plane at the least probability. A feature is represented where "
            "its own input moves its output by more than a quarter.",
        ),
    }


def claims(found: list[Check]) -> list[Claim]:
    """C5 and C6, as far as trained weights go."""
    return verdicts_of("superposition", found)


def answer(_config: Config, result: Result) -> str:
    """Where sharing begins to pay, and what it saves."""
    data: Any = result.data
    pairs = data["pairs"]
    sparse = data["plane"]["rows"][-1]
    return (
        f"In {pairs['agreement']:.1%} of {pairs['judged']} cells of a diagram over sparsity and "
        "importance the best trained model shares a dimension, or not, as the exact optimum "
        f"does{_open(data['settled']['pairs'])}. "
        f"With each feature on {100 * sparse['probability']:.3g}% of the time, five features in a "
        f"plane cost {in_words(sparse['ratio'], '.2f')} of the best without "
        f"superposition{_open(sparse['settled'])}."
    )


def _open(settled: float) -> str:
    return "" if settled >= superposition_training.SETTLED_SHARE else " (NOT CONVERGED)"


def summary(_config: Config, result: Result) -> list[str]:
    """Each part in a line."""
    data: Any = result.data
    pairs, rows = data["pairs"], data["plateaus"]["rows"]
    low, high = pairs["single_interval"]
    sparse, dense = data["plane"]["rows"][-1], data["plane"]["rows"][0]
    near = data["plateaus"]["concentration"]
    ratio, learned, fractions = near["ratio"], near["ratio_learned"], near["fractions"]
    on = [row["probability"] for row in rows if superposition_plateaus.on_plateau(row)]
    plateau = (
        f"m/|W|² is within 0.5 ± 0.05, interval included, at {len(on)} of {len(rows)} sparsities"
        + (f", p from {min(on):.2g} to {max(on):.2g}." if on else ".")
    )
    lines = [
        f"Two in one: of single trainings {pairs['single']:.0%} ({low:.0%} to {high:.0%}) end in "
        "the optimum's phase, the others in another local optimum.",
        f"{data['features']} in {data['dim']}: {plateau}",
        f"Dimensionalities lie within 0.02 of 1, 3/4, 2/3, 1/2, 2/5, 3/8 or 0 {_times(ratio)} as "
        f"often as under a smooth law; of 0, features not learned, left out {_times(learned)}. By "
        "fraction, beside the smooth law: "
        + ", ".join(f"{row['name']} {row['near']:.3f} ({row['smooth']:.3f})" for row in fractions)
        + ".",
        f"Five in a plane at p = {sparse['probability']:g}: {sparse['pentagon']:.0%} of the seeds "
        f"are pentagons; at p = 1 the best seed saves {1 - dense['best']:.1%}.",
        "Outputs, features represented: "
        + ", ".join(
            f"{row['name']} {row['represented']['mean']:.1f}{_open(row['settled'])}"
            for row in data["variants"]
        )
        + ".",
    ]
    open_ = {name: share for name, share in data["settled"].items() if share < 1}
    if open_:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in open_.items())
        lines.append(f"Settled, where not all models did: {shares}.")
    return lines


def _times(ratio: Any) -> str:
    low, high = ratio["interval"]
    return f"{ratio['mean']:.2f} times ({low:.2f} to {high:.2f})"


EXPERIMENT = Experiment(
    name="superposition",
    question="When do trained models hold more features than dimensions, and in which shapes?",
    primer=(
        "A model restores sparse features through fewer numbers than there are features. Without "
        "superposition it would give the most important ones a dimension each and forget the "
        "rest. With superposition features share dimensions, and disturb each other only when "
        "both are on: rarely, if features are sparse. Here models are trained from many seeds, "
        "over how often features are on and how much they matter, and are held against exact "
        "optima. A phase is what becomes of a feature: ignored, given a dimension, or sharing. The "
        "feature dimensionality D_i = |w_i|⁴/sum_j (w_i·w_j)² is the share of a dimension that a "
        "feature has; in symmetric arrangements it is a simple fraction, 1/2 in an antipodal "
        "pair, 2/5 in a pentagon."
    ),
    duration="70 s on two cores",
    seconds=76,
    cite=(
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022), "
        "arXiv 2209.10652",
        "A. Scherlis et al., Polysemanticity and capacity in neural networks, arXiv 2210.01892 "
        "(2022)",
    ),
    examples=(
        "python -m experiments.superposition",
        "python -m experiments.superposition --features 200 --dim 20",
        "python -m experiments.superposition --lowest 0.01 --levels 16 --seeds 64",
    ),
    config=Config,
    presets={
        "tiny": {
            "levels": 2,
            "steps": 20,
            "seeds": 2,
            "cells": 4,
            "cell_seeds": 2,
            "cell_steps": 60,
            "triples": 2,
            "features": 12,
            "dim": 3,
            "large_levels": 4,
            "large_steps": 20,
            "large_seeds": 2,
            "batch": 64,
        },
        "quick": {},
        "paper": {
            "steps": 10_000,
            "rate": 1e-3,
            "batch": 1024,
            "level": True,
            "seeds": 64,
            "cell_seeds": 32,
            "cell_steps": 10_000,
            "cell_rate": 1e-3,
            "features": 200,
            "dim": 20,
            "large_steps": 10_000,
            "large_rate": 1e-3,
            "large_seeds": 8,
        },
        "full": {
            "levels": 20,
            "seeds": 256,
            "cells": 64,
            "cell_seeds": 32,
            "triples": 32,
            "features": 400,
            "dim": 30,
            "batch": 1024,
            "large_levels": 40,
            "large_steps": 20_000,
            "large_rate": 0.01,
            "large_seeds": 8,
        },
    },
    measure=measure,
    checks=superposition_checks.checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=superposition_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
