"""What the read-out experiments promise, measured; `experiments.validate` prints it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial

from experiments import bench_kernels, bench_timing, whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Interference, read-out and steering"
# Steering's autoencoders have a promise of their own.
_COMMANDS = (
    ("interference",),
    ("readout",),
    ("dimensions",),
    ("steering", "--samples", "0"),
)
_SECONDS = 120.0
_STEERING_SECONDS = 90.0
# All of its checks, by parts of their names: closed forms, then what is recovered.
_STEERING = (
    "first false activation",
    "selectivity of",
    "selectivity in",
    "C14:",
    "C16:",
    "spurious share",
    "selectivity kept by the recovered direction",
    "activation of the latent",
)
_BYTES = 5 << 28
_COLUMNS = (0.1, 0.25, 0.5, 0.75, 0.9)


def promises() -> Iterator[Promise]:
    """Every promise about reading superposed features."""
    yield Promise(
        _SUBJECT,
        f"{', '.join(' '.join(words) for words in _COMMANDS)}, quick: every check passes, in under "
        f"{_SECONDS:.0f} s together",
        commands,
    )
    yield Promise(
        _SUBJECT,
        "steering, quick: the closed forms hold within intervals; the recovered direction's "
        f"selectivity as a share of the true one's; under {_STEERING_SECONDS:.0f} s",
        partial(whole_commands.quick, ("steering",), _STEERING_SECONDS, _STEERING),
    )
    yield Promise(
        _SUBJECT,
        "a killed steering run goes on to the same bits",
        partial(whole_commands.resumed, "steering", 2),
    )
    yield Promise(
        _SUBJECT,
        f"l1 transition within 5% of Donoho-Tanner, d/N = {_COLUMNS}, signed and nonnegative, "
        "N = 400 and more (1,690 at .1, 479 at .25), 400 trials a k",
        l1_transition,
    )
    yield Promise(
        _SUBJECT, "1e6 read-outs at half of the matrix product's rate or more", readout_rate
    )
    yield Promise(
        _SUBJECT, "65,536 features in 1,024 dimensions read within 1.25 GiB", readout_memory
    )


def commands() -> tuple[bool, str]:
    """The four experiments in fresh processes, reports included."""
    seconds, others = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, *words in _COMMANDS:
            begun = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", f"experiments.{name}", *words, "--json", "--out", folder],
                capture_output=True,
                text=True,
                check=False,
            )
            seconds += time.perf_counter() - begun
            if not done.stdout:
                return False, done.stderr.strip()
            checks = json.loads(done.stdout)["checks"]
            others += [check["name"] for check in checks if check["verdict"] != "PASS"]
    seen = f"{seconds:.0f} s" + (f", not passed: {others}" if others else "")
    return not others and seconds < _SECONDS, seen


def l1_transition() -> tuple[bool, str]:
    """The crossing of recovery over Donoho and Tanner's, with its interval, for each column."""
    from experiments import readout_parts

    outside, seen = [], []
    for delta in _COLUMNS:
        for nonnegative in (False, True):
            one = readout_parts.transition(0, 400, delta, 400, 10, nonnegative=nonnegative)
            interval = one["interval"]
            if interval is None:
                return False, f"no crossing at d/N = {delta}"
            seen.append(f"{one['ratio']:.3f}")
            if not (interval[0] >= 0.95 and interval[1] <= 1.05):
                kind = "nonnegative" if nonnegative else "signed"
                outside.append(f"{delta} {kind} {interval[0]:.3f} to {interval[1]:.3f}")
    return not outside, ", ".join(seen) + (f"; outside: {outside}" if outside else "")


def readout_rate() -> tuple[bool, str]:
    """The bench's ratio of the kernel's time to the product's."""
    return bench_timing.kept(bench_kernels.readouts())


def readout_memory() -> tuple[bool, str]:
    """The largest resident memory of a fresh process that reads a large dictionary."""
    code = (
        "import resource, jax, numpy as np; from geometry import readout; "
        "from geometry.signals import Activity; "
        "rows = np.random.default_rng(0).standard_normal((65536, 1024), np.float32); "
        "found = readout.read(jax.random.key(1), rows, Activity(16), np.array([0.5]), "
        "bins=readout.Bins(-2.0, 3.0, 320), blocks=20); jax.block_until_ready(found); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return False, done.stderr.strip()
    peak = int(done.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    return peak < _BYTES, f"{peak / 2**30:.2f} GiB, of which W has 0.25"
