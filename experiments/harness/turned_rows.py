"""The columns of a matrix in a file, as rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.array_bytes import Part
from experiments.harness.array_rows import ArrayRows
from experiments.harness.array_types import of_dtype

__all__ = ["held", "turned"]

_READ = 1 << 24
_SLAB = 1 << 28


def held(source: ArrayRows, *, by_columns: bool) -> NDArray[Any]:
    """Return the whole matrix `[n, d]`, or its columns as rows, `[d, n]`.  Raises ArrayFileError.

    At most 16 MiB beside it, or two rows of the file.
    """
    found = np.empty(source.shape[::-1] if by_columns else source.shape, source.dtype)
    place = found.T if by_columns else found
    for which in _slabs(source, _READ):
        place[which] = source.rows(which)
    return found


@contextmanager
def turned(source: ArrayRows) -> Iterator[ArrayRows]:
    """Give the columns of a matrix `[d, n]` as rows `[n, d]`, read from a file without a name.

    One pass over the source, 256 MiB of it at a time, writes each slab's part of every column; the
    file is as large as the matrix, lies where temporary files do (TMPDIR), and is gone at the end.
    Raises ArrayFileError where the source cannot be read, OSError where there is no room.
    """
    where = Path(tempfile.gettempdir())
    encoding = of_dtype(source.dtype)
    assert encoding is not None
    with tempfile.TemporaryFile(dir=where) as stream:
        for which in _slabs(source, _SLAB):
            _write(stream, where, source, which)
        yield ArrayRows(Part(stream, where), where, shape=source.shape[::-1], encoding=encoding)


def _slabs(source: ArrayRows, size: int) -> Iterator[slice]:
    """Slices of rows that together are all of them, of so many bytes."""
    length, width = source.shape
    step = max(1, size // (width * source.dtype.itemsize))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _write(stream: IO[bytes], where: Path, source: ArrayRows, which: slice) -> None:
    """Write some rows of the source as a part of every row of the file."""
    values = source.rows(which)
    length, width = source.shape
    size = source.dtype.itemsize
    step = max(1, _READ // (len(values) * size))
    for first in range(0, width, step):
        columns = np.ascontiguousarray(values[:, first : first + step].T)
        for column, part in enumerate(columns.view(np.uint8).reshape(len(columns), -1), first):
            _put(stream, where, (column * length + which.start) * size, part.data)


def _put(stream: IO[bytes], where: Path, place: int, content: memoryview) -> None:
    done = 0
    while done < len(content):
        try:
            done += os.pwrite(stream.fileno(), content[done:], place + done)
        except OSError as error:
            # The file has no name of its own to be told.
            raise OSError(error.errno, error.strerror, str(where)) from None
