"""Arrays in NumPy's own formats: one in a .npy file, several in a .npz archive."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from experiments.harness.array_bytes import Bytes, Part, member, reading, trouble
from experiments.harness.array_rows import ArrayRows
from experiments.harness.array_types import of_dtype
from experiments.harness.errors import shortened

MAGIC = b"\x93NUMPY"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_LONGEST_HEADER = 1 << 16


class Plain:
    """The array of a .npy file, called "array"."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._part = Part(stream, path)
        self._path = path
        self.names = ["array"]

    def open(self, name: str) -> ArrayRows:
        """Return the array."""
        return _rows(self._part, self._path)

    def close(self) -> None:
        """Do nothing: the stream is its owner's."""


class Archive:
    """The arrays of a .npz archive."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._archive = zipfile.ZipFile(stream)
        self._members = self._archive.namelist()
        self.names = [name.removesuffix(".npy") for name in self._members]

    def open(self, name: str) -> ArrayRows:
        """Return the array called `name`."""
        with reading(self._path):
            entry = self._archive.getinfo(self._members[self.names.index(name)])
            source = member(self._archive, entry, self._stream, self._path)
        try:
            return _rows(source, self._path)
        except BaseException:
            source.close()
            raise

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


class _Reader:
    """What NumPy reads a header from."""

    def __init__(self, source: Bytes) -> None:
        self._source = source
        self.position = 0

    def read(self, count: int) -> bytes:
        if count > _LONGEST_HEADER:
            raise ValueError(f"its header would be {count} bytes long")
        buffer = np.empty(max(0, min(count, self._source.size - self.position)), np.uint8)
        self._source.fill(self.position, buffer)
        self.position += buffer.size
        return buffer.tobytes()


def _rows(source: Bytes, path: Path) -> ArrayRows:
    reader: Any = _Reader(source)
    # NumPy and Python warn of odd headers, which would be lines of their own.
    with reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        version = np.lib.format.read_magic(reader)
        if version not in _HEADERS:
            raise trouble(path, f"has an unknown format version {version[0]}.{version[1]}")
        shape, by_columns, dtype = _HEADERS[version](reader)
    if dtype.hasobject:
        raise trouble(path, "holds Python objects, which are never unpickled")
    encoding = of_dtype(dtype)
    if encoding is None:
        kind = shortened(str(dtype)).strip("'")
        raise trouble(path, f"must hold real numbers of at most 64 bits, not {kind}")
    return ArrayRows(
        source,
        path,
        shape=tuple(map(int, shape)),
        encoding=encoding,
        start=reader.position,
        by_columns=by_columns,
    )
