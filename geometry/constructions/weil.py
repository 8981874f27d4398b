"""Weil's polynomials: 2 q^D real lines in R^(2q) at (D - 1)/sqrt(q) or less.

The complex lines exp(2 pi i Tr(f(x))/p)/sqrt(q), f of degree <= D over GF(q) without constant term,
each as the two real lines of v and iv. Polynomials of degree 2 are the chirps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from geometry.character_sums import recorded_degrees
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.galois_ring import Phases, pole
from geometry.constructions.kloosterman import near_edge
from geometry.constructions.odd_polynomials import cubic_coherence, largest_cubic
from geometry.constructions.phases import realified
from geometry.constructions.recorded import recomputed, recorded_square
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows
from geometry.spot_check import spot_check

__all__ = ["Weil"]


@dataclass(frozen=True)
class Weil(Packing):
    """The 2 `q`^D lines of the polynomials of degree <= D = `degree` over GF(`q`), in R^(2 `q`).

    In characteristic p <= D the coefficients lie in a Galois ring, so that none is lost.
    """

    q: int
    degree: int

    name: ClassVar[str] = "Weil"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `degree` >= 3 and the coherence is below 1."""
        if self.degree < 3:
            raise ValueError(f"`degree` must be at least 3; got {self.degree}.")
        if prime_power(self.q) is None or self._square() >= 1:
            raise ValueError(
                "`q` must be a prime power with `degree` - 1 < sqrt(q), or a prime with recorded "
                f"sums; got {self.q}."
            )

    def _square(self) -> Fraction:
        """The square of the coherence as the theorem or the table of maxima gives it."""
        return recorded_square(self.q, self.degree)

    def _cubic(self) -> bool:
        """Whether the largest sum is found by a few FFTs."""
        return self.degree == 3 and self.q % 2 == 1

    @property
    def dim(self) -> int:
        """2 `q`."""
        return 2 * self.q

    @property
    def count(self) -> int:
        """2 `q`^`degree`."""
        polynomials: int = self.q**self.degree
        return 2 * polynomials

    @property
    def coherence(self) -> Cosine:
        """The largest |sum| over q, rounded up, for cubics and for primes in the table of maxima.

        Else Weil's (`degree` - 1)/sqrt(q).
        """
        return cubic_coherence(self.q) if self._cubic() else Cosine(self._square())

    @property
    def exact(self) -> bool:
        """False: rounded up, or a theorem's bound."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """1/`q`."""
        return Fraction(1, self.q)

    @property
    def blocks(self) -> int:
        """`q` points (cos, sin)."""
        return self.q

    @property
    def tight(self) -> bool:
        """True: with all but the linear coefficient fixed, the lines are all characters."""
        return True

    @property
    def proof(self) -> str:
        """Weil's bound."""
        return (
            "The sum of a character of order p^e of a polynomial of degree D over GF(q) is at most "
            "(D - 1) sqrt(q) (Weil 1948; Kumar, Helleseth and Calderbank 1995); FFTs give the "
            "largest where it is known to be smaller."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.count} lines of the polynomials of degree {self.degree} over GF({self.q}), "
            "as real ones"
        )

    def _phases(self) -> Phases:
        return Phases(self.q, pole(field(self.q).characteristic, self.degree))

    def rows(self, indices: Indices) -> Rows:
        """Line 2f + e is that of i^e times the polynomial f, by the index of `Phases.turns`.

        (cos, sin) at x = 0 and then at the powers of the generator.
        """
        phases = self._phases()
        labels, rotated = np.divmod(indices, 2)
        turns = np.zeros((len(indices), self.q), np.int64)
        turns[:, 1:] = phases.turns(labels)
        return Rows.floating(realified(turns, phases.order, rotated))

    def orbit_check(self) -> OrbitCheck:
        """Differences of polynomials are polynomials: their sums, one class at a time."""
        if not self._cubic():
            return recomputed(self, self.q, self.degree)
        found = Cosine.ratio(largest_cubic(self._phases()) / self.q)
        return OrbitCheck(
            min(found, Cosine(Fraction(4, self.q))) <= self.coherence and spot_check(self).agree,
            self.pairs,
            f"the sums of all cubics over GF({self.q}) up to translation and scaling, by FFTs over "
            "the linear term, with their rounding bound",
        )

    def sparser(self) -> Self | None:
        """One degree less; quadratics are a family of their own."""
        return type(self)(self.q, self.degree - 1) if self.degree > 3 else None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """For each q, the largest degree that the theorem or a known maximum allows."""
        square = eps.square_bounds()[0]
        for q in prime_powers(max_dim // 2):
            # (D - 1)^2 <= q eps^2
            degree = 1 + math.isqrt(math.floor(q * square))
            for known in recorded_degrees(q):
                if known > degree and recorded_square(q, known) <= square:
                    degree = known
            if (
                degree == 2
                and q > 4
                and q % 2
                and near_edge(q, q, eps)
                and cubic_coherence(q) <= eps
            ):
                degree = 3
            if degree >= 3:
                yield cls(q, degree)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Cubics over a prime field and in characteristic 3, and quartics from the table."""
        return cls(11, 3), cls(9, 3), cls(7, 4)
