"""Rows of one array in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.array_bytes import Bytes, reading, trouble
from experiments.harness.array_types import Encoding

# Bytes that are read, looked at and widened while they are in the cache.
_STEP = 1 << 18
_LONGEST = 1 << 62
_DIMENSIONS = 32


class ArrayRows:
    """Rows on demand: of an array in `source`, from byte `start` on.

    `dtype` is the type of what `rows` returns, in the byte order of this machine. `kind` names the
    type in the file, which may be one that NumPy does not have: bfloat16 is read as float32, 8-bit
    floats as float16, both exactly. Raises ArrayFileError.
    """

    def __init__(
        self,
        source: Bytes,
        path: Path,
        *,
        shape: tuple[int, ...],
        encoding: Encoding,
        start: int = 0,
        by_columns: bool = False,
    ) -> None:
        self._path = path
        self._start = start
        self._encoding = encoding
        self._by_columns = by_columns and len(shape) > 1
        self.shape = shape
        self.dtype = encoding.dtype
        self.kind = encoding.name
        hold_shape(path, shape)
        if source.size < start + math.prod(shape) * encoding.stored.itemsize:
            raise trouble(path, f"is truncated: its header promises shape {shape}")
        self._source = source
        if self._by_columns:
            with reading(path):
                self._source = source.scattered()

    def rows(self, which: slice) -> NDArray[Any]:
        """Return the rows `which`, a slice with step 1.

        Raises ArrayFileError if they cannot be read or hold NaN or infinity, ValueError for
        another step or an array without rows.
        """
        if not self.shape:
            raise ValueError("`rows` must be asked of an array with rows; got a single number.")
        start, stop, step = which.indices(self.shape[0])
        if step != 1:
            raise ValueError(f"`which` must have step 1; got {step}.")
        with reading(self._path):
            values, finite = self._gather(start, max(stop - start, 0))
        if not finite:
            others = tuple(range(1, values.ndim))
            bad = start + int(np.isfinite(values).all(axis=others).argmin())
            raise trouble(self._path, f"holds NaN or infinity in row {bad}")
        return values

    def close(self) -> None:
        """Give up what is held beside the file itself."""
        self._source.close()

    def _gather(self, start: int, count: int) -> tuple[NDArray[Any], bool]:
        """Return rows, and whether all of them are finite."""
        others = self.shape[1:]
        width = math.prod(others)
        if not self._by_columns or count * width == 0:
            values = np.empty((count, *others), self.dtype)
            return values, self._fill(start * width, values.reshape(-1))
        columns = np.empty((width, count), self.dtype)
        finite = True
        for index, column in enumerate(columns):
            finite &= self._fill(index * self.shape[0] + start, column)
        return np.ascontiguousarray(columns.reshape(*reversed(others), count).T), finite

    def _fill(self, first: int, values: NDArray[Any]) -> bool:
        """Read entries from entry `first` on, in the order of the file; are all finite?"""
        size = self._encoding.stored.itemsize
        step = _STEP // size
        finite = True
        for begin in range(0, values.size, step):
            piece = values[begin : begin + step]
            raw = self._encoding.room(piece)
            self._source.fill(self._start + (first + begin) * size, raw.view(np.uint8))
            finite &= self._encoding.decode(raw, piece)
        return finite


def hold_shape(path: Path, shape: Sequence[int]) -> None:
    """Raise ArrayFileError for a shape that no array has."""
    if len(shape) > _DIMENSIONS:
        raise trouble(path, f"has an impossible shape, of {len(shape)} dimensions")
    for length in shape:
        if not 0 <= length < _LONGEST:
            # In Python, the digits of a huge number take long or are refused.
            came = str(length) if -_LONGEST < length < 0 else "2^62 or more"
            raise trouble(path, f"has an impossible shape, with a length of {came}")
