"""Mutual coherence on 1, 2 and 4 virtual devices of one processor.

A device's number is fixed when JAX starts, so that each is a process of its own.  All are started
first and then wait; a turn asks one after the other for one run.  Virtual devices share the
processor's cores: on two cores nothing is to be gained, and what is shown is what it costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from experiments.bench_config import Config
from experiments.bench_timing import Contest, Side

__all__ = ["COUNTS", "contest", "environment", "subjects"]

COUNTS = (1, 2, 4)
SIZE = (32768, 512)
_FLAG = "--xla_force_host_platform_device_count"


def subjects(config: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    return {"devices": partial(contest, config)}


def contest(config: Config) -> Contest:
    """One device against several; the answers have to be identical."""
    n, dim = max(2, SIZE[0] // config.shrink), SIZE[1]
    started: dict[int, subprocess.Popen[str]] = {}

    def start(count: int) -> Callable[[], dict[str, Any]]:
        # All at once: they start side by side.
        for number in COUNTS:
            if number not in started:
                started[number] = _launch(number, n, dim, config.seed)
        child = started[count]
        found = _ask(child)
        if found["devices"] != count:
            raise RuntimeError(f"asked for {count} devices, got {found['devices']}")
        return partial(_ask, child)

    def finish() -> None:
        for child in started.values():
            if child.stdin is not None:
                child.stdin.close()
            if child.stdout is not None:
                child.stdout.close()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    return Contest(
        "virtual devices",
        f"{n:,} vectors, d = {dim:,}",
        [
            Side(
                f"{count} device{'s' if count > 1 else ''}",
                "variant" if place else "ours",
                partial(start, count),
                took=lambda found: float(found["seconds"]),
            )
            for place, count in enumerate(COUNTS)
        ],
        answer=lambda found: tuple(found["answer"]),
        operations=float(n) * (n - 1) * dim,
        finish=finish,
    )


def _launch(devices: int, count: int, dim: int, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.bench_devices", str(count), str(dim), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(devices),
    )


def environment(count: int) -> dict[str, str]:
    """Return the environment of a process that is to have so many virtual devices."""
    kept = {name: value for name, value in os.environ.items() if name != "JAX_NUM_CPU_DEVICES"}
    others = [word for word in kept.get("XLA_FLAGS", "").split() if not word.startswith(_FLAG)]
    flags = " ".join([*others, f"{_FLAG}={count}"])
    return kept | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}


def _ask(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Ask for one run, and wait for its line; the first run compiles."""
    if child.stdin is None or child.stdout is None:
        raise ValueError("a child needs pipes")
    line = ""
    try:
        child.stdin.write("\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except BrokenPipeError:
        pass
    if not line:
        raise RuntimeError("a process of virtual devices died; its own message is above")
    found: dict[str, Any] = json.loads(line)
    return found


def _serve(count: int, dim: int, seed: int) -> None:
    """One run for each line on stdin, one line of JSON for each run."""
    import jax

    from geometry import closest

    rows = np.random.default_rng(seed).standard_normal((count, dim), np.float32)
    for _ in sys.stdin:
        begun = time.perf_counter()
        found = closest.pairs(rows, 1, devices=jax.devices())
        seconds = time.perf_counter() - begun
        pair = [float(found.cosine[0]), int(found.first[0]), int(found.second[0])]
        answer = {"seconds": seconds, "answer": pair, "devices": jax.device_count()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve(*map(int, sys.argv[1:]))
