"""How far do proofs pin down N(d, eps), and who holds the record where?

    python -m experiments.atlas

N(d, eps) is the largest number of lines in R^d with pairwise |cos| <= eps. Over a grid of d (2 to
12288, widths of real models among them) and eps stand the largest explicit packing known here and
the smallest proved upper bound. The report maps both, the gap between them, and the families that
hold the records; `atlas.csv` has every bracket, exactly, with its recipe. A killed run goes on
where it stopped. 8 s on two cores; the full grid takes minutes.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from experiments import atlas_figures, atlas_grid, atlas_tables
from experiments.atlas_tables import Column
from experiments.command import main
from experiments.harness import cli
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.errors import InputError
from experiments.harness.experiment import OUTPUT_ONLY, Experiment, Result
from experiments.packing_words import large
from experiments.reference_numbers import TIGHT, threshold
from experiments.sentences import listed

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from geometry.exact import Cosine

__all__ = ["EXPERIMENT", "Config", "summarised"]

LARGEST_DIM = 1 << 16


def _eps(word: str) -> str:
    atlas_grid.threshold(word)
    return word


@dataclass(frozen=True)
class Config:
    """Where to look."""

    grid: Annotated[str, cli.choice("--grid", tuple(atlas_grid.DIMS))] = "quick"
    """The grid of d and eps, either of which the next two replace."""
    dim: Annotated[
        tuple[int, ...] | None, cli.integers("--dim", at_least=2, at_most=LARGEST_DIM)
    ] = None
    """Dimensions, instead of the grid's."""
    eps: Annotated[
        tuple[str, ...] | None,
        cli.options("--eps", atlas_grid.EPS_NEED, _eps, metavar="EPS"),
    ] = None
    """Allowed |cos|: decimals, fractions (1/16), roots (1/sqrt(5)) or angles (89°)."""
    reach: Annotated[float, cli.real("--reach", 0, open_low=True)] = 11.1
    """Largest eps·sqrt(d); beyond it both sides are exponential and searches take longest."""
    seed: cli.Seed = field(default=0, metadata=OUTPUT_ONLY)
    """Without effect: nothing here is random."""
    seeds: cli.Seeds = field(default=1, metadata=OUTPUT_ONLY)
    """Without effect: nothing here is random."""


def measure(config: Config, progress: Progress) -> Result:
    """Bracket N(d, eps) over the grid, an eps at a time."""
    columns = []
    grid = _grid(config)
    with progress.phase("brackets", total=len(grid)) as step:
        for place, (word, eps, dims) in enumerate(grid):
            found = progress.part(f"eps-{place}", partial(atlas_grid.column, dims, eps))
            columns.append(Column(word, eps, [atlas_grid.Cell(**cell) for cell in found]))
            step()
    return Result(summarised(columns), {}, atlas_tables.tables(columns))


def _grid(config: Config) -> list[tuple[str, Cosine, list[int]]]:
    """Every eps of the grid within reach, by its word, with its dimensions."""
    dims = config.dim or atlas_grid.DIMS[config.grid]
    words = atlas_grid.eps_of(config.eps or atlas_grid.EPS[config.grid])
    found = [(word, eps, atlas_grid.dims_of(dims, eps, config.reach)) for word, eps in words]
    return [(word, eps, dims) for word, eps, dims in found if dims]


def validate(config: Config) -> None:
    """Hold that some cell is within reach."""
    if not _grid(config):
        raise InputError(f"--reach must leave some (d, eps); got {config.reach:g}.")


def summarised(columns: Sequence[Column]) -> dict[str, Any]:
    """The numbers that the checks and the answer rest on."""
    cells = [(column, cell) for column in columns for cell in column.cells]
    widest, cell = max(cells, key=lambda one: one[1].gap)
    records = Counter(cell.family for _, cell in cells if cell.crowded)
    known = {(dim, threshold(word)): count for dim, word, count in TIGHT}
    asked = {key: cell for column, cell in cells if (key := (cell.dim, column.eps)) in known}
    return {
        "brackets": len(cells),
        "closed": sum(cell.closed for _, cell in cells),
        "closed_beyond_simplex": sum(cell.closed and cell.crowded for _, cell in cells),
        "within_ten": sum(cell.upper <= 10 * cell.lower for _, cell in cells),
        "median_log10_ratio": statistics.median(cell.gap for _, cell in cells),
        "widest": {
            "dim": cell.dim,
            "eps": widest.word,
            "lower": cell.lower,
            "upper": cell.upper,
            "log10_ratio": cell.gap,
        },
        "records_beyond_simplex": dict(records.most_common()),
        "families": [name for name, _ in Counter(cell.family for _, cell in cells).most_common()],
        "wrong": sum(cell.lower > cell.upper for _, cell in cells),
        "unfit": sum(not cell.fits for _, cell in cells),
        "falls": _falls(columns),
        "tight_known": len(asked),
        "tight_closed": sum(cell.lower == cell.upper == known[key] for key, cell in asked.items()),
    }


def _falls(columns: Sequence[Column]) -> dict[str, int]:
    """How often each side falls from one grid point to the next, in d and in eps."""
    along_dim = [pair for column in columns for pair in pairwise(column.cells)]
    along_eps = [
        (a, b)
        for left, right in pairwise(columns)
        for a, b in zip(left.cells, right.cells, strict=False)  # a larger eps reaches fewer d
    ]
    return {
        "lower_in_d": sum(a.lower > b.lower for a, b in along_dim),
        "lower_in_eps": sum(a.lower > b.lower for a, b in along_eps),
        "upper_in_d": sum(a.upper > b.upper for a, b in along_dim),
        "upper_in_eps": sum(a.upper > b.upper for a, b in along_eps),
    }


def checks(config: Config, result: Result) -> list[Check]:
    """The brackets are consistent: in order, monotone, of packings that fit, tight where known."""
    data: Any = result.data
    counts = f"0 of {data['brackets']:,} brackets"
    found = [
        _none("lower <= upper", f"wrong in {counts}", data["wrong"]),
        _none(
            "packings have the stated d, count and coherence", f"wrong in {counts}", data["unfit"]
        ),
    ]
    for side in ("lower", "upper"):
        for axis in ("d", "eps"):
            found.append(
                _none(
                    f"{side} side never falls with {axis}",
                    f"N(d, eps) is non-decreasing in {axis}",
                    data["falls"][f"{side}_in_{axis}"],
                )
            )
    if data["tight_known"]:
        known = data["tight_known"]
        found.append(
            judge(
                "known tight cases close",
                theory=f"all {known} of them on this grid",
                estimate=data["tight_closed"],
                band=(known, known),
            )
        )
    return found


def _none(name: str, theory: str, count: int) -> Check:
    return judge(name, theory=theory, estimate=count, band=(0, 0))


def claims(found: list[Check]) -> list[Claim]:
    """None: the popular statements are the packing experiment's."""
    return []


def answer(_config: Config, result: Result) -> str:
    """How many brackets are closed, how many narrow, and who holds most records."""
    data: Any = result.data
    total, records = data["brackets"], data["records_beyond_simplex"]
    said = (
        f"Of {total:,} brackets on N(d, eps), {data['closed']:,} are closed and "
        f"{data['within_ten'] / total:.0%} lie within a factor of 10"
    )
    if not records:
        return f"{said}; nowhere are more than d + 1 lines known."
    crowded = sum(records.values())
    first = [f"{name} ({count / crowded:.0%})" for name, count in list(records.items())[:3]]
    return f"{said}; beyond the simplex, {listed(first)} hold the most records."


def summary(_config: Config, result: Result) -> list[str]:
    """The gap by region, the widest, and the closed ones that are no simplex."""
    data: Any = result.data
    widest = data["widest"]
    ratios = ", ".join(
        f"{_ratio(float(row[4] or 0))} {row[0]}" for row in result.tables["regions"].rows
    )
    lines = [
        f"Median ratio of upper to lower bound by eps·√d: {ratios}.",
        f"Widest: {large(widest['lower'])} <= N <= {large(widest['upper'], up=True)} at d = "
        f"{widest['dim']:,}, eps = {widest['eps']}.",
        f"{data['closed_beyond_simplex']:,} closed brackets hold more than d + 1 lines.",
    ]
    if data["tight_known"]:
        lines.append(
            f"{data['tight_closed']} of {data['tight_known']} known tight cases on this grid close."
        )
    return lines


def _ratio(log: float) -> str:
    return f"{10**log:.3g}" if log < 4 else f"10^{log:.1f}"


EXPERIMENT = Experiment(
    name="atlas",
    question="How far do proofs pin down N(d, eps), and who holds the record where?",
    primer=(
        "N(d, eps) counts the lines that fit in d dimensions when every two of them have a "
        "|cosine| of at most eps. Each cell of the maps holds two proved numbers: an explicit "
        "packing, to be checked line by line, and an upper bound that no packing can pass. Where "
        "they meet the question is settled; where they part, nobody knows. What matters most is "
        "eps·√d: below 1 little more than d lines fit, above it their number soon explodes."
    ),
    duration="8 s on two cores; minutes for the full grid",
    seconds=9,
    cite=(
        "V. I. Levenshtein, Designs as maximum codes in polynomial metric spaces, "
        "Acta Applicandae Mathematicae 29 (1992)",
        "B. Bukh, C. Cox, Nearly orthogonal vectors and small antipodal spherical codes, "
        "Israel Journal of Mathematics 238 (2020)",
        "J. H. Conway, R. H. Hardin, N. J. A. Sloane, Packing lines, planes, etc.: packings in "
        "Grassmannian spaces, Experimental Mathematics 5 (1996)",
    ),
    examples=(
        "python -m experiments.atlas",
        "python -m experiments.atlas --preset full",
        "python -m experiments.atlas --dim 768 4096 12288 --eps 0.01 0.05 0.1",
        "python -m experiments.atlas --grid tiny --eps 1/3 '1/sqrt(5)' 60°",
    ),
    config=Config,
    presets={
        "tiny": {"grid": "tiny"},
        "quick": {},
        "paper": {"grid": "full", "reach": 1000.0},
        "full": {"grid": "full", "reach": 1000.0},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=atlas_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
