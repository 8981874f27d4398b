"""Many experiments at once: what is done is skipped, one that fails costs nothing but itself."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy

from experiments import __main__ as command
from experiments import suite
from experiments.harness import compiled, processors, store
from experiments.harness.children import Child
from experiments.harness.errors import InputError
from experiments.harness.experiment import PRESETS, Experiment
from experiments.harness.run import main

# Name and mode of each experiment; the mode is its default, so that it is part of the run's mark.
MODES = {"alpha": "plain", "beta": "fail", "gamma": "defect", "delta": "dead", "epsilon": "ugly"}
CHILD = "import sys; from test_suite import child; raise SystemExit(child(sys.argv[1:]))"


def experiment(name: str) -> Experiment[toy.Config]:
    mode = {"mode": MODES[name]}
    presets = {preset: {**toy.EXPERIMENT.presets[preset], **mode} for preset in PRESETS}
    return replace(toy.EXPERIMENT, name=name, presets=presets)


def child(words: Sequence[str]) -> int:
    """What `python -m experiments.NAME` is for the toys."""
    if MODES[words[0]] == "dead":
        os.kill(os.getpid(), signal.SIGKILL)
    return main(experiment(words[0]), words[1:])


def command_of(name: str, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", CHILD, name, *words]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in an empty folder, and returns a file with a line for each measurement."""

    here = str(Path(__file__).parent)
    monkeypatch.setattr(suite, "command", command_of)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *sys.path]))
    return toy.empty_folder(tmp_path, monkeypatch)


def asked(names: Sequence[str], capsys: pytest.CaptureFixture[str], **given: Any) -> Any:
    """Return the exit code, the JSON answer by name, and what stands on stderr."""
    settings = suite.Settings(jobs=2, quiet=True, json=True, **given)
    code = suite.run([experiment(name) for name in names], settings)
    out, err = capsys.readouterr()
    return code, {entry["name"]: entry for entry in json.loads(out)["experiments"]}, err


def test_one_that_fails_costs_nothing_but_itself(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, err = asked(list(MODES), capsys)
    assert code == 1
    failed = {name: entry["failed"] for name, entry in found.items()}
    # A FAIL is a finding. A run without its report is kept, but it did not end well.
    assert failed == {"alpha": False, "beta": False, "gamma": True, "delta": True, "epsilon": True}
    assert found["beta"]["checks"] == {"FAIL": 1}
    assert found["beta"]["exit_code"] == 1
    assert [found[name]["run"] is None for name in MODES] == [False, False, True, True, False]
    assert sorted(err.splitlines()) == [
        "error: delta failed (ended by signal 9)",
        "error: epsilon failed (exit code 1): The measurement is kept: "
        f"python -m experiments.show {found['epsilon']['run']}",
        "error: gamma failed (exit code 1): ZeroDivisionError: a defect in measure",
    ]
    assert {path.name for path in Path("results").iterdir()} >= {"index.html", "scorecard.json"}
    # The next time those that are done are skipped; the others are tried again.
    before = toy.count(calls)
    assert suite.run([experiment(name) for name in MODES], suite.Settings(quiet=True)) == 1
    out, err = capsys.readouterr()
    assert toy.count(calls) == before + 1  # gamma; delta dies before it measures
    assert "alpha, done before: 1 PASS\n  The sum is 3.\n" in out
    assert "gamma, " in out
    assert re.search(r"^epsilon, [0-9.]+ s: 1 PASS; exit code 1$", out, re.MULTILINE)
    assert "  beta: FAIL: sum\n" in out
    assert "not run" in out  # the claims, none of which a toy examines
    assert "5 experiments in " in out
    assert out.endswith("3 of them failed.\n\nScorecard: results/index.html\n")
    assert err.count("error: ") == 3


def test_force_measures_again_and_settings_reach_the_experiments(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(["alpha"], capsys, seed=7, preset="paper", out=Path("there"))[0] == 0
    run = store.load(store.locate(Path("there")))
    assert run.config["seed"] == 7
    assert run.config["angle"] == 45
    assert run.record["provenance"]["command"] == (
        "python -m experiments.alpha --preset paper --seed 7 --out there"
    )
    assert asked(["alpha"], capsys, seed=7, preset="paper", out=Path("there"), force=True)[0] == 0
    assert toy.count(calls) == 2
    assert len(store.runs(Path("there/alpha"))) == 2


def test_the_shortest_begins_then_the_longest_with_one_cache_for_all(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def run_all(children: Sequence[Child], **rest: Any) -> None:
        given.update(rest, names=[child.name for child in children])

    monkeypatch.setattr(suite, "run_all", run_all)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    usual = {"alpha": 3.0, "beta": 1.0, "gamma": 9.0, "delta": 4.0}
    listed = [replace(experiment(name), seconds=seconds) for name, seconds in usual.items()]
    suite.run(listed, suite.Settings(jobs=3, quiet=True))
    assert given["names"] == ["beta", "gamma", "delta", "alpha"]
    assert given["jobs"] == 3
    cache = Path(given["environment"]["JAX_COMPILATION_CACHE_DIR"])
    assert cache.parent == Path("results/.compiled").resolve()


def test_those_at_work_together_share_the_processors(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NPROC")
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "1")
    monkeypatch.setattr(processors, "count", lambda: 4)
    used = []
    for names in (["alpha"], ["alpha", "beta"]):
        settings = suite.Settings(jobs=8, quiet=True, force=True, out=Path(str(len(names))))
        suite.run([experiment(name) for name in names], settings)
        record = store.load(store.locate(settings.out / "alpha")).record
        used.append(record["provenance"]["machine"].rsplit(", ", 1)[1])
    assert used == ["4 threads", "2 threads"]


def test_reports_in_one_file_are_drawn_of_runs_done_before(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(["alpha"], capsys)[0] == 0
    report = store.locate(Path("results")) / "report.html"
    assert "../../plotly.min.js" in report.read_text("utf-8")
    assert asked(["alpha"], capsys, standalone=True)[0] == 0
    assert "../../plotly.min.js" not in report.read_text("utf-8")
    assert toy.count(calls) == 1


def test_a_folder_that_cannot_be_written(calls: Path) -> None:
    Path("results").touch()
    with pytest.raises(InputError, match=r"^--out must be a folder that can be written; got"):
        suite.run([experiment("alpha")], suite.Settings())
    assert toy.count(calls) == 0


def test_a_killed_suite_goes_on(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import os, signal\n"
        "import test_suite\n"
        "from experiments import suite\n"
        "suite.command = test_suite.command_of\n"
        "suite._lines = lambda outcome: os.kill(os.getpid(), signal.SIGKILL)\n"
        "suite.run([test_suite.experiment('alpha')], suite.Settings())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert toy.count(calls) == 1
    code_, found, _ = asked(["alpha"], capsys)
    assert (code_, toy.count(calls), found["alpha"]["seconds"]) == (0, 1, 0)


def test_names(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    alone = replace(experiment("beta"), alone="needs a file")
    listed = [experiment("alpha"), alone, experiment("gamma")]
    monkeypatch.setattr(command, "discover", lambda: listed)
    ran: list[Any] = []

    def run(chosen: Sequence[Experiment[Any]], settings: suite.Settings) -> int:
        ran.append(([one.name for one in chosen], settings))
        return 0

    monkeypatch.setattr(suite, "run", run)
    monkeypatch.setattr(compiled, "has_accelerator", lambda: True)
    assert command.main(["all"]) == 0
    assert command.main(["gamma", "--preset", "tiny", "--jobs", "3", "--seed", "2"]) == 0
    assert ran == [
        (["alpha", "gamma"], suite.Settings(jobs=1)),
        (["gamma"], suite.Settings(preset="tiny", jobs=3, seed=2)),
    ]
    assert command.main([]) == 0
    assert "Not among them: beta (needs a file)." in capsys.readouterr().out
    for words, said in (
        (["beta"], "error: NAME must be of an experiment that runs by itself; got 'beta', which "),
        (["all", "alpha"], "error: NAME must be all alone, or names; got 'all alpha'.\n"),
        (["nothing"], "error: NAME must be one of all, alpha, beta, gamma; got 'nothing'.\n"),
        (["all", "--jobs", "0"], "error: --jobs must be an integer from 1 to 64; got '0'.\n"),
        (["all", "--preset", "huge"], "error: --preset must be one of tiny, quick, paper, full;"),
    ):
        assert command.main(words) == 2
        err = capsys.readouterr().err
        assert err.startswith(said)
        assert err.count("\n") == 1
    assert len(ran) == 2


def test_a_cache_for_each_kind_of_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    here = Path(compiled.shared(tmp_path, 1)["JAX_COMPILATION_CACHE_DIR"])
    monkeypatch.setattr(compiled, "_processor", lambda: "another")
    there = Path(compiled.shared(tmp_path, 1)["JAX_COMPILATION_CACHE_DIR"])
    more = Path(compiled.shared(tmp_path, 2)["JAX_COMPILATION_CACHE_DIR"])
    assert len({here, there, more}) == 3
    assert here.parent == there.parent == more.parent == tmp_path / ".compiled"
    os.utime(here, (0, 0))
    compiled.shared(tmp_path, 1)
    assert (here.exists(), there.exists()) == (False, True)
    # JAX writes entries in place: one that a killed process left would never be replaced.
    packed = zlib.compress(bytes(range(256)))
    for name, content in (("whole", packed), ("half", packed[:100]), ("empty", b"")):
        (there / name).write_bytes(content)
    compiled.shared(tmp_path, 1)
    assert [entry.name for entry in there.iterdir()] == ["whole"]
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "mine")
    assert compiled.shared(tmp_path, 1) == {}


def test_the_work_done_is_what_experiments_usually_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    told: list[float] = []

    def step(advance: float = 1) -> None:
        told.append(advance)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    work = suite._Work({"long": 90.0, "short": 10.0}, step)
    for name in ("long", "short"):
        work.start(name)
    now = 5.0
    work.tell()
    now = 8.0
    work.tell()
    work.end("short")
    work.tell()
    now = 500.0
    work.tell()  # it takes longer than usual: nearly done
    work.end("long")
    work.tell()
    assert told == pytest.approx([10, 6, 2, 77.5, 4.5])


def test_accelerators_are_known_without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "entry_points", lambda group: [group])
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert not compiled.has_accelerator()
    monkeypatch.delenv("JAX_PLATFORMS")
    assert compiled.has_accelerator()
