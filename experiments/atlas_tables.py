"""The tables of the atlas report: what the brackets say by region, by family, by model."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import atlas_grid
from experiments.atlas_grid import Cell
from experiments.harness.experiment import Table
from experiments.packing_words import large

if TYPE_CHECKING:
    from geometry.exact import Cosine

__all__ = ["Column", "tables"]

# x = eps sqrt(d): below 1 Welch's bound holds N near d, and far above it counts are exponential.
_BANDS = (0.0, 0.5, 1.0, 2**0.5, 2.0, 3.0)
_MODEL_EPS = ("0.01", "0.02", "0.05", "0.1", "1/5", "0.3")


@dataclass(frozen=True)
class Column:
    """The cells of every d at one eps, which is `word` in the grid."""

    word: str
    eps: Cosine
    cells: list[Cell]


def tables(columns: Sequence[Column]) -> dict[str, Table]:
    """The gap by region, the families, the widths of models, the closed brackets, and all."""
    rows = [
        row for column in columns for row in atlas_grid.rows(column.word, column.eps, column.cells)
    ]
    return {
        "regions": _regions(columns),
        "families": _families(columns),
        **_models(columns),
        **_closed(columns),
        "atlas": Table(
            atlas_grid.COLUMNS,
            tuple(rows),
            "Every bracket",
            "The family holds most of the packing's lines and was carried to this d by the moves. "
            "The coherence is the packing's own, exact.",
        ),
    }


def _regions(columns: Sequence[Column]) -> Table:
    bands: list[list[Cell]] = [[] for _ in _BANDS]
    for column in columns:
        for cell in column.cells:
            x = float(column.eps) * cell.dim**0.5
            bands[sum(x > edge for edge in _BANDS[1:])].append(cell)
    rows = []
    for place, cells in enumerate(bands):
        if not cells:
            continue
        high = _BANDS[place + 1] if place + 1 < len(_BANDS) else None
        first, share = Counter(cell.family for cell in cells).most_common(1)[0]
        rows.append(
            (
                f"above {_BANDS[place]:.4g}" if high is None else f"up to {high:.4g}",
                len(cells),
                sum(cell.closed for cell in cells),
                sum(cell.upper <= 10 * cell.lower for cell in cells),
                round(statistics.median(cell.gap for cell in cells), 3),
                f"{first} ({share / len(cells):.0%})",
            )
        )
    return Table(
        (
            "eps sqrt(d)",
            "brackets",
            "closed",
            "within a factor 10",
            "median log10 ratio",
            "most records",
        ),
        tuple(rows),
        "The gap by eps·√d",
        "Up to 1 the upper bounds are close to what is known; far above it they are not.",
    )


def _families(columns: Sequence[Column]) -> Table:
    held: dict[str, list[tuple[Column, Cell]]] = {}
    for column in columns:
        for cell in column.cells:
            held.setdefault(cell.family, []).append((column, cell))
    total = sum(map(len, held.values()))
    rows = []
    for name, records in sorted(held.items(), key=lambda one: -len(one[1])):
        # The record with the smallest gap, and of these the one with the most lines.
        column, best = min(records, key=lambda one: (one[1].gap, -one[1].lower))
        rows.append(
            (
                name,
                best.reference,
                len(records),
                f"{len(records) / total:.1%}",
                sum(cell.closed for _, cell in records),
                f"d = {best.dim:,}, eps = {column.word}: {large(best.lower)}",
            )
        )
    return Table(
        ("family", "paper", "records", "share", "closed", "nearest to the bound"),
        tuple(rows),
        "Who holds the records",
        "A record is the family's to which most of the lines belong.",
    )


def _models(columns: Sequence[Column]) -> dict[str, Table]:
    rows = tuple(
        (
            cell.dim,
            atlas_grid.MODELS[cell.dim],
            column.word,
            cell.lower,
            cell.upper,
            cell.family,
        )
        for dim in atlas_grid.MODELS
        for column in columns
        for cell in column.cells
        if column.word in _MODEL_EPS and cell.dim == dim
    )
    table = Table(
        ("d", "model", "eps", "at least", "at most", "family"),
        rows,
        "Widths of real models",
        "How many nearly orthogonal directions the residual stream of each has room for.",
    )
    return {"models": table} if rows else {}


def _closed(columns: Sequence[Column]) -> dict[str, Table]:
    rows = tuple(
        (cell.dim, column.word, cell.lower, cell.family, cell.reference, cell.bound)
        for column in columns
        for cell in column.cells
        if cell.closed and cell.crowded
    )
    table = Table(
        ("d", "eps", "exactly", "family", "paper", "bound"),
        rows,
        "Closed brackets beyond the simplex",
        "Where N(d, eps) is known exactly and exceeds d + 1.",
    )
    return {"closed": table} if rows else {}
