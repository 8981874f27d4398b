"""What the intrinsic experiment is held to."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.harness.checks import HAIR, Check, judge, judge_effect
from experiments.intrinsic_cells import estimate
from experiments.intrinsic_config import BELOW

__all__ = ["checks", "row_of", "strongest"]

NEARLY = 1.1
"""Most loss, over that of the matched layer, that counts as nearly the same."""
HALF = 0.5
"""Least share of the features that an autoencoder has to recover."""


def row_of(data: Any, start: float) -> Any:
    """Return the row of the main layer with biases that start there."""
    return next(row for row in data["rows"] if row["arm"] == "start" and row["start"] == start)


def strongest(data: Any) -> Any:
    """Return the row of the strongest penalty."""
    rows = [row for row in data["rows"] if row["arm"] == "penalty"]
    return max(rows, key=lambda row: row["penalty"])


def gain(more: Any, less: Any) -> dict[str, Any]:
    """Return the seed-paired difference of two rows' shares of monosemantic units."""
    pairs = zip(more["share"]["seeds"], less["share"]["seeds"], strict=False)
    return estimate([float(np.subtract(*pair)) for pair in pairs])


def checks(data: Any, steps: int) -> list[Check]:
    """Each way raises the share after `steps` steps; what it costs."""
    matched, below, strong = row_of(data, 0.0), row_of(data, BELOW), strongest(data)
    sae = data["autoencoders"][0]
    known = matched["converged"]
    rows = data["rows"] + data["autoencoders"]
    done = sum(row["converged"] for row in rows)
    return [
        judge(
            "settings that settled",
            theory=f"all {len(rows)}: rate·steps >= 10, and over the last tenth the loss moves by "
            "at most 2% and the share of monosemantic units, or of features recovered, by .02",
            estimate=done,
            band=(len(rows), len(rows)),
            converged=done == len(rows),
            note="by the schedule: the rate falls to 0, so that longer training may still change "
            "what is found",
        ),
        judge_effect(
            f"C18: monosemantic share, biases starting at {BELOW:g} less at 0",
            theory="more than 0 (Jermyn et al. 2022); of living units, seeds paired",
            effect=gain(below, matched),
            band=(HAIR, None),
            converged=known and below["converged"],
            note=f"after {steps:,} steps; the summary has longer trainings, where the run does",
        ),
        judge_effect(
            f"C18: loss, biases starting at {BELOW:g} over at 0",
            theory=f"at most {NEARLY:g}: nearly the same loss (Jermyn et al. 2022)",
            effect=below["ratio"],
            band=(None, NEARLY),
            converged=known and below["converged"],
        ),
        judge_effect(
            "C18: monosemantic share, strongest penalty less none",
            theory="more than 0: what is active costs",
            effect=gain(strong, matched),
            band=(HAIR, None),
            converged=known and strong["converged"],
            note=f"penalty {strong['penalty']:g}",
        ),
        judge_effect(
            "C18: loss, strongest penalty over none",
            theory="more than 1: superposition is what the least loss asks for",
            effect=strong["ratio"],
            band=(1 + HAIR, None),
            converged=known and strong["converged"],
            note=f"penalty {strong['penalty']:g}; the loss is without the penalty itself",
        ),
        judge_effect(
            "C18: monosemantic share, autoencoder's latents less the layer's units",
            theory="more than 0; of the living, seeds paired",
            effect=gain(sae, matched),
            band=(HAIR, None),
            within=(-1.0, 1.0),
            converged=known and sae["converged"],
        ),
        judge_effect(
            "C18: features that the autoencoder recovers",
            theory=f"at least {HALF:g} of them: a latent of its own with a cosine above .9",
            effect=sae["recovery"],
            band=(HALF, None),
            within=(0.0, 1.0),
            converged=known and sae["converged"],
        ),
        judge_effect(
            "loss with the layer that the autoencoder restores, over the layer's own",
            theory="more than 1: what it leaves out is lost",
            effect=sae["ratio"],
            band=(1 + HAIR, None),
            converged=known and sae["converged"],
            note=""
            if sae["ratio"]["mean"] > 1
            else "less: few latents leave out more of what features do to each other than of what "
            "they are",
        ),
    ]
