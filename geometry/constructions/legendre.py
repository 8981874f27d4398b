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
_LARGEST_ATTAINED = 1024  # up to here the largest traces were found among the curves y^2 = fg


def _largest_trace(q: int, multiple: int) -> int:
    """The largest trace t <= 2 sqrt(q) of an elliptic curve with `multiple` | q + 1 - t.

    `multiple` is 2 or 4, so that it then divides q + 1 + t too. A trace divisible by p belongs to
    a supersingular curve, and t^2 is then one of 0, q, 4q and, for p = 3, 3q (Waterhouse 1969).
    """
    prime = field(q).characteristic
    top = math.isqrt(4 * q)
    trace = top - (top - q - 1) % multiple
    squares = {0, q, 4 * q} | ({3 * q} if prime == 3 else set())
    while trace % prime == 0 and trace**2 not in squares:
        trace -= multiple
    return trace


def _square(q: int, irreducible: int) -> Fraction:
    """The square of the coherence."""
    alike, mixed = _largest_trace(q, 4) + 1, _largest_trace(q, 2) + 1
    if irreducible:
        return Fraction(alike**2, q**2)
    return max(Fraction(alike**2, (q - 2) ** 2), Fraction(mixed**2, q * (q - 2)))


@dataclass(frozen=True)
class Legendre(Packing):
    """The rows chi(f(x)), f monic and quadratic over GF(`q`) and no square, chi(0) = 0.

    `irreducible` 1 takes the q(q - 1)/2 irreducible f only, whose rows are signs; 0 takes all
    q^2 - q. Odd cubics are as many lines as the latter, and their coherence is mostly smaller; but
    the traces of elliptic curves are integers of one parity, and where the next is just above
    2 sqrt(q) these have less: q = 109, 251 or 401.
    """

    q: int
    irreducible: int

    name: ClassVar[str] = "Legendre"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `irreducible` is 0 or 1 and the coherence below 1."""
        if self.irreducible not in (0, 1):
            raise ValueError(f"`irreducible` must be 0 or 1; got {self.irreducible}.")
        if self.q < 5 or odd_prime_power(self.q) is None or _square(self.q, self.irreducible) >= 1:
            raise ValueError(
                f"`q` must be an odd prime power with a coherence below 1; got {self.q}."
            )

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
        """By the largest traces t of elliptic curves: (t + 1)/q for irreducible f.

        For all f, the larger of (t + 1)/(q - 2) and (t' + 1)/sqrt(q(q - 2)), q + 1 - t divisible
        by 4 and q + 1 - t' by 2.
        """
        return Cosine(_square(self.q, self.irreducible))

    @property
    def exact(self) -> bool:
        """Whether curves with these traces were found: they were for all q up to 1024."""
        return self.q <= _LARGEST_ATTAINED

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
            "For f and g without a common root -1 - sum of chi(fg) is the trace t of Frobenius of "
            "the elliptic curve y^2 = fg, |t| <= 2 sqrt(q) (Hasse 1936), which has a point of "
            "order 2, and three where f and g are both irreducible or both split, so that 2 or 4 "
            "divides q + 1 - t (Waterhouse 1969); with a common root the sum is at most 2."
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
        values = gf.character[gf.subtract(gf.multiply(differences, differences), shifts[:, None])]
        norms = self.q - 1 - gf.character[shifts].astype(np.int64)
        return Rows(values, norms)

    def orbit_check(self) -> OrbitCheck:
        """x -> ax + b carries every polynomial to x^2 - c with c = 1 or c = g, the generator.

        The sums of these with all others are correlations, made by FFTs over r in float64 and
        rounded: two transforms' errors of 1e-12 q at most leave no doubt about an integer below q.
        """
        if self.q > _MOST_POINTS:
            return OrbitCheck(True, 0, self.proof, whole=False)
        gf = field(self.q)
        constants = self._shifts(np.arange(self.count // self.q))
        representatives = [int(gf.exp[1])] if self.irreducible else [1, int(gf.exp[1])]
        largest = Fraction(0)
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
                norms = rows.squared_norms * own.squared_norms[0]
                largest = max(
                    largest,
                    *(
                        Fraction(int(sums[norms == norm].max()) ** 2, int(norm))
                        for norm in np.unique(norms)
                    ),
                )
        reached = self.coherence == Cosine(largest)
        return OrbitCheck(
            Cosine(largest) <= self.coherence and (reached or not self.exact),
            self.pairs,
            f"the sums of {len(representatives)} polynomials with all {self.count}, as integers",
        )

    def _correlations(self, own: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.int64]:
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
        """Those that fit while `eps` < 2/sqrt(q), where odd cubics take over."""
        square = eps.square_bounds()[0]
        for q in prime_powers(max_dim):
            if q % 2 and q >= 5 and square * q < 4:
                for irreducible in (0, 1):
                    if _square(q, irreducible) <= min(square, Fraction(q - 1, q)):
                        yield cls(q, irreducible)
                        break

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All quadratics over a prime field and over GF(27), and the irreducible ones."""
        return cls(31, 0), cls(27, 0), cls(49, 1)
