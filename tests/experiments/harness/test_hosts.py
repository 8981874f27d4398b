"""Hosts that share one run: the same answer, and a line and exit 3 when one is lost."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import crowd
import numpy as np
import pytest
import toy
from numpy.typing import NDArray

from experiments.harness import cli, hosts, store
from experiments.harness.errors import LOST
from experiments.harness.hosts import Crew
from experiments.harness.run import main
from geometry.rows import ALONE

PROGRESS = re.compile(r"^(crowd|computing)\b.*\([0-9]+ s\b.*\)\n", re.MULTILINE)
NOTE = "note: host 1 of 2; host 0 writes the run\n"


class Hosts:
    """Processes that share one run, each in a folder of its own, and the end of each."""

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.folder = folder
        self.words = words
        self.begun: dict[int, subprocess.Popen[str]] = {}
        # Bound while the test lasts and never listening: no other process is given the port.
        self.port = socket.socket()
        self.port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port.bind(("127.0.0.1", 0))

    def start(
        self, index: int, *words: str, count: int = 2, devices: int = 1, bare: bool = False
    ) -> None:
        address = f"127.0.0.1:{self.port.getsockname()[1]}"
        flags = ["--hosts", str(count), "--host", str(index), "--coordinator", address]
        environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices)}
        if devices > 1:
            del environment["JAX_NUM_CPU_DEVICES"]
            environment["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
        (self.folder / f"host{index}").mkdir(exist_ok=True)
        self.begun[index] = subprocess.Popen(
            [sys.executable, crowd.__file__, *["bare"] * bare, *flags, *self.words, *words],
            cwd=self.folder / f"host{index}",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_work(self, count: int = 2) -> None:
        """Wait until all have come to their point in the measurement."""
        deadline = time.monotonic() + 60
        while not all((self.folder / str(index)).exists() for index in range(count)):
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in self.begun.values())
            time.sleep(0.02)
        # The next they do is to compute, or to wait for the others.
        time.sleep(0.2)

    def end(self, index: int) -> tuple[int, str, str]:
        out, err = self.begun[index].communicate(timeout=60)
        # Progress comes after two seconds, which a busy machine may take.
        return self.begun[index].returncode, out, PROGRESS.sub("", err)

    def files(self, index: int) -> list[str]:
        return sorted(path.name for path in (self.folder / f"host{index}").iterdir())


@contextmanager
def hosts_in(folder: Path, *words: str) -> Iterator[Hosts]:
    found = Hosts(folder, ["--preset", "tiny", "--trail", str(folder), *words])
    try:
        yield found
    finally:
        for process in found.begun.values():
            process.kill()
            process.communicate()
        found.port.close()


def child_of(process: subprocess.Popen[str]) -> int:
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def test_hosts_write_one_run_which_both_find_done(tmp_path: Path) -> None:
    width = 3 * 2**18 + 1
    with hosts_in(tmp_path, "--scale", str(width), "--mode", "kernels", "--json") as both:
        for index in range(2):
            both.start(index, devices=2)
        code, out, err = both.end(0)
        assert (code, err) == (0, ""), err
        assert both.end(1) == (0, "", NOTE)
        assert both.files(1) == []
        answer = json.loads(out)
        assert answer["sum"] == 2 * crowd.LARGE + 1
        assert answer["reals"] == [crowd.FINE, crowd.FINE + 1]
        assert answer["large"] == (width - 1) * crowd.FINE
        # Two hosts of two devices find what one process finds on one and on four.
        for devices in (1, 4):
            alone = crowd.kernels(ALONE, devices)
            assert {name: answer[name] for name in alone} == alone
        run = store.load(tmp_path / "host0" / answer["run"])
        assert run.record["provenance"]["device"]["count"] == 4
        assert run.record["provenance"]["device"]["hosts"] == 2
        assert "hosts" not in run.config

        # Neither the number of hosts nor where they are is part of what is measured.
        both.start(1)
        both.start(0)
        assert both.end(1) == (0, "", NOTE)
        code, again, err = both.end(0)
        assert code == 0
        assert json.loads(again) == answer
        assert err.startswith("note: measured before")


@pytest.mark.parametrize(
    ("mode", "victim"),
    [
        ("compute", 0),  # the survivor computes, and JAX's coordinator goes
        ("compute-1", 1),  # the survivor waits in a gather
        ("compute-0", 0),
        ("stuck-1", 1),  # the survivor is inside a collective
    ],
)
def test_a_killed_host_is_named_by_the_survivor(tmp_path: Path, mode: str, victim: int) -> None:
    with hosts_in(tmp_path, "--mode", mode) as both:
        for index in range(2):
            both.start(index)
        both.at_work()
        both.begun[victim].kill()
        begun = time.monotonic()
        lost = f"error: host {victim} of 2 was lost: its connection closed.\n"
        code, out, err = both.end(1 - victim)
        assert time.monotonic() - begun < 5
        assert (code, out, err.removeprefix(NOTE)) == (LOST, "", lost)
        # What a killed host leaves behind is swept away by its next run.
        assert both.files(1 - victim) == []


def test_all_survivors_name_the_lost_host_also_one_that_hangs(tmp_path: Path) -> None:
    with hosts_in(tmp_path, "--patience", "2.5") as three:
        for index in range(3):
            three.start(index, count=3, bare=True)
        three.at_work(3)
        three.begun[1].send_signal(signal.SIGSTOP)
        lost = "error: host 1 of 3 was lost: no sign of it for 2.5 s.\n"
        assert three.end(0) == (LOST, "", lost)
        assert three.end(2) == (LOST, "", lost)
        three.begun[1].send_signal(signal.SIGCONT)
        assert three.end(1)[0] == LOST


def test_a_host_that_runs_out_of_memory_is_lost(tmp_path: Path) -> None:
    with hosts_in(tmp_path, "--mode", "compute", "--quiet") as both:
        for index in range(2):
            both.start(index)
        both.at_work()
        os.kill(child_of(both.begun[0]), signal.SIGKILL)
        lost = "error: host 0 of 2 was lost: its computing ended by SIGKILL.\n"
        for index in range(2):
            code, out, err = both.end(index)
            # Its libraries may have complained before.
            assert (code, out, err.splitlines(keepends=True)[-1]) == (LOST, "", lost)
            assert both.files(index) == []


def test_ctrl_c_on_one_host_is_a_loss_to_the_other(tmp_path: Path) -> None:
    with hosts_in(tmp_path, "--mode", "compute", "--patience", "4", "--quiet") as both:
        for index in range(2):
            both.start(index)
        both.at_work()
        both.begun[0].send_signal(signal.SIGINT)
        assert both.end(0) == (130, "", "interrupted\n")
        lost = "error: host 0 of 2 was lost: it stopped with exit code 130.\n"
        assert both.end(1) == (LOST, "", lost)
        assert both.files(0) == []


@pytest.mark.parametrize("mode", ["refuse", "refuse-1"])
def test_bad_input_that_is_seen_while_measuring(tmp_path: Path, mode: str) -> None:
    with hosts_in(tmp_path, "--mode", mode, "--patience", "4", "--quiet") as both:
        for index in range(2):
            both.start(index)
        refused = (2, "", "error: --mode is refused.\n")
        lost = (LOST, "", "error: host 1 of 2 was lost: it stopped with exit code 2.\n")
        assert both.end(1) == refused
        assert both.end(0) == (refused if mode == "refuse" else lost)
        assert both.files(0) == []


def test_a_host_that_nobody_joins(tmp_path: Path) -> None:
    words = ["--patience", "1", "--quiet"]
    with hosts_in(tmp_path, *words) as alone, hosts_in(tmp_path, *words) as another:
        alone.start(0)
        another.start(1)
        lost = "error: host 1 of 2 did not connect within 1 s.\n"
        assert alone.end(0) == (LOST, "", lost)
        code, out, err = another.end(1)
        assert (code, out) == (LOST, "")
        assert re.fullmatch(
            r"error: host 0 of 2 could not be reached at 127\.0\.0\.1:[0-9]+ within 1 s "
            r"\(connection refused\)\.\n",
            err,
        )
        assert alone.files(0) == alone.files(1) == []


def test_hosts_that_do_not_fit_together(tmp_path: Path) -> None:
    with hosts_in(tmp_path, "--quiet") as both:
        both.start(0, "--angle", "30")
        both.start(1)
        refused = (
            "error: --host 1 must run what --host 0 runs, with the same settings, input files, "
            "source and versions; got others.\n"
        )
        assert [both.end(index) for index in range(2)] == [(2, "", refused)] * 2
        both.start(0)
        both.start(2, count=3)
        refused = "error: --hosts must be the same on all hosts; got 2 on host 0 and 3 on host 2.\n"
        assert [both.end(index) for index in (0, 2)] == [(2, "", refused)] * 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--hosts 0", "--hosts must be an integer from 1 to 4096; got '0'."),
        ("--hosts 2 --host 1", "--coordinator must be given with --hosts 2, as ADDRESS:PORT of"),
        ("--host 1", "--host must be below --hosts, 1; got 1."),
        ("--hosts 2 --host 2 --coordinator a:1", "--host must be below --hosts, 2; got 2."),
        ("--host -1", "--host must be an integer, at least 0; got '-1'."),
        ("--coordinator", "--coordinator must be like 10.0.0.1:7000; got nothing."),
        ("--coordinator here", "--coordinator must be like 10.0.0.1:7000; got 'here'."),
        ("--coordinator here:0", "--coordinator must be like 10.0.0.1:7000; got 'here:0'."),
        ("--coordinator here:65536", "--coordinator must be like 10.0.0.1:7000; got"),
        ("--coordinator ::1:80", "--coordinator must be like 10.0.0.1:7000; got '::1:80'."),
        ("--patience 0", "--patience must be a number in [0.5, 3600]; got '0'."),
    ],
)
def test_bad_flags_are_one_line(words: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(crowd.EXPERIMENT, words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {line}")
    assert err.count("\n") == 1


def test_an_experiment_that_is_not_shared_has_no_such_flags(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(toy.EXPERIMENT, ["--hosts", "2"]) == 2
    assert "--hosts" in capsys.readouterr().err
    assert main(toy.EXPERIMENT, ["--help"]) == 0
    assert "--hosts" not in capsys.readouterr().out
    assert main(crowd.EXPERIMENT, ["--help"]) == 0
    assert "--coordinator ADDRESS:PORT" in capsys.readouterr().out


def test_an_address_in_brackets() -> None:
    words = ["--hosts", "2", "--coordinator", "[::1]:7000"]
    _, options = cli.parse(crowd.EXPERIMENT, words)
    assert options.team.place().address == ("::1", 7000)


class Echo(hosts.Link):
    """Others that send what this one sends."""

    def gather(self, words: NDArray[np.uint32]) -> NDArray[np.uint32]:
        assert words.size & (words.size - 1) == 0
        return np.stack([words, words])


@pytest.mark.parametrize(
    "values",
    [
        np.array(2**63 - 1),
        np.linspace(0, 1, 12).reshape(3, 4).T,
        np.array([np.nan, -0.0, np.inf, 5e-324]),
        np.array([True, False, True]),
        np.arange(5, dtype=np.uint8)[::2],
        np.zeros((0, 3)),
        np.zeros((2, 0), np.int64),
        np.array(["a", "bcd"]),
        np.array([(1, 2.5)], dtype=[("a", "i2"), ("b", "f8")]),
        np.arange(3, dtype=">i4"),
    ],
)
def test_gather_keeps_every_bit(values: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_WORDS", 4)
    gathered = Crew(0, 2, Echo()).gather(values)
    assert gathered.dtype == values.dtype
    assert gathered.shape == (2, *values.shape)
    assert [one.tobytes() for one in gathered] == [values.tobytes()] * 2
    np.testing.assert_array_equal(hosts.ALONE.gather(values), values[None])


def test_gather_refuses_objects() -> None:
    with pytest.raises(TypeError, match=r"^`values` must be numbers or text; got objects\.$"):
        Crew(0, 2, Echo()).gather(np.array([None]))
