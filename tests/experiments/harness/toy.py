"""A small experiment for the harness tests; also a script, `python toy.py ...`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from experiments.harness.checks import Check, Claim, ClaimVerdict, judge
from experiments.harness.cli import Seed, Seeds, integer, integers, real, text
from experiments.harness.errors import InputError
from experiments.harness.experiment import (
    INPUT_FILE,
    OUTPUT_ONLY,
    Experiment,
    Figure,
    Result,
    Table,
)
from experiments.harness.run import main

if TYPE_CHECKING:
    import pytest

    from experiments.harness.progress import Progress

HUGE = 7**6000
# Written by measure, so that a test can count measurements, also of other processes.
CALLS = "TOY_CALLS"


@dataclass(frozen=True)
class Config:
    """Settings of the toy."""

    dim: Annotated[tuple[int, ...], integers("--dim", at_least=2)] = (3,)
    """Dimensions."""
    width: Annotated[int | None, integer("--width", at_least=1, at_most=9)] = None
    """A whole number."""
    angle: Annotated[float, real("--angle", 0, 90, open_low=True)] = 60.0
    """Degrees."""
    mode: Annotated[str, text("--mode")] = "plain"
    """What measure does: plain, fail, nan, interrupt, defect, ugly, slow, large."""
    save: Annotated[str | None, text("--save")] = field(default=None, metadata=OUTPUT_ONLY)
    """A file for the sum."""
    source: Annotated[str | None, text("--source")] = field(default=None, metadata=INPUT_FILE)
    """A file that is read."""
    seed: Seed = 0
    """Root of the random numbers."""
    seeds: Seeds = 1
    """Repetitions."""


def measure(config: Config, progress: Progress) -> Result:
    """Return the sum of the dimensions and a few random numbers."""
    calls = os.environ.get(CALLS)
    if calls is not None:
        with Path(calls).open("a", encoding="utf-8") as stream:
            stream.write("measured\n")
    if config.mode == "interrupt":
        raise KeyboardInterrupt
    if config.mode == "defect":
        raise ZeroDivisionError("a defect in measure")
    if config.mode == "slow":
        time.sleep(60)
    with progress.phase("adding", total=len(config.dim)) as step:
        for _ in config.dim:
            step()
    draws = np.random.default_rng(config.seed).standard_normal(4, np.float32)
    size = 10**6 if config.mode == "large" else 4
    return Result(
        data={
            "sum": sum(config.dim),
            "huge": HUGE,
            "ratio": float("nan") if config.mode == "nan" else 0.1,
            "missing": None,
        },
        arrays={"draws": draws, "zeros": np.zeros(size)},
        tables={"dims": Table(("dim", "word"), ((config.dim[0], "12"), (None, "a,b")), "Dims")},
    )


def checks(config: Config, result: Result) -> list[Check]:
    """One check that passes, or fails on demand."""
    high = 0 if config.mode == "fail" else None
    theory = "sum > 0 [exact]" + (f" {config.mode}" if not config.mode.isascii() else "")
    return [judge("sum", theory=theory, estimate=sum(config.dim), band=(None, high))]


def claims(found: list[Check]) -> list[Claim]:
    """One claim."""
    return [Claim("C0", "Sums are positive.", ClaimVerdict.SUPPORTED, found[0].name)]


def answer(config: Config, result: Result) -> str:
    """Return the answer."""
    return f"The sum is {result.data['sum']}."


def summary(config: Config, result: Result) -> list[str]:
    """Return one more line."""
    return [f"angle {config.angle:g} degrees [of 90]"]


def figures(config: Config, result: Result) -> list[Figure]:
    """Return one figure."""
    import plotly.graph_objects as go

    if config.mode == "ugly":
        raise ZeroDivisionError("a defect in figures")
    figure = go.Figure(go.Scatter(y=result.arrays["draws"]))
    return [Figure("draws", "Draws", figure, "Four draws.")]


def validate(config: Config) -> None:
    """Refuse two fields that do not go together."""
    if config.width is not None and config.angle < 1:
        raise InputError("--width must not be given with --angle below 1; got both.")


def finish(config: Config, result: Result) -> list[str]:
    """Save the sum."""
    if config.save is None:
        return []
    Path(config.save).write_text(str(result.data["sum"]), encoding="utf-8")
    return [f"saved {config.save}"]


EXPERIMENT = Experiment(
    name="toy",
    question="What is the sum?",
    primer="A sum adds numbers up.",
    duration="1 s on one core",
    cite=("A. Author, A sum, 1900.",),
    examples=("python -m experiments.toy --dim 3 4",),
    config=Config,
    presets={
        "tiny": {"dim": (2,)},
        "quick": {},
        "paper": {"dim": (5, 6), "angle": 45.0},
        "full": {"dim": (7,)},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=figures,
    validate=validate,
    finish=finish,
)


def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder, and return a file that gets a line for each measurement."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)
    monkeypatch.setenv(CALLS, str(tmp_path / "calls"))
    (tmp_path / "calls").touch()
    return tmp_path / "calls"


def count(calls: Path) -> int:
    """Return how many measurements were made."""
    return len(calls.read_text(encoding="utf-8").splitlines())


def only_run(out: str = "results") -> Path:
    """Return the folder of the only run."""
    (folder,) = (Path(out) / "toy").iterdir()
    return folder


def measuring(**changes: Any) -> Experiment[Config]:
    """Returns the toy with another result."""

    def measure(config: Config, progress: object) -> Result:
        parts: dict[str, Any] = {"data": {"sum": 1}, "arrays": {}, "tables": {}}
        return Result(**{**parts, **changes})

    return replace(EXPERIMENT, measure=measure, figures=lambda config, result: [])


def process(*argv: str, prefix: str = "") -> subprocess.Popen[str]:
    """Start this file as a script, after shell words `prefix`."""
    script = f'{prefix} exec "$0" "$@"'
    return subprocess.Popen(
        ["bash", "-c", script, sys.executable, __file__, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
