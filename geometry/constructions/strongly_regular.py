"""Frames of strongly regular graphs: c^2 equiangular lines in R^(c(c-1)/2) at 1/(c - 1).

A symmetric Hadamard matrix H of order c^2 with constant diagonal 1 has eigenvalues +-c, and
(cI - H)/(c - 1) is the Gram matrix of such lines. Where c is itself the order of a Hadamard matrix
the pairs of a Steiner frame give the same. For c = 2 mod 4, let q = c - 1 and n = c + 1 be prime
powers and w = c/2. With W the signs chi_q(x - y) over GF(q), and over Z_w, g a generator of the
squares of GF(n),

    A(k) = -chi_n(g^k + 1), symmetric,    B(k) = chi_n(g^k - 1), skew,

H has rows and columns for inf, for x in GF(q), and for (0, a, x) and (1, a, x), a in Z_w:

    1     1       1                   -1
          J       1' (x) (W - I)       1' (x) (W + I)
                  A (x) W + J (x) I   -B (x) W + I (x) J + (I - J) (x) I
                                      -A (x) W + J (x) I

completed symmetrically. H^2 = c^2 I comes from W^2 = qI - J, A^2 + B B' = (c + 2)I - 2J without
B's diagonal (Szekeres), and A and B commuting.
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

from geometry.constructions.admissible import least_reciprocal
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.phases import roots_of_unity
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["TwinPowerFrame"]

_LARGEST = 1 << 10  # the circulants have q^2/4 entries
_BLOCK = 512  # columns of the sign matrix made at a time


def _is_allowed(q: int) -> bool:
    return (
        q % 4 == 1
        and 5 <= q <= _LARGEST
        and prime_power(q) is not None
        and prime_power(q + 2) is not None
    )


@lru_cache(maxsize=8)
def _sequences(q: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """A(k) and B(k) for k in Z_w, `[w]` each; B(0) = 0."""
    gf = field(q + 2)
    squares = gf.exp[: q + 1 : 2]
    return -gf.character[gf.add(squares, 1)], gf.character[gf.subtract(squares, 1)]


@lru_cache(maxsize=8)
def _matrices(q: int) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]:
    """W `[q, q]` and A and B `[w, w]`."""
    gf = field(q)
    steps = np.arange((q + 1) // 2)
    cyclic = (steps[:, None] - steps) % len(steps)
    first, second = _sequences(q)
    signs = gf.character[gf.subtract(gf.elements[:, None], gf.elements)]
    return signs, first[cyclic], second[cyclic]


@lru_cache(maxsize=4)
def _eigenvectors(q: int) -> NDArray[np.complex128]:
    """The parts v_0, v_1 of a unit eigenvector of H for -c, `[2, (w+1)/2, q]`.

    Entry (i, j, y) is that of the points (i, a, x) times exp(-2 pi i ja/w) psi(-yx) sqrt(wq). On
    such functions H is [[s, h], [conj h, -s]], s and h made of the transforms of A, B and W. With
    j = 0 there is a third part, -1/sqrt(2), on GF(q); (0, 0) is left at 0.
    """
    w = (q + 1) // 2
    gf = field(q)
    p = gf.characteristic
    turns = np.arange((w + 1) // 2)[:, None] * np.arange(w) % w
    roots = roots_of_unity(w)[turns]
    first, second = _sequences(q)
    even = roots[:, :, 0] @ first
    odd = roots[:, :, 1] @ second  # the transform of B is -i times this
    gauss = float(gf.character @ roots_of_unity(p)[:, 0][gf.trace])
    of_w = gf.character * gauss
    size = even[:, None] * of_w / (2 * w)
    cross = 1 + 1j * odd[:, None] * of_w
    cross[:, 0] = 1 + q
    parts = np.empty((2, len(turns), q), np.complex128)
    parts[0] = np.sqrt((1 - size) / 2)
    parts[1] = -np.sqrt((1 + size) / 2) * cross.conj() / np.abs(cross)
    parts[:, 0] = np.stack([of_w - 1, of_w + 1]) / math.sqrt(8 * w)
    parts[:, 0, 0] = 0
    parts.setflags(write=False)
    return parts


@dataclass(frozen=True)
class TwinPowerFrame(Packing):
    """The equiangular tight frame from prime powers `q` and `q` + 2, `q` = 1 mod 4; c = `q` + 1."""

    q: int

    name: ClassVar[str] = "twin prime power frame"
    reference: ClassVar[str] = "Wallis and Whiteman 1972"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` and `q` + 2 are prime powers and `q` is 1 mod 4."""
        if not _is_allowed(self.q):
            raise ValueError(
                f"`q` must lie in [5, {_LARGEST}] and be 1 mod 4, and `q` and `q` + 2 prime "
                f"powers; got {self.q}."
            )

    @property
    def dim(self) -> int:
        """`q`(`q` + 1)/2."""
        return self.q * (self.q + 1) // 2

    @property
    def count(self) -> int:
        """(`q` + 1)^2."""
        return (self.q + 1) ** 2

    @property
    def coherence(self) -> Cosine:
        """1/`q`, the relative bound."""
        return Cosine.ratio(Fraction(1, self.q))

    @property
    def tight(self) -> bool:
        """Equality in the relative bound."""
        return True

    @property
    def proof(self) -> str:
        """The spectrum of H."""
        return (
            "A symmetric Hadamard matrix H of order c^2 with diagonal 1 has eigenvalues +-c, so "
            "(cI - H)/(c - 1) is a Gram matrix of rank c(c - 1)/2 (Goethals and Seidel 1970; H "
            "by Wallis and Whiteman 1972)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the equiangular tight frame of a symmetric Hadamard matrix of order {self.q + 1}^2 "
            f"with constant diagonal, from the fields of {self.q} and {self.q + 2} elements"
        )

    def rows(self, indices: Indices) -> Rows:
        """Coordinates along the eigenvectors of H for -c, by the characters of Z_w x GF(q).

        Line 0 is inf, the first axis; then come x, and ((i w) + a)q + x for (i, a, x). After the
        first coordinate, -+1/q, a pair (Re, Im) for one of each two conjugate characters: those
        with j = 0 and half of the y, then all y with 1 <= j <= (w - 1)/2.
        """
        q, gf = self.q, field(self.q)
        w = (q + 1) // 2
        parts = _eigenvectors(q) * (math.sqrt(8) / q)
        both = roots_of_unity(gf.characteristic)
        kind, x = np.divmod(np.maximum(indices - 1, 0), q)
        side, a = np.divmod(np.maximum(kind - 1, 0), w)
        half = gf.exp[: (q - 1) // 2]
        turns = gf.trace[gf.multiply(x[:, None], gf.elements)]
        waves = (both[:, 0] + 1j * both[:, 1])[turns]
        steps = np.arange(1, (w + 1) // 2)
        cycles = roots_of_unity(w)[a[:, None] * steps % w]
        wide = waves[:, None, :] * (cycles[..., 0] + 1j * cycles[..., 1])[:, :, None]
        wide *= parts[side, 1:]
        narrow = waves[:, half] * parts[side, 0][:, half]
        on_field = kind == 0
        wide[on_field] = 0
        narrow[on_field] = -waves[on_field][:, half] * (math.sqrt(4 * w) / q)
        joined = np.concatenate([narrow, wide.reshape(len(indices), (w - 1) // 2 * q)], axis=1)
        values = np.empty((len(indices), self.dim))
        values[:, 0] = np.where((side == 1) & ~on_field, 1, -1) / q
        values[:, 1::2], values[:, 2::2] = joined.real, joined.imag
        values[indices == 0] = 0
        values[indices == 0, 0] = 1
        return Rows.floating(values)

    def sign_matrix(self) -> NDArray[np.int8]:
        """I - H."""
        values = np.empty((self.count, self.count), np.int8)
        for first in range(0, self.count, _BLOCK):
            columns = np.eye(self.count, min(_BLOCK, self.count - first), -first)
            values[:, first : first + _BLOCK] = columns - self._times(columns)
        return values

    def _times(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """H times `columns` `[count, n]`, without making H; exact for small integers."""
        q = self.q
        w = (q + 1) // 2
        signs, first, second = (part.astype(np.float64) for part in _matrices(q))
        top, middle = columns[0], columns[1 : q + 1]
        left, right = columns[q + 1 :].reshape(2, w, q, -1)

        def both(small: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
            """`small` (x) W times a part `[w, q, n]`."""
            return np.asarray(np.einsum("ab,xy,byn->axn", small, signs, part, optimize=True))

        def joining(small: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
            """`small` (x) W + I (x) J + (I - J) (x) I times a part."""
            rest = part.sum(axis=1, keepdims=True) + part - part.sum(axis=0)
            return np.asarray(both(small, part) + rest)

        turned = signs @ middle
        lower = left.sum(axis=0), right.sum(axis=0)
        out = np.empty_like(columns)
        out[0] = top + middle.sum(axis=0) + left.sum(axis=(0, 1)) - right.sum(axis=(0, 1))
        out[1 : q + 1] = top + middle.sum(axis=0) + signs @ (lower[0] + lower[1])
        out[1 : q + 1] += lower[1] - lower[0]
        parts = out[q + 1 :].reshape(2, w, q, -1)
        parts[0] = top + turned - middle + both(first, left) + lower[0] + joining(-second, right)
        parts[1] = -top + turned + middle - both(first, right) + lower[1] + joining(second, left)
        return out

    def orbit_check(self) -> OrbitCheck:
        """H^2 = c^2 I in integers, on one column of each orbit of Z_w x GF(q). O(d (q + w)).

        H is made of matrices developed over these groups, so it commutes with them.
        """
        q = self.q
        w = (q + 1) // 2
        columns = np.zeros((self.count, 4))
        columns[[0, 1, q + 1, q + 1 + w * q], np.arange(4)] = 1
        once = self._times(columns)
        holds = bool((np.abs(once) == 1).all() and (once[columns == 1] == 1).all())
        return OrbitCheck(
            holds and np.array_equal(self._times(once), (q + 1) ** 2 * columns),
            self.pairs,
            f"H of order {self.count} satisfies H^2 = {(q + 1) ** 2} I: four columns in integers "
            f"stand for all under a group of order {w * q}",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every pair of prime powers that fits."""
        least = least_reciprocal(eps)
        if least is None:
            return
        largest = min((math.isqrt(8 * max(max_dim, 0) + 1) - 1) // 2, _LARGEST)
        for q in prime_powers(largest):
            if q >= least and _is_allowed(q):
                yield cls(q)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Every pair of prime powers with that few lines."""
        largest = min(math.isqrt(max(most_lines, 0)) - 1, _LARGEST)
        yield from (cls(q) for q in prime_powers(largest) if _is_allowed(q))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 5, 9 and 25."""
        return cls(5), cls(9), cls(25)
