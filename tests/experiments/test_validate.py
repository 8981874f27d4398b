"""The table of promises: kept row by row, merged, gone on with, and whole after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from experiments import promise_table, quick_runs, suite_promises, validate, whole_commands
from experiments.claims import CLAIMS
from experiments.promise import Promise
from experiments.quick_runs import Ran

Measured = tuple[bool, str]
Offer = Callable[..., list[str]]


def _raises() -> Measured:
    raise ZeroDivisionError("no | number\nat all")


def _stops() -> Measured:
    raise KeyboardInterrupt


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Returns a function that has promises measured in place of the project's.

    Each is given by its name and outcome: True, False, or what is called.  It returns a list that
    gets the names of those that were measured.
    """
    measured: list[str] = []

    def offer(**given: Any) -> list[str]:
        def measure(name: str) -> Measured:
            measured.append(name)
            outcome = given[name]
            found: Measured = outcome() if callable(outcome) else (outcome, f"saw {name}")
            return found

        made = [Promise(f"Subject {name[0]}", name, partial(measure, name), 3.0) for name in given]
        monkeypatch.setattr(validate, "promises", lambda: iter(made))
        return measured

    return offer


def _run(out: Path, *words: str) -> int:
    return validate.main(["--quiet", "--out", str(out), *words])


def _rows(out: Path) -> dict[str, Any]:
    content = json.loads((out / "promises.json").read_text(encoding="utf-8"))
    assert content["passed"] + content["failed"] == len(content["promises"])
    return {row["name"]: row for row in content["promises"]}


def test_a_promise_that_fails_or_raises_is_a_row(
    offered: Offer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = offered(a1=True, a2=_raises, b1=False, b2=True)
    assert _run(tmp_path) == 1
    assert measured == ["a1", "a2", "b1", "b2"]
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "Subject a"
    assert lines[1].startswith("  PASS  a1: saw a1 (")
    assert lines[2].startswith("  FAIL  a2: stopped by ZeroDivisionError: no | number at all (")
    assert lines[-1] == "2 passed, 2 failed"
    assert "Traceback" in err
    rows = _rows(tmp_path)
    assert [row["verdict"] for row in rows.values()] == ["PASS", "FAIL", "FAIL", "PASS"]
    assert set(rows["a1"]) >= {"subject", "seen", "seconds", "measured", "commit", "dirty"}
    page = (tmp_path / "PROMISES.md").read_text(encoding="utf-8")
    assert "4 promises: 2 PASS, 2 FAIL" in page
    assert "## Subject b" in page
    assert r"no \| number at all" in page


def test_a_row_measured_anew_replaces_the_old_one(offered: Offer, tmp_path: Path) -> None:
    offered(a1=True, a2=False, gone=True)
    assert _run(tmp_path) == 1
    before = _rows(tmp_path)
    measured = offered(a1=True, a2=True, b1=True)
    measured.clear()
    assert _run(tmp_path, "--only", "a2") == 0
    assert measured == ["a2"]
    after = _rows(tmp_path)
    assert list(after) == ["a1", "a2"]
    assert after["a1"] == before["a1"]
    assert after["a2"]["verdict"] == "PASS"
    content = json.loads((tmp_path / "promises.json").read_text(encoding="utf-8"))
    assert content["not_run"] == ["b1"]
    assert "| not run | b1 |" in (tmp_path / "PROMISES.md").read_text(encoding="utf-8")


def test_resuming_leaves_out_rows_of_the_same_source(
    offered: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = offered(a1=True, a2=_stops, a3=True)
    assert _run(tmp_path) == 130
    assert list(_rows(tmp_path)) == ["a1"]
    offered(a1=True, a2=True, a3=True)
    measured.clear()
    assert _run(tmp_path, "--resume") == 0
    assert measured == ["a2", "a3"]
    monkeypatch.setattr(promise_table, "source", lambda: "another")
    measured.clear()
    assert _run(tmp_path, "--resume") == 0
    assert measured == ["a1", "a2", "a3"]


def test_what_was_broken_before_stays_broken_when_gone_on_with(
    offered: Offer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = offered(a1=False, a2=True)
    assert _run(tmp_path) == 1
    measured.clear()
    capsys.readouterr()
    assert _run(tmp_path, "--resume") == 1
    assert measured == []
    assert capsys.readouterr().out == "1 passed, 1 failed\n"
    assert _run(tmp_path, "--resume", "--json") == 1
    content = json.loads(capsys.readouterr().out)
    assert (content["passed"], content["failed"], content["not_run"]) == (1, 1, [])


def test_every_claim_needs_a_verdict_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(**changes: Any) -> Measured:
        claims = [
            {"id": name, "verdict": "supported", "evidence": "e", "runs": [1]} for name in CLAIMS
        ]
        claims[2] |= changes
        suite = quick_runs.Suite(0, 1.0, {}, claims, "")
        monkeypatch.setattr(quick_runs, "once", lambda: suite)
        return suite_promises.claims()

    assert judged()[0]
    assert judged(verdict="out of reach", runs=[])[0]
    assert not judged(verdict="out of reach", runs=[], evidence="")[0]
    assert not judged(runs=[])[0]
    # A record that lacks a check leaves it not run.
    assert judged(verdict="not run") == (
        False,
        "18 claims: 1 not run, 17 supported; without either: ['C3']",
    )


def test_a_kill_loses_the_promise_in_progress_alone(offered: Offer, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from experiments import validate; "
        "from experiments.promise import Promise as P; "
        "kill = lambda: os.kill(os.getpid(), signal.SIGKILL); "
        "made = [P('Subject a', 'a1', lambda: (True, '')), P('Subject a', 'a2', kill)]; "
        "validate.promises = lambda: iter(made); validate.main(sys.argv[1:])"
    )
    words = [sys.executable, "-c", code, "--quiet", "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(_rows(tmp_path)) == ["a1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["PROMISES.md", "promises.json"]
    measured = offered(a1=True, a2=True)
    assert _run(tmp_path, "--resume") == 0
    assert measured == ["a2"]


def test_json_is_one_object(offered: Offer, capsys: pytest.CaptureFixture[str]) -> None:
    offered(a1=True, b1=False)
    assert validate.main(["--json", "--quiet", "--only", "Subject b"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in content["promises"]] == ["b1"]
    assert content["failed"] == 1
    assert content["not_run"] == ["a1"]


def test_a_list_measures_nothing(offered: Offer, capsys: pytest.CaptureFixture[str]) -> None:
    measured = offered(a1=True, b1=False)
    assert validate.main(["--list"]) == 0
    assert measured == []
    assert capsys.readouterr().out.splitlines() == [
        "    3 s  Subject a: a1",
        "    3 s  Subject b: b1",
        "2 promises, about 6 s",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nowhere"], "--only must be part of a promise's name or subject; got"),
        (["--only", ""], "--only must be a text; got ''."),
        (["--out", "/dev/null/table"], "--out must be a folder that can be written; got"),
        (["--out", "damaged"], "--out must be a folder that can be written; got 'damaged' (its"),
        (["--resume"], "--resume needs --out, the folder of the table; got none."),
    ],
)
def test_bad_input_is_one_line(
    offered: Offer,
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("damaged").mkdir()
    Path("damaged/promises.json").write_text('{"schema": 1, "promises": [1]}', encoding="utf-8")
    measured = offered(a1=True)
    assert validate.main(words) == 2
    out, err = capsys.readouterr()
    assert (out, measured) == ("", [])
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1


def test_every_module_of_promises_is_listed_and_names_differ() -> None:
    folder = Path(validate.__file__).parent
    assert set(validate.MODULES) == {path.stem for path in folder.glob("*_promises.py")}
    names = [promise.name for promise in validate.promises()]
    assert len(names) == len(set(names))
    assert len(names) > 200


def test_help_is_light() -> None:
    code = (
        "import sys; from experiments.validate import main; code = main(['--help']); "
        "heavy = {'jax', 'flax', 'scipy', 'plotly'} & set(sys.modules); print(code, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
    assert "python -m experiments.validate" in done.stdout


def test_required_checks_have_to_be_there_and_to_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [{"name": "C1: a", "verdict": "PASS"}, {"name": "b", "verdict": "FAIL"}]
    ran = {"one": Ran(2.0, None, {"checks": checks}, ""), "two": Ran(0.0, None, None, "no run")}
    monkeypatch.setattr(quick_runs, "_alone", ran.__getitem__)
    assert quick_runs.quick(("one",), 3, ("C1:",)) == (
        True,
        "2 s; 1 of 2 checks PASS; findings: b FAIL",
    )
    assert quick_runs.quick(("one",), 3, ("C1:", "C9:")) == (
        False,
        "2 s; 1 of 2 checks PASS; missed: C9:; findings: b FAIL",
    )
    assert not quick_runs.quick(("one",), 3, ("",))[0]
    assert not quick_runs.quick(("one",), 2, ("C1:",))[0]
    assert quick_runs.quick(("one", "two"), 9, ()) == (False, "two: no run")


def test_a_suite_that_breaks_down_breaks_what_is_read_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[tuple[str, ...]] = []

    def run(*words: str, **_: object) -> subprocess.CompletedProcess[str]:
        said.append(words)
        return subprocess.CompletedProcess(words, 1, "", "error: no room\n")

    monkeypatch.setattr(whole_commands, "run", run)
    quick_runs.once.cache_clear()
    try:
        assert suite_promises.first() == (False, "exit 1: error: no room")
        assert suite_promises.second() == (False, "exit 1: error: no room")
        # It is not run again for each of them.
        assert [words[1] for words in said] == ["all", "all"]
        assert "--force" in said[1]
    finally:
        quick_runs.once.cache_clear()
