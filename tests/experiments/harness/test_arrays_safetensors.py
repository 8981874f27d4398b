"""Rows of .safetensors files, against the format's own library and against files made by hand."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save, save_file

from experiments.harness import array_rows
from experiments.harness.array_types import SAFETENSORS
from experiments.harness.arrays import ArrayFile, ArrayFileError, Listed

VALUES = np.arange(20, dtype=np.float32).reshape(5, 4)
NUMPY = [
    np.dtype(f"{kind}{size}")
    for kind, sizes in (("f", (2, 4, 8)), ("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8)))
    for size in sizes
]


def made(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str, shape: list[Any], size: int, begin: int = 0) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + size]}


def opened(path: Path, name: str = "x", which: slice = slice(None)) -> NDArray[Any]:
    with ArrayFile(path) as file:
        return file[name].rows(which)


@pytest.mark.parametrize("which", [slice(None), slice(1, 3), slice(3, 99), slice(4, 2)], ids=str)
def test_rows_equal_what_the_library_wrote(tmp_path: Path, which: slice) -> None:
    held: dict[str, NDArray[Any]]
    held = {f"t.{dtype}": (VALUES - 9 * (dtype.kind != "u")).astype(dtype) for dtype in NUMPY}
    held |= {"one": np.ones((), np.float32), "deep": np.arange(24.0).reshape(4, 3, 2)}
    held |= {"none": np.zeros((0, 4)), "flat": np.zeros((4, 0))}
    # What a file is, its content says.
    save_file(held, tmp_path / "a.npy", metadata={"by": "hand"})
    with ArrayFile(tmp_path / "a.npy") as file:
        assert sorted(file.names) == sorted(held)
        for listed in file.describe():
            values = held[listed.name]
            assert listed == Listed(listed.name, values.shape, values.dtype.name)
            source = file[listed.name]
            if values.shape:
                rows = source.rows(which)
                np.testing.assert_array_equal(rows, values[which])
                assert rows.dtype == source.dtype == values.dtype


@pytest.mark.parametrize(
    ("name", "kind", "wide"),
    [
        ("BF16", ml_dtypes.bfloat16, np.float32),
        ("F8_E4M3", ml_dtypes.float8_e4m3fn, np.float16),
        ("F8_E5M2", ml_dtypes.float8_e5m2, np.float16),
    ],
)
def test_every_small_float_is_read_exactly(tmp_path: Path, name: str, kind: Any, wide: Any) -> None:
    bits = np.arange(1 << (8 * np.dtype(kind).itemsize)).astype(f"<u{np.dtype(kind).itemsize}")
    values = bits.view(kind).astype(wide)
    finite = np.isfinite(values)
    path = tmp_path / "a.safetensors"
    kept = bits[finite]
    path.write_bytes(made({"x": entry(name, [kept.size], kept.nbytes)}, kept.tobytes()))
    rows = opened(path)
    np.testing.assert_array_equal(
        rows.view(f"u{rows.itemsize}"), values[finite].view(f"u{rows.itemsize}")
    )
    # And each of the others is refused, by its row.
    for code in bits[~finite][:: max(1, (~finite).sum() // 20)]:
        content = np.append(bits[:2], code)
        path.write_bytes(made({"x": entry(name, [3], content.nbytes)}, content.tobytes()))
        with pytest.raises(ArrayFileError, match=r"holds NaN or infinity in row 2\.$"):
            opened(path)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_largest_numbers_are_finite(tmp_path: Path, dtype: str) -> None:
    info = np.finfo(dtype)
    values = np.array([info.max, info.min, info.tiny, -0.0, info.smallest_subnormal], dtype)
    save_file({"x": values}, tmp_path / "a")
    np.testing.assert_array_equal(opened(tmp_path / "a"), values)
    for bad in (np.nan, -np.nan, np.inf, -np.inf):
        save_file({"x": np.append(values, bad).astype(dtype)}, tmp_path / "a")
        with pytest.raises(ArrayFileError, match="infinity in row 5"):
            opened(tmp_path / "a")


def test_reads_of_several_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_rows, "_STEP", 24)
    values = np.random.default_rng(0).standard_normal((9, 7)).astype(ml_dtypes.bfloat16)
    data = values.view("<u2")
    path = tmp_path / "a"
    path.write_bytes(made({"x": entry("BF16", [9, 7], data.nbytes)}, data.tobytes()))
    np.testing.assert_array_equal(opened(path, which=slice(2, 8)), values[2:8].astype(np.float32))
    data[4, 6] = data[7, 0] = 0x7F80
    path.write_bytes(made({"x": entry("BF16", [9, 7], data.nbytes)}, data.tobytes()))
    with pytest.raises(ArrayFileError, match="infinity in row 4"):
        opened(path, which=slice(2, 8))


def test_other_types_are_listed_but_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    header = {"x": entry("BOOL", [3], 3), "y": entry("F6_E2M3", [4], 3), "z": entry("I8", [3], 3)}
    path.write_bytes(made(header, b"\1\0\1"))
    said = r"^the file '.*a' must hold real numbers of a known type in 'x', not 'BOOL'\.$"
    with ArrayFile(path) as file:
        assert [bool(listed.trouble) for listed in file.describe()] == [True, True, False]
        np.testing.assert_array_equal(file["z"].rows(slice(None)), [1, 0, 1])
        with pytest.raises(ArrayFileError, match=said):
            file["x"]


def test_a_header_as_long_as_a_pickle_begins(tmp_path: Path) -> None:
    # Its length begins with the byte 0x80, as pickles do.
    header = json.dumps({"x": entry("U8", [2], 2)}).encode().ljust(128)
    (tmp_path / "a").write_bytes(made(header, b"\1\2"))
    np.testing.assert_array_equal(opened(tmp_path / "a"), [1, 2])


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"{" * 20, r"says that its header is \d+ bytes long; at most 100000000 are read"),
        ((100_000_001).to_bytes(8, "little") + b"{}", "says that its header is 100000001 bytes"),
        ((99).to_bytes(8, "little") + b"{}", "truncated: its header is to be 99 bytes long, and 2"),
        (made(b"{" + b'"a":{' * 100_000), "cannot be read"),
        (made(b'{"\xff": 1}'), "cannot be read"),
        (made(b'{"x": NaN}'), "its header holds NaN"),
        (made(b"{} []"), "cannot be read"),
        (made({"x": 3}), "the entry of 'x' must have dtype, shape and data_offsets"),
        (made({"x": {"dtype": "F32", "shape": [1]}}), "must have dtype, shape and data_offsets"),
        (
            made({"x": entry("F32", [1], 4)}),
            "truncated: 'x' is to end at byte 4 of its data, and 0",
        ),
        (made({"x": {**entry("F32", [1], 4), "dtype": 1}}, bytes(4)), "must have a text as dtype"),
        (made({"x": entry("F32", [2], 4)}, bytes(4)), "gives it 4 bytes, and its shape 8"),
        (made({"x": entry("F32", [1], 8)}, bytes(8)), "gives it 8 bytes, and its shape 4"),
        (made({"x": entry("F32", [-1], 4)}, bytes(4)), "list of whole numbers as shape"),
        (made({"x": entry("F32", [True], 4)}, bytes(4)), "list of whole numbers as shape"),
        (made({"x": entry("F32", [1.0], 4)}, bytes(4)), "list of whole numbers as shape"),
        (made({"x": entry("F32", [0, 10**60], 0)}), r"impossible shape, with a length of 2\^62"),
        (made({"x": entry("U8", [1] * 33, 1)}, b"1"), "impossible shape, of 33 dimensions"),
        (made({"x": entry("U8", [2**61, 8], 0)}), r"gives it 0 bytes, and its shape 2\^63 or more"),
        (made({"x": entry("U8", [1], -1, 1)}, bytes(4)), "two rising whole numbers"),
        (made({"x": entry("U8", [1], 10**60)}, bytes(4)), r"is to end at byte 2\^63 or more"),
        (made({"x": {**entry("U8", [1], 1), "data_offsets": [0]}}, b"1"), "two rising"),
        (made(b'{"x": 1, "x": 2}'), "its header names something twice"),
    ],
)
def test_lying_headers(tmp_path: Path, content: bytes, trouble: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        ArrayFileError, match=rf"^the file '.*a\.safetensors' .*{trouble}"
    ) as caught:
        ArrayFile(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = save({"x": VALUES, "y": VALUES})
    path = tmp_path / "a"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ArrayFileError, match=r"^the file '.*a' is "):
            ArrayFile(path)


def test_a_file_that_shrinks_while_open_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_file({"x": np.zeros((5000, 100))}, path)
    with ArrayFile(path) as file:
        source = file["x"]
        assert source.rows(slice(0, 10)).shape == (10, 100)
        with path.open("r+b") as stream:
            stream.truncate(3_203_072)
        with pytest.raises(ArrayFileError, match=r"is truncated: \d+ of 8000 bytes came\.$"):
            source.rows(slice(4000, 4010))


def plainly(content: bytes) -> dict[str, NDArray[Any]]:
    """What a file that may be damaged holds, as the format is defined."""
    length = int.from_bytes(content[:8], "little")
    data = content[8 + length :]
    found = {}
    for name, held in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__" and held["dtype"] in SAFETENSORS:
            dtype = SAFETENSORS[held["dtype"]].stored
            begin, end = held["data_offsets"]
            values = np.frombuffer(data[begin:end], dtype)
            assert values.size == math.prod(held["shape"])
            found[name] = values.reshape(held["shape"])
    return found


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_to_a_header_gives_the_right_rows_or_one_line(data: st.DataObject) -> None:
    whole = save({"x": VALUES.astype(np.int16), "y": VALUES.astype(np.uint8)}, {"a": "b"})
    content = bytearray(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            place = data.draw(st.integers(0, min(len(content), 200) - 1))
            content[place] = data.draw(
                st.sampled_from(b'0123456789,[]{}":IU ') | st.integers(0, 255)
            )
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        held, said = {}, ""
        try:
            with ArrayFile(file.name) as arrays:
                # What is damaged into another type may not be finite, and no array into a number.
                for listed in arrays.describe():
                    if "int" in listed.kind and listed.shape:
                        held[listed.name] = arrays[listed.name].rows(slice(None))
        except ArrayFileError as error:
            said = str(error)
    assert len(said.splitlines()) <= 1
    assert content != whole or (len(held) == 2 and not said)
    for name, rows in held.items():
        np.testing.assert_array_equal(rows, plainly(bytes(content))[name])
