"""What is promised of the smallest coherence of n lines, measured.

`experiments.validate` prints it, and promises the brackets of the first question itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial

from experiments.promise import Promise
from experiments.reference_numbers import BEST_ANGLES, TIGHT
from geometry import bounds, catalogue

__all__ = ["promises"]

_SHORT = 1e-3  # degrees below the best known angle, which is given to this many
_DEGENERATE = 1e-6  # what Delsarte's bound may be short by, relative


def promises() -> Iterator[Promise]:
    """Every promise about the angle of n lines."""
    yield Promise("where brackets close, the least coherence known is the bound", turned_round)
    for dim, angles in BEST_ANGLES.items():
        ends = f"{min(angles)} .. {max(angles)}"
        yield Promise(
            f"best known angles, d = {dim}, n = {ends}, in the default rounds",
            partial(best_angles, dim),
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
    from geometry import optimise

    begun = time.perf_counter()
    missed = []
    for count, angle in BEST_ANGLES[dim].items():
        search = optimise.begin(dim, count, seed=0)
        for _ in range(optimise.DEFAULT_ROUNDS):
            search = optimise.advance(search)
        found = math.degrees(math.acos(search.coherence))
        if found < angle - _SHORT:
            missed.append(f"{count} lines: {found:.4f}°, not {angle:.3f}°")
    seconds = time.perf_counter() - begun
    return not missed, f"{seconds:.0f} s" + "".join(f"; {one}" for one in missed)
