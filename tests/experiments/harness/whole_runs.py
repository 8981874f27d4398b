"""What every experiment's tests hold: help is light, bad input is one line, reports open."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import audited
import pytest
from browser import launch, visit

from experiments.__main__ import discover
from experiments.command import main
from experiments.harness.experiment import Experiment

VIEWS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1400, "light"), (380, "dark"))


def experiment(name: str) -> Experiment[Any]:
    """Return the experiment of `python -m experiments.<name>`."""
    found = importlib.import_module(f"experiments.{name}").EXPERIMENT
    assert isinstance(found, Experiment)
    return found


def tiny_run(name: str) -> Path:
    """Return the folder of an experiment's tiny run, which the tests of a session share: read only.

    Whoever needs it first makes it, as a user does: by the command in a process of its own.  While
    one worker of xdist is at it, another that needs it too makes a run that will be needed next.
    """
    share = Path(os.environ["TESTS_SHARE"])
    made = _make(name, share, wait=False)
    while not made and any(_make(other, share, wait=False) for other in _others(share)):
        made = _make(name, share, wait=False)
    _make(name, share, wait=True)
    code, said = json.loads((share / f"{name}.json").read_text(encoding="utf-8"))
    # Exit code 1 is a FAIL, which so few trials may bring.
    assert code in (0, 1), said
    assert said == ""
    folders = (share / "results" / name).iterdir()
    (folder,) = (path for path in folders if not path.name.startswith("."))
    return folder


def _others(share: Path) -> list[str]:
    """Experiments whose tiny run nobody has made, the last first, as others come from the front."""
    names = [experiment.name for experiment in discover() if not experiment.alone]
    return [name for name in reversed(names) if not (share / f"{name}.json").exists()]


def _make(name: str, share: Path, *, wait: bool) -> bool:
    """Make an experiment's tiny run unless it is there; False if another is at it now."""
    with (share / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        kept = share / f"{name}.json"
        if not kept.exists():
            command = [sys.executable, "-m", f"experiments.{name}", *tiny_words(name)]
            command += ["--quiet", "--out", str(share / "results")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            kept.write_text(json.dumps([done.returncode, done.stderr]), encoding="utf-8")
        return True


def tiny_words(name: str) -> list[str]:
    """Return the words of an experiment's tiny run; the audit needs a file beside its preset."""
    if name != "audit":
        return ["--preset", "tiny"]
    files = Path(os.environ["TESTS_SHARE"]) / "audited"
    files.mkdir(exist_ok=True)
    audited.save(files)
    table, words = str(files / "table.safetensors"), str(files / "words.txt")
    return [table, "--preset", "tiny", "--vocabulary", words]


def assert_help_is_light(name: str) -> None:
    """`--help` names the command, and imports none of the heavy libraries."""
    code = (
        "import sys\n"
        f"from experiments.{name} import EXPERIMENT, main\n"
        "code = main(EXPERIMENT, ['--help'])\n"
        "heavy = {'jax', 'flax', 'scipy', 'plotly'} & set(sys.modules)\n"
        "print('exit', code, 'heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "exit 0 heavy: []" in done.stdout
    assert f"python -m experiments.{name}" in done.stdout


def assert_refused(
    name: str, words: list[str], said: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input gets one line on stderr that holds `said`, exit code 2, and writes nothing."""
    given = ["--preset", "tiny", "--quiet", "--out", str(out), *words]
    assert main(experiment(name), given) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert not out.exists()


def assert_opens(folder: Path, figures: list[str]) -> None:
    """The report opens offline, wide and narrow, light and dark, and every figure draws."""
    with launch() as browser:
        for width, scheme in VIEWS:
            with visit(browser, folder / "report.html", width=width, scheme=scheme) as page:
                page.settle()
                assert page.errors == []
                plots = page.plots()
                assert list(plots) == figures
                assert {plot.state for plot in plots.values()} == {"drawn"}
                assert page.overflow() <= 0
                assert all(url.startswith("file:") for url in page.requests)
