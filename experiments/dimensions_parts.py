"""The measurements of the dimensions experiment: one d, and the trends over all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.intervals import mean_interval

if TYPE_CHECKING:
    from experiments.dimensions_config import Config

__all__ = ["FAMILIES", "at", "fits"]

FAMILIES = ("fixed", "density")
# Two values of k, this far to both sides of the predicted one, whose errors are interpolated.
_AROUND = 0.07
# Widths are padded with zero columns to these, so that a few compilations serve all.
_PADS = (64, 512, 2048, 4096, 12288, 1 << 16)


def at(config: Config, dim: int) -> dict[str, Any]:
    """All measurements at one d."""
    import jax

    from geometry import interference, sphere
    from geometry.signals import Activity

    numbers = {"fixed": config.features, "density": config.density * dim}
    asked: dict[str, tuple[int, int]] = {"few": (config.active, config.features)}
    if dim >= config.share:
        asked["share"] = (dim // config.share, config.features)
    for family, count in numbers.items():
        predicted = interference.most_active(count, dim)
        if predicted >= 2:
            low = max(1, min(predicted - 1, round((1 - _AROUND) * predicted)))
            high = max(predicted + 1, round((1 + _AROUND) * predicted))
            if high < min(config.sample, count):
                asked |= {f"{family}:low": (low, count), f"{family}:high": (high, count)}
    slots = max(k for k, _ in asked.values())
    pad = next(pad for pad in _PADS if dim <= pad)
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    for seed in range(config.seeds):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), dim), seed)
        making, reading = jax.random.split(key)
        rows = sphere.sample_padded(making, config.sample, dim, pad)
        for place, (name, (k, count)) in enumerate(asked.items()):
            seen[name].append(
                _rates(config, jax.random.fold_in(reading, place), rows, dim, k, count, slots)
            )
    one: dict[str, Any] = {"dim": dim, "families": {}}
    for name in ("few", "share"):
        if name in asked:
            k = asked[name][0]
            law = interference.law(dim, config.features, Activity(k), at_active=False)
            one[name] = {
                "active": k,
                "rms": [rate["rms"] for rate in seen[name]],
                "rms_theory": math.sqrt(law.variance),
                "alarms": [rate["half"] for rate in seen[name]],
                "alarms_theory": float(law.tail(0.5)),
            }
    for family, count in numbers.items():
        if f"{family}:low" in asked:
            one["families"][family] = _largest(dim, count, asked, seen, family)
    return one


def _rates(
    config: Config, key: Any, rows: Any, dim: int, active: int, count: int, slots: int
) -> dict[str, float]:
    """rms interference, false activations at 1/2, expected errors among `count` features."""
    from geometry import interference, readout
    from geometry.signals import Activity

    best = interference.bayes_threshold(count, dim, active)
    found = readout.read(
        key,
        rows,
        Activity(1 << (slots - 1).bit_length()),
        np.array([0.5, best]),
        bins=readout.Bins(-2.0, 3.0, 2),
        blocks=1,
        block=config.trials,
        active=active,
    )
    off, on = (float(value) for value in np.asarray(found.counts)[0])
    alarms = np.asarray(found.false_alarms)[0] / off
    misses = np.asarray(found.misses)[0] / on
    return {
        "rms": math.sqrt(float(np.asarray(found.squares)[0, 0])),
        "half": float(alarms[0]),
        "errors": float((count - active) * alarms[1] + active * misses[1]),
    }


def _largest(
    dim: int,
    count: int,
    asked: dict[str, tuple[int, int]],
    seen: dict[str, list[dict[str, float]]],
    family: str,
) -> dict[str, Any]:
    """The k of half an expected error, between two k: ln(errors) is linear in ln(k) there."""
    from geometry import interference
    from geometry.signals import Activity

    ks = [asked[f"{family}:{side}"][0] for side in ("low", "high")]
    theory = []
    for k in ks:
        theta = interference.bayes_threshold(count, dim, k)
        theory.append(float(interference.expected_errors(theta, dim, count, Activity(k))))
    errors = [[one["errors"] for one in seen[f"{family}:{side}"]] for side in ("low", "high")]
    # One dictionary may show no error; the sums over the others carry it then (jackknife).
    totals = np.array([np.sum(side) for side in errors])
    others = len(errors[0]) - 1
    left = [_interpolated(ks, (totals - out) / others) for out in np.array(errors).T]
    return {
        "features": count,
        "k": ks,
        "errors": [float(value) for value in totals / len(errors[0])],
        "errors_theory": theory,
        "largest": _interpolated(ks, totals / len(errors[0])),
        "left_out": left,
        "theory": _interpolated(ks, np.array(theory)),
    }


def _interpolated(ks: Sequence[int], errors: NDArray[np.float64]) -> float | None:
    """The k at which a line through both (ln k, ln errors) passes ln(1/2).

    None where no error was seen at one of them, or more at the smaller k.
    """
    if not 0 < errors[0] < errors[1]:
        return None
    low, high = np.log(errors)
    first, second = math.log(ks[0]), math.log(ks[1])
    return float(math.exp(first + (math.log(0.5) - low) * (second - first) / (high - low)))


def _slope(dims: Sequence[float], values: Sequence[float]) -> float:
    return float(np.polyfit(np.log(dims), np.log(values), 1)[0])


def fits(found: list[dict[str, Any]], seeds: int) -> dict[str, Any]:
    """Exponents over d with intervals over seeds, and those of theory on the same grid."""
    found_fits: dict[str, Any] = {}
    for name in ("few", "share"):
        at = [one for one in found if name in one]
        if len(at) < 3:
            continue
        dims = [one["dim"] for one in at]
        slopes = [_slope(dims, [one[name]["rms"][seed] for one in at]) for seed in range(seeds)]
        ratios = [
            float(np.mean([one[name]["rms"][seed] / one[name]["rms_theory"] for one in at]))
            for seed in range(seeds)
        ]
        found_fits[name] = {
            "exponent": float(np.mean(slopes)),
            "interval": list(mean_interval(slopes)),
            "theory": _slope(dims, [one[name]["rms_theory"] for one in at]),
            "ratio": float(np.mean(ratios)),
            "ratio_interval": list(mean_interval(ratios)),
        }
    for family in FAMILIES:
        at = [one for one in found if family in one["families"]]
        rows = [one["families"][family] for one in at]
        known = [
            place
            for place, row in enumerate(rows)
            if None not in (row["theory"], row["largest"], *row["left_out"])
        ]
        if len(known) < 3:
            continue
        at, rows = [at[place] for place in known], [rows[place] for place in known]
        dims = [one["dim"] for one in at]
        whole = _slope(dims, [row["largest"] for row in rows])
        parts = [_slope(dims, [row["left_out"][seed] for row in rows]) for seed in range(seeds)]
        ratio = float(np.mean([row["largest"] / row["theory"] for row in rows]))
        ratios = [
            float(np.mean([row["left_out"][seed] / row["theory"] for row in rows]))
            for seed in range(seeds)
        ]
        found_fits[family] = {
            "exponent": whole,
            "interval": _jackknife(whole, parts),
            "theory": _slope(dims, [row["theory"] for row in rows]),
            "ratio": ratio,
            "ratio_interval": _jackknife(ratio, ratios),
        }
    return found_fits


def _jackknife(whole: float, parts: Sequence[float]) -> list[float]:
    """Interval at 95% from leave-one-out values (Efron and Tibshirani 1993, equation 11.5)."""
    from scipy import stats

    count = len(parts)
    spread = math.sqrt((count - 1) / count * float(np.sum((np.array(parts) - np.mean(parts)) ** 2)))
    reach = float(stats.t.ppf(0.975, count - 1)) * spread
    return [whole - reach, whole + reach]
