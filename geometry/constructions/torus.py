"""The two tori over GF(q), and exponential sums on them.

A torus is a cyclic group of order n = q - 1, GF(q)* (`split`), or n = q + 1, the elements of norm
1 of GF(q^2). With g its generator, psi(y) = exp(2 pi i Tr(y)/p), and

    L_(a,b)(g^l) = a g^l + b g^-l  (split),    T(c g^l), c = a + b g, T the trace to GF(q)  (not),

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

from geometry.constructions.field import Field, field, prime_power, prime_powers
from geometry.constructions.phases import roots_of_unity
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

Pairs = NDArray[np.int64]


def _times(gf: Field, rows: Pairs, matrix: Pairs) -> Pairs:
    """The product of `rows` `[n, 2]` and `matrix` `[2, 2]` over GF(q)."""
    terms = gf.multiply(rows[:, :, None], matrix)
    return gf.add(terms[:, 0], terms[:, 1])


def _order_is(gf: Field, matrix: Pairs, order: int) -> bool:
    """Whether the matrix has this multiplicative order."""

    def power(exponent: int) -> Pairs:
        result, step = np.eye(2, dtype=np.int64), matrix
        while exponent:
            if exponent & 1:
                result = _times(gf, result, step)
            step = _times(gf, step, step)
            exponent >>= 1
        return result

    identity = np.eye(2, dtype=np.int64)
    divisors = [f for f in range(2, order + 1) if order % f == 0 and prime_power(f) == (f, 1)]
    return np.array_equal(power(order), identity) and not any(
        np.array_equal(power(order // f), identity) for f in divisors
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
    rows = np.zeros((q + 1, 2), np.int64)
    rows[0] = gf.add(one, one), t
    done, step = 1, matrix.T.copy()
    while done <= q:
        more = min(done, q + 1 - done)
        rows[done : done + more] = _times(gf, rows[:more], step)
        step = _times(gf, step, step)
        done += more
    values = rows[:, 0].copy()
    values.setflags(write=False)
    return values


def torus_turns(q: int, split: bool, first: Indices, second: Indices) -> NDArray[np.int64]:
    """Tr(L_(a,b)) in [0, p) on the whole torus, a in `first` `[n]`, b in `second`: `[n, q -+ 1]`.

    They are additive in (a, b) modulo p.
    """
    gf = field(q)
    if split:
        ups = gf.exp[: q - 1].astype(np.int64)
        downs = gf.exp[np.arange(q - 1, 0, -1)].astype(np.int64)
    else:
        ups = _traces(q)
        downs = np.roll(ups, -1)
    left, right = gf.multiply(first[:, None], ups), gf.multiply(second[:, None], downs)
    return np.asarray((gf.trace[left] + gf.trace[right]) % gf.characteristic)


def additive(q: int, split: bool) -> bool:
    """Whether the turns of (a, 0) and of (0, b) are the sums of those of the places."""
    gf = field(q)
    none = np.zeros_like(gf.places)
    generators = torus_turns(q, split, gf.places, none), torus_turns(q, split, none, gf.places)
    step = max(1, _BLOCK // q)
    for start in range(0, q, step):
        labels = gf.elements[start : start + step]
        digits = (labels[:, None] // gf.places % gf.characteristic).astype(np.float64)
        zeros = np.zeros(len(labels), np.int64)
        made = torus_turns(q, split, labels, zeros), torus_turns(q, split, zeros, labels)
        for turns, places in zip(made, generators, strict=True):
            # Sums of at most 22 products below 2^44: exact in float64.
            sums = (digits @ places.astype(np.float64)).astype(np.int64)
            if not np.array_equal(turns, sums % gf.characteristic):
                return False
    return True


def rotates(q: int, split: bool) -> bool:
    """Whether x -> g x carries the family to itself: (a, b) -> (g a, b/g), or c -> g c."""
    gf = field(q)
    none = np.zeros_like(gf.places)
    moved = [
        np.roll(torus_turns(q, split, gf.places, none), -1, axis=1),
        np.roll(torus_turns(q, split, none, gf.places), -1, axis=1),
    ]
    if split:
        generator = gf.exp[1]
        images = [
            torus_turns(q, split, gf.multiply(gf.places, generator), none),
            torus_turns(q, split, none, gf.multiply(gf.places, gf.inverse(generator))),
        ]
    else:  # g (a + b g) = -b + (a + t b) g
        turned = gf.multiply(gf.places, _traces(q)[1])
        images = [
            torus_turns(q, split, none, gf.places),
            torus_turns(q, split, gf.negate(gf.places), turned),
        ]
    return all(np.array_equal(a, b) for a, b in zip(moved, images, strict=True))


def _classes(q: int, split: bool) -> tuple[Indices, Indices]:
    """Pairs (a, b) != 0, one at least of each class under the rotation.

    Split: the product ab is kept, so (1, b), and (0, 1). Else the norm N(a + b g) is kept: the
    a != 0 have all squares as norms, and the multiples of one a + g all others.
    """
    gf = field(q)
    if split:
        return np.append(np.ones(q, np.int64), 0), np.append(gf.elements, 1)
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


def largest_sum(turns: NDArray[np.int64], p: int, twists: int) -> float:
    """The largest |sum over l of exp(2 pi i turns[l]/p) chi(g^l)| over the rows, in float64.

    chi runs over the characters of the torus whose `twists`-th power is trivial.
    """
    table = roots_of_unity(p) @ np.array([1, 1j])
    # A character of order dividing `twists` depends on l modulo `twists` only.
    folded = table[turns].reshape(len(turns), -1, twists).sum(axis=1)
    return float(np.abs(np.fft.fft(folded)).max())


def largest_kloosterman(q: int, split: bool, twists: int) -> float:
    """The largest |sum of psi(L) chi| over all L != 0 and those chi, in float64. O(q^2 log q)."""
    first, second = _classes(q, split)
    step = max(1, _BLOCK // q)
    return max(
        largest_sum(
            torus_turns(q, split, first[start : start + step], second[start : start + step]),
            field(q).characteristic,
            twists,
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
        packing.count * (packing.count - 1) // 2,
        f"{detail}; the largest is {largest / size:.6g} of their {size} terms, in float64",
        whole=every and above <= packing.coherence,
    )


def fitting(limit: int, eps: Cosine, offset: int) -> Iterator[tuple[int, int]]:
    """(q, m) for prime powers 3 <= q <= `limit`, m >= 1 the largest degree that may be used.

    That is the largest with 2 m sqrt(q)/(q + `offset`) <= `eps`, and below 1.
    """
    square = min(eps.square_bounds(1024)[0], Fraction(1))
    for q in prime_powers(limit):
        if q > 2:
            size = (q + offset) ** 2
            most = math.isqrt(square.numerator * size // (4 * q * square.denominator))
            if 4 * most * most * q == size:  # a coherence of 1
                most -= 1
            if most >= 1:
                yield q, most
