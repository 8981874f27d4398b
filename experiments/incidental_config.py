"""The settings of the incidental experiment: sizes, schedules, and how many seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["Config", "validate"]

_OPTIMISERS = ("proximal", "adamw")


@dataclass(frozen=True)
class Config:
    """Sizes, schedules, and how many seeds."""

    features: Annotated[tuple[int, ...], cli.integers("--features", at_least=2, at_most=4096)] = (
        16,
        32,
        64,
    )
    """Features n, one or several."""
    neurons: Annotated[tuple[int, ...], cli.integers("--neurons", at_least=2, at_most=1 << 16)] = (
        64,
        128,
        256,
        512,
        1024,
    )
    """Neurons m, one or several, each at least the largest n."""
    allow_pressure: bool = False
    """Allow m < n, where neurons must be shared."""
    optimisers: Annotated[tuple[str, ...], cli.choices("--optimisers", _OPTIMISERS)] = _OPTIMISERS
    """Proximal gradient descent, AdamW, or both."""
    penalty: Annotated[float, cli.real("--penalty", 0, open_low=True)] = 0.05
    """The l1 penalty of proximal gradient descent, and of all interventions."""
    rate: Annotated[float, cli.real("--rate", 0, 0.2, open_low=True)] = 0.1
    """Its learning rate; starts with long or aligned rows take a fifth of it."""
    clock: Annotated[float, cli.real("--clock", 0, open_low=True)] = 5.0
    """Its rate·steps·penalty, which sets the steps; below 5 a run does not count as converged."""
    adam_penalty: Annotated[float, cli.real("--adam-penalty", 0, open_low=True)] = 0.05
    """The l1 penalty of AdamW."""
    adam_rate: Annotated[float, cli.real("--adam-rate", 0, 1, open_low=True)] = 0.01
    """The learning rate of AdamW."""
    adam_steps: Annotated[int, cli.integer("--adam-steps", at_least=1, at_most=10**7)] = 1000
    """The steps of AdamW."""
    threshold: Annotated[float, cli.real("--threshold", 0, 1, open_low=True, open_high=True)] = 0.5
    """A neuron carries a feature whose weight is larger than this."""
    noise: Annotated[float, cli.real("--noise", 0, open_low=True)] = 0.15
    """Standard deviation of the neural noise, which takes the penalty's place."""
    noise_steps: Annotated[int, cli.integer("--noise-steps", at_least=1, at_most=10**8)] = 30_000
    """Steps under noise."""
    probe: Annotated[tuple[int, ...], cli.integers("--probe", at_least=2, at_most=4096)] = (16, 256)
    """Features and neurons of the interventions: n m, with n at least 2 and m at least 4n."""
    probe_seeds: Annotated[int, cli.integer("--probe-seeds", at_least=8, at_most=100_000)] = 1024
    """Trainings from each start of the interventions; three eighths of them where rates are low."""
    course_neurons: Annotated[
        int, cli.integer("--course-neurons", at_least=256, at_most=1 << 16)
    ] = 4096
    """Neurons where the course of |w|_1 is followed."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=100_000)] = 64
    """Independent trainings at the largest n; smaller n get as many more as they are smaller."""


def validate(config: Config) -> None:
    """Hold that there is room for every feature, and that the interventions have a size."""
    if not config.allow_pressure and min(config.neurons) < max(config.features):
        raise InputError(
            f"--neurons must be at least the largest --features, {max(config.features)}, or "
            f"--allow-pressure be given; got {min(config.neurons)}."
        )
    if len(config.probe) != 2 or config.probe[1] < 4 * config.probe[0]:
        raise InputError(
            "--probe must be two numbers n m with m at least 4n; got "
            f"{' '.join(map(str, config.probe))}."
        )
