"""An entry of the table of numerical packings, searched for again: few lines, few dimensions.

`python -m experiments.numerical --dim 5 --count 23`

The optimiser of `experiments.packing --count`, for as many rounds as the table's entry took: those
for 17 to 25 lines in 3 to 5 dimensions ten times as many as a question does. A minute or so. For a
size that the table does not have give --rounds; --json prints the entry that it would take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from experiments import stored_packings
from experiments.harness import cli
from experiments.harness.errors import InputError
from experiments.harness.search_command import Found, SearchCommand

_AGREE = 1e-5  # degrees: rows are rounded to 26 bits


@dataclass(frozen=True)
class Arguments:
    """Which packing, and how long to search."""

    dim: Annotated[int, cli.integer("--dim", at_least=2, at_most=8)] = 5
    """The dimension d."""
    count: Annotated[int, cli.integer("--count", at_least=3, at_most=1000)] = 23
    """The lines n, more than d."""
    rounds: Annotated[int | None, cli.integer("--rounds", at_least=1, at_most=10**6)] = None
    """Rounds of starts; the table's unless given."""
    seed: Annotated[int | None, cli.integer("--seed", at_least=0, at_most=2**32 - 1)] = None
    """Root of the random starts; the table's unless given, 0 where it has no entry."""
    json: bool = False
    """Print one JSON object."""


def _search(given: Arguments) -> Found:
    from geometry import optimise
    from geometry.constructions import numerical, tabled

    if given.count <= given.dim:
        raise InputError(f"--count must exceed --dim; got {given.count} and {given.dim}.")
    entry = numerical.Numerical.stored(given.dim, given.count)
    tables = entry or {"rounds": None, "seed": 0}
    rounds = tables["rounds"] if given.rounds is None else given.rounds
    seed = tables["seed"] if given.seed is None else given.seed
    if rounds is None:
        raise InputError(
            "--rounds must be given where the table has no entry; "
            f"got --dim {given.dim} --count {given.count}."
        )
    search = optimise.begin(given.dim, given.count, seed)
    for _ in range(rounds):
        search = optimise.advance(search)
    angle = math.degrees(math.acos(search.coherence))
    known, agrees = "nothing", None
    if entry is not None:
        packing = numerical.Numerical(given.dim, given.count)
        stored = packing.coherence.angle_degrees()
        holds = stored_packings.holds(packing)
        known = f"{stored:.6f} degrees, {'holds' if holds else 'does not hold'}"
        agrees = holds and angle <= stored + _AGREE
    return {
        "dim": given.dim,
        "count": given.count,
        "seed": seed,
        "rounds": rounds,
        "angle_degrees": angle,
        "polished": search.polished,
        "table": known,
        "agrees": agrees,
        "rows": tabled.encoded(search.vectors, numerical.TOP),
    }


def _said(found: Found, seconds: float) -> list[str]:
    rounds = "1 round" if found["rounds"] == 1 else f"{found['rounds']} rounds"
    return [
        f"{found['count']} lines in R^{found['dim']}: {found['angle_degrees']:.6f} degrees after "
        f"{rounds} from seed {found['seed']} ({seconds:.1f} s)",
        f"the table: {found['table']}",
    ]


main = SearchCommand(
    "numerical",
    "Few lines in few dimensions, as far apart as a search brings them.",
    Arguments,
    _search,
    _said,
    lambda found: found["agrees"] is not False,
)

if __name__ == "__main__":
    raise SystemExit(main())
