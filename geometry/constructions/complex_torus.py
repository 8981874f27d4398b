"""Multiplicative and additive characters on a torus of order q + 1: lines in R^(2(q + 1))."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.phases import realified
from geometry.constructions.torus import (
    additive,
    fitting,
    largest_kloosterman,
    largest_sum,
    outcome,
    rotates,
    torus_turns,
)
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["ComplexTorus"]

_SPOT_CHECKS = 64


@dataclass(frozen=True)
class ComplexTorus(Packing):
    """psi(L(x) + M(x^2) + ...) chi(x), all characters chi of the torus of order `q` + 1.

    Degrees 1 .. `degree` that p does not divide; each also times i, as real lines. Polynomials of
    degree 2 `degree` + 1 on GF(q) give nearly as many lines in R^(2q).
    """

    q: int
    degree: int = 1

    name: ClassVar[str] = "torus characters"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is a prime power >= 3 and the coherence below 1."""
        if self.q < 3 or prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power that is at least 3; got {self.q}.")
        if self.degree < 1 or 4 * self.degree**2 * self.q >= (self.q + 1) ** 2:
            raise ValueError(
                f"`degree` must be at least 1 and below {(self.q + 1) / (2 * self.q**0.5):.4g}; "
                f"got {self.degree}."
            )
        if self.degree % field(self.q).characteristic == 0:
            raise ValueError(
                f"`degree` must not be divisible by {field(self.q).characteristic}; got "
                f"{self.degree}."
            )

    @property
    def _degrees(self) -> list[int]:
        p = field(self.q).characteristic
        return [i for i in range(1, self.degree + 1) if i % p]

    @property
    def dim(self) -> int:
        """2(`q` + 1)."""
        return 2 * (self.q + 1)

    @property
    def count(self) -> int:
        """2 `q`^(2k) (`q` + 1), k the number of degrees."""
        return int(2 * self.q ** (2 * len(self._degrees)) * (self.q + 1))

    @property
    def coherence(self) -> Cosine:
        """2 `degree` sqrt(`q`)/(`q` + 1)."""
        return Cosine(Fraction(4 * self.degree**2 * self.q, (self.q + 1) ** 2))

    @property
    def exact(self) -> bool:
        """False: the theorem's bound."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """1/(`q` + 1)."""
        return Fraction(1, self.q + 1)

    @property
    def blocks(self) -> int:
        """`q` + 1 points."""
        return self.q + 1

    @property
    def tight(self) -> bool:
        """True: for each L the characters give an orthonormal basis."""
        return True

    @property
    def proof(self) -> str:
        """Weil's bound."""
        return (
            "Sums of psi(L(x) + M(x^2) + ...) chi(x) have modulus at most 2 m sqrt(q), m the "
            "degree: Weil's bound for two poles of order m (Weil 1948)."
        )

    def words(self) -> str:
        """The recipe in words."""
        degrees = f" of degree {self.degree}" if self.degree > 1 else ""
        return (
            f"additive characters of polynomials{degrees} on the elements of norm 1 of "
            f"GF({self.q**2}), times the {self.q + 1} characters of those, each as two real "
            "lines v, iv"
        )

    def _turns(self, labels: Indices) -> Indices:
        """Tr(L(g^l) + M(g^2l) + ...) modulo p; `labels` `[n, 2k]` hold a, b of each degree."""
        points = np.arange(self.q + 1)
        total = np.zeros((len(labels), self.q + 1), np.int64)
        for place, degree in enumerate(self._degrees):
            pair = labels[:, 2 * place : 2 * place + 2].T
            total += torus_turns(self.q, *pair)[:, degree * points % (self.q + 1)]
        return total % field(self.q).characteristic

    def rows(self, indices: Indices) -> Rows:
        """Line 2(j + (q + 1) c) + r: chi^j, coefficients the digits of c base q, i where r = 1."""
        rest, rotated = np.divmod(indices, 2)
        rest, powers = np.divmod(rest, self.q + 1)
        labels = np.empty((len(indices), 2 * len(self._degrees)), np.int64)
        for place in range(labels.shape[1]):
            rest, labels[:, place] = np.divmod(rest, self.q)
        p, size = field(self.q).characteristic, self.q + 1
        turns = size * self._turns(labels) + p * (powers[:, None] * np.arange(size) % size)
        return Rows.floating(realified(turns % (p * size), p * size, rotated))

    def orbit_check(self) -> OrbitCheck:
        """For degree 1 the rotation x -> g x leaves q - 1 differences: all sums in float64.

        For higher degrees there are too many, and some random ones are looked at.
        """
        size, every = self.q + 1, self._degrees == [1]
        holds = additive(self.q) and rotates(self.q)
        if every:
            largest = largest_kloosterman(self.q)
            detail = f"transforms for every class of differences under a torus of order {size}"
        else:
            shape = (_SPOT_CHECKS, 2 * len(self._degrees))
            labels = np.random.default_rng(0).integers(0, self.q, shape)
            labels = labels[labels.any(axis=1)]
            largest = largest_sum(self._turns(labels), field(self.q).characteristic)
            detail = f"transforms for {len(labels)} random differences on a torus of order {size}"
        return outcome(self, size, largest, holds, detail, every=every)

    def sparser(self) -> Self | None:
        """The next degree below that p does not divide."""
        less = self._degrees[:-1]
        return type(self)(self.q, less[-1]) if less else None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """For every q the largest degree that fits."""
        for q, most in fitting(max_dim // 2 - 1, eps):
            parts = prime_power(q)
            yield cls(q, most - (parts is not None and most % parts[0] == 0))

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Those of degree 1; for blow-ups others are too long."""
        for q in prime_powers(math.isqrt(max(most_lines, 0))):
            if q > 2 and 2 * q * q * (q + 1) <= most_lines:
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 4, 5 and 9."""
        return cls(4), cls(5), cls(9)
