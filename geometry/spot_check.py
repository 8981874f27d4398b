"""Random pairs of a packing's rows, beside a proof that does not look at rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geometry.packing import Packing
from geometry.rounding import float64_bound

__all__ = ["Sample", "spot_check"]

# Pairs that are compared, fewer where rows are long: 32 MiB at most.
_PAIRS = 2000
_ENTRIES = 1 << 21


class Sample(NamedTuple):
    """Whether the pairs agree with what the packing states, and how many were compared."""

    agree: bool
    pairs: int


def spot_check(packing: Packing, seed: int = 0) -> Sample:
    """Compare random pairs of rows with what the packing states, up to rounding.

    Rows of `dim` coordinates, unit in float64, different lines, no |cos| above the coherence.
    Cost: 2000 pairs of rows, 64 where they are long.
    """
    generator = np.random.default_rng(seed)
    top = min(packing.count, np.iinfo(np.int64).max)
    number = min(_PAIRS, max(64, _ENTRIES // packing.dim))
    chosen = generator.integers(0, top, size=(2, number))
    chosen = chosen[:, chosen[0] != chosen[1]]
    left, right = (packing.rows(indices).unit() for indices in chosen)
    if left.shape != (chosen.shape[1], packing.dim):
        return Sample(False, 0)
    bound = float64_bound(packing.dim)
    norms = np.einsum("nd,nd->n", left, left)
    cosines = np.abs(np.einsum("nd,nd->n", left, right))
    # Unit rows in float64 are off by a few units an entry beside what their sums add.
    unit = bool((np.abs(norms - 1) <= 16 * bound).all())
    largest = min(packing.coherence.upper_float(), 1.0) + 16 * bound
    return Sample(unit and bool((cosines <= largest).all()), len(cosines))
