"""What is promised of the smallest coherence of n lines, measured.

`experiments.validate` prints it, and promises the brackets of the first question itself.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from experiments.promise import Promise
from experiments.reference_numbers import BEST_ANGLES, TIGHT
from geometry import bounds, catalogue

if TYPE_CHECKING:
    from geometry.optimise import Search

__all__ = ["promises"]

_SUBJECT = "The smallest coherence of n lines"
_SHORT = 1e-3  # degrees below the best known angle, which is given to this many
_SECONDS = 60
_REPEATED = ((3, 10), (4, 13), (5, 16))
_STORED = ((100, "0.1"), (500, "0.01"), (500, "0.0157"))
_STORED_SECONDS = 10
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
            65,
        )
    for dim in BEST_ANGLES:
        yield Promise(
            _SUBJECT,
            f"n = 17 .. 25, d = {dim}: the angle of a search of ten times the default rounds",
            partial(long_searches, dim),
            50,
        )
    yield Promise(
        _SUBJECT,
        "the same seed and rounds give the same lines, to the bit: (3, 10), (4, 13), (5, 16)",
        repeated,
        8,
    )
    yield Promise(
        _SUBJECT,
        f"what took long to find is stored: {', '.join(f'({d}, {eps})' for d, eps in _STORED)} in "
        f"a fresh process, all pairs certified, in under {_STORED_SECONDS} s each",
        stored,
        10,
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
    angles = {one.count: one.coherence.angle_degrees() for one in packings}
    return _reached(dim, angles, whole=False)


def repeated() -> tuple[bool, str]:
    """Two searches of each size from one seed."""
    import numpy as np

    from geometry import optimise

    def found(dim: int, count: int) -> bytes:
        search = optimise.begin(dim, count, seed=1)
        for _ in range(2):
            search = optimise.advance(search)
        return np.asarray(search.vectors).tobytes()

    unlike = [size for size in _REPEATED if found(*size) != found(*size)]
    return not unlike, f"{len(_REPEATED)} sizes, two rounds each; unlike: {unlike or 'none'}"


def stored() -> tuple[bool, str]:
    """The first answer of a process, and its certificate."""
    code = (
        "import sys, time; from geometry import catalogue, certify, exact; "
        "begun = time.perf_counter(); eps = exact.eps(sys.argv[2]); "
        "packing = catalogue.best(int(sys.argv[1]), eps); "
        "finding = certify.certificate(packing, eps).check(); "
        "print(packing.count, finding.holds and finding.level is certify.Level.ALL_PAIRS, "
        "time.perf_counter() - begun)"
    )
    holds, seen = True, []
    for dim, eps in _STORED:
        done = subprocess.run(
            [sys.executable, "-c", code, str(dim), eps], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return False, done.stderr.strip()[-200:]
        count, certified, seconds = done.stdout.split()
        holds &= certified == "True" and float(seconds) < _STORED_SECONDS
        seen.append(f"{count} lines in {float(seconds):.1f} s")
    return holds, "; ".join(seen)


def _reached(dim: int, angles: Mapping[int, float], *, whole: bool = True) -> tuple[bool, str]:
    """Whether each angle is reached to a thousandth of a degree, within a minute.

    Where the default rounds need not be `whole`, a search ends when it is there.
    """
    from geometry import optimise

    missed, slowest = [], 0.0
    for count, angle in angles.items():
        begun = time.perf_counter()
        search = optimise.begin(dim, count, seed=0)
        for _ in range(optimise.DEFAULT_ROUNDS):
            search = optimise.advance(search)
            if not whole and _degrees(search) >= angle - _SHORT:
                break
        slowest = max(slowest, time.perf_counter() - begun)
        found = _degrees(search)
        if found < angle - _SHORT:
            missed.append(f"{count} lines: {found:.4f}°, not {angle:.4f}°")
    said = f"{len(angles)} cases, the slowest {slowest:.0f} s" + "".join(f"; {m}" for m in missed)
    return not missed and slowest <= _SECONDS, said


def _degrees(search: Search) -> float:
    return math.degrees(math.acos(search.coherence))
