"""Shares and interactions of the causes, from the counts of every combination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.causes_cells import NOTHING, PENALTY_ALONE, SEPARATE, Cell, full, levels_of
from experiments.intervals import mean_interval
from experiments.poisson import count_interval

__all__ = ["decompose", "interactions"]

Rows = Sequence[dict[str, Any]]
# An event that moves a count by 1 and was seen in none of n seeds has a probability below this
# over n, at 97.5%: equal differences do not mean that others cannot be.
_UNSEEN = -float(np.log(0.025))


def _row(rows: Rows, m: int, cell: Cell) -> dict[str, Any]:
    for row in rows:
        if (row["neurons"], row["start"], row["penalised"], row["kurtosis"]) == (m, *cell):
            return row
    raise KeyError(f"{cell.name} at m = {m}")


def _level(row: dict[str, Any], less: float = 0.0) -> dict[str, Any]:
    """A cell's mean count, less a constant, with Poisson's interval."""
    low, high = count_interval(sum(row["counts"]), len(row["counts"]))
    mean = float(np.mean(row["counts"]))
    return {
        "mean": mean - less,
        "interval": (low - less, high - less),
        "converged": row["converged"],
    }


def _effect(values: NDArray[np.float64], used: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A mean over seeds of differences between cells, with Student's interval or a wider one."""
    low, high = mean_interval(values)
    mean, least = float(values.mean()), _UNSEEN / len(values)
    return {
        "mean": mean,
        "interval": (min(low, mean - least), max(high, mean + least)),
        "converged": all(row["converged"] for row in used),
    }


def _difference(more: dict[str, Any], less: dict[str, Any]) -> dict[str, Any]:
    seeds = min(len(more["counts"]), len(less["counts"]))
    first, second = (np.array(row["counts"][:seeds], np.float64) for row in (more, less))
    return _effect(first - second, (more, less))


def decompose(rows: Rows, features: int, kurtosis: float) -> list[dict[str, Any]]:
    """Shares of the causes at each width, in neurons, seeds paired.

    observed = all causes on.  necessary = max(0, n - m).  A cause's share is observed less the
    count with that cause alone switched off.  They need not sum to what is observed: what is left
    over is the residual.  `by_kurtosis` has the share of noise of each kind instead.  Each entry
    says whether all trainings behind it converged.
    """
    from geometry import sharing

    found = []
    for m in sorted({row["neurons"] for row in rows}):
        here = full(kurtosis)
        observed = _row(rows, m, here)
        alone, separate, nothing = (
            _row(rows, m, cell) for cell in (PENALTY_ALONE, SEPARATE, NOTHING)
        )
        off = {
            "start": _row(rows, m, here._replace(start="margin")),
            "penalty": _row(rows, m, here._replace(penalised=False)),
            "noise": alone,
        }
        necessary = float(sharing.least_shared(features, m))
        seeds = len(observed["counts"])
        whole = np.array(observed["counts"], np.float64)
        removed = [whole - row["counts"][:seeds] for row in off.values()]
        found.append(
            {
                "neurons": m,
                "observed": _level(observed),
                "necessary": necessary,
                "incidental": _level(observed, necessary),
                **{cause: _difference(observed, row) for cause, row in off.items()},
                "residual": _effect(
                    whole - necessary - np.sum(removed, axis=0), (observed, *off.values())
                ),
                "start_alone": _difference(alone, separate),
                "penalty_alone": _level(alone),
                "separate": _level(separate),
                "nothing": _level(nothing),
                "by_kurtosis": {
                    f"{level:g}": _difference(_row(rows, m, full(level)), alone)
                    for level in levels_of(kurtosis)
                },
            }
        )
    return found


def interactions(rows: Rows, chosen: Iterable[int], kurtosis: float) -> list[dict[str, Any]]:
    """Main effects and interactions of the cube start × penalty × noise at each width.

    Each is a mean of differences over the other factors' two levels, halved for every further
    factor, as in a two-level factorial design (Box, Hunter and Hunter 2005, chapter 5): an
    interaction is half the difference between a factor's effects at the other's two levels.
    """
    found = []
    for m in chosen:
        cube = {}
        for start, penalised, noisy in product((0, 1), repeat=3):
            level = kurtosis + 0.0 if noisy else None
            cell = Cell("random" if start else "margin", bool(penalised), level)
            cube[start, penalised, noisy] = _row(rows, m, cell)
        seeds = min(len(row["counts"]) for row in cube.values())
        for factors in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
            total = np.zeros(seeds)
            for corner, row in cube.items():
                sign = np.prod([2 * corner[factor] - 1 for factor in factors])
                total += sign * np.array(row["counts"][:seeds])
            found.append(
                {
                    "neurons": m,
                    "effect": " × ".join(("start", "penalty", "noise")[one] for one in factors),
                    **_effect(total / 4, cube.values()),
                }
            )
    return found
