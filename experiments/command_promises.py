"""What is promised of whole commands: seconds and memory of fresh processes, bad input."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from experiments import whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_PACKING = "The packing command"
_REFUSED = "Bad input"
_COLD_SECONDS = 30.0
_WIDE_SECONDS, _WIDE_BYTES = 60.0, 2 << 30

# Words that each command has to refuse.
_BAD: dict[str, tuple[tuple[str, ...], ...]] = {
    "packing": (
        *(("--dim", value) for value in ("1", "0", "-3", "2.5", "")),
        *(("--eps", value) for value in ("-0.1", "1", "1.5", "nan", "inf", "abc", "1/0", "")),
        *(("--angle", value) for value in ("0", "91")),
        ("--eps", "0.1", "--angle", "80"),
        *(("--count", value) for value in ("0", "-1", "2.5", "")),
        ("--count", "16", "--eps", "0.1"),
        ("--count", "16", "--rounds", "0"),
        ("--rounds", "3"),
        ("--out", "/dev/null/results"),
    ),
    "interference": (("--active", "5000"), ("--features", "0")),
    "readout": (("--features", "0"), ("--columns", "1.5")),
    "dimensions": (("--active", "5000"), ("--features", "0")),
    "steering": (("--active", "300"), ("--features", "0")),
    "incidental": (
        ("--neurons", "8", "--features", "16"),
        ("--penalty", "-1"),
        ("--noise", "-0.1"),
        ("--seeds", "1"),
    ),
    "causes": (("--penalty", "-1"), ("--noise", "-0.1"), ("--seeds", "1")),
}


def promises() -> Iterator[Promise]:
    """Every promise about the first question's command, and about what commands refuse."""
    yield Promise(
        _PACKING, f"(500, 0.05) cold in under {_COLD_SECONDS:.0f} s, all pairs", cold_start, 15
    )
    yield Promise(
        _PACKING,
        f"(12288, 0.05) in under {_WIDE_SECONDS:.0f} s and 2 GiB",
        partial(wide, 12288, "0.05"),
        40,
    )
    for name, bad in _BAD.items():
        yield Promise(
            _REFUSED,
            f"{name}: bad input gets one line and exit 2, nothing is written",
            partial(refuses, name),
            1.2 * len(bad),
        )


def cold_start() -> tuple[bool, str]:
    """The main job in a fresh process, its report included."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        words = ("--dim", "500", "--eps", "0.05", "--json", "--out", folder)
        done = whole_commands.run("packing", *words)
        seconds = time.perf_counter() - begun
    if done.returncode:
        return False, done.stderr.strip()
    record = json.loads(done.stdout)
    below, above = record["lower"], record["upper"]
    certificate = below["certificate"]
    holds = (
        below["count"] >= 13000
        and above["count"] == 143479
        and certificate["level"] == "all pairs"
        and certificate["pairs_checked"] == math.comb(below["count"], 2)
        and seconds < _COLD_SECONDS
    )
    return holds, f"{below['count']} .. {above['count']}, {certificate['level']}, {seconds:.1f} s"


def wide(dim: int, eps: str) -> tuple[bool, str]:
    """A large question in a fresh process: seconds, and the largest resident memory."""
    code = (
        "import sys; from experiments.bench_memory import largest; "
        "from experiments.harness.run import main; "
        "from experiments.packing import EXPERIMENT; code = main(EXPERIMENT, sys.argv[1:]); "
        "print(largest()); raise SystemExit(code)"
    )
    with tempfile.TemporaryDirectory() as folder:
        words = ["--dim", str(dim), "--eps", eps, "--quiet", "--out", folder]
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begun
    if done.returncode:
        return False, done.stderr.strip()
    peak = int(done.stdout.split()[-1])
    holds = seconds < _WIDE_SECONDS and peak < _WIDE_BYTES
    return holds, f"{seconds:.1f} s, {peak / 2**30:.2f} GiB"


def refuses(name: str) -> tuple[bool, str]:
    """Every bad value is refused in one line and nothing is written."""
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for words in _BAD[name]:
            out = () if "--out" in words else ("--out", folder)
            done = whole_commands.run(name, *words, *out)
            line = done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
            clean = not done.stdout and not any(Path(folder).iterdir())
            if not (done.returncode == 2 and line and clean):
                broken.append(" ".join(words))
    return not broken, f"{len(_BAD[name])} inputs" + (f", broken: {broken}" if broken else "")
