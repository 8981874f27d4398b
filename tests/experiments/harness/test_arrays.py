import io
import os
import pickle
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.harness.arrays import ArrayFile, ArrayFileError
from experiments.harness.errors import InputError

VALUES = np.arange(20, dtype=np.float32).reshape(5, 4)


def npy(values: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def opened(path: Path, name: str = "array") -> NDArray[Any]:
    with ArrayFile(path) as file:
        return file[name].rows(slice(None))


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        np.asfortranarray(VALUES),
        np.asfortranarray(np.arange(24.0).reshape(4, 3, 2)),
        VALUES.astype(">f8"),
        VALUES.astype(np.int8),
        VALUES.astype(">f2"),
        np.arange(5),
        np.zeros((0, 4)),
        np.zeros((4, 0)),
    ],
    ids=str,
)
@pytest.mark.parametrize("which", [slice(None), slice(1, 3), slice(3, 99), slice(4, 2)], ids=str)
def test_rows_equal_numpys(tmp_path: Path, values: NDArray[Any], which: slice) -> None:
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "b.npz", first=VALUES, second=values)
    np.savez_compressed(tmp_path / "c.npz", second=values, third=VALUES)
    for name, key in (("a.npy", "array"), ("b.npz", "second"), ("c.npz", "second")):
        with ArrayFile(tmp_path / name) as file:
            source = file[key]
            assert (source.shape, source.kind) == (values.shape, values.dtype.name)
            # Backwards too: a compressed stream must begin anew.
            for _ in range(2):
                rows = source.rows(which)
                np.testing.assert_array_equal(rows, values[which])
                assert rows.dtype == source.dtype == values.dtype.newbyteorder("=")
                assert rows.flags.c_contiguous


def test_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=VALUES, y=VALUES)
    with ArrayFile(tmp_path / "a.npz") as file:
        assert file.names == ["x", "y"]
        with pytest.raises(ArrayFileError, match=r"has no array 'z'; it holds 'x, y'\.$"):
            file["z"]


@pytest.mark.parametrize("fortran", [False, True])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, fortran: bool) -> None:
    values = np.asfortranarray(VALUES) if fortran else VALUES
    content = npy(values)
    path = tmp_path / "a.npy"
    for length in [0, 3, 5, 9, 60, 127, 128, 129, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ArrayFileError, match=r"^the file '.*a\.npy' "):
            opened(path)


def test_a_file_that_shrinks_while_open_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((5000, 100)))
    with ArrayFile(path) as file:
        source = file["array"]
        source.rows(slice(0, 10))
        path.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(ArrayFileError, match=r"is truncated: \d+ of 8000 bytes came\.$"):
            source.rows(slice(4000, 4010))


def test_an_archive_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(5000.0))
    content = (tmp_path / "a.npz").read_bytes()
    path = tmp_path / "b.npz"
    for length in [4, 100, len(content) // 2, len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ArrayFileError, match="cannot be read"):
            opened(path, "x")
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(100) + content[middle + 100 :])
    with pytest.raises(ArrayFileError, match="cannot be read"):
        opened(path, "x")


class Boom:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("unpickled",))


class Touch:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self.path,))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([Boom()], dtype=object))
    with pytest.raises(ArrayFileError, match="holds Python objects, which are never unpickled"):
        opened(path)
    path.write_bytes(pickle.dumps(Boom()))
    with pytest.raises(ArrayFileError, match="is a pickle, which could run code and is never"):
        opened(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("fortran", [False, True])
def test_what_is_not_finite_is_refused_where_it_is(
    tmp_path: Path, bad: float, fortran: bool
) -> None:
    values = np.zeros((6, 3), order="F" if fortran else "C")
    values[4, 1] = bad
    np.save(tmp_path / "a.npy", values)
    with ArrayFile(tmp_path / "a.npy") as file:
        source = file["array"]
        assert source.rows(slice(0, 4)).shape == (4, 3)
        with pytest.raises(ArrayFileError, match=r"holds NaN or infinity in row 4\.$"):
            source.rows(slice(3, 6))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a"]),
        np.array([1j]),
        np.zeros(2, "i4,f4"),
        VALUES > 7,
        # Of 64 bits on some machines.
        *[np.zeros(2, np.longdouble)] * (np.dtype(np.longdouble).itemsize > 8),
    ],
)
def test_only_real_numbers(tmp_path: Path, values: NDArray[Any]) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ArrayFileError, match="must hold real numbers of at most 64 bits, not"):
        opened(tmp_path / "a.npy")


def with_header(header: str, version: bytes = b"\x01\x00") -> bytes:
    text = header.encode()
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"hello", r"is neither \.npy, \.npz nor \.safetensors"),
        (b"", "is empty"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}"), "impossible"),
        (with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9)}"), "truncated"),
        (
            with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (10**9,)}"),
            "cannot be read",
        ),
        (
            with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0x{'f' * 5000},)}}"),
            r"impossible shape, with a length of 2\^62 or more",
        ),
        (
            with_header(f"{{'descr': '<f4', 'fortran_order': True, 'shape': (0, {10**60})}}"),
            "impossible shape",
        ),
        (
            with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(1,) * 33}}}"),
            "impossible shape, of 33 dimensions",
        ),
        (b"\x93NUMPY\x02\x00" + bytes([255] * 4), "its header would be 4294967295 bytes long"),
        (with_header("{'descr': '\\d', 'fortran_order': False, 'shape': ()}"), "cannot be read"),
        (with_header("{'descr': '<f4', 'shape': (9, 9)}"), "cannot be read"),
        (with_header("[" * 5000), "cannot be read"),
        (with_header("{}", b"\x09\x00"), r"unknown format version 9\.0"),
    ],
)
def test_lying_headers(tmp_path: Path, content: bytes, trouble: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ArrayFileError, match=trouble) as caught:
        opened(tmp_path / "a.npy")
    assert len(str(caught.value).splitlines()) == 1
    assert isinstance(caught.value, InputError)


def test_an_old_header_is_read_without_a_warning(tmp_path: Path) -> None:
    # As Python 2 wrote it.
    header = with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L)}")
    (tmp_path / "a.npy").write_bytes(header + np.array([1, 2], "<f4").tobytes())
    np.testing.assert_array_equal(opened(tmp_path / "a.npy"), [[1, 2]])


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ArrayFileError, match="cannot be read"):
        opened(tmp_path / "a.npz", "notes.txt")


def test_an_archive_packed_otherwise(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.npy", npy(VALUES))
        archive.writestr("y.npy", npy(VALUES), zipfile.ZIP_STORED)
    with pytest.raises(ArrayFileError, match="packs 'x' in a way that NumPy does not"):
        opened(tmp_path / "a.npz", "x")
    with ArrayFile(tmp_path / "a.npz") as file:
        bad, good = file.describe()
    assert (good.name, good.shape, good.kind, good.trouble) == ("y", (5, 4), "float32", "")
    assert (bad.name, bad.shape) == ("x", ())
    assert "packs 'x'" in bad.trouble


def test_a_compressed_array_is_decompressed_once_a_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(4000.0).reshape(100, 40)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, rows=values, columns=np.asfortranarray(values))
    begun = []
    plain = zipfile.ZipFile.open

    def counted(self: zipfile.ZipFile, name: Any, *words: Any) -> Any:
        begun.append(name)
        return plain(self, name, *words)

    monkeypatch.setattr(zipfile.ZipFile, "open", counted)
    with ArrayFile(path) as file:
        # By columns, each block needs all of the file: it is decompressed to another, once.
        for name, passes in (("rows", 3), ("columns", 2)):
            source = file[name]
            for _ in range(3):
                for start in range(0, 100, 7):
                    block = slice(start, start + 7)
                    np.testing.assert_array_equal(source.rows(block), values[block])
            # Nor does a gap begin another pass.
            for start in (1, 50, 90):
                source.rows(slice(start, start + 1))
            assert len(begun) == passes + (name == "rows")
            begun.clear()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_checksums_of_an_archive_are_compared(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "a.npz"
    save(path, x=VALUES)
    with zipfile.ZipFile(path) as archive:
        checksum = archive.getinfo("x.npy").CRC.to_bytes(4, "little")
    content = path.read_bytes()
    path.write_bytes(content.replace(checksum, bytes(4)))

    def in_order() -> None:
        with ArrayFile(path) as file:
            for start in range(5):
                file["x"].rows(slice(start, start + 1))

    with pytest.raises(ArrayFileError, match=r"a checksum in it is wrong|Bad CRC-32"):
        in_order()


def test_pytorchs_files_are_named(tmp_path: Path) -> None:
    path, made = tmp_path / "a.pt", tmp_path / "made"
    harm = pickle.dumps(Touch(str(made)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", harm)
    said = (
        r"a\.pt' is a PyTorch pickle, which could run code and is never loaded; "
        r"save the tensor as \.safetensors\.$"
    )
    with pytest.raises(ArrayFileError, match=said):
        ArrayFile(path)
    path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + harm)
    with pytest.raises(ArrayFileError, match=said):
        ArrayFile(path)
    assert not made.exists()
    pickle.loads(harm)
    assert made.exists()


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_to_a_header_gives_one_line(data: st.DataObject) -> None:
    content = bytearray(npy(VALUES))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, 80))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = np.load(file.name, allow_pickle=False)
        except Exception:
            expected = None
        rows, said = None, ""
        try:
            with ArrayFile(file.name) as arrays:
                source = arrays["array"]
                rows = source.rows(slice(None)) if source.shape else None
        except ArrayFileError as error:
            said = str(error)
    assert len(said.splitlines()) <= 1
    if rows is not None:
        assert expected is not None
        np.testing.assert_array_equal(rows, expected)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArrayFileError, match=r"cannot be read: No such file or directory\.$"):
        opened(tmp_path / "a.npy")
    with pytest.raises(ArrayFileError, match=r"cannot be read: Is a directory\.$"):
        opened(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArrayFileError, match=r"is no ordinary file\.$"):
        opened(tmp_path / "pipe")


def test_wrong_calls(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=VALUES, one=np.float64(1))
    with ArrayFile(tmp_path / "a.npz") as file:
        with pytest.raises(ValueError, match=r"^`which` must have step 1; got 2\.$"):
            file["x"].rows(slice(0, 4, 2))
        with pytest.raises(ValueError, match=r"^`rows` must be asked of an array with rows"):
            file["one"].rows(slice(None))
