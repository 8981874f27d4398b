import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy

from experiments import __main__ as listing
from experiments import compare, show
from experiments.harness import exact_json
from experiments.harness.experiment import Json
from experiments.harness.run import main

HEAVY = ("jax", "flax", "optax", "scipy", "plotly")


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in an empty folder where the toy is one of the experiments."""
    inside = tmp_path / "here"
    inside.mkdir()
    monkeypatch.chdir(inside)
    monkeypatch.setitem(sys.modules, "experiments.toy", toy)
    monkeypatch.setenv(toy.CALLS, str(tmp_path / "calls"))
    return tmp_path / "calls"


def run(*argv: str) -> Path:
    before = set(Path().glob("results/toy/*"))
    assert main(toy.EXPERIMENT, [*argv, "--force", "--quiet"]) in (0, 1)
    (folder,) = set(Path("results/toy").iterdir()) - before
    return folder


def test_show_draws_the_same_page_without_measuring(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run("--dim", "3", "4")
    report = folder / "report.html"
    before = report.read_bytes()
    report.unlink()
    capsys.readouterr()
    assert show.main([str(folder)]) == 0
    assert capsys.readouterr() == (f"{report}\n", "")
    assert report.read_bytes() == before
    assert len(calls.read_text(encoding="utf-8").splitlines()) == 1
    assert show.main([str(folder), "--standalone"]) == 0
    assert len(report.read_bytes()) > 4_000_000


def test_show_takes_the_newest_run_of_an_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    run("--seed", "1")
    newest = run("--seed", "2")
    Path("results/empty").mkdir()
    for place in ("results/toy", "results"):
        capsys.readouterr()
        assert show.main([place]) == 0
        assert capsys.readouterr().out == f"{newest}/report.html\n"


def test_show_of_a_folder_moved_away_is_one_file() -> None:
    folder = run()
    Path("elsewhere").mkdir()
    moved = Path(shutil.move(folder, "elsewhere/mine"))
    assert show.main([str(moved)]) == 0
    assert len((moved / "report.html").read_bytes()) > 4_000_000
    assert [path.name for path in Path("elsewhere").iterdir()] == ["mine"]


@pytest.mark.parametrize("place", ["nothing", "file", "results", "a\0b", "x" * 5000, ""])
def test_show_of_no_run_is_one_line(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    Path("results").mkdir()
    assert show.main([place]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: RUN must be ")
    assert len(err.splitlines()) == 1
    assert len(err) < 300


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"experiment": "nothing"}, "RUN must be of an experiment of this project; got "),
        ({"experiment": "os; import"}, "RUN must be of an experiment of this project; got "),
        ({"experiment": "show"}, "RUN must be of an experiment of this project; got "),
        ({"experiment": None}, "RUN must be of an experiment of this project; got "),
        ({"checks": [{}]}, "RUN must be of the present source; got "),
    ],
)
def test_show_of_a_foreign_run(
    change: dict[str, Json], trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run()
    record = exact_json.loads((folder / "record.json").read_text(encoding="utf-8"))
    text = exact_json.dumps({**record, **change})
    (folder / "record.json").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert show.main([str(folder)]) == 2
    out, err = capsys.readouterr()
    assert (out, err[: len(trouble) + 7]) == ("", f"error: {trouble}")
    assert len(err.splitlines()) == 1


def test_show_of_other_settings(capsys: pytest.CaptureFixture[str]) -> None:
    folder = run()
    (folder / "config.json").write_text('{"old": 1}', encoding="utf-8")
    capsys.readouterr()
    assert show.main([str(folder)]) == 2
    assert "not those of the present source" in capsys.readouterr().err


def test_compare_tells_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    a = run("--dim", "3", "4")
    b = run("--dim", "3", "5", "--mode", "fail")
    capsys.readouterr()
    assert compare.main([str(a), str(b), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["a"]["answer"], found["b"]["run"]) == (
        1,
        "The sum is 7.",
        str(b),
    )
    assert found["differences"] == [
        {"part": "answer", "name": "sum", "a": 7, "b": 8},
        {"part": "config", "name": "dim[1]", "a": 4, "b": 5},
        {"part": "config", "name": "mode", "a": "plain", "b": "fail"},
        {"part": "checks", "name": "sum", "a": "PASS (7)", "b": "FAIL (8)"},
    ]
    assert compare.main([str(a), str(b)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "A: The sum is 7.",
        f"   {a}",
        "B: The sum is 8.",
        f"   {b}",
        "",
        *("answer: sum", "  A 7", "  B 8"),
        *("config: dim[1]", "  A 4", "  B 5"),
        *("config: mode", "  A plain", "  B fail"),
        *("checks: sum", "  A PASS (7)", "  B FAIL (8)"),
    ]


def test_compare_reads_numbers_to_six_digits_and_leaves_times_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a, b = run("--seed", "1"), run("--seed", "2")
    data: list[dict[str, Json]] = [
        {"x": 1.0, "n": 7**30, "deep": [{"seconds": 1.0, "words": ["a"], "rate": 0.5}]},
        {"x": 1.0000001, "n": 7**30 + 1, "deep": [{"seconds": 2.0, "words": ["b"], "rate": 0.25}]},
    ]
    for folder, answer in zip((a, b), data, strict=True):
        record = exact_json.loads((folder / "record.json").read_text(encoding="utf-8"))
        text = exact_json.dumps({**record, "data": answer})
        (folder / "record.json").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert compare.main([str(a), str(b)]) == 0
    lines = capsys.readouterr().out.splitlines()[5:]
    assert lines == [
        *("answer: n", f"  A {7**30}", f"  B {7**30 + 1}"),
        *("answer: deep[0].rate", "  A 0.5", "  B 0.25"),
        *("config: seed", "  A 1", "  B 2"),
    ]


def test_compare_of_equals_and_of_lengths(capsys: pytest.CaptureFixture[str]) -> None:
    a = run("--dim", "3")
    assert compare.main([str(a), str(a)]) == 0
    assert capsys.readouterr().out.endswith("agree in settings, answers, checks and versions.\n")
    b = run("--dim", "3", "4")
    capsys.readouterr()
    assert compare.main([str(a), str(b), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["differences"]
    assert [one["name"] for one in found if one["part"] == "config"] == ["dim[1]"]
    assert next(one for one in found if one["part"] == "config") == {
        "part": "config",
        "name": "dim[1]",
        "a": None,
        "b": 4,
    }


def test_compare_with_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["--json", "nothing"]) == 2
    assert capsys.readouterr().err == "error: B must be a path; got nothing.\n"
    assert compare.main([str(run()), "nothing"]) == 2
    assert capsys.readouterr().err.startswith("error: RUN must be the folder of a run")


def test_listing_is_light() -> None:
    script = (
        "import sys; from experiments.__main__ import main; code = main([]);"
        f"print(code, [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr == "0 []\n"


def test_listing_has_a_line_for_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = listing.discover()
    assert [experiment.name for experiment in listed] == sorted(
        experiment.name for experiment in listed
    )
    monkeypatch.setattr(listing, "discover", lambda: [toy.EXPERIMENT])
    assert listing.main([]) == 0
    line = "toy  What is the sum? (1 s on one core)\n"
    assert capsys.readouterr().out.startswith(f"{line}\npython -m experiments all ")
    assert listing.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "toy", "question": "What is the sum?", "duration": "1 s on one core"}
    ]
    assert listing.main(["nothing"]) == 2
