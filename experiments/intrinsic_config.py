"""The settings of the intrinsic experiment: sizes, what is varied, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError

__all__ = ["BELOW", "Config", "validate"]

BELOW = -1.0
"""Where biases start in the comparison that is asked for."""


@dataclass(frozen=True)
class Config:
    """Sizes, what is varied, and how long."""

    features: Annotated[int, cli.integer("--features", at_least=4, at_most=1 << 14)] = 64
    """Features N."""
    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=4096)] = 16
    """Dimensions d of the random projection through which the layer sees the features."""
    hidden: Annotated[int, cli.integer("--hidden", at_least=4, at_most=1 << 15)] = 128
    """Units k of the hidden layer, where its width is not varied."""
    probability: Annotated[float, cli.real("--probability", 0, 1, open_low=True)] = 1 / 32
    """Probability p of a feature to be on; it is uniform on [0, 1] then."""
    starts: Annotated[tuple[float, ...], cli.reals("--starts", -100, 100)] = (0.0, -0.5, -1.0, -2.0)
    """Where biases start; 0 and -1 must be there."""
    penalties: Annotated[tuple[float, ...], cli.reals("--penalties", 0, 100, open_low=True)] = (
        0.03,
        0.1,
        0.3,
    )
    """l1 penalties on the hidden layer, each unit weighted with the length of what it writes."""
    functions: Annotated[tuple[str, ...], cli.choices("--functions", ("solu",))] = ("solu",)
    """Further functions of the layer than ReLU: solu, softmax linear units."""
    widths: Annotated[tuple[float, ...], cli.reals("--widths", 0, 64, open_low=True)] = (
        1.0,
        4.0,
    )
    """Further widths k/N, with biases that start at 0 and at -1."""
    speeds: Annotated[tuple[float, ...], cli.reals("--speeds", 0, 100, open_low=True)] = (0.5,)
    """Further learning rates over `--rate`, with biases that start at 0 and at -1."""
    lengths: Annotated[tuple[float, ...], cli.reals("--lengths", 1, 1000)] = (4.0,)
    """Longer trainings, as many times the steps at as much smaller a rate, with biases that start
    at 0 and at -1; 1 for none."""
    rate: Annotated[float, cli.real("--rate", 0, 1, open_low=True)] = 0.02
    """Largest learning rate of Adam; it falls to 0 after a third of the steps."""
    shrink: Annotated[float, cli.real("--shrink", 0, 50)] = 6.0
    """Powers of e by which biases shrink in the first half, where nothing else moves them."""
    steps: Annotated[int, cli.integer("--steps", at_least=20, at_most=10**8)] = 3000
    """Steps of each training; rounded up to tens."""
    batch: Annotated[int, cli.integer("--batch", at_least=1, at_most=1 << 16)] = 128
    """Samples of a step."""
    latents: Annotated[int | None, cli.integer("--latents", at_least=2, at_most=1 << 15)] = None
    """Latents of the autoencoder; by default as many as hidden units."""
    sparsities: Annotated[tuple[float, ...], cli.reals("--sparsities", 0, 100, open_low=True)] = (
        1.0,
        2.0,
    )
    """Latents on in the mean for each feature that is; the first one is in the answer."""
    sae_rate: Annotated[float, cli.real("--sae-rate", 0, 1, open_low=True)] = 0.01
    """Learning rate of the autoencoder."""
    sae_steps: Annotated[int, cli.integer("--sae-steps", at_least=20, at_most=10**8)] = 1000
    """Steps of its training; rounded up to tens."""
    sae_batch: Annotated[int, cli.integer("--sae-batch", at_least=16, at_most=1 << 16)] = 256
    """Samples of its step."""
    evaluations: Annotated[int, cli.integer("--evaluations", at_least=100, at_most=10**9)] = 64_000
    """Fresh samples on which losses are measured."""
    seed: cli.Seed = 0
    """Root of all random numbers."""
    seeds: Annotated[int, cli.integer("--seeds", at_least=2, at_most=1000)] = 4
    """Independent projections and trainings, the same for every setting; three times as many for
    the two starts that are compared."""


def validate(config: Config) -> None:
    """Hold what no single field can."""
    if not {0.0, BELOW} <= set(config.starts):
        raise InputError(
            "--starts must have 0 and -1 among its values; got "
            f"{' '.join(f'{start:g}' for start in config.starts)}."
        )
    if min(config.widths) * config.features < 1:
        raise InputError(
            f"--widths must be at least one unit for {config.features} features, "
            f"{1 / config.features:g}; got {min(config.widths):g}."
        )
    most = max(config.sparsities) * config.probability * config.features
    latents = config.latents or config.hidden
    if most > latents:
        raise InputError(
            f"--sparsities times the features on, {config.probability * config.features:g}, must "
            f"be at most the latents, {latents}; got {most:g}."
        )
