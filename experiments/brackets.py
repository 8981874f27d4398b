"""What surrounds a bracket: random directions, the curves over eps and over d, the families.

Counts of lines go into curves as log10, since they pass 10^1000.
"""

from __future__ import annotations

import math
import textwrap
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import intervals
from experiments.packing_words import readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = ["bound_rows", "cosines", "family_rows", "over_dims", "over_eps", "random_baseline"]

# Random directions that one draw of the baseline holds: count * dim entries, 16 MiB in float32.
_MOST_ENTRIES = 2**22
_LARGEST_CLASH = 2048
_BINS = 400
_FAR_DIM = 12288
_QUICK_DIM = 4096
_LONGEST_COHERENCE = 14  # characters in a table
_SHORT_RECIPE = 120  # characters of a recipe in a table
_TABLE_OPERATIONS = 10**9  # a check of a row of the families' table: a second at most
_LARGE_DIM, _MOST_CERTIFIED = 2048, 4  # above it seconds a family: the table's first rows only


def random_baseline(
    packing: Packing,
    eps: Cosine,
    *,
    upper: int,
    seed: int,
    seeds: int,
    candidates: int,
    largest: int,
) -> dict[str, Any]:
    """Random directions at the packing's dimension: first clash, greedy size, coherence.

    Each is measured over `seeds` draws beside its law, or null with a reason. At most `candidates`
    and `largest` directions a draw, and fewer where that many would not fit in memory. `upper` is
    the proved bound, above which no estimate is shown.
    """
    import jax

    from geometry import baseline, sphere

    dim, value = packing.dim, _below_one(eps)
    fits = max(64, _MOST_ENTRIES // dim)
    candidates, count = min(candidates, fits), min(packing.count, largest, fits)
    root = jax.random.key(seed)

    # One draw after the other: an ensemble would need `seeds` times the memory, and each draw
    # fills the cores by itself.
    def draws(part: int, draw: Callable[[jax.Array], jax.Array]) -> NDArray[np.float64]:
        base = jax.random.fold_in(root, part)
        return np.array([float(draw(jax.random.fold_in(base, member))) for member in range(seeds)])

    median = sphere.first_clash_median(dim, value)
    clash: dict[str, Any] = {"law": _finite(median), "median": None, "interval": None}
    cap = min(_LARGEST_CLASH, fits)
    if 4 * median <= cap:
        found = draws(0, lambda key: baseline.first_clash(key, dim=dim, eps=value, cap=cap).count)
        clash |= _median(found)
    else:
        many = "more than 1e150"
        if math.isfinite(median):
            many = f"{median:,.0f}" if median < 10**6 else f"{median:.3g}"
        clash["reason"] = f"a clash is expected only after {many} directions"

    law = sphere.greedy_count(dim, value, candidates)
    greedy: dict[str, Any] = {"candidates": candidates, "estimate": law}
    if law > upper:
        greedy |= {"estimate": None, "reason": "caps overlap too much for the estimate"}
    most = {"candidates": candidates, "capacity": candidates}
    sizes = draws(1, lambda key: baseline.greedy(key, dim=dim, eps=value, **most).count)
    greedy |= {"mean": float(sizes.mean()), "interval": _pair(intervals.mean_interval(sizes))}

    tops = draws(2, lambda key: baseline.random_coherence(key, dim=dim, count=count))
    quantiles = {
        name: sphere.largest_cosine_quantile(count, dim, level)
        for name, level in (("law", 0.5), ("law_5", 0.05), ("law_95", 0.95))
    }
    coherence = {"count": count, **quantiles, **_median(tops)}
    guess = f"estimate {law:.1f}" if law <= upper else "too crowded for an estimate"
    words = [
        f"{count:,} random directions have coherence {coherence['median']:.4f} "
        f"(law {quantiles['law']:.4f})",
        f"picked greedily from {candidates:,} random candidates, {greedy['mean']:.1f} fit "
        f"({guess})",
        (
            f"drawn one by one, the first two too close come after {clash['median']:.0f} (law "
            f"{median:.0f})"
            if clash["median"] is not None
            else f"drawn one by one: not measured, {clash['reason']}"
        ),
    ]
    return {"first_clash": clash, "greedy": greedy, "coherence": coherence, "words": words}


def _below_one(eps: Cosine) -> float:
    """eps as a float; within rounding of 1 it is rounded down, as the laws want it below 1."""
    return min(float(eps), math.nextafter(1, 0))


def _median(draws: NDArray[np.float64]) -> dict[str, Any]:
    interval = intervals.median_interval(draws)
    return {"median": float(np.median(draws)), "interval": _pair(interval)}


def _pair(interval: tuple[float, float]) -> list[float] | None:
    return list(interval) if all(map(math.isfinite, interval)) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


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
    value = _below_one(eps)
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
