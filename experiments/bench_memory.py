"""The peak memory of one side of a contest, run once in a process of its own.

Measured is the resident memory at its largest while the run lasts, less what was resident before
it: imports, input, what the side prepared.  Compilation falls into the run.
"""

from __future__ import annotations

import ctypes
import gc
import json
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from experiments.bench_config import Config

__all__ = ["largest", "peak", "resident"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def peak(name: str, place: int, config: Config) -> int | None:
    """Return the bytes that side number `place` of a contest took; None if its process failed."""
    settings = json.dumps(asdict(config))
    done = subprocess.run(
        [sys.executable, "-m", "experiments.bench_memory", name, str(place), settings],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return int(done.stdout.split()[-1]) if done.returncode == 0 else None


def _measure(name: str, place: int, config: Config) -> int:
    from experiments.bench_subjects import subjects

    contest = subjects(config)[name]()
    try:
        prepare = contest.sides[place].prepare
        if prepare is None:
            raise ValueError("an absent side cannot be run")
        run = prepare()
        before = resident()
        run()
        return max(0, largest() - before)
    finally:
        contest.finish()


def resident() -> int:
    """Bytes resident now, from which the largest is counted anew where the system allows it."""
    gc.collect()
    # What preparing has freed would otherwise be there for the run to take again.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    # What was larger in the meantime, in preparing, is forgotten.
    with suppress(OSError):
        _RESET.write_text("5", encoding="ascii")
    return _status("VmRSS") or _from_usage()


def largest() -> int:
    """Bytes that were resident at most since `resident` was asked."""
    # The usage of a process begins with its parent's on Linux, so that it is the second choice.
    return _status("VmHWM") or _from_usage()


def _status(key: str) -> int | None:
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return 1024 * int(found[0]) if found else None


def _from_usage() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    print(_measure(sys.argv[1], int(sys.argv[2]), Config(**json.loads(sys.argv[3]))))
