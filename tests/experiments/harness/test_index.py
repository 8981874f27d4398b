"""The index over runs as text: no browser here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pages import Page

from experiments.harness.index import write_index


def record(out: Path, folder: str, **changes: Any) -> Path:
    place = out / folder
    place.mkdir(parents=True)
    plain = {
        "schema": 1,
        "experiment": "packing",
        "question": "How many fit?",
        "answer": "Exactly 6.",
        "created": "2025-11-22T16:52:00+00:00",
        "seconds": 12,
        "command": "python -m experiments.packing",
        "checks": [{"name": "a", "verdict": "PASS"}, {"name": "b", "verdict": "PASS"}],
        "claims": [{"id": "C1", "verdict": "refuted"}],
        "provenance": {},
        "result": {},
    }
    (place / "record.json").write_text(json.dumps(plain | changes))
    return place


def index(out: Path) -> Page:
    write_index(out)
    return Page((out / "index.html").read_text(encoding="utf-8"))


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    assert "No runs here yet" in index(tmp_path).text
    (tmp_path / "reference").mkdir()
    (tmp_path / "plotly.min.js").write_text("")
    assert "No runs here yet" in index(tmp_path).text


def test_the_index_lists_runs_newest_first(tmp_path: Path) -> None:
    record(tmp_path, "packing/20250101T000000Z-00000000", answer="Old.")
    new = record(tmp_path, "packing/20250301T000000Z-00000001", answer="Newest: 7 <fit>.")
    record(tmp_path, "capacity/20250201T000000Z-00000002", answer="Between.")
    record(tmp_path, "packing/.20250401T000000Z-00000003", answer="Half written.")
    (new / "report.html").write_text("")
    page = index(tmp_path)
    # An experiment's other runs are folded behind its newest.
    shown = ("Newest: 7 <fit>", "1 other run", "Old", "Between")
    places = [page.text.index(text) for text in shown]
    assert places == sorted(places)
    assert "Half written" not in page.text
    assert "3 runs, newest first" in page.text
    assert page.text.count("2 PASS") == 3
    assert page.text.count("1 refuted") == 3
    assert "22 November 2025, 16:52 UTC · 12 s" in page.text
    # Only a report that exists is linked.
    assert page.attributes("a", "href") == ["packing/20250301T000000Z-00000001/report.html"]


def test_a_page_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OSError, match=r"index\.html"):
        write_index(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": None}, "'answer' is missing or of the wrong type"),
        ({"checks": {}}, "'checks' is missing or of the wrong type"),
        ({"checks": [1]}, "a check or claim in the record has no verdict"),
        ({"claims": [{"id": "C1"}]}, "a check or claim in the record has no verdict"),
        ({"seconds": float("nan")}, "NaN is no JSON value"),
        ({"seconds": -1}, "'seconds' is not a time"),
    ],
)
def test_a_run_with_a_wrong_record_is_listed(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    record(tmp_path, "packing/20250101T000000Z-00000000", **changes)
    page = index(tmp_path)
    assert "Unreadable record" in page.text
    assert reason in page.text
    assert "1 run, newest first" in page.text


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_run_without_a_readable_record_is_listed(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "packing" / "20250101T000000Z-00000000"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "record.json").write_bytes(content)
    page = index(tmp_path)
    assert "Unreadable record" in page.text
    assert "packing/20250101T000000Z-00000000" in page.text
