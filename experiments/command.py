"""The command of every experiment: its run, and the scorecard over the folder it is put in."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import scorecard
from experiments.harness import run
from experiments.harness.experiment import C, Experiment

__all__ = ["main"]


def main(experiment: Experiment[C], argv: Sequence[str] | None = None) -> int:
    """Run the experiment as `harness.run.main` does, and write the scorecard anew."""
    return run.main(experiment, argv, index=scorecard.write)
