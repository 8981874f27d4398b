"""The |cos| of an audit's pairs: all of them, or those of a sample of rows with all rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import audit_matrix

if TYPE_CHECKING:
    from experiments.audit_matrix import View
    from experiments.harness.progress import Step
    from geometry.rows import Crew

__all__ = ["BINS", "QUANTILES", "Seen", "all_pairs", "cosines", "groups_of", "sampled_pairs"]

BINS = 256
"""Bins of |cos| on [0, 1] that are kept for the figures."""
QUANTILES = (0.5, 0.9, 0.99, 0.999, 0.9999)
_GROUPS = 32
# A histogram for each group has to stay in the cache.
_SAMPLED_BINS = 1 << 14
_ENTRIES = 1 << 22


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of the pairs of one view.

    - `counts` `[BINS]`: pairs by |cos|.  `nearest` `[n]`, or `[m]` of a sample: each row's largest
      |cos| with another.
    - `quantiles`: for each of `QUANTILES` the interval in which it lies: a bin of all pairs, or
      95% over the sampled rows.
    - `first`, `second`, `cosine`: the closest pairs by places in the view, |cos| in float64,
      falling.  `unseen`: no other pair has a larger |cos|; None where only a sample was seen.
    - `square`: an interval for the mean square of the pairs that were seen, from their bins;
      `exact_square`: the same for just these rows, from the moments; `square_error`: the standard
      error of that as an estimate for all rows, 0 where all were seen.
    """

    counts: NDArray[np.int64]
    nearest: NDArray[np.float64]
    quantiles: list[tuple[float, float]]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosine: NDArray[np.float64]
    unseen: float | None
    square: tuple[float, float]
    exact_square: float
    square_error: float


def all_pairs(view: View, count: int, step: Step, crew: Crew) -> Seen:
    """Compare every pair, twice: once for the counts, once for the closest."""
    from geometry import closest, spectrum

    found = spectrum.spectrum(view.rows, crew=crew, step=step)
    near = closest.pairs(view.rows, count, crew=crew, step=step)
    fine = found.absolute()
    return Seen(
        counts=fine.reshape(BINS, -1).sum(axis=1),
        nearest=np.asarray(found.nearest, np.float64),
        quantiles=[spectrum.quantile(fine, share) for share in QUANTILES],
        first=near.first,
        second=near.second,
        cosine=near.cosine,
        unseen=near.unseen,
        square=_square(fine, view.moments.dim),
        exact_square=view.moments.mean_square,
        square_error=0.0,
    )


def sampled_pairs(
    view: View,
    chosen: NDArray[np.int64],
    count: int,
    equal: Sequence[NDArray[np.int64]],
    step: Step,
    crew: Crew,
) -> Seen:
    """Compare the chosen rows `[m]`, in random order, with all; m is divided by `groups_of(m)`.

    `equal` are groups of rows of the matrix that are equal: pairs of |cos| 1, sampled or not.
    """
    from geometry import spectrum

    groups = groups_of(len(chosen))
    found = spectrum.sampled(
        view.rows, chosen, groups=groups, bins=_SAMPLED_BINS, crew=crew, step=step
    )
    by_group = spectrum.absolute(found.counts)
    fine = by_group.sum(axis=0)
    share = len(chosen) / view.count
    squares = _row_squares(view, np.sort(chosen))
    known = _equal(view, equal, count)
    near = _closest(view, chosen, found.nearest, count).with_more(known, 2 * count)
    near = near.each_once(count)
    return Seen(
        counts=fine.reshape(BINS, -1).sum(axis=1),
        nearest=np.asarray(found.nearest, np.float64),
        quantiles=[_woodruff(by_group, level, share) for level in QUANTILES],
        first=near.ends[:, 0],
        second=near.ends[:, 1],
        cosine=near.cosine,
        unseen=None,
        square=_square(fine, view.moments.dim),
        exact_square=float(squares.mean()),
        square_error=_error(squares, share),
    )


def groups_of(sample: int) -> int:
    """Return the number of groups into which a sample of rows is divided for intervals."""
    return _GROUPS if sample >= 2 * _GROUPS else _GROUPS // 4


def _woodruff(by_group: NDArray[np.int64], level: float, share: float) -> tuple[float, float]:
    """An interval at 95% for a quantile over all pairs, from groups of sampled rows `[g, bins]`.

    The share of a group's pairs below the estimate is a mean over its rows; the mean over groups
    has Student's interval, and the quantiles at its ends enclose the wanted one (Woodruff,
    "Confidence intervals for medians and other position measures", J. Amer. Statist. Assoc. 47,
    1952).  `share` is that of all rows which the sample holds.
    """
    from scipy import stats

    from geometry import spectrum

    fine = by_group.sum(axis=0)
    high = round(spectrum.quantile(fine, level)[1] * len(fine))
    below = by_group[:, :high].sum(axis=1) / by_group.sum(axis=1)
    reach = float(stats.t.ppf(0.975, len(by_group) - 1)) * _error(below, share)
    low = spectrum.quantile(fine, max(level - reach, 0.0))[0]
    return low, spectrum.quantile(fine, min(level + reach, 1.0))[1]


def _error(values: NDArray[np.float64], share: float) -> float:
    """Standard error of a mean over a sample without replacement, `share` of the population."""
    return float(values.std(ddof=1)) * math.sqrt((1 - share) / len(values))


def _square(counts: NDArray[np.int64], dim: int) -> tuple[float, float]:
    """Bounds on the mean square from the bins, which hold float32 values of |cos|."""
    from geometry import rounding

    edges = np.arange(len(counts) + 1) / len(counts)
    slack = rounding.float32_bound(dim)
    low, high = np.maximum(edges[:-1] - slack, 0) ** 2, (edges[1:] + slack) ** 2
    total = counts.sum()
    return float(counts @ low / total), float(counts @ high / total)


def _row_squares(view: View, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """The exact mean square of a row's cosines with all others, for some rows."""
    return view.moments.of_rows(which, audit_matrix.units(view, which)).mean_square


def _equal(view: View, groups: Sequence[NDArray[np.int64]], count: int) -> _Pairs:
    """At most `count` pairs of equal rows, by their places in the view."""
    pairs = itertools.chain.from_iterable(
        itertools.combinations(_places(view, group), 2) for group in groups
    )
    ends = np.array(list(itertools.islice(pairs, count)), np.int64).reshape(-1, 2)
    return _Pairs(np.ones(len(ends)), ends)


def _places(view: View, rows: NDArray[np.int64]) -> list[int]:
    """Where those of some rows of the matrix are that a view holds."""
    places = np.minimum(np.searchsorted(view.index, rows), view.count - 1)
    found: list[int] = places[view.index[places] == rows].tolist()
    return found


def _closest(
    view: View, chosen: NDArray[np.int64], nearest: NDArray[np.float32], count: int
) -> _Pairs:
    """The closest pairs that were seen, in float64: a pass over all rows for the few that can have.

    A pair of the answer belongs to one of the `count` sampled rows with the nearest others, or to
    one as near; both ends may be sampled, hence twice as many.
    """
    few = np.sort(chosen[np.argsort(-nearest, kind="stable")[: 2 * count]])
    left = audit_matrix.units(view, few)
    size = max(1, _ENTRIES // max(view.moments.dim, len(few)))
    best = _Pairs(np.empty(0), np.empty((0, 2), np.int64))
    for start in range(0, view.count, size):
        which = np.arange(start, min(start + size, view.count))
        cosine = np.minimum(np.abs(left @ audit_matrix.units(view, which).T), 1)
        cosine[few[:, None] == which[None, :]] = -1
        top = np.argsort(-cosine, axis=None, kind="stable")[: 2 * count]
        row, column = np.divmod(top, len(which))
        ends = np.sort(np.stack([few[row], which[column]], axis=1), axis=1)
        best = best.with_more(_Pairs(cosine[row, column], ends), 2 * count)
    return best.each_once(count)


class _Pairs(NamedTuple):
    """|cos| `[k]`, falling, and the two rows `[k, 2]`; below 0 a row with itself."""

    cosine: NDArray[np.float64]
    ends: NDArray[np.int64]

    def with_more(self, others: _Pairs, count: int) -> _Pairs:
        cosine = np.concatenate([self.cosine, others.cosine])
        ends = np.concatenate([self.ends, others.ends])
        order = np.lexsort((ends[:, 1], ends[:, 0], -cosine))[:count]
        return _Pairs(cosine[order], ends[order])

    def each_once(self, count: int) -> _Pairs:
        _, places = np.unique(self.ends, axis=0, return_index=True)
        kept = np.sort(places[self.cosine[places] >= 0])[:count]
        return _Pairs(self.cosine[kept], self.ends[kept])


def cosines(view: View, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the signed cosines of some pairs of rows, in float64."""
    which, back = np.unique(np.concatenate([first, second]), return_inverse=True)
    units = audit_matrix.units(view, which)
    one, two = np.split(back, 2)
    # Rounding may leave a little more than 1.
    found: NDArray[np.float64] = np.einsum("nd,nd->n", units[one], units[two])
    return np.clip(found, -1, 1, out=found)
