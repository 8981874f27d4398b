"""The settings of the scaling experiment: the law of the features, widths, arms, training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]

_CAP = 0.99
_CODES = 2**31


@dataclass(frozen=True)
class Config:
    """The law of the features, widths, arms, training."""

    features: Annotated[int, cli.integer("--features", at_least=8, at_most=1_000_000)] = 2048
    """Features n."""
    alpha: Annotated[float, cli.real("--alpha", 0, 4)] = 1.0
    """Feature i is on with probability p_i proportional to i^-alpha."""
    expected: Annotated[float, cli.real("--expected", 0.1, 16)] = 1.0
    """How many features are on in the mean: the sum of the p_i."""
    widths: Annotated[tuple[int, ...], cli.integers("--widths", at_least=2, at_most=16384)] = (
        8,
        16,
        32,
        64,
        128,
    )
    """Widths m of the hidden layer, three or more."""
    strong: Annotated[float, cli.real("--strong", 0, 100, open_low=True)] = 1.0
    """Growth of rows to unit length in the strong arm: the paper's weight decay with its sign."""
    weak: Annotated[
        tuple[float, ...],
        cli.reals("--weak", 0, 100, open_low=True),
    ] = (0.25, 0.75)
    """Weight decays of the weak arm at m = 32, two or more; they grow as m.  What is reported lies
    between them, where m features are represented."""
    rate: Annotated[float, cli.real("--rate", 0, 1, open_low=True)] = 0.02
    """Largest rate of W at m = 8; it falls as m^-1/4.  That of the biases is 2/m."""
    batch: Annotated[int, cli.integer("--batch", at_least=2, at_most=65536)] = 256
    """Samples of a step."""
    outputs: Annotated[int, cli.integer("--outputs", at_least=4, at_most=1_000_000)] = 256
    """Outputs drawn for each step's loss; all of them if this is n or more."""
    steps: Annotated[int, cli.integer("--steps", at_least=20, at_most=10**7)] = 2000
    """Steps of Adam; the strong arm is also trained with half of them."""
    evaluations: Annotated[int, cli.integer("--evaluations", at_least=16, at_most=10**6)] = 16_384
    """Samples with two or more features on, for the loss that is reported."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=1000)] = 3
    """Independent trainings of each width and arm."""


def validate(config: Config) -> None:
    """Hold what no single field can."""
    widths = sorted(set(config.widths))
    if len(widths) < 3:
        raise InputError(
            "--widths must have three different numbers or more; got "
            f"{' '.join(map(str, config.widths))}."
        )
    if 2 * widths[-1] > config.features:
        raise InputError(
            f"--widths must be at most half of --features, {config.features}; got {widths[-1]}."
        )
    if len(set(config.weak)) < 2:
        raise InputError(
            "--weak must have two different numbers or more; got "
            f"{' '.join(f'{decay:g}' for decay in config.weak)}."
        )
    if config.batch * config.features >= _CODES:
        raise InputError(
            f"--batch times --features must be below 2^31; got {config.batch} times "
            f"{config.features}."
        )
    if config.expected > _CAP * config.features:
        raise InputError(
            f"--expected must be at most {_CAP} times --features, {config.features}; got "
            f"{config.expected:g}."
        )
