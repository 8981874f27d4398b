"""Tests of how processes share the processors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.harness import processors

ALGEBRA = ("OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
COUNT = """
import sys, time
from pathlib import Path
import jax
jax.jit(lambda rows: rows @ rows)(jax.numpy.ones((64, 64))).block_until_ready()

def counted():
    found = 0
    for path in Path("/proc/self/task").glob("*/comm"):
        try:
            found += path.read_text().strip() == "tf_XLAEigen"
        except OSError:
            pass
    return found

# A thread gives itself its name when it first runs.
for _ in range(100):
    if counted() == int(sys.argv[1]):
        break
    time.sleep(0.1)
print(counted())
"""


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PJRT_NPROC", "NPROC", *ALGEBRA):
        monkeypatch.delenv(name, raising=False)


def test_each_has_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "count", lambda: 8)
    for processes, threads in ((1, 8), (2, 4), (3, 2), (8, 1), (9, 1)):
        assert processors.threads(processes) == threads
        assert processors.share(processes) == dict.fromkeys((*ALGEBRA, "NPROC"), str(threads))
    assert processors.threads(2, devices=6) == 6


def test_what_the_environment_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert set(processors.share(4)) == {"VECLIB_MAXIMUM_THREADS", "NPROC"}
    for told, threads in (("5", 5), ("0", 1), ("-2", 1), ("", 2), ("two", 2)):
        monkeypatch.setenv("NPROC", told)
        assert processors.threads(4) == threads
        assert ("NPROC" in processors.share(4)) is (told in ("", "two"))
    monkeypatch.setenv("PJRT_NPROC", "7")
    monkeypatch.setenv("NPROC", "5")
    assert processors.threads(4) == 7
    assert "NPROC" not in processors.share(4)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads have names on Linux only")
@pytest.mark.parametrize(
    ("variables", "processes"),
    [({}, 1), ({}, 2), ({}, 6), ({"PJRT_NPROC": "4"}, 2), ({"NPROC": "x"}, 2), ({"NPROC": "0"}, 1)],
)
def test_jax_keeps_to_its_part(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], processes: int
) -> None:
    monkeypatch.setattr(processors, "count", lambda: 6)
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    for name, told in variables.items():
        monkeypatch.setenv(name, told)
    threads = processors.threads(processes)
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(threads)],
        env={**os.environ, **processors.share(processes)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == threads
