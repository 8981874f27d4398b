"""Additive characters of polynomials over GF(q), q = p^n, of full strength in every characteristic.

Over GF(q) alone a monomial of degree divisible by p adds nothing, Tr(c x^p) = Tr(c^(1/p) x). Over
the Galois ring R of p^e with residue field GF(q) it does: with T(x) the Teichmueller lift of x,
the phases

    f(x) = sum over j of Tr(c_j T(x)^j) / p^l_j   (mod 1),   c_j in R / p^l_j,

j prime to p and j p^(l_j - 1) <= D, are q^D different functions on GF(q). They are the characters
of the group (1 + t GF(q)[t]) / t^(D+1) at 1 - xt, so exp(2 pi i f(x)) sums to at most
(D - 1) sqrt(q) over GF(q) unless f = 0 (Weil 1948; Kumar, Helleseth and Calderbank 1995). For
p > D all l_j are 1, and they are the polynomials of degree <= D. Poles at 0, negative j, add
their largest j p^(l_j - 1) and 1 to D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.field import field, prime_power
from geometry.constructions.matrix_powers import modular, power, row_orbit
from geometry.packing import Indices

__all__ = ["Phases", "digit_turns", "odd_prime_power", "pole", "teichmuller_traces"]


def odd_prime_power(q: int) -> tuple[int, int] | None:
    """(p, n) with p an odd prime and q = p^n, or None when q is no such number."""
    return None if q % 2 == 0 else prime_power(q)


@lru_cache(maxsize=16)
def teichmuller_traces(q: int, length: int) -> NDArray[np.int64]:
    """Tr(w^k) mod p^`length` for k = 0 .. q - 2, `[q - 1]`, w of order q - 1 in the Galois ring.

    w lifts the generator of GF(q). It is a power of the integer matrix C whose residue is
    multiplication by the generator: C^(q^(length - 1)) has that residue and order q - 1.
    """
    gf = field(q)
    modulus = gf.characteristic**length
    lifted = gf.companion.astype(np.int64)
    product = modular(modulus)
    for _ in range(gf.degree * (length - 1)):
        lifted = power(lifted, gf.characteristic, product)
    # The trace is linear in the coordinates of w^k in the basis 1, C, .. C^(n - 1) of C's ring.
    powers = [np.eye(gf.degree, dtype=np.int64)]
    for _ in range(gf.degree - 1):
        powers.append(powers[-1] @ gf.companion % modulus)
    of_basis = np.array([np.trace(one) for one in powers]) % modulus
    rows = row_orbit(np.eye(1, gf.degree, dtype=np.int64)[0], lifted, q - 1, product)
    traces = np.asarray(rows @ of_basis % modulus)
    traces.setflags(write=False)
    return traces


def digit_turns(
    indices: Indices, radices: Sequence[int], matrix: NDArray[np.float64], order: int
) -> NDArray[np.int64]:
    """The digits of `indices` `[n]` in mixed `radices` `[m]`, lowest first, times a matrix.

    `matrix` `[m, points]` holds integers; the result `[n, points]` is reduced mod `order`. Exact
    while m * max(radices) * order < 2^53.
    """
    digits = np.empty((len(indices), len(radices)))
    rest = np.asarray(indices, np.int64)
    for place, radix in enumerate(radices):
        rest, digits[:, place] = np.divmod(rest, radix)
    return np.asarray((digits @ matrix).astype(np.int64) % order)


def pole(prime: int, degree: int, *, odd: bool = False) -> tuple[tuple[int, int], ...]:
    """The pairs (j, l_j): j <= `degree` prime to `prime`, l_j the most with j p^(l_j-1) <= degree.

    Only odd j where `odd`. The l_j add up to `degree`, or to (degree + 1)/2 for odd j and p.
    """
    pairs = []
    for j in range(1, degree + 1, 2 if odd else 1):
        if j % prime:
            length, top = 1, j * prime
            while top <= degree:
                length, top = length + 1, top * prime
            pairs.append((j, length))
    return tuple(pairs)


@dataclass(frozen=True)
class Phases:
    """The functions f on the units of GF(q) with the given pairs (j, l_j), j != 0 prime to p."""

    q: int
    terms: tuple[tuple[int, int], ...]

    @property
    def order(self) -> int:
        """p^e with e the largest l_j: f(x) is a multiple of 1/`order`."""
        order: int = field(self.q).characteristic ** max(length for _, length in self.terms)
        return order

    @property
    def count(self) -> int:
        """The number of functions."""
        count: int = self.q ** sum(length for _, length in self.terms)
        return count

    def turns(self, indices: Indices) -> NDArray[np.int64]:
        """`order` * f(g^k) for k = 0 .. q - 2, g the generator of GF(q): `[n, q - 1]`.

        The index is in mixed radix: for each term, the first lowest, n digits below p^l_j, the
        coordinates of c_j in powers of the lifted generator. Additive in those digits.
        """
        radices, matrix = _table(self)
        return digit_turns(indices, radices, matrix, self.order)

    def values(self, indices: Indices, at_zero: float) -> NDArray[np.complex128]:
        """exp(2 pi i f(x)) at every code of x in GF(q), `at_zero` at x = 0: `[n, q]`."""
        values = np.full((len(indices), self.q), at_zero, np.complex128)
        roots = np.exp(2j * np.pi / self.order * np.arange(self.order))
        values[:, field(self.q).exp[: self.q - 1]] = roots[self.turns(indices)]
        return values


@lru_cache(maxsize=8)
def _table(phases: Phases) -> tuple[tuple[int, ...], NDArray[np.float64]]:
    """The radices and the matrix of `Phases.turns`."""
    gf = field(phases.q)
    group, order = phases.q - 1, phases.order
    longest = max(length for _, length in phases.terms)
    traces = teichmuller_traces(phases.q, longest)
    powers = np.arange(group)
    radices: list[int] = []
    rows = []
    for j, length in phases.terms:
        scale = gf.characteristic ** (longest - length)
        for i in range(gf.degree):
            radices.append(gf.characteristic**length)
            rows.append(traces[(j * powers + i) % group] * scale % order)
    matrix = np.array(rows, np.float64)
    matrix.setflags(write=False)
    return tuple(radices), matrix
