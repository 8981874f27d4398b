"""Two runs are the same but for times, or the file that differs is named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import toy

from experiments.harness import exact_json
from experiments.harness.run import main
from experiments.same_runs import unlike


@pytest.fixture
def twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two runs with one seed."""
    toy.empty_folder(tmp_path, monkeypatch)
    for words in ([], ["--force", "--json"]):
        assert main(toy.EXPERIMENT, ["--quiet", *words]) == 0
    first, second = sorted(Path("results/toy").iterdir())
    return first, second


def test_runs_of_one_seed_are_the_same(twice: tuple[Path, Path]) -> None:
    first, second = twice
    assert unlike(first, second) == []
    # Times differ, however short the runs are.
    record = exact_json.loads((first / "record.json").read_text(encoding="utf-8"))
    record["seconds"] = 123.4
    record["provenance"] |= {"run_seconds": 123.4, "command": "other"}
    record["provenance"]["phases"] = dict.fromkeys(record["provenance"]["phases"], 123.4)
    record["summary"].append("In 3 min 20 s.")
    (first / "record.json").write_text(exact_json.dumps(record), encoding="utf-8")
    again = exact_json.loads((second / "record.json").read_text(encoding="utf-8"))
    again["summary"].append("In 0.4 s.")
    (second / "record.json").write_text(exact_json.dumps(again), encoding="utf-8")
    assert "record.json" not in unlike(first, second)


def test_phases_may_take_whole_seconds(twice: tuple[Path, Path]) -> None:
    first, second = twice
    page = (first / "report.html").read_text(encoding="utf-8")
    said = re.compile(r"<dt>phases</dt><dd>.*?</dd>")
    assert len(said.findall(page)) == 1
    page = said.sub("<dt>phases</dt><dd><span>measuring 20</span></dd>", page)
    (first / "report.html").write_text(page, encoding="utf-8")
    assert unlike(first, second) == []


def test_what_differs_is_named(twice: tuple[Path, Path]) -> None:
    first, second = twice
    record = exact_json.loads((second / "record.json").read_text(encoding="utf-8"))
    record["checks"][0]["estimate"] = 8
    (second / "record.json").write_text(exact_json.dumps(record), encoding="utf-8")
    page = (second / "report.html").read_text(encoding="utf-8")
    (second / "report.html").write_text(page.replace("Four draws", "Five draws"), encoding="utf-8")
    (second / "dims.csv").unlink()
    shutil.copy(first / "config.json", second / "arrays.npz")
    assert unlike(first, second) == ["arrays.npz", "dims.csv", "record.json", "report.html"]


def test_a_phase_that_is_gone_is_no_time(twice: tuple[Path, Path]) -> None:
    first, second = twice
    record = exact_json.loads((second / "record.json").read_text(encoding="utf-8"))
    record["provenance"]["phases"] = {}
    (second / "record.json").write_text(exact_json.dumps(record), encoding="utf-8")
    assert unlike(first, second) == ["record.json"]
