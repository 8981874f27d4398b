"""Dictionaries from files: what is read, what is normalised, what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from experiments import dictionary
from experiments.harness.errors import InputError


def rows(count: int = 5, dim: int = 3) -> NDArray[np.float64]:
    made = np.random.default_rng(0).standard_normal((count, dim))
    return np.asarray(made / np.linalg.norm(made, axis=1)[:, None], np.float64)


def saved(folder: Path, array: NDArray[Any], name: str = "w.npy") -> str:
    path = folder / name
    np.save(path, array)
    return str(path)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_unit_rows_are_read_as_they_are(tmp_path: Path, kind: type[Any]) -> None:
    found = dictionary.from_file(saved(tmp_path, rows().astype(kind)))
    assert found.name == "w.npy"
    assert found.vectors.dtype == np.dtype(np.float32)
    np.testing.assert_allclose(found.vectors, rows(), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert found.notice == "" or kind is np.float16


def test_other_rows_are_normalised_with_a_notice(tmp_path: Path) -> None:
    scaled = rows() * np.array([[1.0], [2.0], [0.5], [1e200], [1e-200]])
    found = dictionary.from_file(saved(tmp_path, np.asfortranarray(scaled)))
    np.testing.assert_allclose(found.vectors, rows(), atol=1e-6)
    assert found.notice == (
        "4 of 5 rows of the file were not of unit length (norms 1e-200 to 1e+200) and were "
        "normalised."
    )
    whole = dictionary.from_file(saved(tmp_path, np.array([[3, 4], [0, -2]])))
    np.testing.assert_allclose(whole.vectors, [[0.6, 0.8], [0.0, -1.0]], atol=1e-7)


def test_blocks_of_rows_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "_BLOCK", 2)
    found = dictionary.from_file(saved(tmp_path, 3 * rows()))
    np.testing.assert_allclose(found.vectors, rows(), atol=1e-6)
    assert found.notice.startswith("5 of 5 rows")
    bad = rows()
    bad[3] = 0
    with pytest.raises(InputError, match=r"row 3 is\.$"):
        dictionary.from_file(saved(tmp_path, bad))


def test_archives(tmp_path: Path) -> None:
    one = tmp_path / "one.npz"
    np.savez(one, w=rows())
    np.testing.assert_allclose(dictionary.from_file(str(one)).vectors, rows(), atol=1e-6)
    two = tmp_path / "two.npz"
    np.savez(two, w=rows(), b=np.zeros(5))
    assert dictionary.shape_of(str(two), "w") == (5, 3)
    for tensor, said in ((None, "--tensor must name an array of "), ("x", "--tensor must be one")):
        with pytest.raises(InputError) as caught:
            dictionary.from_file(str(two), tensor)
        assert str(caught.value).startswith(said)
        assert "w, b" in str(caught.value)
    with pytest.raises(InputError, match=r"^--file must hold a matrix \[features, dim\]"):
        dictionary.from_file(str(two), "b")
    tensors = tmp_path / "three.safetensors"
    save_file({"w": rows().astype(np.float16), "b": np.zeros(5)}, tensors)
    found = dictionary.from_file(str(tensors), "w").vectors
    np.testing.assert_allclose(found, rows(), atol=1e-3)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([[1.0, 0], [0, 0]]), "rows that are not zero; got"),
        (np.array([[1.0, np.nan]]), "holds NaN or infinity in row 0"),
        (np.zeros((3, 1)), "a matrix [features, dim] with dim at least 2"),
        (np.zeros(3), "a matrix [features, dim]"),
        (np.zeros((0, 4)), "a matrix [features, dim]"),
        (np.array([["a", "b"]]), "must hold real numbers"),
    ],
)
def test_refused(tmp_path: Path, array: NDArray[Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        dictionary.from_file(saved(tmp_path, array))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "text.npy"
    text.write_text("hello", encoding="utf-8")
    for path in (text, tmp_path, tmp_path / "absent.npy"):
        with pytest.raises(InputError) as caught:
            dictionary.from_file(str(path))
        assert os.path.basename(path) in str(caught.value)
    monkeypatch.setattr(dictionary, "LARGEST_ENTRIES", 10)
    with pytest.raises(InputError, match=r"^--file must hold at most 10 entries; got "):
        dictionary.shape_of(saved(tmp_path, rows()))


def test_trained_rows() -> None:
    trained = (rows() * np.array([[2], [1], [1e-3], [1], [0]])).astype(np.float32)
    found = dictionary.normalised("trained", trained, "loss 1")
    np.testing.assert_allclose(found.vectors, rows()[[0, 1, 3]], atol=1e-6)
    assert found.notice == (
        "loss 1; 2 of 5 features were not learned and are left out; 1 of 3 rows of the trained "
        "dictionary were not of unit length (norms 1 to 2) and were normalised."
    )


def test_asked_shapes(tmp_path: Path) -> None:
    def ask(**changes: Any) -> tuple[int, int]:
        plain: dict[str, Any] = {"dim": None, "features": None, "file": None, "tensor": None}
        return dictionary.asked_shape(**(plain | changes), defaults=(20, 10))

    path = saved(tmp_path, rows())
    assert ask() == (20, 10)
    assert ask(dim=7) == (20, 7)
    assert ask(file=path) == ask(file=path, dim=3, features=5) == (5, 3)
    for changes, said in (
        ({"file": path, "dim": 4}, "--dim must be that of the file, 3, or left out; got 4."),
        ({"file": path, "features": 4}, "--features must be that of the file, 5, or left out"),
        ({"tensor": "w"}, "--tensor must come with --file; got 'w' alone."),
        ({"features": 1 << 20, "dim": 1 << 10}, "--features times --dim must be at most 268,435"),
    ):
        with pytest.raises(InputError) as caught:
            ask(**changes)
        assert str(caught.value).startswith(said)
