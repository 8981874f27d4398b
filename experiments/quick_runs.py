"""The experiments at their defaults, for the promises that are read from them.

Each by itself, which gives its seconds, or all as a suite; once for all promises.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from experiments import whole_commands
from experiments.harness import exact_json

__all__ = ["Ran", "Suite", "again", "once", "quick"]


# A cache of compiled programs that the environment names would make the first time a later one.
_COLD = {"JAX_COMPILATION_CACHE_DIR": ""}


@dataclass(frozen=True)
class Ran:
    """An experiment's run: seconds of its process, its folder and its record, or why it has none.

    A run that was found done before has no seconds.
    """

    seconds: float
    folder: Path | None
    record: dict[str, Any] | None
    reason: str


@dataclass(frozen=True)
class Suite:
    """What came of all experiments: exit code, seconds, runs by name, and claims as in
    `scorecard.json`; `trouble`, what was said where no answer came."""

    code: int
    seconds: float
    runs: dict[str, Ran]
    claims: list[dict[str, Any]]
    trouble: str

    @property
    def failed(self) -> dict[str, str]:
        """The experiments without a record, and why."""
        return {name: ran.reason for name, ran in self.runs.items() if ran.record is None}


@cache
def once() -> Suite:
    """All experiments from nothing."""
    return _suite()


def again(*words: str) -> Suite:
    """All experiments a second time, in the same folder."""
    once()
    return _suite(*words)


def quick(names: Sequence[str], limit: float, required: Sequence[str]) -> tuple[bool, str]:
    """Whether the experiments, each by itself and from nothing, kept a promise; what was seen.

    They do if they take less than `limit` seconds together, reports included, and every check
    passes whose name contains one of `required`, each of which some check has to bear; other
    verdicts are findings.
    """
    runs = {name: _alone(name) for name in names}
    broken = [f"{name}: {ran.reason}" for name, ran in runs.items() if ran.record is None]
    if broken:
        return False, "; ".join(broken)
    checks = [check for ran in runs.values() for check in (ran.record or {})["checks"]]
    missed = [part for part in required if not any(part in check["name"] for check in checks)]
    findings: list[str] = []
    for check in checks:
        if check["verdict"] != "PASS":
            must = any(part in check["name"] for part in required)
            (missed if must else findings).append(f"{check['name']} {check['verdict']}")
    spent = [ran.seconds for ran in runs.values()]
    each = " + ".join(f"{seconds:.0f}" for seconds in spent)
    said = f"{each} s" if len(spent) == 1 else f"{each} = {sum(spent):.0f} s"
    passed = sum(check["verdict"] == "PASS" for check in checks)
    said += f"; {passed} of {len(checks)} checks PASS"
    said += f"; missed: {', '.join(missed)}" if missed else ""
    said += f"; findings: {', '.join(findings)}" if findings else ""
    return not missed and sum(spent) < limit, said


@cache
def _alone(name: str) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = whole_commands.run(name, "--json", "--out", folder, variables=_COLD)
        seconds = time.perf_counter() - begun
        if not done.stdout:
            return Ran(seconds, None, None, _last(done.stderr))
        found = Path(exact_json.loads(done.stdout)["run"])
        return Ran(seconds, None, _record(found), "")


@cache
def _folder() -> str:
    """The suite's results, for as long as the process lives."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _suite(*words: str) -> Suite:
    command = ["all", "--preset", "quick", "--json", "--out", _folder(), *words]
    begun = time.perf_counter()
    try:
        done = whole_commands.run("", *command, variables=_COLD)
    except subprocess.TimeoutExpired:
        # Not raised, so that the promises that are read from it do not wait for another.
        return Suite(1, time.perf_counter() - begun, {}, [], "it took too long")
    seconds = time.perf_counter() - begun
    try:
        answer = exact_json.loads(done.stdout)
        runs = {one["name"]: _ran(one) for one in answer["experiments"]}
        return Suite(done.returncode, seconds, runs, answer["claims"], "")
    except (KeyError, ValueError):
        trouble = f"exit {done.returncode}: {_last(done.stderr)}"
        return Suite(done.returncode, seconds, {}, [], trouble)


def _ran(entry: dict[str, Any]) -> Ran:
    if entry["run"] is None:
        return Ran(entry["seconds"], None, None, entry["reason"] or "no run")
    folder = Path(entry["run"])
    return Ran(entry["seconds"], folder, _record(folder), "")


def _record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = exact_json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return found


def _last(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1] if lines else "nothing was said"
