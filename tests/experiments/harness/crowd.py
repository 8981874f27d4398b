"""A toy that hosts share; also a script, `python crowd.py ...`, and without JAX, `bare ...`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import toy

from experiments.harness import cli, hosts
from experiments.harness.cli import integer, text
from experiments.harness.errors import InputError, exit_code
from experiments.harness.experiment import Experiment, Result, Table
from experiments.harness.progress import Progress
from experiments.harness.run import main

if TYPE_CHECKING:
    from geometry.rows import Crew

# Of both hosts: what each sends, with bits that JAX would lose.
LARGE = 2**61 + 1
FINE = 1 + 2.0**-50


@dataclass(frozen=True)
class Config(toy.Config):
    """Settings of the toy, which acts by its mode."""

    trail: Annotated[str | None, text("--trail")] = None
    """A folder where each host leaves a file when it has come to its point."""
    scale: Annotated[int, integer("--scale", at_least=1)] = 1
    """Numbers in the last gather."""


def kernels(crew: Crew, devices: int) -> dict[str, Any]:
    """The closest pairs of some rows and the law of their cosines, by so many devices of each."""
    import jax

    from geometry import closest, spectrum

    rows = np.random.default_rng(0).standard_normal((600, 16), np.float32)
    used: dict[str, Any] = {"block": 64, "devices": jax.local_devices()[:devices], "crew": crew}
    found = closest.pairs(rows, 3, screen="bfloat16", **used)
    law = spectrum.spectrum(rows, bins=64, **used)
    pairs = [part.tolist() for part in found[:3]]
    return {"pairs": pairs, "counts": law.counts.tolist(), "nearest": float(law.nearest.sum())}


def measure(config: Config, progress: Progress) -> Result:
    """Gather a few numbers, and then fail, wait or compute as the mode says."""
    crew = progress.crew
    more = kernels(crew, 2) if config.mode == "kernels" else {}
    integers = crew.gather(np.full((2, 3), LARGE + crew.index))
    reals = crew.gather(np.array(FINE + crew.index))
    if config.trail is not None:
        (Path(config.trail) / str(crew.index)).touch()
    if config.mode == "refuse" or (config.mode == "refuse-1" and crew.index == 1):
        raise InputError("--mode is refused.")
    if config.mode == f"compute-{crew.index}" or config.mode == "compute":
        with progress.phase("computing") as step:
            while True:
                time.sleep(0.01)
                step()
    if config.mode == f"stuck-{crew.index}" and crew.link is not None:
        # The others are in the collective, and this one never comes.
        crew.link.meet()
        time.sleep(60)
    if config.mode.startswith(("compute-", "stuck-")):
        crew.gather(np.zeros(3))
    large = crew.gather(np.arange(config.scale, dtype=np.float64) * FINE)
    return Result(
        data={
            "sum": int(integers[:, 1, 2].sum()),
            "reals": [float(value) for value in reals],
            "large": float(large[-1, -1]),
            **more,
        },
        arrays={"draws": reals},
        tables={"dims": Table(("dim",), ((1,),))},
    )


_CHANGES = {"name": "crowd", "config": Config, "measure": measure, "shared": True}
EXPERIMENT: Experiment[Config] = Experiment(**{**vars(toy.EXPERIMENT), **_CHANGES})


def bare(words: list[str]) -> int:
    """Agree with the others, and then do nothing."""
    config, options = cli.parse(EXPERIMENT, words)

    def body(link: hosts.Link) -> int:
        link.agree("the same", found=False)
        (Path(config.trail or "") / str(options.team.host)).touch()
        time.sleep(60)
        return 0

    return exit_code(lambda: hosts.shared(options.team, body))


if __name__ == "__main__":
    sys.exit(bare(sys.argv[2:]) if sys.argv[1] == "bare" else main(EXPERIMENT))
