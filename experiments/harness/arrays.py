"""Arrays in users' files, read a few rows at a time.

Reads are explicit and their length is checked: a memory map of a file that shrinks would kill the
process. Nothing is ever unpickled. Whatever is wrong with a file is said in one line.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import InputError, shortened

_NUMBERS = "biuf"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What NumPy and zipfile raise on a damaged file. NumPy reads a header with Python's own parser.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


class ArrayFileError(InputError):
    """A file that cannot be read, or that does not hold what was asked for."""


class RowSource(Protocol):
    """Rows on demand. Shape `[n, ...]`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows of a slice with step 1."""


class ArrayFile:
    """The arrays of a .npy or .npz file, by name; that of a .npy file is called "array".

    Keeps the file open: use it as a context manager. Raises ArrayFileError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._archive: zipfile.ZipFile | None = None
        self._sources: dict[str, NpyRows] = {}
        with _reading(self.path):
            self._stream = self.path.open("rb")
        try:
            with _reading(self.path):
                magic = self._stream.read(4)
                self._stream.seek(0)
                if magic.startswith(b"PK"):
                    self._archive = zipfile.ZipFile(self._stream)
                    members = self._archive.namelist()
                    self.names = [name.removesuffix(".npy") for name in members]
                else:
                    self.names = ["array"]
        except ArrayFileError:
            self._stream.close()
            raise

    def __enter__(self) -> ArrayFile:
        """Return the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        for source in self._sources.values():
            source.close()
        if self._archive is not None:
            self._archive.close()
        self._stream.close()

    def __getitem__(self, name: str) -> NpyRows:
        """Return the array called `name`."""
        if name not in self.names:
            held = shortened(", ".join(self.names) or "no arrays")
            raise _error(self.path, f"has no array {shortened(name)}; it holds {held}")
        if name not in self._sources:
            self._sources[name] = self._open(name)
        return self._sources[name]

    def _open(self, name: str) -> NpyRows:
        if self._archive is None:
            return NpyRows(self._stream, self.path, os.fstat(self._stream.fileno()).st_size)
        with _reading(self.path):
            members = self._archive.namelist()
            entry = self._archive.getinfo(members[self.names.index(name)])
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _error(self.path, f"packs {shortened(name)} in a way that NumPy does not")
            stream = self._archive.open(entry)
        return NpyRows(stream, self.path, entry.file_size)


class NpyRows:
    """Rows of one array in the .npy format, from an open stream of `size` bytes."""

    def __init__(self, stream: IO[bytes], path: Path, size: int) -> None:
        self._stream = stream
        self._path = path
        with _reading(path):
            version = np.lib.format.read_magic(stream)
            if version not in _HEADERS:
                raise _error(path, f"has an unknown format version {version[0]}.{version[1]}")
            self.shape, self._by_columns, self.dtype = _HEADERS[version](stream)
            self._start = stream.tell()
        if self.dtype.hasobject:
            raise _error(path, "holds Python objects, which are never unpickled")
        if self.dtype.kind not in _NUMBERS:
            raise _error(path, f"must hold real numbers, not {self.dtype}")
        if any(length < 0 for length in self.shape):
            raise _error(path, f"has an impossible shape {self.shape}")
        if size < self._start + math.prod(self.shape) * self.dtype.itemsize:
            raise _error(path, f"is truncated: its header promises shape {self.shape}")

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows `which`, a slice with step 1, in native byte order.

        Raises ArrayFileError if they cannot be read or hold NaN or infinity, ValueError for
        another step or an array without rows.
        """
        if not self.shape:
            raise ValueError("`rows` must be asked of an array with rows; got a single number.")
        start, stop, step = which.indices(self.shape[0])
        if step != 1:
            raise ValueError(f"`which` must have step 1; got {step}.")
        with _reading(self._path):
            values = self._gather(start, max(stop - start, 0))
        if self.dtype.kind == "f" and not np.isfinite(values).all():
            raise _error(self._path, f"holds NaN or infinity in rows {start} to {stop - 1}")
        return np.ascontiguousarray(values, self.dtype.newbyteorder("="))

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _gather(self, start: int, count: int) -> NDArray[Any]:
        width = math.prod(self.shape[1:])
        if count * width == 0 or not self._by_columns:
            return self._read(start * width, count * width).reshape(count, *self.shape[1:])
        values = np.empty((width, count), self.dtype)
        for column in range(width):
            values[column] = self._read(column * self.shape[0] + start, count)
        return values.reshape(*reversed(self.shape[1:]), count).T

    def _read(self, first: int, count: int) -> NDArray[Any]:
        """Return `count` entries from entry `first` on, in the order of the file."""
        wanted = count * self.dtype.itemsize
        self._stream.seek(self._start + first * self.dtype.itemsize)
        content = self._stream.read(wanted)
        if len(content) < wanted:
            raise _error(self._path, f"is truncated: {len(content)} of {wanted} bytes came")
        return np.frombuffer(content, self.dtype)


def _error(path: Path, trouble: str) -> ArrayFileError:
    return ArrayFileError(f"the file {shortened(str(path), 200)} {trouble}.")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ArrayFileError:
        raise
    except _BROKEN as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        short = " ".join(reason.split())[:200] or type(error).__name__
        raise _error(path, f"cannot be read: {short}") from None
