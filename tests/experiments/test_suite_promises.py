"""What is promised of the suite is judged on what it said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments import quick_runs, same_runs, suite_promises
from experiments.quick_runs import Ran, Suite

ONE = Suite(0, 200.0, {"alpha": Ran(120.0, Path("alpha/1"), {}, "")}, [], "")
TWO = replace(ONE, runs={"alpha": Ran(120.0, Path("alpha/2"), {}, "")})
SILENT = Suite(1, 3.0, {}, [], "exit 1: a defect")
FAILED = replace(ONE, runs={"alpha": Ran(1.0, None, None, "a defect")})


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Suite]:
    """What the suite says, one after the other; files differ where a test puts them."""
    answers: list[Suite] = []
    monkeypatch.setattr(quick_runs, "again", lambda *words: answers.pop(0))
    monkeypatch.setattr(quick_runs, "once", lambda: ONE)
    monkeypatch.setattr(same_runs, "unlike", lambda one, two: [])
    suite_promises._second.cache_clear()
    return answers


@pytest.mark.parametrize(
    ("suite", "kept"),
    [
        (ONE, True),
        (replace(ONE, seconds=300.0), False),
        (replace(ONE, code=1), False),
        (FAILED, False),
        (SILENT, False),
    ],
)
def test_the_second_time(said: list[Suite], suite: Suite, kept: bool) -> None:
    said[:] = [suite]
    assert suite_promises.second()[0] is kept


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (TWO, True),
        # The second time may take as long as it likes here.
        (replace(TWO, seconds=1000.0), True),
        # The run of before, found done.
        (ONE, False),
        (replace(TWO, code=1), False),
        (replace(TWO, runs={}), False),
        (FAILED, False),
        (SILENT, False),
    ],
)
def test_runs_that_are_the_same(said: list[Suite], after: Suite, kept: bool) -> None:
    said[:] = [ONE, after]
    assert suite_promises.same()[0] is kept


def test_runs_that_differ(said: list[Suite], monkeypatch: pytest.MonkeyPatch) -> None:
    said[:] = [ONE, TWO]
    monkeypatch.setattr(same_runs, "unlike", lambda one, two: ["record.json"])
    assert suite_promises.same() == (
        False,
        "200 s; 1 runs twice, not the same: alpha/record.json",
    )


@pytest.mark.parametrize(
    ("seconds", "code", "kept"), [(0.0, 0, True), (0.1, 0, False), (0.0, 1, False)]
)
def test_nothing_is_measured_again(
    said: list[Suite], seconds: float, code: int, kept: bool
) -> None:
    said[:] = [replace(ONE, code=code, runs={"alpha": Ran(seconds, Path("alpha/1"), {}, "")})]
    assert suite_promises.without()[0] is kept
