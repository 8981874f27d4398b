"""What happens to the other features when one feature is scaled s-fold?

    python -m experiments.steering

One of N features in d dimensions is active, and its activation is scaled from 1 to s by a step
along some direction: its own, the dual one, the one that a sparse autoencoder recovers, the best
single neuron, or a random one.  All steps raise the target's reading alike; they differ in what
they do to the others.  A feature counts as switched on when the step moves its reading past the
threshold.  A recovered latent's own activation is scaled too.  25 s on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments import (
    dictionary,
    effects,
    steering_checks,
    steering_config,
    steering_figures,
    steering_parts,
    steering_recovered,
    steering_theory,
)
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.dictionary import called
from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import Experiment, Result, Table
from experiments.sentences import capital
from experiments.steering_config import DEFAULTS, Config, validate
from experiments.steering_recovered import ARM, TENFOLD

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train autoencoders, steer every dictionary along every arm, redo the reference numbers."""
    features, dim = dictionary.shape(config, DEFAULTS)
    kinds = dictionary.kinds(config)
    asked = steering_config.samples(config, features, dim)
    _, training, referring = steering_parts.roots(config.seed)
    made = {}
    if asked:
        with progress.phase("dictionaries", total=len(kinds) * config.seeds) as step:
            for kind in kinds:
                for seed in range(config.seeds):
                    made[kind, seed] = steering_parts.make(config, kind, seed, (features, dim))
                    step()
    trained = steering_recovered.train_all(config, made, training, progress)
    held = {member: (made[member], one) for member, one in trained.items()}
    arrays: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    notices = []
    with progress.phase("steering", total=len(kinds) * config.seeds) as step:
        for kind in kinds:
            name, notice, found, kept = steering_parts.steer_kind(
                config, kind, (features, dim), held, step
            )
            rows[name] = found
            notices += [notice] if notice else []
            arrays |= {f"{name}:{key}": value for key, value in kept.items()}
    with progress.phase("reference settings"):
        reference = steering_theory.reference(referring, max(config.seeds, 8), config.reference)
    data: dict[str, Any] = {
        "features": features,
        "dim": dim,
        "targets": min(config.targets, features),
        "scales": list(steering_theory.SCALES),
        "arms": [arm for arm in _arms() if any(arm in row["arms"] for row in rows.values())],
        "dictionaries": rows,
        "notice": " ".join([*notices, *_untrained(config, features, dim)]),
        "samples": steering_config.steps(config, asked) * config.batch if asked else 0,
        "theory": steering_theory.theory(config, features, dim),
        "reference": reference,
    }
    return Result(data, arrays, _tables(data))


def _arms() -> list[str]:
    names = list(steering_parts.ARMS)
    return [*names[:2], ARM, *names[2:]]


def _untrained(config: Config, features: int, dim: int) -> list[str]:
    """Why there are no autoencoders, where nobody asked for none."""
    if config.samples is not None or steering_config.samples(config, features, dim):
        return []
    return [
        f"No autoencoders were trained on {features:,} features in {dim:,} dimensions; --samples "
        f"{steering_config.SAMPLES} trains them."
    ]


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    place = data["scales"].index(TENFOLD)
    rows = tuple(
        (
            name,
            arm,
            one["selectivity"]["mean"],
            one["collateral"]["mean"],
            one["on"][place]["mean"],
            one["first"]["mean"],
        )
        for name, row in data["dictionaries"].items()
        for arm, one in row["arms"].items()
    )
    tables = {
        "arms": Table(
            (
                "dictionary",
                "step along",
                "selectivity",
                "rms of the others, median",
                "others on at s = 10",
                "median s of the first",
            ),
            rows,
            "Target and collateral",
            "For a step that raises the target by 1; means over targets and dictionaries.",
        )
    }
    recovered = {
        name: row["recovered"] for name, row in data["dictionaries"].items() if "recovered" in row
    }
    if recovered:
        tables |= _recovered_tables(recovered)
    return tables


def _recovered_tables(recovered: dict[str, Any]) -> dict[str, Table]:
    def cells(row: Any, *names: str) -> list[float | None]:
        return [value for name in names for value in effects.cells(row[name])]

    return {
        "recovered": Table(
            (
                "dictionary",
                "recovered",
                "from",
                "to",
                "cosine, recovered",
                "cosine, all",
                "selectivity kept, recovered",
                "from",
                "to",
                "by theory",
                "kept, all",
                "from",
                "to",
            ),
            tuple(
                (
                    name,
                    *cells(row, "share"),
                    row["cosine"]["mean"],
                    row["cosine_all"]["mean"],
                    *cells(row, "kept"),
                    row["theory"]["mean"],
                    *cells(row, "kept_all"),
                )
                for name, row in recovered.items()
            ),
            "The recovered direction",
            "For each target the latent matched to it one-to-one at a cosine above "
            f"{steering_recovered.LEAST:g} (recovered), or else the nearest. Kept: its "
            "direction's selectivity as a share of the true one's. 95% intervals over seeds.",
        ),
        "latents": Table(
            (
                "dictionary",
                "target on",
                "reading over 10a",
                "from",
                "to",
                "latent over 10a",
                "from",
                "to",
                "other features on",
                "other latents on",
            ),
            tuple(
                (
                    name,
                    words,
                    *cells(row, f"{setting}_reading", f"{setting}_code"),
                    row[f"{setting}_on"]["mean"],
                    row[f"{setting}_latents"]["mean"],
                )
                for name, row in recovered.items()
                for setting, words in (("alone", "alone"), ("company", "among others"))
            ),
            "A recovered latent scaled tenfold",
            "x' = x + 9 f(x) times the latent's decoder row, for recovered targets; among others: "
            "as many features on as in training. Reading: along the true direction; latent: its "
            "own part of what the autoencoder restores of x'. On: risen by more than the "
            "threshold; at most as many latents as may be on at a time.",
        ),
    }


def claims(found: list[Check]) -> list[Claim]:
    """C14, and C16 along the true and the recovered direction."""
    return verdicts_of("steering", found)


def answer(config: Config, result: Result) -> str:
    """What a tenfold step switches on, along the direction and through the best neuron."""
    data: Any = result.data
    name, row = next(iter(data["dictionaries"].items()))
    place = data["scales"].index(TENFOLD)
    own, neuron = (row["arms"][arm]["on"][place] for arm in ("true direction", "best neuron"))
    said = (
        f"Scaling one of {data['features']:,} features in {data['dim']:,} dimensions tenfold along "
        f"its own direction switches on {_share(own)} of the others ({called(name)}); through its "
        f"best neuron, {_share(neuron)}."
    )
    if "recovered" not in row:
        return said
    found = row["recovered"]
    if found["kept"]["mean"] is None:
        return f"{said} An autoencoder recovered too few of the directions to steer along them."
    return (
        f"{said} An autoencoder recovers {_share(found['share'])} of the directions, and steering "
        f"along one of these keeps {_share(found['kept'])} of the true one's selectivity."
    )


def _share(row: Any) -> str:
    return effects.in_words(row, ".1%", least=0, most=1)


def _times(row: Any) -> str:
    return effects.in_words(row, ".3f")


def summary(config: Config, result: Result) -> list[str]:
    """Selectivity, first false activations, what was done to the rows."""
    data: Any = result.data
    lines = [data["notice"]] if data["notice"] else []
    place = data["scales"].index(TENFOLD)
    for name, row in data["dictionaries"].items():
        arms = row["arms"]
        lines.append(
            f"{capital(called(name))}: of a step's energy "
            f"{arms['true direction']['selectivity']['mean']:.2%} reaches the target along its own "
            f"direction, {arms['dual direction']['selectivity']['mean']:.2%} along the dual one, "
            f"{arms['best neuron']['selectivity']['mean']:.2%} through the best neuron; at s = 10, "
            f"{arms['true direction']['on'][place]['mean']:.1%} of the others are on; the first "
            f"one at s = {arms['true direction']['first']['mean']:.2f} (median target)."
        )
    for name, row in data["dictionaries"].items():
        if "recovered" in row and row["recovered"]["kept"]["mean"] is not None:
            lines.append(_recovery(name, row["recovered"], data["samples"]))
    theory = data["theory"]
    lines.append(
        f"Random directions, by theory: {theory['on'][place]:.1%} of the others on at s = 10."
    )
    open_ = [name for name, row in data["dictionaries"].items() if not row.get("settled", True)]
    if open_:
        lines.append(f"NOT CONVERGED: autoencoders of {', '.join(map(called, open_))}.")
    return lines


def _recovery(name: str, row: Any, samples: int) -> str:
    return (
        f"Autoencoders on {samples:,} activations, {called(name)}: {_share(row['share'])} of the "
        f"targets recovered; the recovered direction keeps {_times(row['kept'])} of the true "
        f"one's selectivity ({row['theory']['mean']:.3f} by theory), {_times(row['kept_all'])} "
        "over all targets. A recovered latent scaled tenfold brings the target's reading to "
        f"{_times(row['alone_reading'])} of ten times its activation and the latent's own part to "
        f"{_times(row['alone_code'])} of it; with others on, {_times(row['company_reading'])} and "
        f"{_times(row['company_code'])}."
    )


EXPERIMENT = Experiment(
    name="steering",
    question="What happens to the other features when one feature is scaled s-fold?",
    primer=(
        "To steer a model along a feature, one adds a multiple of some direction to its "
        "activations. The feature's own direction raises its reading, and also that of every "
        "feature whose direction has a positive cosine with it. Scale far enough and others "
        "switch on. A single neuron carries many features, so that pushing it moves all of these "
        "for little effect on the one that was meant. Selectivity is the share of the step's "
        "energy that arrives at the target: at most d/N on average, for any direction; 1/N for a "
        "random one; for the best of d neurons some 2 ln d times that. Users do not know the true "
        "direction: they take one that a sparse autoencoder recovers from activations, and scale "
        "its latent."
    ),
    duration="25 s on two cores",
    seconds=24,
    cite=(
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022)",
        "A. Scherlis et al., Polysemanticity and capacity in neural networks (2022)",
        "L. Gao et al., Scaling and evaluating sparse autoencoders, arXiv 2406.04093 (2024)",
        "A. Templeton et al., Scaling monosemanticity, Transformer Circuits Thread (2024)",
    ),
    examples=(
        "python -m experiments.steering",
        "python -m experiments.steering --dim 512 --features 4096 --dictionaries random packing",
        "python -m experiments.steering --dictionaries random --samples 5000000 --batch 1024",
        "python -m experiments.steering --file decoder.safetensors --tensor W_dec",
    ),
    config=Config,
    presets={
        "tiny": {
            "dim": 16,
            "features": 64,
            "targets": 16,
            "steps": 20,
            "samples": 19_200,
            "batch": 64,
            "rate": 0.02,
            "seeds": 3,
            "reference": 16,
        },
        "quick": {},
        "paper": {
            "dim": 128,
            "features": 1024,
            "targets": 1024,
            "steps": 2000,
            "samples": 4_000_000,
            "batch": 1024,
            "seeds": 8,
        },
        "full": {
            "dim": 128,
            "features": 1024,
            "targets": 1024,
            "steps": 10_000,
            "samples": 20_000_000,
            "batch": 1024,
            "seeds": 32,
        },
    },
    measure=measure,
    checks=steering_checks.checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=steering_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
