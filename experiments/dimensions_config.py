"""The settings of the dimensions experiment: where to look, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]


@dataclass(frozen=True)
class Config:
    """Where to look, and how long."""

    dim: Annotated[tuple[int, ...], cli.integers("--dim", at_least=16, at_most=1 << 16)] = (
        *(1 << power for power in range(4, 14)),
        768,
        12288,
    )
    """Dimensions."""
    features: Annotated[int, cli.integer("--features", at_least=64)] = 4096
    """Features N, where their number is fixed."""
    density: Annotated[int, cli.integer("--density", at_least=1, at_most=4096)] = 8
    """Features for each dimension, where N = density · d."""
    active: Annotated[int, cli.integer("--active", at_least=1)] = 16
    """Active features k, where their number is fixed."""
    share: Annotated[int, cli.integer("--share", at_least=2, at_most=4096)] = 32
    """One active feature for so many dimensions, where the share k/d is fixed."""
    sample: Annotated[int, cli.integer("--sample", at_least=64, at_most=1 << 16)] = 2048
    """Features of the random dictionary that are simulated."""
    trials: Annotated[int, cli.integer("--trials", at_least=1, at_most=1 << 20)] = 128
    """Read-outs at each setting and seed."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 4
    """Independent dictionaries at each d."""


def validate(config: Config) -> None:
    """Hold that there is a trend to fit and that features suffice."""
    if len(set(config.dim)) < 3:
        raise InputError(f"--dim must name at least 3 dimensions; got {len(set(config.dim))}.")
    for flag, need in (
        ("--features", config.features),
        ("--sample", config.sample),
    ):
        if config.active >= need:
            raise InputError(f"--active must be below {flag}, {need}; got {config.active}.")
    most = max(config.dim) // config.share
    if most >= config.sample:
        raise InputError(
            f"--share must leave fewer active features than --sample, {config.sample}; got "
            f"{config.share} at d = {max(config.dim)}, that is {most}."
        )
    if config.seeds < 3:
        raise InputError(f"--seeds must be at least 3, for intervals; got {config.seeds}.")
