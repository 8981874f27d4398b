"""Legendre symbols of quadratic polynomials: rows chi(f(x)) over x in GF(q), in integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from geometry.constructions.field import field, prime_powers
from geometry.constructions.galois_ring import odd_prime_power
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Legendre"]

_MOST_POINTS = 2048  # largest q whose q^2 sums with a representative are all made
_BATCH = 1 << 20


def _largest_odd(q: int) -> int:
    """The largest odd integer <= 2 sqrt(q) + 1."""
    return (math.isqrt(4 * q) // 2) * 2 + 1


@dataclass(frozen=True)
class Legendre(Packing):
    """The rows chi(f(x)), f monic and quadratic over GF(`q`) and no square, chi(0) = 0.

    `irreducible` 1 takes the q(q - 1)/2 irreducible f only, whose rows are signs; 0 takes all
    q^2 - q. Odd cubics always do better: as many lines in as many dimensions at a lower coherence.
    Stays because its rows are integers, so that any part of it is compared exactly, and because
    papers on explicit low-coherence matrices start from it.
    """

    q: int
    irreducible: int

    name: ClassVar[str] = "Legendre"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `irreducible` is 0 or 1 and the coherence below 1."""
        if self.irreducible not in (0, 1):
            raise ValueError(f"`irreducible` must be 0 or 1; got {self.irreducible}.")
        least = 7 if self.irreducible else 11
        if self.q < least or odd_prime_power(self.q) is None:
            raise ValueError(f"`q` must be an odd prime power of at least {least}; got {self.q}.")

    @property
    def dim(self) -> int:
        """`q`."""
        return self.q

    @property
    def count(self) -> int:
        """`q`(`q` - 1), or half of it."""
        return self.q * (self.q - 1) // (1 + self.irreducible)

    def _norm(self) -> int:
        """The least squared norm of a row."""
        return self.q if self.irreducible else self.q - 2

    @property
    def coherence(self) -> Cosine:
        """The largest odd integer <= 2 sqrt(q) + 1, over q or q - 2."""
        return Cosine.ratio(Fraction(_largest_odd(self.q), self._norm()))

    @property
    def exact(self) -> bool:
        """False: no curve is looked for that attains the bound."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """1 over the least squared norm."""
        return Fraction(1, self._norm())

    @property
    def blocks(self) -> int | None:
        """`q` for sign rows."""
        return self.q if self.irreducible else None

    @property
    def proof(self) -> str:
        """Hasse's bound."""
        return (
            "For f and g without a common root -1 - sum of chi(fg) is the trace of Frobenius of an "
            "elliptic curve with a point of order 2: even, and at most 2 sqrt(q) (Hasse 1936); "
            "with a common root the sum is at most 2."
        )

    def words(self) -> str:
        """The recipe in words."""
        kind = "irreducible" if self.irreducible else "square-free"
        return (
            f"the quadratic characters of the {self.count} monic {kind} quadratic polynomials over "
            f"GF({self.q})"
        )

    def _shifts(self, places: Indices) -> NDArray[np.int64]:
        """The constants c of (x - r)^2 - c by their place: non-zero, or no squares."""
        if self.irreducible:
            return field(self.q).exp[2 * places + 1].astype(np.int64)
        return places + 1

    def rows(self, indices: Indices) -> Rows:
        """Line r + q k belongs to (x - r)^2 - c with the k-th c."""
        gf = field(self.q)
        places, roots = np.divmod(indices, self.q)
        shifts = self._shifts(places)
        differences = gf.subtract(gf.elements, roots[:, None])
        values = gf.character[
            gf.subtract(gf.multiply(differences, differences), shifts[:, None])
        ]
        norms = self.q - 1 - gf.character[shifts].astype(np.int64)
        return Rows(values, norms)

    def orbit_check(self) -> OrbitCheck:
        """x -> ax + b carries every polynomial to x^2 - c with c = 1 or c = g, the generator.

        The sums of these with all others are correlations, made by FFTs over r and rounded to
        integers: each is off by less than 64 log2(8q) q^2 2^-53, far below 1/2.
        """
        if self.q > _MOST_POINTS:
            return OrbitCheck(True, 0, self.proof, whole=False)
        gf = field(self.q)
        constants = self._shifts(np.arange(self.count // self.q))
        representatives = [int(gf.exp[1])] if self.irreducible else [1, int(gf.exp[1])]
        holds = True
        step = max(_BATCH // self.q, 1)
        for low in range(0, len(constants), step):
            others = constants[low : low + step]
            rows = self.rows(self.q * np.arange(low, low + len(others)))
            for constant in representatives:
                place = np.flatnonzero(constants == constant)
                own = self.rows(self.q * place)
                sums = np.abs(self._correlations(own.values[0], rows.values))
                # The polynomial with itself, unshifted.
                sums[others == constant, 0] = 0
                squares = sums**2 * self.coherence.square.denominator
                allowed = rows.squared_norms * own.squared_norms[0]
                holds &= bool((squares.max(axis=1) <= allowed * self.coherence.square.numerator).all())
        return OrbitCheck(
            holds,
            self.count * (self.count - 1) // 2,
            f"the sums of {len(representatives)} polynomials with all {self.count}, as integers",
        )

    def _correlations(
        self, own: NDArray[np.int8], others: NDArray[np.int8]
    ) -> NDArray[np.int64]:
        """sum over x of own(x) others(x - r) for every r: `[n, q]`, integers."""
        gf = field(self.q)
        shape = (gf.characteristic,) * gf.degree
        axes = tuple(range(1, gf.degree + 1))
        left = fft.fftn(own.reshape(1, *shape).astype(np.float64), axes=axes)
        right = fft.fftn(others.reshape(-1, *shape).astype(np.float64), axes=axes)
        sums = fft.ifftn(left * right.conj(), axes=axes).real
        return np.rint(sums).astype(np.int64).reshape(len(others), self.q)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The largest of each kind that fits."""
        square = eps.bounds()[0] ** 2
        for irreducible, least in ((0, 11), (1, 7)):
            for q in reversed(prime_powers(max_dim)):
                norm = q if irreducible else q - 2
                if q % 2 and q >= least and Fraction(_largest_odd(q), norm) ** 2 <= square:
                    yield cls(q, irreducible)
                    break

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All quadratics over a prime field and over GF(27), and the irreducible ones."""
        return cls(31, 0), cls(27, 0), cls(49, 1)
