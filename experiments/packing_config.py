"""The questions of the packing experiment, and how hard to look for their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.experiment import OUTPUT_ONLY
from geometry import exact

if TYPE_CHECKING:
    from geometry.exact import Cosine

__all__ = ["Config", "threshold", "validate"]

DEFAULT_EPS = "0.05"
LARGEST_DIM = 1 << 16
LARGEST_COUNT = 10**18


# The words themselves are kept: they are plain JSON and read again without loss.
def _eps(word: str) -> str:
    exact.eps(word)
    return word


def _angle(word: str) -> str:
    exact.angle(word)
    return word


@dataclass(frozen=True)
class Config:
    """The question, and how hard to measure the random baseline."""

    dim: Annotated[tuple[int, ...], cli.integers("--dim", at_least=2, at_most=LARGEST_DIM)] = (500,)
    """Dimension d, one or several."""
    eps: Annotated[
        str | None,
        cli.option("--eps", exact.EPS_NEED, _eps, metavar="EPS"),
    ] = None
    """Allowed |cos|: decimal, fraction (1/16) or root (1/sqrt(5)); 0.05 unless --angle is given."""
    angle: Annotated[
        str | None,
        cli.option("--angle", exact.ANGLE_NEED, _angle, metavar="DEG"),
    ] = None
    """Smallest allowed angle in degrees, instead of --eps."""
    count: Annotated[int | None, cli.integer("--count", at_least=1, at_most=LARGEST_COUNT)] = None
    """Ask instead how far apart so many lines can be: their smallest coherence."""
    rounds: Annotated[int | None, cli.integer("--rounds", at_least=1)] = None
    """With --count: rounds of the optimiser, of seconds for dozens of lines, or a minute or so."""
    budget: Annotated[float | None, cli.real("--budget", 0, open_low=True)] = None
    """With --count: seconds for the optimiser, not --rounds; one round is done, however long."""
    save: Annotated[str | None, cli.text("--save", metavar="FILE.npz")] = field(
        default=None, metadata=OUTPUT_ONLY
    )
    """Save the packing, for experiments.verify (a recipe and a sample when it is too large)."""
    show: Annotated[int, cli.integer("--show", at_least=0, at_most=1000)] = field(
        default=0, metadata=OUTPUT_ONLY
    )
    """Print the first rows of the packing."""
    candidates: Annotated[int, cli.integer("--candidates", at_least=1, at_most=10**7)] = 4096
    """Random candidates that the greedy baseline draws."""
    baseline: Annotated[int, cli.integer("--baseline", at_least=2, at_most=10**5)] = 4096
    """Most random directions whose coherence is measured."""
    histogram: Annotated[int, cli.integer("--histogram", at_least=2, at_most=20_000)] = 2000
    """Rows of the packing whose pairwise cosines are shown."""
    points: Annotated[int, cli.integer("--points", at_least=2, at_most=1000)] = 40
    """Points of the curves over eps (fewer above d = 4096), over d, and over the count."""
    seed: cli.Seed = 0
    """Root of the random numbers: the baseline's and the optimiser's."""
    seeds: cli.Seeds = 16
    """Independent repetitions of the baseline."""


def threshold(config: Config) -> Cosine:
    """The allowed |cos|, exact."""
    if config.angle is not None:
        return exact.angle(config.angle)
    return exact.eps(DEFAULT_EPS if config.eps is None else config.eps)


def validate(config: Config) -> None:
    """Hold what one field alone cannot show."""
    if config.eps is not None and config.angle is not None:
        raise InputError(
            f"--eps must come without --angle; got both, {config.eps} and {config.angle}."
        )
    for flag, value in (("--eps", config.eps), ("--angle", config.angle)):
        if value is not None and config.count is not None:
            raise InputError(
                f"--count must come without {flag}; got both, {config.count} and {value}."
            )
    for flag, effort in (("--rounds", config.rounds), ("--budget", config.budget)):
        if effort is not None and config.count is None:
            raise InputError(f"{flag} must come with --count; got {effort} alone.")
    if config.budget is not None and config.rounds is not None:
        raise InputError(
            f"--budget must come without --rounds; got both, {config.budget} and {config.rounds}."
        )
    if config.save is not None:
        if len(config.dim) > 1:
            raise InputError(f"--save must come with one --dim; got {len(config.dim)}.")
        path = Path(config.save)
        if path.is_dir() or not path.parent.is_dir():
            raise InputError(f"--save must name a file in a folder; got {config.save!r}.")
