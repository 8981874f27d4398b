"""The settings of the bench: which timings, and how many turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from experiments.bench_timing import PAIRS
from experiments.harness import cli

__all__ = ["Config"]


@dataclass(frozen=True)
class Config:
    """Which timings, and how many turns."""

    pairs: Annotated[int, cli.integer("--pairs", at_least=1, at_most=1000)] = PAIRS
    """Turns: in each, the subject and everything that it is held against run once."""
    only: Annotated[str | None, cli.text("--only")] = None
    """Timings whose short names contain TEXT."""
    shrink: Annotated[int, cli.integer("--shrink", at_least=1, at_most=1024)] = 1
    """Divide the numbers of vectors in timings of coherence by this, to try the command out; what
    they have to reach is then not judged."""
    seed: cli.Seed = 0
    """Root of all random numbers."""

    @property
    def seeds(self) -> int:
        """The repetitions are the turns."""
        return self.pairs
