"""The reference is the newest runs of what is asked, copied whole, and texts follow its records."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments import reference, reference_pictures
from experiments.harness import exact_json, store
from experiments.harness.errors import InputError
from experiments.shown_commands import agrees, question, rewritten, shown

ASKED = "python -m experiments.capacity --seeds 8 --steps 90"
TEXT = f"""Words.

```console
$ {ASKED}
Old answer of 4 numbers: 1, 2.
...
Third line, took 3.1 s (of 4).
$ python -m experiments.causes
```

```console
python -m experiments.atlas
$ pip install nothing
```
"""
LINES = {
    "answer": "Old answer of 5 numbers: 1, 2.",
    "summary": ["Second line.", "Third line, took 0.2 s (of 4)."],
}


def run(out: Path, name: str, command: str = ASKED, **changes: Any) -> Path:
    """A run folder of the capacity experiment as its files lie on disk."""
    asked = question(command)
    folder = out / "capacity" / name
    folder.mkdir(parents=True)
    settings = {**asked.settings, **changes}
    said = f"{command} --quiet --out {out}"
    record = {
        "experiment": "capacity",
        **LINES,
        "data": {"count": 7**6000},
        "tables": {},
        "provenance": {"command": said, "config": settings},
    }
    with exact_json.any_digits():
        (folder / "record.json").write_text(json.dumps(record), "utf-8")
    (folder / "config.json").write_text(json.dumps(settings), "utf-8")
    store.write_arrays(folder / "arrays.npz", {"a": np.arange(3)})
    (folder / "blocks.csv").write_text("a,b\n1,2\n", "utf-8")
    (folder / "report.html").write_text("large", "utf-8")
    return folder


def test_commands_and_what_they_print_are_found() -> None:
    (only,) = shown(TEXT)
    assert only.command == ASKED
    assert only.printed.splitlines()[0] == "Old answer of 4 numbers: 1, 2."
    assert TEXT[only.start : only.end] == only.printed


def test_questions_are_the_same_in_any_words() -> None:
    other = question("python -m experiments.capacity --steps=90 --preset quick --seeds 8 --quiet")
    assert question(ASKED).same(other)
    assert not question(ASKED).same(question("python -m experiments.capacity"))
    with pytest.raises(InputError, match="--seeds must be"):
        question("python -m experiments.capacity --seeds 0")


@pytest.mark.parametrize(
    ("printed", "holds"),
    [
        ("Old answer of 5\nnumbers: 1, 2.", True),
        ("Old answer of 5 numbers: 1, 2.\nSecond line.\n", True),
        ("Old answer of 5 numbers: 1, 2.\n...\nThird line, took 9 s (of 4).\n", True),
        ("Old answer of 5 numbers: 1, 2.\n...\nSecond line.\n", False),  # nothing was left out
        ("Old answer of 5 numbers: 1, 2.\n...\nThird line, took 9 s (of 5).\n", False),
        ("Old answer of 5 numbers: 1, 2. Third line, took 0.2 s (of 4).", False),
        ("Second line.", False),
        ("Old answer of 5 numbers: 1, 3.", False),
    ],
)
def test_agreement(printed: str, holds: bool) -> None:
    assert agrees(printed, LINES) is holds


def test_texts_follow_the_records() -> None:
    asked = question(ASKED)
    record = {**LINES, "experiment": "capacity", "provenance": {"config": asked.settings}}
    new = rewritten(TEXT, [record])
    assert "\nOld answer of 5 numbers: 1, 2.\n...\nThird line, took 0.2 s (of 4).\n$ py" in new
    assert agrees(shown(new)[0].printed, record)
    # Times alone are no change.
    later = {**record, "summary": ["Second line.", "Third line, took 8.8 s (of 4)."]}
    assert rewritten(new, [later]) == new


def test_the_newest_run_of_each_question_is_kept(tmp_path: Path) -> None:
    asked = question(ASKED)
    results, kept = tmp_path / "results", tmp_path / "kept"
    run(results, "20260101T000000Z-00000001")
    newest = run(results, "20260102T000000Z-00000002")
    run(results, "20260103T000000Z-00000003", seeds=5)
    old = reference.keep(run(tmp_path / "old", "20250101T000000Z-0000000a"), asked, kept)
    assert reference.newest([asked], (kept,)) == [old]
    assert reference.newest([asked], (results, kept)) == [newest]

    copy = reference.keep(newest, asked, kept)
    assert copy == kept / "capacity" / newest.name
    names = ["arrays.npz", "blocks.csv", "config.json", "record.json"]
    assert sorted(path.name for path in copy.iterdir()) == names
    for name in names[:3]:
        assert (copy / name).read_bytes() == (newest / name).read_bytes()
    record = reference.record_in(copy)
    assert record["provenance"]["command"] == ASKED
    assert record["data"]["count"] == 7**6000
    # Again from itself: nothing changes.
    assert reference.keep(copy, asked, kept) == copy
    assert reference.record_in(copy) == record

    reference.remove_others(kept, [copy])
    assert list((kept / "capacity").iterdir()) == [copy]


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "results", "20260101T000000Z-00000001", seeds=5)
    with pytest.raises(InputError, match=f"hold a run of: {ASKED}"):
        reference.newest([question(ASKED)], (tmp_path / "results",))
    (tmp_path / "README.md").write_text(TEXT, "utf-8")
    words = ["--project", str(tmp_path), "--to", str(tmp_path / "kept"), "--without-pictures"]
    assert reference.main([str(tmp_path / "none"), *words]) == 2
    assert "error: RESULTS must be a results folder" in capsys.readouterr().err
    assert reference.main([str(tmp_path / "results"), *words]) == 2
    assert f"error: RESULTS must hold a run of: {ASKED};" in capsys.readouterr().err
    assert list((tmp_path / "kept").iterdir()) == []


def test_every_command_is_measured_beside_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table, tokens = tmp_path / "table", tmp_path / "tokens"
    table.write_text("numbers", "utf-8")
    tokens.write_text("words", "utf-8")
    ran = []

    def run(words: list[str], cwd: str, check: bool) -> SimpleNamespace:
        assert (Path(cwd) / "weights.safetensors").read_text("utf-8") == "numbers"
        assert (Path(cwd) / "tokenizer.json").read_text("utf-8") == "words"
        ran.append(words[1:])
        return SimpleNamespace(returncode=2 if "atlas" in words[2] else 1)

    monkeypatch.setattr("experiments.wordllama_table.paths", lambda: (table, tokens))
    monkeypatch.setattr("subprocess.run", run)
    asked = [question(ASKED), question("python -m experiments.causes")]
    with pytest.raises(InputError, match=r"got 2 from python -m experiments\.atlas"):
        reference.measure(asked, tmp_path / "out")
    out = ["--out", str(tmp_path / "out")]
    assert ran == [
        ["-m", "experiments", "all", *out],
        [*ASKED.split()[1:], *out],
        ["-m", "experiments.atlas", "--preset", "full", *out],
    ]
    assert capsys.readouterr().out.splitlines()[1] == f"$ {ASKED}"


def test_pictures_are_taken_and_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, kept = tmp_path / "results", tmp_path / "kept"
    place = "toy/20260101T000000Z-00000001"
    for folder in (results / place, kept / "pictures"):
        folder.mkdir(parents=True)
    page = "<html data-scheme='light'><figure id='figure-one'>one</figure></html>"
    (kept / "index.html").write_text(page, "utf-8")
    (kept / "pictures" / "old.png").touch()
    monkeypatch.setattr(reference_pictures, "FIGURES", (("one.png", "toy", "one"),))

    def taken() -> None:
        # In a thread of its own: this one may have a browser open already, for other tests.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(reference_pictures.take, {"toy": place}, results, kept).result()

    with pytest.raises(InputError, match=f"the report of {place}"):
        taken()
    (results / place / "report.html").write_text(page, "utf-8")
    taken()
    names = {path.name for path in (kept / "pictures").iterdir()}
    assert names == {"one.png", "scorecard.png", "pictures.json"}
    said = json.loads((kept / "pictures" / "pictures.json").read_text("utf-8"))
    assert (said["one.png"]["shows"], said["one.png"]["figure"]) == (place, "one")
    assert (kept / "pictures" / "one.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(InputError, match="pictures need a Chromium"):
        reference_pictures.require()
