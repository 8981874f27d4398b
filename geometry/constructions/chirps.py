"""Chirps psi(a x^2 + b x) on GF(q), q odd: 2 q^2 real lines in R^(2q) at 1/sqrt(q).

psi(y) = exp(2 pi i Tr(y)/p) is the additive character of GF(q), p its characteristic. For each a
the q chirps are an orthonormal basis of C^q, and chirps of different a have |<v, w>| = 1/sqrt(q):
with the coordinate axes they are the q + 1 mutually unbiased bases of C^q. As real lines v and
iv they are in R^(2q), where half of them lie in a hyperplane.
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

from geometry.constructions.admissible import inverse_root, least_root
from geometry.constructions.field import Field, field, prime_power, prime_powers
from geometry.constructions.phases import additive, half_realified, realified, square_of_sum
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Chirps", "HalfChirps", "chirp_turns"]


@lru_cache(maxsize=8)
def _traces(gf: Field) -> NDArray[np.int64]:
    """Tr(generator^i) for all i to which sums of two logarithms lead, zeros where one is log 0."""
    table = gf.trace[gf.exp]
    table.setflags(write=False)
    return table


def chirp_turns(q: int, quadratic: Indices, linear: Indices) -> NDArray[np.int64]:
    """Tr(a x^2 + b x) in [0, p) for a in `quadratic` `[n]`, b in `linear` `[n]`, all x: `[n, q]`.

    They are additive in (a, b) modulo p.
    """
    gf = field(q)
    traces = _traces(gf)
    squares = gf.log[gf.power(gf.elements, 2)]
    first = traces[gf.log[quadratic][:, None] + squares]
    return np.asarray((first + traces[gf.log[linear][:, None] + gf.log]) % gf.characteristic)


def _additive(q: int) -> bool:
    """Whether the turns of every a x^2 and of every b x are the sums of those of the places."""
    return additive(field(q), lambda a: chirp_turns(q, a, np.zeros_like(a))) and additive(
        field(q), lambda b: chirp_turns(q, np.zeros_like(b), b)
    )


def _constant(turns: NDArray[np.int64], p: int) -> bool:
    """Whether every row of `turns` `[n, q]` is constant modulo p."""
    return not ((turns - turns[:, :1]) % p).any()


def _symmetric(q: int) -> bool:
    """Whether shifts x -> x + s and the scaling x -> g x carry chirps to chirps, on the turns.

    With s in the places: Q(a, 0) to Q(a, 2as) up to a constant, for a = 1 and a = g; Q(0, b) to
    itself up to a constant; and the scaling Q(a, b) to Q(a g^2, b g). Additivity does the rest.
    """
    gf = field(q)
    p, places = gf.characteristic, gf.places
    none = np.zeros_like(places)
    generator = int(gf.exp[1])
    bent, linear = chirp_turns(q, places, none), chirp_turns(q, none, places)
    scaled = gf.multiply(generator, gf.elements)
    square = int(gf.multiply(generator, generator))
    holds = np.array_equal(bent[:, scaled], chirp_turns(q, gf.multiply(places, square), none))
    holds &= np.array_equal(linear[:, scaled], chirp_turns(q, none, gf.multiply(places, generator)))
    representatives = np.array([1, generator])
    zeros = np.zeros(2, np.int64)
    upright = chirp_turns(q, representatives, zeros)
    for place in places:
        moved = gf.add(gf.elements, place)
        tilt = gf.multiply(gf.multiply(representatives, 2 % p), place)
        holds &= _constant(linear[:, moved] - linear, p)
        holds &= _constant(upright[:, moved] - chirp_turns(q, representatives, tilt), p)
    return bool(holds)


def _representatives(q: int) -> NDArray[np.int64]:
    """How often each value occurs among the turns of x, x^2 and g x^2: counts `[3, p]`."""
    generator = int(field(q).exp[1])
    turns = chirp_turns(q, np.array([0, 1, generator]), np.array([1, 0, 0]))
    p = field(q).characteristic
    return np.stack([np.bincount(row, minlength=p) for row in turns])


def _unbiased(q: int) -> bool:
    """Whether |S| is 0 for linear differences of chirps and sqrt(q) for all others, in integers.

    S is the sum over x of psi. The symmetries leave x, x^2 and g x^2 to look at.
    """
    sums = [square_of_sum(counts) for counts in _representatives(q)]
    return sums == [0, q, q] and _additive(q) and _symmetric(q)


def _near(q: int, least: int) -> bool:
    """Whether cos(90/p degrees)/sqrt(`q`) may be as small as 1/sqrt(`least` - 1): a quick look."""
    parts = prime_power(q)
    p = 3 if parts is None else parts[0]
    return q * (1 + 1e-9) >= math.cos(math.pi / (2 * p)) ** 2 * (least - 1)


def _require_odd(q: int) -> None:
    if q % 2 == 0 or prime_power(q) is None:
        raise ValueError(f"`q` must be an odd prime power; got {q}.")


@dataclass(frozen=True)
class Chirps(Packing):
    """The chirps of GF(`q`) and i times each, as real lines."""

    q: int

    name: ClassVar[str] = "chirps"
    reference: ClassVar[str] = "Wootters and Fields 1989"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power."""
        _require_odd(self.q)

    @property
    def dim(self) -> int:
        """2 `q`."""
        return 2 * self.q

    @property
    def count(self) -> int:
        """2 `q`^2."""
        return 2 * self.q * self.q

    @property
    def coherence(self) -> Cosine:
        """1/sqrt(`q`), attained: Gauss sums of x^2 and g x^2 are real or imaginary."""
        return inverse_root(self.q)

    @property
    def peak_square(self) -> Fraction:
        """1/`q`."""
        return Fraction(1, self.q)

    @property
    def blocks(self) -> int:
        """`q` points."""
        return self.q

    @property
    def tight(self) -> bool:
        """True: the chirps of each a are an orthonormal basis."""
        return True

    @property
    def proof(self) -> str:
        """Quadratic Gauss sums."""
        return (
            "Sums of psi(a x^2 + b x) over GF(q) have modulus sqrt(q) for a != 0 and vanish for "
            "a = 0 != b (Wootters and Fields 1989)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the {self.q**2} chirps psi(a x^2 + b x) on GF({self.q}), each as two real lines v, iv"
        )

    def rows(self, indices: Indices) -> Rows:
        """Line 2(a q + b) + r is the chirp of (a, b), times i where r = 1."""
        labels, rotated = np.divmod(indices, 2)
        turns = chirp_turns(self.q, labels // self.q, labels % self.q)
        return Rows.floating(realified(turns, field(self.q).characteristic, rotated))

    def orbit_check(self) -> OrbitCheck:
        """Shifts and scalings leave three differences of chirps; their sums in integers. O(q^2)."""
        return OrbitCheck(
            _unbiased(self.q),
            self.pairs,
            f"differences of the {self.q**2} chirps are chirps, and up to shifts and scalings of "
            f"GF({self.q}) they are x, x^2 and g x^2, whose sums have squared moduli 0, q, q",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every one that fits."""
        least = least_root(eps)
        if least is not None:
            for q in prime_powers(max_dim // 2):
                if q % 2 and q >= least:
                    yield cls(q)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        for q in prime_powers(most_lines):
            if 2 * q * q > most_lines:
                return
            if q % 2:
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 5, 9 and 13."""
        return cls(5), cls(9), cls(13)


@dataclass(frozen=True)
class HalfChirps(Packing):
    """The chirps of GF(`q`) without their multiples by i; and, with `axes`, i times the axes.

    All entries at x = 0 are real, so with the axes that coordinate is left out: R^(2q - 1). For
    p = 3 mod 4 and odd powers q of p the Gauss sums are imaginary, and then real parts of inner
    products stay below their moduli. Without the axes the lines are flat in R^(2q) (`axes` = 0):
    not good by themselves, but points can be dropped.
    """

    q: int
    axes: int

    name: ClassVar[str] = "half chirps"
    reference: ClassVar[str] = "Wootters and Fields 1989"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power and `axes` 0 or 1."""
        _require_odd(self.q)
        if self.axes not in (0, 1):
            raise ValueError(f"`axes` must be 0 or 1; got {self.axes}.")

    @property
    def dim(self) -> int:
        """2 `q` - `axes`."""
        return 2 * self.q - self.axes

    @property
    def count(self) -> int:
        """`q`^2, and `q` - 1 axes."""
        return self.q * self.q + self.axes * (self.q - 1)

    @property
    def gains(self) -> bool:
        """Whether the Gauss sums are imaginary: p = 3 mod 4 and an odd power."""
        return self.q % 4 == 3

    @property
    def coherence(self) -> Cosine:
        """cos(90/p degrees)/sqrt(`q`) where the Gauss sums are imaginary, else 1/sqrt(`q`).

        The sums are then +-i sqrt(q) times powers of exp(2 pi i/p), all of which occur; the one
        nearest to the real axis is 90/p degrees off.
        """
        if not self.gains:
            return inverse_root(self.q)
        return Cosine(Fraction(1, self.q), Fraction(90, field(self.q).characteristic))

    @property
    def peak_square(self) -> Fraction:
        """1/`q` without the axes."""
        return Fraction(1, 1 if self.axes else self.q)

    @property
    def blocks(self) -> int | None:
        """`q` points without the axes."""
        return None if self.axes else self.q

    @property
    def proof(self) -> str:
        """Quadratic Gauss sums and their phases."""
        if not self.gains:
            return (
                "Sums of psi(a x^2 + b x) over GF(q) have modulus sqrt(q) for a != 0 and vanish "
                "for a = 0 != b; entries are real at x = 0 (Wootters and Fields 1989)."
            )
        return (
            "For p = 3 mod 4 and odd powers q the sums of psi(a x^2 + b x), a != 0, are "
            "+-i sqrt(q) times p-th roots of unity (Gauss 1811), whose real parts are at most "
            "cos(90/p degrees) sqrt(q), as imaginary parts of p-th roots of unity are at most "
            "cos(90/p degrees)."
        )

    def words(self) -> str:
        """The recipe in words."""
        axes = f", and the {self.q - 1} axes times i at x != 0" if self.axes else ""
        return f"the {self.q**2} chirps psi(a x^2 + b x) on GF({self.q}), one real line each{axes}"

    def rows(self, indices: Indices) -> Rows:
        """Line a q + b is the chirp of (a, b); the sine coordinates of x = 1 .. q - 1 follow."""
        square = self.q * self.q
        among = indices < square
        quadratic, linear = np.divmod(indices[among], self.q)
        turns = chirp_turns(self.q, quadratic, linear)
        values = np.zeros((len(indices), self.dim))
        order = field(self.q).characteristic
        values[among] = (half_realified if self.axes else realified)(turns, order)
        values[np.flatnonzero(~among), 2 * (indices[~among] - square + 1)] = 1
        return Rows.floating(values)

    def orbit_check(self) -> OrbitCheck:
        """As for `Chirps`; and that the sums of x^2 and g x^2 are imaginary, where that is used.

        S is imaginary when S + conj(S) = 0: when the values t and -t together occur equally often
        for all t. A shift multiplies S by a p-th root of unity. O(q^2).
        """
        gf = field(self.q)
        holds = _unbiased(self.q)
        if self.gains:
            counts = _representatives(self.q)[1:]
            both = counts + counts[:, -gf.elements[: gf.characteristic]]
            holds &= bool((both == both[:, :1]).all())
        # The entry at x = 0 is real, so that its sine coordinate can go.
        holds &= not chirp_turns(self.q, gf.elements, gf.elements)[:, 0].any()
        sums = "0, +-i sqrt(q), +-i sqrt(q)" if self.gains else "of squared moduli 0, q, q"
        return OrbitCheck(
            holds,
            self.pairs,
            f"differences of the {self.q**2} chirps are chirps, and up to shifts and scalings of "
            f"GF({self.q}) they are x, x^2 and g x^2, whose sums are {sums}",
        )

    @classmethod
    def _fitting(cls, largest: int, eps: Cosine, axes: int) -> Iterator[Self]:
        least = least_root(eps)
        if least is None:
            return
        for q in prime_powers(largest):
            if q % 2 == 0 or 4 * q <= 3 * (least - 1):  # cos(90/p degrees)^2 is at least 3/4
                continue
            if q >= least or (q % 4 == 3 and _near(q, least)):
                packing = cls(q, axes)
                if q >= least or packing.coherence <= eps:
                    yield packing

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every one with the axes that fits."""
        return cls._fitting((max_dim + 1) // 2, eps, 1)

    @classmethod
    def flat_candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those without the axes in which the real parts gain."""
        return (one for one in cls._fitting(max_dim // 2, eps, 0) if one.gains)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 27 and 13 with the axes, and 7 without."""
        return cls(27, 1), cls(13, 1), cls(7, 0)
