"""Nets with Hadamard rows whose spare dimensions are further points: more lines on some graphs.

The points are k full columns of q and r further points, in other columns, of which no three lie
on a line y = ax + b and as few as possible in one column: points of a conic. Every line carries
the k rows of a Hadamard matrix on its points of the full columns. A line through two further
points has k + 2 points and carries the k + 2 rows of a weighing matrix W(k + 2, k) instead, with
entries 0 and +-1: two lines more, at the same size of entries, and so at the same coherence.
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

from geometry.constructions import fillings, hadamard
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["ExtendedNet", "weighing"]

# W(k + 2, k) from two circulants of order (k + 2)/2: their first rows are 0 and then signs, -1
# where the bit of one of these numbers is 1. Found by going through all pairs of first rows.
_CIRCULANTS = {
    4: (0, 1),
    8: (1, 2),
    16: (6, 53),
    20: (22, 197),
    32: (423, 18634),
    36: (1385, 29486),
    40: (3470, 153813),
}
_BLOCK = 1024  # lines of the net compared with all others at once


def weighing(weight: int) -> NDArray[np.int8]:
    """A weighing matrix: `weight` + 2 orthogonal rows of 0, +-1 with `weight` non-zero entries."""
    half = weight // 2
    bits = np.array(_CIRCULANTS[weight])[:, None] >> np.arange(half) & 1
    first = np.concatenate([np.zeros((2, 1), np.int8), (1 - 2 * bits).astype(np.int8)], axis=1)
    left, right = (np.array([np.roll(row, turn) for turn in range(half + 1)]) for row in first)
    return np.block([[left, right], [-right.T, left.T]])


@dataclass(frozen=True)
class _Points:
    """Where the columns and the further points lie, and the net's lines through two of these."""

    columns: NDArray[np.int64]  # [k] the full columns' x
    further: NDArray[np.int64]  # [r, 2] the further points' (x, y)
    pairs: NDArray[np.int64]  # [n, 2] the further points on each line through two
    lines: NDArray[np.int64]  # [n] the numbers b + q a of those lines
    place: NDArray[np.int64]  # [q^2] a line's place among those, or -1


@lru_cache(maxsize=16)
def _points(q: int, columns: int, extra: int) -> _Points:
    """The further points lie on a conic with two points in (q + 1)/2 or q/2 columns.

    It is y^2 = n x^2 - 1, n no square, for odd q, and y^2 + y = x^2 for even q.
    """
    gf = field(q)
    left = right = gf.multiply(gf.elements, gf.elements)
    if q % 2:
        right = gf.subtract(gf.multiply(right, gf.elements[gf.character == -1][0]), 1)
    else:
        left = gf.add(left, gf.elements)
    double = np.flatnonzero(np.bincount(left, minlength=q)[right] == 2)[: min(extra, q - columns)]
    roots = np.array([np.flatnonzero(left == height) for height in right[double]])
    lower, upper = np.stack([double, roots[:, 0]], 1), np.stack([double, roots[:, 1]], 1)
    further = np.concatenate([lower, upper])[:extra]
    first, second = np.triu_indices(extra, 1)
    across = further[first, 0] != further[second, 0]
    pairs = np.stack([first[across], second[across]], axis=1)
    (x, y), (u, v) = further[pairs[:, 0]].T, further[pairs[:, 1]].T
    slope = gf.multiply(gf.subtract(y, v), gf.inverse(gf.subtract(x, u)))
    lines = gf.subtract(y, gf.multiply(slope, x)) + q * slope
    place = np.full(q * q, -1, np.int64)
    place[lines] = np.arange(len(lines))
    full = np.setdiff1d(gf.elements, double)[:columns]
    return _Points(full, further, pairs, lines, place)


def _most_extra(q: int, columns: int) -> int:
    return 2 * min(q - columns, (q + 1) // 2)


@dataclass(frozen=True)
class ExtendedNet(Packing):
    """`columns` columns of `q` points, `extra` further points, `fill` in the columns.

    Line b + `q` a of the net has the rows with indices k(b + q a) .. k(b + q a) + k - 1; then come
    the two more rows of every line through two further points, then the fillings by column.
    """

    q: int
    columns: int
    extra: int
    fill: Packing | None = None

    name: ClassVar[str] = "extended net"
    reference: ClassVar[str] = "nets with Hadamard rows (Wocjan and Beth 2005), extended here"

    def __post_init__(self) -> None:
        """Raise ValueError when the parameters do not fit together."""
        if prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power; got {self.q}.")
        if self.columns not in _CIRCULANTS or self.columns >= self.q:
            raise ValueError(
                f"`columns` must be one of {[*_CIRCULANTS]} and below `q`; got {self.columns}."
            )
        most = _most_extra(self.q, self.columns)
        if not 2 <= self.extra <= most:
            raise ValueError(f"`extra` must lie in [2, {most}]; got {self.extra}.")
        if self.fill is not None and self.fill.dim != self.q:
            raise ValueError(f"`fill` must have dimension {self.q}; got {self.fill.dim}.")

    @property
    def dim(self) -> int:
        """`q` * `columns` + `extra`."""
        return self.q * self.columns + self.extra

    @property
    def _secants(self) -> int:
        """Lines through two further points: all pairs but those in one column."""
        apart = min(self.q - self.columns, (self.q + 1) // 2)
        return math.comb(self.extra, 2) - max(self.extra - apart, 0)

    @property
    def _on_lines(self) -> int:
        return self.q**2 * self.columns + 2 * self._secants

    @property
    def count(self) -> int:
        """`q`^2 * `columns`, 2 for each line through two further points, and the fillings."""
        return self._on_lines + self.columns * (self.fill.count if self.fill else 0)

    @property
    def coherence(self) -> Cosine:
        """The largest of 1/`columns`, the filling's coherence, and its peak/sqrt(`columns`)."""
        return fillings.coherence(self._own, self.fill, self.columns)

    @property
    def _own(self) -> Cosine:
        return Cosine.ratio(Fraction(1, self.columns))

    @property
    def exact(self) -> bool:
        """Lines that meet in a column, with the same signs, attain 1/k; above it the fill."""
        return fillings.attained(self._own, self.fill, self.columns)

    @property
    def peak_square(self) -> Fraction:
        """The larger of 1/`columns` and the filling's."""
        return fillings.peak_square(self.fill, self.columns)

    @property
    def proof(self) -> str:
        """Two lines meet in at most one point."""
        own = (
            "Two lines of a net meet in at most one point, where both have an entry of at most "
            "1/sqrt(k), and the rows on one line are those of a Hadamard or a weighing matrix: "
            "orthogonal."
        )
        if self.fill is None:
            return own
        return f"{own} A line meets a column in one entry of the filling. {self.fill.proof}"

    def words(self) -> str:
        """The recipe in words."""
        k, secants = self.columns, self._secants
        own = (
            f"net of {self.q} points in {k} columns and {self.extra} further points of a conic, "
            f"Hadamard rows of order {k} ({hadamard.words(k)}) on each of {self.q**2 - secants} "
            f"lines and a weighing matrix W({k + 2}, {k}) on the {secants} through two further "
            "points"
        )
        return own if self.fill is None else f"{own}, each column filled with {self.fill.words()}"

    def rows(self, indices: Indices) -> Rows:
        """Entries 0 and +-1 on a line's points with squared norm `columns`, or a filling."""
        q, k, gf = self.q, self.columns, field(self.q)
        points = _points(q, k, self.extra)
        own, later = (np.flatnonzero(indices < self._on_lines), indices >= self._on_lines)
        more = indices[own] - k * q * q
        line, sign = np.divmod(indices[own], k)
        at_end = more >= 0
        line[at_end], sign[at_end] = points.lines[more[at_end] // 2], k + more[at_end] % 2
        slope, offset = np.divmod(line, q)
        heights = gf.add(gf.multiply(slope[:, None], points.columns), offset[:, None])
        pair = points.place[line]
        crossed = pair >= 0
        entries = np.zeros((len(own), k + 2), np.int8)
        entries[crossed] = weighing(k)[sign[crossed]]
        entries[~crossed, :k] = hadamard.matrix(k)[sign[~crossed]]
        filling, dtype = None, np.dtype(np.int8)
        if self.fill is not None and later.any():
            column, inner = np.divmod(indices[later] - self._on_lines, self.fill.count)
            filling = self.fill.rows(inner)
            dtype = np.result_type(dtype, filling.values.dtype)
        values = np.zeros((len(indices), self.dim), dtype)
        norms = np.full(len(indices), k, np.int64)
        values[own[:, None], heights + q * np.arange(k)] = entries[:, :k]
        values[own[crossed, None], q * k + points.pairs[pair[crossed]]] = entries[crossed, k:]
        if filling is not None:
            places = np.flatnonzero(later)[:, None]
            values[places, q * column[:, None] + np.arange(q)] = filling.values
            norms[later] = filling.squared_norms
        return Rows(values, norms)

    def _incidence(self) -> NDArray[np.float32]:
        """Which points lie on which lines of the net: `[q^2, dim]`, by their equation."""
        q, gf = self.q, field(self.q)
        points = _points(q, self.columns, self.extra)
        slope, offset = np.divmod(np.arange(q * q), q)
        full = np.stack([np.repeat(points.columns, q), np.tile(gf.elements, self.columns)], 1)
        x, y = np.concatenate([full, points.further]).T
        on = gf.add(gf.multiply(slope[:, None], x), offset[:, None]) == y
        return np.asarray(on, np.float32)

    def orbit_check(self) -> OrbitCheck:
        """All pairs of lines of the net are compared, and all rows on one line."""
        k = self.columns
        on = self._incidence()
        shared = 0
        for start in range(0, len(on), _BLOCK):
            block = on[start : start + _BLOCK] @ on.T  # counts below 2^24: exact
            block[np.arange(len(block)), start + np.arange(len(block))] = 0
            shared = max(shared, int(block.max()))
        further = on[:, self.q * k :].sum(axis=1)
        points = _points(self.q, k, self.extra)
        seen = on[points.lines[:, None], self.q * k + points.pairs].all()
        holds = shared == 1 and bool((on[:, : self.q * k].sum(axis=1) == k).all())
        holds &= bool(seen) and np.array_equal(further == 2, points.place >= 0)
        holds &= int((further == 2).sum()) == self._secants and bool((further <= 2).all())
        for signs in (hadamard.matrix(k), weighing(k)):
            wide = signs.astype(np.int64)
            holds &= np.array_equal(wide @ wide.T, k * np.eye(len(wide), dtype=np.int64))
            holds &= int(np.abs(wide).max()) == 1
        pairs = math.comb(self._on_lines, 2)
        detail = (
            f"the {self.q**2} lines of the net, all compared, share {shared} point at most; the "
            f"rows on one line are orthogonal"
        )
        if self.fill is None:
            return OrbitCheck(holds, pairs, detail)
        pairs += math.comb(k, 2) * self.fill.count**2
        proved = fillings.peak_proved(self.fill)
        if proved is None:
            entries = "of the filling by its theorem"
        else:
            pairs += self._on_lines * k * self.fill.count
            entries = f"of the filling at most {math.sqrt(self.fill.peak_square):.4g}"
        return OrbitCheck(
            holds and proved is not False, pairs, f"{detail}; entries {entries}", proved is not None
        )

    def inner(self) -> tuple[tuple[Packing, int], ...]:
        """The filling, once a column."""
        return () if self.fill is None else ((self.fill, self.columns),)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those without a filling; from q = 2 k on chirps have more lines."""
        for columns in _CIRCULANTS:
            if Cosine.ratio(Fraction(1, columns)) <= eps:
                for q in prime_powers(min(2 * columns, max_dim // columns)):
                    if q > columns:
                        most = min(_most_extra(q, columns), max_dim - q * columns)
                        yield from (cls(q, columns, extra) for extra in range(2, most + 1))

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """One further point a column, two, and a filling."""
        return cls(16, 8, 10), cls(9, 4, 10), cls(7, 4, 5, Simplex(7))
