"""What is promised of the catalogue's packings: every pair agrees with what they state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from experiments.promise import Promise
from geometry import certify
from geometry.constructions import families
from geometry.constructions.conference import ConferenceRows
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.simplex import Simplex
from geometry.moves import BlowUp, DirectSum, Puncture, Subset, Tensor, WithAxes, ZeroPad
from geometry.packing import Packing
from geometry.rounding import float64_bound

__all__ = ["promises"]

_SUBJECT = "Members of families, all pairs"


def promises() -> Iterator[Promise]:
    """Every promise about members of families."""
    for packing in examples():
        yield Promise(_SUBJECT, f"all pairs: {packing.words()}", partial(all_pairs, packing), 0.25)


def examples() -> list[Packing]:
    """Three members of each family and of each move, small enough to compare every pair."""
    return [
        *(packing for family in families() for packing in family.examples()),
        *(Subset(base, 100) for base in (Gold(5), Kerdock(4), Gold(7))),
        *(ZeroPad(Kerdock(4), dim) for dim in (17, 20, 40)),
        DirectSum((Kerdock(4), ConferenceRows(25), Simplex(5))),
        DirectSum((Simplex(2), Simplex(2))),
        DirectSum((Kerdock(4), Gold(3))),
        *(WithAxes(HadamardColumns(order, 1)) for order in (4, 12, 20)),
        *(Puncture(HadamardColumns(order, 0), 2) for order in (8, 12, 20)),
        BlowUp(Simplex(2), 34),
        BlowUp(Kerdock(4), 1),
        BlowUp(Kerdock(6, 5), 2),
        *(Tensor(Kerdock(4), other) for other in (Simplex(2), Gold(3), Kerdock(2))),
    ]


def all_pairs(packing: Packing) -> tuple[bool, str]:
    """Every pair of the rows agrees with the stated coherence."""
    import numpy as np

    rows = packing.rows(np.arange(packing.count, dtype=np.int64))
    finding = certify.AllPairs(rows, packing.coherence, packing.coherence, packing.proof).check()
    attained = not packing.exact or math.isclose(
        float(finding.largest),
        float(packing.coherence),
        abs_tol=float64_bound(packing.dim),
    )
    return (
        finding.holds and attained,
        f"{finding.pairs} pairs, largest {float(finding.largest):.6f}",
    )
