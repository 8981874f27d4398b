"""The torus of order q + 1 over GF(q), and exponential sums on it.

The elements of norm 1 of GF(q^2) are a cyclic group of order q + 1. With g its generator,
psi(y) = exp(2 pi i Tr(y)/p), and T the trace from GF(q^2) to GF(q),

    L_(a,b)(g^l) = T(c g^l),  c = a + b g,

the functions psi(L_(a,b)) are the additive characters of GF(q)^2 on a conic. Sums of psi(L) times
any character of the torus have modulus at most 2 sqrt(q): the function has two simple poles. With
L(x) + M(x^2) + ..., up to degree m in x, they have modulus at most 2 m sqrt(q) (Weil 1948).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import phases
from geometry.constructions.field import Elements, Field, field, prime_factors, prime_powers
from geometry.constructions.matrix_powers import power, row_orbit
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing

__all__ = [
    "additive",
    "fitting",
    "largest_kloosterman",
    "largest_sum",
    "outcome",
    "rotates",
    "torus_turns",
]

_BLOCK = 1 << 20


def _order_is(gf: Field, matrix: Elements, order: int) -> bool:
    """Whether the matrix has this multiplicative order."""
    identity = np.eye(2, dtype=np.int64)
    return np.array_equal(power(matrix, order, gf.product), identity) and not any(
        np.array_equal(power(matrix, order // factor, gf.product), identity)
        for factor in prime_factors(order)
    )


@lru_cache(maxsize=8)
def _traces(q: int) -> NDArray[np.int64]:
    """T(g^l) for l = 0 .. q, g a generator of the elements of norm 1 of GF(q^2): `[q + 1]`.

    g is a root of X^2 - t X + 1, and T(g^l) = t T(g^(l-1)) - T(g^(l-2)). A root in GF(q) would
    have an order dividing q - 1 or 2p, so a companion matrix of order q + 1 is of such a g.
    """
    gf = field(q)
    one = np.int64(1)
    for t in range(q):
        matrix = np.array([[0, 1], [gf.negate(one), t]])
        if _order_is(gf, matrix, q + 1):
            break
    else:
        raise AssertionError("The elements of norm 1 are a cyclic group.")
    # Row l holds (T(g^l), T(g^(l+1))) as the first row times powers of the transpose.
    rows = row_orbit(np.array([gf.add(one, one), t]), matrix.T.copy(), q + 1, gf.product)
    values = rows[:, 0].copy()
    values.setflags(write=False)
    return values


def torus_turns(q: int, first: Indices, second: Indices) -> NDArray[np.int64]:
    """Tr(L_(a,b)) in [0, p) on the whole torus, a in `first` `[n]`, b in `second`: `[n, q + 1]`.

    They are additive in (a, b) modulo p.
    """
    gf = field(q)
    traces = _traces(q)
    left = gf.trace[gf.multiply(first[:, None], traces)]
    right = gf.trace[gf.multiply(second[:, None], np.roll(traces, -1))]
    return np.asarray((left + right) % gf.characteristic)


def additive(q: int) -> bool:
    """Whether the turns of (a, 0) and of (0, b) are the sums of those of the places."""
    return phases.additive(field(q), lambda a: torus_turns(q, a, np.zeros_like(a))) and (
        phases.additive(field(q), lambda b: torus_turns(q, np.zeros_like(b), b))
    )


def rotates(q: int) -> bool:
    """Whether x -> g x carries the functions L to themselves: c -> g c."""
    gf = field(q)
    none = np.zeros_like(gf.places)
    # g (a + b g) = -b + (a + t b) g.
    turned = gf.multiply(gf.places, _traces(q)[1])
    of_first = np.roll(torus_turns(q, gf.places, none), -1, axis=1)
    of_second = np.roll(torus_turns(q, none, gf.places), -1, axis=1)
    return np.array_equal(of_first, torus_turns(q, none, gf.places)) and np.array_equal(
        of_second, torus_turns(q, gf.negate(gf.places), turned)
    )


def _classes(q: int) -> tuple[Indices, Indices]:
    """Pairs (a, b) != 0, one of each class under the rotation, which keeps the norm N(a + b g).

    The a != 0 have all squares as norms, and the multiples of one a + g all others.
    """
    gf = field(q)
    units = gf.elements[1:]
    first, second = units, np.zeros_like(units)
    if q % 2:
        # N(a + g) = a^2 + a t + 1.
        norms = gf.add(gf.multiply(gf.elements, gf.add(gf.elements, _traces(q)[1])), 1)
        odd = int(gf.elements[gf.character[norms] == -1][0])
        first, second = np.append(first, gf.multiply(units, odd)), np.append(second, units)
    cross = gf.multiply(gf.multiply(first, second), _traces(q)[1])
    norms = gf.add(gf.add(gf.power(first, 2), cross), gf.power(second, 2))
    kept = np.unique(norms, return_index=True)[1]
    if len(kept) != q - 1 or not norms.all():
        raise AssertionError("Every non-zero element is a norm of these.")
    return first[kept], second[kept]


def largest_sum(turns: NDArray[np.int64], p: int) -> float:
    """The largest |sum over l of exp(2 pi i turns[l]/p) chi(g^l)| over rows and chi, in float64."""
    table = phases.roots_of_unity(p) @ np.array([1, 1j])
    return float(np.abs(np.fft.fft(table[turns])).max())


def largest_kloosterman(q: int) -> float:
    """The largest |sum of psi(L) chi| over all L != 0 and all chi, in float64. O(q^2 log q)."""
    first, second = _classes(q)
    step = max(1, _BLOCK // q)
    return max(
        largest_sum(
            torus_turns(q, first[start : start + step], second[start : start + step]),
            field(q).characteristic,
        )
        for start in range(0, len(first), step)
    )


def outcome(
    packing: Packing, size: int, largest: float, holds: bool, detail: str, *, every: bool
) -> OrbitCheck:
    """The check of sums of `size` values in float64, the `largest` among those of `every` class.

    Values are right to 4 units of 2^-53; their sums and transforms lose less than size + 4 log2
    size units more, each of them at most size.
    """
    error = size * (size + 4 * math.log2(size) + 8) * 2.0**-53
    above = Cosine.ratio(Fraction(largest + error) / size)
    below = Cosine.ratio(max(Fraction(largest) - Fraction(error), Fraction(0)) / size)
    return OrbitCheck(
        holds and below <= packing.coherence,
        packing.pairs,
        f"{detail}; the largest is {largest / size:.6g} of their {size} terms, in float64",
        whole=every and above <= packing.coherence,
    )


def fitting(limit: int, eps: Cosine) -> Iterator[tuple[int, int]]:
    """(q, m) for prime powers 3 <= q <= `limit`, m >= 1 the largest degree that may be used.

    That is the largest with 2 m sqrt(q)/(q + 1) <= `eps`, and below 1.
    """
    square = min(eps.square_bounds(1024)[0], Fraction(1))
    for q in prime_powers(limit):
        if q > 2:
            size = (q + 1) ** 2
            # At coherence 1 the root would be rational: 4 m^2 q = (q + 1)^2 has no solution, since
            # q and q + 1 have no common factor.
            most = math.isqrt(square.numerator * size // (4 * q * square.denominator))
            if most >= 1:
                yield q, most
