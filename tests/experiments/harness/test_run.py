"""A run: what it leaves, prints and finds done."""

import csv
import errno
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

from experiments.harness import exact_json, store
from experiments.harness.errors import InputError
from experiments.harness.experiment import Json, Result, Table
from experiments.harness.run import main

RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
OLD = 10_000.0  # seconds; more than the grace of a folder without a lock


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in an empty folder, and returns a file with a line for each measurement."""
    return toy.empty_folder(tmp_path, monkeypatch)


def test_a_run_leaves_everything_in_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(toy.EXPERIMENT, ["--dim", "3", "4"]) == 0
    out, err = capsys.readouterr()
    folder = toy.only_run()
    assert RUN.fullmatch(folder.name)
    assert sorted(path.name for path in folder.iterdir()) == [
        "arrays.npz",
        "config.json",
        "dims.csv",
        "record.json",
        "report.html",
    ]
    assert sorted(path.name for path in Path("results").iterdir()) == [
        "index.html",
        "plotly.min.js",
        "toy",
    ]
    lines = out.splitlines()
    assert lines[:2] == ["The sum is 7.", "angle 60 degrees [of 90]"]
    assert lines[-1] == f"Report: {folder}/report.html"
    assert "sum > 0 [exact]" in out
    assert "PASS" in out
    assert "C0 supported: Sums are positive. (sum)" in lines
    assert err == ""
    assert '"../../plotly.min.js"' in (folder / "report.html").read_text(encoding="utf-8")

    found = store.load(folder)
    config, record, result = found.config, found.record, found.result
    assert config["dim"] == [3, 4]
    assert record["answer"] == "The sum is 7."
    assert record["provenance"]["command"] == "python -m experiments.toy --dim 3 4"
    assert record["provenance"]["phases"].keys() == {"adding", "toy"}
    assert folder.name.endswith(record["fingerprint"][:8])
    created = datetime.fromisoformat(record["created"])
    assert abs((datetime.now(UTC) - created).total_seconds()) < 600
    assert result.data == {"sum": 7, "huge": toy.HUGE, "ratio": 0.1, "missing": None}
    draws = np.random.default_rng(0).standard_normal(4, np.float32)
    np.testing.assert_array_equal(result.arrays["draws"], draws)
    assert result.arrays["draws"].dtype == np.float32
    assert result.tables["dims"] == Table(("dim", "word"), ((3, "12"), (None, "a,b")), "Dims")


def test_json_is_one_object_and_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(toy.EXPERIMENT, ["--json"]) == 0
    first = capsys.readouterr()
    answer = exact_json.loads(first.out)
    assert first.err == ""
    assert len(first.out.splitlines()) == 1
    assert answer["huge"] == toy.HUGE
    assert list(answer) == [
        *("schema", "sum", "huge", "ratio", "missing", "checks", "claims", "seconds", "run")
    ]
    assert (answer["schema"], answer["sum"], answer["missing"]) == (1, 3, None)
    assert answer["checks"] == [
        {
            "name": "sum",
            "theory": "sum > 0 [exact]",
            "estimate": 3,
            "interval": None,
            "band": [None, None],
            "verdict": "PASS",
            "note": "",
        }
    ]
    assert answer["claims"][0]["verdict"] == "supported"
    assert answer["run"] == str(toy.only_run())
    # Found again, it is the same to the letter.
    assert main(toy.EXPERIMENT, ["--json"]) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert again.err.startswith("note: measured before, at 20")
    assert main(toy.EXPERIMENT, ["--json", "--quiet"]) == 0
    assert capsys.readouterr() == (first.out, "")


def test_what_has_to_be_measured_again_is(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timed = replace(toy.EXPERIMENT, again=True, printed=("dims",))
    for _ in range(2):
        assert main(timed, []) == 0
    assert (toy.count(calls), len(store.runs(Path("results/toy")))) == (2, 2)
    # The terminal shows the table, beside what it shows without.
    shown = capsys.readouterr().out
    assert main(toy.EXPERIMENT, ["--quiet"]) == 0
    assert len(shown.splitlines()) > 2 * len(capsys.readouterr().out.splitlines())


def test_the_same_run_is_done_once(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(toy.EXPERIMENT, []) == 0
    assert (toy.count(calls), len(store.runs(Path("results/toy")))) == (1, 1)
    # The preset's name is no setting; its fields are.
    assert main(toy.EXPERIMENT, ["--preset", "tiny", "--dim", "3"]) == 0
    assert toy.count(calls) == 1
    assert main(toy.EXPERIMENT, ["--preset", "tiny"]) == 0
    assert main(toy.EXPERIMENT, ["--seed", "1"]) == 0
    assert toy.count(calls) == 3
    assert main(toy.EXPERIMENT, ["--force"]) == 0
    assert (toy.count(calls), len(store.runs(Path("results/toy")))) == (4, 4)
    # Another folder knows nothing of these.
    assert main(toy.EXPERIMENT, ["--out", "new/deep"]) == 0
    assert toy.count(calls) == 5
    assert f"Report: {toy.only_run('new/deep')}/report.html" in capsys.readouterr().out


def test_the_pages_over_all_runs_are_written_by_any_run(calls: Path) -> None:
    asked: list[Path] = []
    assert main(toy.EXPERIMENT, [], index=asked.append) == 0
    # Found done too: the run may have been killed before it came to that.
    assert main(toy.EXPERIMENT, [], index=asked.append) == 0
    assert (toy.count(calls), asked) == (1, [Path("results")] * 2)
    assert main(toy.EXPERIMENT, []) == 0
    assert "The sum is" in Path("results/index.html").read_text(encoding="utf-8")


def test_another_source_is_another_run(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(toy.EXPERIMENT, []) == 0
    monkeypatch.setattr("experiments.harness.provenance.source_hash", lambda folders: "other")
    assert main(toy.EXPERIMENT, []) == 0
    assert toy.count(calls) == 2


def test_a_damaged_run_is_measured_again(calls: Path) -> None:
    assert main(toy.EXPERIMENT, []) == 0
    (toy.only_run() / "arrays.npz").write_bytes(b"PK")
    assert main(toy.EXPERIMENT, []) == 0
    assert toy.count(calls) == 2


def test_output_only_fields_are_no_part_of_the_run(
    calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(toy.EXPERIMENT, ["--save", "a.txt"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "saved a.txt"
    assert main(toy.EXPERIMENT, ["--save", "b.txt", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == "saved b.txt\n"
    json.loads(out.replace(str(toy.HUGE % 10**9), "0"), parse_int=len)
    assert [Path(name).read_text(encoding="utf-8") for name in ("a.txt", "b.txt")] == ["3", "3"]
    assert toy.count(calls) == 1


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "Permission denied: 'x'"),
        (InputError("--save must be new; got 'x'."), 2, "--save must be new; got 'x'."),
    ],
)
def test_a_side_output_that_fails_costs_no_answer(
    failure: Exception, code: int, line: str, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def finish(config: toy.Config, result: Result) -> list[str]:
        raise failure

    assert main(replace(toy.EXPERIMENT, finish=finish), flags) == code
    out, err = capsys.readouterr()
    assert err == f"error: {line}\n"
    if flags:
        assert exact_json.loads(out)["sum"] == 3
    else:
        assert out.splitlines()[0] == "The sum is 3."
        assert out.splitlines()[-1] == f"Report: {toy.only_run()}/report.html"


def test_a_failed_check_exits_with_1_also_when_found(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(toy.EXPERIMENT, ["--mode", "fail"]) == 1
        assert "FAIL" in capsys.readouterr().out


def test_references(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(toy.EXPERIMENT, ["--cite"]) == 0
    assert capsys.readouterr() == ("A. Author, A sum, 1900.\n", "")
    assert toy.count(calls) == 0
    assert list(Path().iterdir()) == []


def test_tables_come_back_equal() -> None:
    huge = 7**6000
    table = Table(
        ("a,b", "n", "mixed"),
        (("x\ny", huge, 1), (None, 0.1, "one"), ('"', None, -2.5e-300)),
        "T",
        "C",
    )
    assert main(toy.measuring(tables={"t-1": table}), []) == 0
    assert store.load(toy.only_run()).result.tables == {"t-1": table}
    with (toy.only_run() / "t-1.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == ["a,b", "n", "mixed"]


def test_arrays_of_any_name_and_stable_bytes() -> None:
    arrays = {"file": np.arange(3), "a/b": np.array("text"), "empty": np.zeros((0, 2))}
    assert main(toy.measuring(arrays=arrays), []) == 0
    content = (toy.only_run() / "arrays.npz").read_bytes()
    for name, values in store.load(toy.only_run()).result.arrays.items():
        np.testing.assert_array_equal(values, arrays[name])
    assert main(toy.measuring(arrays=arrays), ["--force"]) == 0
    assert (store.runs(Path("results/toy"))[0] / "arrays.npz").read_bytes() == content


def test_a_report_in_one_file(calls: Path) -> None:
    assert main(toy.EXPERIMENT, ["--standalone"]) == 0
    report = toy.only_run() / "report.html"
    assert not Path("results/plotly.min.js").exists()
    assert len(report.read_bytes()) > 4_000_000
    assert "../plotly.min.js" not in report.read_text(encoding="utf-8")
    assert main(toy.EXPERIMENT, ["--out", "b"]) == 0
    assert len((toy.only_run("b") / "report.html").read_bytes()) < 1_000_000
    assert main(toy.EXPERIMENT, ["--out", "b", "--standalone"]) == 0
    assert len((toy.only_run("b") / "report.html").read_bytes()) > 4_000_000
    assert toy.count(calls) == 2


def test_plotly_is_written_once_and_mended() -> None:
    script = Path("results/plotly.min.js")
    assert main(toy.EXPERIMENT, []) == 0
    whole = script.stat()
    assert whole.st_size > 4_000_000
    assert main(toy.EXPERIMENT, ["--force"]) == 0
    assert script.stat().st_mtime_ns == whole.st_mtime_ns
    script.write_bytes(b"cut")
    assert main(toy.EXPERIMENT, ["--force"]) == 0
    assert script.stat().st_size == whole.st_size
    assert {path.name for path in Path("results").iterdir()} == {
        *("index.html", "plotly.min.js", "toy")
    }


def test_two_runs_in_one_second_are_told_apart(tmp_path: Path) -> None:
    started = datetime(2000, 1, 1, 0, 0, 59, tzinfo=UTC)
    names = []
    for _ in range(2):
        with store.draft(tmp_path, "toy") as folder:
            names.append(store.publish(folder, started=started, fingerprint="abcdef0123").name)
    assert names == ["20000101T000059Z-abcdef01", "20000101T000100Z-abcdef01"]


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_output_of_any_encoding(flags: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out, err = toy.process("--mode", "90° ∞", *flags).communicate(timeout=60)
    assert err == ""
    if flags:
        assert exact_json.loads(out)["checks"][0]["theory"] == "sum > 0 [exact] 90° ∞"
    else:
        assert "sum > 0 [exact] 90\\xb0 \\u221e" in out


def test_data_is_plain_before_anything_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    data: dict[str, Any] = {"sum": np.int64(3), "pair": (np.float64(0.5), None)}
    assert main(toy.measuring(data=data), ["--json"]) == 0
    found: dict[str, Json] = json.loads(capsys.readouterr().out)
    assert (found["sum"], found["pair"]) == (3, [0.5, None])


def test_a_run_is_known_by_the_content_of_its_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> str:
        assert main(toy.EXPERIMENT, ["--json", "--quiet", "--source", name]) == 0
        return str(exact_json.loads(capsys.readouterr().out)["run"])

    Path("a.txt").write_text("one", encoding="utf-8")
    Path("b.txt").write_text("one", encoding="utf-8")
    first = run("a.txt")
    assert run("b.txt") == first
    Path("a.txt").write_text("two", encoding="utf-8")
    assert run("a.txt") != first
    kept = sorted(path.name for path in (tmp_path / "results" / "toy").iterdir())
    assert main(toy.EXPERIMENT, ["--quiet", "--source", "absent.txt"]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        "error: --source must be a readable file; got 'absent.txt': No such file or directory.\n"
    )
    assert sorted(path.name for path in (tmp_path / "results" / "toy").iterdir()) == kept
