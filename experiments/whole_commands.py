"""Commands run whole, in processes of their own, as promises are measured on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.harness import compiled, processors

if TYPE_CHECKING:
    from jax import Array

    from experiments.models.training import Task

__all__ = ["PATIENCE", "independent", "killed", "resumed", "run"]


PATIENCE = 3600.0
"""Seconds after which a command is given up: one that hangs must not stop all that comes after."""


def run(
    name: str, *words: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run an experiment, or "" for the suite, in a fresh process with more environment variables.

    Raises subprocess.TimeoutExpired when it takes too long.
    """
    module = f"experiments.{name}" if name else "experiments"
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, **(variables or {})},
    )


def killed(
    name: str, saves: int, *words: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run an experiment in a process that kills itself after so many checkpoints, one a chunk.

    With 0 it lives, and says at last on stderr how many it has made.
    """
    code = (
        "import os, signal, sys\n"
        "from experiments import ensembles\n"
        "from experiments.harness.parts import Parts\n"
        "from experiments.harness.run import main\n"
        f"from experiments.{name} import EXPERIMENT\n"
        "ensembles.SAVE_SECONDS = 0.0\n"
        "whole, names = Parts.save, []\n"
        "def save(self, name, arrays):\n"
        "    whole(self, name, arrays)\n"
        "    names.append(name)\n"
        f"    if len(names) == {saves}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Parts.save = save\n"
        "code = main(EXPERIMENT, sys.argv[1:])\n"
        "print(len(names), file=sys.stderr)\n"
        "raise SystemExit(code)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(variables or {})},
    )


def resumed(name: str, saves: int) -> tuple[bool, str]:
    """A tiny run that is killed after so many checkpoints, against one that is not."""
    words = ["--preset", "tiny", "--json", "--quiet", "--out"]
    answers: list[Any] = []
    made: list[int] = []
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        # Compiling is no part of what is promised.
        variables = compiled.shared(Path(first), processors.threads())
        broken = killed(name, saves, *words, first, variables=variables)
        kept = len(list(Path(first).glob(f"{name}/.parts-*/*.arrays")))
        for folder in (first, second):
            done = killed(name, 0, *words, folder, variables=variables)
            if not done.stdout:
                return False, done.stderr.strip()
            made.append(int(done.stderr.split()[-1]))
            answer = json.loads(done.stdout)
            answers.append({key: answer[key] for key in answer if key not in ("seconds", "run")})
    same = answers[0] == answers[1]
    # From its checkpoint on it has fewer to make than one that starts from nothing.
    return (
        broken.returncode < 0 and kept == 1 and made[0] < made[1] and same,
        f"killed with {kept} checkpoint, {made[0]} of {made[1]} made after it; the same: {same}",
    )


def independent(
    tasks: Sequence[tuple[Task, Callable[[int], Any]]], counts: tuple[int, int] = (64, 5)
) -> tuple[bool, str]:
    """Members of a large ensemble of each task against those of a small one, to the bit.

    A task comes with the settings for a number of members.
    """
    import jax
    import numpy as np

    from experiments import ensembles
    from experiments.harness.progress import Progress
    from experiments.models import training

    def leaves(count: int, task: Task, settings: Callable[[int], Any]) -> list[Array]:
        trained = ensembles.train(
            Progress(quiet=True),
            "promise",
            task,
            training.member_keys(jax.random.key(0), count),
            settings(count),
            records=10,
            every=100,
            chunks=10,
        )
        return [leaf[: min(counts)] for leaf in jax.tree.leaves(trained.states.params)]

    differing = []
    for task, settings in tasks:
        many, few = (leaves(count, task, settings) for count in counts)
        if not all(np.array_equal(*pair) for pair in zip(many, few, strict=True)):
            differing.append(str(task))
    return not differing, f"{len(tasks)} tasks, differing: {differing or 'none'}"
