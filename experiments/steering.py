"""What happens to the other features when one feature is scaled s-fold?

    python -m experiments.steering

One of N features in d dimensions is active, and its activation is scaled from 1 to s by a step
along some direction: its own, the dual one, the best single neuron, or a random one.  All steps
raise the target's reading alike; they differ in what they do to the others.  A feature counts as
switched on when the step moves its reading past the threshold.  About 15 seconds on two cores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from experiments import dictionary, steering_figures, steering_parts
from experiments.claims import verdicts
from experiments.harness import cli
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.experiment import INPUT_FILE, Experiment, Result, Table
from experiments.harness.run import main

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]

_TENFOLD = 10
_DEFAULTS = (1024, 128)


@dataclass(frozen=True)
class Config:
    """Which dictionaries, which targets, how strong."""

    dim: Annotated[int | None, cli.integer("--dim", at_least=2, at_most=1 << 16)] = None
    """Dimensions d; 128, or those of the file."""
    features: Annotated[int | None, cli.integer("--features", at_least=1)] = None
    """Features N; 1024, or those of the file."""
    dictionaries: Annotated[tuple[str, ...], dictionary.names("trained")] = (
        *dictionary.NAMES,
        "trained",
    )
    """Dictionaries to compare; left out when a file is given."""
    file: Annotated[str | None, dictionary.File] = field(default=None, metadata=INPUT_FILE)
    """A .npy or .npz file with a feature's direction in each row, instead."""
    tensor: Annotated[str | None, dictionary.Tensor] = None
    """The array of the file, if it holds several."""
    targets: Annotated[int, cli.integer("--targets", at_least=1)] = 256
    """Features that are scaled, one at a time, in each dictionary; at most N."""
    amplitude: Annotated[float, cli.real("--amplitude", 0, open_low=True)] = 1.0
    """Activation of the target before it is scaled."""
    theta: Annotated[float, cli.real("--theta", 0, open_low=True)] = 0.5
    """Threshold past which a feature counts as switched on."""
    steps: Annotated[int, cli.integer("--steps", at_least=1, at_most=10**6)] = 400
    """Training steps of the trained dictionary."""
    reference: Annotated[int, cli.integer("--reference", at_least=16, at_most=4096)] = 1024
    """Targets at the widest reference setting; a quarter of them at the others."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 4
    """Independent dictionaries of each kind (sets of targets, for a file)."""


def validate(config: Config) -> None:
    """Hold that the dictionaries exist and that there are others to disturb."""
    dictionary.hold(config, _DEFAULTS, least=2)


def measure(config: Config, progress: Progress) -> Result:
    """Steer every dictionary along every arm, and redo the reference numbers."""
    features, dim = dictionary.shape(config, _DEFAULTS)
    data: dict[str, Any] = {
        "features": features,
        "dim": dim,
        "targets": min(config.targets, features),
        "scales": list(steering_parts.SCALES),
        "arms": list(steering_parts.ARMS),
    }
    kinds = dictionary.kinds(config)
    arrays: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    notices = []
    with progress.phase("dictionaries", total=len(kinds) * config.seeds) as step:
        for kind in kinds:
            name, notice, found, kept = steering_parts.steer_kind(
                config, kind, (features, dim), step
            )
            rows[name] = found
            notices += [notice] if notice else []
            arrays |= {f"{name}:{key}": value for key, value in kept.items()}
    data["dictionaries"] = rows
    data["notice"] = " ".join(notices)
    data["theory"] = steering_parts.theory(config, features, dim)
    with progress.phase("reference settings"):
        data["reference"] = steering_parts.reference(
            config.seed, max(config.seeds, 8), config.reference
        )
    return Result(data, arrays, _tables(data))


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    place = data["scales"].index(_TENFOLD)
    rows = tuple(
        (
            name,
            arm,
            row["arms"][arm]["selectivity"]["mean"],
            row["arms"][arm]["collateral"]["mean"],
            row["arms"][arm]["on"][place]["mean"],
            row["arms"][arm]["first"]["mean"],
        )
        for name, row in data["dictionaries"].items()
        for arm in data["arms"]
    )
    return {
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


def checks(config: Config, result: Result) -> list[Check]:
    """Closed forms, on what was steered and at the reference settings."""
    data: Any = result.data
    theory = data["theory"]
    rows = data["dictionaries"]
    found = []
    for name, row in rows.items():
        found.append(
            judge(
                f"first false activation, {name}",
                theory="1 + theta/(a max_j G_ij) for every target, within a step of the scan",
                estimate=row["first_deviation"],
                band=(None, 1.0),
            )
        )
        found.append(
            judge(
                f"selectivity of the dual direction, {name}",
                theory="the leverage of every target; 1e-3 for float32 rows",
                estimate=row["leverage_deviation"],
                band=(None, 1e-3),
            )
        )
    if "tight" in rows:
        found.append(
            _within(
                "selectivity in a tight frame",
                rows["tight"]["arms"]["true direction"]["selectivity"],
                f"d/N = {theory['tight']:.4g} for every feature, within 0.1%",
                theory["tight"],
                0.001,
            )
        )
    if "random" in rows:
        arms = rows["random"]["arms"]
        found += [
            _within(
                "selectivity of the best neuron, random directions",
                arms["best neuron"]["selectivity"],
                f"{theory['neuron']:.4g}, the largest of d shares Beta(1/2, (N-1)/2), within 5%",
                theory["neuron"],
                0.05,
            ),
            _within(
                "selectivity of the true direction, random directions",
                arms["true direction"]["selectivity"],
                f"{theory['random']:.4g}, E 1/(1 + sum of N-1 squared cosines), within 1%",
                theory["random"],
                0.01,
            ),
        ]
    first = next(iter(rows.values()))
    found += [
        _judged(
            "C14: selectivity of the direction over that of the best neuron",
            first["gain"],
            f"more than 1; about {theory['gain']:.3g} for random directions",
            (1.0, None),
        ),
        judge(
            "C16: reading of the target at s = 10",
            theory=f"ten times its activation, {config.amplitude:g}; 1e-3 for float32",
            estimate=first["tenfold"],
            band=(10 * config.amplitude * 0.999, 10 * config.amplitude * 1.001),
        ),
    ]
    if "random" in rows:
        place = data["scales"].index(_TENFOLD)
        expected = theory["on"][place]
        found.append(
            _within(
                "C16: other features switched on at s = 10",
                rows["random"]["arms"]["true direction"]["on"][place],
                f"{expected:.4g} of them, a cosine's law at d = {data['dim']}, within 5%",
                expected,
                0.05,
            )
        )
    for one in data["reference"]:
        found.append(
            judge(
                f"spurious share at s = 10, d = {one['dim']}",
                theory=f"Q(sqrt(d)/18) = {one['normal']:.3g}, {one['exact']:.4g} exactly; within "
                f"{one['within']:.0%}",
                estimate=one["share"],
                interval=tuple(one["interval"]),
                band=(one["exact"] * (1 - one["within"]), one["exact"] * (1 + one["within"])),
            )
        )
    return found


def _within(name: str, row: Any, theory: str, centre: float, share: float) -> Check:
    return _judged(name, row, theory, (centre * (1 - share), centre * (1 + share)))


def _judged(name: str, row: Any, theory: str, band: tuple[float | None, float | None]) -> Check:
    return judge(
        name, theory=theory, estimate=row["mean"], interval=tuple(row["interval"]), band=band
    )


def claims(found: list[Check]) -> list[Claim]:
    """C14 and C16, as far as the true direction goes."""
    return verdicts(("C14", "C16"), found)


def answer(config: Config, result: Result) -> str:
    """What a tenfold step switches on, along the direction and through the best neuron."""
    data: Any = result.data
    name, row = next(iter(data["dictionaries"].items()))
    place = data["scales"].index(_TENFOLD)
    own, neuron = (row["arms"][arm]["on"][place] for arm in ("true direction", "best neuron"))
    return (
        f"Scaling one of {data['features']:,} features in {data['dim']:,} dimensions tenfold along "
        f"its own direction switches on {_share(own)} of the others ({_called(name)}); through its "
        f"best neuron, {_share(neuron)}."
    )


def _share(row: Any) -> str:
    low, high = row["interval"]
    return f"{row['mean']:.1%} ({max(low, 0):.1%} to {min(high, 1):.1%})"


def _called(name: str) -> str:
    words = {
        "random": "random directions",
        "tight": "a tight frame",
        "packing": "the least coherent packing known",
        "trained": "directions of a trained autoencoder",
    }
    return words.get(name, name)


def summary(config: Config, result: Result) -> list[str]:
    """Selectivity, first false activations, what was done to the rows."""
    data: Any = result.data
    lines = [data["notice"]] if data["notice"] else []
    place = data["scales"].index(_TENFOLD)
    for name, row in data["dictionaries"].items():
        arms = row["arms"]
        lines.append(
            f"{_called(name)[0].upper()}{_called(name)[1:]}: of a step's energy "
            f"{arms['true direction']['selectivity']['mean']:.2%} reaches the target along its own "
            f"direction, {arms['dual direction']['selectivity']['mean']:.2%} along the dual one, "
            f"{arms['best neuron']['selectivity']['mean']:.2%} through the best neuron; at s = 10, "
            f"{arms['true direction']['on'][place]['mean']:.1%} of the others are on; the first "
            f"one at s = {arms['true direction']['first']['mean']:.2f} (median target)."
        )
    theory = data["theory"]
    lines.append(
        f"Random directions, by theory: {theory['on'][place]:.1%} of the others on at s = 10."
    )
    return lines


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
        "random one; for the best of d neurons some 2 ln d times that."
    ),
    duration="about 15 s on two cores",
    cite=(
        "N. Elhage et al., Toy models of superposition, Transformer Circuits Thread (2022)",
        "A. Scherlis et al., Polysemanticity and capacity in neural networks (2022)",
    ),
    examples=(
        "python -m experiments.steering",
        "python -m experiments.steering --dim 512 --features 4096 --dictionaries random packing",
        "python -m experiments.steering --file decoder.npz --tensor W_dec",
    ),
    config=Config,
    presets={
        "tiny": {
            "dim": 16,
            "features": 64,
            "targets": 16,
            "steps": 20,
            "seeds": 3,
            "reference": 16,
        },
        "quick": {},
        "paper": {"targets": 1024, "steps": 2000, "seeds": 8},
        "full": {"targets": 4096, "steps": 10_000, "seeds": 32},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=steering_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
