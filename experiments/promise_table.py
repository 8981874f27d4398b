"""The table of promises, `promises.json` and `PROMISES.md`, kept row by row.

A row measured anew takes the place of the old one, and rows of promises that are gone go. Each row
says from which source, on which machine and when it was measured.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from experiments.harness import exact_json, markup, processors
from experiments.harness.errors import InputError, shortened
from experiments.harness.experiment import Json
from experiments.harness.provenance import commit_of_source, source, versions
from experiments.promise import Promise

__all__ = ["Origin", "Row", "Table", "document"]

_SCHEMA = 1
_DATA, _PAGE = "promises.json", "PROMISES.md"
# A longer list of kept promises is folded.
_FOLDED = 10
_NOT_RUN = "not run"


@dataclass(frozen=True)
class Origin:
    """What a measurement was made with: the commit (None outside a repository), whether the source
    had changed since, the hash of the source, and the machine in words."""

    commit: str | None
    dirty: bool | None
    source: str
    machine: str

    @classmethod
    def present(cls) -> Origin:
        """Return that of a measurement made now."""
        found = versions()
        machine = (
            f"{platform.system()} {platform.machine()}, {processors.count()} CPUs, "
            f"Python {found['python']}, jax {found['jax']}, numpy {found['numpy']}"
        )
        return cls(*commit_of_source(), source(), machine)

    def like(self, row: Row) -> bool:
        """Whether the row came from the same source on such a machine."""
        return (row.source, row.machine) == (self.source, self.machine)


@dataclass(frozen=True)
class Row:
    """What came of a promise: PASS or FAIL, what was seen, seconds, and `measured`, a UTC time."""

    subject: str
    name: str
    verdict: str
    seen: str
    seconds: float
    measured: str
    commit: str | None
    dirty: bool | None
    source: str
    machine: str


class Table:
    """The rows of `promises`, in their order, kept in a folder or, without one, in memory."""

    def __init__(self, promises: Sequence[Promise], folder: Path | None) -> None:
        """Read what the folder has. Raises InputError if it cannot be read or written."""
        self._promises = promises
        self._folder = folder
        self._rows: dict[str, Row] = {}
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / _DATA).exists():
                self._rows = _read(folder / _DATA)
            self._write()
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise InputError(
                f"--out must be a folder that can be written; got {shortened(str(folder))} "
                f"({reason.lower()})."
            ) from None

    def row(self, promise: Promise) -> Row | None:
        """Return the row of a promise, None if it has none."""
        return self._rows.get(promise.name)

    def add(self, row: Row) -> None:
        """Keep a row in place of the old one, on disk too. Raises OSError."""
        self._rows[row.name] = row
        self._write()

    def _write(self) -> None:
        if self._folder is None:
            return
        kept = [row for row in map(self.row, self._promises) if row is not None]
        text = exact_json.dumps(document(kept, self._promises), indent=1)
        markup.write_whole(self._folder / _DATA, text + "\n")
        markup.write_whole(self._folder / _PAGE, page(self._promises, kept))


def document(rows: Sequence[Row], promises: Iterable[Promise]) -> dict[str, Json]:
    """Return the rows as JSON, with counts, and the names of `promises` without a row."""
    measured = {row.name for row in rows}
    return {
        "schema": _SCHEMA,
        "passed": sum(row.verdict == "PASS" for row in rows),
        "failed": sum(row.verdict != "PASS" for row in rows),
        "not_run": [one.name for one in promises if one.name not in measured],
        "promises": [asdict(row) for row in rows],
    }


def _read(path: Path) -> dict[str, Row]:
    """The rows of a file by name. Raises OSError and ValueError."""
    content = exact_json.loads(path.read_text(encoding="utf-8"))
    names = {field.name for field in fields(Row)}
    try:
        if content["schema"] != _SCHEMA or any(set(one) != names for one in content["promises"]):
            raise KeyError
        rows = [Row(**one) for one in content["promises"]]
    except (KeyError, TypeError):
        raise ValueError(f"its {path.name} is no table of promises") from None
    return {row.name: row for row in rows}


def page(promises: Sequence[Promise], rows: Sequence[Row]) -> str:
    """Return the table for a reader, in Markdown, one list a subject."""
    by_name = {row.name: row for row in rows}
    subjects: dict[str, list[tuple[Promise, Row | None]]] = {}
    for promise in promises:
        subjects.setdefault(promise.subject, []).append((promise, by_name.get(promise.name)))
    lines = [
        "# What the project promises, measured",
        "",
        f"{len(promises)} promises: {_counts([by_name.get(one.name) for one in promises])}; "
        f"{markup.duration(sum(row.seconds for row in rows))} in all.",
        "Written by `python -m experiments.validate --out results/reference`.",
        "",
        *(f"- Machine: {machine}" for machine in sorted({row.machine for row in rows})),
        *(f"- Commit: {commit}" for commit in sorted({_commit(row) for row in rows})),
        "",
        "| Subject | Promises | Verdicts | Time |",
        "| --- | ---: | --- | ---: |",
    ]
    for subject, members in subjects.items():
        found = [row for _, row in members]
        spent = markup.duration(sum(row.seconds for row in found if row is not None))
        lines.append(
            f"| [{_cell(subject)}](#{_anchor(subject)}) | {len(members)} | {_counts(found)} | "
            f"{spent} |"
        )
    for subject, members in subjects.items():
        lines += ["", f"## {subject}", ""]
        broken = [pair for pair in members if not _kept(pair[1])]
        kept = [pair for pair in members if _kept(pair[1])]
        if broken and len(kept) <= _FOLDED:
            broken, kept = members, []
        if len(kept) > _FOLDED:
            lines += _list(broken)
            lines += ["", "<details>"] if broken else ["<details>"]
            lines += [f"<summary>{len(kept)} PASS</summary>", "", *_list(kept), "", "</details>"]
        else:
            lines += _list(broken or kept)
    return "\n".join(lines) + "\n"


def _kept(row: Row | None) -> bool:
    return row is not None and row.verdict == "PASS"


def _list(members: Sequence[tuple[Promise, Row | None]]) -> list[str]:
    if not members:
        return []
    lines = ["| Verdict | Promise | Seen | Time | Measured |", "| --- | --- | --- | ---: | --- |"]
    for promise, row in members:
        if row is None:
            lines.append(f"| {_NOT_RUN} | {_cell(promise.name)} | | | |")
            continue
        verdict = row.verdict if row.verdict == "PASS" else f"**{row.verdict}**"
        when = f"{row.measured[:16].replace('T', ' ')}, {_commit(row)}"
        time = markup.duration(row.seconds)
        lines.append(f"| {verdict} | {_cell(row.name)} | {_cell(row.seen)} | {time} | {when} |")
    return lines


def _counts(rows: Sequence[Row | None]) -> str:
    found = Counter(_NOT_RUN if row is None else row.verdict for row in rows)
    order = [verdict for verdict in ("PASS", "FAIL", _NOT_RUN) if verdict in found]
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in order)


def _commit(row: Row) -> str:
    if row.commit is None:
        return "no repository"
    return row.commit[:10] + (" and changes" if row.dirty else "")


def _cell(text: str) -> str:
    """Text that a cell of a Markdown table shows as it is."""
    for mark in ("\\", "|", "<", "*", "_", "`"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


def _anchor(subject: str) -> str:
    """The anchor that a heading gets."""
    kept = "".join(one for one in subject.lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")
