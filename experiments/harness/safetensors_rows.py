"""Arrays in a .safetensors file: 8 bytes that say how long a JSON header is, the header, the data.

The header is distrusted: nothing of it is used before it was compared with the file's length.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from experiments.harness.array_bytes import Part, reading, trouble
from experiments.harness.array_rows import ArrayRows, hold_shape
from experiments.harness.array_types import SAFETENSORS
from experiments.harness.errors import shortened

# The limit of the format's reference implementation.
LONGEST_HEADER = 100_000_000
_LENGTH = 8
_METADATA = "__metadata__"


def header_length(first: bytes) -> int | None:
    """Return the length of the header that a file begins with, by its first 9 bytes or more.

    None where they are none of a .safetensors file, which has "{" as its ninth.
    """
    if first[_LENGTH : _LENGTH + 1] != b"{":
        return None
    return int.from_bytes(first[:_LENGTH], "little")


class Tensors:
    """The arrays of a .safetensors file.  Raises ArrayFileError."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._part = Part(stream, path)
        self._path = path
        with reading(path):
            header, self._start = self._header()
            self._entries = {
                name: self._checked(name, entry)
                for name, entry in header.items()
                if name != _METADATA
            }
        self.names = list(self._entries)

    def open(self, name: str) -> ArrayRows:
        """Return the array called `name`."""
        dtype, shape, begin = self._entries[name]
        if dtype not in SAFETENSORS:
            raise trouble(
                self._path,
                f"must hold real numbers of a known type in {shortened(name)}, not "
                f"{shortened(dtype)}",
            )
        return ArrayRows(
            self._part,
            self._path,
            shape=shape,
            encoding=SAFETENSORS[dtype],
            start=self._start + begin,
        )

    def close(self) -> None:
        """Do nothing: the stream is its owner's."""

    def _header(self) -> tuple[dict[str, Any], int]:
        """Return the header, and where the data begin."""
        first = np.empty(_LENGTH, np.uint8)
        self._part.fill(0, first)
        length = int.from_bytes(first.tobytes(), "little")
        if length > LONGEST_HEADER:
            raise trouble(
                self._path,
                f"says that its header is {length} bytes long; at most {LONGEST_HEADER} are read",
            )
        if length > self._part.size - _LENGTH:
            raise trouble(
                self._path,
                f"is truncated: its header is to be {length} bytes long, and "
                f"{self._part.size - _LENGTH} are there",
            )
        content = np.empty(length, np.uint8)
        self._part.fill(_LENGTH, content)
        header = json.loads(
            content.tobytes().decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number
        )
        if not isinstance(header, dict):
            raise ValueError("its header is no JSON object")
        return header, _LENGTH + length

    def _checked(self, name: str, entry: Any) -> tuple[str, tuple[int, ...], int]:
        """Return type, shape and first byte of a tensor, or raise ValueError."""
        whose = f"in its header, the entry of {shortened(name)}"
        if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
            raise ValueError(f"{whose} must have dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str):
            raise ValueError(f"{whose} must have a text as dtype")
        if not _whole(shape):
            raise ValueError(f"{whose} must have a list of whole numbers as shape")
        hold_shape(self._path, shape)
        if not _whole(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
            raise ValueError(f"{whose} must have two rising whole numbers as data_offsets")
        begin, end = offsets
        held = self._part.size - self._start
        if end > held:
            raise trouble(
                self._path,
                f"is truncated: {shortened(name)} is to end at byte {_digits(end)} of its data, "
                f"and {held} are there",
            )
        if dtype in SAFETENSORS:
            size = math.prod(shape) * SAFETENSORS[dtype].stored.itemsize
            if size != end - begin:
                raise ValueError(
                    f"{whose} gives it {end - begin} bytes, and its shape {_digits(size)}"
                )
        return dtype, tuple(shape), begin


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its header names something twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"its header holds {word}")


def _whole(values: Any) -> bool:
    # A bool is an int in Python.
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _digits(value: int) -> str:
    return str(value) if value < 1 << 63 else "2^63 or more"
