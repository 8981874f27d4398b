"""Odd ternary functions with three-valued sums: q^2 real lines in R^q, q = 3^n, at sqrt(3/q).

On GF(3^n), n odd, the sums of psi(a x^7 + b x), psi(y) = exp(2 pi i Tr(y)/3), are 0 or
+-sqrt(3 q) for a != 0. The functions are odd, so values at x and -x are conjugate, and the real
and imaginary parts at one point of each pair are coordinates of R^q.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.field import field
from geometry.constructions.phases import additive, roots_of_unity
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["TernarySevenths", "seventh_turns"]

_LARGEST_EXPONENT = 13


def seventh_turns(exponent: int, sevenths: Indices, linear: Indices) -> NDArray[np.int64]:
    """Tr(a x^7 + b x) in [0, 3), a in `sevenths` `[n]`, b in `linear`, all x: `[n, 3^exponent]`.

    They are additive in (a, b) modulo 3.
    """
    gf = field(3**exponent)
    traces = gf.trace[gf.exp]  # zeros where a logarithm of 0 leads
    powers = gf.log[gf.power(gf.elements, 7)]
    first = traces[gf.log[sevenths][:, None] + powers]
    return np.asarray((first + traces[gf.log[linear][:, None] + gf.log]) % 3)


@dataclass(frozen=True)
class TernarySevenths(Packing):
    """The functions psi(a x^7 + b x) on GF(3^`exponent`), real by their symmetry."""

    exponent: int

    name: ClassVar[str] = "ternary sevenths"
    reference: ClassVar[str] = "Trachtenberg 1970"

    def __post_init__(self) -> None:
        """Raise ValueError unless `exponent` is odd and in [3, 13]."""
        if self.exponent % 2 == 0 or not 3 <= self.exponent <= _LARGEST_EXPONENT:
            raise ValueError(
                f"`exponent` must be odd and lie in [3, {_LARGEST_EXPONENT}]; got {self.exponent}."
            )

    @property
    def dim(self) -> int:
        """3^`exponent`."""
        return int(3**self.exponent)

    @property
    def count(self) -> int:
        """3^(2 `exponent`)."""
        return self.dim**2

    @property
    def coherence(self) -> Cosine:
        """sqrt(3/d)."""
        return Cosine(Fraction(3, self.dim))

    @property
    def peak_square(self) -> Fraction:
        """2/d."""
        return Fraction(2, self.dim)

    @property
    def tight(self) -> bool:
        """True: for each a the lines are an orthonormal basis."""
        return True

    @property
    def proof(self) -> str:
        """A three-valued cross-correlation."""
        return (
            "7 = 3^2 - 3 + 1, so for odd n the sums of psi(a x^7 + b x), a != 0, over GF(3^n) are "
            "0 or +-3^((n+1)/2) (Trachtenberg 1970)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.dim} functions psi(a x^7) on GF(3^{self.exponent}), each with {self.dim} "
            "linear functions, conjugate-symmetric and therefore real"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line a d + b, at x = 0 and then, cosine and sine, at the first half of the powers."""
        half = self.dim // 2
        points = field(self.dim).exp[:half]
        turns = seventh_turns(self.exponent, *np.divmod(indices, self.dim))[:, points]
        values = np.empty((len(indices), self.dim))
        values[:, 0] = 1 / math.sqrt(self.dim)
        table = roots_of_unity(3) * math.sqrt(2 / self.dim)
        values[:, 1:] = table[turns].reshape(len(indices), 2 * half)
        return Rows.floating(values)

    def orbit_check(self) -> OrbitCheck:
        """The scalings x -> c x carry a to a c^7, every a != 0 to 1: one transform decides.

        Additivity, that the turns are odd, and the scaling by a generator are checked on the
        turns, O(d^2). The sums over x of psi(x^7 + b x) for all b are integers, from a float64
        transform whose error is far below 1/2.
        """
        gf, n = field(self.dim), self.exponent
        places, none = gf.places, np.zeros(n, np.int64)
        base = seventh_turns(n, places, none), seventh_turns(n, none, places)
        generator = int(gf.exp[1])
        scaled = gf.multiply(generator, gf.elements)
        power = gf.power(generator, 7)
        images = (
            seventh_turns(n, gf.multiply(places, power), none),
            seventh_turns(n, none, gf.multiply(places, generator)),
        )
        holds = math.gcd(7, self.dim - 1) == 1
        for turns, image in zip(base, images, strict=True):
            holds &= np.array_equal(turns[:, scaled], image)
            holds &= not ((turns + turns[:, gf.negate(gf.elements)]) % 3).any()
        holds &= additive(gf, lambda a: seventh_turns(n, a, np.zeros_like(a)))
        holds &= additive(gf, lambda b: seventh_turns(n, np.zeros_like(b), b))
        values = roots_of_unity(3) @ np.array([1, 1j])
        first = values[seventh_turns(n, np.ones(1, np.int64), np.zeros(1, np.int64))[0]]
        sums = np.abs(np.fft.fftn(first.reshape((3,) * n)))
        whole = np.rint(sums).astype(np.int64)
        holds &= bool(np.abs(sums - whole).max() < 1e-6)
        holds &= int(whole.max()) ** 2 == 3 * self.dim
        # Linear functions alone: the sums of psi(b x), b != 0, vanish, as b runs over one orbit.
        counts = np.bincount(seventh_turns(n, np.zeros(1, np.int64), np.ones(1, np.int64))[0])
        holds &= bool((counts == self.dim // 3).all()) and len(counts) == 3
        return OrbitCheck(
            bool(holds),
            self.pairs,
            f"sums of psi(x^7 + b x) for all {self.dim} b; scalings of GF({self.dim}) carry them "
            "to all a != 0",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every odd exponent that fits."""
        for exponent in range(3, _LARGEST_EXPONENT + 1, 2):
            if 3**exponent <= max_dim and cls(exponent).coherence <= eps:
                yield cls(exponent)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        for exponent in range(3, _LARGEST_EXPONENT + 1, 2):
            if 9**exponent <= most_lines:
                yield cls(exponent)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Exponent 3: the next has 59049 lines in 243 dimensions."""
        return (cls(3),)
