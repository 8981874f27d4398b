"""How the figures of the autoencoder report name, colour and frame what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.harness import theme
from experiments.sae_config import NAMES

__all__ = ["LOOKS", "bars", "count", "label", "longest", "means", "percent", "symbol"]

LOOKS = (
    (theme.MEASURED, "circle"),
    (theme.LOWER, "square"),
    (theme.HIGHLIGHT, "diamond"),
    (theme.UPPER, "triangle-up"),
    (theme.THEORY, "cross"),
    (theme.RANDOM, "x"),
)
"""Colour and marker of a series, by its place: either tells it from the others."""


def symbol(place: int) -> tuple[str, str]:
    """Return colour and marker of the series at this place."""
    return LOOKS[place % len(LOOKS)]


def means(effects: Sequence[Any]) -> Any:
    """Return the means of measured quantities, `[n]` float32."""
    return np.array([effect["mean"] for effect in effects], np.float32)


def bars(effects: Sequence[Any]) -> dict[str, Any]:
    """Return error bars, cut to [0, 1] as shares are; none where there is no interval."""
    none = (np.nan, np.nan)
    ends = np.array([effect["interval"] or none for effect in effects], np.float64).reshape(-1, 2)
    low, high = np.clip(ends, 0, 1).T
    return theme.error_bars([effect["mean"] for effect in effects], low, high)


def percent(effect: Any) -> str:
    """Return a share in words."""
    return f"{effect['mean']:.1%}"


def count(effect: Any) -> str:
    """Return a mean number in words."""
    return f"{effect['mean']:,.1f}".removesuffix(".0")


def longest(rows: Sequence[Any]) -> list[Any]:
    """Return the row of each architecture with the most samples, in the order of the rows."""
    found: dict[str, Any] = {}
    for row in rows:
        best = found.setdefault(row["architecture"], row)
        if row["samples"] > best["samples"]:
            found[row["architecture"]] = row
    return list(found.values())


def label(arm: str, row: Any) -> str:
    """Return what tells a row from the others of its arm."""
    if arm == "dictionaries":
        return str(row["kind"])
    if arm == "sparsities":
        return f"{row['number']} given"
    if arm == "sizes":
        return f"N/d = {row['ratio']:g}, k = {row['on']}"
    if arm == "penalties":
        return f"λ = {row['penalty']:g}"
    return NAMES[row["architecture"]]
