"""An entry of the table of small kernels, searched for again: few more lines than dimensions.

`python -m experiments.small_kernels --dim 500 --count 524`

Repeats the lines of a tight frame of about count - dim dimensions as a kernel (or a random one),
sharpens it, clips Gram matrices until their entries are within eps, rounds the kernel to integers,
and finds the packing again from those: `geometry.kernel_clip` says how, the packings' family in
`geometry.constructions.small_kernels` keeps the integers. Seconds to a minute. For a size that the
table does not have give --eps, --start and --seed; --json prints the entry that it would take.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from experiments import stored_packings
from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.search_command import Found, SearchCommand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RANDOM = "random"
_TABLES = "table"


@dataclass(frozen=True)
class Arguments:
    """Which packing, and from where."""

    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=2048)] = 500
    """The dimension d."""
    count: Annotated[int, cli.integer("--count", at_least=3, at_most=4096)] = 524
    """The lines N, more than d and fewer than 4d."""
    eps: Annotated[str, cli.text("--eps", metavar="DECIMAL")] = _TABLES
    """The |cos| allowed, below 1/sqrt(d); the default is the table's."""
    start: Annotated[str, cli.text("--start", metavar="MxN")] = _TABLES
    """A tight frame of N lines in R^M, such as 23x276, or "random"; the default is the table's."""
    seed: Annotated[int | None, cli.integer("--seed", at_least=0, at_most=2**32 - 1)] = None
    """Which lines come once more, and all that is random; the table's unless given, or 0."""
    plain: bool = False
    """Do not sharpen the start; the default is the table's."""
    rounds: Annotated[int, cli.integer("--rounds", at_least=1, at_most=10**6)] = 4000
    """The most rounds of clipping."""
    json: bool = False
    """Print one JSON object."""


def _search(given: Arguments) -> Found:
    from geometry import kernel_clip
    from geometry.constructions import small_kernels, tabled

    if not given.dim < given.count < 4 * given.dim:
        raise InputError(
            "--count must lie between --dim and four times that; "
            f"got {given.count} and {given.dim}."
        )
    entry = small_kernels.SmallKernel.stored(given.dim, given.count)
    if entry is None:
        missing = [flag for flag in ("eps", "start") if getattr(given, flag) == _TABLES]
        if missing:
            raise InputError(
                f"--{missing[0]} must be given where the table has no entry; "
                f"got --dim {given.dim} --count {given.count}."
            )
    else:
        given = dataclasses.replace(
            given,
            eps=entry["eps"] if given.eps == _TABLES else given.eps,
            start=entry["start"] if given.start == _TABLES else given.start,
            seed=entry["seed"] if given.seed is None else given.seed,
            plain=given.plain or entry["plain"],
        )
    eps = _eps(given)
    width = given.count - given.dim
    seed = given.seed or 0
    kernel = kernel_clip.repeated_kernel(_lines(given.start), given.count, width, seed)
    if not given.plain:
        kernel = kernel_clip.sharpen(kernel)
    # A little below, so that a kernel rounded to integers still has a packing at eps.
    searched = kernel_clip.clip(kernel, float(eps) * (1 - 1e-5), rounds=given.rounds)
    text = tabled.encoded(searched.kernel, small_kernels.TOP)
    again = small_kernels.rebuilt(text, given.count, eps)
    holds = (
        None
        if entry is None
        else stored_packings.holds(small_kernels.SmallKernel(given.dim, given.count))
    )
    return {
        "dim": given.dim,
        "count": given.count,
        "eps": given.eps,
        "start": given.start,
        "seed": seed,
        "plain": given.plain,
        "rounds": searched.rounds,
        "coherence": searched.coherence,
        "from_integers": again.coherence,
        "reached": searched.coherence <= eps and again.coherence <= eps,
        "table": "none" if entry is None else "holds" if holds else "does not hold",
        "table_holds": holds,
        "same_integers": None if entry is None else entry["kernel"] == text,
        "kernel": text,
    }


def _eps(given: Arguments) -> Fraction:
    try:
        eps = Fraction(given.eps)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--eps must be a decimal or a fraction; got {given.eps!r}.") from None
    if eps <= 0 or eps**2 * given.dim >= 1:
        raise InputError(f"--eps must lie in (0, 1/sqrt(dim)); got {given.eps}.")
    return eps


def _lines(start: str) -> NDArray[np.float64]:
    """The unit rows of the tight frame that `start` names; none where it is random."""
    import numpy as np

    from geometry.constructions import families

    if start == _RANDOM:
        return np.zeros((1, 0))
    sizes = start.split("x")
    if len(sizes) == 2 and all(size.isdecimal() for size in sizes):
        dim, count = map(int, sizes)
        for family in families():
            for frame in family.tight_frames(min(count, 4096)):
                if (frame.dim, frame.count) == (dim, count):
                    return frame.rows(np.arange(count)).unit()
    raise InputError(f"--start must be random or a tight frame such as 23x276; got {start!r}.")


def _said(found: Found, seconds: float) -> list[str]:
    return [
        f"{found['count']} lines in R^{found['dim']} from {found['start']}, seed {found['seed']}: "
        f"coherence {found['coherence']:.9f} after {found['rounds']} rounds ({seconds:.1f} s), "
        f"wanted {found['eps']}",
        f"from its integers: coherence {found['from_integers']:.9f}",
        f"the table's packing: {found['table']}",
    ]


main = SearchCommand(
    "small_kernels",
    "Few more lines than dimensions, found by clipping Gram matrices.",
    Arguments,
    _search,
    _said,
    lambda found: found["reached"] and found["table_holds"] is not False,
)

if __name__ == "__main__":
    raise SystemExit(main())
