"""What theory says of an audited matrix, held against what was measured."""

from __future__ import annotations

import math
from typing import Any

from experiments.harness.checks import Check, judge, judge_effect
from experiments.harness.experiment import Result

__all__ = ["checks"]

# Of float64 sums over the rows; a tight frame meets Welch's bound with equality.
_ROUNDING = 1e-9
_SQUARE = 0.05
_MEAN = 0.05
# Standard errors: a normal value is farther off once in 16,000 times.
_FAR = 4


def checks(_config: object, result: Result) -> list[Check]:
    """Welch's floor, counts of pairs against moments, and interference against both."""
    data: Any = result.data
    found = []
    for name, view in data["views"].items():
        found += _pairs(data, name, view)
        found += _interference(name, view)
    return found


def _pairs(data: Any, name: str, view: Any) -> list[Check]:
    found = []
    count, dim = view["count"], data["dim"]
    if count > dim:
        floor = math.sqrt((count - dim) / (dim * (count - 1)))
        found.append(
            judge(
                f"rms |cos| above Welch's floor, {name}",
                theory=f"at least sqrt((n-d)/(d(n-1))) = {floor:.6f} for any n directions",
                estimate=view["rms"],
                band=(floor * (1 - _ROUNDING), None),
            )
        )
        if view["exact"]:
            found.append(
                judge(
                    f"largest |cos| above Welch's bound, {name}",
                    theory=f"at least {floor:.6f}",
                    estimate=view["largest"]["cosine"],
                    band=(floor * (1 - _ROUNDING), 1 + _ROUNDING),
                )
            )
    low, high = (math.sqrt(end) for end in view["square"])
    axis = data["axis"]
    which = "all pairs" if view["exact"] else f"{view['sampled']:,} {axis} with all"
    found.append(
        judge(
            f"rms |cos| of {which}, counted, {name}",
            theory=f"the moments of these {axis}, from F = WᵀW, lie where bins and float32 say",
            estimate=math.sqrt(view["exact_square"]),
            band=(low, high),
        )
    )
    if not view["exact"]:
        reach = _FAR * view["square_error"] + _ROUNDING
        found.append(
            judge(
                f"mean cos² of the sampled {axis}, {name}",
                theory=f"that of all {axis}, from F; within {_FAR} standard errors",
                estimate=view["exact_square"],
                band=(view["rms"] ** 2 - reach, view["rms"] ** 2 + reach),
            )
        )
    return found


def _interference(name: str, view: Any) -> list[Check]:
    """The k that is farthest from theory, for both moments."""
    rows = [row for row in view["interference"] if row["square_ratio"] is not None]
    if not rows:
        return []
    square = max(rows, key=lambda row: abs(row["square_ratio"]["mean"] - 1))
    mean = max(rows, key=lambda row: abs(row["mean_error"]["mean"]))
    farthest = f"the farthest of {len(rows)}" if len(rows) > 1 else "the only one"
    return [
        judge_effect(
            f"mean square interference, {name}",
            theory=f"measured over what the moments predict: 1 within {_SQUARE:.0%}",
            effect=square["square_ratio"],
            band=(1 - _SQUARE, 1 + _SQUARE),
            note=f"k = {square['active']}, {farthest}",
        ),
        judge_effect(
            f"mean interference, {name}",
            theory=f"k times the mean cosine; within {_MEAN:.0%} of the rms",
            effect=mean["mean_error"],
            band=(-_MEAN, _MEAN),
            note=f"k = {mean['active']}, {farthest}",
        ),
    ]
