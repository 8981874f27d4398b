"""Kloosterman sums as real lines: exp(2 pi i Tr(ax + b/x)/p) is conjugate-symmetric in x -> -x.

One of each pair {x, -x} of units of GF(q) then holds a point (cos, sin), and the real inner product
of two lines is their complex one. The quadratic character chi may multiply a line without raising
Weil's bound, since it is ramified only at 0 and infinity, where ax + b/x has its poles: that
doubles the lines. For q = 3 mod 4, chi(-x) = -chi(x), and chi times i is conjugate-symmetric.
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
from geometry.constructions.field import field, is_prime, prime_powers
from geometry.constructions.galois_ring import Phases, odd_prime_power, pole
from geometry.constructions.phases import realified
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows
from geometry.spot_check import spot_check

__all__ = [
    "LARGEST_COMPARED",
    "Kloosterman",
    "TwistedKloosterman",
    "kloosterman_coherence",
    "near_edge",
    "nearly",
]

# For all odd prime powers q <= 2^16 it was computed that the largest Kloosterman sum, and the
# largest cubic sum, exceed (2 - 8 q^(-2/3)) sqrt(q): only an eps near that edge needs the sum,
_EDGE = 8.0
# and that over prime fields Kloosterman sums lie below the largest twisted ones.
LARGEST_COMPARED = 1 << 16


def near_edge(q: int, points: int, eps: Cosine) -> bool:
    """Whether `eps` may lie between the largest Kloosterman or cubic sum of GF(q) and 2 sqrt(q).

    Sums are divided by `points`. A wrong yes costs an FFT, and no is right for q <= 2^16.
    """
    scaled = float(eps) * points / math.sqrt(q)
    return 2 - _EDGE / math.cbrt(q) ** 2 <= scaled < 2


def nearly(value: float, eps: Cosine) -> int:
    """-1 or 1 where a coherence of float `value` is surely below or above `eps`, else 0."""
    bound = float(eps)
    return 0 if abs(value - bound) <= 1e-9 * bound else 1 if value > bound else -1


@lru_cache(maxsize=1 << 14)
def _largest_kloosterman(q: int) -> Fraction:
    """The largest |sum over x != 0 of exp(2 pi i Tr(ax + 1/x)/p)|, rounded up by about 1e-11.

    One FFT over a; a = 0 gives -1, less than others. In characteristic 3 the sums are real numbers
    in Z[exp(2 pi i/3)], so integers, and the result is exact.
    """
    inverse = Phases(q, ((-1, 1),))
    values = inverse.values(np.ones(1, np.int64), 0.0)
    found = Fraction(largest_transform(values, field(q).characteristic))
    return Fraction(math.floor(found)) if q % 3 == 0 else found


def kloosterman_coherence(q: int, points: int) -> Cosine:
    """The largest Kloosterman sum with two non-zero coefficients over `points`, rounded up."""
    bound = Cosine(Fraction(4 * q, points * points))
    return min(bound, Cosine.ratio(_largest_kloosterman(q) / points))


@dataclass(frozen=True)
class Kloosterman(Packing):
    """The `q`^2 real lines exp(2 pi i Tr(ax + b/x)/p) in R^(`q` - 1).

    Their coherence is below Weil's 2 sqrt(q)/(q - 1) by a little, which `TwistedKloosterman`
    reaches with twice as many lines.
    """

    q: int

    name: ClassVar[str] = "real Kloosterman"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power, at least 7."""
        if self.q < 7 or odd_prime_power(self.q) is None:
            raise ValueError(f"`q` must be an odd prime power of at least 7; got {self.q}.")

    @property
    def dim(self) -> int:
        """`q` - 1."""
        return self.q - 1

    @property
    def count(self) -> int:
        """`q`^2."""
        return self.q**2

    @property
    def coherence(self) -> Cosine:
        """The largest Kloosterman sum, computed by an FFT, over q - 1; rounded up."""
        return kloosterman_coherence(self.q, self.dim)

    @property
    def exact(self) -> bool:
        """False: rounded up by about 1e-11 of itself."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """2/(`q` - 1)."""
        return Fraction(2, self.dim)

    @property
    def blocks(self) -> int:
        """(`q` - 1)/2 points (cos, sin)."""
        return self.dim // 2

    @property
    def tight(self) -> bool:
        """True: the lines of one b are characters of GF(q) on its units."""
        return True

    @property
    def proof(self) -> str:
        """Kloosterman sums depend on ab only."""
        return (
            "Inner products are Kloosterman sums K(a, b)/(q - 1) with K(a, b) = K(ab, 1) for "
            "b != 0 and -1 for ab = 0, at most 2 sqrt(q) (Weil 1948); an FFT gives the largest."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"the {self.count} real lines of the Kloosterman sums Tr(ax + b/x) over GF({self.q})"

    def _phases(self) -> Phases:
        return Phases(self.q, ((1, 1), (-1, 1)))

    def rows(self, indices: Indices) -> Rows:
        """Line b q + a is that of (a, b), at x = g^k, k < (q - 1)/2, for the generator g."""
        phases = self._phases()
        turns = phases.turns(indices)[:, : self.dim // 2]
        return Rows.floating(realified(turns, phases.order))

    def orbit_check(self) -> OrbitCheck:
        """Differences of phases are phases; x -> bx brings b to 1, and an FFT covers all a."""
        values = self._phases().values(np.array([self.q]), 0.0)
        inverse = Phases(self.q, ((-1, 1),)).values(np.ones(1, np.int64), 0.0)
        return OrbitCheck(
            np.array_equal(values, inverse)
            and kloosterman_coherence(self.q, self.dim) <= self.coherence
            and spot_check(self).agree,
            self.pairs,
            f"the {self.q} Kloosterman sums K(a, 1) by an FFT, with its rounding bound",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those between the true coherence and that of the twisted lines, twice as many."""
        for q in prime_powers(max_dim + 1):
            if q % 2 and q >= 7 and near_edge(q, q - 1, eps):
                packing = cls(q)
                if packing.coherence <= eps:
                    yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A prime, and powers of 3 and 5."""
        return cls(101), cls(27), cls(25)


@dataclass(frozen=True)
class TwistedKloosterman(Packing):
    """The lines chi(x)^e exp(2 pi i f(x)), f an odd polynomial of `degree` plus b/x, e 0 or 1.

    2 `q`^((degree + 3)/2) lines in R^(`q` - 1). In characteristic p <= `degree` the polynomials
    have coefficients in a Galois ring.
    """

    q: int
    degree: int = 1

    name: ClassVar[str] = "twisted Kloosterman"
    reference: ClassVar[str] = "Salié 1931; Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless the parameters are odd and the coherence below 1."""
        if self.degree < 1 or self.degree % 2 == 0:
            raise ValueError(f"`degree` must be odd and positive; got {self.degree}.")
        small = (self.degree + 1) ** 2 * self.q >= (self.q - 1) ** 2
        if small or odd_prime_power(self.q) is None:
            raise ValueError(
                f"`q` must be an odd prime power with (`degree` + 1) sqrt(q) < q - 1; got {self.q}."
            )

    @property
    def dim(self) -> int:
        """`q` - 1."""
        return self.q - 1

    @property
    def count(self) -> int:
        """2 `q`^((`degree` + 3)/2)."""
        functions: int = self.q ** ((self.degree + 3) // 2)
        return 2 * functions

    @property
    def coherence(self) -> Cosine:
        """(`degree` + 1) sqrt(q)/(q - 1), times cos(pi/p) for degree 1 over a prime field."""
        bound = Fraction((self.degree + 1) ** 2 * self.q, self.dim**2)
        if self._salie() and is_prime(self.q):
            return Cosine(bound, Fraction(180, self.q))
        return Cosine(bound)

    def _salie(self) -> bool:
        """Whether Salié's sums are known to be the largest."""
        return self.degree == 1 and (self.q <= LARGEST_COMPARED or not is_prime(self.q))

    @property
    def exact(self) -> bool:
        """True for degree 1, where the twisted sums are known."""
        return self._salie()

    @property
    def peak_square(self) -> Fraction:
        """2/(`q` - 1)."""
        return Fraction(2, self.dim)

    @property
    def blocks(self) -> int:
        """(`q` - 1)/2 points (cos, sin)."""
        return self.dim // 2

    @property
    def tight(self) -> bool:
        """True: for e and all but the linear coefficient fixed, the lines are characters."""
        return True

    @property
    def proof(self) -> str:
        """Salié's evaluation, and Weil's bound."""
        return (
            "Inner products are sums of a character with poles of order 1 and `degree` only, at "
            "most (degree + 1) sqrt(q) (Weil 1948); for degree 1 the twisted ones are 0 or "
            "2 sqrt(q) cos(2 pi Tr(y)/p), y != 0 (Salié 1931), and the others were computed "
            "to be no larger."
        )

    def words(self) -> str:
        """The recipe in words."""
        odd = "ax" if self.degree == 1 else f"odd f(x) of degree {self.degree}"
        return (
            f"the {self.count} real lines of the Kloosterman sums {odd} + b/x over GF({self.q}), "
            "with and without the quadratic character"
        )

    def _phases(self) -> Phases:
        prime = field(self.q).characteristic
        return Phases(self.q, (*pole(prime, self.degree, odd=True), (-1, 1)))

    def rows(self, indices: Indices) -> Rows:
        """The lines without the character, by the index of their phases, then those with it."""
        phases = self._phases()
        twisted, labels = np.divmod(indices, self.count // 2)
        turns = phases.turns(labels)[:, : self.dim // 2]
        values = realified(turns, phases.order, twisted * (self.q % 4 == 3))
        # chi(g^k) = (-1)^k, on both coordinates of a point.
        values[:, 2::4] *= 1 - 2 * twisted[:, None]
        values[:, 3::4] *= 1 - 2 * twisted[:, None]
        return Rows.floating(values)

    def orbit_check(self) -> OrbitCheck:
        """For degree 1: the sums without the character by an FFT, those with it in integers.

        With it, x -> bx brings b to 1. For chi(a) = -1 the sum is 0: solutions x and 1/(ax) of
        ax + 1/x = y cancel. For a = r^2, x -> x/r gives sum of chi(x) over x + 1/x = y for
        the weight of exp(2 pi i Tr(ry)/p), and that is chi(y + 2) + chi(y - 2): so the sum is a
        Gauss sum, of modulus sqrt(q), times 2 cos(4 pi Tr(r)/p).
        """
        if not self._salie():
            return OrbitCheck(spot_check(self).agree, 0, f"{self.proof} Random pairs.", False)
        gf = field(self.q)
        units = gf.elements[1:]
        weights = np.zeros(self.q, np.int64)
        np.add.at(weights, gf.add(units, gf.inverse(units)), gf.character[units].astype(np.int64))
        two = gf.add(1, 1)
        shifted = gf.character[gf.add(gf.elements, two)] + gf.character[
            gf.subtract(gf.elements, two)
        ].astype(np.int64)
        return OrbitCheck(
            np.array_equal(weights, shifted)
            and kloosterman_coherence(self.q, self.dim) <= self.coherence
            and spot_check(self).agree,
            self.pairs,
            f"the {self.q} Kloosterman sums K(a, 1) by an FFT, the twisted ones by Salié's "
            "identity, checked in integers",
        )

    def sparser(self) -> Self | None:
        """Two degrees less."""
        return type(self)(self.q, self.degree - 2) if self.degree > 1 else None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The larger degree that fits of 1 and 3: beyond, Weil polynomials have more lines."""
        for q in prime_powers(max_dim + 1):
            if q % 2 == 0 or q < 7:
                continue
            for degree in (3, 1):
                value = (degree + 1) * math.sqrt(q) / (q - 1)
                # For degree 1 over a prime field, cos(pi/q) is within 1e-9 of 1 only for large q.
                if degree == 1 and is_prime(q):
                    value *= math.cos(math.pi / q)
                side = nearly(value, eps)
                if value < 1 and (side < 0 or (side == 0 and cls(q, degree).coherence <= eps)):
                    yield cls(q, degree)
                    break

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A prime, and prime powers that are 3 and 1 mod 4."""
        return cls(43), cls(27), cls(25)
