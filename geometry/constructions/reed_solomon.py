"""Graphs of polynomials with Hadamard rows: q^(t+1) k lines in R^(qk) at t/k, and more in columns.

The points are (x, y) with x in k columns and y in GF(q); the graph of each polynomial of degree at
most t carries the rows of a Hadamard matrix on its k points. Two graphs meet in at most t points,
so vectors on different graphs have an inner product of at most t entries each: t/k. For t = 1
the graphs are the lines of a net. No graph contains two points of a column, so each column's R^q
can hold a whole packing beside them.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions import fillings, hadamard
from geometry.constructions.admissible import least_reciprocal
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["ReedSolomon"]

_BLOCK = 1 << 20  # points of graphs made at once
_MOST_POINTS = 1 << 26  # points of graphs that a check goes through, some seconds
_SAMPLE = 64  # polynomials with as many roots as columns allow, where not all are gone through
_LARGEST_INDEX = 2**63 - 1
_NEAR = 1e-6  # far above the rounding of a count's logarithm


@dataclass(frozen=True)
class ReedSolomon(Packing):
    """`columns` columns of `q` points, Hadamard rows of `order` on each graph, `fill` in columns.

    The graphs are those of the polynomials of degree at most `degree` = t. `order` lies in
    [`columns`, `columns` + t]: the first columns of the Hadamard matrix are dropped. Where `signs`
    are given, `order` sign rows of R^`columns` with inner products of at most t take the place of
    the Hadamard rows. With `columns` = `q` + 1 the last column belongs to infinity and holds the
    coefficient of x^t. Polynomials come first, each with its rows in order, then the fillings
    column by column; the base-`q` digits of a polynomial's number are its coefficients, the
    constant one lowest.
    """

    q: int
    columns: int
    order: int
    degree: int = 1
    fill: Packing | None = None
    signs: Packing | None = None

    name: ClassVar[str] = "Reed-Solomon"
    reference: ClassVar[str] = "Reed and Solomon 1960"

    def __post_init__(self) -> None:
        """Raise ValueError when the parameters do not fit together."""
        if prime_power(self.q) is None:
            raise ValueError(f"`q` must be a prime power; got {self.q}.")
        if not 2 <= self.columns <= self.q + 1:
            raise ValueError(f"`columns` must lie in [2, {self.q + 1}]; got {self.columns}.")
        if self.fill is not None and self.fill.dim != self.q:
            raise ValueError(f"`fill` must have dimension {self.q}; got {self.fill.dim}.")
        if not 1 <= self.degree < self.columns:
            raise ValueError(f"`degree` must lie in [1, {self.columns - 1}]; got {self.degree}.")
        if self.signs is not None:
            self._require_signs(self.signs)
            return
        most = self.columns + self.degree
        if not self.columns <= self.order <= most or not hadamard.is_constructible(self.order):
            raise ValueError(
                f"`order` must lie in [{self.columns}, {most}] and be that of a Hadamard matrix; "
                f"got {self.order}."
            )

    def _require_signs(self, signs: Packing) -> None:
        fits = (signs.dim, signs.blocks, signs.count) == (self.columns, self.columns, self.order)
        if not fits or signs.coherence > self._meeting:
            raise ValueError(
                f"`signs` must be {self.order} sign rows in {self.columns} dimensions with inner "
                f"products of at most {self.degree}; got {signs.words()}."
            )

    @property
    def dim(self) -> int:
        """`q` * `columns`."""
        return self.q * self.columns

    @property
    def count(self) -> int:
        """`q`^(`degree` + 1) * `order`, and `columns` times the filling's count."""
        return self._on_graphs + self.columns * (self.fill.count if self.fill else 0)

    @property
    def _on_graphs(self) -> int:
        return int(self.q ** (self.degree + 1)) * self.order

    @property
    def _meeting(self) -> Cosine:
        return Cosine.ratio(Fraction(self.degree, self.columns))

    @property
    def coherence(self) -> Cosine:
        """The largest of t/`columns`, the filling's coherence, and its peak/sqrt(`columns`)."""
        return fillings.coherence(self._meeting, self.fill, self.columns)

    @property
    def exact(self) -> bool:
        """Graphs that meet t times, with the same signs, attain t/k; above it the fill decides."""
        return fillings.attained(self._meeting, self.fill, self.columns)

    @property
    def peak_square(self) -> Fraction:
        """The larger of 1/`columns` and the filling's."""
        return fillings.peak_square(self.fill, self.columns)

    @property
    def blocks(self) -> int | None:
        """`columns`, of one point each on a graph; without a filling only."""
        return self.columns if self.fill is None else None

    @property
    def tight(self) -> bool:
        """Columns of a Hadamard matrix are orthogonal and graphs cover all points alike."""
        return all(part is None or part.tight for part in (self.fill, self.signs))

    @property
    def proof(self) -> str:
        """Two graphs meet in at most t points."""
        if self.degree == 1:
            own = (
                "Two lines of a net meet in at most one point, and on one line rows of a Hadamard "
                "matrix less at most one column have inner products of at most 1 (nets with "
                "Hadamard matrices: Wocjan and Beth 2005)."
            )
        else:
            own = (
                f"Two polynomials of degree at most {self.degree} agree in at most {self.degree} "
                f"points, infinity among them (Reed and Solomon 1960), and on one graph rows of a "
                f"Hadamard matrix less at most {self.degree} columns have inner products of at "
                f"most {self.degree}."
            )
        if self.signs is not None:
            own = f"{own} Here other sign rows take their place. {self.signs.proof}"
        if self.fill is None:
            return own
        graph = "line" if self.degree == 1 else "graph"
        return f"{own} A {graph} meets a column in one entry of the filling. {self.fill.proof}"

    def _rows_in_words(self) -> str:
        if self.signs is not None:
            return f"({self.signs.words()})"
        dropped = self.order - self.columns
        less = {0: "", 1: " less a column"}.get(dropped, f" less {dropped} columns")
        return f"Hadamard rows of order {self.order} ({hadamard.words(self.order)}){less}"

    def words(self) -> str:
        """The recipe in words."""
        signs = self._rows_in_words()
        if self.degree == 1:
            own = (
                f"net of {self.q} points in {self.columns} columns, {signs} on each of "
                f"{self.q**2} lines"
            )
        else:
            own = (
                f"graphs of the {self.q}^{self.degree + 1} polynomials of degree at most "
                f"{self.degree} over GF({self.q}) in {self.columns} columns of {self.q} points, "
                f"{signs} on each"
            )
        return own if self.fill is None else f"{own}, each column filled with {self.fill.words()}"

    def _coefficients(self, polynomials: Indices) -> NDArray[np.int64]:
        """The coefficients of x^0, x^1, ...: `[n, w]`, w <= t + 1; all later ones are 0."""
        places = [1]
        while len(places) <= self.degree and places[-1] * self.q <= _LARGEST_INDEX:
            places.append(places[-1] * self.q)
        return np.asarray(polynomials[:, None] // np.array(places) % self.q)

    def _heights(self, coefficients: NDArray[np.int64]) -> NDArray[np.int64]:
        """The values of polynomials with `coefficients` `[n, w]` in every column: `[n, columns]`.

        By Horner's rule.
        """
        gf, points = field(self.q), np.arange(min(self.columns, self.q))
        heights = np.zeros((len(coefficients), len(points)), np.int64)
        for place in reversed(range(coefficients.shape[1])):
            heights = gf.add(gf.multiply(heights, points), coefficients[:, place, None])
        if self.columns > self.q:
            full = coefficients.shape[1] > self.degree
            leading = coefficients[:, -1] if full else np.zeros(len(coefficients), np.int64)
            heights = np.concatenate([heights, leading[:, None]], axis=1)
        return heights

    def _signs(self, indices: Indices) -> NDArray[np.int8]:
        """Of the rows that each graph carries those with `indices` `[n]`: `[n, columns]`."""
        if self.signs is not None:
            return np.asarray(self.signs.rows(indices).values, np.int8)
        return hadamard.matrix(self.order)[indices, self.order - self.columns :]

    def rows(self, indices: Indices) -> Rows:
        """Signs on a graph's points with squared norm `columns`, or a column's filling."""
        on_graphs = np.flatnonzero(indices < self._on_graphs)
        in_columns = np.flatnonzero(indices >= self._on_graphs)
        polynomial, sign = np.divmod(indices[on_graphs], self.order)
        filling = None
        dtype: np.dtype[np.generic] = np.dtype(np.int8)
        if self.fill is not None and len(in_columns):
            column, inner = np.divmod(indices[in_columns] - self._on_graphs, self.fill.count)
            filling = self.fill.rows(inner)
            dtype = np.result_type(dtype, filling.values.dtype)
        values = np.zeros((len(indices), self.dim), dtype)
        norms = np.full(len(indices), self.columns, np.int64)
        points = self._heights(self._coefficients(polynomial)) + self.q * np.arange(self.columns)
        values[on_graphs[:, None], points] = self._signs(sign)
        if filling is not None:
            places = self.q * column[:, None] + np.arange(self.q)
            values[in_columns[:, None], places] = filling.values
            norms[in_columns] = filling.squared_norms
        return Rows(values, norms)

    def _meetings(self, degree: int) -> tuple[bool, int]:
        """Of the polynomials up to `degree`: are they additive, and the most roots of a non-zero.

        O(q^(degree + 1) k): every polynomial is compared with the sum of its monomials, and those
        with the additive group of the field.
        """
        gf, width = field(self.q), degree + 1
        single = np.eye(width, dtype=np.int64)[:, None, :] * gf.elements[:, None]
        monomials = [self._heights(coefficients) for coefficients in single]
        additive = all(
            np.array_equal(gf.add(heights, heights[place]), heights[gf.add(gf.elements, place)])
            for heights in monomials
            for place in gf.places
        )
        most, step = 0, max(1, _BLOCK // self.columns)
        for start in range(0, self.q**width, step):
            numbers = np.arange(start, min(start + step, self.q**width))
            coefficients = self._coefficients(numbers)[:, :width]
            heights = self._heights(coefficients)
            total = np.zeros_like(heights)
            for place, values in enumerate(monomials):
                total = gf.add(total, values[coefficients[:, place]])
            additive &= np.array_equal(total, heights)
            roots = (heights == 0).sum(axis=1)[numbers > 0]
            most = max(most, int(roots.max(initial=0)))
        return additive, most

    def _rooted(self) -> NDArray[np.int64]:
        """Coefficients of some polynomials with t different roots among the columns' points.

        Shape `[_SAMPLE, t + 1]`; the roots are the columns that begin at random places.
        """
        gf = field(self.q)
        generator = np.random.default_rng(self.dim)
        finite = min(self.columns, self.q)
        first = generator.integers(0, finite, _SAMPLE)
        product = np.zeros((_SAMPLE, self.degree + 1), np.int64)
        product[:, 0] = generator.integers(1, self.q, _SAMPLE)
        for factor in range(self.degree):
            root = (first + factor) % finite
            raised = np.roll(product, 1, axis=1)  # the last coefficient is still 0
            product = gf.subtract(raised, gf.multiply(product, root[:, None]))
        return product

    def orbit_check(self) -> OrbitCheck:
        """Adding a polynomial to all keeps their meetings: graph 0 stands for all.

        Its meetings with the others, the roots of the non-zero polynomials, are counted, up to
        the largest degree at which there are 2^26 points on graphs or fewer, and so are
        the inner products of the Hadamard rows and the entries of the filling. Pairs whose
        difference has a larger degree rest on the theorem that it has at most t roots, and only
        polynomials made to have t are looked at: the check is then not whole.
        """
        degree = self.degree
        while degree > 0 and self.q ** (degree + 1) * self.columns > _MOST_POINTS:
            degree -= 1
        additive, most = self._meetings(degree)
        whole = degree == self.degree
        expected = most == degree if whole else most <= self.degree
        if not whole:
            roots = (self._heights(self._rooted()) == 0).sum(axis=1)
            expected = expected and bool((roots == self.degree).all())
        holds = additive and expected
        if self.signs is None:
            signs = self._signs(np.arange(self.order)).astype(np.int64)
            off = np.abs(signs @ signs.T - self.columns * np.eye(self.order, dtype=np.int64)).max()
            holds = holds and int(off) <= self.order - self.columns
        graphs, near = self.q ** (self.degree + 1), self.q ** (degree + 1)
        pairs = self._on_graphs * (near * self.order - 1) // 2
        if self.signs is not None:  # the pairs on one graph have a certificate of their own
            pairs -= graphs * (self.order * (self.order - 1) // 2)
        plural = "" if most == 1 else "s"
        detail = (
            f"graph 0 shares {most} point{plural} at most with the other {near - 1} of degree up "
            f"to {degree}, which addition carries to all {'' if whole else 'such '}pairs; "
            f"{'' if whole else f'{graphs - near} more by the number of roots; '}"
            f"{self.order} sign rows on {self.columns} points"
        )
        if self.fill is None:
            return OrbitCheck(holds, pairs, detail, whole)
        filled = self.columns * self.fill.count
        pairs += self.columns * (self.columns - 1) // 2 * self.fill.count**2
        proved = fillings.peak_proved(self.fill)
        if proved is None:  # then the pairs of a graph and a filling's line rest on its theorem
            entries = "of the filling by its theorem"
        else:
            pairs += self._on_graphs * filled
            entries = f"of the filling at most {math.sqrt(self.fill.peak_square):.4g}"
        whole &= proved is not None
        return OrbitCheck(
            holds and proved is not False, pairs, f"{detail}; entries {entries}", whole
        )

    def inner(self) -> tuple[tuple[Packing, int], ...]:
        """The filling, once a column, and other sign rows than Hadamard's, once a graph."""
        found = [] if self.fill is None else [(self.fill, self.columns)]
        if self.signs is not None:
            found.append((self.signs, self._on_graphs // self.order))
        return tuple(found)

    @classmethod
    def with_signs(cls, signs: Packing, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those whose graphs carry `signs`, sign rows with coherence <= `eps`, for every q."""
        columns = signs.dim
        degree = math.floor(eps.bounds()[0] * columns)
        if 1 <= degree < columns:
            for q in prime_powers(max_dim // columns):
                if q >= columns - 1:
                    yield cls(q, columns, signs.count, degree, None, signs)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those without a filling, no other of which has as many lines in as few dimensions."""
        least = least_reciprocal(eps)
        if least is None:
            return
        # A bound from below keeps t/k <= eps for irrational eps.
        square = eps.square_bounds(1024)[0]
        widest = math.isqrt(max_dim) + 1  # columns * (columns - 1) <= max_dim
        powers = np.array(prime_powers(max(max_dim // 2, 2)))
        orders = hadamard.orders(2 * widest)
        found = []
        for columns in range(max(least, 2), widest + 1):
            degree = math.isqrt(math.floor(square * columns * columns))
            order = orders[bisect_right(orders, columns + degree) - 1]
            if order < columns:
                continue
            allowed = powers[(powers >= columns - 1) & (powers * columns <= max_dim)]
            logs = (degree + 1) * np.log(allowed) + math.log(order)
            fixed = np.full((3, len(allowed)), [[columns], [order], [degree]])
            found.append(np.stack([allowed * columns, logs, allowed, *fixed]))
        if not found:
            return
        table = np.concatenate(found, axis=1)
        table = table[:, np.lexsort((-table[1], table[0]))]
        # Counts can have thousands of bits: logarithms sort out all but near ties.
        before = np.maximum.accumulate(np.concatenate([[0], table[1, :-1]]))
        most = 0
        for q, columns, order, degree in (
            table[2:, table[1] > before - _NEAR].T.astype(int).tolist()
        ):
            packing = cls(q, columns, order, degree)
            if packing.count > most:
                most = packing.count
                yield packing

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All without a filling."""
        for q in prime_powers(math.isqrt(max(most_lines // 2, 1))):
            for columns in range(2, q + 2):
                for degree in range(1, columns):
                    most = min(columns + degree, most_lines // q ** (degree + 1))
                    orders = hadamard.orders(most)
                    if most < columns:
                        break
                    for order in orders[bisect_left(orders, columns) :]:
                        yield cls(q, columns, order, degree)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """A net with all its columns, one that is filled, and cubics."""
        return cls(7, 8, 8), cls(9, 8, 8, 1, Simplex(9)), cls(5, 6, 8, 3)
