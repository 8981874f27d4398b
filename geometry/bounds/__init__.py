"""Proved upper bounds on N(d, eps), the most lines in R^d with pairwise |cos| <= eps.

One bound a file, each a function (dim, eps) -> `UpperBound`, or None where it does not answer. All
are proved for the number they return: rational arithmetic, eps only ever rounded up, and `floor`
only of exact rationals or of the upper end of an enclosure.

    relative      Welch's relative bound, and its inverse, the Welch bound on the coherence
    orthoplex     no more than d(d+1)/2 lines below 1/sqrt(d)
    levenshtein   the universal bound; the growth rate for d to infinity
    bukh_cox      few more lines than dimensions
    delsarte      linear programming, for small dimensions
    arc           the plane, exact
    volume        disjoint caps, which answers always
    existence     a lower bound, by covering

    least_coherence  turned round: given d and n, how small the coherence can be at all
    upper_bound      what a bound is, and the one rounding of eps
    cap              the share of a sphere that two caps take, enclosed
    sturm            proof that a polynomial stays negative on an interval

Each file argues that its bound rises with d and with eps and answers on a down-set, that is, also
at every smaller d and eps. So their minimum is non-decreasing in d and in eps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from geometry.bounds.arc import arc_bound
from geometry.bounds.bukh_cox import bukh_cox_bound
from geometry.bounds.delsarte import delsarte_bound
from geometry.bounds.least_coherence import least_coherence
from geometry.bounds.levenshtein import levenshtein_bound
from geometry.bounds.orthoplex import orthoplex_bound
from geometry.bounds.relative import relative_bound
from geometry.bounds.upper_bound import UpperBound
from geometry.bounds.volume import volume_bound
from geometry.exact import Cosine

__all__ = ["UpperBound", "all_upper_bounds", "best_upper_bound", "least_coherence"]

# The simplest comes first, and is named when several agree.
_BOUNDS: tuple[Callable[[int, Cosine], UpperBound | None], ...] = (
    arc_bound,
    relative_bound,
    orthoplex_bound,
    levenshtein_bound,
    bukh_cox_bound,
    delsarte_bound,
    volume_bound,
)


def all_upper_bounds(dim: int, eps: Cosine) -> list[UpperBound]:
    """Every bound that answers, the smallest first. Never empty.

    `dim` >= 1 and 0 <= `eps` < 1, else ValueError. Cost: a few milliseconds, up to half a second
    where Levenshtein's degree is in the thousands.
    """
    return list(_sorted_bounds(dim, eps))


def best_upper_bound(dim: int, eps: Cosine) -> UpperBound:
    """The smallest proved upper bound on N(`dim`, `eps`); non-decreasing in both.

    Exact at dim = 2, at eps = 0, and wherever a packing attains it. Errors and cost as
    `all_upper_bounds`.
    """
    return _sorted_bounds(dim, eps)[0]


@lru_cache(maxsize=4096)
def _sorted_bounds(dim: int, eps: Cosine) -> tuple[UpperBound, ...]:
    if dim < 1:
        raise ValueError(f"`dim` must be at least 1; got {dim}.")
    answers = (bound(dim, eps) for bound in _BOUNDS)
    return tuple(sorted((a for a in answers if a is not None), key=lambda a: a.count))
