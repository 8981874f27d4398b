"""A run that fails, is interrupted or is killed: nothing half-written, and one line said."""

import errno
import fcntl
import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import toy

from experiments.harness import store
from experiments.harness.errors import InputError
from experiments.harness.experiment import Figure, Result, Table
from experiments.harness.progress import Progress
from experiments.harness.run import main

RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
OLD = 10_000.0  # seconds; more than the grace of a folder without a lock


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in an empty folder, and returns a file with a line for each measurement."""
    return toy.empty_folder(tmp_path, monkeypatch)


class Dropping:
    """Ctrl-C comes while this is taken away, where no exception can be raised."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def dropped() -> None:
    thing = Dropping()
    del thing


def leftover(name: str, *, age: float) -> Path:
    folder = Path("results/toy") / f".unfinished-{name}"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{}", encoding="utf-8")
    os.utime(folder, (time.time() - age,) * 2)
    return folder


def test_ctrl_c_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(toy.EXPERIMENT, ["--mode", "interrupt"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
    assert list(Path().iterdir()) == []


def test_ctrl_c_that_python_drops_stops_the_next_step(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = []

    def measure(config: toy.Config, progress: Progress) -> Result:
        with progress.phase("adding") as step:
            dropped()
            reached.append("dropped")
            step()
            reached.append("too far")
        return toy.measure(config, progress)

    assert main(replace(toy.EXPERIMENT, measure=measure), []) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
    assert reached == ["dropped"]
    assert list(Path().iterdir()) == []
    # The next run knows nothing of it.
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert main(toy.EXPERIMENT, []) == 0


def test_ctrl_c_that_python_drops_publishes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def figures(config: toy.Config, result: Result) -> list[Figure]:
        dropped()
        return []

    assert main(replace(toy.EXPERIMENT, figures=figures), []) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
    assert list(Path("results").iterdir()) == [Path("results/plotly.min.js")]


def test_ctrl_c_that_becomes_another_error_is_still_ctrl_c(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def measure(config: toy.Config, progress: Progress) -> Result:
        dropped()
        raise RuntimeError("a callback failed")

    assert main(replace(toy.EXPERIMENT, measure=measure), []) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_what_else_python_drops_is_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[type[BaseException]] = []

    class Broken:
        def __del__(self) -> None:
            raise ZeroDivisionError

    def measure(config: toy.Config, progress: Progress) -> Result:
        thing = Broken()
        del thing
        return toy.measure(config, progress)

    monkeypatch.setattr(sys, "unraisablehook", lambda found: reported.append(found.exc_type))
    assert main(replace(toy.EXPERIMENT, measure=measure), []) == 0
    assert reported == [ZeroDivisionError]


def test_a_defect_keeps_its_traceback_and_leaves_nothing() -> None:
    with pytest.raises(ZeroDivisionError, match="a defect in measure"):
        main(toy.EXPERIMENT, ["--mode", "defect"])
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data": {"a": float("nan")}}, ValueError, r"^`data\['a'\]` must be finite, or None"),
        ({"data": {"run": 1}}, ValueError, r"^`data` must leave the key 'run' to the harness\.$"),
        ({"arrays": {"a": np.array([{}])}}, TypeError, r"^`arrays\['a'\]` must be numbers or"),
        ({"tables": {"../a": Table((), ())}}, ValueError, r"^`tables` must have names like"),
        ({"tables": {"a": Table(("x",), ((1, 2),))}}, ValueError, r"must have 1 cells a row; got"),
        ({"tables": {"a": Table(("x",), ((np.inf,),))}}, ValueError, r"^`tables\['a'\]\[0\]` must"),
    ],
)
def test_results_that_cannot_be_kept(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        main(toy.measuring(**changes), [])
    assert list(Path().iterdir()) == []


def test_a_defect_in_a_figure_keeps_the_measurement(calls: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        main(toy.EXPERIMENT, ["--mode", "ugly"])
    folder = toy.only_run()
    assert caught.value.__notes__ == [
        f"The measurement is kept: python -m experiments.show {folder}"
    ]
    assert not (folder / "report.html").exists()

    def figures(config: toy.Config, result: Result) -> list[Figure]:
        return [Figure("one", "One", go.Figure(go.Scatter(y=result.arrays["draws"])), "c")]

    assert main(replace(toy.EXPERIMENT, figures=figures), ["--mode", "ugly"]) == 0
    assert (folder / "report.html").exists()
    assert toy.count(calls) == 1


def test_leftovers_go_when_their_process_is_gone(calls: Path) -> None:
    dead, young, held = (leftover(name, age=OLD) for name in ("dead", "young", "held"))
    os.utime(young)
    lock = os.open(held, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert main(toy.EXPERIMENT, []) == 0
        assert [folder.exists() for folder in (dead, young, held)] == [False, True, True]
    finally:
        os.close(lock)
    # None of them is ever taken for a run.
    assert len(store.runs(Path("results/toy"))) == 1
    assert store.locate(Path("results/toy")).name.startswith("2")
    assert "unfinished" not in Path("results/index.html").read_text(encoding="utf-8")


def test_a_run_at_work_is_no_leftover(tmp_path: Path) -> None:
    with store.draft(tmp_path, "toy") as folder:
        os.utime(folder, (time.time() - OLD,) * 2)
        store.remove_leftovers(folder.parent)
        assert folder.exists()
    assert not folder.exists()


def test_a_killed_run_is_swept_away_and_an_interrupted_one_sweeps_itself(calls: Path) -> None:
    children = [toy.process("--mode", "slow", "--out", name) for name in ("killed", "interrupted")]
    deadline = time.monotonic() + 60
    while toy.count(calls) < 2:
        assert time.monotonic() < deadline
        assert all(child.poll() is None for child in children)
        time.sleep(0.02)
    killed, interrupted = children
    killed.kill()
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.communicate(timeout=60) == ("", "interrupted\n")
    assert interrupted.returncode == 130
    killed.communicate(timeout=60)
    assert [path.name for path in Path().iterdir()] == ["killed"]
    rest = toy.only_run("killed")
    assert rest.name.startswith(".unfinished-")
    os.utime(rest, (time.time() - OLD,) * 2)
    assert main(toy.EXPERIMENT, ["--out", "killed"]) == 0
    assert RUN.fullmatch(toy.only_run("killed").name)


def test_a_full_disk_leaves_nothing() -> None:
    # A limit on the size of files, in blocks of 1024 bytes, fails as a full disk does.
    child = toy.process("--mode", "large", prefix="ulimit -f 64;")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (1, "")
    assert re.fullmatch(r"error: File too large.*\n", err), err
    assert list(Path().iterdir()) == []


def test_a_disk_that_fills_up_while_drawing_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def figures(config: toy.Config, result: Result) -> list[Figure]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "re\nport.html")

    assert main(replace(toy.EXPERIMENT, figures=figures), []) == 1
    assert capsys.readouterr() == ("", "error: No space left on device: 're\\nport.html'\n")
    assert list(Path("results").iterdir()) == [Path("results/plotly.min.js")]


def test_a_reader_that_leaves_gets_no_traceback() -> None:
    assert main(toy.EXPERIMENT, []) == 0
    child = toy.process("--quiet")
    assert child.stdout is not None
    child.stdout.close()
    child.stdout = None
    assert child.communicate(timeout=60)[1] == ""
    assert child.returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_costs_nothing(closed: str) -> None:
    child = toy.process(prefix=f"exec {closed};")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0
    assert (out == "") == (closed != "2>&-")
    assert err == ""
    store.load(toy.only_run())


@pytest.mark.parametrize("name", ["config.json", "record.json", "arrays.npz", "dims.csv"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff{"])
def test_a_broken_folder_is_said_in_one_line(name: str, content: bytes | None) -> None:
    source = Path("source")
    if not source.exists():
        assert main(toy.EXPERIMENT, ["--out", "source"]) == 0
    file = toy.only_run("source") / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=r"^RUN must be a whole run folder; got '.*") as caught:
        store.load(toy.only_run("source"))
    assert len(str(caught.value)) < 400
