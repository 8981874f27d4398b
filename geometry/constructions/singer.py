"""Singer's difference sets: q^2 + q + 1 complex lines in C^(q + 1), all pairs at sqrt(q)/(q + 1).

The multiplicative group of GF(q^3) modulo that of GF(q) is cyclic of order v = q^2 + q + 1; its
elements are the points of a projective plane, and the logarithms e of the q + 1 points of a line
are a difference set: every residue but 0 modulo v is a difference of two of them exactly once. The
line j has entries exp(2 pi i j e/v)/sqrt(q + 1).
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

from geometry.constructions.field import (
    Elements,
    Field,
    field,
    prime_factors,
    prime_power,
    prime_powers,
)
from geometry.constructions.matrix_powers import power, row_orbit
from geometry.constructions.phases import realified
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Singer", "difference_set"]

_LARGEST = 1 << 15  # products of two residues modulo v then fit into int64 with room to spare
_BLOCK = 1 << 20


def _is_scalar(matrix: Elements) -> bool:
    return np.array_equal(matrix, matrix[0, 0] * np.eye(3, dtype=np.int64))


def _singer_cycle(gf: Field) -> Elements:
    """A companion matrix over GF(q) whose powers are scalar at multiples of v only.

    Its v projectively different powers are all units, so it generates GF(q^3) over GF(q).
    """
    order = gf.order**2 + gf.order + 1
    parts = [order // factor for factor in prime_factors(order)]
    matrix = np.eye(3, k=1, dtype=np.int64)
    # A multiple of a generator that is off the line of trace 0 has trace 1, the last entry.
    for code in range(1, gf.order**2):
        matrix[2] = code % gf.order, code // gf.order, 1
        if (
            matrix[2, 0]
            and _is_scalar(power(matrix, order, gf.product))
            and not any(_is_scalar(power(matrix, part, gf.product)) for part in parts)
        ):
            return matrix
    raise AssertionError("Singer cycles exist in every projective plane over a finite field.")


def _points(gf: Field, rows: Elements) -> NDArray[np.int64]:
    """A code of the projective point of each row `[n, 3]`: its first non-zero entry becomes 1."""
    lead = rows[np.arange(len(rows)), (rows != 0).argmax(axis=1)]
    return gf.multiply(rows, gf.inverse(lead)[:, None]) @ gf.order ** np.arange(3)


@lru_cache(maxsize=8)
def difference_set(q: int) -> NDArray[np.int64]:
    """The logarithms modulo v of the points of a line, ascending: `[q + 1]`.

    By baby and giant steps for all points at once: O(q^(3/2)) operations on short vectors.
    """
    gf = field(q)
    order = q * q + q + 1
    cycle = _singer_cycle(gf)
    baby = math.isqrt(order * (q + 1)) + 1
    codes = _points(gf, row_orbit(np.array([1, 0, 0]), cycle, baby, gf.product))
    by_code = np.argsort(codes)
    ascending = codes[by_code]
    # The line of all (s, t, 0): the points (1, t, 0) and (0, 1, 0).
    line = np.zeros((q + 1, 3), np.int64)
    line[:q, 0], line[:q, 1], line[q, 1] = 1, np.arange(q), 1
    giant = power(cycle, baby, gf.product)
    found = np.full(q + 1, -1, np.int64)
    for steps in range(order // baby + 2):
        wanted = _points(gf, line)
        places = np.minimum(np.searchsorted(ascending, wanted), baby - 1)
        hit = ascending[places] == wanted
        found[hit] = (by_code[places[hit]] - steps * baby) % order
        line = gf.product(line, giant)
    if (found < 0).any():
        raise AssertionError("Every point is a power of the cycle.")
    found.sort()
    found.setflags(write=False)
    return found


@dataclass(frozen=True)
class Singer(Packing):
    """The harmonic frame of the difference set of order `q`, and i times each line, as real lines.

    A little less coherent than chirps need to be in the same dimension.
    """

    q: int

    name: ClassVar[str] = "Singer"
    reference: ClassVar[str] = "Singer 1938; Xia, Zhou and Giannakis 2005"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is a prime power, at most 2^15."""
        if self.q > _LARGEST or prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power in [2, {_LARGEST}]; got {self.q}.")

    @property
    def dim(self) -> int:
        """2(`q` + 1)."""
        return 2 * (self.q + 1)

    @property
    def count(self) -> int:
        """2(`q`^2 + `q` + 1)."""
        return 2 * self._order

    @property
    def _order(self) -> int:
        return self.q * self.q + self.q + 1

    @property
    def coherence(self) -> Cosine:
        """sqrt(`q`)/(`q` + 1)."""
        return Cosine(Fraction(self.q, (self.q + 1) ** 2))

    @property
    def exact(self) -> bool:
        """False: that is the modulus of the inner products, real parts may stay below."""
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
        """True: the entries are rows of the Fourier matrix of order v."""
        return True

    @property
    def proof(self) -> str:
        """Sums of a character over a difference set."""
        return (
            "Every residue but 0 is once a difference of elements of D, so a sum of a character "
            "over D has squared modulus (q + 1) - 1 = q (Singer 1938; Xia, Zhou and Giannakis "
            "2005)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self._order} characters of a cyclic group on the {self.q + 1} elements of a "
            "Singer difference set, each as two real lines v, iv"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line 2j + r is that of j, times i where r = 1."""
        labels, rotated = np.divmod(indices, 2)
        turns = labels[:, None] * difference_set(self.q) % self._order
        return Rows.floating(realified(turns, self._order, rotated))

    def orbit_check(self) -> OrbitCheck:
        """Products of a line with another's conjugate are lines, so the difference set decides.

        All q(q + 1) differences are made, O(q^2), and cover every residue but 0.
        """
        elements = difference_set(self.q)
        seen = np.zeros(self._order, bool)
        seen[0] = True
        step = max(1, _BLOCK // len(elements))
        for start in range(0, len(elements), step):
            differences = elements[start : start + step, None] - elements
            seen[differences % self._order] = True
        # As many differences of two elements as residues but 0, so that each comes once.
        holds = len(elements) == self.q + 1 and bool(seen.all())
        return OrbitCheck(
            holds,
            self.pairs,
            f"the {self.q * (self.q + 1)} differences of the difference set are all residues but "
            f"0 modulo {self._order}, so all its character sums have squared modulus {self.q}",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every one that fits."""
        square = eps.square_bounds(1024)[0]
        for q in prime_powers(min(max_dim // 2 - 1, _LARGEST)):
            if q <= square * (q + 1) ** 2:
                yield cls(q)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        for q in prime_powers(min(math.isqrt(max(most_lines, 0)), _LARGEST)):
            if 2 * (q * q + q + 1) <= most_lines:
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 4, 7 and 9."""
        return cls(4), cls(7), cls(9)
