"""The measurements of the interference experiment: one dictionary, the sweep, the references."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import dictionary
from experiments.dictionary import Dictionary
from experiments.effects import estimate
from experiments.intervals import mean_interval

if TYPE_CHECKING:
    from jax import Array

    from experiments.harness.progress import Step
    from experiments.interference_config import Config
    from geometry.readout import Bins, Readings
    from geometry.signals import Activity

__all__ = ["EDGES", "read_kind", "reference", "theory", "widths"]

# 1/64 wide, so that 1/2 is an edge.
LOW, HIGH, COUNT = -2.0, 3.0, 320
EDGES = np.linspace(LOW, HIGH, COUNT + 1)
_MOST_ROW_SUMS = 64
_SWEPT = 256


def _bins() -> Bins:
    from geometry.readout import Bins

    return Bins(LOW, HIGH, COUNT)


def theory(features: int, dim: int, activity: Activity) -> dict[str, Any]:
    """What the law of the interference says of random directions."""
    from geometry import interference

    off = interference.law(dim, features, activity, at_active=False)
    on = interference.law(dim, features, activity, at_active=True)
    best = interference.best_threshold(dim, features, activity)
    errors = float(interference.expected_errors(best, dim, features, activity))
    levels = np.linspace(0.0, 1.5, 151)
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    return {
        "rms": math.sqrt(off.variance),
        "rms_active": math.sqrt(on.variance),
        "kurtosis": off.kurtosis,
        "best": best,
        "errors": errors,
        "wrong_share": errors / features,
        "gain": math.sqrt(max(features - dim, 0) / (features - 1)),
        "levels": levels.tolist(),
        "false_alarms": interference.false_alarm(levels, dim, features, activity).tolist(),
        "misses": interference.miss(levels, dim, features, activity).tolist(),
        "density_off": off.density(centres).tolist() if off.variance else None,
        "density_on": _density_on(on, activity, centres),
    }


def _density_on(on: Any, activity: Activity, centres: NDArray[np.float64]) -> list[float] | None:
    if on.variance == 0:
        return None
    strength = activity.strength
    spread = on.density(centres[:, None] - strength.nodes[None, :])
    return list((spread @ strength.weights).tolist())


def read_kind(
    config: Config,
    activity: Activity,
    kind: str,
    made: Dictionary | None,
    shape: tuple[int, int],
    step: Step,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one kind of dictionary over all seeds; numbers, and arrays for the figures."""
    import jax

    from geometry import capacity, closest, interference, readout

    features, dim = shape
    best = interference.best_threshold(dim, features, activity)
    blocks = max(1, round(config.trials / readout.block_of(features)))
    size = min(readout.block_of(features), config.trials)
    root = jax.random.key(config.seed)
    seen: dict[str, list[float]] = {}
    histograms = np.zeros((2, COUNT), np.int64)
    counted = np.zeros(2, np.int64)
    kept: dict[str, NDArray[Any]] = {}
    limits: list[int | None] = []
    row_limits: list[int] = []
    guaranteed: list[int] = []
    welch_deviation = None
    for seed in range(config.seeds):
        making, reading, again = jax.random.split(jax.random.fold_in(root, seed), 3)
        fixed = made or dictionary.named(kind, making, features, dim)
        rows = fixed.vectors
        found = readout.read(
            reading, rows, activity, np.array([0.5, best]), bins=_bins(), blocks=blocks, block=size
        )
        one = _read_numbers(found, blocks * size, features)
        if seed == 0 or made is None:
            moments = capacity.off_diagonal_moments(rows)
            neurons = capacity.participation_ratio(rows, axis=1)
            serves = capacity.participation_ratio(rows, axis=0)
        predicted = float(interference.fixed_mean_square(*moments, features, activity).mean())
        one["square_ratio"] = one["rms"] ** 2 / predicted
        one["neurons"], one["serves"] = float(neurons.mean()), float(serves.mean())
        for name, value in one.items():
            seen.setdefault(name, []).append(value)
        histograms += [
            np.asarray(found.inactive, np.int64).sum(axis=0),
            np.asarray(found.active, np.int64).sum(axis=0),
        ]
        counted += np.asarray(found.counts, np.int64).sum(axis=0)
        if seed == 0:
            # The worst case costs n² d, and one dictionary is like another.
            nearest = closest.pairs(rows)
            largest = float(nearest.cosine[0])
            sums = capacity.cumulative_coherence(
                rows, range(1, min(_MOST_ROW_SUMS, features - 1) + 1)
            )
            seen.setdefault("coherence", []).append(largest)
            seen.setdefault("babel", []).append(_most(sums, config.active))
            # The proved upper end, as a guarantee needs; float64 errs by less than is added.
            proved = max(largest, nearest.unseen) * (1 + 1e-10)
            limits.append(interference.coherence_limit(min(proved, 1.0)))
            row_limits.append(_row_limit(sums))
            guaranteed.append(_guaranteed(again, rows, limits[-1], features))
        if seed == 0:
            kept = {"neurons": neurons.astype(np.float32), "serves": serves.astype(np.float32)}
            welch = interference.welch_mean_square(features, dim)
            if kind == "tight" and welch > 0:
                welch_deviation = float(np.abs(moments.mean_square / welch - 1).max())
        step()
    widths = np.diff(EDGES)
    kept["off"] = (histograms[0] / counted[0] / widths).astype(np.float32)
    kept["on"] = (histograms[1] / counted[1] / widths).astype(np.float32)
    kept["alarms"] = _passing(histograms[0], signed=activity.signed)
    kept["missed"] = (np.cumsum(histograms[1]) / counted[1]).astype(np.float32)
    random_rms = theory(features, dim, activity)["rms"]
    seen["against_random"] = [value / random_rms for value in seen["rms"]]
    result: dict[str, Any] = {name: estimate(values) for name, values in seen.items()}
    known = [limit for limit in limits if limit is not None]
    result |= {
        "welch": math.sqrt(interference.welch_mean_square(features, dim)),
        "limit": min(known) if known else None,
        "row_limit": min(row_limits),
        "guaranteed_errors": sum(guaranteed) if known else None,
        "welch_deviation": welch_deviation,
        "best": best,
    }
    return result, kept


def _read_numbers(found: Readings, trials: int, features: int) -> dict[str, float]:
    """Sums over the blocks as rates; `independent` is what `errorless` would be if errors were."""
    alarms = np.asarray(found.false_alarms, np.int64).sum(axis=0)
    misses = np.asarray(found.misses, np.int64).sum(axis=0)
    squares = np.asarray(found.squares, np.float64).mean(axis=0)
    off, on = np.asarray(found.counts, np.int64).sum(axis=0)
    return {
        "rms": math.sqrt(squares[0]),
        "rms_active": math.sqrt(squares[1]),
        "alarms_half": float(alarms[0] / off),
        "misses_half": float(misses[0] / max(on, 1)),
        "errors": float((alarms[1] + misses[1]) / trials),
        "wrong_share": float((alarms[1] + misses[1]) / trials / features),
        "errorless": float(np.asarray(found.errorless, np.int64)[:, 1].sum() / trials),
        "independent": math.exp(
            (off * math.log1p(-alarms[1] / off) + on * math.log1p(-misses[1] / max(on, 1))) / trials
        )
        if misses[1] < on and alarms[1] < off
        else 0.0,
        "separable": float(np.asarray(found.separable, np.int64).sum() / trials),
    }


def _passing(histogram: NDArray[np.int64], *, signed: bool) -> NDArray[np.float32]:
    """Share of readings above each edge >= 0; of |readings|, where signed."""
    above = np.concatenate([np.cumsum(histogram[::-1])[::-1], [0]])
    zero = int(np.argmin(np.abs(EDGES)))
    passing = above[zero:].astype(np.float64)
    if signed:
        below = np.concatenate([[0], np.cumsum(histogram)])[zero::-1]
        passing[: len(below)] += below
    return np.asarray(passing / histogram.sum(), np.float32)


def _most(sums: NDArray[np.float64], active: int) -> float:
    """The largest interference of `active` features; beyond the row sums taken, an upper bound."""
    if active <= len(sums):
        return float(sums[active - 1])
    return float(sums[-1] + (active - len(sums)) * (sums[-1] - sums[-2]))


def _row_limit(sums: NDArray[np.float64]) -> int:
    """The largest k with B(k) + B(k-1) < 1: any k unit features pass one threshold, all others not.

    B is the cumulative coherence; with B(k) = k mu this is the coherence limit.
    """
    before = np.concatenate([[0.0], sums[:-1]])
    return int(np.argmin(np.append((sums + before) * (1 + 1e-5) < 1, False)))


def _guaranteed(key: Array, rows: NDArray[np.float32], limit: int | None, features: int) -> int:
    """Errors in a thousand trials with as many active features as coherence guarantees."""
    from geometry import readout
    from geometry.signals import Activity

    if limit is None or limit >= features:
        return 0
    # A power of two for the slots, so that few numbers of them are compiled.
    slots = min(features - 1, max(16, 1 << (limit - 1).bit_length()))
    found = readout.read(
        key, rows, Activity(slots), np.array([0.5]), bins=_bins(), blocks=2, active=limit
    )
    trials = 2 * readout.block_of(features)
    # Separable trials are those that a threshold between both sides reads without error.
    return trials - int(np.asarray(found.separable).sum())


def widths(config: Config, features: int, dim: int) -> list[dict[str, Any]]:
    """Errors a trial over k at a quarter to twice the width, random directions, unit amplitudes."""
    import jax

    from geometry import interference, readout, sphere
    from geometry.signals import Activity

    dims = [max(2, dim * share // 8) for share in (2, 4, 8, 16)]
    ks = [k for k in (2, 4, 8, 16, 32, 64) if 2 * k < features]
    root = jax.random.key(config.seed)
    swept = []
    for width in dims:
        errors: dict[int, list[float]] = {k: [] for k in ks}
        for seed in range(min(config.seeds, 3)):
            key = jax.random.fold_in(jax.random.fold_in(root, 1_000 + width), seed)
            # Zero columns change no reading, and let one compilation serve every width.
            rows = sphere.sample_padded(key, features, width, dims[-1])
            for k in ks:
                best = interference.best_threshold(width, features, Activity(k))
                found = readout.read(
                    jax.random.fold_in(key, k),
                    rows,
                    Activity(ks[-1]),
                    np.array([best]),
                    bins=_bins(),
                    blocks=1,
                    block=_SWEPT,
                    active=k,
                )
                wrong = int(np.asarray(found.false_alarms).sum() + np.asarray(found.misses).sum())
                errors[k].append(wrong / _SWEPT)
        for k in ks:
            activity = Activity(k)
            best = interference.best_threshold(width, features, activity)
            swept.append(
                {
                    "dim": width,
                    "active": k,
                    "errors": float(np.mean(errors[k])),
                    "interval": list(mean_interval(errors[k])),
                    "theory": float(interference.expected_errors(best, width, features, activity)),
                }
            )
    return swept


def reference(config: Config) -> list[dict[str, Any]]:
    """The numbers that the suite is held to, each simulated: name, theory, estimate, band."""
    from experiments import interference_reference

    return interference_reference.measure(
        config.seed, max(config.seeds, 8), blocks=config.reference
    )
