"""Arrays under way are kept bit for bit, replaced whole, and dropped when damaged."""

import hashlib
import io
import pickle
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.harness import parts

Arrays = dict[str, NDArray[Any]]


def _arrays() -> Arrays:
    generator = np.random.default_rng(0)
    odd = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1 / 3])
    return {
        "done": np.array(3),
        "state.0": generator.integers(0, 1 << 32, (4, 2), np.uint32),
        "state.1": generator.standard_normal((4, 3, 5)).astype(np.float32),
        "trace.one": np.zeros((4, 0), np.float32),
        "odd": odd,
        "flags": np.array([True, False]),
        # As a device hands it over, in another order of axes.
        "turned": generator.standard_normal((3, 5)).T,
    }


def _same(one: Arrays | None, two: Arrays) -> bool:
    return (
        one is not None
        and list(one) == list(two)
        and all(
            (one[key].dtype, one[key].shape, one[key].tobytes())
            == (two[key].dtype, two[key].shape, two[key].tobytes())
            for key in two
        )
    )


def test_arrays_come_back_bit_for_bit(tmp_path: Path) -> None:
    parts.Parts(tmp_path / "kept").save("one-2_x", _arrays())
    # Another process would begin with another object.
    kept = parts.Parts(tmp_path / "kept")
    assert _same(kept.load("one-2_x"), _arrays())
    assert _same(kept.load("one-2_x"), _arrays())
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one-2_x.arrays"]
    # What was read is the reader's own.
    held = kept.load("one-2_x")
    assert held is not None
    held["state.1"][:] = 0
    assert _same(kept.load("one-2_x"), _arrays())


def test_nothing_is_kept_at_first_or_under_another_name(tmp_path: Path) -> None:
    kept = parts.Parts(tmp_path / "kept")
    assert kept.load("one") is None
    assert not (tmp_path / "kept").exists()
    kept.save("one", _arrays())
    assert kept.load("two") is None
    # A finished part of that name is another thing.
    assert kept.get("one", lambda: 5) == 5
    assert _same(kept.load("one"), _arrays())


def test_arrays_are_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = parts.Parts(tmp_path)
    kept.save("one", _arrays())
    kept.save("one", {"done": np.array(4)})
    assert _same(kept.load("one"), {"done": np.array(4)})
    assert [path.name for path in tmp_path.iterdir()] == ["one.arrays"]

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    # A save that fails leaves what was there, and nothing beside it.
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        kept.save("one", _arrays())
    monkeypatch.undo()
    assert _same(kept.load("one"), {"done": np.array(4)})
    assert [path.name for path in tmp_path.iterdir()] == ["one.arrays"]


def test_forget_and_discard(tmp_path: Path) -> None:
    kept = parts.Parts(tmp_path / "kept")
    kept.forget("one")
    kept.save("one", _arrays())
    kept.save("two", _arrays())
    kept.get("one", lambda: 5)
    kept.forget("one")
    assert kept.load("one") is None
    kept.forget("one")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["one.json", "two.arrays"]
    kept.discard()
    assert kept.load("two") is None
    assert not (tmp_path / "kept").exists()


def test_without_a_folder_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = parts.Parts()
    nowhere.save("one", _arrays())
    assert nowhere.load("one") is None
    nowhere.forget("one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../one", "One", "a b", "one.npz", "-one"])
def test_names_are_fit_for_files(tmp_path: Path, name: str) -> None:
    for kept in (parts.Parts(tmp_path), parts.Parts()):
        for call in (
            partial(kept.load, name),
            partial(kept.save, name, _arrays()),
            partial(kept.forget, name),
        ):
            said = rf"^`name` must be like 'column-12'; got {re.escape(repr(name))}\.$"
            with pytest.raises(ValueError, match=said):
                call()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"not a zip file", b"PK\x03\x04", b"\x93NUMPY"])
def test_what_is_no_archive_is_none(tmp_path: Path, content: bytes) -> None:
    kept = parts.Parts(tmp_path)
    (tmp_path / "one.arrays").write_bytes(content)
    assert kept.load("one") is None
    kept.save("one", _arrays())
    assert _same(kept.load("one"), _arrays())


def test_a_truncated_file_is_none(tmp_path: Path) -> None:
    kept, path = parts.Parts(tmp_path), tmp_path / "one.arrays"
    kept.save("one", {"done": np.array(3), "state": np.arange(6.0)})
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert kept.load("one") is None


def test_a_damaged_file_is_none(tmp_path: Path) -> None:
    kept, path = parts.Parts(tmp_path), tmp_path / "one.arrays"
    kept.save("one", {"done": np.array(3), "state": np.arange(6.0)})
    content = path.read_bytes()
    # Bits of the arrays, their headers, names, lengths; an archive's directory loses whole arrays.
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x01
        path.write_bytes(damaged)
        assert kept.load("one") is None
    path.write_bytes(content + b"\0")
    assert kept.load("one") is None


class _Trap:
    """Whose pickle, where it is read, leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    kept, trace = parts.Parts(tmp_path), tmp_path / "sprung"
    trapped = np.array([_Trap(trace)], object)
    buffer = io.BytesIO()
    np.savez(buffer, done=np.array(3), state=trapped, allow_pickle=True)
    forged = buffer.getvalue()
    # As such, with a digest that fits, and a pickle that is no archive.
    (tmp_path / "one.arrays").write_bytes(forged)
    assert kept.load("one") is None
    for content in (forged, pickle.dumps(_Trap(trace))):
        (tmp_path / "one.arrays").write_bytes(hashlib.sha256(content).digest() + content)
        with pytest.raises(ValueError, match="allow_pickle="):
            kept.load("one")
    assert not trace.exists()
    # Nor written.
    with pytest.raises(ValueError, match="allow_pickle=False"):
        kept.save("two", {"state": trapped})
    assert not (tmp_path / "two.arrays").exists()
    # The trap works.
    pickle.loads(pickle.dumps(_Trap(trace)))
    assert trace.exists()
