"""A toy that hosts share; also a script, `python crowd.py ...`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import toy

from experiments.harness.cli import InputError, text
from experiments.harness.experiment import Result, Table
from experiments.harness.progress import Progress
from experiments.harness.run import main

# Of both hosts: what each sends, with bits that JAX would lose.
LARGE = 2**62 + 1
FINE = 1 + 2.0**-50


@dataclass(frozen=True)
class Config(toy.Config):
    """Settings of the toy, which acts by its mode."""

    trail: Annotated[str | None, text("--trail")] = None
    """A folder where each host leaves a file when it has come to its point."""


def measure(config: Config, progress: Progress) -> Result:
    """Gather a few numbers, and then fail, wait or compute as the mode says."""
    crew = progress.crew
    integers = crew.gather(np.full((2, 3), LARGE + crew.index))
    reals = crew.gather(np.float64(FINE) + crew.index)
    if config.trail is not None:
        (Path(config.trail) / str(crew.index)).touch()
    if config.mode == "refuse" or (config.mode == "refuse-1" and crew.index == 1):
        raise InputError("--mode is refused.")
    if config.mode == f"compute-{crew.index}" or config.mode == "compute":
        with progress.phase("computing") as step:
            while True:
                time.sleep(0.01)
                step()
    if config.mode.startswith("compute-"):
        crew.gather(np.zeros(3))
    large = crew.gather(np.arange(config.width or 1, dtype=np.float64) * FINE)
    return Result(
        data={
            "sum": int(integers[:, 1, 2].sum()),
            "reals": [float(value) for value in reals],
            "large": float(large[-1, -1]),
        },
        arrays={"draws": reals},
        tables={"dims": Table(("dim",), ((1,),))},
    )


EXPERIMENT = replace(toy.EXPERIMENT, name="crowd", config=Config, measure=measure, shared=True)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
