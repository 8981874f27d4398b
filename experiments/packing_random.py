"""Random directions beside a packing: first clash, greedy choice, coherence, each with its law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import intervals
from experiments.brackets import below_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jax

    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = ["random_baseline", "random_coherence", "random_words"]

# Random directions that one draw of the baseline holds: count * dim entries, 16 MiB in float32.
_MOST_ENTRIES = 2**22
_LARGEST_CLASH = 2048
# Least 1 - |cos| at the law's 95% quantile: the median's interval lies far enough below it for
# float32, whose errors are half of this.
_CLOSEST = 2.0**-22


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
    from geometry import baseline, sphere

    dim, value = packing.dim, below_one(eps)
    fits = _most_drawn(dim)
    candidates = min(candidates, fits)

    def draws(part: int, draw: Callable[[jax.Array], jax.Array]) -> NDArray[np.float64]:
        return _draws(seed, seeds, part, draw)

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

    coherence = random_coherence(dim, packing.count, seed=seed, seeds=seeds, largest=largest)
    guess = f"estimate {law:.1f}" if law <= upper else "too crowded for an estimate"
    words = [
        random_words(coherence),
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


def random_coherence(
    dim: int, count: int, *, seed: int, seeds: int, largest: int
) -> dict[str, Any]:
    """The coherence of `count` random directions, or of as many as `largest` and memory allow.

    Its median over `seeds` draws, with an interval, and the quantiles of its law; the median is
    None, with a reason, where the closest two are too close for float32. `count` >= 2.
    """
    from geometry import baseline, sphere

    count = min(count, largest, _most_drawn(dim))
    quantiles = {
        name: sphere.largest_cosine_quantile(count, dim, level)
        for name, level in (("law", 0.5), ("law_5", 0.05), ("law_95", 0.95))
    }
    found: dict[str, Any] = {"count": count, **quantiles}
    if 1 - quantiles["law_95"] < _CLOSEST:
        reason = "the closest two are too close for float32"
        return {**found, "median": None, "interval": None, "reason": reason}
    tops = _draws(seed, seeds, 2, lambda key: baseline.random_coherence(key, dim=dim, count=count))
    return {**found, **_median(tops)}


def random_words(coherence: Mapping[str, Any]) -> str:
    """What `random_coherence` found, in words."""
    many = f"{coherence['count']:,} random directions"
    if coherence["median"] is None:
        return f"coherence of {many}: not measured, {coherence['reason']}"
    return f"{many} have coherence {coherence['median']:.4f} (law {coherence['law']:.4f})"


def _most_drawn(dim: int) -> int:
    return max(64, _MOST_ENTRIES // dim)


def _draws(
    seed: int, seeds: int, part: int, draw: Callable[[jax.Array], jax.Array]
) -> NDArray[np.float64]:
    """`draw` for each of `seeds` keys, which differ from those of other parts.

    One after the other: an ensemble would need `seeds` times the memory, and each draw fills the
    cores by itself.
    """
    import jax

    base = jax.random.fold_in(jax.random.key(seed), part)
    return np.array([float(draw(jax.random.fold_in(base, member))) for member in range(seeds)])


def _median(draws: NDArray[np.float64]) -> dict[str, Any]:
    interval = intervals.median_interval(draws)
    return {"median": float(np.median(draws)), "interval": _pair(interval)}


def _pair(interval: tuple[float, float]) -> list[float] | None:
    return list(interval) if all(map(math.isfinite, interval)) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
