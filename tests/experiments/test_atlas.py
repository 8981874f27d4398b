"""The atlas: its brackets, its checks, its resumption after a kill, and the committed table."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import mpmath
import pytest
from browser import launch, visit

from experiments import atlas, atlas_grid, atlas_tables
from experiments.atlas_grid import Cell
from experiments.harness import exact_json, theme
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main
from experiments.reference_numbers import TIGHT
from geometry import bounds, catalogue, exact
from geometry.constructions.basis import Basis
from geometry.constructions.conference import ConferenceFrame
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import DirectSum, Tensor, ZeroPad, leading
from geometry.packing import Packing

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "atlas.csv"
TINY = ["--preset", "tiny", "--quiet"]
VIEWS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1400, "light"), (380, "dark"))


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        heading, *rows = csv.reader(stream)
    assert tuple(heading) == atlas_grid.COLUMNS
    return rows


def texts(rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """Rows as their CSV file has them."""
    with exact_json.any_digits():
        return [[str(cell) for cell in row] for row in rows]


def folder_of(out: Path) -> Path:
    (folder,) = (out / "atlas").iterdir()
    return folder


def test_a_run_answers_and_keeps_every_bracket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(atlas.EXPERIMENT, [*TINY, "--json", "--out", str(tmp_path)]) == 0
    answer = json.loads(capsys.readouterr().out)
    dims, words = atlas_grid.DIMS["tiny"], atlas_grid.EPS["tiny"]
    assert answer["brackets"] == len(dims) * len(words)
    assert {check["verdict"] for check in answer["checks"]} == {"PASS"}
    assert answer["tight_known"] == answer["tight_closed"] == 9
    rows = read(folder_of(tmp_path) / "atlas.csv")
    assert len(rows) == answer["brackets"]
    # Column by column, eps rising, and in each d rising.
    order = [(float(row[2]), int(row[0])) for row in rows]
    assert order == sorted(set(order))
    names = {path.name for path in folder_of(tmp_path).iterdir()}
    assert {"regions.csv", "families.csv", "closed.csv", "report.html"} <= names
    # Brackets are those that each question gets by itself, without the shared search.
    for row in rows[::7]:
        dim, eps = int(row[0]), exact.eps(row[1])
        packing = catalogue.best(dim, eps)
        assert (int(row[3]), row[12], row[14]) == (
            packing.count,
            str(packing.coherence),
            packing.words(),
        )
        upper = bounds.best_upper_bound(dim, eps)
        assert (int(row[4]), row[13]) == (upper.count, upper.method)
        assert row[9] == ("yes" if packing.count == upper.count else "no")


def test_the_answer_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY, "--out", str(tmp_path), "--dim", "7", "8", "512", "--eps", "1/3", "1/2"]
    assert main(atlas.EXPERIMENT, [*words, "--reach", "2"]) == 0
    out = capsys.readouterr().out
    # (512, 1/3) and (512, 1/2) are beyond reach; 28, 63 and 120 are exact at (7, 1/3), (7, 1/2)
    # and (8, 1/2).
    assert "Of 4 brackets on N(d, eps), 3 are closed and 100% lie within a factor of 10" in out
    assert "3 closed brackets hold more than d + 1 lines." in out
    assert "3 of 3 known tight cases on this grid close." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dim", "1"], "--dim must be an integer from 2 to 65536; got '1'."),
        (["--eps", "0"], "--eps must be a number in (0, 1), such as 0.05, 1/16 or 1/sqrt(5), or"),
        (["--eps", "0.1", "2"], "got '2'."),
        (["--eps", "90°"], "got '90°'."),
        (["--eps", "x°"], "got 'x°'."),
        (["--grid", "huge"], "--grid must be one of tiny, quick, full; got 'huge'."),
        (["--reach", "0"], "--reach must be a number in (0, inf); got '0'."),
        (["--reach", "0.001"], "--reach must leave some (d, eps); got 0.001."),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "runs"
    assert main(atlas.EXPERIMENT, [*TINY, "--out", str(out), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert not out.exists()


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys\n"
        "from experiments.atlas import EXPERIMENT, main\n"
        "code = main(EXPERIMENT, ['--help'])\n"
        "heavy = {'jax', 'flax', 'scipy', 'plotly'} & set(sys.modules)\n"
        "print('exit', code, 'heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "exit 0 heavy: []" in done.stdout
    for word in ("--grid", "--dim", "--eps", "--reach", "python -m experiments.atlas"):
        assert word in done.stdout


def test_grids() -> None:
    for grid in atlas_grid.DIMS:
        assert min(atlas_grid.DIMS[grid]) == 2
        columns = atlas_grid.eps_of(atlas_grid.EPS[grid])
        # No word says what another has said.
        assert len(columns) == len(atlas_grid.EPS[grid])
    assert max(atlas_grid.DIMS["quick"]) == max(atlas_grid.DIMS["full"]) == 12288
    assert set(atlas_grid.MODELS) <= set(atlas_grid.DIMS["quick"]) & set(atlas_grid.DIMS["full"])
    whole = {eps for _, eps in atlas_grid.eps_of(atlas_grid.EPS["full"])}
    for dim, word, _ in TIGHT:
        assert dim in atlas_grid.DIMS["full"]
        assert atlas_grid.threshold(word) in whole
    assert atlas_grid.eps_of(("1/4", "0.2", "1/5", "1/sqrt(25)")) == [
        ("0.2", Cosine.ratio(Fraction(1, 5))),
        ("1/4", Cosine.ratio(Fraction(1, 4))),
    ]
    assert atlas_grid.threshold("60°") == atlas_grid.threshold("1/2")
    assert atlas_grid.dims_of((9, 16, 4, 25, 9), exact.eps("0.1"), 0.4) == [4, 9, 16]


@pytest.mark.parametrize(
    ("packing", "family", "moves"),
    [
        (Kerdock(4), "Kerdock", ()),
        (ZeroPad(Kerdock(4), 40), "Kerdock", ("zero-pad",)),
        (DirectSum((Kerdock(4), Basis(200))), "basis", ("direct sum",)),
        # The largest part is the simplex (61 lines), but frames hold 14 + 6 + 50 together.
        (
            DirectSum((Simplex(60), ConferenceFrame(13), ConferenceFrame(5), ConferenceFrame(49))),
            "conference frame",
            ("direct sum",),
        ),
        (
            DirectSum((Basis(5), ZeroPad(Tensor(Basis(2), Kerdock(4)), 70))),
            "Kerdock",
            ("direct sum", "zero-pad", "tensor product"),
        ),
    ],
)
def test_the_leading_family(packing: Packing, family: str, moves: tuple[str, ...]) -> None:
    member, through = leading(packing)
    assert (member.name, through) == (family, moves)


def cell(dim: int, lower: int, upper: int, **changes: Any) -> Cell:
    plain = Cell(dim, lower, upper, "basis", "by definition", "", "0", "relative", "axes", True)
    return replace(plain, **changes)


def verdicts(*columns: list[Cell]) -> dict[str, Verdict]:
    words = ("1/4", "1/2", "0.9")
    made = [
        atlas_tables.Column(word, atlas_grid.threshold(word), cells)
        for word, cells in zip(words, columns, strict=False)
    ]
    result = Result(atlas.summarised(made), {}, {})
    return {check.name: check.verdict for check in atlas.checks(atlas.Config(), result)}


def test_checks_see_what_is_wrong() -> None:
    good = verdicts([cell(2, 2, 3), cell(3, 3, 4)], [cell(2, 3, 3), cell(3, 4, 4)])
    assert set(good.values()) == {Verdict.PASS}
    assert len(good) == 6
    broken = {
        "lower <= upper": ([cell(2, 3, 2)],),
        "packings have the stated d, count and coherence": ([cell(2, 2, 2, fits=False)],),
        "lower side never falls with d": ([cell(2, 5, 9), cell(3, 4, 9)],),
        "upper side never falls with d": ([cell(2, 2, 9), cell(3, 3, 8)],),
        "lower side never falls with eps": ([cell(2, 4, 9)], [cell(2, 3, 9)]),
        "upper side never falls with eps": ([cell(2, 3, 9)], [cell(2, 3, 8)]),
        # N(4, 1/2) = 12, which (12, 13) leaves open and (11, 11) contradicts.
        "known tight cases close": ([cell(4, 4, 12)], [cell(4, 12, 13)]),
        "known tight  cases close": ([cell(4, 4, 11)], [cell(4, 11, 11)]),
    }
    for name, columns in broken.items():
        found = verdicts(*columns)
        failed = [check for check, verdict in found.items() if verdict is Verdict.FAIL]
        assert failed == [" ".join(name.split())]


def test_gaps_of_any_size() -> None:
    pairs = [(2, 3), (1000, 1001), (10**400, 10**400 + 10**380), (3**900, 7**9000), (5, 10)]
    for lower, upper in pairs:
        with mpmath.workdps(60):
            true = float(mpmath.log10(mpmath.mpf(upper)) - mpmath.log10(mpmath.mpf(lower)))
        found = cell(2, lower, upper).gap
        # Sides within a factor of 2: a quotient, log1p and a division, an ulp or two each. Others:
        # two logarithms with an ulp or two of the larger each.
        ulp = math.ulp(true) if upper < 2 * lower else math.ulp(math.log10(upper))
        assert found > 0
        assert abs(found - true) <= 6 * ulp
        assert cell(2, upper, upper).gap == 0


def counted(monkeypatch: pytest.MonkeyPatch, *, stop_after: int | None = None) -> list[Cosine]:
    """Returns a list that gathers the columns computed; Ctrl-C comes after some."""
    computed: list[Cosine] = []
    plain = atlas_grid.column

    def column(dims: Sequence[int], eps: Cosine) -> list[Cell]:
        if len(computed) == stop_after:
            raise KeyboardInterrupt
        computed.append(eps)
        return plain(dims, eps)

    monkeypatch.setattr(atlas_grid, "column", column)
    return computed


def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(atlas.EXPERIMENT, [*TINY, "--out", str(whole)]) == 0
    with monkeypatch.context() as patch:
        counted(patch, stop_after=2)
        assert main(atlas.EXPERIMENT, [*TINY, "--out", str(parts)]) == 130
    assert len(list(folder_of(parts).iterdir())) == 2
    with monkeypatch.context() as patch:
        assert len(counted(patch)) == 0
        computed = counted(patch)
        assert main(atlas.EXPERIMENT, [*TINY, "--out", str(parts)]) == 0
    assert computed == [eps for _, eps in atlas_grid.eps_of(atlas_grid.EPS["tiny"])][2:]
    for name in ("atlas.csv", "families.csv", "closed.csv", "regions.csv", "arrays.npz"):
        assert (folder_of(whole) / name).read_bytes() == (folder_of(parts) / name).read_bytes()
    records = [json.loads((folder_of(out) / "record.json").read_text()) for out in (whole, parts)]
    assert records[0]["data"] == records[1]["data"]
    assert records[0]["checks"] == records[1]["checks"]
    capsys.readouterr()


# Says when two columns are kept, and waits for its end.
STALLED = """
import sys, time
from experiments import atlas, atlas_grid
plain, done = atlas_grid.column, []

def column(dims, eps):
    if len(done) == 2:
        print("two", flush=True)
        time.sleep(600)
    done.append(eps)
    return plain(dims, eps)

atlas_grid.column = column
atlas.main(atlas.EXPERIMENT, sys.argv[1:])
"""


def test_a_killed_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*TINY, "--out", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", STALLED, *words], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "two\n"
        child.kill()
    computed = counted(monkeypatch)
    assert main(atlas.EXPERIMENT, words) == 0
    assert len(computed) == len(atlas_grid.EPS["tiny"]) - 2
    capsys.readouterr()


def _settled(row: list[str]) -> list[str]:
    """The row with a coherence that came from an FFT at nine digits: later ones are the library's.

    Such a bound is a float, so a fraction of long integers.
    """
    return [
        f"{float(Fraction(cell)):.9f}" if re.fullmatch(r"\d{9,}/\d{9,}", cell) else cell
        for cell in row
    ]


def test_the_committed_table_is_what_the_program_finds() -> None:
    rows = read(REFERENCE)
    columns = [word for word, _ in atlas_grid.eps_of(list(dict.fromkeys(row[1] for row in rows)))]
    held = {(row[1], int(row[0])) for row in rows}
    dims = atlas_grid.DIMS["full"]
    # The table is the whole grid: every d at every eps, each once.
    assert len(held) == len(rows)
    assert held == {(word, dim) for word in atlas_grid.EPS["full"] for dim in set(dims)}
    begun = time.perf_counter()
    for word in columns[:: max(1, len(columns) // 9)]:
        eps = atlas_grid.threshold(word)
        chosen = [dim for dim in sorted(set(dims)) if dim <= 200]
        anew = atlas_grid.rows(word, eps, atlas_grid.column(chosen, eps))
        stated = [row for row in rows if row[1] == word and int(row[0]) <= 200]
        assert [_settled(row) for row in texts(anew)] == [_settled(row) for row in stated]
    assert time.perf_counter() - begun < 60


def test_the_report_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY, "--out", str(tmp_path), "--reach", "2.5"]
    assert main(atlas.EXPERIMENT, words) == 0
    capsys.readouterr()
    report = folder_of(tmp_path) / "report.html"
    with launch() as browser:
        for width, scheme in VIEWS:
            with visit(browser, report, width=width, scheme=scheme) as page:
                page.settle()
                assert page.errors == []
                plots = page.plots()
                assert list(plots) == ["gap", "records", "lower", "upper"]
                assert {plot.state for plot in plots.values()} == {"drawn"}
                assert all(plot.width > 100 and plot.height > 100 for plot in plots.values())
                assert page.overflow() <= 0
                if scheme == "light":
                    # Closed brackets beyond the simplex are marked, and records have colours.
                    assert page.shown("#gap", theme.HIGHLIGHT) > 50
                    assert page.shown("#records", theme.COLOURS[0]) > 1000
