"""Which sizes a coherence of 1/sqrt(n) or 1/n allows, and which of them are worth listing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from geometry.exact import Cosine

__all__ = ["inverse_root", "irreducible_sizes", "least_reciprocal", "least_root"]


def inverse_root(n: int) -> Cosine:
    """1/sqrt(`n`)."""
    return Cosine(Fraction(1, n))


def least_root(eps: Cosine) -> int | None:
    """The least n >= 1 with 1/sqrt(n) <= `eps`; None at `eps` = 0."""
    # From below, so that the result is safe. 1024 bits tell an irrational 1/eps^2 from integers.
    square = eps.square_bounds(1024)[0]
    return None if square == 0 else math.ceil(1 / square)


def least_reciprocal(eps: Cosine) -> int | None:
    """The least n >= 1 with 1/n <= `eps`; None at `eps` = 0."""
    square = least_root(eps)
    return None if square is None else math.isqrt(square - 1) + 1


def irreducible_sizes(sizes: Iterable[int]) -> list[int]:
    """The members of ascending `sizes` that are no sum of smaller members, and the largest.

    For families whose count is proportional to the dimension: some members side by side do as
    well as one of their joint dimension.
    """
    listed = list(sizes)
    kept = []
    sums = 1  # bit s is set when s is a sum of kept sizes
    for size in listed:
        if not sums >> size & 1:
            kept.append(size)
            step = size
            while step <= listed[-1]:
                sums |= sums << step
                step *= 2
            sums &= (2 << listed[-1]) - 1
        elif size == listed[-1]:
            kept.append(size)
    return kept
