"""Reference numbers of linear read-out, simulated at fixed settings whatever the flags are."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.intervals import mean_interval

__all__ = ["measure"]

FEATURES, DIM, ACTIVE = 2048, 256, 16
_BIAS = 0.3
_SMALL = (256, 32, 9)
_MOST_SMALL_TRIALS = 1 << 14


def measure(seed: int, seeds: int, *, blocks: int) -> list[dict[str, Any]]:
    """Every reference number with its interval over `seeds` dictionaries, `blocks` blocks each."""
    import jax

    from geometry import interference
    from geometry.signals import Activity

    activity = Activity(ACTIVE)
    best = interference.best_threshold(DIM, FEATURES, activity)
    seen: dict[str, list[float]] = {}
    root = jax.random.fold_in(jax.random.key(seed), 77)
    for member in range(seeds):
        key = jax.random.fold_in(root, member)
        for name, value in (_thresholds(key, best, blocks) | _small(key, blocks)).items():
            seen.setdefault(name, []).append(value)
    setting = f"(N, d, k) = ({FEATURES}, {DIM}, {ACTIVE})"
    sigma = float(np.sqrt(ACTIVE / DIM))
    first, second = (float(value) for value in interference.relu_moments(_BIAS, sigma))
    half = Activity(ACTIVE)
    alarm = float(interference.false_alarm(0.5, DIM, FEATURES, half))
    missed = float(interference.miss(0.5, DIM, FEATURES, half))
    fewest = float(interference.expected_errors(best, DIM, FEATURES, half))
    wanted = {
        "alarm": ("false alarms at 1/2", alarm, 0.02, f"Q(sqrt(d/k)/2) = .02275 at {setting}"),
        "miss": ("misses at 1/2", missed, 0.03, f"Q(sqrt(d/(k-1))/2) = .01943 at {setting}"),
        "errors": ("errors at the best threshold", fewest, 0.02, f"{fewest:.4g} at {setting}"),
        "relu": ("mean of ReLU(y - b)", first, 0.02, f"{first:.5g} at b = {_BIAS}, {setting}"),
        "relu_square": (
            "mean square of ReLU(y - b)",
            second,
            0.02,
            f"{second:.5g} at b = {_BIAS}, {setting}",
        ),
        "row_mean": (
            "mean interference of each row",
            1.0,
            0.01,
            "slope 1 of measured against m·mean_j(G_ij), fixed dictionary",
        ),
        "row_variance": (
            "variance of the interference of each row",
            1.0,
            0.01,
            "1, over m(N-1-m)/(N-2) times the row's variance, fixed dictionary",
        ),
        "row_signed": (
            "mean square with random signs",
            1.0,
            0.01,
            "1, over m·mean_j(G_ij²), fixed dictionary",
        ),
        "inverse_ratio": (
            "inverse participation ratio of a random direction",
            3 / (DIM + 2),
            0.01,
            f"3/(d+2) = {3 / (DIM + 2):.5g} exactly, at d = {DIM}",
        ),
    }
    return [
        {
            "name": f"reference: {name}",
            "theory": f"{words}; within {share:.0%}",
            "estimate": float(np.mean(seen[key])),
            "interval": list(mean_interval(seen[key])),
            "band": [centre * (1 - share), centre * (1 + share)],
        }
        for key, (name, centre, share, words) in wanted.items()
    ]


def _thresholds(key: Any, best: float, blocks: int) -> dict[str, float]:
    import jax

    from geometry import capacity, readout, signals, sphere
    from geometry.decoders import matched_filter
    from geometry.signals import Activity

    making, reading, drawing = jax.random.split(key, 3)
    rows = sphere.sample(making, FEATURES, DIM)
    found = readout.read(
        reading,
        rows,
        Activity(ACTIVE),
        np.array([0.5, best]),
        bins=readout.Bins(-2.0, 3.0, 2),
        blocks=blocks,
    )
    off, on = np.asarray(found.counts, np.int64).sum(axis=0)
    alarms = np.asarray(found.false_alarms, np.int64).sum(axis=0)
    misses = np.asarray(found.misses, np.int64).sum(axis=0)
    drawn = signals.draw(drawing, 1024, FEATURES, Activity(ACTIVE))
    passed = matched_filter.relu(rows, signals.superpose(rows, drawn), _BIAS)
    shown = np.array(passed, np.float64)
    np.put_along_axis(shown, np.asarray(drawn.support), np.nan, axis=1)
    return {
        "alarm": float(alarms[0] / off),
        "miss": float(misses[0] / on),
        "errors": float((alarms[1] + misses[1]) / (blocks * readout.block_of(FEATURES))),
        "relu": float(np.nanmean(shown)),
        "relu_square": float(np.nanmean(shown**2)),
        "inverse_ratio": float(np.mean(1 / capacity.participation_ratio(rows, axis=1))),
    }


def _small(key: Any, blocks: int) -> dict[str, float]:
    """A fixed dictionary's rows, each against its own prediction."""
    import jax

    from geometry import capacity, interference, signals, sphere
    from geometry.products import product

    features, dim, active = _SMALL
    trials = min(_MOST_SMALL_TRIALS, 512 * blocks)
    making, *drawing = jax.random.split(jax.random.fold_in(key, 1), 3)
    rows = sphere.sample(making, features, dim)
    moments = capacity.off_diagonal_moments(rows)
    found: dict[str, float] = {}
    for signed, place in ((False, drawing[0]), (True, drawing[1])):
        codes = signals.draw_codes(place, trials, features, active, signed=signed)
        readings = np.asarray(product(product(codes, rows), rows.T), np.float64)
        # Inactive readings only: the active set is then uniform among the others.
        off = np.asarray(codes) == 0
        count = off.sum(axis=0)
        mean = np.where(off, readings, 0).sum(axis=0) / count
        square = np.where(off, readings**2, 0).sum(axis=0) / count
        centre, variance = interference.row_moments(*moments, features, active, signed=signed)
        if signed:
            found["row_signed"] = float(np.mean(square / variance))
        else:
            found["row_mean"] = float(mean @ centre / (centre @ centre))
            found["row_variance"] = float(np.mean((square - mean**2) / variance))
    return found
