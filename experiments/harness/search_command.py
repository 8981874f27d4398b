"""Commands that search once and say what they found, without a run folder or a report.

    main = SearchCommand("numerical", "Few lines ...", Arguments, search, said, reached)

`search` makes a record from the arguments, `said` puts it into lines; the exit code is 1 where what
was `reached` is not what the project keeps in its tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from experiments.harness import cli, exact_json
from experiments.harness.errors import DONE, FAILED

__all__ = ["Found", "SearchCommand"]

Found = dict[str, Any]


class _Arguments(Protocol):
    @property
    def json(self) -> bool: ...


Given = TypeVar("Given", bound=_Arguments)


@dataclass(frozen=True)
class SearchCommand(Generic[Given]):
    """The command `python -m experiments.<name>`; called with its words, it returns the code."""

    name: str
    description: str
    arguments: type[Given]
    search: Callable[[Given], Found]
    said: Callable[[Found, float], Sequence[str]]  # of the record, and the seconds it took
    reached: Callable[[Found], bool]

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        """Search and print; bad input is one line, and 2."""
        return cli.command(self._run, argv)

    def _run(self, words: Sequence[str]) -> int:
        given = cli.parse_command(
            self.arguments,
            prog=f"python -m experiments.{self.name}",
            description=self.description,
            argv=words,
        )
        begun = time.perf_counter()
        found = self.search(given)
        seconds = time.perf_counter() - begun
        if given.json:
            record = {"schema": 1, **found, "seconds": seconds}
            print(exact_json.dumps(exact_json.plain(record, self.name)))
        else:
            print("\n".join(self.said(found, seconds)))
        return DONE if self.reached(found) else FAILED
