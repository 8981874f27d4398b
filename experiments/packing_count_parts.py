"""What surrounds the smallest coherence: contacts, the cosines of all pairs, other counts."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.packing_config import Config
from experiments.packing_count_rounding import known_words

if TYPE_CHECKING:
    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = ["around", "bound_of", "catalogued", "contacts", "cosines", "shown_rows"]

# Pairs this close to the largest |cos| count as contacts: a polish in float64 leaves far less, and
# rounding to the integers of the table leaves 3e-8.
TOLERANCE, ROUNDED_TOLERANCE = 1e-8, 1e-7
_MOST_LINES = 3000  # lines whose contacts are counted
_MOST_DRAWN = 120  # lines of a contact graph that can still be read
_MOST_IN_SPACE = 500  # lines drawn in two or three dimensions
_MOST_PAIRED = 4000  # lines whose pairs are sorted
_QUANTILES = 2000
_MOST_COUNTS = 11  # other numbers of lines, each a search of the catalogue
_QUICK_DIM = 2048  # above it a search takes seconds


def catalogued(dim: int, count: int) -> tuple[Packing | None, dict[str, Any]]:
    """The catalogue's answer; without one, why there is none."""
    from geometry import catalogue
    from geometry.moves import leading

    try:
        packing = catalogue.least_coherent(dim, count)
    except ValueError as error:
        return None, {
            **dict.fromkeys(
                ("coherence", "angle_degrees", "coherence_words", "angle_words", "words")
            ),
            "reason": str(error),
        }
    return packing, {
        "coherence": float(packing.coherence),
        "coherence_exact": str(packing.coherence),
        "angle_degrees": packing.coherence.angle_degrees(),
        **known_words(packing.coherence),
        "family": leading(packing)[0].name,
        "words": packing.words(),
        "recipe": packing.recipe(),
    }


def bound_of(dim: int, count: int, bound: Cosine) -> dict[str, Any]:
    """Why no `count` lines have a coherence below `bound`, by the theorem that says so."""
    from geometry import bounds
    from geometry.exact import Cosine

    square = bound.square_bounds()[0]
    if square == 0:
        few = "one line has no other to be close to" if count == 1 else ""
        statement = few or "so many lines can be orthogonal"
        return {"method": "none", "statement": statement, "reference": ""}
    ratio = square / (1 - square) * (1 - Fraction(1, 1 << 40))
    below = bounds.best_upper_bound(dim, Cosine(ratio / (1 + ratio)))
    return {
        "method": below.method,
        "statement": below.statement,
        "reference": below.reference,
    }


def contacts(packing: Packing, *, at_rest: bool) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """How many pairs have the largest |cos| of all, and how many lines have no such pair.

    Pairs are contacts, and lines without one rattlers, only where lines are held by others: in a
    polished search (`at_rest`), and where the coherence is the rows' own. The arrays, where the
    graph is small: the pairs `[m, 2]`, and places `[n, 2]` to draw it.
    """
    from geometry import optimise
    from geometry.constructions.numerical import Numerical
    from geometry.moves import leading
    from geometry.optimised import Optimised

    if packing.count > _MOST_LINES:
        reason = f"counted for up to {_MOST_LINES:,} lines"
        return {**dict.fromkeys(("pairs", "of", "rattlers")), "reason": reason}, {}
    rows = _rows(packing, packing.count)
    searched = isinstance(packing, Optimised)  # of no family
    rounded = not searched and isinstance(leading(packing)[0], Numerical)
    tolerance = ROUNDED_TOLERANCE if rounded else TOLERANCE
    pairs = optimise.contacts(rows, tolerance)
    found: dict[str, Any] = {
        "pairs": len(pairs),
        "of": math.comb(packing.count, 2),
        "rattlers": None,
        "tolerance": tolerance,
    }
    if packing.coherence.square == 0:
        found["reason"] = "lines at right angles to all others have no contacts"
    elif at_rest or packing.exact or isinstance(packing, Numerical):
        found["rattlers"] = packing.count - len(np.unique(pairs))
    else:
        found["reason"] = "neither polished to the end nor of a coherence known to be attained"
    if packing.count > _MOST_DRAWN or not len(pairs):
        return found, {}
    names = (f"contacts_{packing.dim}", f"places_{packing.dim}")
    return found, dict(zip(names, (pairs, _places(packing.count, pairs)), strict=True))


def _places(count: int, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Places `[n, 2]` on the unit circle that keep lines in contact near one another.

    In the order of the angles in the plane of the two smoothest functions on the graph (the
    eigenvectors of its Laplacian after the constant).
    """
    graph = np.zeros((count, count))
    graph[pairs[:, 0], pairs[:, 1]] = graph[pairs[:, 1], pairs[:, 0]] = 1.0
    laplacian = np.diag(graph.sum(axis=1)) - graph
    smooth = np.linalg.eigh(laplacian)[1][:, 1:3]
    angles = np.arctan2(smooth[:, -1], smooth[:, 0])
    turn = np.empty(count)
    turn[np.argsort(angles, kind="stable")] = 2 * math.pi * np.arange(count) / count
    return np.column_stack([np.cos(turn), np.sin(turn)])


def cosines(packing: Packing, config: Config) -> dict[str, NDArray[np.float64]]:
    """|cos| over the pairs of the lines, or of random ones of many, in order.

    Columns: share of the pairs up to here, |cos| there, |cos| there of two random directions.
    """
    from geometry import sphere

    if packing.count < 2:
        return {}
    rows = _rows(packing, min(config.histogram, _MOST_PAIRED), config.seed)
    upper = np.triu_indices(len(rows), 1)
    values = np.sort(np.minimum(np.abs(rows @ rows.T)[upper], 1.0))
    # At the middle of each pair's share; of many pairs, some.
    chosen = np.arange(len(values))
    if len(values) > _QUANTILES:
        chosen = np.unique(np.linspace(0, len(values) - 1, _QUANTILES).round().astype(np.int64))
    share = (chosen + 0.5) / len(values)
    law = sphere.absolute_quantile(share, packing.dim)
    return {f"sorted_{packing.dim}": np.column_stack([share, values[chosen], law])}


def around(dim: int, count: int, config: Config) -> NDArray[np.float64]:
    """What the catalogue has and the bounds allow for other numbers of lines about `count`.

    Columns: lines, coherence of the catalogue (NaN where it has none), bound on the coherence.
    """
    from geometry import bounds

    reach = max(3, round(0.6 * count))
    most = min(_MOST_COUNTS, config.points) if dim <= _QUICK_DIM else 1
    grid = {count}
    if most > 1:
        low, high = max(2, count - reach), count + reach
        grid |= {round(low + (high - low) * place / (most - 1)) for place in range(most)}
    rows = []
    for lines in sorted(grid):
        packing, _ = catalogued(dim, lines)
        known = math.nan if packing is None else float(packing.coherence)
        rows.append([float(lines), known, float(bounds.least_coherence(dim, lines))])
    return np.array(rows)


def shown_rows(packing: Packing) -> NDArray[np.float64] | None:
    """The lines that are drawn in the plane or in space; None where there is nothing to see."""
    return _rows(packing, _MOST_IN_SPACE) if packing.dim <= 3 else None


def _rows(packing: Packing, most: int, seed: int | None = None) -> NDArray[np.float64]:
    """Unit rows: all, or `most` of them, the first or random ones."""
    if packing.count <= most:
        chosen = np.arange(packing.count, dtype=np.int64)
    elif seed is None:
        chosen = np.arange(most, dtype=np.int64)
    else:
        top = min(packing.count, np.iinfo(np.int64).max)
        chosen = np.unique(np.random.default_rng(seed).integers(0, top, size=most))
    return packing.rows(chosen).unit()
