"""The settings of the superposition experiment: sizes, schedules, and how many seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]


@dataclass(frozen=True)
class Config:
    """Sizes, schedules, and how many seeds."""

    lowest: Annotated[float, cli.real("--lowest", 0.001, 0.5)] = 0.05
    """Least probability of a feature to be on; the sweeps go from 1 down to it."""
    levels: Annotated[int, cli.integer("--levels", at_least=2, at_most=1000)] = 10
    """Probabilities in the sweeps of small models, evenly spaced in their logarithm."""
    importance: Annotated[float, cli.real("--importance", 0, 1, open_low=True)] = 0.9
    """Importance of feature i of five is this to the i."""
    crowd_importance: Annotated[float, cli.real("--crowd-importance", 0, 1, open_low=True)] = 0.7
    """Importance of feature i of twenty is this to the i."""
    steps: Annotated[int, cli.integer("--steps", at_least=10, at_most=10**7)] = 2400
    """Steps of the sweeps of small models, rounded up to a multiple of 40."""
    rate: Annotated[float, cli.real("--rate", 0, 0.1, open_low=True)] = 0.01
    """Their learning rate."""
    batch: Annotated[int, cli.integer("--batch", at_least=1, at_most=1 << 20)] = 512
    """Fresh samples a step, where the loss is sampled."""
    level: bool = False
    """Keep learning rates level to the end, instead of letting them fall in the second half."""
    cells: Annotated[int, cli.integer("--cells", at_least=2, at_most=1000)] = 24
    """Probabilities, and importances, of the phase diagram of two features in one dimension."""
    cell_seeds: Annotated[int, cli.integer("--cell-seeds", at_least=2, at_most=10_000)] = 8
    """Trainings of each cell of the phase diagrams."""
    cell_steps: Annotated[int, cli.integer("--cell-steps", at_least=10, at_most=10**7)] = 1500
    """Their steps, rounded up to a multiple of 10."""
    cell_rate: Annotated[float, cli.real("--cell-rate", 0, 0.1, open_low=True)] = 0.02
    """Their learning rate."""
    triples: Annotated[int, cli.integer("--triples", at_least=2, at_most=1000)] = 12
    """Probabilities, and importances, of the phase diagram of three features in two dimensions."""
    features: Annotated[int, cli.integer("--features", at_least=8, at_most=4096)] = 100
    """Features n of the large model."""
    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=1024)] = 10
    """Its hidden dimensions m."""
    large_levels: Annotated[int, cli.integer("--large-levels", at_least=4, at_most=1000)] = 20
    """Probabilities in its sweep."""
    large_steps: Annotated[int, cli.integer("--large-steps", at_least=10, at_most=10**7)] = 4000
    """Its steps, rounded up to a multiple of 10."""
    large_rate: Annotated[float, cli.real("--large-rate", 0, 0.1, open_low=True)] = 0.01
    """Its learning rate."""
    large_seeds: Annotated[int, cli.integer("--large-seeds", at_least=2, at_most=10_000)] = 4
    """Trainings of it at each probability."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=100_000)] = 24
    """Trainings of five features in a plane at each probability; half as many of twenty features,
    and of each other output."""


def validate(config: Config) -> None:
    """Hold that the large model has more features than dimensions."""
    if config.features <= config.dim:
        raise InputError(
            f"--features must be larger than --dim, {config.dim}; got {config.features}."
        )
