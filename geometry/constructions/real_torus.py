"""Kloosterman and Salie sums, split or not: 2 q^2 real lines in R^(q -+ 1) at 2 sqrt(q)/d."""

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
    outcome,
    rotates,
    torus_turns,
)
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["RealTorus"]


@dataclass(frozen=True)
class RealTorus(Packing):
    """psi(L) and chi psi(L) on a torus, chi its quadratic character, as real lines; q odd.

    The values at x and -x are conjugate (for chi(-1) = -1 after multiplication by i), so that
    half of the points, with their real and imaginary parts, make R^n.
    """

    q: int
    split: int

    name: ClassVar[str] = "Kloosterman and Salie"
    reference: ClassVar[str] = "Weil 1948"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power, large enough, and `split` 0 or 1."""
        if self.split not in (0, 1):
            raise ValueError(f"`split` must be 0 or 1; got {self.split}.")
        least = 7 if self.split else 3
        if self.q % 2 == 0 or self.q < least or prime_power(self.q) is None:
            raise ValueError(f"`q` must be an odd prime power >= {least}; got {self.q}.")

    @property
    def dim(self) -> int:
        """`q` - 1 for the split torus, `q` + 1 for the other."""
        return self.q - 1 if self.split else self.q + 1

    @property
    def count(self) -> int:
        """2 `q`^2."""
        return 2 * self.q * self.q

    @property
    def coherence(self) -> Cosine:
        """2 sqrt(`q`)/d."""
        return Cosine(Fraction(4 * self.q, self.dim**2))

    @property
    def exact(self) -> bool:
        """False: the theorem's bound, which Salie sums nearly attain."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """2/d."""
        return Fraction(2, self.dim)

    @property
    def blocks(self) -> int:
        """d/2 points."""
        return self.dim // 2

    @property
    def tight(self) -> bool:
        """True: sums over all L of products of entries at two points vanish."""
        return True

    @property
    def proof(self) -> str:
        """Weil's bound."""
        return (
            "Sums of psi(L) times a character of the torus have modulus at most 2 sqrt(q), by "
            "Weil's bound for functions with two simple poles (Weil 1948)."
        )

    def words(self) -> str:
        """The recipe in words."""
        torus = f"GF({self.q})*" if self.split else f"the elements of norm 1 of GF({self.q**2})"
        return (
            f"the {self.q**2} additive characters of GF({self.q})^2 on {torus}, each also times "
            "the quadratic character, conjugate-symmetric and therefore real"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line (s q + a) q + b is psi(L_(a,b)) chi^s at g^l, l = 0 .. d/2 - 1."""
        rest, second = np.divmod(indices, self.q)
        twisted, first = np.divmod(rest, self.q)
        p, half = field(self.q).characteristic, self.dim // 2
        turns = 4 * torus_turns(self.q, bool(self.split), first, second)[:, :half]
        # chi(g^l) = (-1)^l, and chi(-1) = (-1)^half: odd characters are taken times i.
        turns += p * twisted[:, None] * (2 * np.arange(half) + half % 2)
        return Rows.floating(realified(turns % (4 * p), 4 * p))

    def orbit_check(self) -> OrbitCheck:
        """The rotation x -> g x leaves q - 1 or q + 1 differences; their sums in float64. O(q^2).

        The symmetry L(-x) = -L(x) is checked too. Sums for L = 0 are n or, with chi, 0.
        """
        gf, half = field(self.q), self.dim // 2
        none = np.zeros_like(gf.places)
        odd = True
        for first, second in ((gf.places, none), (none, gf.places)):
            turns = torus_turns(self.q, bool(self.split), first, second)
            odd &= not ((turns + np.roll(turns, half, axis=1)) % gf.characteristic).any()
        largest = largest_kloosterman(self.q, bool(self.split), 2)
        holds = odd and additive(self.q, bool(self.split)) and rotates(self.q, bool(self.split))
        detail = f"sums for every class of differences under a torus of order {self.dim}"
        return outcome(self, self.dim, largest, holds, detail, every=True)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every one that fits."""
        for split, offset in ((1, -1), (0, 1)):
            for q, _ in fitting(max_dim - offset, eps, offset):
                if q % 2:
                    yield cls(q, split)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        for q in prime_powers(math.isqrt(max(most_lines, 0) // 2)):
            if q % 2:
                yield cls(q, 0)
                if q >= 7:
                    yield cls(q, 1)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 9 and 11 on the larger torus, 13 on the smaller."""
        return cls(9, 0), cls(11, 0), cls(13, 1)
