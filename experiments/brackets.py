"""What surrounds a bracket: certificates, the curves over eps and over d, cosines, families.

Counts of lines go into curves as log10, since they pass 10^1000.
"""

from __future__ import annotations

import math
import textwrap
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.packing_words import readable

if TYPE_CHECKING:
    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = [
    "below_one",
    "bound_rows",
    "certificate",
    "cosines",
    "family_rows",
    "over_dims",
    "over_eps",
]

_BINS = 400
_FAR_DIM = 12288
_QUICK_DIM = 4096
_LONGEST_COHERENCE = 14  # characters in a table
_SHORT_RECIPE = 120  # characters of a recipe in a table
_TABLE_OPERATIONS = 10**9  # a check of a row of the families' table: a second at most
_LARGE_DIM, _MOST_CERTIFIED = 2048, 4  # above it seconds a family: the table's first rows only


def certificate(packing: Packing, allowed: Cosine) -> dict[str, Any]:
    """What the strongest certificate within reach finds: is every |cos| at most `allowed`?"""
    from geometry import certify

    begun = time.perf_counter()
    finding = certify.certificate(packing, allowed).check()
    return {
        "level": str(finding.level),
        "holds": finding.holds,
        "pairs_checked": finding.pairs,
        "largest": float(finding.largest),
        "largest_exact": str(finding.largest),
        "detail": finding.detail,
        "seconds": time.perf_counter() - begun,
    }


def below_one(eps: Cosine) -> float:
    """eps as a float; within rounding of 1 it is rounded down, as the laws want it below 1."""
    return min(float(eps), math.nextafter(1, 0))


def over_eps(dim: int, eps: Cosine, *, points: int) -> dict[str, NDArray[np.float64]]:
    """The bracket at this d over eps: columns eps, then log10 of lower, upper and existence."""
    from geometry.exact import Cosine

    # Two factors of 3 about the question and about 1/sqrt(d), where the count takes off; a larger
    # range would press the answer flat.
    ends = [max(float(eps), 0.5 / dim), dim**-0.5]
    low, high = min(ends) / 3, min(3 * max(ends), (1 + max(ends)) / 2)
    # A search takes a second or two at d = 12288.
    points = max(8, round(points * min(1, _QUICK_DIM / dim)))
    grid = {Cosine(Fraction(1, dim)), *([eps] if float(eps) >= low else [])}
    for value in np.geomspace(low, high, points):
        grid.add(Cosine.ratio(Fraction(f"{value:.3g}")))
        if dim <= _QUICK_DIM:  # also the nearest 1/k, where the algebraic families live
            grid.add(Cosine.ratio(Fraction(1, round(1 / value))))
    rows = [[float(point), *_logs(dim, point)] for point in sorted(grid) if float(point) < 1]
    return {f"eps_curve_{dim}": np.array(rows)}


def over_dims(dim: int, eps: Cosine, *, points: int) -> dict[str, NDArray[np.float64]]:
    """The bracket at this eps over d: columns d, then log10 of lower, upper and existence.

    It runs to where exponential growth shows, d near 25/eps^2, or to 12288. `growth_rates`: the two
    rates, in nats a dimension, between which the growth is proved to lie as d goes to infinity.
    """
    from geometry import catalogue
    from geometry.bounds.existence import existence_exponent
    from geometry.bounds.levenshtein import growth_exponent

    reach = 25 / max(float(eps), 1e-9) ** 2
    far = max(dim, 64, min(_FAR_DIM, math.ceil(reach)))
    grid = {int(value) for value in np.geomspace(2, far, points).round()} | {dim}
    catalogue.shelf(far, eps)  # one search serves every smaller dimension
    rows = [[float(width), *_logs(width, eps, far)] for width in sorted(grid)]
    value = below_one(eps)
    rates = np.array([existence_exponent(value), growth_exponent(value)])
    return {"dim_curve": np.array(rows), "growth_rates": rates}


def _logs(dim: int, eps: Cosine, shelf_dim: int | None = None) -> list[float]:
    from geometry import bounds, catalogue
    from geometry.bounds import existence

    return [
        math.log10(catalogue.shelf(shelf_dim or dim, eps).count(dim)),
        math.log10(bounds.best_upper_bound(dim, eps).count),
        math.log10(existence.existence_lower_bound(dim, eps)),
    ]


def cosines(packing: Packing, *, rows: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """|cos| over the pairs of `rows` random lines of the packing, and the law of random pairs.

    Columns: left edge of the bin, share of the packing's pairs in it, probability of the bin for
    two random directions.
    """
    from geometry import spectrum, sphere

    generator = np.random.default_rng(seed)
    top = min(packing.count, np.iinfo(np.int64).max)
    if top <= rows:
        chosen = np.arange(top, dtype=np.int64)
    else:
        chosen = np.unique(generator.integers(0, top, size=rows))
    counts = spectrum.spectrum(packing.rows(chosen).unit(), bins=_BINS).absolute()
    # No pair passes the packing's coherence: what rounding puts beyond belongs to the bin below.
    top_bin = max(0, math.ceil(float(packing.coherence) * _BINS - 1e-4) - 1)
    counts[top_bin] += counts[top_bin + 1 :].sum()
    counts[top_bin + 1 :] = 0
    edges = np.linspace(0, 1, _BINS + 1)
    law = -np.diff(sphere.tail(edges, packing.dim))
    share = counts / max(1, int(counts.sum()))
    return {f"cosines_{packing.dim}": np.column_stack([edges[:-1], share, law])}


def family_rows(dim: int, eps: Cosine) -> list[tuple[str | int | float | None, ...]]:
    """The largest packing of each family that fits, the largest first, as rows of a table.

    With the level of its certificate at little effort: up to 1e9 multiply-adds over all pairs.
    """
    from geometry import catalogue, certify
    from geometry.moves import leading

    rows: list[tuple[str | int | float | None, ...]] = []
    for place, one in enumerate(catalogue.largest_of_each(dim, eps)):
        level = None
        if place < (_MOST_CERTIFIED if dim > _LARGE_DIM else dim):
            effort = {"most_operations": _TABLE_OPERATIONS}
            finding = certify.certificate(one, eps, **effort).check()
            level = str(finding.level) if finding.holds else "FAILED"
        family, moves = leading(one)
        named = ", ".join([family.name, *reversed(moves)])
        recipe = textwrap.shorten(readable(one.words()), _SHORT_RECIPE, placeholder=" ...")
        known = (level, family.reference, _short(one.coherence))
        rows.append((dim, named, one.count, *known, one.dim, recipe))
    return rows


def _short(coherence: Cosine) -> str:
    """The coherence as it is written, or, where that is long, as a decimal rounded up."""
    text = str(coherence)
    if len(text) <= _LONGEST_COHERENCE:
        return text
    return f"{math.ceil(float(coherence.rounded_up()) * 10**8) / 10**8:.8f}"


def bound_rows(dim: int, eps: Cosine) -> list[tuple[str | int | float | None, ...]]:
    """Every upper bound that answers, the smallest first, as rows of a table."""
    from geometry import bounds

    return [
        (dim, one.method, one.count, one.statement, one.reference)
        for one in bounds.all_upper_bounds(dim, eps)
    ]
