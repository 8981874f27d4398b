"""Can a sparse autoencoder find the features that superposition hides?

    python -m experiments.sae

N features lie in d < N dimensions, a few of them on at a time, and an autoencoder with sparse
latents sees only the sums.  Since the features are known here, it can be said which were found: how
many, on which budget, by which architecture, and what became of the others.  Six architectures are
trained on random directions, and one of them on packings, on the directions of a trained toy model,
and with too few or too many latents.  2 min on two cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import sae_arms, sae_cells, sae_checks, sae_figures
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.effects import in_words
from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import Experiment, Result
from experiments.sae_config import NAMES, Config, validate

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]

_SUCCESS = 0.9


def measure(config: Config, progress: Progress) -> Result:
    """Train and measure every arm; the law of the best neuron, and a random decoder."""
    from geometry import steering

    arms, shown = sae_arms.measure(config, progress)
    law = None
    if config.dictionaries[0] == "random" and config.kind == "fixed":
        law = steering.best_neuron_law(config.features, config.dim)
    data: dict[str, Any] = {
        "dim": config.dim,
        "features": config.features,
        "latents": config.latents or config.features,
        "active": config.active,
        "first": config.architectures[0],
        "rate": config.rate,
        "batch": config.batch,
        # What the claims are about: see `sae_checks.checks`.
        "fair": config.kind in ("fixed", "independent")
        and config.alpha == 0
        and (config.latents or config.features) >= config.features,
        "arms": arms,
        "theory": {"neuron": law, "chance": _chance(config)},
        "random": sae_cells.random_decoders(config),
        "trainings": _trainings(arms),
    }
    arrays = {
        **{
            f"weights.{key}": np.asarray(value, np.float32)
            for key, value in shown["weights"].items()
        },
        "decoder": np.asarray(shown["weights"]["decoder"], np.float32),
        "dictionary": np.asarray(shown["dictionary"], np.float32),
    }
    return Result(data, arrays, sae_checks.tables(data))


def _chance(config: Config) -> float:
    """The share of features that a random decoder has a latent near to."""
    from geometry import recovery

    latents = config.latents or config.features
    return recovery.accidental_pairs(latents, config.features, config.dim) / config.features


def _trainings(arms: dict[str, Any]) -> dict[str, int]:
    """How many autoencoders were trained, and how many found nine tenths of the features."""
    cells = {row["name"]: row["recovery"]["seeds"] for rows in arms.values() for row in rows}
    shares = [share for seeds in cells.values() for share in seeds]
    return {"all": len(shares), "found": sum(share >= _SUCCESS for share in shares)}


def checks(_config: Config, result: Result) -> list[Check]:
    """Recovery, what explained variance is worth, who reads features, what families do."""
    return sae_checks.checks(result.data)


def claims(found: list[Check]) -> list[Claim]:
    """C14 and C15; C17, which is out of reach."""
    return verdicts_of("sae", found)


def _of(effect: Any) -> str:
    return in_words(effect, ".1%", least=0, most=1)


def answer(_config: Config, result: Result) -> str:
    """How much is recovered, and what neurons and latents tell of a feature."""
    data: Any = result.data
    rows = sae_checks.ranked(data)
    who = NAMES[rows[0]["architecture"]]
    of_all = f", the best of {len(rows)} architectures" if len(rows) > 1 else ""
    return (
        f"Of {data['features']:,} features in {data['dim']} dimensions, {data['active']} on at a "
        f"time, a sparse autoencoder recovers {_of(rows[0]['recovery'])} from "
        f"{rows[0]['samples']:,} samples ({who}{of_all}).{_read(data)}"
    )


def _read(data: Any) -> str:
    row = next(row for row in sae_checks.largest(data) if row["architecture"] == data["first"])
    if "neuron_reading" not in row:
        return ""
    return (
        f" Of its best neuron's variance a feature makes up {row['neuron_reading']['mean']:.1%}, "
        f"of its best latent's {row['latent_reading']['mean']:.1%} ({NAMES[data['first']]})."
    )


def _apart(row: Any) -> str:
    """What explained variance is worth, where a training shows it."""
    apart = row["explained"]["mean"] > 0.95 and row["recovery"]["mean"] < 0.05
    return "Explained variance is no sign of recovery. " if apart else ""


def summary(_config: Config, result: Result) -> list[str]:
    """Every architecture and dictionary; explained variance; families; the rate of success."""
    data: Any = result.data
    arms = data["arms"]
    rows = sae_checks.ranked(data)
    weak = arms["penalties"][0]
    lines = [
        f"Recovered from {rows[0]['samples']:,} samples: "
        + "; ".join(f"{NAMES[row['architecture']]} {_of(row['recovery'])}" for row in rows)
        + ".",
        f"{_apart(weak)}ReLU, penalty {weak['penalty']:g}, N/d = {sae_arms.CROWDED}: "
        f"{weak['explained']['mean']:.2%} of the variance explained with "
        f"{weak['active']['mean']:.0f} latents active, {_of(weak['recovery'])} of the features "
        "recovered.",
        f"Directions found by {NAMES[data['first']]} in "
        f"{arms['dictionaries'][0]['samples']:,} samples: "
        + "; ".join(f"{row['kind']} {_of(row['recovery'])}" for row in arms["dictionaries"])
        + ".",
    ]
    lines += [
        f"Families, {NAMES[row['architecture']]}: {row['parents']['mean']:.0%} of the parents and "
        f"{row['children']['mean']:.0%} of the children recovered, {_of(row['absorbed'])} of the "
        "parents absorbed by a child."
        for row in arms["families"]
    ]
    count = data["trainings"]
    open_ = [NAMES[row["architecture"]] for row in rows if not sae_checks.settled(data, row)]
    if open_:
        lines.append(f"NOT CONVERGED: {', '.join(open_)}.")
    lines.append(
        f"Of the {count['all']} autoencoders of this run, small budgets and weak penalties "
        f"included, {count['found'] / count['all']:.0%} recovered nine tenths of the features. "
        "The quarter of popular accounts is of explanations of a production model's outputs, "
        "which no toy can reproduce."
    )
    return lines


def finish(config: Config, result: Result) -> list[str]:
    """Write the autoencoder that `--save` asks for."""
    if config.save is None:
        return []
    from experiments import autoencoder_file

    return [autoencoder_file.write(Path(config.save), config, result.arrays)]


EXPERIMENT = Experiment(
    name="sae",
    question="Can a sparse autoencoder find the features that superposition hides?",
    primer=(
        "A layer of d dimensions that stores more than d features gives each a direction, not a "
        "neuron. A sparse autoencoder is trained to restore the layer's activations from few "
        "active latents, in the hope that each latent becomes one feature. Here the features are "
        "known, so that the hope is put to the test: a feature counts as recovered if a latent of "
        "its own, one for each feature, has a cosine above 0.9 with it. The rest is told apart: "
        "features that two share a latent for, that no latent is near, latents that never fire, "
        "parents whose latent falls silent when a child's fires."
    ),
    duration="2 min on two cores; paper: 20 min",
    seconds=98,
    cite=(
        "T. Bricken et al., Towards monosemanticity, Transformer Circuits Thread (2023)",
        "L. Gao et al., Scaling and evaluating sparse autoencoders, arXiv 2406.04093 (2024)",
        "B. Bussmann et al., BatchTopK sparse autoencoders, arXiv 2412.06410 (2024); Learning "
        "multi-level features with Matryoshka sparse autoencoders, arXiv 2503.17547 (2025)",
        "S. Rajamanoharan et al., Improving dictionary learning with gated sparse autoencoders, "
        "arXiv 2404.16014 (2024); Jumping ahead, arXiv 2407.14435 (2024)",
        "D. Chanin et al., A is for absorption, arXiv 2409.14507 (2024)",
        "J. Lindsey et al., On the biology of a large language model, Transformer Circuits Thread "
        "(2025)",
    ),
    examples=(
        "python -m experiments.sae",
        "python -m experiments.sae --preset paper",
        "python -m experiments.sae --kind independent --alpha 1 --architectures batch-topk relu",
        "python -m experiments.sae --save decoder.safetensors",
    ),
    config=Config,
    presets={
        "tiny": {
            "dim": 8,
            "features": 16,
            "active": 1,
            "architectures": ("topk", "relu"),
            "dictionaries": ("random", "trained"),
            "budgets": (1600, 3200),
            "samples": 1600,
            "ratios": (2,),
            "actives": (1,),
            "sparsities": (1, 2),
            "penalties": (0.001, 0.3),
            "slots": 2,
            "batch": 16,
            "evaluations": 2560,
            "seeds": 2,
        },
        "quick": {},
        "paper": {
            "budgets": (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000),
            "samples": 1_000_000,
            "seeds": 5,
        },
        "full": {
            "dim": 256,
            "features": 2048,
            "active": 8,
            "budgets": (1_000_000, 10_000_000, 100_000_000),
            "samples": 10_000_000,
            "ratios": (1, 2, 4, 8, 16),
            "actives": (1, 2, 4, 8, 16),
            "sparsities": (2, 4, 8, 16, 32),
            "slots": 32,
            "grid": True,
            "batch": 4096,
            "evaluations": 65_536,
            "seeds": 8,
        },
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=sae_figures.figures,
    validate=validate,
    finish=finish,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
