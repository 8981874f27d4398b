"""What is promised of the suite is judged on what it said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments import quick_runs, same_runs, suite_promises
from experiments.__main__ import discover
from experiments.quick_runs import Ran, Suite

ONE = Suite(0, 200.0, {"alpha": Ran(120.0, Path("alpha/1"), {}, "")}, [], "")
TWO = replace(ONE, runs={"alpha": Ran(120.0, Path("alpha/2"), {}, "")})
FAILED = replace(ONE, runs={"alpha": Ran(1.0, None, None, "a defect")})
SILENT = Suite(1, 3.0, {}, [], "exit 1: a defect")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Suite]:
    """What the suite says, the first time and the next; here files are the same."""
    answers: list[Suite] = []
    monkeypatch.setattr(quick_runs, "once", lambda: answers[0])
    monkeypatch.setattr(quick_runs, "again", lambda *words: answers[1])
    monkeypatch.setattr(same_runs, "unlike", lambda one, two: [])
    return answers


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (TWO, True),
        (replace(TWO, seconds=300.0), False),
        (replace(TWO, code=1), False),
        (replace(TWO, runs={}), False),
        # The run of before, found done.
        (ONE, False),
        (FAILED, False),
        (SILENT, False),
    ],
)
def test_the_second_time(said: list[Suite], after: Suite, kept: bool) -> None:
    said[:] = [ONE, after]
    assert suite_promises.second()[0] is kept


def test_runs_that_differ(said: list[Suite], monkeypatch: pytest.MonkeyPatch) -> None:
    said[:] = [ONE, TWO]
    monkeypatch.setattr(same_runs, "unlike", lambda one, two: ["record.json"])
    seen = "200 s; 1 runs twice, not the same: alpha/record.json"
    assert suite_promises.second() == (False, seen)


def test_the_first_time(said: list[Suite]) -> None:
    names = [one.name for one in discover() if not one.alone]
    whole = replace(ONE, seconds=700.0, runs={name: Ran(9.0, Path(name), {}, "") for name in names})
    for suite, kept in (
        (whole, True),
        (replace(whole, seconds=720.0), False),
        (replace(whole, code=1), False),
        (replace(whole, runs=dict(list(whole.runs.items())[1:])), False),
        (replace(whole, runs=whole.runs | {names[0]: Ran(1.0, None, None, "a defect")}), False),
        (SILENT, False),
    ):
        said[:] = [suite]
        assert suite_promises.first()[0] is kept


@pytest.mark.parametrize(
    ("seconds", "code", "kept"), [(0.0, 0, True), (0.1, 0, False), (0.0, 1, False)]
)
def test_the_third_time(said: list[Suite], seconds: float, code: int, kept: bool) -> None:
    ran = Ran(seconds, Path("alpha/1"), {}, "")
    said[:] = [ONE, replace(ONE, code=code, runs={"alpha": ran})]
    assert suite_promises.third()[0] is kept
