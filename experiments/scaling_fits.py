"""Exponents over width, and the weak loss where m features are represented, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.effects import estimate

__all__ = ["DRIFT", "LATE", "TRAVEL", "at_width", "fits", "slope"]

DRIFT = 0.15
"""Most by which the strong exponent may differ between half of the steps and all of them."""
LATE = 0.1
"""Most relative change otherwise: of an overlap between half of the steps and all, of the squared
error with one feature on and of the features represented over the last fifth."""
TRAVEL = 10.0
"""Least rate·steps: Adam may take a weight ten times from 0 to 1."""

Floats = NDArray[np.float64]


def slope(sizes: Sequence[float] | Floats, values: Sequence[float] | Floats) -> float:
    """Return the slope of log values over log sizes, by least squares."""
    x, y = np.log(np.asarray(sizes, np.float64)), np.log(np.asarray(values, np.float64))
    x = x - x.mean()
    return float(x @ y / (x @ x))


def at_width(represented: Sequence[int], ratios: Sequence[float], width: int) -> float | None:
    """Return the ratio where `width` features are represented, between trainings `[decays]`.

    Linear in the logarithms; None where the trainings do not lie on both sides.  A training that
    represents nothing counts half a feature.
    """
    counts = np.log(np.maximum(np.asarray(represented, np.float64), 0.5))
    order = np.argsort(counts, kind="stable")
    target = math.log(width)
    if not counts[order[0]] <= target <= counts[order[-1]]:
        return None
    found = np.interp(target, counts[order], np.log(np.asarray(ratios, np.float64))[order])
    return float(np.exp(found))


_UNKNOWN: dict[str, Any] = {"mean": None, "interval": None}


def fits(rows: Sequence[dict[str, Any]], travel: float) -> dict[str, Any]:
    """Return what checks, figures and tables speak of, from the trainings of every width.

    `travel` is the least of rate·steps: below `TRAVEL` nothing has settled.
    """
    far = travel >= TRAVEL
    widths = [row["width"] for row in rows]
    losses = np.array([row["strong"]["loss"] for row in rows])
    overlaps = np.array([row["strong"]["overlap"] for row in rows])
    exponents = [slope(widths, one) for one in losses.T]
    drift = slope(widths, [row["half"]["loss"][0] for row in rows]) - exponents[0]
    moved = max(abs(row["half"]["overlap"][0] / row["strong"]["overlap"][0] - 1) for row in rows)
    weak = [_weak(row, far) for row in rows]
    known = [place for place, one in enumerate(weak) if one["ratios"] is not None]
    tails = np.array([row["tail"] for row in rows])
    weak_exponent = dict(_UNKNOWN)
    if len(known) == len(rows):
        ratios = np.array([one["ratios"] for one in weak])
        weak_exponent = estimate([slope(widths, one) for one in (ratios * tails[:, None]).T])
    every = [arm for row in rows for arm in (row["strong"], row["half"], *row["weak"])]
    relative = [
        error / loss for arm in every for error, loss in zip(arm["error"], arm["loss"], strict=True)
    ]
    return {
        "widths": widths,
        "tails": tails.tolist(),
        "loss": [estimate(one) for one in losses],
        "exponent": _widened(estimate(exponents), -float(drift)),
        "local": [
            estimate([slope(widths[at : at + 2], one[at : at + 2]) for one in losses.T])
            for at in range(len(widths) - 1)
        ],
        "drift": float(drift),
        "travel": travel,
        "settled": far and abs(drift) <= DRIFT,
        "overlap": [estimate(m * one) for m, one in zip(widths, overlaps, strict=True)],
        "overlap_exponent": estimate([slope(widths, one) for one in overlaps.T]),
        "overlap_moved": float(moved),
        "overlap_settled": far and moved <= LATE,
        "weak": weak,
        "weak_exponent": weak_exponent,
        "tail_exponent": slope(widths, tails),
        "sampling": float(max(relative)),
    }


def _widened(effect: dict[str, Any], moved: float) -> dict[str, Any]:
    """The interval with as much again on the side that training moved to in its second half."""
    low, high = effect["interval"]
    return {**effect, "interval": (low + min(moved, 0.0), high + max(moved, 0.0))}


def _weak(row: dict[str, Any], far: bool) -> dict[str, Any]:
    """The weak loss over the unlearned tail's where m features are represented."""
    m, arms = row["width"], row["weak"]
    seeds = len(arms[0]["loss"])
    found = [
        at_width(
            [arm["represented"][seed] for arm in arms],
            [arm["loss"][seed] / row["tail"] for arm in arms],
            m,
        )
        for seed in range(seeds)
    ]
    settled = far and all(
        arm["late_probe"] <= LATE
        and arm["late_represented"] <= LATE * max(float(np.mean(arm["represented"])), 1.0)
        for arm in arms
    )
    # The training whose number of represented features is nearest to m, for pictures.
    distance = [abs(math.log(max(float(np.mean(arm["represented"])), 0.5) / m)) for arm in arms]
    nearest = int(np.argmin(distance))
    ratios = [one for one in found if one is not None]
    whole = len(ratios) == seeds
    return {
        **(estimate(ratios) if whole else _UNKNOWN),
        "ratios": ratios if whole else None,
        "settled": settled,
        "nearest": nearest,
        "decay": arms[nearest]["decay"],
    }
