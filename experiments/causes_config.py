"""The settings of the causes experiment: sizes, what is switched, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]


@dataclass(frozen=True)
class Config:
    """Sizes, what is switched, and how long."""

    features: Annotated[int, cli.integer("--features", at_least=4, at_most=1024)] = 8
    """Features n."""
    factorial: Annotated[tuple[float, ...], cli.reals("--factorial", 0.25, 64)] = (
        0.5,
        0.75,
        1.0,
        4.0,
    )
    """Ratios m/n at which every combination is trained; 0.5, 0.75, 1 and 4 must be there."""
    ratios: Annotated[tuple[float, ...], cli.reals("--ratios", 0.25, 64)] = (
        2.0,
        16.0,
    )
    """Further ratios m/n of the decomposition."""
    penalty: Annotated[float, cli.real("--penalty", 0, open_low=True)] = 0.05
    """The l1 penalty, where it is on."""
    noise: Annotated[float, cli.real("--noise", 0, open_low=True)] = 0.2
    """Standard deviation of the noise on each neuron, where it is on."""
    kurtosis: Annotated[float, cli.real("--kurtosis", -2)] = 0.0
    """Excess kurtosis of the noise in the decomposition.  All noise is three-point: at 0 it has the
    kurtosis of Gaussian noise, and other higher moments."""
    rate: Annotated[float, cli.real("--rate", 0, 0.02, open_low=True)] = 0.02
    """Learning rate of proximal gradient descent."""
    steps: Annotated[int, cli.integer("--steps", at_least=1, at_most=10**8)] = 12_500
    """Its steps; to count as converged it takes rate·steps·penalty of 5 and rate·steps·noise² of 10
    or more, where these are on."""
    threshold: Annotated[float, cli.real("--threshold", 0, 1, open_low=True, open_high=True)] = 0.5
    """A neuron carries a feature whose weight is larger than this."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=100_000)] = 16
    """Independent trainings of each combination with noise; eight times as many without."""


def validate(config: Config) -> None:
    """Hold that the ratios which checks speak of are there."""
    if not {0.5, 0.75, 1.0, 4.0} <= set(config.factorial):
        raise InputError(
            "--factorial must have 0.5, 0.75, 1 and 4 among its ratios; got "
            f"{' '.join(f'{ratio:g}' for ratio in config.factorial)}."
        )
