"""The settings of the steering experiment: dictionaries, targets, and the autoencoders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from experiments import dictionary
from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.experiment import INPUT_FILE

__all__ = ["DEFAULTS", "RECORDS", "Config", "samples", "steps", "validate"]

DEFAULTS = (256, 64)
"""Features and dimensions, where none are asked for."""
KINDS = (*dictionary.NAMES, "trained")
"""Dictionaries by name: made, or learned by a toy model."""
SAMPLES = 256_000
RECORDS = 10
"""Times that an autoencoder in training is observed."""
LARGEST = 1 << 17
"""Entries of a dictionary past which autoencoders are trained only where --samples asks for it."""


@dataclass(frozen=True)
class Config:
    """Which dictionaries, which targets, how strong, and how autoencoders are trained."""

    dim: Annotated[int | None, cli.integer("--dim", at_least=2, at_most=1 << 16)] = None
    """Dimensions d; by default 64, or those of the file."""
    features: Annotated[int | None, cli.integer("--features", at_least=1)] = None
    """Features N; by default 256, or those of the file."""
    dictionaries: Annotated[tuple[str, ...], cli.choices("--dictionaries", KINDS)] = KINDS
    """Dictionaries to compare; left out when a file is given."""
    file: Annotated[str | None, dictionary.File] = field(default=None, metadata=INPUT_FILE)
    """A .npy, .npz or .safetensors file with a feature's direction in each row, instead."""
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
    samples: Annotated[int | None, cli.integer("--samples", at_least=0, at_most=10**10)] = None
    """Activations that an autoencoder is trained on, 0 for none; by default 256,000, but none for
    dictionaries of more than 131,072 numbers."""
    batch: Annotated[int, cli.integer("--batch", at_least=1, at_most=1 << 16)] = 256
    """Activations in a step of its training."""
    active: Annotated[int, cli.integer("--active", at_least=1, at_most=256)] = 3
    """Features that are on in each activation, and latents that may be."""
    spread: Annotated[float, cli.real("--spread", 0)] = 0.3
    """Standard deviation of a feature's amplitude, whose mean is 1."""
    latents: Annotated[int | None, cli.integer("--latents", at_least=1, at_most=1 << 20)] = None
    """Latents of an autoencoder; by default as many as features."""
    slots: Annotated[int, cli.integer("--slots", at_least=1, at_most=4096)] = 8
    """Latents that may be on when training begins; at most as many as there are."""
    growth: Annotated[float, cli.real("--growth", 0, 1)] = 0.5
    """Part of the training over which their number falls to --active."""
    rate: Annotated[float, cli.real("--rate", 0, 1, open_low=True)] = 0.01
    """Learning rate of an autoencoder."""
    fall: Annotated[float, cli.real("--fall", 0, 1)] = 0.2
    """Part of the training, at its end, over which the rate falls to 0."""
    window: Annotated[int, cli.integer("--window", at_least=0, at_most=10**9)] = 0
    """Steps after which a silent latent is cared for by an auxiliary loss; 0 for no care."""
    reference: Annotated[int, cli.integer("--reference", at_least=16, at_most=4096)] = 1024
    """Targets at the widest reference setting; a quarter of them at the others."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 6
    """Independent dictionaries of each kind, with an autoencoder each (sets of targets and
    autoencoders, for a file)."""


def samples(config: Config, features: int, dim: int) -> int:
    """Return how many activations each autoencoder is trained on, 0 for no autoencoders."""
    if config.samples is not None:
        return config.samples
    return SAMPLES if features * dim <= LARGEST else 0


def steps(config: Config, asked: int) -> int:
    """Return the steps of an autoencoder that is to see about so many activations."""
    return max(1, round(asked / config.batch / RECORDS)) * RECORDS


def validate(config: Config) -> None:
    """Hold that the dictionaries exist, that there are others to disturb, and what is trained."""
    features, dim = dictionary.hold(config, DEFAULTS, least=2)
    asked = samples(config, features, dim)
    if not asked:
        return
    latents = config.latents or features
    for flag, value, need, limit in (
        ("--samples", asked, "at least --batch, or 0", config.batch),
        ("--slots", config.slots, "at least --active", config.active),
    ):
        if value < limit:
            raise InputError(f"{flag} must be {need}; got {value} and {limit}.")
    for words, limit in (("--features", features), ("the latents", latents)):
        if config.active > limit:
            raise InputError(
                f"--active must be at most {words}, {limit}, or --samples 0; got {config.active}."
            )
    if latents * dim > dictionary.LARGEST_ENTRIES:
        raise InputError(
            f"--latents times --dim must be at most {dictionary.LARGEST_ENTRIES:,}; got {latents} "
            f"and {dim}."
        )
