"""Every family holds a record somewhere, or its docstring says why it stays."""

from __future__ import annotations

import csv
from pathlib import Path

from geometry import catalogue, exact
from geometry.constructions import families
from geometry.packing import Packing

TABLE = Path(__file__).parents[2] / "results" / "reference" / "atlas.csv"
# Searches up to here take seconds for all of the atlas's eps; larger d come from its table.
_MAX_DIM = 600


def _with_records(kinds: set[type[Packing]]) -> set[type[Packing]]:
    """Those of `kinds` that have a member with as many lines as the best known, at some eps."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        words = list(dict.fromkeys(row["eps"] for row in csv.DictReader(file)))
    found: set[type[Packing]] = set()
    for word in words:
        eps = exact.angle(word[:-1]) if word.endswith("°") else exact.eps(word)
        shelf = catalogue.shelf(_MAX_DIM, eps)
        for kind in kinds - found:
            members = (*kind.candidates(_MAX_DIM, eps), *kind.flat_candidates(_MAX_DIM, eps))
            if any(one.count == shelf.count(one.dim) for one in members):
                found.add(kind)
    return found


def test_every_family_wins_or_ties_or_says_why_it_stays() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        winners = {row["family"] for row in csv.DictReader(file)}
    rest = {kind for kind in families() if kind.name not in winners}
    idle = rest - _with_records(rest)
    unexplained = [kind.__name__ for kind in idle if "tays because" not in (kind.__doc__ or "")]
    assert not unexplained, f"never the best, and no reason to stay: {unexplained}"
    # Whoever says so should not be a winner: then the docstring is wrong.
    proud = [
        kind.__name__
        for kind in families()
        if kind.name in winners and "tays because" in (kind.__doc__ or "")
    ]
    assert not proud, f"wins, and excuses itself: {proud}"
