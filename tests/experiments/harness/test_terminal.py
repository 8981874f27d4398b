from pathlib import Path

import pytest

from experiments.harness import terminal
from experiments.harness.checks import Claim, ClaimVerdict, Number, judge


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (-143479, "-143,479"),
        (10**15 - 1, "999,999,999,999,999"),
        (10**15, "1.00000e15"),
        (17179873280 * 10**400, "1.71799e410"),
        (0.1, "0.1"),
        (1.5e-9, "1.5e-09"),
    ],
)
def test_numbers(value: Number | None, text: str) -> None:
    assert terminal.number(value) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [((1, 2), "in [1, 2]"), ((1, None), ">= 1"), ((None, 2), "<= 2"), ((3, 3), "= 3")],
)
def test_bands(ends: tuple[Number | None, Number | None], text: str) -> None:
    assert terminal.band(judge("c", theory="t", estimate=0, band=ends)) == text


def test_eighty_columns_hold_a_run_with_its_numbers_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    check = judge(
        "a name [with brackets] that is much too long for one line of a terminal",
        theory="the [bold]theory[/bold]",
        estimate=0.688347,
        interval=(0.560607, 0.727099),
        band=(0.541854, 0.757594),
        note="a note",
    )
    terminal.show_run(
        answer="The answer [1].",
        summary=["one line"],
        checks=[check],
        claims=[Claim("C1", "A statement.", ClaimVerdict.NOT_RUN, "evidence [2]")],
        report=Path("results/toy/run/report.html"),
    )
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[:2] == ["The answer [1].", "one line"]
    for part in (
        "0.688347",
        "[0.560607, 0.727099]",
        "in [0.541854, 0.757594]",
        "[with brackets]",
        "the [bold]theory[/bold]",
        "a note",
        "PASS",
    ):
        assert part in out
    assert max(map(len, lines)) <= 80
    assert lines[-3:] == [
        "C1 not run: A statement. (evidence [2])",
        "",
        "Report: results/toy/run/report.html",
    ]
