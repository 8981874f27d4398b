"""The settings of the autoencoder experiment: what is hidden, who seeks it, on which budget."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.experiment import OUTPUT_ONLY

__all__ = ["ARCHITECTURES", "DICTIONARIES", "KINDS", "NAMES", "PIECE", "SEEN", "Config", "validate"]

# Kept in step with the models by a test; importing them here would make --help slow.
NAMES = {
    "topk": "TopK",
    "batch-topk": "BatchTopK",
    "matryoshka": "Matryoshka",
    "jumprelu": "JumpReLU",
    "gated": "Gated",
    "relu": "ReLU",
}
"""Architectures as they are asked for, and as they are called."""
ARCHITECTURES = tuple(NAMES)
KINDS = ("fixed", "independent", "correlated", "hierarchical")
DICTIONARIES = ("random", "tight", "packing", "trained")
_LARGEST = 1 << 26
SEEN = 30
"""A feature that is on less often in a half of the samples is left out of what units read."""
PIECE = 50
"""Steps between two records of a training: budgets are rounded up to so many."""


@dataclass(frozen=True)
class Config:
    """What is hidden, who seeks it, on which budget."""

    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=4096)] = 64
    """Dimensions d."""
    features: Annotated[int, cli.integer("--features", at_least=4, at_most=1 << 16)] = 128
    """Features N that are hidden."""
    active: Annotated[int, cli.integer("--active", at_least=1, at_most=256)] = 3
    """Features k that are on in a sample: exactly, or in the mean for other kinds than fixed."""
    latents: Annotated[int | None, cli.integer("--latents", at_least=2, at_most=1 << 16)] = None
    """Latents m of the autoencoders; by default as many as features."""
    kind: Annotated[str, cli.choice("--kind", KINDS)] = "fixed"
    """Which features are on together: fixed (any k), independent, correlated, hierarchical."""
    alpha: Annotated[float, cli.real("--alpha", 0, 4)] = 0.0
    """Frequencies fall as rank to the power -alpha (Zipf); not for a fixed number."""
    group: Annotated[int, cli.integer("--group", at_least=2, at_most=64)] = 4
    """Features of a group, correlated or a parent with its children; N must be a multiple."""
    strength: Annotated[float, cli.real("--strength", 0, 0.99)] = 0.5
    """Correlation of the copula, or probability of a child when its parent is on."""
    spread: Annotated[float, cli.real("--spread", 0, 2)] = 0.3
    """Standard deviation of a feature's amplitude, whose mean is 1; below 0 it is cut."""
    architectures: Annotated[tuple[str, ...], cli.choices("--architectures", ARCHITECTURES)] = (
        ARCHITECTURES
    )
    """Autoencoders that are compared; the first one also does the other measurements."""
    dictionaries: Annotated[tuple[str, ...], cli.choices("--dictionaries", DICTIONARIES)] = (
        DICTIONARIES
    )
    """Dictionaries to be found; the comparison of architectures is on the first."""
    budgets: Annotated[
        tuple[int, ...], cli.integers("--budgets", at_least=1000, at_most=10**10)
    ] = (100_000, 300_000, 1_000_000)
    """Samples that a training sees; the largest is what the answer is about."""
    samples: Annotated[int, cli.integer("--samples", at_least=1000, at_most=10**10)] = 300_000
    """Samples of each training in the other measurements."""
    ratios: Annotated[tuple[int, ...], cli.integers("--ratios", at_least=1, at_most=64)] = (1, 2, 4)
    """Features per dimension N/d, at the same d."""
    actives: Annotated[tuple[int, ...], cli.integers("--actives", at_least=1, at_most=256)] = (
        1,
        3,
        8,
    )
    """Numbers k of features on."""
    grid: bool = False
    """Every pair of a ratio and a number, not just those with one as in the main setting."""
    sparsities: Annotated[tuple[int, ...], cli.integers("--sparsities", at_least=1)] = (1, 2, 3, 5)
    """Numbers of latents that TopK is given while k are on."""
    penalties: Annotated[
        tuple[float, ...],
        cli.reals("--penalties", 0, 100, open_low=True),
    ] = (0.001, 0.01, 0.1, 0.3)
    """l1 penalties of the ReLU autoencoder at N/d = 4, weak ones too: what explains variance
    without features."""
    relu_penalty: Annotated[float, cli.real("--relu-penalty", 0, 100)] = 0.2
    """Penalty of the ReLU autoencoder in the comparison."""
    gated_penalty: Annotated[float, cli.real("--gated-penalty", 0, 100)] = 0.6
    """Penalty of the gated one."""
    jumprelu_penalty: Annotated[float, cli.real("--jumprelu-penalty", 0, 100)] = 0.03
    """Penalty of JumpReLU."""
    slots: Annotated[int, cli.integer("--slots", at_least=1, at_most=512)] = 8
    """Latents active in a sample at the start of TopK's training; falls to k."""
    rate: Annotated[float, cli.real("--rate", 0, 1, open_low=True)] = 0.01
    """Learning rate of Adam."""
    growth: Annotated[float, cli.real("--growth", 0, 1)] = 0.3
    """Share of the steps over which the pressure to be sparse grows."""
    fall: Annotated[float, cli.real("--fall", 0, 1)] = 0.3
    """Share of the steps, at the end, over which the rate falls to 0."""
    window: Annotated[int, cli.integer("--window", at_least=0, at_most=10**6)] = 100
    """Steps without firing after which a latent is dead and gets the auxiliary loss; 0: never."""
    batch: Annotated[int, cli.integer("--batch", at_least=16, at_most=65536)] = 1000
    """Samples of a step."""
    evaluations: Annotated[int, cli.integer("--evaluations", at_least=16, at_most=10**7)] = 16_000
    """Fresh samples on which a trained autoencoder is measured."""
    save: Annotated[str | None, cli.text("--save", metavar="FILE.safetensors")] = field(
        default=None, metadata=OUTPUT_ONLY
    )
    """Write the first architecture's first autoencoder, trained longest, to this file."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=1000)] = 4
    """Independent dictionaries, each with an autoencoder of its own."""


def validate(config: Config) -> None:
    """Hold what no single field can."""
    if config.features <= config.dim:
        raise InputError(
            f"--features must be more than --dim, {config.dim}; got {config.features}."
        )
    if config.active * 2 > config.features:
        raise InputError(
            f"--active must be at most half of --features, {config.features}; got {config.active}."
        )
    if config.kind == "fixed" and config.alpha:
        raise InputError(f"--alpha must be 0 where --kind is fixed; got {config.alpha:g}.")
    if config.growth + config.fall > 1:
        raise InputError(
            f"--growth and --fall must be at most 1 together; got {config.growth:g} and "
            f"{config.fall:g}."
        )
    if config.architectures[0] not in ("topk", "batch-topk"):
        raise InputError(
            "--architectures must begin with topk or batch-topk, which does the other "
            f"measurements; got {config.architectures[0]}."
        )
    latents = config.latents or config.features
    least = min(latents, config.dim)
    for flag, values in (
        ("--slots", (config.slots,)),
        ("--active", (config.active,)),
        ("--actives", config.actives),
        ("--sparsities", config.sparsities),
    ):
        if max(values) > least:
            raise InputError(
                f"{flag} must be at most the latents and dimensions, {least}; got {max(values)}."
            )
    if latents * config.features > _LARGEST:
        raise InputError(
            f"--features times --latents must be at most {_LARGEST:,}; got {config.features} and "
            f"{latents}."
        )
    needed = -(-4 * SEEN * config.features // config.active)
    if config.evaluations < needed:
        raise InputError(
            f"--evaluations must be at least {needed:,}, so that each of {config.features} "
            f"features, {config.active} at a time, is seen; got {config.evaluations}."
        )
    _hold_laws(config)
    if config.save is not None:
        _hold_save(Path(config.save))


def _hold_laws(config: Config) -> None:
    """Every arm's features must have a law."""
    from experiments import sae_arms
    from experiments.models import synthetic_activations

    try:
        for rows in sae_arms.wants(config).values():
            for _, want in rows:
                synthetic_activations.chances(want.law)
    except ValueError as error:
        raise InputError(
            "--features, --ratios, --active, --actives, --kind, --group and --strength must suit "
            f"each other in every measurement; got a law that does not exist: {error}"
        ) from None


def _hold_save(path: Path) -> None:
    if not path.parent.is_dir() or path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(
            f"--save must name a file in a folder that can be written to; got {str(path)!r}."
        )
