"""An entry of the table of extended frames, searched for again: an ETF with further lines.

`python -m experiments.extended_frames --dim 100 --count 549`

Puts random rows beside a Steiner frame and moves all rows by L-BFGS until every |cos| is within
eps (`geometry.excess`), rounds the further rows to integers, and makes room again from the frame
and those, as `geometry.constructions.extended_frames` does. Seconds to a minute. For a size that
the table does not have give --eps, --points, --block; --json prints the entry that it would take.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from experiments import stored_packings
from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.search_command import Found, SearchCommand

_TABLES = "table"


@dataclass(frozen=True)
class Arguments:
    """Which packing, and from where. Where the table has the size, its start is taken."""

    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=2048)] = 100
    """The dimension d."""
    count: Annotated[int, cli.integer("--count", at_least=3, at_most=4096)] = 549
    """The lines N, more than the frame's."""
    eps: Annotated[str, cli.text("--eps", metavar="DECIMAL")] = _TABLES
    """The |cos| allowed, above the frame's."""
    points: Annotated[int, cli.integer("--points", at_least=0, at_most=512)] = 0
    """Points of the Steiner system."""
    block: Annotated[int, cli.integer("--block", at_least=0, at_most=64)] = 0
    """Points in each of its blocks."""
    seed: Annotated[int, cli.integer("--seed", at_least=0, at_most=2**32 - 1)] = 0
    """The random rows."""
    rounds: Annotated[int, cli.integer("--rounds", at_least=1, at_most=10**6)] = 1500
    """The most rounds of L-BFGS."""
    json: bool = False
    """Print one JSON object."""


def _search(given: Arguments) -> Found:
    import numpy as np

    from geometry import excess
    from geometry.constructions import extended_frames, tabled
    from geometry.constructions.steiner import SteinerFrame

    entry = extended_frames.ExtendedFrame.stored(given.dim, given.count)
    start = entry or {
        "eps": given.eps, "points": given.points, "block": given.block, "seed": given.seed
    }  # fmt: skip
    try:
        eps = Fraction(start["eps"])
        frame = SteinerFrame(start["points"], start["block"])
    except (ValueError, ZeroDivisionError):
        raise InputError(
            "--eps, --points and --block must name a Steiner frame where the table has no entry; "
            f"got {given.eps}, {given.points} and {given.block}."
        ) from None
    if not (frame.coherence.upper_float() < eps < 1):
        raise InputError(f"--eps must lie between the frame's coherence and 1; got {eps}.")
    if given.dim < frame.dim or given.count <= frame.count:
        raise InputError(
            f"--dim and --count must be at least {frame.dim} and {frame.count + 1}; "
            f"got {given.dim} and {given.count}."
        )
    lines = frame.rows(np.arange(frame.count)).unit()
    drawn = excess.further_rows(lines, given.count - frame.count, given.dim, start["seed"])
    rows, coherence, rounds = excess.make_room(drawn, float(eps), rounds=given.rounds)
    text = tabled.encoded(rows[frame.count :], extended_frames.TOP)
    _, again = extended_frames.rebuilt(frame, given.dim, text, eps)
    holds = entry is None or stored_packings.holds(
        extended_frames.ExtendedFrame(given.dim, given.count)
    )
    return {
        "dim": given.dim,
        "count": given.count,
        **{name: start[name] for name in ("eps", "points", "block", "seed")},
        "rounds": rounds,
        "coherence": coherence,
        "from_integers": again,
        "reached": coherence <= eps and again <= eps,
        "table": "none" if entry is None else "holds" if holds else "does not hold",
        "further": text,
    }


def _said(found: Found, seconds: float) -> list[str]:
    return [
        f"{found['count']} lines in R^{found['dim']}, seed {found['seed']}: coherence "
        f"{found['coherence']:.9f} after {found['rounds']} rounds ({seconds:.1f} s), wanted "
        f"{found['eps']}",
        f"from its integers: coherence {found['from_integers']:.9f}",
        f"the table's packing: {found['table']}",
    ]


main = SearchCommand(
    "extended_frames",
    "A Steiner frame with further lines, all moved until they fit.",
    Arguments,
    _search,
    _said,
    lambda found: found["reached"] and found["table"] != "does not hold",
)

if __name__ == "__main__":
    raise SystemExit(main())
