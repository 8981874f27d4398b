"""Blocks of a dictionary: sets of features that overlap, and whether each is a tight frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OVERLAP", "PRESENT", "blocks", "in_order"]

OVERLAP = 0.05
"""Least |cos| of two features that overlap: they cost each other about its square in capacity."""
PRESENT = 1e-3
"""Least capacity of a feature that belongs to a block."""


def blocks(
    vectors: NDArray[np.floating[Any]], capacities: NDArray[np.floating[Any]]
) -> list[dict[str, Any]]:
    """Return the connected sets of rows of W `[n, d]` by overlap, in the order of first features.

    Rows of capacity below 1e-3 belong to none.  Each block has its features, its
    dimension (the sum of their capacities, an integer at the optimum), and the spread of its frame
    operator's eigenvalues, (largest - least)/mean over as many as the dimension rounded: 0 for a
    tight frame.
    """
    from geometry import polytopes

    kept = np.flatnonzero(np.asarray(capacities) >= PRESENT)
    rows = np.asarray(vectors, np.float64)[kept]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = []
    for place in polytopes.components(unit @ unit.T, OVERLAP):
        dimension = float(np.sum(np.asarray(capacities, np.float64)[kept[place]]))
        rank = max(1, round(dimension))
        values = np.linalg.svd(rows[place], compute_uv=False)[:rank] ** 2
        found.append(
            {
                "features": kept[place].tolist(),
                "dimension": dimension,
                "spread": float((values.max() - values.min()) / values.mean()),
            }
        )
    return found


def in_order(found: list[dict[str, Any]], features: int) -> list[int]:
    """Return all features block by block, those of no block last."""
    order = [place for block in found for place in block["features"]]
    return order + [place for place in range(features) if place not in order]
