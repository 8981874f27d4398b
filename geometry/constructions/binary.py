"""Binary functions as vectors: Walsh-Hadamard transforms and rows of signs.

A function f from F_2^m to F_2 gives the row (-1)^f(x), and with the linear functions w.x added a
whole orthogonal basis of rows (-1)^(f(x) + w.x). The inner products of the rows of f with those
of g are the Walsh transform of f + g: W(w) = sum over x of (-1)^(f(x) + g(x) + w.x).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry.packing import Indices

__all__ = ["Bits", "blocks", "largest_walsh", "sign_rows", "walsh"]

Bits = NDArray[np.int8]

# Signs of one block, 4 MB as float32.
_BLOCK = 1 << 20


@lru_cache(maxsize=16)
def _sylvester(order: int) -> NDArray[np.float32]:
    points = np.arange(order)
    odd = np.bitwise_count(points[:, None] & points) & 1 == 1
    return np.where(odd, np.float32(-1), np.float32(1))


def walsh(signs: NDArray[np.int8]) -> NDArray[np.int32]:
    """The Walsh-Hadamard transforms of rows of signs, int32 `[n, 2^m]`, m <= 24.

    As a matrix of 2^ceil(m/2) rows, a function is multiplied by a Sylvester matrix from either
    side; float32 holds every partial sum, an integer of at most 2^m. O(n 2^(3m/2)).
    """
    n, length = signs.shape
    exponent = length.bit_length() - 1
    low = 1 << exponent // 2
    high = length // low
    # Two large products: over the low bits, then, with the axes swapped, over the high ones.
    first = signs.astype(np.float32).reshape(-1, low) @ _sylvester(low)
    swapped = first.reshape(n, high, low).swapaxes(1, 2).reshape(-1, high)
    second = (swapped @ _sylvester(high)).reshape(n, low, high)
    return second.swapaxes(1, 2).reshape(n, length).astype(np.int32)


def largest_walsh(bits: Bits) -> int:
    """The largest |W| over the transforms of the functions `bits` `[n, 2^m]`; 0 when n = 0."""
    return int(np.abs(walsh((1 - 2 * bits).astype(np.int8))).max(initial=0))


def blocks(labels: Indices, length: int) -> Iterator[Indices]:
    """`labels` in blocks whose functions of `length` bits are few enough to transform at once."""
    step = max(1, _BLOCK // length)
    for start in range(0, len(labels), step):
        yield labels[start : start + step]


def sign_rows(bits: Bits, linear: Indices) -> NDArray[np.int8]:
    """The rows (-1)^(bits(x) + w.x) for w in `linear` `[n]`; `bits` and the result `[n, 2^m]`."""
    points = np.arange(bits.shape[1])
    parity = np.bitwise_count(linear[:, None] & points) & 1
    return np.where(bits == parity, np.int8(1), np.int8(-1))
