"""The settings of the read-out experiment: the picture, the measured transition, the widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]


@dataclass(frozen=True)
class Config:
    """Sizes of the picture, of the measured transition, and of the widths."""

    features: Annotated[int, cli.integer("--features", at_least=40, at_most=4096)] = 400
    """Features N where the l1 transition is measured; more at small d/N, see the table."""
    columns: Annotated[
        tuple[float, ...], cli.reals("--columns", 0, 1, open_low=True, open_high=True)
    ] = (0.3, 0.5)
    """d/N at which the l1 transition is measured, signed and nonnegative."""
    trials: Annotated[int, cli.integer("--trials", at_least=10, at_most=10**6)] = 400
    """Trials for each k near the transition."""
    map_features: Annotated[int, cli.integer("--map-features", at_least=16, at_most=1024)] = 128
    """Features N of the heat maps."""
    cells: Annotated[int, cli.integer("--cells", at_least=2, at_most=64)] = 10
    """Cells of the heat maps along each axis."""
    cell_trials: Annotated[int, cli.integer("--cell-trials", at_least=2, at_most=10**4)] = 20
    """Trials in each cell."""
    wide_features: Annotated[int, cli.integer("--wide-features", at_least=64, at_most=1 << 16)] = (
        4096
    )
    """Features N for which the needed width is measured."""
    wide_active: Annotated[int, cli.integer("--wide-active", at_least=1, at_most=4096)] = 32
    """Active features k for which the needed width is measured."""
    passing_features: Annotated[
        int, cli.integer("--passing-features", at_least=100, at_most=20_000)
    ] = 2400
    """Features N where message passing meets state evolution."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: cli.Seeds = 10
    """Independent dictionaries at each setting."""


def validate(config: Config) -> None:
    """Hold that fits have groups enough and that features can be active."""
    if config.seeds < 5:
        raise InputError(f"--seeds must be at least 5, for intervals; got {config.seeds}.")
    if 8 * config.wide_active > config.wide_features:
        raise InputError(
            f"--wide-active must be at most an eighth of --wide-features; got "
            f"{config.wide_active} of {config.wide_features}."
        )
    for delta in config.columns:
        if not 4 <= round(delta * config.features) < config.features:
            raise InputError(
                f"--columns must leave d = delta·N between 4 and N - 1; got {delta:g} of "
                f"{config.features}."
            )
