"""Kloosterman sums' other half: additive characters on a circle, real lines in R^(q + 1).

The norm-one elements u = c + s sqrt(r) of GF(q^2), r a non-square of GF(q), are the q + 1 points of
the circle c^2 - r s^2 = 1. exp(2 pi i Tr(ac + bs)/p) is conjugate-symmetric in u -> -u, so one of
each pair {u, -u} holds a point (cos, sin). The circle has as many u with Tr(u) = y as there are
x != 0 missing from two with x + 1/x = y, so the sums are Kloosterman sums with the other sign: as
many lines at the same sums, in two dimensions more. The quadratic character of the circle doubles
the lines, as it does on the units of GF(q).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.field import Elements, field, is_prime, prime_powers
from geometry.constructions.galois_ring import digit_turns, odd_prime_power
from geometry.constructions.kloosterman import (
    LARGEST_COMPARED,
    kloosterman_coherence,
    near_edge,
    nearly,
)
from geometry.constructions.phases import realified
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows
from geometry.spot_check import spot_check

__all__ = ["Circle", "TwistedCircle"]


def _point(q: int, t: Elements) -> tuple[Elements, Elements, NDArray[np.int8]]:
    """(c, s, quadratic character) of u = z/conj(z), z = t + sqrt(r), r the field's generator.

    u is a square of the circle when z has a norm t^2 - r that is a square of GF(q).
    """
    gf = field(q)
    square = gf.multiply(t, t)
    norm = gf.subtract(square, gf.exp[1])
    inverse = gf.inverse(norm)
    c = gf.multiply(gf.add(square, gf.exp[1]), inverse)
    return c, gf.multiply(gf.add(t, t), inverse), gf.character[norm]


@lru_cache(maxsize=8)
def _half_circle(q: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """The traces of powers of the generator times c and s `[2n, (q + 1)/2]`, and the character.

    t -> r/t is u -> -u. With r = g it takes g^k to g^(1 - k) and 0 to infinity, where u = 1; so
    infinity and g^k for k = 1 .. (q - 1)/2 are one of each pair.
    """
    gf = field(q)
    c, s, character = _point(q, gf.exp[1 : (q + 1) // 2].astype(np.int64))
    c, s = np.concatenate([[1], c]), np.concatenate([[0], s])
    powers = gf.exp[: gf.degree, None]
    matrix = gf.trace[np.concatenate([gf.multiply(powers, c), gf.multiply(powers, s)])]
    return matrix.astype(np.float64), np.concatenate([np.ones(1, np.int8), character])


def _turns(q: int, indices: Indices) -> NDArray[np.int64]:
    """Tr(ac + bs) on the half circle for the lines with `indices` a + q b: `[n, (q + 1)/2]`."""
    gf = field(q)
    radices = [gf.characteristic] * (2 * gf.degree)
    return digit_turns(indices, radices, _half_circle(q)[0], gf.characteristic)


def _trace_counts(q: int) -> bool:
    """Whether the points u have Tr(zu) = y for 1 - chi(y^2 - 4 N(z)) of them, for every y.

    In integers, for a z of norm 1 and one whose norm is no square.
    """
    gf = field(q)
    c, s, _ = _circle(q)
    norms = gf.subtract(gf.multiply(gf.elements, gf.elements), gf.exp[1])
    first = int(np.flatnonzero(gf.character[norms] == -1)[0])
    holds = True
    for norm, half in (
        (1, c),
        (norms[first], gf.add(gf.multiply(first, c), gf.multiply(gf.exp[1], s))),
    ):
        counts = np.bincount(gf.add(half, half), minlength=q)
        two = gf.add(1, 1)
        four = gf.multiply(gf.add(two, two), norm)
        squares = gf.multiply(gf.elements, gf.elements)
        expected = 1 - gf.character[gf.subtract(squares, four)].astype(np.int64)
        holds &= np.array_equal(counts, expected)
    return holds


def _twisted_counts(q: int) -> bool:
    """Whether the character sums to chi(y + 2) - chi(y - 2) over Tr(u) = y, for every y."""
    gf = field(q)
    c, _, character = _circle(q)
    sums = np.zeros(q, np.int64)
    np.add.at(sums, gf.add(c, c), character.astype(np.int64))
    two = gf.add(1, 1)
    chi = gf.character.astype(np.int64)
    above, below = gf.add(gf.elements, two), gf.subtract(gf.elements, two)
    return np.array_equal(sums, chi[above] - chi[below])


def _circle(q: int) -> tuple[Elements, Elements, NDArray[np.int8]]:
    """All q + 1 points (c, s) and their character."""
    c, s, character = _point(q, field(q).elements)
    return np.append(c, 1), np.append(s, 0), np.append(character, np.int8(1))


def _require(q: int) -> None:
    if q < 5 or odd_prime_power(q) is None:
        raise ValueError(f"`q` must be an odd prime power of at least 5; got {q}.")


@dataclass(frozen=True)
class Circle(Packing):
    """The `q`^2 real lines exp(2 pi i Tr(ac + bs)/p) on the circle's `q` + 1 points.

    Their coherence is below Weil's 2 sqrt(q)/(q + 1) by a little; at that coherence
    `TwistedCircle` has twice as many lines.
    """

    q: int

    name: ClassVar[str] = "circle"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power, at least 5."""
        _require(self.q)

    @property
    def dim(self) -> int:
        """`q` + 1."""
        return self.q + 1

    @property
    def count(self) -> int:
        """`q`^2."""
        return self.q**2

    @property
    def coherence(self) -> Cosine:
        """The largest Kloosterman sum, computed by an FFT, over q + 1; rounded up."""
        return kloosterman_coherence(self.q, self.dim)

    @property
    def exact(self) -> bool:
        """False: rounded up by about 1e-11 of itself."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """2/(`q` + 1)."""
        return Fraction(2, self.dim)

    @property
    def blocks(self) -> int:
        """(`q` + 1)/2 points (cos, sin)."""
        return self.dim // 2

    @property
    def tight(self) -> bool:
        """True: all additive characters of the plane GF(q)^2 at different points."""
        return True

    @property
    def proof(self) -> str:
        """The sums are Kloosterman sums."""
        return (
            "The circle has 1 - chi(y^2 - 4m) points of norm m and trace y, and ax + b/x takes "
            "the value y at 1 + chi(y^2 - 4ab) units, so the inner products are -K(m, 1)/(q + 1), "
            "at most 2 sqrt(q)/(q + 1) (Weil 1948); an FFT gives the largest."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.count} real lines of the additive characters on the {self.dim} norm-one "
            f"elements of GF({self.q}^2)"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line b q + a is that of (a, b)."""
        turns = _turns(self.q, indices)
        return Rows.floating(realified(turns, field(self.q).characteristic))

    def orbit_check(self) -> OrbitCheck:
        """Rotations leave the norm m of (a, b) as it is, and the sum for norm m is -K(m, 1).

        For that, the numbers of points of one trace are checked in integers for one m that is a
        square and one that is none; scalings of (a, b) make the others of these.
        """
        return OrbitCheck(
            _trace_counts(self.q) and spot_check(self).agree,
            self.pairs,
            f"the {self.q} Kloosterman sums K(m, 1) by an FFT, with its rounding bound, and the "
            "traces of the circle's points in integers",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those between the true coherence and that of the twisted lines, twice as many."""
        for q in prime_powers(max_dim - 1):
            if q % 2 and q >= 5 and near_edge(q, q + 1, eps):
                packing = cls(q)
                if packing.coherence <= eps:
                    yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A prime, and powers of 3 and 5."""
        return cls(97), cls(27), cls(25)


@dataclass(frozen=True)
class TwistedCircle(Packing):
    """The lines of `Circle` with and without the circle's quadratic character: 2 `q`^2."""

    q: int

    name: ClassVar[str] = "twisted circle"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power, at least 5."""
        _require(self.q)

    @property
    def dim(self) -> int:
        """`q` + 1."""
        return self.q + 1

    @property
    def count(self) -> int:
        """2 `q`^2."""
        return 2 * self.q**2

    def _twisted(self) -> Cosine:
        """The largest sum with the character, over q + 1: 2 sqrt(q) cos(pi/(2p))."""
        prime = field(self.q).characteristic
        return Cosine(Fraction(4 * self.q, self.dim**2), Fraction(90, prime))

    @property
    def coherence(self) -> Cosine:
        """2 sqrt(q) cos(pi/(2p))/(q + 1), or the largest Kloosterman sum where that is larger.

        Over a prime field it never is; there, above 2^16, Weil's 2 sqrt(q)/(q + 1) is taken.
        """
        if is_prime(self.q):
            if self.q <= LARGEST_COMPARED:
                return self._twisted()
            return Cosine(Fraction(4 * self.q, self.dim**2))
        return max(self._twisted(), kloosterman_coherence(self.q, self.dim))

    @property
    def exact(self) -> bool:
        """Whether the sums with the character are the largest: those are known exactly."""
        return self.coherence == self._twisted()

    @property
    def peak_square(self) -> Fraction:
        """2/(`q` + 1)."""
        return Fraction(2, self.dim)

    @property
    def blocks(self) -> int:
        """(`q` + 1)/2 points (cos, sin)."""
        return self.dim // 2

    @property
    def tight(self) -> bool:
        """True: two tight frames."""
        return True

    @property
    def proof(self) -> str:
        """Gauss sums."""
        return (
            "Without the quadratic character inner products are Kloosterman sums over q + 1; with "
            "it they are 0 or a Gauss sum times 2 sin(4 pi Tr(y)/p), by the square roots of "
            "Tr(u) + 2 and Tr(u) - 2: at most 2 sqrt(q)/(q + 1) all (Weil 1948)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.count} real lines of the additive characters on the {self.dim} norm-one "
            f"elements of GF({self.q}^2), with and without the quadratic character"
        )

    def rows(self, indices: Indices) -> Rows:
        """The lines without the character, then those with it, each by a + q b.

        The character of -1 is that of -r: -1 for q = 1 mod 4, where it goes with a factor i.
        """
        twisted, labels = np.divmod(indices, self.count // 2)
        prime = field(self.q).characteristic
        values = realified(_turns(self.q, labels), prime, twisted * (self.q % 4 == 1))
        signs = np.where(twisted[:, None] == 1, _half_circle(self.q)[1], 1)
        return Rows.floating(values * np.repeat(signs, 2, axis=1))

    def orbit_check(self) -> OrbitCheck:
        """As for `Circle` without the character; with it, sums over equal traces in integers.

        u and the u' with conj(au) = au' have characters of product chi(N(a)), so the sum is 0
        for chi(N(a)) = -1. Else a is rotated into y in GF(q), and the sum of the character over
        Tr(u) = t is chi(t + 2) - chi(t - 2): a Gauss sum times a sine.
        """
        return OrbitCheck(
            _trace_counts(self.q)
            and _twisted_counts(self.q)
            and kloosterman_coherence(self.q, self.dim) <= self.coherence
            and spot_check(self).agree,
            self.pairs,
            f"the {self.q} Kloosterman sums K(m, 1) by an FFT, with its rounding bound, and the "
            "twisted sums over the circle's points of equal trace in integers",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        for q in prime_powers(max_dim - 1):
            if q % 2 == 0 or q < 5:
                continue
            value = 2 * math.sqrt(q) / (q + 1)
            if is_prime(q):
                side = nearly(value * math.cos(math.pi / (2 * q)), eps)
            else:
                side = nearly(value, eps)
                side = 0 if near_edge(q, q + 1, eps) else side
            if side < 0 or (side == 0 and cls(q).coherence <= eps):
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A prime, and powers of 3 and 5."""
        return cls(43), cls(27), cls(25)
