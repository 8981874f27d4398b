"""Is a saved packing what it claims to be?

    python -m experiments.verify packing.npz

Checks a file written by `python -m experiments.packing --save` on its own: the count and the
dimension, that no two rows are the same line, and that the |cos| of every pair stays within the
claimed coherence. It uses NumPy and none of the code that made the packing. Integral rows are
compared exactly; where a float row takes part, the computed |cos| plus its largest rounding error
must stay within the claim. A file that holds a recipe and a sample of rows proves nothing beyond
its sample, and says so.

Exit code 0 when what the file claims holds for the rows in it, 1 when it does not, 2 when the file
cannot be read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

from experiments.harness import cli, exact_json
from experiments.harness.errors import DONE, FAILED
from experiments.harness.progress import Progress
from experiments.packing_file import PackingFile, read

__all__ = ["Outcome", "main", "verify"]

_BLOCK = 2048


@dataclass(frozen=True)
class Arguments:
    """What to check."""

    file: Annotated[tyro.conf.Positional[Path], cli.path("FILE", metavar="FILE")]
    """A file written by packing --save."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Outcome:
    """What a check of the file found. `coherence` is the largest |cos|, float rows' rounded up."""

    holds: bool
    proved: bool
    count: int
    dim: int
    rows: int
    pairs_checked: int
    coherence: float
    claimed_coherence: float
    coherence_square: str
    claimed_coherence_square: str
    exact: bool
    failures: list[str]
    note: str


def verify(content: PackingFile, progress: Progress) -> Outcome:
    """Check every claim of the file against the rows in it. Cost: n^2 d / 2 multiply-adds."""
    failures = _shape_failures(content)
    rows = len(content.vectors)
    square, floats = Fraction(0), False
    if not failures:
        square, floats = _coherence_square(content, progress)
        if square > content.coherence_square:
            failures.append(
                f"the coherence is {_root(square):.9g}, above the claimed "
                f"{_root(content.coherence_square):.9g}" + _duplicate(content)
            )
    whole = content.kind == "vectors"
    note = "every pair compared" if whole else "sample only, no proof"
    return Outcome(
        holds=not failures,
        proved=whole and not failures,
        count=content.count,
        dim=content.dim,
        rows=rows,
        pairs_checked=0 if failures and square == 0 else rows * (rows - 1) // 2,
        coherence=_root(square),
        claimed_coherence=_root(content.coherence_square),
        coherence_square=str(square),
        claimed_coherence_square=str(content.coherence_square),
        exact=not floats,
        failures=failures,
        note=note,
    )


def _root(square: Fraction) -> float:
    return math.sqrt(float(square))


def _in_full(square: Fraction) -> str:
    """The root of a rational: exactly where it is short, else a decimal that is not below it."""
    if square.denominator > 10**9:
        return repr(math.nextafter(_root(square), math.inf))
    top, bottom = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if (top * top, bottom * bottom) == (square.numerator, square.denominator):
        return str(Fraction(top, bottom))
    return f"sqrt({square})"


def _shape_failures(content: PackingFile) -> list[str]:
    """Everything false that needs no inner product between two rows."""
    rows, width = content.vectors.shape
    failures = []
    if width != content.dim:
        failures.append(
            f"the rows have {width} coordinates, the claimed dimension is {content.dim}"
        )
    if content.kind == "vectors" and rows != content.count:
        failures.append(f"there are {rows} rows, the claimed count is {content.count}")
    if content.kind == "recipe" and rows > content.count:
        failures.append(f"the sample has {rows} rows, the claimed count is {content.count}")
    if failures:
        return failures
    stated = content.squared_norms
    integral = stated > 0
    if (stated < 0).any():
        failures.append("a squared norm is negative")
    values = content.vectors[integral].astype(np.float64)
    if not (values == np.rint(values)).all() or np.abs(values).max(initial=0) >= 2**20:
        failures.append("a row with a squared norm has entries that are not small integers")
    else:
        exact = values.astype(np.int64)
        wrong = np.flatnonzero(np.einsum("nd,nd->n", exact, exact) != stated[integral])
        if len(wrong):
            row = int(np.flatnonzero(integral)[wrong[0]])
            failures.append(f"row {row} does not have its stated squared norm")
    others = content.vectors[~integral].astype(np.float64)
    squares = np.einsum("nd,nd->n", others, others)
    if not ((squares >= 0.25) & (squares <= 4)).all():
        failures.append("a row without a squared norm is no unit vector")
    if not failures and len(stated) and int(stated.max()) >= 2**52:
        failures.append("a squared norm is too large to compare exactly")
    return failures


def _coherence_square(content: PackingFile, progress: Progress) -> tuple[Fraction, bool]:
    """The largest squared |cos|, exact over integral rows and rounded up elsewhere."""
    stated = content.squared_norms
    largest = Fraction(0)
    norms = [int(norm) for norm in np.unique(stated[stated > 0])]
    for place, norm in enumerate(norms):
        for other in norms[place:]:
            # Partial sums of integer products are at most |x||y|: exact below 2^24 in float32.
            kind = np.float32 if norm * other < 2**48 else np.float64
            left = content.vectors[stated == norm].astype(kind)
            right = None if other == norm else content.vectors[stated == other].astype(kind)
            inner = int(_largest(left, right, progress))
            largest = max(largest, Fraction(inner * inner, norm * other))
    floats = stated == 0
    if not floats.any():
        return largest, False
    values = content.vectors.astype(np.float64)
    values /= np.sqrt(np.einsum("nd,nd->n", values, values))[:, None]
    unit, rest = values[floats], values[~floats]
    computed = max(_largest(unit, None, progress), _largest(unit, rest, progress))
    # |computed - true| of a float64 |cos|: two rows normalised with relative error gamma_{d+2} at
    # most, one inner product with gamma_d (Higham 2002, eq. 3.5); together below 2 gamma_{d+8}.
    terms = (content.dim + 8) * 2.0**-53
    rounded = Fraction(computed) + Fraction(2 * terms / (1 - terms))
    return max(largest, rounded * rounded), True


def _largest(left: NDArray[Any], right: NDArray[Any] | None, progress: Progress) -> float:
    """The largest |inner product| between rows of two sets, or of i < j within one."""
    other = left if right is None else right
    largest = 0.0
    with progress.phase("rows compared with the others", total=len(left)) as step:
        for i in range(0, len(left), _BLOCK):
            for j in range(i if right is None else 0, len(other), _BLOCK):
                tile = left[i : i + _BLOCK] @ other[j : j + _BLOCK].T
                if right is None and i == j:
                    tile = np.triu(tile, 1)
                largest = max(largest, float(np.abs(tile, out=tile).max()))
            step(len(left[i : i + _BLOCK]))
    return largest


def _duplicate(content: PackingFile) -> str:
    """Words that name two rows on the same line, if there are any."""
    values = content.vectors.astype(np.float64)
    first = np.take_along_axis(values, (values != 0).argmax(axis=1)[:, None], axis=1)
    signed = np.ascontiguousarray(values * np.sign(first)) + 0.0  # no negative zeros
    _, places, back = np.unique(signed, axis=0, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(places[back.ravel()] != np.arange(len(values)))
    if not len(repeated):
        return ""
    row = int(repeated[0])
    return f": rows {int(places[back.ravel()[row]])} and {row} are the same line"


def main(argv: Sequence[str] | None = None) -> int:
    """Check the file, print what was found, and return the exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.verify",
        description="Check a saved packing on its own: every pair of rows against its claim.",
        argv=argv,
    )
    begun = time.perf_counter()
    with Progress() as progress:
        outcome = verify(read(arguments.file), progress)
    seconds = time.perf_counter() - begun
    if arguments.json:
        record = {"schema": 1, "file": str(arguments.file), **asdict(outcome), "seconds": seconds}
        print(exact_json.dumps(exact_json.plain(record)))
    else:
        verdict = (
            "proved" if outcome.proved else "holds for the sample" if outcome.holds else "FALSE"
        )
        how = "exactly" if outcome.exact else "with rounding added"
        print(f"{verdict}: {outcome.count} lines in {outcome.dim} dimensions, ", end="")
        print(f"every |cos| <= {_in_full(Fraction(outcome.claimed_coherence_square))}")
        for failure in outcome.failures:
            print(f"  {failure}")
        print(f"  {outcome.pairs_checked} pairs of {outcome.rows} rows compared {how}: ", end="")
        print(f"largest |cos| {outcome.coherence:.9g} ({outcome.note}), {seconds:.1f} s")
    return DONE if outcome.holds else FAILED


if __name__ == "__main__":
    raise SystemExit(main())
