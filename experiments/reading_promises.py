"""What the read-out experiments promise, measured; `experiments.validate` prints it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from experiments import bench_kernels, bench_timing, quick_runs, whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Interference, read-out and steering"
_COMMANDS = ("interference", "readout", "dimensions", "steering")
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
        f"{', '.join(_COMMANDS)}, quick: every check passes, in under {_SECONDS:.0f} s together",
        partial(quick_runs.quick, _COMMANDS, _SECONDS, ("",)),
        90,
    )
    yield Promise(
        _SUBJECT,
        "steering, quick: the closed forms hold within intervals; the recovered direction's "
        f"selectivity as a share of the true one's; under {_STEERING_SECONDS:.0f} s",
        partial(quick_runs.quick, ("steering",), _STEERING_SECONDS, _STEERING),
    )
    yield Promise(
        _SUBJECT,
        "a killed steering run goes on to the same bits",
        partial(whole_commands.resumed, "steering", 2),
        17,
    )
    yield Promise(
        _SUBJECT,
        f"l1 transition within 5% of Donoho-Tanner, d/N = {_COLUMNS}, signed and nonnegative, "
        "N = 400 and more (1,690 at .1, 479 at .25), 400 trials a k",
        l1_transition,
        50,
    )
    yield Promise(
        _SUBJECT,
        "interference of a file: a zero or NaN row gets one line and exit 2, rows of other lengths "
        "are scaled with a notice",
        files,
        10,
    )
    yield Promise(
        _SUBJECT, "1e6 read-outs at half of the matrix product's rate or more", readout_rate, 45
    )
    yield Promise(
        _SUBJECT, "65,536 features in 1,024 dimensions read within 1.25 GiB", readout_memory, 8
    )


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


def files() -> tuple[bool, str]:
    """Dictionaries as users bring them."""
    rows = np.random.default_rng(0).standard_normal((64, 16))
    broken = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for bad, value in (("zero", 0.0), ("NaN", np.nan)):
            given = rows.copy()
            given[7] = value
            np.save(folder / f"{bad}.npy", given)
            done = _interference(folder / f"{bad}.npy", folder / "out")
            line = done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
            if not (done.returncode == 2 and line and not (folder / "out").exists()):
                broken.append(f"a {bad} row")
        np.save(folder / "long.npy", 3 * rows)
        said = _interference(folder / "long.npy", folder / "out").stdout
        if "not of unit length" not in said:
            broken.append("rows of other lengths")
    return not broken, f"3 files, broken: {broken or 'none'}"


def _interference(file: Path, out: Path) -> subprocess.CompletedProcess[str]:
    words = ("--preset", "tiny", "--dim", "16", "--features", "64", "--active", "2", "--quiet")
    return whole_commands.run("interference", "--file", str(file), *words, "--out", str(out))


def readout_rate() -> tuple[bool, str]:
    """The bench's ratio of the kernel's time to the product's."""
    return bench_timing.kept(bench_kernels.readouts())


def readout_memory() -> tuple[bool, str]:
    """The largest resident memory of a fresh process that reads a large dictionary."""
    code = (
        "import jax, numpy as np; from geometry import readout; "
        "from experiments.bench_memory import largest; "
        "from geometry.signals import Activity; "
        "rows = np.random.default_rng(0).standard_normal((65536, 1024), np.float32); "
        "found = readout.read(jax.random.key(1), rows, Activity(16), np.array([0.5]), "
        "bins=readout.Bins(-2.0, 3.0, 320), blocks=20); jax.block_until_ready(found); "
        "print(largest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return False, done.stderr.strip()
    peak = int(done.stdout.split()[-1])
    return peak < _BYTES, f"{peak / 2**30:.2f} GiB, of which W has 0.25"
