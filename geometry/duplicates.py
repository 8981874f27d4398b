"""Rows of a matrix that are equal, found by a digest of each."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import rows as on_demand
from geometry.rows import RowSource

__all__ = ["duplicates"]

_BLOCK_ENTRIES = 1 << 22
_BYTES = 16


def duplicates(
    vectors: ArrayLike | RowSource, *, step: Callable[[int], None] | None = None
) -> list[NDArray[np.int64]]:
    """Return the groups of equal rows of `[n, d]`: indices, rising; groups by their first index.

    Rows are equal when all their entries are, 0 and -0 alike.  Each row is hashed to 128 bits
    (BLAKE2b), so that different rows are taken for equal with probability below n²·2^-129.  One
    look at every entry, memory O(16 n + block·d); `step` is called with the number of rows as they
    are done.  Zero rows are a group like any other.
    """
    source = on_demand.of(vectors)
    count, dim = source.shape
    size = max(1, _BLOCK_ENTRIES // max(dim, 1))
    digests = bytearray()
    for first in range(0, count, size):
        block = _bits(source.rows(slice(first, min(first + size, count))))
        flat, width = block.reshape(-1).view(np.uint8).data, block.nbytes // len(block)
        for at in range(0, block.nbytes, width):
            digests += hashlib.blake2b(flat[at : at + width], digest_size=_BYTES).digest()
        if step is not None:
            step(len(block))
    words = np.frombuffer(digests, np.uint64).reshape(count, 2)
    order = np.lexsort((words[:, 1], words[:, 0]))
    same = (words[order][1:] == words[order][:-1]).all(axis=1)
    starts = np.flatnonzero(np.concatenate([[True], ~same])) if count else np.empty(0, np.int64)
    sizes = np.diff(np.append(starts, count))
    # lexsort is stable: within a group the indices rise.
    groups = [order[at : at + many] for at, many in zip(starts, sizes, strict=True) if many > 1]
    return sorted(groups, key=lambda group: int(group[0]))


def _bits(rows: NDArray[Any]) -> NDArray[Any]:
    """The rows as words of bits that are equal where the numbers are."""
    if rows.dtype.kind != "f" or rows.dtype.itemsize not in (2, 4, 8):
        # Adding 0 turns -0 into 0 and changes nothing else.
        return np.ascontiguousarray(rows) + 0
    # The same, in integers: half precision is slow in anything else.
    words = np.array(rows, order="C").view(f"u{rows.dtype.itemsize}")
    words[words == 1 << (8 * rows.dtype.itemsize - 1)] = 0
    return words
