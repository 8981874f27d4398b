"""Verdicts on superposition: the phase boundary, plateaus, polytopes, and what sharing saves."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from experiments.harness.checks import HAIR, Check, judge, judge_effect
from experiments.harness.experiment import Result
from experiments.superposition_plateaus import on_plateau
from experiments.superposition_training import SETTLED_SHARE

__all__ = ["checks", "longest"]

# Relative distance of a loss from the optimum's that counts as the optimum.
_FOUND = 0.01


def checks(_config: object, result: Result) -> list[Check]:
    """That theory and trained models agree, with claims C5 and C6."""
    data: Any = result.data
    pairs, plane, large = data["pairs"], data["plane"]["rows"], data["plateaus"]
    sparse, dense = plane[-1], plane[0]
    rows = large["rows"]
    spread = large["spread"]
    run = longest([on_plateau(row) for row in rows])
    settled = data["settled"]
    return [
        judge(
            "models that settled",
            theory="all but a tenth, in each part: |W|² moves by at most 5% over the last two "
            "fifths of the steps",
            estimate=min(settled.values()),
            band=(SETTLED_SHARE, None),
            converged=min(settled.values()) >= SETTLED_SHARE,
            note=", ".join(f"{name} {share:.3f}" for name, share in settled.items()),
        ),
        judge(
            "two in one: cells that agree with the exact optimum, best of seeds",
            theory="all; at least 0.95 of those more than 15% away from the boundary",
            estimate=pairs["agreement"],
            band=(0.95, None),
            converged=settled["pairs"] >= SETTLED_SHARE,
        ),
        judge(
            "two in one: loss below the exact optimum, largest share of it",
            theory="0: nothing is better than the optimum; float32 and the rule of 24 nodes lose "
            "1e-5, so at most 1e-4",
            estimate=-min(pairs["excess"]),
            band=(None, 1e-4),
        ),
        judge(
            "two in one: cells whose best seed has the optimum's loss, within 1%",
            theory="all where one of the seeds finds the optimum; at least 0.95, near the boundary "
            "too",
            estimate=sum(one <= _FOUND for one in pairs["excess"]) / len(pairs["excess"]),
            band=(0.95, None),
            converged=settled["pairs"] >= SETTLED_SHARE,
        ),
        judge(
            "plateau: consecutive sparsities with m/|W|² within 0.5 ± 0.05",
            theory="antipodal pairs have half a dimension each; 3 or more sparsities that settled, "
            "intervals inside",
            estimate=run,
            band=(3, None),
            # Where sparsities that have not settled might make it long enough.
            converged=run >= 3 or longest([on_plateau(row | {"settled": 1.0}) for row in rows]) < 3,
        ),
        judge_effect(
            "dimensionalities near 1, 3/4, 2/3, 1/2, 2/5, 3/8, 0, over a smooth law",
            theory="at least twice as often; 0 is features not learned, 1/2 is pairs, the others "
            "are other tight polytopes",
            effect=large["concentration"]["ratio"],
            band=(2.0, None),
            converged=settled["plateaus"] >= SETTLED_SHARE,
            note="; ".join(
                f"{row['name']}, {row['value']:.3g}: {row['near']:.3f}, smooth {row['smooth']:.3f}"
                for row in large["concentration"]["fractions"]
            ),
        ),
        judge(
            "pentagons among models of five features in a plane at their sparsest",
            theory=f"most seeds at p = {sparse['probability']:g}: of five unit vectors in a plane "
            "those of a pentagon have the least largest inner product",
            estimate=sparse["pentagon"],
            interval=tuple(sparse["pentagon_interval"]),
            band=(0.5, None),
            converged=sparse["settled"] >= SETTLED_SHARE,
        ),
        judge_effect(
            "C6: loss over the least without superposition, five features at their sparsest",
            theory=f"less than 1 at p = {sparse['probability']:g}: sharing pays where features are "
            "sparse",
            effect=sparse["ratio"],
            band=(None, 1 - HAIR),
            converged=sparse["settled"] >= SETTLED_SHARE,
        ),
        judge_effect(
            "C6: loss over the least without superposition, large model at its sparsest",
            theory="less than 1",
            effect=rows[-1]["ratio"],
            band=(None, 1 - HAIR),
            converged=rows[-1]["settled"] >= SETTLED_SHARE,
        ),
        judge(
            "C6: least loss of a seed over the least without superposition, p = 1",
            theory="1: a linear model cannot save anything, as all directions vary alike; a ReLU "
            "saves 0.1% for two equal features in one dimension (two in one, p = 1), and ten times "
            "that is allowed",
            estimate=dense["best"],
            band=(0.99, 1.01),
            converged=dense["settled"] >= SETTLED_SHARE,
        ),
        *(
            judge_effect(
                f"C5: trained: {what}, over those of random directions",
                theory="1 if training prefers no axis, as the loss does not; at least 0.8",
                effect=spread.get(key, {"mean": None, "interval": None}),
                band=(0.8, None),
                converged=rows[-1]["settled"] >= SETTLED_SHARE,
            )
            for key, what in (
                ("neurons_ratio", "neurons that a feature is spread over"),
                ("features_ratio", "features that a neuron serves"),
            )
        ),
    ]


def longest(flags: list[bool]) -> int:
    """Return the length of the longest run of true ones."""
    return max((sum(1 for _ in run) for value, run in groupby(flags) if value), default=0)
