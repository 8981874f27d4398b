"""The settings of the capacity experiment: features, dimensions, kurtoses, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]


@dataclass(frozen=True)
class Config:
    """Features, dimensions, kurtoses, and how long."""

    importance: Annotated[tuple[float, ...], cli.reals("--importance", 0, 1, open_low=True)] = (
        1.0,
        0.8,
        0.6,
        0.45,
        0.3,
        0.2,
        0.12,
        0.05,
    )
    """Importances v of the features of the worked example."""
    dim: Annotated[int, cli.integer("--dim", at_least=1, at_most=64)] = 3
    """Dimensions D that they have, fewer than features."""
    kurtosis: Annotated[tuple[float, ...], cli.reals("--kurtosis", 1, 10_000, open_low=True)] = (
        1.5,
        2.0,
        2.5,
        3.5,
        4.5,
        6.0,
        10.0,
        18.0,
        60.0,
        180.0,
    )
    """Kurtoses F = E x⁴ of the features, two or more; sparse features have large ones.  The claim's
    checks are made at 2, 6 and 180."""
    map_features: Annotated[int, cli.integer("--map-features", at_least=2, at_most=64)] = 20
    """Features of the map, whose importances fall from 1 by equal ratios."""
    map_least: Annotated[float, cli.real("--map-least", 0, 1, open_low=True, open_high=True)] = 0.03
    """The least of these importances."""
    map_dim: Annotated[int, cli.integer("--map-dim", at_least=1, at_most=64)] = 4
    """Dimensions of the map's models, fewer than features."""
    map_points: Annotated[int, cli.integer("--map-points", at_least=2, at_most=200)] = 25
    """Kurtoses of the map, from the least to the largest of --kurtosis by equal ratios of F - 1."""
    scan_points: Annotated[int, cli.integer("--scan-points", at_least=8, at_most=400)] = 25
    """Ratios v2/v1 in the scan about each threshold."""
    tolerance: Annotated[float, cli.real("--tolerance", 0, 0.1, open_low=True, open_high=True)] = (
        0.02
    )
    """A capacity up to this counts as 0, and from 1 less this on as 1; also the most that a
    training at the optimum may be from theory's capacities."""
    start: Annotated[float, cli.real("--start", 0, 0.3, open_low=True)] = 0.1
    """Standard deviation of the weights at the start."""
    rate: Annotated[float, cli.real("--rate", 0, 0.1, open_low=True)] = 0.05
    """Learning rate of gradient descent on the loss over F + 1."""
    momentum: Annotated[float, cli.real("--momentum", 0, 0.95)] = 0.9
    """Nesterov's momentum."""
    steps: Annotated[int, cli.integer("--steps", at_least=10, at_most=10**8)] = 12_000
    """Steps of descent, rounded up to a multiple of ten; to count as converged it takes
    rate·steps/(1 - momentum) times the least importance of 10 or more."""
    relu_features: Annotated[int, cli.integer("--relu-features", at_least=2, at_most=6)] = 5
    """Features of the ReLU model, whose importances fall from 1 by equal ratios."""
    relu_dim: Annotated[int, cli.integer("--relu-dim", at_least=1, at_most=5)] = 2
    """Its dimensions, fewer than features."""
    relu_ratio: Annotated[float, cli.real("--relu-ratio", 0, 1, open_low=True, open_high=True)] = (
        0.7
    )
    """Ratio of one importance to the one before."""
    relu_probability: Annotated[
        tuple[float, ...], cli.reals("--relu-probability", 0, 1, open_low=True)
    ] = (1.0, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05, 0.02)
    """Probabilities of a feature to be on, uniform on [0, 1] then."""
    relu_rate: Annotated[float, cli.real("--relu-rate", 0, 0.1, open_low=True)] = 0.02
    """Adam's rate for the ReLU model; it falls to 0 in the second half."""
    relu_steps: Annotated[int, cli.integer("--relu-steps", at_least=10, at_most=10**8)] = 6000
    """Its steps, rounded up to a multiple of ten; to count as converged it takes rate·steps of 20
    or more."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=4, at_most=100_000)] = 64
    """Independent starts at each kurtosis; a quarter as many in map, scan and ReLU
    model, there at least eight."""


def validate(config: Config) -> None:
    """Hold that some features must go without a dimension of their own."""
    if config.dim >= len(config.importance):
        raise InputError(
            f"--dim must be less than the number of --importance, {len(config.importance)}; got "
            f"{config.dim}."
        )
    if config.map_dim >= config.map_features:
        raise InputError(
            f"--map-dim must be less than --map-features, {config.map_features}; got "
            f"{config.map_dim}."
        )
    if config.relu_dim >= config.relu_features:
        raise InputError(
            f"--relu-dim must be less than --relu-features, {config.relu_features}; got "
            f"{config.relu_dim}."
        )
    if len(set(config.kurtosis)) < 2:
        raise InputError(
            f"--kurtosis must be two different numbers or more; got {len(set(config.kurtosis))}."
        )
