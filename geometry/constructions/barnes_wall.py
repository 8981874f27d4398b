"""Barnes-Wall lines: quadratic forms on affine subspaces of F_2^m, in R^(2^m).

For an affine subspace U of dimension r and a quadratic form Q on it, the row (-1)^Q on U and 0
elsewhere, divided by 2^(r/2): a real stabilizer state. With r = m mod 2 these are the minimal
vectors of the Barnes-Wall lattice, at 60 degrees: D4, E8 and the densest lattice known in R^16
begin the series. With every r they are those of two such lattices, at 45 degrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, combinations
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["BarnesWall", "gaussian_binomial"]

_LARGEST_EXPONENT = 16
_LARGEST_INDEX = (1 << 63) - 1


def gaussian_binomial(m: int, r: int) -> int:
    """The number of subspaces of dimension `r` in F_2^`m`."""
    above = below = 1
    for i in range(r):
        above *= (1 << (m - i)) - 1
        below *= (1 << (i + 1)) - 1
    return above // below


class _Cells(NamedTuple):
    """The reduced echelon forms of one rank r in F_2^m, by their sets of pivots.

    Shapes: `pivots` `[c, r]` and `others` `[c, m - r]`, ascending places; `offsets`
    `[c, r, m - r]`, the free entries of a form numbered from 0, and -1 where the entry is 0;
    `starts` `[c]`, the number of subspaces before each cell, at most 2^63 - 1.
    """

    pivots: NDArray[np.int64]
    others: NDArray[np.int64]
    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]


@lru_cache(maxsize=32)
def _cells(m: int, r: int) -> _Cells:
    chosen = list(combinations(range(m), r))
    pivots = np.array(chosen, np.int64).reshape(len(chosen), r)
    taken = np.zeros((len(chosen), m), bool)
    np.put_along_axis(taken, pivots, True, axis=1)
    others = np.nonzero(~taken)[1].reshape(len(chosen), m - r)
    free = others[:, None, :] > pivots[:, :, None]
    flat = free.reshape(len(chosen), -1)
    offsets = np.where(flat, np.cumsum(flat, axis=1) - 1, -1).reshape(free.shape)
    sizes = [1 << int(n) for n in flat.sum(axis=1)]
    starts = [min(start, _LARGEST_INDEX) for start in accumulate(sizes[:-1], initial=0)]
    return _Cells(pivots, others, offsets, np.array(starts, np.int64))


def _split(numbers: Indices, bits: int) -> tuple[Indices, Indices]:
    """(numbers >> bits, the low `bits` bits), for any number of bits."""
    if bits >= 63:
        return np.zeros_like(numbers), numbers
    return numbers >> bits, numbers & ((1 << bits) - 1)


def _bit(numbers: Indices, places: Indices) -> Indices:
    """Bits of non-negative `numbers` at any `places` >= 0, broadcast."""
    return np.where(places < 63, numbers >> np.minimum(places, 62) & 1, 0)


def _states(
    m: int, basis: NDArray[np.int64], point: Indices, forms: NDArray[np.int64]
) -> NDArray[np.int8]:
    """The rows of the given affine subspaces and quadratic forms, int8 `[n, 2^m]`.

    `basis` `[n, r]` spans each subspace from its `point` `[n]`; the point with coordinates u has
    the sign (-1)^Q, Q(u) = sum over i of u_i (bit i of forms_i + u.forms_i over the bits j < i).
    `forms` `[n, r]`. O(2^m) operations a row.
    """
    n, rank = basis.shape
    places = point.astype(np.int32)[:, None]
    odd = np.zeros((n, 1), np.uint8)
    for i in range(rank):
        # The points with u_i = 1 are those before, moved by basis vector i.
        row = forms[:, i].astype(np.int32)[:, None]
        before = np.arange(1 << i, dtype=np.int32)
        linear = np.bitwise_count(row & before) & 1
        constant = (row >> i & 1).astype(np.uint8)
        odd = np.concatenate([odd, odd ^ linear ^ constant], axis=1)
        places = np.concatenate([places, places ^ basis[:, i].astype(np.int32)[:, None]], axis=1)
    values = np.zeros((n, 1 << m), np.int8)
    np.put_along_axis(values, places, 1 - 2 * odd.astype(np.int8), axis=1)
    return values


def _rows_of_rank(m: int, rank: int, indices: Indices) -> NDArray[np.int8]:
    """Rows on subspaces of dimension `rank`: (subspace, coset, form), the form varying fastest."""
    cells = _cells(m, rank)
    rest, form = _split(indices, rank * (rank + 1) // 2)
    subspace, coset = _split(rest, m - rank)
    cell = np.searchsorted(cells.starts, subspace, side="right") - 1
    entries = subspace - cells.starts[cell]
    offsets = cells.offsets[cell]
    free = np.where(offsets >= 0, _bit(entries[:, None, None], np.maximum(offsets, 0)), 0)
    others = np.int64(1) << cells.others[cell]
    basis = (np.int64(1) << cells.pivots[cell]) + (free * others[:, None, :]).sum(axis=2)
    point = (_bit(coset[:, None], np.arange(m - rank)) * others).sum(axis=1)
    # Row i of a form takes i + 1 bits: its coefficients at j < i, and its linear one.
    starts = np.arange(rank) * np.arange(1, rank + 1) // 2
    low = np.tril(np.ones((rank, rank), np.int64)) * (np.int64(1) << np.arange(rank))
    bits = _bit(form[:, None, None], starts[:, None] + np.arange(rank))
    return _states(m, basis, point, (bits * low).sum(axis=2))


def _normal_forms(dimension: int) -> Iterator[list[int]]:
    """Dickson's normal forms of the quadratic forms on F_2^`dimension`, up to linear maps.

    Some products x0 x1 + x2 x3 + ..., plus nothing, one further coordinate, or x0 + x1.
    """
    for planes in range(dimension // 2 + 1):
        products = [0] * dimension
        for plane in range(planes):
            products[2 * plane + 1] = 1 << (2 * plane)
        yield products
        if planes:
            yield [1, products[1] | 2, *products[2:]]
        if 2 * planes < dimension:
            linear = products.copy()
            linear[2 * planes] = 1 << (2 * planes)
            yield linear


@dataclass(frozen=True)
class BarnesWall(Packing):
    """The minimal vectors of the Barnes-Wall lattice in R^(2^`exponent`).

    Where `every` is true, the subspaces have every dimension, else those of the parity of
    `exponent`.
    """

    exponent: int
    every: bool = False

    name: ClassVar[str] = "Barnes-Wall"
    reference: ClassVar[str] = "Barnes and Wall 1959"

    def __post_init__(self) -> None:
        """Raise ValueError unless `exponent` lies in [2, 16]."""
        if not 2 <= self.exponent <= _LARGEST_EXPONENT:
            raise ValueError(
                f"`exponent` must lie in [2, {_LARGEST_EXPONENT}]; got {self.exponent}."
            )

    @property
    def _ranks(self) -> range:
        first = 0 if self.every else self.exponent % 2
        return range(first, self.exponent + 1, 1 if self.every else 2)

    def _of_rank(self, rank: int) -> int:
        """The number of affine subspaces of this dimension times that of forms on one."""
        m = self.exponent
        return gaussian_binomial(m, rank) << (m - rank + rank * (rank + 1) // 2)

    @property
    def dim(self) -> int:
        """2^`exponent`."""
        return 1 << self.exponent

    @property
    def count(self) -> int:
        """12, 120, 2160, 73440, ... from `exponent` 2 on; with `every`, twice as many."""
        return sum(self._of_rank(rank) for rank in self._ranks)

    @property
    def coherence(self) -> Cosine:
        """1/2, or 1/sqrt(2) with `every`."""
        return Cosine(Fraction(1, 2 if self.every else 4))

    @property
    def peak_square(self) -> Fraction:
        """The reciprocal of the number of points of the smallest subspaces."""
        return Fraction(1, 1 << self._ranks[0])

    @property
    def tight(self) -> bool:
        """Forms that differ by a linear one, on all cosets, make an orthonormal basis."""
        return True

    @property
    def proof(self) -> str:
        """Quadratic forms on the intersection of two subspaces."""
        return (
            "Two stabilizer states are orthogonal or have |cos| 2^(-k/2), k >= 1, and k is even "
            "between subspaces of dimensions of one parity (Calderbank, Cameron, Kantor and "
            "Seidel 1997; Nebe, Rains and Sloane 2001)."
        )

    def words(self) -> str:
        """The recipe in words."""
        dimensions = ", ".join(map(str, self._ranks))
        return (
            f"the {self.count} lines of quadratic forms on the affine subspaces of F_2^"
            f"{self.exponent} of dimension {dimensions}"
        )

    def rows(self, indices: Indices) -> Rows:
        """Integral: signs on 2^r points, r ascending with the index."""
        values = np.empty((len(indices), self.dim), np.int8)
        norms = np.empty(len(indices), np.int64)
        start = 0
        for rank in self._ranks:
            end = start + self._of_rank(rank)
            among = (indices >= start) & (indices <= min(end - 1, _LARGEST_INDEX))
            values[among] = _rows_of_rank(self.exponent, rank, indices[among] - start)
            norms[among] = 1 << rank
            start = end
            if start > _LARGEST_INDEX:
                break
        return Rows(values, norms)

    def orbit_check(self) -> OrbitCheck:
        """One pair for each kind of two subspaces that meet, and of the form between them.

        Affine maps and the signs of quadratic forms on the whole space permute the lines. They
        carry a pair with a common point to the form 0 on the span of the first r coordinates, and
        a form on the span of the first j of these and of k - j others. Quadratic forms that agree
        on an intersection extend together, so only the form on the j common coordinates matters,
        and linear maps make it one of Dickson's. Disjoint supports are orthogonal.
        O(m^4) rows for m = `exponent`.
        """
        m = self.exponent
        largest, checked = Fraction(0), 0
        for r in self._ranks:
            first = np.zeros(self.dim, np.int64)
            first[: 1 << r] = 1
            for k in self._ranks:
                for j in range(max(0, r + k - m), min(r, k) + 1):
                    normal = [[*form, *[0] * (k - j)] for form in _normal_forms(j)]
                    forms = np.array(normal, np.int64).reshape(len(normal), k)
                    axes = np.array([*range(j), *range(r, r + k - j)], np.int64)
                    basis = np.tile(np.int64(1) << axes, (len(forms), 1))
                    origin = np.zeros(len(forms), np.int64)
                    inner = _states(m, basis, origin, forms) @ first
                    # The form 0 on the same subspace is the first line itself.
                    inner = inner[r == k == j :]
                    checked += len(inner)
                    square = Fraction(int(np.abs(inner).max(initial=0)) ** 2, 1 << (r + k))
                    largest = max(largest, square)
        return OrbitCheck(
            Cosine(largest) == self.coherence,
            self.pairs,
            f"{checked} pairs, one for each kind of two subspaces and of the form between them",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every exponent that fits, with `every` where `eps` allows it."""
        for exponent in range(2, min(max_dim.bit_length(), _LARGEST_EXPONENT + 1)):
            for every in (True, False):
                packing = cls(exponent, every)
                if packing.coherence <= eps:
                    yield packing
                    break

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The members small enough."""
        for exponent in range(2, _LARGEST_EXPONENT + 1):
            for every in (False, True):
                if cls(exponent, every).count <= most_lines:
                    yield cls(exponent, every)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """E8, the lattice in R^16, and 45 degrees in R^8."""
        return cls(3), cls(4), cls(3, True)
