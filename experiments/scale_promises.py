"""What is promised of speed, size, devices and hosts; `experiments.validate` prints it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments import bench_coherence, bench_devices, bench_machine, bench_timing
from experiments.bench_config import Config
from experiments.bench_peers import PEERS
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Speed, size, devices and hosts"
_LARGE = (1_000_000, 64)
_LARGE_BYTES, _LARGE_SECONDS = 2 << 30, 600.0
_PLANTED = (150, 16)
_KINDS = ("int8", "float16", "bfloat16", "float32", "float64")
_BLOCKS = (16, 64, 128)
_SHARED = (30_000, 64)  # enough for the narrow type to be tried
_WATCHED = (600_000, 64)
_LOST_SECONDS = 30.0
_PATIENCE = 300.0  # of a process that hangs, which breaks a promise and ends no run


def promises() -> Iterator[Promise]:
    """Every promise about kernels at scale."""
    count, dim = bench_coherence.JUDGED
    amx = bench_machine.has_amx()
    least = bench_coherence.LEAST_AMX if amx else bench_coherence.LEAST_ELSEWHERE
    yield Promise(
        _SUBJECT,
        f"mutual coherence, n = {count}, d = {dim}: at least {least:g} times as fast as the "
        f"fastest of {', '.join(PEERS)}, each with half of the pairs "
        f"({'with' if amx else 'without'} AMX)",
        partial(coherence, count, dim),
        220,
    )
    for name, (dim, count) in bench_coherence.FLAT.items():
        yield Promise(
            _SUBJECT,
            f"mutual coherence of a flat spectrum ({name.title()}, n = {count}, d = {dim}): at "
            f"most {bench_coherence.FLAT_LIMIT:g} times the path at full precision",
            partial(flat, name),
            45,
        )
    yield Promise(
        _SUBJECT,
        f"a planted near-duplicate is found: {len(_KINDS)} types, {len(_BLOCKS)} sizes of blocks, "
        "with a screen and without, at any place",
        planted,
        20,
    )
    yield Promise(
        _SUBJECT,
        f"closest pair of n = {_LARGE[0]:,}, d = {_LARGE[1]}: within {_LARGE_BYTES >> 30} GiB "
        f"beyond the input, under {_LARGE_SECONDS:.0f} s",
        large,
        240,
    )
    yield Promise(
        _SUBJECT, "audit on 1, 4 and 2 x 2 devices of two hosts: identical answers", identical, 30
    )
    for words in ("a peer is killed", "the coordinator is killed", "a peer never connects"):
        yield Promise(
            _SUBJECT,
            f"two hosts, {words}: one line and exit 3 within {_LOST_SECONDS:.0f} s",
            partial(lost, words),
            30,
        )


def coherence(count: int, dim: int) -> tuple[bool, str]:
    """The bench's contest; a peer that is absent was not measured."""
    return bench_timing.kept(bench_coherence.contest(count, dim, Config()))


def flat(name: str) -> tuple[bool, str]:
    """The bench's contest."""
    return bench_timing.kept(bench_coherence.flat(name, Config()))


def planted() -> tuple[bool, str]:
    """Integer rows, exact in every type, one a copy of another but for one entry and a sign."""
    import ml_dtypes

    from geometry import closest

    count, dim = _PLANTED
    generator = np.random.default_rng(0)
    missed: list[str] = []
    tried = 0
    for kind, block, screen in itertools.product(_KINDS, _BLOCKS, ("bfloat16", "float32")):
        for ends in ([0, 1], [0, count - 1], [block - 1, block], None):
            first, second = ends or sorted(generator.choice(count, 2, replace=False).tolist())
            rows = generator.integers(-8, 9, _PLANTED)
            rows[second] = generator.choice((-1, 1)) * rows[first]
            rows[second, generator.integers(dim)] += 1
            given = rows.astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)
            found = closest.pairs(given, block=block, screen=screen)
            right = (found.first[0], found.second[0]) == (first, second)
            tried += 1
            if not (right and found.unseen < found.cosine[0]):
                missed.append(f"{kind}, blocks of {block}, {screen}: rows {first} and {second}")
    return not missed, f"{tried} tables, missed: {missed or 'none'}"


def large() -> tuple[bool, str]:
    """A planted near-duplicate among random rows, in a process of its own."""
    code = "from experiments.scale_promises import run_large; run_large()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return False, done.stderr.strip()[-200:]
    found = json.loads(done.stdout)
    holds = found["bytes"] <= _LARGE_BYTES and found["seconds"] < _LARGE_SECONDS and found["pair"]
    return holds, (
        f"{found['seconds']:.0f} s, {found['bytes'] / 2**30:.2f} GiB; the planted pair is "
        f"{'found' if found['pair'] else 'missed'}"
    )


def run_large() -> None:
    """Print seconds, peak bytes beyond the input, and whether the planted pair was found."""
    import jax

    from experiments import bench_memory
    from geometry import closest

    count, dim = _LARGE
    rows = np.random.default_rng(0).standard_normal((count, dim), np.float32)
    planted = [count // 3, count // 2]
    rows[planted[0]] = rows[planted[1]] + 1e-3
    jax.devices()
    before = bench_memory.resident()
    begun = time.perf_counter()
    found = closest.pairs(rows)
    seconds = time.perf_counter() - begun
    pair = [found.first.tolist(), found.second.tolist()] == [planted[:1], planted[1:]]
    beyond = bench_memory.largest() - before
    proved = found.unseen < found.cosine[0]
    print(json.dumps({"seconds": seconds, "bytes": beyond, "pair": bool(pair and proved)}))


def identical() -> tuple[bool, str]:
    """One table, raw and centred, all pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npy"
        np.save(path, np.random.default_rng(0).standard_normal(_SHARED).astype(np.float16))
        answers = []
        for devices, hosts in ((1, 1), (4, 1), (2, 2)):
            address = f"127.0.0.1:{_free_port()}"
            # Folders of their own: none may find the others' run.
            started = [
                _audit(path, Path(folder) / f"{hosts}x{devices}", devices, hosts, host, address)
                for host in range(hosts)
            ]
            try:
                ended = [process.communicate(timeout=_PATIENCE) for process in started]
            finally:
                for process in started:
                    process.kill()
            if any(process.returncode for process in started):
                return False, " ".join(err.strip() for _, err in ended)[-300:]
            answers.append(_without_times(json.loads(ended[0][0])))
    same = [answer == answers[0] for answer in answers]
    return all(same), f"4 devices {'as' if same[1] else 'unlike'} 1, 2 x 2 " + (
        "as 1" if same[2] else "unlike 1"
    )


def lost(words: str) -> tuple[bool, str]:
    """Of two hosts one is lost; the other's end, timed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npy"
        np.save(path, np.random.default_rng(0).standard_normal(_WATCHED, np.float32))
        address = f"127.0.0.1:{_free_port()}"
        victim = 0 if "coordinator" in words else 1
        absent = "never" in words
        begun = time.perf_counter()
        started = {
            host: _audit(path, Path(folder) / "out", 1, 2, host, address)
            for host in range(2)
            if not (absent and host == victim)
        }
        try:
            if not absent:
                # Both have met and measure once host 0 has its folder; comparing takes minutes.
                while not any((Path(folder) / "out" / "audit").glob(".unfinished*")):
                    if any(process.poll() is not None for process in started.values()):
                        break
                    time.sleep(0.1)
                time.sleep(15)
                begun = time.perf_counter()
                os.kill(started[victim].pid, signal.SIGKILL)
            survivor = started[1 - victim]
            out, err = survivor.communicate(timeout=_PATIENCE)
            seconds = time.perf_counter() - begun
        finally:
            for process in started.values():
                process.kill()
                process.communicate()
    line = err.startswith("error: ") and err.count("\n") == 1
    holds = survivor.returncode == 3 and seconds < _LOST_SECONDS and line and not out
    return holds, f"exit {survivor.returncode} after {seconds:.1f} s: {err.strip()}"


def _audit(
    path: Path, out: Path, devices: int, hosts: int, host: int, address: str
) -> subprocess.Popen[str]:
    words = ["--hosts", str(hosts), "--host", str(host), "--coordinator", address]
    asked = ["--preset", "tiny", "--pairs", "all", "--json", "--quiet", "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.audit", str(path), *asked, *(words * (hosts > 1))],
        env=bench_devices.environment(devices),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("seconds", "run")}
