"""Timings in turn: a subject of this project, its peers and its floors, in one process.

Every turn runs all sides once, one after the other, so that a noisy machine slows them alike; the
first turn is not counted.  What is reported is the ratio within a turn: its median and quartiles.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from experiments.intervals import median_interval

__all__ = [
    "PAIRS",
    "PAUSE",
    "Contest",
    "Results",
    "Side",
    "Spread",
    "Timed",
    "Timing",
    "alternate",
    "kept",
    "measure",
]

PAIRS = 7
PAUSE = 0.3
"""Seconds before each run: threads of a library go on spinning for a while after its work, on cores
that the next side needs."""
Results = dict[str, list[Any]]
Role = Literal["ours", "peer", "floor", "variant"]


@dataclass(frozen=True)
class Side:
    """One side of a contest.

    `prepare` makes its input, compiles what it can, and returns what is timed; None where the side
    cannot run, and `missing` says why.  A run's seconds times `scale` are those of the whole job;
    `took` reads them from the result of a run that has a clock of its own.
    """

    name: str
    role: Role
    prepare: Callable[[], Callable[[], Any]] | None
    missing: str = "absent"
    scale: float = 1.0
    took: Callable[[Any], float] | None = None


@dataclass(frozen=True)
class Contest:
    """What is timed against what; the first of the `sides` is the subject.

    `least`: how many times faster than the fastest of the others it has to be.  `answer`: numbers
    of a result that all sides must have in common, within `tolerance`.  `note` says more, from all
    results.  `operations`: floating-point operations of the job.  `multiple`: turns come in
    multiples of it.  `first`: whether an uncounted turn comes first.  `memory`: whether a side is
    worth a run in a process of its own.  `finish` is called at the end, whatever happens.
    """

    group: str
    title: str
    sides: Sequence[Side]
    least: float | None = None
    answer: Callable[[Any], tuple[float, ...]] | None = None
    tolerance: float = 0.0
    note: Callable[[Results], str] = field(default=lambda _: "")
    operations: float | None = None
    multiple: int = 1
    first: bool = True
    memory: bool = False
    finish: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Spread:
    """Median, quartiles, and the interval of the median at 95%: None under six values."""

    median: float
    low: float
    high: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Timed:
    """What a side took: seconds of each turn; None if it could not run, and `missing` says why.

    `times`: how many times faster than this side the subject is; below 1 it is slower.
    """

    name: str
    role: Role
    missing: str
    seconds: list[float] | None
    median: float | None
    times: Spread | None


@dataclass(frozen=True)
class Timing:
    """What came of a contest. `difference`: the largest between two sides' answers."""

    group: str
    title: str
    sides: list[Timed]
    least: float | None
    difference: float | None
    tolerance: float
    operations: float | None
    note: str

    @property
    def fastest(self) -> Timed | None:
        """The fastest of the others; None if all are absent."""
        present = [side for side in self.sides[1:] if side.median is not None]
        peers = [side for side in present if side.role == "peer"]
        return min(peers or present, key=lambda side: side.median or 0.0, default=None)

    @property
    def agree(self) -> bool:
        """Whether all sides came to the same answer."""
        return self.difference is None or self.difference <= self.tolerance


def alternate(
    runs: Sequence[Callable[[], Any]],
    turns: int,
    *,
    first: bool = True,
) -> tuple[list[list[float]], list[list[Any]]]:
    """Return the seconds and results of each run, `[runs][turns]`, run in turn after pauses."""
    seconds: list[list[float]] = [[] for _ in runs]
    results: list[list[Any]] = [[] for _ in runs]
    for turn in range(-1 if first else 0, turns):
        for run, times, found in zip(runs, seconds, results, strict=True):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            result = run()
            spent = time.perf_counter() - begun
            if turn >= 0:
                times.append(spent)
                found.append(result)
    return seconds, results


def measure(contest: Contest, pairs: int = PAIRS) -> Timing:
    """Run the contest over `pairs` turns or, for whole multiples, a few more."""
    turns = -(-pairs // contest.multiple) * contest.multiple
    present = [side for side in contest.sides if side.prepare is not None]
    try:
        runs = [side.prepare() for side in present if side.prepare is not None]
        seconds, results = alternate(runs, turns, first=contest.first)
    finally:
        contest.finish()
    spent: dict[str, list[float]] = {}
    for side, clock, found in zip(present, seconds, results, strict=True):
        own = clock if side.took is None else [side.took(result) for result in found]
        spent[side.name] = [side.scale * second for second in own]
    by_name = {side.name: found for side, found in zip(present, results, strict=True)}
    mine = spent[contest.sides[0].name]
    return Timing(
        contest.group,
        contest.title,
        [_timed(side, spent.get(side.name), mine) for side in contest.sides],
        contest.least,
        _difference(contest, by_name),
        contest.tolerance,
        contest.operations,
        contest.note(by_name),
    )


def kept(contest: Contest, least: float | None = None) -> tuple[bool, str]:
    """Whether a promise on a contest holds, and the number seen; an absent peer breaks it.

    `least` is in place of the contest's own.
    """
    missing = [f"{side.name} {side.missing}" for side in contest.sides if side.prepare is None]
    if missing:
        return False, f"not measured: {', '.join(missing)}"
    timing = measure(contest)
    other = timing.fastest
    wanted = timing.least if least is None else least
    if other is None or other.times is None or wanted is None:
        raise ValueError("a contest with a promise needs another side and a number")
    times = other.times
    seen = (
        f"{times.median:.2f} times as fast as {other.name} (quartiles {times.low:.2f} to "
        f"{times.high:.2f})"
    )
    if not timing.agree:
        seen += f"; answers differ by {timing.difference:g}"
    if timing.note:
        seen += f"; {timing.note}"
    return timing.agree and times.median >= wanted, seen


def spread(values: Sequence[float]) -> Spread:
    """Return median, quartiles and interval of at least one value."""
    low, high = np.quantile(values, (0.25, 0.75))
    interval = median_interval(values) if len(values) >= 6 else None
    return Spread(statistics.median(values), float(low), float(high), interval)


def _timed(side: Side, seconds: list[float] | None, mine: list[float]) -> Timed:
    if seconds is None:
        return Timed(side.name, side.role, side.missing, None, None, None)
    times = None
    if side.role != "ours":
        times = spread([other / own for other, own in zip(seconds, mine, strict=True)])
    return Timed(side.name, side.role, "", seconds, statistics.median(seconds), times)


def _difference(contest: Contest, results: Results) -> float | None:
    """The largest difference between two answers, of any turn and of sides that have one."""
    if contest.answer is None:
        return None
    answers = [
        contest.answer(result)
        for found in results.values()
        for result in found
        if result is not None
    ]
    return float(np.ptp(np.array(answers, np.float64), axis=0).max())
