"""The files of an audit: what they may hold, refusals in one line, and a whole run."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import whole_runs
from audited import FIGURES, TABLES, measured, save, weights
from safetensors.numpy import save_file

from experiments import audit, audit_matrix
from experiments.harness import turned_rows
from experiments.harness.arrays import ArrayFile, ArrayFileError
from experiments.harness.run import main
from geometry.gram_moments import LARGEST_SIDE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("weights")
    save(where)
    return where


def test_lists_what_a_file_holds(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "several.safetensors"), "--out", str(tmp_path / "out")]
    assert main(audit.EXPERIMENT, words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["'other'", "'table'"]
    assert "60 x 12" in lines[1]
    assert main(audit.EXPERIMENT, [*words, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["tensors"][0] | {"type": ""} == {
        "name": "other",
        "shape": [5, 12],
        "type": "",
        "trouble": "",
    }
    assert not (tmp_path / "out").exists()
    rows = weights()
    save_file({"a\x1b[31m\nb": rows, "c": rows}, tmp_path / "odd.safetensors")
    assert main(audit.EXPERIMENT, [str(tmp_path / "odd.safetensors"), *words[1:]]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count("\n") == 3


@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_are_turned_in_one_pass(
    order: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float16)
    np.save(tmp_path / "table.npy", np.asarray(matrix, order=order))
    monkeypatch.setattr(turned_rows, "_SLAB", 30)
    monkeypatch.setattr(turned_rows, "_READ", 12)
    with ArrayFile(tmp_path / "table.npy") as file:
        source = file["array"]
        np.testing.assert_array_equal(turned_rows.held(source, by_columns=True), matrix.T)
        np.testing.assert_array_equal(turned_rows.held(source, by_columns=False), matrix)
        asked: list[slice] = []
        read = source.rows

        def counted(which: slice) -> Any:
            asked.append(which)
            return read(which)

        monkeypatch.setattr(source, "rows", counted)
        with turned_rows.turned(source) as rows:
            # Three rows of five halves are 30 bytes.
            assert asked == [slice(0, 3), slice(3, 6), slice(6, 7)]
            assert rows.shape == (5, 7)
            np.testing.assert_array_equal(rows.rows(slice(1, 4)), matrix.T[1:4])


def test_no_room_for_columns_gets_one_line(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(audit_matrix, "_IN_MEMORY", 0)
    monkeypatch.setattr(os, "pwrite", full)
    words = [str(folder / "table.npy"), "--axis", "columns", "--out", str(tmp_path), "--quiet"]
    assert main(audit.EXPERIMENT, [*words, "--active", "1"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: No space left on device")
    assert said.count("\n") == 1


def damaged(folder: Path, tmp_path: Path, kind: str) -> Path:
    """A bad file of each kind."""
    whole = (folder / "table.npy").read_bytes()
    path = tmp_path / f"{kind}.npy"
    if kind == "truncated":
        path.write_bytes(whole[:-100])
    elif kind == "corrupt":
        path.write_bytes(whole[:8] + b"\xff" * 40 + whole[48:])
    elif kind == "pickled":
        np.save(path, np.array([{}], object), allow_pickle=True)
    elif kind == "flat":
        np.save(path, np.ones(7))
    elif kind == "nan":
        rows = weights()
        rows[40, 3] = np.nan
        np.save(path, rows)
    elif kind == "zeros":
        np.save(path, np.zeros((8, 5)))
    elif kind == "equal":
        np.save(path, np.tile(np.arange(1, 6, dtype=np.float32) / 3, (8, 1)))
    elif kind == "broad":
        with path.open("wb") as stream:
            side = LARGEST_SIDE + 1
            header = {"descr": "<f2", "fortran_order": False, "shape": (side, side)}
            np.lib.format.write_array_header_1_0(stream, header)
            stream.truncate(stream.tell() + 2 * side**2)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("truncated", "is truncated"),
        ("corrupt", "cannot be read"),
        ("pickled", "never unpickled"),
        ("flat", "must hold a matrix"),
        ("nan", "NaN or infinity in row 40"),
        ("zeros", "at least 2 that are not zero"),
        ("equal", "centred"),
        ("broad", "smaller side at most"),
        ("missing", "cannot be read"),
    ],
)
def test_bad_files_get_one_line(
    kind: str, said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damaged(folder, tmp_path, kind)
    whole_runs.assert_refused("audit", [str(path)], said, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tensor", "nothing"], "has no array 'nothing'"),
        (["--active", "60"], "--active must be below the number of rows, 60"),
        (["--active", "59"], "--active must be below the 58 raw rows"),
        (["--axis", "columns", "--active", "12"], "number of columns, 12"),
        (["--seeds", "1"], "--seeds must be at least 2"),
        (["--pairs", "some"], "--pairs must be one of"),
        (["--vocabulary", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_settings_get_one_line(
    words: list[str],
    said: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(folder / "table.npy"), *words]
    whole_runs.assert_refused("audit", given, said, tmp_path / "out", capsys)


def test_no_file_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole_runs.assert_refused("audit", [], "FILE must be", tmp_path / "out", capsys)


def changing(folder: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]) -> Path:
    """A file that is streamed, and changed before its pairs are compared."""
    path = folder / "table.npy"
    np.save(path, weights())
    monkeypatch.setattr(audit_matrix, "_IN_MEMORY", 0)
    found = audit._pairs

    def changed(*given: Any) -> Any:
        change(path)
        return found(*given)

    monkeypatch.setattr(audit, "_pairs", changed)
    return path


def test_a_file_that_shrinks_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut in the middle of the measurement, while rows are streamed from it."""
    path = changing(tmp_path, monkeypatch, lambda path: os.truncate(path, 1000))
    whole_runs.assert_refused("audit", [str(path)], "is truncated", tmp_path / "out", capsys)
    with pytest.raises(ArrayFileError):
        measured(path)


def test_a_row_that_becomes_zero_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = weights()
    rows[40] = 0
    path = changing(tmp_path, monkeypatch, lambda path: np.save(path, rows))
    said = "direction 40 became zero"
    whole_runs.assert_refused("audit", [str(path)], said, tmp_path / "out", capsys)

    def broken(*_: Any) -> Any:
        raise ValueError("a defect")

    # What the file is not to blame for keeps its traceback.
    np.save(path, weights())
    monkeypatch.setattr(audit, "_pairs", broken)
    with pytest.raises(ValueError, match="a defect"):
        measured(path)


def test_help_is_light() -> None:
    whole_runs.assert_help_is_light("audit")


def test_a_tiny_run_is_recorded_and_opens() -> None:
    whole = whole_runs.tiny_run("audit")
    record = json.loads((whole / "record.json").read_text(encoding="utf-8"))
    assert "58 rows of 'table' in 12 dimensions" in record["answer"]
    assert all(check["verdict"] in ("PASS", "INCONCLUSIVE") for check in record["checks"])
    assert set(record["tables"]) == TABLES
    whole_runs.assert_opens(whole, FIGURES)
