"""Tests of how processes share the processors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.harness import processors

VARIABLES = ("NPROC", "OMP_NUM_THREADS")
COUNT = """
from pathlib import Path
import jax
jax.jit(lambda rows: rows @ rows)(jax.numpy.ones((64, 64))).block_until_ready()
names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
print(names.count("tf_XLAEigen"))
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_each_has_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "count", lambda: 8)
    for processes, threads in ((1, "8"), (2, "4"), (3, "2"), (8, "1"), (9, "1")):
        assert processors.share(processes) == dict.fromkeys(VARIABLES, threads)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert processors.share(4) == {"NPROC": "2"}


def test_records_say_how_many_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "count", lambda: 8)
    assert processors.told() == "8 CPUs"
    monkeypatch.setenv("NPROC", "4")
    assert processors.told() == "8 CPUs, 4 used"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads have names on Linux only")
def test_jax_keeps_to_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "count", lambda: 6)
    # A client has as many threads as devices at the least.
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    for processes, threads in ((1, 6), (2, 3), (6, 1)):
        done = subprocess.run(
            [sys.executable, "-c", COUNT],
            env={**os.environ, **processors.share(processes)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) == threads
