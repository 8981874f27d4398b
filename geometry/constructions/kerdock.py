"""Kerdock sets: d(d/2 + 1) lines in R^d, d a power of 4, at 1/sqrt(d).

They are d/2 + 1 mutually unbiased bases, as many as R^d can hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from geometry.constructions.admissible import inverse_root
from geometry.constructions.basis import rows_then_basis
from geometry.constructions.binary import Bits, blocks, largest_walsh, sign_rows
from geometry.constructions.field import Field, field
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Kerdock", "kerdock_forms"]


@lru_cache(maxsize=8)
def _quadratic(gf: Field) -> Bits:
    """sum over i = 1 .. (n - 1)/2 of Tr(y^(2^i + 1)) at every y, `[2^n]`."""
    total = np.zeros(gf.order, np.int8)
    for i in range(1, (gf.degree - 1) // 2 + 1):
        total ^= gf.trace.astype(np.int8)[gf.power(gf.elements, (1 << i) + 1)]
    total.setflags(write=False)
    return total


def kerdock_forms(exponent: int, labels: Indices) -> Bits:
    """The bits of Q_a for a in `labels` `[k]` at all points: `[k, 2^exponent]`.

    With n = `exponent` - 1 odd, point x + 2^n e stands for x in GF(2^n) and a bit e, and
    Q_a(x, e) = sum over i = 1 .. (n - 1)/2 of Tr((ax)^(2^i + 1)), plus e Tr(ax).
    """
    gf = field(1 << (exponent - 1))
    scaled = gf.multiply(labels[:, None], gf.elements)
    quadratic = _quadratic(gf)[scaled]
    return np.concatenate([quadratic, quadratic ^ gf.trace.astype(np.int8)[scaled]], axis=1)


@dataclass(frozen=True)
class Kerdock(Packing):
    """The rows (-1)^(Q_a + w.x) of the Kerdock set in R^(2^`exponent`), and the basis.

    `bases` of the d/2 + 1 orthonormal bases where it is given, the coordinate axes among them: by
    themselves a part of the lines, but tight frames of a size to choose for blow-ups.
    """

    exponent: int
    bases: int | None = None

    name: ClassVar[str] = "Kerdock"
    reference: ClassVar[str] = "Kerdock 1972"

    def __post_init__(self) -> None:
        """Raise ValueError unless `exponent` is even and in [2, 22], and `bases` are there."""
        if self.exponent % 2 or not 2 <= self.exponent <= 22:
            raise ValueError(f"`exponent` must be even and lie in [2, 22]; got {self.exponent}.")
        most = self.dim // 2  # all of them are written as None
        if self.bases is not None and not 2 <= self.bases <= most:
            raise ValueError(f"`bases` must lie in [2, {most}]; got {self.bases}.")

    @property
    def _forms(self) -> int:
        """The number of quadratic forms."""
        return self.dim // 2 if self.bases is None else self.bases - 1

    @property
    def dim(self) -> int:
        """2^`exponent`."""
        return 1 << self.exponent

    @property
    def count(self) -> int:
        """d(d/2 + 1), or d times `bases`."""
        return self.dim * (self._forms + 1)

    @property
    def coherence(self) -> Cosine:
        """1/sqrt(d)."""
        return inverse_root(self.dim)

    @property
    def tight(self) -> bool:
        """A union of orthonormal bases."""
        return True

    @property
    def proof(self) -> str:
        """Differences of the forms are bent."""
        return (
            "The sum of two different forms of a Kerdock set is non-singular, so its Walsh "
            "transform is +-sqrt(d) everywhere (Kerdock 1972; Calderbank, Cameron, Kantor and "
            "Seidel 1997)."
        )

    def words(self) -> str:
        """The recipe in words."""
        the = f"the {self._forms}" if self.bases is None else f"{self._forms} of the"
        return (
            f"{the} quadratic forms of the Kerdock set on F_2^{self.exponent}, each "
            f"with {self.dim} linear functions, and the basis"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line a * d + w is the row of (a, w); the basis follows."""

        def signs(chosen: Indices) -> Bits:
            labels, linear = np.divmod(chosen, self.dim)
            return sign_rows(kerdock_forms(self.exponent, labels), linear)

        return rows_then_basis(indices, self.dim * self._forms, self.dim, signs)

    def orbit_check(self) -> OrbitCheck:
        """The scalings x -> s x carry Q_a to Q_sa, so pairs of forms reduce to (0, 1) and (1, a).

        That a generator of the scalings does so is checked on every form; then the Walsh
        transforms of all representatives are made. O(m 4^m). Some of the bases are part of all.
        """
        gf = field(self.dim // 2)
        generator = int(gf.exp[0 if gf.order == 2 else 1])
        # Coordinates after the scaling: x -> generator * x, e as it was.
        scaled = gf.multiply(generator, gf.elements)
        moved = np.concatenate([scaled, scaled + gf.order])
        one = kerdock_forms(self.exponent, np.array([1]))
        symmetric, largest = True, 0
        for labels in blocks(gf.elements, self.dim):
            bits = kerdock_forms(self.exponent, labels)
            image = kerdock_forms(self.exponent, gf.multiply(generator, labels))
            symmetric &= np.array_equal(bits[:, moved], image)
            largest = max(largest, largest_walsh((bits ^ one)[labels != 1]))
        pairs = gf.order * (gf.order - 1) // 2
        return OrbitCheck(
            symmetric and Cosine.ratio(Fraction(largest, self.dim)) == self.coherence,
            self.pairs,
            f"Walsh transforms of {gf.order - 1} sums of two forms, which stand for all {pairs} "
            f"under the scalings of GF({gf.order})",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every even exponent that fits."""
        for exponent in range(2, min(max_dim.bit_length(), 23), 2):
            packing = cls(exponent)
            if packing.coherence <= eps:
                yield packing

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(2), cls(4), cls(6)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Two bases and more of each, and all."""
        for exponent in range(2, most_lines.bit_length(), 2):
            most = cls(exponent).dim // 2
            for bases in [*range(2, most + 1), None]:
                packing = cls(exponent, bases)
                if packing.count <= most_lines:
                    yield packing
