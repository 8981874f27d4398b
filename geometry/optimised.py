"""A packing that an optimiser found: its rows are held in float64, and are all there is of it.

It has no closed form. Its coherence is an upper bound on the rows' own, a decimal rounded up so far
that any machine can prove it: a computed |cos| is within `rounding.float64_bound` of the true
one, so another machine, which may sum in another order, computes at most twice that more, and adds
the bound once to have a proof.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geometry import comparison, rounding
from geometry.exact import DECIMALS, Cosine
from geometry.packing import Indices, Packing, Recipe, Rows

__all__ = ["Optimised"]

_PLACES = 10**DECIMALS


@dataclass(frozen=True, eq=False)
class Optimised(Packing):
    """The lines of `vectors` `[n, d]`, float64 unit rows that a search from `seed` came to.

    `rounds` of starts were done. The recipe names the search; building it again means searching.
    """

    vectors: NDArray[np.float64]
    seed: int
    rounds: int

    name: ClassVar[str] = "optimised"

    def __post_init__(self) -> None:
        """Raise ValueError unless the rows are finite unit vectors, one at least."""
        shape = self.vectors.shape
        if self.vectors.dtype != np.float64 or len(shape) != 2 or 0 in shape:
            raise ValueError(f"`vectors` must be float64 of shape [n, d]; got {shape}.")
        wrong = comparison.flaw(Rows.floating(self.vectors))
        if wrong is not None:
            raise ValueError(f"`vectors` must be unit rows; {wrong}.")

    @property
    def dim(self) -> int:
        """The length of the rows."""
        return int(self.vectors.shape[1])

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.vectors)

    @cached_property
    def coherence(self) -> Cosine:
        """An upper bound, within 1e-12 and four `float64_bound`s of the rows' own.

        Cost: n^2 d / 2 multiply-adds.
        """
        if self.count == 1:
            return Cosine(Fraction(0))
        every = np.ones(self.count, np.bool_)
        computed = comparison.largest_float(Rows.floating(self.vectors), every)
        provable = Fraction(computed) + 3 * Fraction(rounding.float64_bound(self.dim))
        return Cosine.ratio(min(Fraction(math.ceil(provable * _PLACES), _PLACES), Fraction(1)))

    @property
    def exact(self) -> bool:
        """False: the coherence is an upper bound."""
        return False

    @property
    def proof(self) -> str:
        """There is none but the rows."""
        return "The rows were found by a numerical search; comparing every pair is the proof."

    def words(self) -> str:
        """The search in words."""
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"found by an optimiser, best of {rounds} of starts from seed {self.seed}"

    def rows(self, indices: Indices) -> Rows:
        """Rows of `vectors`."""
        return Rows.floating(self.vectors[indices])

    def recipe(self) -> Recipe:
        """What to search for again; the rows are not written down."""
        return {
            "name": self.name,
            "dim": self.dim,
            "count": self.count,
            "seed": self.seed,
            "rounds": self.rounds,
        }
