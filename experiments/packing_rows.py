"""The rows of a packing, shown on the terminal and saved to a file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from experiments import packing_file
from geometry.certify import AllPairs
from geometry.packing import Packing

__all__ = ["saved", "shown"]

_MOST_SAVED = 2 * 10**8  # entries of the rows in a file; beyond, the recipe and a sample
_SAMPLE = 1000


def shown(packing: Packing, count: int) -> list[str]:
    """The first `count` rows as lines of text: place and value of the non-zero entries."""
    rows = packing.rows(np.arange(min(count, packing.count), dtype=np.int64))
    lines = []
    for index, (values, square) in enumerate(zip(rows.values, rows.squared_norms, strict=True)):
        entries = [(int(i), values[i]) for i in np.flatnonzero(values)]
        text = ", ".join(f"{place}: {value:g}" for place, value in entries[:12])
        more = f", ... ({len(entries)} entries)" if len(entries) > 12 else ""
        norm = f" / sqrt({square})" if square > 1 else ""
        lines.append(f"row {index}: {{{text}{more}}}{norm}")
    return lines


def saved(packing: Packing, path: Path) -> str:
    """Save the rows, or a recipe with a sample of them when they are too many; say what."""
    whole = packing.count * packing.dim <= _MOST_SAVED
    chosen = np.arange(packing.count if whole else 0, dtype=np.int64)
    if not whole:
        # Drawn from the whole: the first rows alone may all be orthogonal.
        top = min(packing.count, np.iinfo(np.int64).max)
        chosen = np.unique(np.random.default_rng(0).integers(0, top, _SAMPLE))
    rows = packing.rows(chosen)
    square = packing.coherence.upper_square()
    if (rows.squared_norms == 0).any():
        # What float64 rows can prove lies above the stated coherence by their rounding error.
        finding = AllPairs(rows, packing.coherence, packing.coherence, packing.proof).check()
        square = max(square, finding.largest.upper_square())
    content = packing_file.PackingFile(
        kind="vectors" if whole else "recipe",
        dim=packing.dim,
        count=packing.count,
        coherence_square=square,
        recipe=dict(packing.recipe()),
        vectors=rows.values,
        squared_norms=rows.squared_norms,
    )
    packing_file.write(path, content)
    what = "all rows" if whole else f"the recipe and a sample of {len(chosen)} rows"
    if square > packing.coherence.upper_square():
        excess = math.sqrt(square) - float(packing.coherence)
        what += f", float64 rows claimed within {packing.coherence} + {excess:.1e}"
    return f"saved {what}: {path} (check it: python -m experiments.verify {path})"
