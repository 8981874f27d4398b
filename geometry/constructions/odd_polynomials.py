"""Odd polynomials as real lines: exp(2 pi i Tr(f(x))/p) is conjugate-symmetric in x -> -x.

x = 0 is a real coordinate 1/sqrt(q), and one of each pair {x, -x} holds sqrt(2/q) (cos, sin), so
the real inner product of two lines is their complex one, and they live in R^q.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from geometry.character_sums import largest_transform
from geometry.constructions.field import field, prime_powers
from geometry.constructions.galois_ring import Phases, odd_prime_power, pole
from geometry.constructions.kloosterman import near_edge
from geometry.constructions.phases import realified
from geometry.constructions.recorded import recomputed, recorded_square
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows
from geometry.spot_check import spot_check

__all__ = ["OddPolynomials", "cubic_coherence", "largest_cubic"]


def largest_cubic(phases: Phases) -> Fraction:
    """The largest sum of exp(2 pi i f(x)) over GF(q), f cubic, rounded up by about 1e-11.

    `phases` hold the polynomials of degree <= 3, or the odd ones, q odd. A translation of x frees a
    cubic of its square, and leaves a factor of modulus 1. In characteristic p > 3, x -> cx leaves a
    leading coefficient of each class modulo cubes; in characteristic 3, where x^3 stands for
    Tr(cT(x))/9 with a unit c of GR(9), it makes c = 1 mod 3. Linear terms take one FFT each.
    """
    gf = field(phases.q)
    if gf.characteristic == 3:
        leading = np.ones(1, np.int64)
    else:
        classes = math.gcd(3, phases.q - 1)
        leading = gf.exp[:classes].astype(np.int64) * (phases.count // phases.q)
    return Fraction(largest_transform(phases.values(leading, 1.0), gf.characteristic))


@lru_cache(maxsize=1 << 14)
def cubic_coherence(q: int) -> Cosine:
    """The largest cubic sum over GF(q), q odd, divided by q; rounded up, and 2/sqrt(q) at most."""
    found = largest_cubic(Phases(q, pole(field(q).characteristic, 3, odd=True)))
    return min(Cosine(Fraction(4, q)), Cosine.ratio(found / q))


@dataclass(frozen=True)
class OddPolynomials(Packing):
    """The `q`^((D + 1)/2) real lines of the odd polynomials of degree <= D = `degree` over GF(`q`).

    In characteristic p <= D the coefficients lie in a Galois ring, so that none is lost.
    """

    q: int
    degree: int

    name: ClassVar[str] = "odd polynomials"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless the parameters are odd and the coherence is below 1."""
        if self.degree < 3 or self.degree % 2 == 0:
            raise ValueError(f"`degree` must be odd and at least 3; got {self.degree}.")
        if odd_prime_power(self.q) is None or self._square() >= 1:
            raise ValueError(
                "`q` must be an odd prime power with `degree` - 1 < sqrt(q), or a prime with "
                f"recorded sums; got {self.q}."
            )

    def _square(self) -> Fraction:
        """The square of the coherence as the theorem or the table of maxima gives it."""
        return recorded_square(self.q, self.degree, odd=True)

    @property
    def dim(self) -> int:
        """`q`."""
        return self.q

    @property
    def count(self) -> int:
        """`q`^((`degree` + 1)/2)."""
        count: int = self.q ** ((self.degree + 1) // 2)
        return count

    @property
    def coherence(self) -> Cosine:
        """The largest sum over q, rounded up, for cubics and for primes in the table of maxima.

        Else Weil's (`degree` - 1)/sqrt(q).
        """
        return cubic_coherence(self.q) if self.degree == 3 else Cosine(self._square())

    @property
    def exact(self) -> bool:
        """False: rounded up, or a theorem's bound."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """2/`q`."""
        return Fraction(2, self.q)

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
            f"the {self.count} real lines of the odd polynomials of degree {self.degree} over "
            f"GF({self.q})"
        )

    def _phases(self) -> Phases:
        return Phases(self.q, pole(field(self.q).characteristic, self.degree, odd=True))

    def rows(self, indices: Indices) -> Rows:
        """x = 0, then (cos, sin) at g^k for k < (q - 1)/2, by the index of `Phases.turns`."""
        phases = self._phases()
        half = (self.q - 1) // 2
        values = np.empty((len(indices), self.q))
        values[:, 0] = 1 / math.sqrt(self.q)
        pairs = realified(phases.turns(indices)[:, :half], phases.order)
        np.multiply(pairs, math.sqrt((self.q - 1) / self.q), out=values[:, 1:])
        return Rows.floating(values)

    def orbit_check(self) -> OrbitCheck:
        """Differences of polynomials are polynomials: their sums, one class at a time."""
        if self.degree > 3:
            return recomputed(self, self.q, self.degree, odd=True)
        found = Cosine.ratio(largest_cubic(self._phases()) / self.q)
        return OrbitCheck(
            min(found, Cosine(Fraction(4, self.q))) <= self.coherence and spot_check(self).agree,
            self.pairs,
            f"the sums of all cubics over GF({self.q}) up to scaling, by FFTs over the linear "
            "term, with their rounding bound",
        )

    def sparser(self) -> Self | None:
        """Two degrees less."""
        return type(self)(self.q, self.degree - 2) if self.degree > 3 else None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The larger degree that fits of 3 and 5: beyond, Weil polynomials have more lines."""
        square = eps.square_bounds()[0]
        for q in prime_powers(max_dim):
            if q % 2 == 0 or q < 5:
                continue
            if recorded_square(q, 5, odd=True) <= square:
                yield cls(q, 5)
            elif Fraction(4, q) <= square or (near_edge(q, q, eps) and cubic_coherence(q) <= eps):
                yield cls(q, 3)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A prime, a power of 3, and quintics."""
        return cls(43, 3), cls(27, 3), cls(19, 5)
