"""The grid of the atlas, and one column of it: the brackets of every d at one eps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments import reference_numbers

if TYPE_CHECKING:
    from geometry.exact import Cosine

__all__ = [
    "COLUMNS",
    "DIMS",
    "EPS",
    "EPS_NEED",
    "MODELS",
    "Cell",
    "column",
    "dims_of",
    "eps_of",
    "rows",
    "threshold",
]

EPS_NEED = "a number in (0, 1), such as 0.05, 1/16 or 1/sqrt(5), or an angle such as 89°"

MODELS: Mapping[int, str] = {
    512: "Transformer (2017)",
    768: "BERT base, GPT-2 small",
    1024: "BERT large, GPT-2 medium",
    1280: "GPT-2 large",
    1600: "GPT-2 XL",
    2048: "Pythia 1B",
    2560: "Pythia 2.8B",
    3072: "Gemma 7B",
    4096: "Llama 3 8B",
    5120: "Llama 2 13B",
    6144: "GPT-NeoX 20B",
    8192: "Llama 3 70B",
    12288: "GPT-3 175B",
}
"""Widths of the residual stream of well-known models."""

_THREES = tuple(3 * 2**k for k in range(2, 13))
_POWERS = tuple(2**k for k in range(1, 14))

# Orders of equiangular frames, of root lattices and of their sections lie between the round ones.
DIMS: Mapping[str, tuple[int, ...]] = {
    "tiny": (2, 3, 4, 6, 7, 8, 16, 23, 24, 64),
    "quick": (
        *range(2, 25),
        *(28, 32, 36, 43, 48, 54, 64, 72, 96, 100, 128, 192, 256, 384, 500),
        *(1000, *MODELS),
    ),
    "full": (
        *range(2, 41),
        *(42, 43, 45, 46, 50, 51, 54, 56, 57, 60, 62, 63, 66, 67, 72, 73, 75, 80, 85, 90, 91),
        *(100, 111, 119, 120, 126, 133, 136, 150, 155, 157, 183, 200, 210, 222, 243, 250, 255),
        *(273, 300, 307, 343, 400, 425, 450, 500, 507, 551, 600, 625, 651, 700, 800, 900, 1000),
        *(1200, 1250, 1400, 1800, 2000, 2187, 2400, 2500, 3000, 3600, 5000, 7168, 10000),
        *_POWERS,
        *_THREES,
        *MODELS,
    ),
}
"""Dimensions by grid: small ones all, powers of two, 3·2^k, round numbers, widths of models."""

EPS: Mapping[str, tuple[str, ...]] = {
    "tiny": ("0.05", "1/8", "1/5", "1/3", "1/2"),
    "quick": (
        *("0.01", "89°", "0.02", "1/32", "0.05", "1/16", "0.1", "1/8", "0.15", "1/5"),
        *("1/4", "0.3", "1/3", "1/sqrt(5)", "1/2", "0.7", "0.9"),
    ),
    "full": (
        *("0.005", "1/128", "0.01", "0.0125", "1/64", "89°", "0.02", "0.025", "0.03", "1/32"),
        *("0.035", "0.04", "0.045", "0.05", "1/18", "1/16", "0.07", "1/13", "0.0785", "0.085"),
        *("0.09", "0.1", "1/9", "0.12", "1/8", "1/sqrt(54)", "1/7", "0.15", "1/sqrt(41)"),
        *("1/6", "1/sqrt(32)", "1/sqrt(29)", "1/5", "2/9", "1/sqrt(17)", "1/4", "1/sqrt(13)"),
        *("0.3", "1/3", "1/sqrt(8)", "1/sqrt(7)", "0.4", "3/7", "1/sqrt(5)", "1/2", "0.55"),
        *("1/sqrt(3)", "0.6", "0.65", "1/sqrt(2)", "0.75", "36°", "sqrt(3)/2", "0.9"),
    ),
}
"""eps by grid: round decimals, and 1/k, 1/sqrt(k) and angles at which algebra is tight."""


COLUMNS = (
    "d",
    "eps",
    "eps as float",
    "at least",
    "at most",
    "log10 at least",
    "log10 at most",
    "log10 ratio",
    "eps sqrt(d)",
    "closed",
    "family",
    "moves",
    "coherence",
    "bound",
    "recipe",
)
"""The table of the atlas. `eps` is what `--eps` reads."""


@dataclass(frozen=True)
class Cell:
    """The bracket at one (d, eps), as it stands in the table.

    `family` holds most of the packing's lines, comes from the paper `reference`, and was carried
    to this d by the `moves`; `coherence` is the packing's, exact, as text; `bound` is the upper
    bound's method; `words` is the recipe. `fits` says that the packing's own dimension, count and
    coherence agree with the cell.
    """

    dim: int
    lower: int
    upper: int
    family: str
    reference: str
    moves: str
    coherence: str
    bound: str
    words: str
    fits: bool

    @property
    def closed(self) -> bool:
        """Whether both sides agree."""
        return self.lower == self.upper

    @property
    def crowded(self) -> bool:
        """Whether more lines are known than basis (d) and simplex (d + 1) hold."""
        return self.lower > self.dim + 1

    @property
    def gap(self) -> float:
        """log10 of upper over lower; 0 for a closed cell only."""
        if self.upper < 2 * self.lower:  # where a difference of logarithms would lose the digits
            return math.log1p((self.upper - self.lower) / self.lower) / math.log(10)
        return math.log10(self.upper) - math.log10(self.lower)


def threshold(word: str) -> Cosine:
    """The eps that a word of the grid means: as `exact.eps`, or the cosine of an angle, as 89°.

    Raises ValueError for anything else, and for 0, which has no place on a logarithmic axis.
    """
    eps = reference_numbers.threshold(word)
    if eps.square == 0:
        raise ValueError(f"eps must be {EPS_NEED}; got {word!r}.")
    return eps


def dims_of(dims: Sequence[int], eps: Cosine, reach: float) -> list[int]:
    """The dimensions with eps sqrt(d) <= `reach`, each once, in order."""
    slack = 1e-9  # of rounding, so that a `reach` met exactly is within
    return sorted({dim for dim in dims if float(eps) * math.sqrt(dim) <= reach + slack})


def eps_of(words: Sequence[str]) -> list[tuple[str, Cosine]]:
    """The words with their eps, in order; of words that mean the same, the first."""
    found: dict[Cosine, str] = {}
    for word in words:
        found.setdefault(threshold(word), word)
    return [(found[eps], eps) for eps in sorted(found)]


def column(dims: Sequence[int], eps: Cosine) -> list[Cell]:
    """The brackets of all `dims` at one eps: one search of the catalogue, a bound each."""
    from geometry import bounds, catalogue
    from geometry.moves import leading

    shelf = catalogue.shelf(max(dims), eps)
    cells = []
    for dim in dims:
        packing, upper = shelf.packing(dim), bounds.best_upper_bound(dim, eps)
        (first, moves), count = leading(packing), shelf.count(dim)
        cells.append(
            Cell(
                dim=dim,
                lower=count,
                upper=upper.count,
                family=first.name,
                reference=first.reference,
                moves=", ".join(moves),
                coherence=str(packing.coherence),
                bound=upper.method,
                words=packing.words(),
                fits=(packing.dim, packing.count) == (dim, count) and packing.coherence <= eps,
            )
        )
    return cells


def rows(word: str, eps: Cosine, cells: Sequence[Cell]) -> list[tuple[str | int | float, ...]]:
    """The rows of the table `COLUMNS` for one column of the atlas; what is rounded, to six places.

    eps has twelve digits, short of those in which a float may differ from one machine to another.
    """
    value = float(f"{float(eps):.12g}")
    return [
        (
            cell.dim,
            word,
            value,
            cell.lower,
            cell.upper,
            round(math.log10(cell.lower), 6),
            round(math.log10(cell.upper), 6),
            round(cell.gap, 6),
            round(value * math.sqrt(cell.dim), 6),
            "yes" if cell.closed else "no",
            cell.family,
            cell.moves,
            cell.coherence,
            cell.bound,
            cell.words,
        )
        for cell in cells
    ]
