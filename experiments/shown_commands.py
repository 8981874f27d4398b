"""Commands that a Markdown text shows with what they print, and the records that they stand for.

A block of the kind `console` shows a command in a line that begins with "$ ", and below it the
first lines of what it prints: the answer, and lines of the summary.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Any

from experiments.harness import cli, exact_json
from experiments.harness.experiment import OUTPUT_ONLY, Json

__all__ = ["Question", "Shown", "agrees", "own_command", "question", "rewritten", "shown"]

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (python -m experiments\.\w+.*)\n", re.MULTILINE)
# Times differ from run to run.
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
_LEFT_OUT = "..."
_WIDTH = 100


@dataclass(frozen=True)
class Shown:
    """A command, what the text says that it prints, and where in the text that stands."""

    command: str
    printed: str
    start: int
    end: int


@dataclass(frozen=True)
class Question:
    """An experiment with its settings, less those that change only what is printed or saved."""

    command: str
    experiment: str
    settings: dict[str, Json]
    aside: frozenset[str]

    def same(self, other: Question) -> bool:
        """Whether both ask the same, in whichever words."""
        return (self.experiment, self.settings) == (other.experiment, other.settings)

    def answered_by(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is of a run with these settings."""
        given = record["provenance"]["config"].items()
        measured = {name: value for name, value in given if name not in self.aside}
        return record["experiment"] == self.experiment and measured == self.settings


def shown(text: str) -> list[Shown]:
    """Return the commands of a Markdown text that are shown with what they print."""
    found = []
    for block in _BLOCK.finditer(text):
        commands = list(_COMMAND.finditer(text, block.start(1), block.end(1)))
        ends = [command.start() for command in commands[1:]] + [block.end(1)]
        for command, end in zip(commands, ends, strict=False):
            printed = text[command.end() : end]
            if printed.strip():
                found.append(Shown(command[1], printed, command.end(), end))
    return found


def question(command: str) -> Question:
    """Return what a command line, `python -m experiments.NAME ...`, asks.

    Raises InputError for bad values.
    """
    _, _, module, *words = shlex.split(command)
    experiment = importlib.import_module(module).EXPERIMENT
    config, _ = cli.parse(experiment, words)
    fields = dataclasses.fields(config)
    aside = {field.name for field in fields if OUTPUT_ONLY.items() <= field.metadata.items()}
    settings = exact_json.config_json(config)
    measured = {name: value for name, value in settings.items() if name not in aside}
    return Question(command, experiment.name, measured, frozenset(aside))


def own_command(experiment: str) -> str:
    """Return the command of an experiment without further words."""
    return f"python -m experiments.{experiment}"


def agrees(printed: str, record: Mapping[str, Any]) -> bool:
    """Whether a text is what the record's run prints, from the answer on, times excepted.

    A line "..." stands for lines of the summary that are left out.
    """
    lines, first = _lines(record), 0
    for place, part in enumerate(_parts(printed)):
        ends = [
            (start, end)
            for start, end in _ranges(lines)
            if (start == 0 if place == 0 else start > first)
            and _plain(" ".join(lines[start:end])) == _plain(part)
        ]
        if not ends:
            return False
        first = ends[0][1]
    return True


def rewritten(text: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Return the text with what its commands print as the records have it, one for each.

    In place of each part stand the lines that are most like it; a text that agrees, times
    excepted, stays.
    """
    for one in reversed(shown(text)):
        asked = question(one.command)
        record = next(record for record in records if asked.answered_by(record))
        if not agrees(one.printed, record):
            lines = _lines(record)
            parts = [_filled(_nearest(lines, part)) for part in _parts(one.printed)]
            text = text[: one.start] + f"{_LEFT_OUT}\n".join(parts) + text[one.end :]
    return text


def _lines(record: Mapping[str, Any]) -> list[str]:
    return [record["answer"], *record["summary"]]


def _parts(printed: str) -> list[str]:
    return re.split(rf"^{re.escape(_LEFT_OUT)}\n", printed, flags=re.MULTILINE)


def _ranges(lines: Sequence[str]) -> list[tuple[int, int]]:
    return list(combinations(range(len(lines) + 1), 2))


def _nearest(lines: Sequence[str], part: str) -> Sequence[str]:
    def likeness(ends: tuple[int, int]) -> float:
        text = _plain(" ".join(lines[slice(*ends)]))
        return SequenceMatcher(None, _plain(part), text, autojunk=False).ratio()

    return lines[slice(*max(_ranges(lines), key=likeness))]


def _filled(lines: Sequence[str]) -> str:
    return "".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"
        for line in lines
    )


def _plain(text: str) -> str:
    return _SECONDS.sub("# s", " ".join(text.split()))
