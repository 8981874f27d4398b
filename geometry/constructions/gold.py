"""Gold's quadratic forms: 2^(2m) + 2^m lines in R^(2^m), m odd, at 2^(-(m-1)/2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from geometry.constructions.basis import rows_then_basis
from geometry.constructions.binary import Bits, largest_walsh, sign_rows
from geometry.constructions.field import field
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Gold", "gold_forms", "trace_forms"]


def trace_forms(degree: int, power: int, labels: Indices) -> Bits:
    """The bits Tr(c x^(2^`power` + 1)) for c in `labels` `[n]` and x over GF(2^`degree`).

    Shape `[n, 2^degree]`. They are additive in c, so sums of two forms are forms.
    """
    gf = field(1 << degree)
    # Traces by logarithm, one look-up an entry; logarithms of 0 lead to the zeros at the end.
    traces = gf.trace.astype(np.int8)[gf.exp]
    powers = gf.log[gf.power(gf.elements, (1 << power) + 1)]
    return np.asarray(traces[gf.log[labels][:, None] + powers])


def gold_forms(exponent: int, labels: Indices) -> Bits:
    """The bits Tr(c x^3) for c in `labels` `[n]` and x over GF(2^`exponent`): `[n, 2^exponent]`."""
    return trace_forms(exponent, 1, labels)


def _sums(generators: Bits) -> Bits:
    """The sums of all subsets of `generators` `[k, n]`, each in the row of its binary digits.

    Shape `[2^k, n]`.
    """
    total = np.zeros((1, generators.shape[1]), np.int8)
    for generator in generators:
        total = np.concatenate([total, total ^ generator])
    return total


@dataclass(frozen=True)
class Gold(Packing):
    """The rows (-1)^(Tr(c x^3) + b.x) over x in GF(2^`exponent`), and the basis."""

    exponent: int

    name: ClassVar[str] = "Gold"
    reference: ClassVar[str] = "Gold 1968"

    def __post_init__(self) -> None:
        """Raise ValueError unless `exponent` is odd and in [3, 21]."""
        if self.exponent % 2 == 0 or not 3 <= self.exponent <= 21:
            raise ValueError(f"`exponent` must be odd and lie in [3, 21]; got {self.exponent}.")

    @property
    def dim(self) -> int:
        """2^`exponent`."""
        return 1 << self.exponent

    @property
    def count(self) -> int:
        """2^(2 `exponent`) + 2^`exponent`."""
        return self.dim * (self.dim + 1)

    @property
    def coherence(self) -> Cosine:
        """2^((`exponent` + 1)/2)/2^`exponent`, that is sqrt(2/d)."""
        return Cosine(Fraction(2, self.dim))

    @property
    def tight(self) -> bool:
        """A union of orthonormal bases."""
        return True

    @property
    def proof(self) -> str:
        """Gold's theorem."""
        return (
            "For m odd and c != 0 the Walsh transform of Tr(c x^3) takes the values 0 and "
            "+-2^((m+1)/2) only (Gold 1968)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"Gold's {self.dim} quadratic forms Tr(c x^3) on GF(2^{self.exponent}), each with "
            f"{self.dim} linear functions, and the basis"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line c * d + b is the row of (c, b); the basis follows."""

        def signs(chosen: Indices) -> Bits:
            labels, linear = np.divmod(chosen, self.dim)
            return sign_rows(gold_forms(self.exponent, labels), linear)

        return rows_then_basis(indices, self.dim * self.dim, self.dim, signs)

    def orbit_check(self) -> OrbitCheck:
        """Adding a form to all forms keeps every difference, and scalings carry form 1 to all.

        x -> s x carries form c to form c s^3, and as m is odd, cubes are all of the field. That
        every form is the sum of its generators, the forms of c = 2^i, is checked, then the
        scaling by a primitive s on the generators; one Walsh transform is made. O(4^m).
        """
        gf = field(self.dim)
        places, cube = gf.places, gf.power(gf.exp[1], 3)
        generators = gold_forms(self.exponent, places)
        scaled = generators[:, gf.multiply(gf.exp[1], gf.elements)]
        sound = np.array_equal(scaled, gold_forms(self.exponent, gf.multiply(cube, places)))
        sound &= math.gcd(3, self.dim - 1) == 1
        low = _sums(generators[: self.exponent // 2])
        for block, high in enumerate(_sums(generators[self.exponent // 2 :])):
            labels = np.arange(len(low)) + len(low) * block
            sound &= np.array_equal(gold_forms(self.exponent, labels), low ^ high)
        largest = largest_walsh(gold_forms(self.exponent, np.array([1])))
        return OrbitCheck(
            sound and Cosine.ratio(Fraction(largest, self.dim)) == self.coherence,
            self.pairs,
            f"the Walsh transform of one form, of length {self.dim}, which stands for all "
            f"{self.dim - 1} non-zero forms under the scalings of GF({self.dim})",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every odd exponent that fits."""
        for exponent in range(3, min(max_dim.bit_length(), 22), 2):
            packing = cls(exponent)
            if packing.coherence <= eps:
                yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(3), cls(5), cls(7)
