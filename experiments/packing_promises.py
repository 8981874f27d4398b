"""What is promised of the smallest coherence of n lines, measured.

`experiments.validate` prints it, and promises the brackets of the first question itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from functools import partial

from experiments.promise import Promise
from experiments.reference_numbers import BEST_ANGLES, TIGHT
from geometry import bounds, catalogue

__all__ = ["promises"]

_SUBJECT = "The smallest coherence of n lines"
_SHORT = 1e-3  # degrees below the best known angle, which is given to this many
_SECONDS = 60
_DEGENERATE = 1e-6  # what Delsarte's bound may be short by, relative


def promises() -> Iterator[Promise]:
    """Every promise about the angle of n lines."""
    yield Promise(
        _SUBJECT, "where brackets close, the least coherence known is the bound", turned_round
    )
    for dim, angles in BEST_ANGLES.items():
        ends = f"{min(angles)} .. {max(angles)}"
        yield Promise(
            _SUBJECT,
            f"best known angles, d = {dim}, n = {ends}, in the default rounds, 60 s each",
            partial(best_angles, dim),
        )
    for dim in BEST_ANGLES:
        yield Promise(
            _SUBJECT,
            f"n = 17 .. 25, d = {dim}: the angle of a search of ten times the default rounds",
            partial(long_searches, dim),
        )


def turned_round() -> tuple[bool, str]:
    """Where a bracket closes, the least coherent packing known meets the bound on the coherence."""
    short = []
    for dim, _, count in TIGHT:
        attained = catalogue.least_coherent(dim, count).coherence
        bound = bounds.least_coherence(dim, count)
        if not bound <= attained or float(bound) < float(attained) * (1 - _DEGENERATE):
            short.append(f"({dim}, {count})")
    return not short, f"{len(TIGHT)} cases" + (f", not met: {', '.join(short)}" if short else "")


def best_angles(dim: int) -> tuple[bool, str]:
    """The optimiser alone reaches every angle that is known."""
    return _reached(dim, BEST_ANGLES[dim])


def long_searches(dim: int) -> tuple[bool, str]:
    """The optimiser alone reaches in the default rounds what the table's searches found in more."""
    from geometry import optimise
    from geometry.constructions.numerical import Numerical

    packings = [Numerical(dim, count) for count in range(17, 26)]
    if any(one.entry["rounds"] < 10 * optimise.DEFAULT_ROUNDS for one in packings):
        return False, "the table's searches are shorter"
    return _reached(dim, {one.count: one.coherence.angle_degrees() for one in packings})


def _reached(dim: int, angles: Mapping[int, float]) -> tuple[bool, str]:
    """Whether each angle is reached to a thousandth of a degree, within a minute."""
    from geometry import optimise

    missed, slowest = [], 0.0
    for count, angle in angles.items():
        begun = time.perf_counter()
        search = optimise.begin(dim, count, seed=0)
        for _ in range(optimise.DEFAULT_ROUNDS):
            search = optimise.advance(search)
        slowest = max(slowest, time.perf_counter() - begun)
        found = math.degrees(math.acos(search.coherence))
        if found < angle - _SHORT:
            missed.append(f"{count} lines: {found:.4f}°, not {angle:.4f}°")
    said = f"{len(angles)} cases, the slowest {slowest:.0f} s" + "".join(f"; {m}" for m in missed)
    return not missed and slowest <= _SECONDS, said
