"""Delsarte-Goethals sets of quadratic forms: sign rows in R^(2^m) at 2^(-delta).

Between the Kerdock set (m even) or Gold's forms (m odd) and all quadratic forms: each step down
in delta multiplies the lines by about d and doubles the coherence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.binary import Bits, blocks, largest_walsh, sign_rows
from geometry.constructions.field import field
from geometry.constructions.gold import trace_forms
from geometry.constructions.kerdock import kerdock_forms
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["DelsarteGoethals"]

Matrices = NDArray[np.int32]  # `[n, m]`: row i of an alternating form as bits

_LARGEST_EXPONENT = 22
_MOST_RANKS = 1 << 23  # ranks computed in a check: some seconds
_MOST_BITS = 1 << 28  # values of forms looked at in a check
_BLOCK = 1 << 16  # ranks computed at once
_SAMPLE = 16  # random sums of two forms in a check
_LABEL_BITS = 63


def _matrices(bits: Bits) -> Matrices:
    """The alternating forms f(x + y) + f(x) + f(y) of quadratic forms f, `bits` `[n, 2^m]`."""
    units = 1 << np.arange(bits.shape[1].bit_length() - 1)
    at_units = bits[:, units]
    sums = bits[:, units[:, None] ^ units] ^ at_units[:, :, None] ^ at_units[:, None, :]
    return np.asarray((sums.astype(np.int32) << np.arange(len(units), dtype=np.int32)).sum(axis=2))


def _rebuilt(matrices: Matrices, bits: Bits) -> Bits:
    """The quadratic forms with these alternating `matrices` and with the values of `bits` at 2^i.

    f(x + 2^i) = f(x) + f(2^i) + B(x, 2^i) for x below 2^i, and f(0) = 0.
    """
    forms = np.zeros((len(bits), 1), np.int8)
    for place in range(matrices.shape[1]):
        points = np.arange(1 << place, dtype=np.int32)
        crossed = np.bitwise_count(matrices[:, place, None] & points).astype(np.int8) & 1
        upper = forms ^ bits[:, 1 << place, None] ^ crossed
        forms = np.concatenate([forms, upper], axis=1)
    return forms


def _ranks(matrices: Matrices) -> NDArray[np.int32]:
    """The ranks over F_2 of matrices given by their rows as bits: `[n]`. O(n m^2)."""
    rows = list(matrices.T.copy())
    ranks = np.zeros(len(matrices), np.int32)
    for i, row in enumerate(rows):
        lowest = row & -row
        ranks += row != 0
        for later in range(i + 1, len(rows)):
            rows[later] ^= np.where(rows[later] & lowest, row, np.int32(0))
    return ranks


def _least_rank(base: Matrices, tables: list[Matrices]) -> tuple[int, int]:
    """The least rank of a matrix of `base` plus one of each table, and the number of such sums."""
    sizes = [len(base), *(len(table) for table in tables)]
    number, least = math.prod(sizes), base.shape[1]
    for start in range(0, number, _BLOCK):
        rest = np.arange(start, min(start + _BLOCK, number))
        total = np.zeros((len(rest), base.shape[1]), np.int32)
        for table, size in zip([base, *tables], sizes, strict=True):
            rest, label = np.divmod(rest, size)
            total ^= table[label]
        least = min(least, int(_ranks(total).min()))
    return least, number


@dataclass(frozen=True)
class DelsarteGoethals(Packing):
    """The rows (-1)^(f + w.x) in R^(2^m), m = `exponent`, for f in a set of quadratic forms.

    m even, x in GF(2^(m - 1)) and a bit e: the Kerdock forms Q_a(x, e) plus the sum over
    j = 1 .. r of Tr(c_j x^(2^j + 1)), r = m/2 - `delta` >= 0. m odd, x in GF(2^m): that sum alone,
    r = (m + 1)/2 - `delta` >= 1. `delta` = 1 gives all quadratic forms. With r = 0, or with r = 1
    and m odd, these are the families Kerdock and Gold without the basis; they stay because moves
    start from rows of signs.
    """

    exponent: int
    delta: int

    name: ClassVar[str] = "Delsarte-Goethals"
    reference: ClassVar[str] = "Delsarte and Goethals 1975"

    def __post_init__(self) -> None:
        """Raise ValueError unless 2 <= `exponent` <= 22 and `delta` lies in [1, `exponent`/2]."""
        if not 2 <= self.exponent <= _LARGEST_EXPONENT:
            raise ValueError(
                f"`exponent` must lie in [2, {_LARGEST_EXPONENT}]; got {self.exponent}."
            )
        most = self.exponent // 2
        if not 1 <= self.delta <= most:
            raise ValueError(f"`delta` must lie in [1, {most}]; got {self.delta}.")

    @property
    def dim(self) -> int:
        """2^`exponent`."""
        return 1 << self.exponent

    @property
    def _even(self) -> bool:
        return self.exponent % 2 == 0

    @property
    def _degree(self) -> int:
        """Of the field that the labels a and c_j lie in."""
        return self.exponent - 1 if self._even else self.exponent

    @property
    def _traces(self) -> int:
        """The number r of traces."""
        return (self.exponent + 1) // 2 - self.delta

    @property
    def _label_bits(self) -> int:
        return self._degree * (self._traces + self._even)

    @property
    def count(self) -> int:
        """2^(m + (m - 1)(r + 1)) for m even, 2^(m + m r) for m odd."""
        return 1 << (self.exponent + self._label_bits)

    @property
    def coherence(self) -> Cosine:
        """2^-`delta`."""
        return Cosine.ratio(Fraction(1, 1 << self.delta))

    @property
    def peak_square(self) -> Fraction:
        """1/d."""
        return Fraction(1, self.dim)

    @property
    def blocks(self) -> int:
        """Every coordinate by itself."""
        return self.dim

    @property
    def tight(self) -> bool:
        """The rows of one form are an orthogonal basis."""
        return True

    @property
    def proof(self) -> str:
        """Differences of the forms have a large rank."""
        return (
            f"The sum of two different forms of a Delsarte-Goethals set has rank at least "
            f"{2 * self.delta}, and some have that rank: its Walsh transform is at most "
            f"2^{self.exponent - self.delta} (Delsarte and Goethals 1975)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the 2^{self._label_bits} quadratic forms of the Delsarte-Goethals set on "
            f"F_2^{self.exponent} with sums of rank at least {2 * self.delta}, each with "
            f"{self.dim} linear functions"
        )

    def _part(self, part: int, labels: Indices) -> Bits:
        """The forms of one part for its `labels` `[n]`: 0 the Kerdock set, j the j-th trace."""
        if part == 0:
            return kerdock_forms(self.exponent, labels)
        bits = trace_forms(self._degree, part, labels)
        return np.tile(bits, 2) if self._even else bits

    @property
    def _parts(self) -> range:
        return range(0 if self._even else 1, self._traces + 1)

    def _forms(self, labels: Indices) -> Bits:
        """The forms whose labels (a and) c_1, c_2, ... are the digits of `labels`, lowest first."""
        bits = np.zeros((len(labels), self.dim), np.int8)
        for place, part in enumerate(self._parts):
            shift = place * self._degree
            if shift < _LABEL_BITS:  # beyond, an index below 2^63 has zeros, and c_j = 0 adds none
                bits ^= self._part(part, labels >> shift & ((1 << self._degree) - 1))
        return bits

    def rows(self, indices: Indices) -> Rows:
        """Line f * d + w is the row of the form with label f and of w."""
        labels, linear = np.divmod(indices, self.dim)
        return Rows(
            sign_rows(self._forms(labels), linear), np.full(len(indices), self.dim, np.int64)
        )

    def _table(self, part: int) -> tuple[Matrices, bool]:
        """The matrices of all forms of a part, and whether these are what they should be.

        Each form is quadratic, a generator s of the field's scalings carries the form labelled c
        to the one labelled c s^(2^j + 1) (for the Kerdock set, a to as), every label but 0 is
        reached from 1, and the matrices of traces are additive in c. O(4^m).
        """
        gf = field(1 << self._degree)
        generator = gf.exp[0 if gf.order == 2 else 1]
        moved = gf.multiply(generator, gf.elements)
        if self._even:
            moved = np.concatenate([moved, moved + gf.order])
        power = (1 << part) + 1 if part else 1
        factor = gf.power(generator, power)
        sound = math.gcd(power, gf.order - 1) == 1
        found = []
        for labels in blocks(gf.elements, self.dim):
            bits = self._part(part, labels)
            found.append(_matrices(bits))
            sound &= np.array_equal(_rebuilt(found[-1], bits), bits)
            image = self._part(part, gf.multiply(factor, labels))
            sound &= np.array_equal(bits[:, moved], image)
        table = np.concatenate(found)
        if part:
            sound &= all(
                np.array_equal(table ^ table[place], table[gf.elements ^ place])
                for place in gf.places
            )
        return table, sound

    def _sampled(self) -> tuple[bool, int]:
        """Whether sums of two random forms are as they should be, and the number of sums."""
        generator = np.random.default_rng(self.exponent)
        top = 1 << min(self._label_bits, _LABEL_BITS)
        largest, number = 0, 0
        for labels in blocks(generator.integers(0, top, _SAMPLE), self.dim):
            others = generator.integers(0, top, len(labels))
            sums = (self._forms(labels) ^ self._forms(others))[labels != others]
            largest, number = max(largest, largest_walsh(sums)), number + len(sums)
        return largest <= self.dim >> self.delta, number

    def orbit_check(self) -> OrbitCheck:
        """Scalings reduce sums of two forms to those with first label 1, whose ranks are computed.

        A quadratic form of rank 2h has Walsh transform 0 or +-2^(m - h), and attains the latter.
        Two forms of which the last traces agree have a sum in a smaller Delsarte-Goethals set:
        ranks are computed for the largest such set with at most 2^23 sums. Where it is not the
        whole one, the other pairs rest on the theorem and on random sums of two forms; so do all
        where the values of the forms are too many to look at.
        """
        m, n = self.exponent, self._degree
        sampled, number = self._sampled()
        traces, sums = self._traces, self._label_bits - (0 if self._even else n)
        while 1 << sums > _MOST_RANKS:
            traces, sums = traces - 1, sums - n
        parts = [part for part in self._parts if part <= traces]
        if len(parts) << (n + m) > _MOST_BITS:
            detail = f"Walsh transforms of {number} random sums of two forms"
            return OrbitCheck(sampled, number * self.dim**2, detail, whole=False)
        tables, sound = [], sampled
        for part in parts:
            table, as_said = self._table(part)
            tables.append(table)
            sound &= as_said
        # The first label to differ is 1 after a scaling; for Kerdock's part the other may be any.
        first = [tables[0][1] ^ np.delete(tables[0], 1, axis=0)] if self._even else []
        first += [table[[1]] for table in tables[self._even :]]
        ranks = [_least_rank(base, tables[place + 1 :]) for place, base in enumerate(first)]
        least, checked = min(rank for rank, _ in ranks), sum(number for _, number in ranks)
        whole = traces == self._traces
        near = self.dim << n * len(parts)
        detail = (
            f"ranks of {checked} sums of two forms, which stand for all "
            f"{'' if whole else f'without c_j for j > {traces} '}under the scalings of GF(2^{n})"
            f"{'' if whole else f'; Walsh transforms of {number} random ones'}"
        )
        return OrbitCheck(
            sound and least == 2 * ((m + 1) // 2 - traces),
            self.count * (near - 1) // 2,
            detail,
            whole,
        )

    @classmethod
    def _members(cls, most_exponent: int) -> Iterator[Self]:
        for exponent in range(2, min(most_exponent, _LARGEST_EXPONENT) + 1):
            for delta in range(1, exponent // 2 + 1):
                yield cls(exponent, delta)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All that fit."""
        for packing in cls._members(max_dim.bit_length() - 1):
            if packing.coherence <= eps:
                yield packing

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All."""
        for packing in cls._members(most_lines.bit_length() // 2 + 1):
            if packing.count <= most_lines:
                yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A Kerdock set, Gold's forms, and all quadratic forms in four variables."""
        return cls(6, 3), cls(5, 2), cls(4, 1)
