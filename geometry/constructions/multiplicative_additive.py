"""Products of a multiplicative and an additive character of GF(q): real lines in R^(2(q - 1)).

On GF(q)* the complex lines chi^j(x) psi(a x) have inner products that are Gauss sums: chi is a
multiplicative character of order q - 1, psi(y) = exp(2 pi i Tr(y)/p), p the characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.binary import blocks
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.phases import additive, realified, square_of_sum
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["MultiplicativeAdditive", "additive_turns", "multiplicative_turns"]


def multiplicative_turns(q: int, powers: Indices) -> NDArray[np.int64]:
    """j l modulo q - 1 for j in `powers` `[n]` and l = 0 .. q - 2: `[n, q - 1]`.

    chi^j is exp(2 pi i j l/(q - 1)) at the power l of the field's generator.
    """
    return np.asarray(powers[:, None] * np.arange(q - 1) % (q - 1))


def additive_turns(q: int, labels: Indices) -> NDArray[np.int64]:
    """Tr(a x) in [0, p) for a in `labels` `[n]`, x the powers 0 .. q - 2 of the generator."""
    gf = field(q)
    traces = gf.trace[gf.exp]  # zeros where a logarithm of 0 leads
    return np.asarray(traces[gf.log[labels][:, None] + np.arange(q - 1)])


def _shifts_right(q: int) -> bool:
    """Whether x -> g x, a cyclic shift of the points, carries the family to itself.

    psi(a x) must become psi(g a x), chi change by a constant factor, and a -> Tr(a x) be additive:
    all checked on the turns.
    """
    gf = field(q)
    places = gf.places
    generator = int(gf.exp[1])
    base = additive_turns(q, places)
    holds = np.array_equal(
        np.roll(base, -1, axis=1), additive_turns(q, gf.multiply(places, generator))
    )
    powers = multiplicative_turns(q, np.arange(2))
    holds &= np.array_equal((powers + np.arange(2)[:, None]) % (q - 1), np.roll(powers, -1, axis=1))
    for multiples in blocks(np.arange(q - 1), q):
        holds &= np.array_equal(
            multiplicative_turns(q, multiples), multiples[:, None] * powers[1] % (q - 1)
        )
    holds &= additive(gf, lambda labels: additive_turns(q, labels))
    return bool(holds)


@dataclass(frozen=True)
class MultiplicativeAdditive(Packing):
    """The lines chi^j(x) psi(a x) on GF(`q`)* for all j and a, and i times each, as real lines."""

    q: int

    name: ClassVar[str] = "multiplicative-additive"
    reference: ClassVar[str] = "Gauss sums: Lidl and Niederreiter 1997"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is a prime power >= 3."""
        if self.q < 3 or prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power that is at least 3; got {self.q}.")

    @property
    def dim(self) -> int:
        """2(`q` - 1)."""
        return 2 * (self.q - 1)

    @property
    def count(self) -> int:
        """2 `q` (`q` - 1)."""
        return 2 * self.q * (self.q - 1)

    @property
    def coherence(self) -> Cosine:
        """sqrt(`q`)/(`q` - 1)."""
        return Cosine(Fraction(self.q, (self.q - 1) ** 2))

    @property
    def exact(self) -> bool:
        """Whether some Gauss sum is known to be real or imaginary.

        For odd q that of the quadratic character is; for q = 4^k those of the characters whose
        orders divide 2^k + 1 are, by Stickelberger's theorem.
        """
        parts = prime_power(self.q)
        return self.q % 2 == 1 or (parts is not None and parts[1] % 2 == 0)

    @property
    def peak_square(self) -> Fraction:
        """1/(`q` - 1)."""
        return Fraction(1, self.q - 1)

    @property
    def blocks(self) -> int:
        """`q` - 1 points."""
        return self.q - 1

    @property
    def tight(self) -> bool:
        """True: for each a the characters chi^j give an orthonormal basis."""
        return True

    @property
    def proof(self) -> str:
        """Gauss sums."""
        return (
            "Sums of chi^j(x) psi(a x) over GF(q)* are Gauss sums of modulus sqrt(q), or -1 for "
            "j = 0, or 0 for a = 0 (Lidl and Niederreiter 1997, theorem 5.11)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.q * (self.q - 1)} products of a multiplicative and an additive character "
            f"of GF({self.q}), each as two real lines v, iv"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line 2(j q + a) + r is that of (j, a), times i where r = 1."""
        labels, rotated = np.divmod(indices, 2)
        powers, labels = np.divmod(labels, self.q)
        p = field(self.q).characteristic
        order = p * (self.q - 1)
        turns = p * multiplicative_turns(self.q, powers)
        turns += (self.q - 1) * additive_turns(self.q, labels)
        return Rows.floating(realified(turns % order, order, rotated))

    def orbit_check(self) -> OrbitCheck:
        """The cyclic shift of GF(q)* leaves one sum to look at. O(q^2).

        Differences of lines are lines (j, a). For a = 0 the sum of chi^j vanishes, as l -> j l is
        linear. For a != 0 the shift leads to a = 1: the sum of psi(x) must be -1. Then
        |sum of chi^j psi|^2 = sum over u of chi^j(u) (sum over y of psi((u - 1) y)) is
        (q - 1) - (sum of chi^j over u != 1) = q for j != 0.
        """
        gf = field(self.q)
        counts = np.bincount(additive_turns(self.q, np.ones(1, np.int64))[0])
        # With the point x = 0 the counts must be all the same, that is S + 1 = 0.
        whole = counts + (np.arange(len(counts)) == 0)
        holds = len(counts) == gf.characteristic and square_of_sum(whole) == 0
        first = multiplicative_turns(self.q, np.ones(1, np.int64))[0]
        holds &= np.array_equal(first, np.arange(self.q - 1))
        return OrbitCheck(
            holds and _shifts_right(self.q),
            self.pairs,
            f"differences of the lines are lines, and up to the cyclic shift of GF({self.q})* "
            "they are chi^j, psi and chi^j psi, whose sums are 0, -1 and of squared modulus "
            f"{self.q}",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every one that fits."""
        square = eps.square_bounds(1024)[0]
        for q in prime_powers(max_dim // 2 + 1):
            if q > 2 and q <= square * (q - 1) ** 2:
                yield cls(q)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        for q in prime_powers(most_lines):
            if 2 * q * (q - 1) > most_lines:
                return
            if q > 2:
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 7, 9 and 16."""
        return cls(7), cls(9), cls(16)
