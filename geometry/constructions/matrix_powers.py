"""Powers of a square matrix over a finite ring, whose product is given.

Finite fields and Galois rings, projective planes and tori are all made of them: the powers of one
matrix are the elements, and the rows of the powers their coordinates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "Product", "modular", "power", "row_orbit"]

Matrix = NDArray[np.int64]
Product = Callable[[Matrix, Matrix], Matrix]  # of `[n, k]` and `[k, k]`


def modular(modulus: int) -> Product:
    """The product of integer matrices with entries in [0, `modulus`), reduced mod `modulus`."""
    return lambda left, right: left @ right % modulus


def power(matrix: Matrix, exponent: int, product: Product) -> Matrix:
    """`matrix`^`exponent`, `exponent` >= 0, by squaring: at most 2 log2(`exponent`) products."""
    result = np.eye(len(matrix), dtype=np.int64)
    while exponent:
        if exponent & 1:
            result = product(result, matrix)
        matrix = product(matrix, matrix)
        exponent >>= 1
    return result


def row_orbit(row: Matrix, matrix: Matrix, count: int, product: Product) -> Matrix:
    """`row` `[k]` times `matrix`^i for i = 0 .. `count` - 1: `[count, k]`, by doubling."""
    rows = np.zeros((count, len(row)), np.int64)
    rows[0] = row
    done = 1
    while done < count:
        more = min(done, count - done)
        rows[done : done + more] = product(rows[:more], matrix)
        matrix = product(matrix, matrix)
        done += more
    return rows
