"""Saved packings: what is written is read back, and false or damaged files are told apart."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import packing_file, verify
from experiments.packing_file import PackingFile


def hadamard_with_basis() -> PackingFile:
    """The 8 lines of R^4 at 1/2: the basis and a Hadamard matrix."""
    h = np.array([[1, 1], [1, -1]], np.int8)
    rows = np.vstack([np.eye(4, dtype=np.int8), np.kron(h, h)])
    norms = np.array([1] * 4 + [4] * 4)
    return PackingFile("vectors", 4, 8, Fraction(1, 4), {"name": "test"}, rows, norms)


def saved(path: Path, content: PackingFile, **changes: Any) -> str:
    packing_file.write(path, dataclasses.replace(content, **changes))
    return str(path)


def test_a_true_file_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = saved(tmp_path / "p.npz", hadamard_with_basis())
    assert verify.main([name, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == 1
    assert record["proved"]
    assert record["pairs_checked"] == 28
    assert record["coherence_square"] == "1/4"
    assert verify.main([name]) == 0
    out = capsys.readouterr().out
    assert out.startswith("proved: 8 lines in 4 dimensions, every |cos| <= 1/2\n")
    assert list(tmp_path.iterdir()) == [tmp_path / "p.npz"]


def test_a_claim_at_equality_holds_and_just_below_does_not(tmp_path: Path) -> None:
    below = Fraction(1, 4) - Fraction(1, 10**40)
    name = saved(tmp_path / "p.npz", hadamard_with_basis(), coherence_square=below)
    assert verify.main([name]) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 9}, "there are 8 rows, the claimed count is 9"),
        ({"dim": 5}, "the rows have 4 coordinates, the claimed dimension is 5"),
        ({"coherence_square": Fraction(1, 5)}, "above the claimed"),
        ({"squared_norms": np.array([1] * 4 + [5] * 4)}, "stated squared norm"),
        ({"squared_norms": np.array([-1] * 4 + [4] * 4)}, "a squared norm is negative"),
        ({"squared_norms": np.array([0] * 4 + [4] * 4), "vectors": np.zeros((8, 4))}, "unit"),
        ({"vectors": np.full((8, 4), 0.5)}, "not small integers"),
    ],
)
def test_readable_but_false(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    name = saved(tmp_path / "p.npz", hadamard_with_basis(), **changes)
    assert verify.main([name]) == 1
    out = capsys.readouterr().out
    assert out.startswith("FALSE")
    assert said in out


def test_a_duplicate_row_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = hadamard_with_basis()
    vectors = content.vectors.copy()
    vectors[6] = -vectors[5]
    name = saved(tmp_path / "p.npz", content, vectors=vectors)
    assert verify.main([name]) == 1
    assert "rows 5 and 6 are the same line" in capsys.readouterr().out


def test_float_rows_need_room_for_rounding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    angles = np.pi * np.arange(3) / 3
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    content = PackingFile(
        "vectors", 2, 3, Fraction(1, 4) + Fraction(1, 10**12), {}, vectors, np.zeros(3, np.int64)
    )
    assert verify.main([saved(tmp_path / "p.npz", content)]) == 0
    # The claim is printed as it is, not rounded to the 1/2 that these rows cannot prove.
    assert "every |cos| <= 0.5000000000010" in capsys.readouterr().out
    vectors[1] = [np.cos(1.0472), np.sin(1.0472)]  # pi/3 to 3e-6
    assert verify.main([saved(tmp_path / "p.npz", content, vectors=vectors)]) == 1


def test_a_recipe_proves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = saved(tmp_path / "p.npz", hadamard_with_basis(), kind="recipe", count=10**30)
    assert verify.main([name, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["proved"] is False
    assert record["count"] == 10**30
    assert record["note"] == "sample only, no proof"


def unreadable(path: Path, case: str) -> None:
    packing_file.write(path, hadamard_with_basis())
    whole = path.read_bytes()
    with np.load(path) as archive:
        parts = dict(archive)
    if case == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "garbled":
        path.write_bytes(whole[:200] + bytes(64) + whole[264:])
    elif case == "text":
        path.write_text("not an archive")
    elif case == "npy":
        with path.open("wb") as stream:
            np.save(stream, np.eye(3))
    elif case == "nan":
        np.savez(path, **parts | {"vectors": np.full((8, 4), np.nan)})
    elif case == "object":
        np.savez(path, allow_pickle=True, **parts | {"vectors": np.array([[None]], object)})
    elif case == "words":
        np.savez(path, **parts | {"vectors": np.array([["a"]])})
    elif case == "flat":
        np.savez(path, **parts | {"vectors": np.ones(4)})
    elif case == "norms":
        np.savez(path, **parts | {"squared_norms": np.ones(3, np.int64)})
    elif case == "missing":
        np.savez(path, **{name: part for name, part in parts.items() if name != "count"})
    elif case == "foreign":
        np.savez(path, **parts | {"format": np.array("else")})
    elif case == "count":
        np.savez(path, **parts | {"count": np.array("-3")})
    elif case == "claim":
        np.savez(path, **parts | {"coherence_square": np.array("1/0")})
    elif case == "kind":
        np.savez(path, **parts | {"kind": np.array("other")})
    elif case == "recipe":
        np.savez(path, **parts | {"recipe": np.array("{")})


@pytest.mark.parametrize(
    "case",
    ["truncated", "empty", "garbled", "text", "npy", "nan", "object", "words", "flat", "norms",
     "missing", "foreign", "count", "claim", "kind", "recipe"],
)  # fmt: skip
def test_unreadable_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    path = tmp_path / "p.npz"
    unreadable(path, case)
    assert verify.main([str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: FILE must be")
    assert captured.err.count("\n") == 1


def test_missing_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main(["--json"]) == 2
    assert capsys.readouterr().err == "error: FILE must be a path; got nothing.\n"
    assert verify.main([str(tmp_path / "none.npz")]) == 2
    assert "error: FILE must exist" in capsys.readouterr().err
    assert verify.main([str(tmp_path)]) == 2
    assert "not a folder" in capsys.readouterr().err


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    broken = dataclasses.replace(hadamard_with_basis(), vectors=np.array([[None]], object))
    with pytest.raises(ValueError, match="pickle"):
        packing_file.write(tmp_path / "p.npz", broken)
    assert list(tmp_path.iterdir()) == []
