"""What the experiments on shared neurons promise, measured; `experiments.validate` prints it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from experiments.bench_training import LEAST
from experiments.promise import Promise

__all__ = ["killed", "promises"]

_SECONDS = 240.0
# Where these stand in a check's name, it has to pass; other verdicts are findings.
_REQUIRED = (
    "shared neurons at n =",
    "sizes that converged",
    "half-width",
    "from a margin start",
    "from a non-negative start",
    "C10:",
    "collision-free",
    "|w|_1",
    "slope",
    "axis alignment",
    "least fall",
    "C12:",
    "C13:",
)


def promises() -> Iterator[Promise]:
    """Every promise about shared neurons."""
    yield Promise(
        f"incidental, causes, quick: under {_SECONDS:.0f} s together; counts, half-widths, "
        "interventions, dynamics and noise as required",
        commands,
    )
    yield Promise("a killed incidental run goes on to the same bits", resumed)
    yield Promise("members do not depend on the ensemble's size, to the bit", independent)
    for optimiser, least in LEAST.items():
        yield Promise(
            f"training sweep, {optimiser}: at least {least:g} times faster than PyTorch",
            partial(faster, optimiser, least),
        )


def commands() -> tuple[bool, str]:
    """Both experiments in fresh processes, reports included."""
    seconds = 0.0
    missed: list[str] = []
    findings: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("incidental", "causes"):
            begun = time.perf_counter()
            done = _run(name, "--json", "--out", folder)
            seconds += time.perf_counter() - begun
            if not done.stdout:
                return False, done.stderr.strip()
            for check in json.loads(done.stdout)["checks"]:
                if check["verdict"] != "PASS":
                    must = any(part in check["name"] for part in _REQUIRED)
                    (missed if must else findings).append(f"{check['name']} {check['verdict']}")
    seen = f"{seconds:.0f} s; missed: {missed or 'none'}; findings: {findings or 'none'}"
    return not missed and seconds < _SECONDS, seen


def _run(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def killed(saves: int, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run incidental in a process that kills itself after so many checkpoints, one each chunk."""
    code = (
        "import os, signal, sys\n"
        "from experiments import ensembles\n"
        "from experiments.harness.parts import Parts\n"
        "from experiments.harness.run import main\n"
        "from experiments.incidental import EXPERIMENT\n"
        "ensembles.SAVE_SECONDS = 0.0\n"
        "whole, names = Parts.save, []\n"
        "def save(self, name, arrays):\n"
        "    whole(self, name, arrays)\n"
        "    names.append(name)\n"
        f"    if len(names) == {saves}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Parts.save = save\n"
        "raise SystemExit(main(EXPERIMENT, sys.argv[1:]))\n"
    )
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)


def resumed() -> tuple[bool, str]:
    """A run that is killed after its sixth checkpoint, against one that is not."""
    words = ["--preset", "tiny", "--json", "--quiet", "--out"]
    answers: list[Any] = []
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        broken = killed(6, *words, first)
        kept = len(list(Path(first).glob("incidental/.parts-*/*.arrays")))
        for folder in (first, second):
            done = _run("incidental", *words, folder)
            if not done.stdout:
                return False, done.stderr.strip()
            answer = json.loads(done.stdout)
            answers.append({key: answer[key] for key in answer if key not in ("seconds", "run")})
    same = answers[0] == answers[1]
    return (
        broken.returncode < 0 and kept == 1 and same,
        f"killed with {kept} checkpoint; the same: {same}",
    )


def independent() -> tuple[bool, str]:
    """Members of an ensemble of 64 against those of one of 5, to the bit."""
    import jax
    import numpy as np

    from experiments import ensembles
    from experiments.harness.progress import Progress
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings

    differing = []
    tasks = (
        TiedReluTask(16, 256),
        TiedReluTask(16, 256, descent="adamw"),
        TiedReluTask(8, 16, noise="gaussian"),
    )
    for task in tasks:
        found = []
        for count in (64, 5):
            trained = ensembles.train(
                Progress(quiet=True),
                "promise",
                task,
                training.member_keys(jax.random.key(0), count),
                settings(count, rate=0.02, penalty=0.05, noise=0.15),
                records=10,
                every=100,
                chunks=10,
            )
            found.append(np.asarray(trained.states.params["vectors"][...])[:5])
        if not np.array_equal(found[0], found[1]):
            differing.append(str(task))
    return not differing, f"{len(tasks)} tasks, differing: {differing or 'none'}"


def faster(optimiser: str, least: float) -> tuple[bool, str]:
    """The bench's sweep; a peer that is absent was not measured."""
    from experiments import bench

    timing = bench.training_sweep(optimiser, bench.PAIRS)
    if timing.ratio is None:
        return False, "PyTorch is absent: not measured"
    return 1 / timing.ratio >= least, f"{1 / timing.ratio:.2f} times; {timing.note}"
