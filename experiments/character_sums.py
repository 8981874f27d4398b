"""The largest exponential sum of a degree over a prime field, by going through all classes.

`python -m experiments.character_sums --prime 6143 --degree 5`

Redoes an entry of the table of true maxima that the Weil packings rest on. Saved in pieces under
`<out>/character_sums/`, so that a stopped search goes on. Cubics and quartics take seconds; the
1.9e7 transforms of the quintics over F_6143 take two hours on two cores.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments.harness import cli, parts
from experiments.harness.errors import InputError
from experiments.harness.search_command import Found, SearchCommand

# Free coefficients of a piece: some seconds to minutes of work, and a bounded memory a thread.
_PIECE = 1 << 15


@dataclass(frozen=True)
class Arguments:
    """Which sums."""

    prime: Annotated[int, cli.integer("--prime", at_least=5, at_most=1 << 20)] = 6143
    """The prime p."""
    degree: Annotated[int, cli.integer("--degree", at_least=3, at_most=9)] = 5
    """The degree D of the polynomials, below p."""
    odd: bool = False
    """Only odd polynomials."""
    workers: Annotated[int, cli.integer("--workers", at_least=1, at_most=256)] = 2
    """Pieces worked on at once."""
    out: Annotated[Path, cli.path("--out", metavar="DIR")] = Path("results")
    """Where pieces are kept until the search is done."""
    json: bool = False
    """Print one JSON object."""


def _search(arguments: Arguments) -> Found:
    from geometry import character_sums as sums

    prime, degree, odd = arguments.prime, arguments.degree, arguments.odd
    try:
        leading = sums.classes(prime, degree)
    except ValueError:
        raise InputError(
            f"--prime must be a prime above --degree; got {prime} and {degree}."
        ) from None
    total = sums.free_polynomials(prime, degree, odd=odd)
    kept = parts.Parts(
        arguments.out / "character_sums" / f"{'odd' if odd else 'all'}-{prime}-{degree}"
    )
    pieces = [(top, start) for top in leading for start in range(0, total, _PIECE)]

    def piece(where: tuple[int, int]) -> tuple[float, tuple[int, ...]]:
        top, start = where

        def search() -> list[object]:
            stop = min(start + _PIECE, total)
            one = sums.largest_over(prime, degree, top, start, stop, odd=odd)
            return [one.value, list(one.coefficients)]

        value, coefficients = kept.get(f"piece-{top}-{start}", search)
        return float(value), tuple(coefficients)

    # The transforms release the interpreter's lock, so threads share the cores.
    (arguments.out / "character_sums").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(arguments.workers) as pool:
        try:
            value, coefficients = max(pool.map(piece, pieces))
        except BaseException:  # Ctrl-C waits for the pieces begun, and for no others
            pool.shutdown(cancel_futures=True)
            raise
    kept.discard()
    ratio = value / prime**0.5
    known = sums.recorded_maximum(prime, degree, odd=odd)
    agrees = None if known is None else abs(float(known.ratio) - ratio) <= 2e-9
    return {
        "prime": prime,
        "degree": degree,
        "odd": odd,
        "ratio": ratio,
        "coefficients": list(coefficients),
        "transforms": sums.transforms(prime, degree, odd=odd),
        "table": "nothing" if known is None else f"{float(known.ratio):.9f}",
        "agrees": agrees,
    }


def _said(found: Found, seconds: float) -> list[str]:
    return [
        f"largest |S| over polynomials of degree {found['degree']} over F_{found['prime']}: "
        f"{found['ratio']:.9f} sqrt(p), at coefficients {found['coefficients']} of x, x^2, ... "
        f"({found['transforms']} transforms, {seconds:.0f} s)",
        f"the table says {found['table']}",
    ]


main = SearchCommand(
    "character_sums",
    "The largest exponential sum of a degree over a prime field.",
    Arguments,
    _search,
    _said,
    lambda found: found["agrees"] is not False,
)

if __name__ == "__main__":
    raise SystemExit(main())
