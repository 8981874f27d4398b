"""The settings of the interference experiment: what is stored, what is active, how long to look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from experiments import dictionary
from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.experiment import INPUT_FILE

if TYPE_CHECKING:
    from geometry.signals import Activity

__all__ = ["DEFAULTS", "Config", "activity_of", "validate"]

DEFAULTS = (4096, 512)
"""Features and dimensions, where none are asked for."""


@dataclass(frozen=True)
class Config:
    """What is stored, what is active, and how long to look."""

    dim: Annotated[int | None, cli.integer("--dim", at_least=2, at_most=1 << 16)] = None
    """Dimensions d, the width of the layer; by default 512, or those of the file."""
    features: Annotated[int | None, cli.integer("--features", at_least=1)] = None
    """Features N that are stored; by default 4096, or those of the file."""
    active: Annotated[int, cli.integer("--active", at_least=1)] = 16
    """Features k that are active at once (their mean number, under the bernoulli law)."""
    dictionaries: Annotated[tuple[str, ...], cli.choices("--dictionaries", dictionary.NAMES)] = (
        dictionary.NAMES
    )
    """Dictionaries to compare; left out when a file is given."""
    file: Annotated[str | None, dictionary.File] = field(default=None, metadata=INPUT_FILE)
    """A .npy, .npz or .safetensors file with a feature's direction in each row, instead."""
    tensor: Annotated[str | None, dictionary.Tensor] = None
    """The array of the file, if it holds several."""
    law: Annotated[str, cli.choice("--law", ("exact", "bernoulli"))] = "exact"
    """Exactly k active features, or each by itself with probability k/N."""
    sign: Annotated[str, cli.choice("--sign", ("positive", "signed"))] = "positive"
    """Amplitudes are positive, or take either sign."""
    amplitude: Annotated[str, cli.choice("--amplitude", ("constant", "uniform", "exponential"))] = (
        "constant"
    )
    """Law of |amplitude|, of mean 1: always 1, uniform on [1/2, 3/2], or exponential."""
    noise: Annotated[float, cli.real("--noise", 0)] = 0.0
    """Standard deviation of Gaussian noise in every coordinate."""
    trials: Annotated[int, cli.integer("--trials", at_least=1, at_most=10**9)] = 4096
    """Read-outs for each dictionary and seed."""
    reference: Annotated[int, cli.integer("--reference", at_least=1, at_most=10**6)] = 48
    """Blocks of 512 read-outs at the reference settings, for each of the seeds; of these at least
    eight."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 6
    """Independent dictionaries of each kind (batches of signals, for a file)."""


def activity_of(config: Config) -> Activity:
    """Return the activity that the flags describe."""
    from geometry.signals import Activity

    return Activity(
        config.active,
        law="exact" if config.law == "exact" else "bernoulli",
        signed=config.sign == "signed",
        amplitude=config.amplitude,
        noise=config.noise,
    )


def validate(config: Config) -> None:
    """Hold that as many features exist as are to be active, and that a tight frame can."""
    features, _ = dictionary.hold(config, DEFAULTS, least=3)
    if config.active >= features:
        raise InputError(
            f"--active must be below the number of features, {features}; got {config.active}."
        )
