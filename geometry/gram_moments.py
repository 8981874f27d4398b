"""Exact moments of the cosines between n rows, without looking at the n² pairs.

Let U be the rows of a matrix `[n, d]` divided by their norms, G = U Uᵀ their cosines, F = UᵀU the
frame operator and t the sum of the unit rows.  Then

    sum_ij G_ij = t·t,    sum_ij G_ij² = ‖F‖_F²,    sum_i (sum_j G_ij)² = tᵀF t,

so that the mean and the mean square over the pairs i ≠ j need F `[d, d]` and t alone (Welch 1974;
Benedetto and Fickus, "Finite normalized tight frames", Adv. Comput. Math. 18, 2003, section 6: the
frame potential), and so do those of any row.  F and G have the same eigenvalues but for zeros.
Where n < d the same numbers come from G `[n, n]`, which is then the smaller of the two.

All in float64 on the host.  Rows are streamed: memory is O(min(n, d)² + n + block·d).  The floor of
the work is n·d²/2 multiply-adds (n²d/2 where n < d) and one look at every entry, twice n·d for the
rest; F is built by a symmetric rank-k update (BLAS dsyrk), which does half of the full product.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.linalg import blas

from geometry import rows as on_demand
from geometry.capacity import RowMoments
from geometry.rows import RowSource

__all__ = ["LARGEST_NORM", "LARGEST_SIDE", "GramMoments", "moments"]

LARGEST_SIDE = 1 << 14
"""Largest min(n, d): F or G then takes 2 GiB, and its eigenvalues minutes."""
LARGEST_NORM = 2.0**1022
"""Largest norm of a row: the mean, and the rows less the mean, are then finite as well."""
_BLOCK_ENTRIES = 1 << 22
# Where scaling stops: 2^1000 is finite, and the smallest float is 2^-74 then.
_LEAST_EXPONENT = -1000


@dataclass(frozen=True, eq=False)
class GramMoments:
    """What the Gram matrix of the rows that are not zero holds.  n is their number.

    - `norms` `[all rows]`; `zero` `[z]` int64: the rows left out.
    - `mean_row` `[d]`: the mean of the rows as given, zero rows left out.
    - `mean_cosine`, `mean_square`: of G_ij over pairs i ≠ j.
    - `row_mean_square`: the mean over rows i of (mean of G_ij over j ≠ i)².
    - `eigenvalues` `[min(n, d)]` of F, falling; they sum to n.
    - `row_participation` `[n]`, `column_participation` `[d]`: (sum u²)² / sum u⁴ along the unit
      rows and along the columns, as `capacity.participation_ratio`; 0 for a column of zeros.
    - `total` `[d]`: t.  `square` is F `[d, d]`, or G `[n, n]` where there were fewer rows than d,
      zero rows among them.
    """

    norms: NDArray[np.float64]
    zero: NDArray[np.int64]
    mean_row: NDArray[np.float64]
    mean_cosine: float
    mean_square: float
    row_mean_square: float
    eigenvalues: NDArray[np.float64]
    row_participation: NDArray[np.float64]
    column_participation: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Rows that are not zero."""
        return len(self.row_participation)

    @property
    def dim(self) -> int:
        """Entries of a row."""
        return len(self.total)

    @property
    def effective_dimension(self) -> float:
        """(sum λ)² / sum λ² over the eigenvalues of F, from 1 to min(n, d).

        n²/(n + n(n-1)·mean_square): about 1/mean_square for many rows, d for a tight frame.
        """
        return float(self.eigenvalues.sum() ** 2 / (self.eigenvalues**2).sum())

    def of_rows(self, which: NDArray[np.int64], units: NDArray[np.float64]) -> RowMoments:
        """Return the mean and mean square of G_ij over j ≠ i for some rows i.

        `which` `[m]` are their places among the rows that are not zero, `units` `[m, d]` the rows
        divided by their norms.  Equal to `capacity.off_diagonal_moments` of all rows, at m d²
        multiply-adds, or m n additions where `square` is G.
        """
        others = self.count - 1
        own = np.einsum("nd,nd->n", units, units)
        if self._by_rows:
            cosines = self.square[which]
            first, second = cosines.sum(axis=1), np.einsum("nm,nm->n", cosines, cosines)
        else:
            first = units @ self.total
            second = np.einsum("nd,nd->n", units @ self.square, units)
        return RowMoments((first - own) / others, np.maximum(second - own**2, 0) / others)

    @property
    def _by_rows(self) -> bool:
        """Whether `square` is G, which was chosen where n < d with the zero rows counted."""
        return len(self.square) < self.dim


def moments(
    vectors: ArrayLike | RowSource,
    *,
    least: float = 0.0,
    block: int | None = None,
    step: Callable[[int], None] | None = None,
) -> GramMoments:
    """Return the moments of the rows `[n, d]`; rows of norm at most `least` count as zero.

    `block` rows are held at a time, by default as many as fill 32 MiB.  `step` is called with the
    number of rows as they are done; they sum to n.  Raises ValueError for a row that is not finite
    or of norm above `LARGEST_NORM`, for fewer than two that are not zero, and for min(n, d) above
    `LARGEST_SIDE`.
    """
    source = on_demand.of(vectors)
    if len(source.shape) != 2 or 0 in source.shape:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {source.shape}.")
    count, dim = source.shape
    if min(count, dim) > LARGEST_SIDE:
        raise ValueError(
            f"`vectors` must have min(n, d) at most {LARGEST_SIDE}; got shape {source.shape}."
        )
    size = max(1, min(count, _BLOCK_ENTRIES // dim)) if block is None else block
    walk = _Walk(source, size, least)
    return (_from_frame if count >= dim else _from_gram)(walk, step or (lambda done: None))


class _Block(NamedTuple):
    """Some rows of the source: `place`, their norms, and the unit rows `[k, d]` of `kept` `[k]`."""

    place: slice
    norms: NDArray[np.float64]
    kept: NDArray[np.int64]
    units: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Walk:
    """The source in blocks."""

    source: RowSource
    size: int
    least: float

    def blocks(self, start: int = 0) -> Iterator[_Block]:
        """Yield the blocks from row `start` on."""
        for first in range(start, self.source.shape[0], self.size):
            place = slice(first, min(first + self.size, self.source.shape[0]))
            yield self._block(place)

    def _block(self, place: slice) -> _Block:
        given = self.source.rows(place)
        norms = np.zeros(len(given))
        there = np.flatnonzero((given != 0).any(axis=1))
        # Rows of zeros may be most of a matrix, and cost no more than a look.
        rows = np.array(given if len(there) == len(given) else given[there], np.float64, order="C")
        peak = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
        # Scaled by a power of two before they are squared, so that nothing over- or underflows.
        scale = np.ldexp(1.0, -np.maximum(np.frexp(peak)[1], _LEAST_EXPONENT))
        rows *= scale[:, None]
        length = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        with np.errstate(over="ignore"):
            norms[there] = length / scale
        good = norms[there] <= LARGEST_NORM
        if not good.all():
            bad = place.start + int(there[np.argmin(good)])
            raise ValueError(
                f"`vectors` must be finite and of norm at most {LARGEST_NORM:.3g}; number {bad} is "
                "not."
            )
        rows /= length[:, None]
        large = norms[there] > self.least
        if not large.all():
            there, rows = there[large], rows[large]
        return _Block(place, norms, there + place.start, rows)


class _Sums:
    """What both sides need of every row."""

    def __init__(self, count: int, dim: int) -> None:
        self.norms = np.zeros(count)
        self.there = np.zeros(count, np.bool_)
        self.participation = np.zeros(count)
        self.total = np.zeros(dim)
        # The sum of the rows as given, times 2^-exponent: it may be too large for a float.
        self.given, self.exponent = np.zeros(dim), -2000
        self.squares, self.fourths = np.zeros(dim), np.zeros(dim)

    def add(self, block: _Block) -> None:
        """Add a block."""
        units = block.units
        self.norms[block.place], self.there[block.kept] = block.norms, True
        self.total += units.sum(axis=0)
        lengths = self.norms[block.kept]
        exponent = max(self.exponent, int(np.frexp(lengths.max(initial=0))[1]))
        self.given = np.ldexp(self.given, self.exponent - exponent)
        self.given += np.ldexp(lengths, -exponent) @ units
        self.exponent = exponent
        squares = units**2
        self.squares += squares.sum(axis=0)
        second = squares.sum(axis=1)
        np.square(squares, out=squares)
        self.fourths += squares.sum(axis=0)
        self.participation[block.kept] = second**2 / squares.sum(axis=1)

    def moments(
        self, square: NDArray[np.float64], first: float, second: float, rows: float
    ) -> GramMoments:
        """All moments, from the sums of G_ij, of G_ij², and of the squared row sums less 1."""
        count = int(self.there.sum())
        pairs = count * (count - 1)
        values = linalg.eigvalsh(square, check_finite=False)[::-1]
        columns = np.zeros_like(self.squares)
        np.divide(self.squares**2, self.fourths, out=columns, where=self.fourths > 0)
        return GramMoments(
            norms=self.norms,
            zero=np.flatnonzero(~self.there),
            mean_row=np.ldexp(self.given / count, self.exponent),
            mean_cosine=(first - count) / pairs,
            mean_square=max(second - count, 0.0) / pairs,
            row_mean_square=max(rows, 0.0) / (pairs * (count - 1)),
            # A frame operator has no negative eigenvalues; rounding may say otherwise.
            eigenvalues=np.maximum(values[: min(count, len(self.total))], 0),
            row_participation=self.participation[self.there],
            column_participation=columns,
            total=self.total,
            square=square,
        )

    def need_two(self) -> None:
        """Hold that there are pairs."""
        if self.there.sum() < 2:
            raise ValueError(
                f"`vectors` must hold at least 2 that are not zero; got {self.there.sum()}."
            )


def _from_frame(walk: _Walk, step: Callable[[int], None]) -> GramMoments:
    count, dim = walk.source.shape
    sums = _Sums(count, dim)
    frame = np.zeros((dim, dim), order="F")
    for block in walk.blocks():
        if len(block.kept):
            # The transpose of a C-ordered block is what BLAS reads without a copy.
            frame = blas.dsyrk(1.0, block.units.T, beta=1.0, c=frame, overwrite_c=1)
        sums.add(block)
        step(len(block.norms))
    sums.need_two()
    _mirror(frame)
    total = sums.total
    first, second = float(total @ total), float(np.vdot(frame, frame))
    # sum_i (t·u_i - 1)²
    rows = float(total @ frame @ total) - 2 * first + float(sums.there.sum())
    return sums.moments(frame, first, second, rows)


def _from_gram(walk: _Walk, step: Callable[[int], None]) -> GramMoments:
    count, dim = walk.source.shape
    sums = _Sums(count, dim)
    gram = np.zeros((count, count))
    for start in range(0, count, walk.size):
        top = None
        for block in walk.blocks(start):
            top = top or block
            gram[np.ix_(top.kept, block.kept)] = top.units @ block.units.T
            if start == 0:
                sums.add(block)
        step(min(walk.size, count - start))
    sums.need_two()
    # The blocks above the diagonal are there; those on it are symmetric already.
    _mirror(gram)
    gram = gram[np.ix_(sums.there, sums.there)]
    by_row = gram.sum(axis=1)
    second = float(np.vdot(gram, gram))
    return sums.moments(gram, float(by_row.sum()), second, float(((by_row - 1) ** 2).sum()))


def _mirror(square: NDArray[np.float64]) -> None:
    """Copy the upper triangle onto the lower one, in place."""
    for at in range(0, len(square), 1024):
        part = slice(at, min(at + 1024, len(square)))
        square[part.stop :, part] = square[part, part.stop :].T
        inner = square[part, part]
        square[part, part] = np.triu(inner) + np.triu(inner, 1).T
