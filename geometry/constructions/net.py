"""Nets with Hadamard rows: q^2 k lines in R^(qk) at 1/k, and more in the columns.

The points are (x, y) with x in k columns and y in GF(q); each line y = ax + b carries the rows of
a Hadamard matrix on its k points. Two lines of the net meet in at most one point, so vectors on
different lines have an inner product of at most one entry each: 1/k. No line contains two
points of a column, so each column's R^q can hold a whole packing beside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import hadamard
from geometry.constructions.admissible import least_reciprocal
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.fillings import peak_proved
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Net"]

# Coordinates of supports made at once.
_BLOCK = 1 << 21


@dataclass(frozen=True)
class Net(Packing):
    """`columns` columns of `q` points, Hadamard rows of `order` on each line, `fill` in columns.

    `order` is `columns`, or `columns` + 1: then one column of the Hadamard matrix is dropped.
    With `columns` = `q` + 1 the last column belongs to infinity and holds the slope. Lines come
    first, line a * q + b with its rows in order, then the fillings column by column.
    """

    q: int
    columns: int
    order: int
    fill: Packing | None = None

    name: ClassVar[str] = "net"

    def __post_init__(self) -> None:
        """Raise ValueError when the parameters do not fit together."""
        if prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power; got {self.q}.")
        if not 2 <= self.columns <= self.q + 1:
            raise ValueError(f"`columns` must lie in [2, {self.q + 1}]; got {self.columns}.")
        if self.order - self.columns not in (0, 1) or not hadamard.is_constructible(self.order):
            raise ValueError(
                f"`order` must be {self.columns} or {self.columns + 1} and that of a Hadamard "
                f"matrix; got {self.order}."
            )
        if self.fill is None:
            return
        if self.fill.dim != self.q:
            raise ValueError(f"`fill` must have dimension {self.q}; got {self.fill.dim}.")

    @property
    def dim(self) -> int:
        """`q` * `columns`."""
        return self.q * self.columns

    @property
    def count(self) -> int:
        """`q`^2 * `order`, and `columns` times the filling's count."""
        return self._net_count + self.columns * (self.fill.count if self.fill else 0)

    @property
    def _net_count(self) -> int:
        return self.q * self.q * self.order

    @property
    def coherence(self) -> Cosine:
        """The largest of 1/`columns`, the filling's coherence, and its peak/sqrt(`columns`)."""
        net = Cosine.ratio(Fraction(1, self.columns))
        if self.fill is None:
            return net
        return max(net, self.fill.coherence, Cosine(self.fill.peak_square / self.columns))

    @property
    def exact(self) -> bool:
        """Lines attain 1/`columns`; above it the filling decides."""
        least = Cosine.ratio(Fraction(1, self.columns))
        return self.coherence == least or (self.fill is not None and self.fill.exact)

    @property
    def peak_square(self) -> Fraction:
        """The larger of 1/`columns` and the filling's."""
        net = Fraction(1, self.columns)
        return net if self.fill is None else max(net, self.fill.peak_square)

    @property
    def proof(self) -> str:
        """Two lines meet in at most one point."""
        net = (
            "Two lines of a net meet in at most one point, and on one line rows of a Hadamard "
            "matrix less at most one column have inner products of at most 1 (nets with Hadamard "
            "matrices: Wocjan and Beth 2005)."
        )
        if self.fill is None:
            return net
        return f"{net} A line meets a column in one entry of the filling. {self.fill.proof}"

    def words(self) -> str:
        """The recipe in words."""
        less = " less a column" if self.order > self.columns else ""
        net = (
            f"net of {self.q} points in {self.columns} columns, Hadamard rows of order "
            f"{self.order} ({hadamard.words(self.order)}){less} on each of {self.q**2} lines"
        )
        return net if self.fill is None else f"{net}, each column filled with {self.fill.words()}"

    def _slopes(self, slopes: Indices) -> NDArray[np.int64]:
        """a * x for a in `slopes` `[n]` and every finite column x: `[n, min(columns, q)]`."""
        return field(self.q).multiply(slopes[:, None], np.arange(min(self.columns, self.q)))

    def _supports(self, lines: Indices) -> NDArray[np.int64]:
        """The coordinates of the points of `lines` `[n]`, column by column: `[n, columns]`."""
        slope, offset = np.divmod(lines, self.q)
        heights = field(self.q).add(self._slopes(slope), offset[:, None])
        if self.columns > self.q:
            heights = np.concatenate([heights, slope[:, None]], axis=1)
        return heights + self.q * np.arange(self.columns)

    def _signs(self) -> NDArray[np.int8]:
        """The rows `[order, columns]` that each line carries."""
        return hadamard.matrix(self.order)[:, self.order - self.columns :]

    def rows(self, indices: Indices) -> Rows:
        """Signs on a line's points with squared norm `columns`, or a column's filling."""
        on_lines = np.flatnonzero(indices < self._net_count)
        in_columns = np.flatnonzero(indices >= self._net_count)
        line, sign = np.divmod(indices[on_lines], self.order)
        filling = None
        dtype: np.dtype[np.generic] = np.dtype(np.int8)
        if self.fill is not None and len(in_columns):
            column, inner = np.divmod(indices[in_columns] - self._net_count, self.fill.count)
            filling = self.fill.rows(inner)
            dtype = np.result_type(dtype, filling.values.dtype)
        values = np.zeros((len(indices), self.dim), dtype)
        norms = np.full(len(indices), self.columns, np.int64)
        values[on_lines[:, None], self._supports(line)] = self._signs()[sign]
        if filling is not None:
            places = self.q * column[:, None] + np.arange(self.q)
            values[in_columns[:, None], places] = filling.values
            norms[in_columns] = filling.squared_norms
        return Rows(values, norms)

    def orbit_check(self) -> OrbitCheck:
        """The translations y -> y + ax + b carry line 0 to every line, so its meetings decide.

        Counts the points that line 0 shares with each of the q^2 - 1 others, O(q^2 k), checks
        that supports are additive in the slope, the Hadamard rows, and the filling's entries.
        """
        gf = field(self.q)
        heights = self._slopes(gf.elements)
        additive = all(
            np.array_equal(gf.add(heights, heights[place]), heights[gf.add(gf.elements, place)])
            for place in gf.places
        )
        base = self._supports(np.zeros(1, np.int64))
        step = max(1, _BLOCK // self.columns)
        meetings = 0
        for start in range(1, self.q**2, step):
            others = np.arange(start, min(start + step, self.q**2))
            meetings = max(meetings, int((self._supports(others) == base).sum(axis=1).max()))
        signs = self._signs().astype(np.int64)
        off = np.abs(signs @ signs.T - self.columns * np.eye(self.order, dtype=np.int64)).max()
        holds = additive and meetings == 1 and int(off) <= self.order - self.columns
        pairs = self.count * (self.count - 1) // 2
        detail = (
            f"line 0 shares {meetings} point at most with the other {self.q**2 - 1} lines, which "
            f"the translations carry to all pairs; {self.order} Hadamard rows on {self.columns} "
            f"points"
        )
        if self.fill is None:
            return OrbitCheck(holds, pairs, detail)
        own = self.fill.count * (self.fill.count - 1) // 2
        pairs -= self.columns * own
        proved = peak_proved(self.fill)
        if proved is None:  # then the pairs of a line and a filling's line rest on its theorem
            pairs -= self._net_count * self.columns * self.fill.count
            entries = "of the filling by its theorem"
        else:
            entries = f"of the filling at most {math.sqrt(self.fill.peak_square):.4g}"
        return OrbitCheck(
            holds and proved is not False, pairs, f"{detail}; entries {entries}", proved is not None
        )

    def inner(self) -> tuple[tuple[Packing, int], ...]:
        """The filling, once a column."""
        return () if self.fill is None else ((self.fill, self.columns),)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Nets without a filling, no other of which has as many lines in as few dimensions."""
        least = least_reciprocal(eps)
        if least is None:
            return
        least = max(least, 2)
        powers = np.array(prime_powers(max(max_dim // 2, 2)))
        found = []
        for order in hadamard.orders(max_dim):
            # With a column to spare, dropping one saves dimensions and loses no line.
            columns = order - 1 if order > least else order
            if columns < least:
                continue
            if columns * (columns - 1) > max_dim:
                break
            allowed = powers[(powers >= columns - 1) & (powers * columns <= max_dim)]
            fixed = np.full((2, len(allowed)), [[columns], [order]])
            found.append(np.stack([allowed * columns, allowed**2 * order, allowed, *fixed]))
        if not found:
            return
        table = np.concatenate(found, axis=1)
        table = table[:, np.lexsort((-table[1], table[0]))]
        before = np.maximum.accumulate(np.concatenate([[0], table[1, :-1]]))
        for q, columns, order in table[2:, table[1] > before].T.tolist():
            yield cls(q, columns, order)
