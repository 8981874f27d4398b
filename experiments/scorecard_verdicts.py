"""The verdicts on all claims from the records in a results folder.

Of the runs of an experiment one is believed for a claim: one that has all of the claim's checks
before one that lacks some; then settings of a preset before settings of one's own, and these before
the tiny preset; then the larger preset; then the newest.  A claim that several experiments examine
is judged on their checks together, one run of each.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from experiments import claims
from experiments.harness import gallery
from experiments.harness.checks import Check, ClaimVerdict, check_from_json
from experiments.harness.drawing import REPORT
from experiments.harness.experiment import PRESETS
from experiments.scorecard_words import SHOWN

__all__ = ["Judged", "Run", "Scorecard", "gather", "largest"]

SCHEMA: Final = 1
# Words of a command line that change how it is shown or where it is kept, and those with a value.
_ASIDE: Final = frozenset({"--json", "--quiet", "--force", "--standalone"})
_ASIDE_WITH_VALUE: Final = frozenset({"--out"})
# The rest of what leaves a run one of its preset.
_SAME_SETTINGS: Final = frozenset({"--preset", "--seed"})


@dataclass(frozen=True)
class Run:
    """A run as its record tells it. `place` is its folder, relative to the results'."""

    place: str
    experiment: str
    question: str
    answer: str
    preset: str
    created: str
    seconds: float
    command: str
    commit: str | None
    checks: tuple[Check, ...]
    reported: bool

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return self.place.rpartition("/")[2]

    @property
    def page(self) -> str:
        """Where to read about it: the report, or the record where there is none."""
        return f"{self.place}/{REPORT if self.reported else 'record.json'}"

    @property
    def of_preset(self) -> bool:
        """Whether its settings are those of its preset, the seed aside."""
        words = shlex.split(self.command)[3:]
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        return flags <= _SAME_SETTINGS


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict, the checks that it rests on, and the runs that these are from.

    `evidence` and `checks` are as in `claims.verdicts`; `number` is the check that stands for all,
    None where it was not measured; `commands` redo the runs, or would make them.
    """

    id: str
    statement: str
    reading: str
    verdict: ClaimVerdict
    evidence: str
    checks: tuple[Check, ...]
    number: Check | None
    measures: str
    runs: tuple[Run, ...]
    commands: tuple[str, ...]

    @property
    def presets(self) -> tuple[str, ...]:
        """The presets of its runs, the smallest first."""
        return tuple(sorted({run.preset for run in self.runs}, key=_size))


@dataclass(frozen=True)
class Scorecard:
    """All claims, the runs newest first, and the folders of runs that could not be read too."""

    claims: tuple[Judged, ...]
    runs: tuple[Run, ...]
    entries: tuple[gallery.Entry, ...]


def gather(out: Path) -> Scorecard:
    """Return the scorecard of a results folder, from its `record.json` files alone."""
    runs, entries = [], []
    for entry in gallery.entries(out):
        try:
            runs += [] if entry.trouble else [_run(entry, out)]
            entries.append(entry)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            trouble = f"the record is not whole ({type(error).__name__}: {error})"
            entries.append(gallery.Entry(entry.folder, trouble=trouble))
    judged = tuple(_judged(name, statement, runs) for name, statement in claims.CLAIMS.items())
    return Scorecard(judged, tuple(runs), tuple(entries))


def _judged(name: str, statement: claims.Statement, runs: Sequence[Run]) -> Judged:
    used = {
        experiment: run
        for experiment, needs in statement.parts.items()
        if (run := _believed(experiment, needs, runs)) is not None
    }
    checks = [
        check
        for experiment, run in used.items()
        for check in run.checks
        if check.name in statement.parts[experiment]
    ]
    claim = claims.verdicts([name], checks)[0]
    commands = tuple(
        used[part].command if part in used else f"python -m experiments.{part}"
        for part in statement.parts
    )
    shown = SHOWN[name]
    return Judged(
        id=name,
        statement=claim.statement,
        reading=statement.reading,
        verdict=claim.verdict,
        evidence=claim.evidence if used else f"not examined yet: {' and '.join(commands)}",
        checks=tuple(checks),
        number=next(
            (check for run in used.values() for check in run.checks if check.name == shown.check),
            None,
        ),
        measures=shown.measures,
        runs=tuple(used.values()),
        commands=commands,
    )


def _believed(experiment: str, needs: Sequence[str], runs: Sequence[Run]) -> Run | None:
    names = {run.place: {check.name for check in run.checks} for run in runs}
    whole = [run for run in runs if set(needs) <= names[run.place]]
    some = [run for run in runs if names[run.place] & set(needs)]
    return largest(whole, experiment) or largest(some, experiment)


def largest(runs: Sequence[Run], experiment: str) -> Run | None:
    """Return the run of the experiment that is believed first, as said at the top."""
    own = [run for run in runs if run.experiment == experiment]

    def rank(run: Run) -> tuple[int, int, str, str]:
        size = _size(run.preset)
        tier = 0 if size <= _size("tiny") else 1 + run.of_preset
        return tier, size, run.created, run.name

    return max(own, key=rank, default=None)


def _size(preset: str) -> int:
    return PRESETS.index(preset) if preset in PRESETS else -1


def _run(entry: gallery.Entry, out: Path) -> Run:
    record = entry.record
    if record["schema"] != SCHEMA:
        raise ValueError(f"schema {record['schema']!r} is not {SCHEMA}")
    provenance = record["provenance"]
    commit = provenance["commit"]
    if not isinstance(provenance["preset"], str) or not isinstance(commit, str | None):
        raise ValueError("preset and commit must be text")
    return Run(
        place=entry.folder.relative_to(out).as_posix(),
        experiment=record["experiment"],
        question=record["question"],
        answer=record["answer"],
        preset=provenance["preset"],
        created=record["created"],
        seconds=record["seconds"],
        command=shlex.join(_kept(shlex.split(provenance["command"]))),
        commit=commit,
        checks=tuple(_check(check) for check in record["checks"]),
        reported=entry.reported,
    )


def _kept(words: Sequence[str]) -> Iterator[str]:
    """The words of a command that say what to measure; where it was kept is left out."""
    rest = iter(words)
    for word in rest:
        if word in _ASIDE_WITH_VALUE:
            next(rest, None)
        elif word not in _ASIDE and word.partition("=")[0] not in _ASIDE_WITH_VALUE:
            yield word


def _check(record: Mapping[str, Any]) -> Check:
    check = check_from_json(record)
    numbers = [check.estimate, *(check.interval or ()), *check.band]
    for value in numbers:
        known = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not known:
            raise TypeError(f"a number of the check {check.name!r} is {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"a number of the check {check.name!r} is {value!r}")
    if check.interval is not None and None in check.interval:
        raise TypeError(f"the interval of the check {check.name!r} lacks an end")
    if not all(isinstance(text, str) for text in (check.name, check.theory, check.note)):
        raise TypeError("the words of a check must be text")
    return check
