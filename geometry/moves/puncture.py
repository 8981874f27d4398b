"""Puncturing: coordinates left out of a flat packing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["Puncture", "most_dropped"]


@dataclass(frozen=True)
class Puncture(Packing):
    """`base` without its last `dropped` blocks of coordinates, rows scaled to norm 1 again.

    Every row loses the share c/b of its squared norm, c = `dropped` of b = `base.blocks`, and an
    inner product changes by that much at most: the coherence is at most (b mu + c)/(b - c).
    """

    base: Packing
    dropped: int

    name: ClassVar[str] = "puncture"

    def __post_init__(self) -> None:
        """Raise ValueError unless the base has blocks and the bound on the coherence is below 1."""
        blocks = self.base.blocks
        if blocks is None:
            raise ValueError(f"`base` must have equal blocks; got {self.base.words()}.")
        most = math.ceil((blocks - _largest_sum(self.base)) / 2) - 1  # the bound stays below 1
        if not 1 <= self.dropped <= most:
            raise ValueError(f"`dropped` must lie in [1, {most}]; got {self.dropped}.")

    @property
    def blocks(self) -> int:
        """The blocks left."""
        return _blocks(self.base) - self.dropped

    @property
    def dim(self) -> int:
        """The coordinates of the blocks left."""
        return self.base.dim // _blocks(self.base) * self.blocks

    @property
    def count(self) -> int:
        """The base's count: no two lines fall together, since the coherence stays below 1."""
        return self.base.count

    @property
    def coherence(self) -> Cosine:
        """(b mu + c)/(b - c), rounded up where mu is irrational."""
        return _bound(self.base, self.dropped)

    @property
    def exact(self) -> bool:
        """False: the dropped coordinates of no two lines need agree."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """The base's, scaled."""
        return self.base.peak_square * Fraction(_blocks(self.base), self.blocks)

    @property
    def proof(self) -> str:
        """The bound above."""
        return (
            f"Each of {_blocks(self.base)} blocks holds the same share of every row, and "
            f"{self.dropped} of them change an inner product by at most that many shares. "
            f"{self.base.proof}"
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.base.words()}, less {self.base.dim - self.dim} coordinates"

    def rows(self, indices: Indices) -> Rows:
        """The base's rows without the last coordinates."""
        base = self.base.rows(indices)
        values = base.values[:, : self.dim]
        if (base.squared_norms > 0).all():
            return Rows.integral(values)
        return Rows.floating(values * math.sqrt(_blocks(self.base) / self.blocks))

    def allowed_of_base(self, allowed: Cosine) -> Cosine:
        """The coherence of the base from which `allowed` follows for the punctured rows."""
        needed = (allowed.bounds()[0] * self.blocks - self.dropped) / _blocks(self.base)
        # Where rounding has cost equality, the base's own coherence is what is needed.
        return max(Cosine.ratio(max(needed, Fraction(0))), self.base.coherence)


def most_dropped(base: Packing, eps: Cosine) -> int:
    """The most blocks of `base` that can go with the bound on the coherence at most `eps`."""
    blocks, below = _blocks(base), eps.bounds()[0]
    dropped = math.floor((below * blocks - _largest_sum(base)) / (1 + below))
    dropped = min(dropped, blocks - 1)
    # The bound's own rounding up may cost the last one.
    return dropped - 1 if dropped >= 1 and _bound(base, dropped) > eps else dropped


def _bound(base: Packing, dropped: int) -> Cosine:
    bound = Cosine.ratio((_largest_sum(base) + dropped) / (_blocks(base) - dropped))
    return bound if _is_exact(base) else bound.rounded_up()


def _blocks(base: Packing) -> int:
    return base.blocks or base.dim


def _is_exact(base: Packing) -> bool:
    """Whether b mu is known exactly: an integer's floor for sign rows, else a rational mu."""
    low, high = base.coherence.bounds()
    return _blocks(base) == base.dim or low == high


def _largest_sum(base: Packing) -> Fraction:
    """b mu for the b blocks of `base`, rounded up; for sign rows it is an integer."""
    blocks = _blocks(base)
    total = base.coherence.bounds()[1] * blocks
    return Fraction(math.floor(total)) if blocks == base.dim else total
