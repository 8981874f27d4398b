"""Arrays in users' files, read a few rows at a time: .npy, .npz and .safetensors.

Reads are explicit and their length is checked: a memory map of a file that shrinks would kill the
process. Nothing is ever unpickled. Whatever is wrong with a file is said in one line.
"""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

import numpy as np

from experiments.harness import npy_rows, safetensors_rows
from experiments.harness.array_bytes import ArrayFileError, Part, reading, trouble
from experiments.harness.array_rows import ArrayRows
from experiments.harness.errors import shortened

__all__ = ["ArrayFile", "ArrayFileError", "ArrayRows", "Listed"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICKLE = b"\x80"
# The first thing in a pickle that torch.save wrote before version 1.6.
_TORCH = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"


@dataclass(frozen=True)
class Listed:
    """An array of a file: its name, shape and type, or the trouble with it."""

    name: str
    shape: tuple[int, ...] = ()
    kind: str = ""
    trouble: str = ""


class _Format(Protocol):
    names: list[str]

    def open(self, name: str) -> ArrayRows: ...
    def close(self) -> None: ...


class ArrayFile:
    """The arrays of a .npy, .npz or .safetensors file, by name; the one of .npy is "array".

    What a file is, its content says. Keeps the file open: use it as a context manager. Raises
    ArrayFileError.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened: dict[str, ArrayRows] = {}
        with reading(self.path):
            # A pipe would be waited for.
            mode = self.path.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise trouble(self.path, "is no ordinary file")
            self._stream = self.path.open("rb")
        try:
            with reading(self.path):
                self._format = _format(self._stream, self.path)
        except ArrayFileError:
            self._stream.close()
            raise

    @property
    def names(self) -> list[str]:
        """The names of the arrays, in the order of the file."""
        return self._format.names

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
        for rows in self._opened.values():
            rows.close()
        self._format.close()
        self._stream.close()

    def __getitem__(self, name: str) -> ArrayRows:
        """Return the array called `name`."""
        if name not in self.names:
            held = shortened(", ".join(self.names) or "no arrays")
            raise trouble(self.path, f"has no array {shortened(name)}; it holds {held}")
        if name not in self._opened:
            self._opened[name] = self._format.open(name)
        return self._opened[name]

    def describe(self) -> list[Listed]:
        """Return what the file holds, without reading any data."""
        return [self._listed(name) for name in self.names]

    def _listed(self, name: str) -> Listed:
        try:
            rows = self[name]
        except ArrayFileError as error:
            return Listed(name, trouble=str(error))
        return Listed(name, rows.shape, rows.kind)


def _format(stream: IO[bytes], path: Path) -> _Format:
    """Return what is in the file, by its first bytes."""
    whole = Part(stream, path)
    if whole.size == 0:
        raise trouble(path, "is empty")
    buffer = np.empty(min(16, whole.size), np.uint8)
    whole.fill(0, buffer)
    first = buffer.tobytes()
    length = safetensors_rows.header_length(first)
    # Asked first, since the length of a header may begin with any bytes, those of a pickle too.
    if length is not None and length <= safetensors_rows.LONGEST_HEADER:
        return safetensors_rows.Tensors(stream, path)
    if first.startswith(npy_rows.MAGIC):
        return npy_rows.Plain(stream, path)
    if first.startswith(_ZIP):
        if any(Path(name).name == "data.pkl" for name in zipfile.ZipFile(stream).namelist()):
            raise _pickled(path, "a PyTorch pickle")
        return npy_rows.Archive(stream, path)
    if first.startswith(_PICKLE):
        raise _pickled(path, "a PyTorch pickle" if _TORCH in first else "a pickle")
    if length is not None:
        return safetensors_rows.Tensors(stream, path)
    raise trouble(path, "is neither .npy, .npz nor .safetensors")


def _pickled(path: Path, what: str) -> ArrayFileError:
    return trouble(
        path,
        f"is {what}, which could run code and is never loaded; save the tensor as .safetensors",
    )
