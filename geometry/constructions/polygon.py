"""Lines of the plane: N of them 180/N degrees apart, the best there is for d = 2."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from geometry.bounds.arc import most_equally_spaced
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Polygon"]

_SPOT_CHECKS = 4096


@dataclass(frozen=True)
class Polygon(Packing):
    """`lines` lines through the origin of the plane at the multiples of 180/`lines` degrees."""

    lines: int

    name: ClassVar[str] = "polygon"
    reference: ClassVar[str] = "Conway, Hardin and Sloane 1996"

    def __post_init__(self) -> None:
        """Raise ValueError unless `lines` >= 2."""
        if self.lines < 2:
            raise ValueError(f"`lines` must be at least 2; got {self.lines}.")

    @property
    def dim(self) -> int:
        """2."""
        return 2

    @property
    def count(self) -> int:
        """`lines`."""
        return self.lines

    @property
    def coherence(self) -> Cosine:
        """The cosine of 180/`lines` degrees."""
        return Cosine(Fraction(1), Fraction(180, self.lines))

    @property
    def tight(self) -> bool:
        """Two lines are a basis; more are carried to each other by a rotation."""
        return True

    @property
    def peak_attained(self) -> bool:
        """The first line is an axis."""
        return True

    @property
    def proof(self) -> str:
        """Neighbours are nearest."""
        return (
            "Two of the lines are a positive multiple of 180/N degrees apart, at most 90 "
            "(the optimum for d = 2: Conway, Hardin and Sloane 1996)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.lines} lines of the plane, {Fraction(180, self.lines)} degrees apart"

    def rows(self, indices: Indices) -> Rows:
        """(cos, sin) of `indices` * 180/N degrees, within a few units of 2^-53."""
        radians = indices / float(self.lines) * math.pi
        return Rows.floating(np.stack([np.cos(radians), np.sin(radians)], axis=1))

    def orbit_check(self) -> OrbitCheck:
        """The rotation by 180/N degrees carries each line to the next, so all pairs to (0, j).

        Of those the pairs at j = 1 and j = N - 1 are nearest. Rows spread over the whole range
        (all of them when N <= 4096) are rotated and compared with their successors in float64.
        """
        # Indices are 64-bit, so of an even longer packing the first 2^62 lines are sampled.
        span = min(self.lines, 1 << 62)
        checked = min(span, _SPOT_CHECKS)
        starts = [i * span // checked for i in range(checked)]
        following = [(i + 1) % self.lines for i in starts]
        angle = math.pi / self.lines
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        moved = self.rows(np.array(starts)).values @ turn
        # The last line is carried to the first one's negative.
        signs = np.where(np.array(following) == 0, -1.0, 1.0)
        gap = np.abs(moved - signs[:, None] * self.rows(np.array(following)).values).max()
        nearest = min(Fraction(180 * j, self.lines) for j in (1, self.lines - 1))
        exact = Cosine(Fraction(1), min(nearest, 180 - nearest)) == self.coherence
        # An angle below pi with three roundings moves a coordinate by at most 10 units of 2^-53;
        # two rows, one of them through a rotation, stay below 40.
        return OrbitCheck(
            bool(gap <= 40 * 2.0**-53) and exact,
            self.pairs,
            f"{checked} lines rotated by {Fraction(180, self.lines)} degrees onto the next, "
            f"and the angle between neighbours",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The largest N with cos(180/N) <= `eps`."""
        if max_dim >= 2:
            yield cls(most_equally_spaced(eps))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(3), cls(7), cls(90)
