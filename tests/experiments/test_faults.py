"""Real experiments that are killed, interrupted, or have nowhere to write: nothing half-written."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_runs import experiment, tiny_run

from experiments.command import main
from experiments.harness import exact_json, store
from experiments.harness.errors import InputError

# One that trains, in processes that compile nothing new; and one that keeps parts as it goes.
NAMES = ("capacity", "atlas")
RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
# Seconds after its folder is there; the runs go on for two or three, longer on a busy machine.
MOMENTS = random.Random(10)
LONGEST = 2.5


def command(name: str, out: Path | str) -> list[str]:
    words = ["--preset", "tiny", "--quiet", "--out", str(out)]
    return [sys.executable, "-m", f"experiments.{name}", *words]


def struck(name: str, out: Path, blow: signal.Signals) -> tuple[int, str, str]:
    """Start the command, send the signal at a random moment of its work; return how it ended."""
    before = set((out / name).glob(".unfinished-*"))
    child = subprocess.Popen(
        command(name, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while child.poll() is None and set((out / name).glob(".unfinished-*")) <= before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(MOMENTS.uniform(0, LONGEST))
    child.send_signal(blow)
    said, error = child.communicate(timeout=120)
    return child.returncode, said, error


def assert_nothing_is_half(name: str, out: Path) -> int:
    """All that a reader may find is whole; return how many runs there are."""
    folders = store.runs(out / name)
    for folder in folders:
        run = store.load(folder)
        found = store.find(out, name, run.record["fingerprint"])
        assert found is not None
        assert found.folder in folders
        assert (folder / "report.html").read_text("utf-8").rstrip().endswith("</html>")
    if folders:
        assert store.locate(out) in folders
    else:
        for place in (out, out / name):
            with pytest.raises(InputError, match="RUN must be the folder of a run"):
                store.locate(place)
    seen = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert seen <= {name, "index.html", "scorecard.json", "SCORECARD.md", "plotly.min.js"}
    if "index.html" in seen:
        assert (out / "index.html").read_text("utf-8").rstrip().endswith("</html>")
    if "scorecard.json" in seen:
        listed = exact_json.loads((out / "scorecard.json").read_text("utf-8"))["runs"]
        assert len(listed) <= len(folders)
    inside = {path.name for path in (out / name).iterdir() if not path.name.startswith(".")}
    assert inside == {folder.name for folder in folders}
    return len(folders)


def measured(folder: Path) -> dict[str, Any]:
    """What was measured, times left out."""
    run = store.load(folder)
    record = {key: run.record[key] for key in ("data", "checks", "claims", "fingerprint", "tables")}
    return record | {"config": run.config, "rows": run.result.tables}


def assert_same(one: Path, other: Path) -> None:
    assert measured(one) == measured(other)
    ours, theirs = (store.load(folder).result.arrays for folder in (one, other))
    assert set(ours) == set(theirs)
    for key, values in ours.items():
        np.testing.assert_array_equal(values, theirs[key])


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_interrupted_runs_leave_nothing_half_and_go_on(
    name: str, tmp_path: Path
) -> None:
    whole = tiny_run(name)
    for blow in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
        before = assert_nothing_is_half(name, tmp_path) if (tmp_path / name).exists() else 0
        code, said, error = struck(name, tmp_path, blow)
        done = assert_nothing_is_half(name, tmp_path)
        if blow is signal.SIGINT and (code, done) == (130, before):
            assert (said, error) == ("", "interrupted\n")
        elif code >= 0:
            # It was done before the blow came, or had published its run when it did.
            assert (code, done) in ((0, 1), (130, 1))
        else:
            assert code == -blow
    last = subprocess.run(command(name, tmp_path), capture_output=True, text=True, check=False)
    assert (last.returncode, last.stderr) == (0, "")
    assert assert_nothing_is_half(name, tmp_path) == 1
    assert_same(store.locate(tmp_path), whole)
    assert not list((tmp_path / name).glob(".parts-*"))


# In a name space of its own, whose file systems nobody else sees: a disk of one MiB, the command,
# what that left; a larger disk, the command again, and a copy of what lies there then.
FULL_DISK = """
mount -t tmpfs -o size=1m tmpfs disk && "$0" "$@"
code=$?
find disk -type f > left.txt
mount -o remount,size=64m disk && "$0" "$@" > next.txt 2> said.txt
echo $? > code.txt
cp -r disk/. copy
exit $code
"""


def test_a_full_disk_is_said_in_one_line_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiny_run("atlas")
    monkeypatch.chdir(tmp_path)
    for folder in ("disk", "copy"):
        Path(folder).mkdir()
    alone = ["unshare", "--map-root-user", "--mount"]
    if shutil.which(alone[0]) is None:
        pytest.skip("a disk of its own needs unshare, of Linux")
    probe = subprocess.run(
        [*alone, "mount", "-t", "tmpfs", "tmpfs", "disk"], capture_output=True, check=False
    )
    if probe.returncode != 0:
        pytest.skip(f"a disk of its own cannot be mounted here: {probe.stderr.decode().strip()}")
    words = [*alone, "sh", "-c", FULL_DISK, *command("atlas", "disk")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: No space left on device.*\n", done.stderr), done.stderr
    left = [Path(line).relative_to("disk") for line in Path("left.txt").read_text().splitlines()]
    # Finished parts of the measurement, each whole, are what the next run goes on from.
    assert {path.parts[1][:7] for path in left} <= {".parts-"}
    assert (Path("code.txt").read_text(), Path("said.txt").read_text()) == ("0\n", "")
    assert assert_nothing_is_half("atlas", Path("copy")) == 1
    assert_same(store.locate(Path("copy")), whole)


def test_a_file_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files, in blocks of 1024 bytes, fails as a full disk does.
    shell = ["bash", "-c", 'ulimit -f 16; exec "$0" "$@"', *command("atlas", tmp_path / "runs")]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: File too large.*\n", done.stderr), done.stderr
    left = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "runs").parts[1][:7] for path in left} <= {".parts-"}


@pytest.mark.parametrize("name", NAMES)
def test_nowhere_to_write_is_said_before_anything_is_measured(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/runs")):
        assert main(experiment(name), command(name, out)[3:]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.fullmatch(r"error: --out must be a folder .*; got .*\n", captured.err)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
