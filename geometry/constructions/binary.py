"""Binary functions as vectors: Walsh-Hadamard transforms and rows of signs.

A function f from F_2^m to F_2 gives the row (-1)^f(x), and with the linear functions w.x added a
whole orthogonal basis of rows (-1)^(f(x) + w.x). The inner products of the rows of f with those
of g are the Walsh transform of f + g: W(w) = sum over x of (-1)^(f(x) + g(x) + w.x).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geometry.packing import Indices

__all__ = ["Bits", "largest_walsh", "sign_rows", "walsh"]

Bits = NDArray[np.int8]

# Signs of one block: 2^20 32-bit numbers stay in the cache.
_BLOCK = 1 << 20


def walsh(signs: NDArray[np.int8]) -> NDArray[np.int32]:
    """The Walsh-Hadamard transforms of rows of signs, int32 `[n, 2^m]`. O(n m 2^m)."""
    n, length = signs.shape
    current = signs.astype(np.int32)
    other = np.empty_like(current)
    half = 1
    while half < length:
        pairs = current.reshape(n, -1, 2, half)
        result = other.reshape(n, -1, 2, half)
        np.add(pairs[:, :, 0], pairs[:, :, 1], out=result[:, :, 0])
        np.subtract(pairs[:, :, 0], pairs[:, :, 1], out=result[:, :, 1])
        current, other = other, current
        half *= 2
    return current


def largest_walsh(forms: Callable[[Indices], Bits], labels: Indices, length: int) -> int:
    """The largest |W| over the transforms of the functions `forms(labels)`, `[n, length]` bits.

    0 when there is no label. Made in blocks of bounded memory.
    """
    step = max(1, _BLOCK // length)
    largest = 0
    for start in range(0, len(labels), step):
        bits = forms(labels[start : start + step])
        largest = max(largest, int(np.abs(walsh((1 - 2 * bits).astype(np.int8))).max()))
    return largest


def sign_rows(bits: Bits, linear: Indices) -> NDArray[np.int8]:
    """The rows (-1)^(bits(x) + w.x) for w in `linear` `[n]`; `bits` and the result `[n, 2^m]`."""
    points = np.arange(bits.shape[1])
    parity = np.bitwise_count(linear[:, None] & points).astype(np.int8)
    return (1 - 2 * ((bits + parity) & 1)).astype(np.int8)
