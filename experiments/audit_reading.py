"""What k active features do to a reader of the others, in an audited matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import audit_matrix
from experiments.effects import estimate

if TYPE_CHECKING:
    from experiments.audit_config import Config
    from experiments.audit_matrix import View
    from experiments.harness.progress import Step

__all__ = ["THETA", "interference"]

THETA = 0.5
# Rows of a pool, and their entries: 128 MiB in float32.
_POOL, _ENTRIES = 1 << 15, 1 << 25
_ROWS = 4096
# Square of what float32 leaves of a cosine that is 0.
_FLOAT32 = 1e-12


def interference(config: Config, view: View, step: Step) -> list[dict[str, Any]]:
    """Mean, rms and false activations at 1/2 for every k: theory, measured, random directions.

    Each seed draws its own sets of k among the rows, and reads all rows; where they are too many,
    among and at a random pool of rows of its own: any k + 1 of them are a uniform choice among all,
    so that the means over pools are those over all rows.  Both views get the same draws.
    """
    import jax

    count, dim = view.count, view.moments.dim
    size = min(count, max(min(_POOL, _ENTRIES // dim), 4 * max(config.active)))
    root = jax.random.fold_in(jax.random.key(config.seed), 1)
    seen: dict[int, list[dict[str, float]]] = {k: [] for k in config.active}
    rows = theory = None
    for seed in range(config.seeds):
        choosing, reading = jax.random.split(jax.random.fold_in(root, seed))
        if rows is None or size < count:
            pool = np.arange(count)
            if size < count:
                drawn = jax.random.choice(choosing, count, (size,), replace=False)
                pool = np.sort(np.asarray(drawn, np.int64))
            rows, theory = _read_in(view, pool, config.active)
        for place, k in enumerate(config.active):
            key = jax.random.fold_in(reading, place)
            one = _simulated(key, rows, k, max(config.active), config.trials)
            seen[k].append(one | {"alarms_theory": theory[k] if theory else math.nan})
            step()
    return [_told(view, k, seen[k]) for k in config.active]


def _read_in(
    view: View, pool: NDArray[np.int64], active: Sequence[int]
) -> tuple[NDArray[np.float32], dict[int, float]]:
    """Unit rows of the pool, and the false activations that their own moments predict."""
    from geometry import interference

    moments = view.moments
    rows = np.empty((len(pool), moments.dim), np.float32)
    alarms = dict.fromkeys(active, 0.0)
    for at in range(0, len(pool), _ROWS):
        which = pool[at : at + _ROWS]
        units = audit_matrix.units(view, which)
        rows[at : at + _ROWS] = units
        mean, square = moments.of_rows(which, units)
        for k in active:
            shares = interference.fixed_false_alarm(THETA, mean, square, view.count, k)
            alarms[k] += float(shares.sum()) / len(pool)
    return rows, alarms


def _simulated(
    key: Any, rows: NDArray[np.float32], active: int, slots: int, trials: int
) -> dict[str, float]:
    from geometry import readout
    from geometry.signals import Activity

    size = min(readout.block_of(len(rows)), trials)
    found = readout.read(
        key,
        rows,
        # One compilation serves every k.
        Activity(slots),
        np.array([THETA]),
        bins=readout.Bins(-2.0, 3.0, 2),
        blocks=math.ceil(trials / size),
        block=size,
        active=active,
    )
    off = np.asarray(found.counts, np.int64)[:, 0].sum()
    return {
        "mean": float(np.asarray(found.means, np.float64)[:, 0].mean()),
        "square": float(np.asarray(found.squares, np.float64)[:, 0].mean()),
        "alarms": float(np.asarray(found.false_alarms, np.int64)[:, 0].sum() / off),
    }


def _told(view: View, active: int, seen: list[dict[str, float]]) -> dict[str, Any]:
    from geometry import interference, sphere
    from geometry.signals import Activity

    moments, activity = view.moments, Activity(active)
    # The formula is linear in the two squares, so that their means over rows give its mean.
    square = float(
        interference.fixed_mean_square(
            math.sqrt(moments.row_mean_square), moments.mean_square, view.count, activity
        )
    )
    mean = active * moments.mean_cosine
    law = interference.law(moments.dim, view.count, activity, at_active=False)
    # One active feature is read as a cosine, of known law; the Edgeworth term may fall below 0.
    chance = sphere.tail(THETA, moments.dim) / 2 if active == 1 else law.tail(THETA)
    squares = [one["square"] for one in seen]
    seeable = square > active * _FLOAT32
    return {
        "active": active,
        "mean": estimate([one["mean"] for one in seen]) | {"theory": mean, "random": 0.0},
        "rms": estimate([math.sqrt(value) for value in squares])
        | {"theory": math.sqrt(square), "random": math.sqrt(law.variance)},
        "square_ratio": estimate([value / square for value in squares]) if seeable else None,
        "mean_error": estimate([(one["mean"] - mean) / math.sqrt(square) for one in seen])
        if seeable
        else None,
        "alarms": estimate([one["alarms"] for one in seen])
        | {
            "theory": float(np.mean([one["alarms_theory"] for one in seen])),
            "random": max(float(chance), 0.0),
        },
    }
