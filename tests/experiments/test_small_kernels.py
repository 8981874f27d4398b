"""The commands that redo entries of the tables of small kernels and extended frames."""

from __future__ import annotations

import json

import pytest

from experiments import extended_frames, small_kernels


def test_the_commands_redo_entries(capsys: pytest.CaptureFixture[str]) -> None:
    assert small_kernels.main(["--dim", "64", "--count", "73", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coherence"] <= 0.05
    assert (found["table"], found["start"]) == ("holds", "7x28")
    assert extended_frames.main(["--dim", "36", "--count", "123", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["coherence"] <= 0.15
    assert found["table"] == "holds"


def test_a_search_that_falls_short_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dim", "20", "--count", "30", "--eps", "0.05", "--start", "random", "--rounds", "9"]
    assert small_kernels.main(words) == 1
    assert "the table's packing: none" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dim 500 --count 500", "--count must lie between --dim and four times that"),
        ("--dim 20 --count 22", "--eps must be given where the table has no entry"),
        ("--dim 20 --count 22 --eps 1/9", "--start must be given where the table has no entry"),
        ("--dim 20 --count 22 --eps x --start random", "--eps must be a decimal or a fraction"),
        ("--dim 20 --count 22 --eps .3 --start random", "--eps must lie in (0, 1/sqrt(dim))"),
        ("--dim 20 --count 22 --eps .1 --start 5x5", "--start must be random or a tight frame"),
        ("--count many", "--count must be an integer"),
    ],
)
def test_bad_input(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert small_kernels.main(words.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {message}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dim 20 --count 22", "--eps, --points and --block must name a Steiner frame"),
        ("--dim 36 --count 99 --eps .1 --points 15 --block 3", "--eps must lie between"),
        ("--dim 34 --count 99 --eps .2 --points 15 --block 3", "--dim and --count must be at"),
    ],
)
def test_bad_frames(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert extended_frames.main(words.split()) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"error: {message}")
    assert said.err.count("\n") == 1
