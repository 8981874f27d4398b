"""What is promised of brackets: both sides, where they close, and how they move with d and eps."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from experiments.promise import Promise
from experiments.reference_numbers import LARGE_UPPER, LOWER, TIGHT, UPPER, threshold
from geometry import bounds, catalogue, certify, exact
from geometry.bounds.relative import welch_coherence
from geometry.constructions import families
from geometry.exact import Cosine

__all__ = ["promises"]

_CLOSED = "Brackets that close"
_UPPER = "Upper bounds"
_LOWER = "Packings that are reached"
_TIGHT_SECONDS = 60.0
_LARGEST_FRAME = 1000


def promises() -> Iterator[Promise]:
    """Every promise about brackets."""
    for dim, eps, count in TIGHT:
        yield Promise(
            _CLOSED, f"N({dim}, {eps}) = {count}, certified", partial(tight, dim, eps, count)
        )
    yield Promise(
        _CLOSED,
        f"every equiangular tight frame of at most {_LARGEST_FRAME} lines closes its bracket",
        frames_close,
        10,
    )
    yield Promise(_CLOSED, "N(2, angle) = floor(180/angle) at 2000 angles", polygons_close, 4)
    yield Promise(_CLOSED, "N(d, 0) = d for d = 2 .. 2000", bases_close, 4)
    yield Promise(
        _CLOSED, "brackets and monotone on d = 2 .. 64 by all eps = i/40, 1/k, 1/√k", grid, 20
    )
    for dim, eps, count in UPPER:
        yield Promise(
            _UPPER, f"upper({dim}, {eps}) = {count}", partial(upper, dim, eps, count), 0.1
        )
    for dim, eps, about in LARGE_UPPER:
        yield Promise(
            _UPPER, f"upper({dim}, {eps}) = {about:.4e}", partial(upper_about, dim, eps, about), 0.1
        )
    for dim, eps, count in LOWER:
        yield Promise(
            _LOWER, f"lower({dim}, {eps}) >= {count}", partial(lower, dim, eps, count), 1.5
        )


def tight(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """Both sides equal, the packing certified, in time."""
    begun = time.perf_counter()
    allowed = threshold(eps)
    packing = catalogue.best(dim, allowed)
    above = bounds.best_upper_bound(dim, allowed).count
    finding = certify.certificate(packing, allowed).check()
    seconds = time.perf_counter() - begun
    holds = packing.count == above == count and finding.holds and seconds < _TIGHT_SECONDS
    return holds, f"{packing.count} .. {above}, {finding.level}, {seconds:.1f} s"


def frames_close() -> tuple[bool, str]:
    """Equiangular tight frames of all families meet the relative bound, and the answers say so."""
    seen, open_ = set(), []
    for family in families():
        for frame in family.tight_frames(_LARGEST_FRAME):
            where = (frame.dim, frame.coherence)
            if where in seen or frame.dim < 2 or frame.sign_matrix() is None:
                continue
            seen.add(where)
            below = catalogue.best(*where).count
            if not below == frame.count == bounds.best_upper_bound(*where).count:
                open_.append(f"({frame.dim}, {frame.coherence})")
    return not open_, f"{len(seen)} frames, open: {open_ or 'none'}"


def polygons_close() -> tuple[bool, str]:
    """d = 2: the bracket closes at whole, fractional and extreme angles."""
    angles = [Fraction(k, 7) for k in range(1, 631, 1)] + [Fraction(180, k) for k in range(2, 1372)]
    open_ = [
        angle
        for angle in angles
        if not (
            catalogue.best(2, exact.angle(angle)).count
            == bounds.best_upper_bound(2, exact.angle(angle)).count
            == 180 // angle
        )
    ]
    return not open_, f"{len(angles)} angles, {len(open_)} open"


def bases_close() -> tuple[bool, str]:
    """eps = 0: exactly d."""
    right = exact.eps(0)
    shelf = catalogue.shelf(2000, right)
    open_ = [
        dim
        for dim in range(2, 2001)
        if not shelf.count(dim) == bounds.best_upper_bound(dim, right).count == dim
    ]
    return not open_, f"{len(open_)} open"


def upper(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """An upper bound to the last line."""
    found = bounds.best_upper_bound(dim, exact.eps(eps))
    return found.count == count, f"{found.count} ({found.method})"


def upper_about(dim: int, eps: str, about: float) -> tuple[bool, str]:
    """An upper bound to the digits that its reference value has."""
    found = bounds.best_upper_bound(dim, exact.eps(eps)).count
    digits = len(f"{about:g}".split("e")[0].replace(".", ""))
    return math.isclose(found, about, rel_tol=0.51 * 10.0 ** (1 - digits)), f"{found:.5e}"


def lower(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """An explicit packing of at least that many lines, certified."""
    allowed = exact.eps(eps)
    packing = catalogue.best(dim, allowed)
    finding = certify.certificate(packing, allowed).check()
    return packing.count >= count and finding.holds, f"{packing.count}, {finding.level}"


def eps_grid() -> list[Cosine]:
    """eps = i/40, 1/k and 1/sqrt(k), in order."""
    values = {Cosine.ratio(Fraction(i, 40)) for i in range(40)}
    values |= {Cosine.ratio(Fraction(1, k)) for k in range(2, 65)}
    values |= {Cosine(Fraction(1, k)) for k in range(2, 65)}
    return sorted(values)


def grid() -> tuple[bool, str]:
    """lower <= upper, and both monotone in d and in eps."""
    dims, points = range(2, 65), eps_grid()
    below = {(d, e): catalogue.shelf(64, e).count(d) for d in dims for e in points}
    above = {(d, e): bounds.best_upper_bound(d, e).count for d in dims for e in points}
    wrong = sum(below[key] > above[key] for key in below)
    falls = 0
    for table in (below, above):
        falls += sum(table[d, a] > table[d, b] for d in dims for a, b in itertools.pairwise(points))
        falls += sum(table[c, e] > table[d, e] for e in points for c, d in itertools.pairwise(dims))
    closed = sum(below[key] == above[key] for key in below)
    # The relative bound and its inverse form agree: no packing beats Welch's coherence.
    wrong += sum(count > d and welch_coherence(d, count) > e for (d, e), count in below.items())
    return (
        wrong == falls == 0,
        f"{len(below)} points, {closed} closed, {wrong} wrong, {falls} falls",
    )
