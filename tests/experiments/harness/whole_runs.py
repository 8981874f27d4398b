"""What every experiment's tests hold: help is light, bad input is one line, reports open."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from browser import launch, visit

from experiments.command import main
from experiments.harness.experiment import Experiment

VIEWS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1400, "light"), (380, "dark"))


def experiment(name: str) -> Experiment[Any]:
    """Return the experiment of `python -m experiments.<name>`."""
    found = importlib.import_module(f"experiments.{name}").EXPERIMENT
    assert isinstance(found, Experiment)
    return found


def tiny_runs(names: tuple[str, ...], out: Path) -> dict[str, Path]:
    """Run each at the tiny preset, and return the run folders."""
    folders = {}
    for name in names:
        # Exit code 1 is a FAIL, which so few trials may bring.
        code = main(experiment(name), ["--preset", "tiny", "--quiet", "--out", str(out)])
        assert code in (0, 1)
        (folders[name],) = [path for path in (out / name).iterdir() if path.is_dir()]
    return folders


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
