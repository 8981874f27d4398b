"""Finite fields GF(p^n), vectorised over integer codes.

An element is an integer in [0, q): its base-p digits are the coefficients of a polynomial in the
field's generator, lowest power first. The modulus is the first primitive polynomial in the order
of its own code, so the same q always gives the same field. Prime fields use plain arithmetic
mod p; no q x q table is ever made.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache, reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry.constructions.matrix_powers import modular, power, row_orbit

__all__ = [
    "Elements",
    "Field",
    "field",
    "is_prime",
    "prime_factors",
    "prime_power",
    "prime_powers",
]

_LARGEST_FIELD = 1 << 22
_LARGEST_TESTED = 1 << 40

Elements = NDArray[np.int64]


@lru_cache(maxsize=8)
def _primes(limit: int) -> NDArray[np.int64]:
    """The primes <= `limit`, ascending, by the sieve of Eratosthenes."""
    flags = np.ones(max(limit + 1, 2), bool)
    flags[:2] = False
    for step in range(2, math.isqrt(max(limit, 0)) + 1):
        if flags[step]:
            flags[step * step :: step] = False
    return np.flatnonzero(flags[: limit + 1])


@lru_cache(maxsize=16)
def prime_powers(limit: int) -> tuple[int, ...]:
    """The prime powers q with 2 <= q <= `limit`, ascending. O(limit log log limit)."""
    primes = _primes(limit)
    found = [primes]
    power, bases = primes, primes
    while len(power):
        keep = power <= limit // bases
        power, bases = power[keep] * bases[keep], bases[keep]
        found.append(power)
    return tuple(np.sort(np.concatenate(found)).tolist())


@lru_cache(maxsize=4096)
def prime_power(q: int) -> tuple[int, int] | None:
    """(p, n) with p prime and q = p^n, or None when q is no prime power. At most O(sqrt q).

    Raises ValueError above 2^40.
    """
    if q > _LARGEST_TESTED:
        raise ValueError(f"`q` must be at most 2^40; got {q}.")
    if q < 2:
        return None
    # Squares are found first, so that no trial division runs over a square's whole root.
    root = math.isqrt(q)
    if root * root == q:
        inner = prime_power(root)
        return None if inner is None else (inner[0], 2 * inner[1])
    # A fixed limit for all small q, so that the sieve is run once.
    primes = _primes(max(1024, root) if root <= 1024 else 1 << root.bit_length())
    divisors = primes[(primes <= root) & (q % primes == 0)]
    if not len(divisors):
        return q, 1
    prime, rest, degree = int(divisors[0]), q, 0
    while rest % prime == 0:
        rest //= prime
        degree += 1
    return (prime, degree) if rest == 1 else None


def is_prime(number: int) -> bool:
    """Whether `number` is a prime; cost and errors as `prime_power`."""
    return prime_power(number) == (number, 1)


def prime_factors(number: int) -> list[int]:
    """The different primes that divide `number` >= 1, ascending. O(sqrt `number`)."""
    factors, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            factors.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return factors + ([number] if number > 1 else [])


class Field:
    """GF(`order`), `order` = `characteristic`^`degree`; use `field(order)`, which is cached.

    Every operation takes integer arrays (or integers) with entries in [0, order), broadcasts
    them, and returns int64 codes. Tables are O(order) and made when first used.
    """

    def __init__(self, order: int) -> None:
        parts = prime_power(order) if order <= _LARGEST_FIELD else None
        if parts is None:
            raise ValueError(f"`order` must be a prime power in [2, 2^22]; got {order}.")
        self.order = order
        self.characteristic, self.degree = parts

    @property
    def elements(self) -> Elements:
        """All codes 0 .. order - 1."""
        return np.arange(self.order)

    @cached_property
    def places(self) -> Elements:
        """The place values p^i of the digits, `[degree]`; they generate the additive group."""
        return np.array([self.characteristic**i for i in range(self.degree)])

    @cached_property
    def companion(self) -> Elements:
        """Multiplication by the generator on rows of digits, `[degree, degree]`.

        The last row holds the digits of generator^degree. A matrix of order exactly q - 1 has
        q - 1 different powers, all units, so the ring is a field and its generator primitive.
        """
        group = self.order - 1
        parts = [group // factor for factor in prime_factors(group)]
        product = modular(self.characteristic)
        identity = np.eye(self.degree, dtype=np.int64)
        shift = np.eye(self.degree, k=1, dtype=np.int64)
        for code in range(1, self.order):
            shift[-1] = code // self.places % self.characteristic
            if np.array_equal(power(shift, group, product), identity) and not any(
                np.array_equal(power(shift, part, product), identity) for part in parts
            ):
                return shift
        raise AssertionError("Every finite field has a primitive element.")

    @cached_property
    def exp(self) -> NDArray[np.int32]:
        """exp[i] = generator^i for i < 2(q - 1), and 0 up to 4(q - 1), where log 0 leads."""
        group = self.order - 1
        one = np.eye(1, self.degree, dtype=np.int64)[0]
        digits = row_orbit(one, self.companion, group, modular(self.characteristic))
        table = np.zeros(4 * group + 1, np.int32)
        table[:group] = table[group : 2 * group] = digits @ self.places
        table.setflags(write=False)
        return table

    @cached_property
    def log(self) -> NDArray[np.int32]:
        """log[generator^i] = i for i < q - 1; log[0] = 2(q - 1), past every sum of two others."""
        group = self.order - 1
        table = np.full(self.order, 2 * group, np.int32)
        table[self.exp[:group]] = np.arange(group, dtype=np.int32)
        table.setflags(write=False)
        return table

    def _digitwise(self, a: ArrayLike, b: ArrayLike, sign: int) -> Elements:
        left, right = np.asarray(a, np.int64), np.asarray(b, np.int64)
        if self.degree == 1:
            return np.asarray((left + sign * right) % self.characteristic)
        if self.characteristic == 2:
            return np.asarray(left ^ right)
        total = np.zeros(np.broadcast_shapes(left.shape, right.shape), np.int64)
        for place in self.places:
            total += (left // place + sign * (right // place)) % self.characteristic * place
        return total

    def add(self, a: ArrayLike, b: ArrayLike) -> Elements:
        """a + b."""
        return self._digitwise(a, b, 1)

    def subtract(self, a: ArrayLike, b: ArrayLike) -> Elements:
        """a - b."""
        return self._digitwise(a, b, -1)

    def negate(self, a: ArrayLike) -> Elements:
        """-a."""
        return self._digitwise(0, a, -1)

    def multiply(self, a: ArrayLike, b: ArrayLike) -> Elements:
        """a * b."""
        left, right = np.asarray(a, np.int64), np.asarray(b, np.int64)
        if self.degree == 1:
            return np.asarray(left * right % self.characteristic)
        return np.asarray(self.exp[self.log[left] + self.log[right]], np.int64)

    def product(self, rows: Elements, matrix: Elements) -> Elements:
        """The matrix product of `rows` `[n, k]` and `matrix` `[k, m]`."""
        terms = self.multiply(rows[:, :, None], matrix)
        return reduce(self.add, np.moveaxis(terms, 1, 0))

    def inverse(self, a: ArrayLike) -> Elements:
        """1 / a. Raises ZeroDivisionError when an entry is 0."""
        codes = np.asarray(a, np.int64)
        if not codes.all():
            raise ZeroDivisionError("0 has no inverse.")
        return np.asarray(self.exp[self.order - 1 - self.log[codes]], np.int64)

    def power(self, a: ArrayLike, exponent: int) -> Elements:
        """a^exponent for `exponent` >= 0, with 0^0 = 1; ValueError for a negative one."""
        codes = np.asarray(a, np.int64)
        if exponent < 0:
            raise ValueError(f"`exponent` must be at least 0; got {exponent}.")
        group = self.order - 1
        powers = self.exp[self.log[codes].astype(np.int64) * (exponent % group) % group]
        return np.where((codes == 0) & (exponent > 0), 0, powers).astype(np.int64)

    @cached_property
    def trace(self) -> NDArray[np.int64]:
        """The absolute trace of every element, `[order]`, values in [0, characteristic).

        It is linear in the digits; the trace of generator^i is that of the i-th companion power.
        """
        of_places = [
            int(np.trace(power(self.companion, i, modular(self.characteristic))))
            for i in range(self.degree)
        ]
        total = np.zeros(self.order, np.int64)
        for place, value in zip(self.places, of_places, strict=True):
            total += self.elements // place % self.characteristic * value
        return np.asarray(total % self.characteristic)

    @cached_property
    def character(self) -> NDArray[np.int8]:
        """The quadratic character of every element, `[order]`: 0 at 0, 1 on squares, else -1.

        Raises ValueError in characteristic 2, where every element is a square.
        """
        if self.characteristic == 2:
            raise ValueError(f"`order` must be odd for a quadratic character; got {self.order}.")
        table = (1 - 2 * (self.log & 1)).astype(np.int8)
        table[0] = 0
        return table


@lru_cache(maxsize=32)
def field(order: int) -> Field:
    """GF(`order`). Raises ValueError unless `order` is a prime power in [2, 2^22]."""
    return Field(order)
