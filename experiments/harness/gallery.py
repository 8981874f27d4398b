"""The gallery of the runs in an output folder: a card each, newest first, older ones folded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from experiments.harness import exact_json
from experiments.harness.drawing import REPORT
from experiments.harness.markup import counts, duration, emphasise, moment

_RUN: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Entry:
    """One run folder: its record, or the reason why that could not be read."""

    folder: Path
    record: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""

    @property
    def newest(self) -> tuple[str, str]:
        """Sorts entries by time: a folder's name begins with it, so that no record is needed."""
        return (self.folder.name, self.folder.parent.name)

    @property
    def reported(self) -> bool:
        """Whether its report lies there."""
        return (self.folder / REPORT).is_file()


def entries(out: Path) -> list[Entry]:
    """Return the runs in `out`, newest first.

    A run is a folder `<out>/<experiment>/<UTC>-<hash8>`.  Costs one read of each `record.json`.
    """
    found = [
        _entry(folder)
        for folder in out.glob("*/*/")
        if _RUN.fullmatch(folder.name) and not folder.name.startswith(".")
    ]
    return sorted(found, key=lambda entry: entry.newest, reverse=True)


def _entry(folder: Path) -> Entry:
    try:
        return Entry(folder, _read(folder / "record.json"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Entry(folder, trouble=str(reason))


def cards(found: Sequence[Entry], out: Path, *, claims: bool = True) -> str:
    """Return the HTML of each experiment's newest run that can be read, its others folded.

    `claims` counts the verdicts that a run alone leads to.
    """
    grouped: dict[str, list[Entry]] = {}
    for entry in found:
        grouped.setdefault(entry.folder.parent.name, []).append(entry)
    items = []
    for group in grouped.values():
        newest, *others = sorted(group, key=lambda entry: entry.trouble != "")
        folded = ""
        if others:
            inner = "\n".join(f"<li>{_card(entry, out, claims)}</li>" for entry in others)
            many = f"{len(others):,} other run{'s' if len(others) > 1 else ''}"
            folded = f"\n<details><summary>{many}</summary>\n<ul>\n{inner}\n</ul></details>"
        items.append(f'<li class="run">\n{_card(newest, out, claims)}{folded}\n</li>')
    return '<ul class="runs">\n' + "\n".join(items) + "\n</ul>"


def _read(path: Path) -> dict[str, Any]:
    """The record, with every key that a card shows of the type it needs."""
    record = exact_json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(record, dict):
        raise ValueError(f"the record must be a JSON object; got {type(record).__name__}")
    wanted: dict[str, type | tuple[type, ...]] = {
        "experiment": str,
        "question": str,
        "answer": str,
        "created": str,
        "seconds": (int, float),
        "checks": list,
        "claims": list,
    }
    for key, kind in wanted.items():
        if not isinstance(record.get(key), kind):
            raise ValueError(f"the record's {key!r} is missing or of the wrong type")
    if not 0 <= record["seconds"] < 1e12:
        raise ValueError("the record's 'seconds' is not a time")
    for row in (*record["checks"], *record["claims"]):
        if not isinstance(row, dict) or not isinstance(row.get("verdict"), str):
            raise ValueError("a check or claim in the record has no verdict")
    return record


def _card(entry: Entry, out: Path, claims: bool) -> str:
    folder = entry.folder.relative_to(out).as_posix()
    if entry.trouble:
        return f"""<div class="top"><b>{escape(folder)}</b></div>
<h2>Unreadable record</h2>
<p class="soft">{escape(entry.trouble)}</p>"""
    record = entry.record
    answer = emphasise(record["answer"])
    if entry.reported:
        answer = f'<a href="{quote(folder)}/{REPORT}">{answer}</a>'
    return f"""<div class="top"><b>{escape(record["experiment"])}</b>
<span>{moment(record["created"])} · {duration(record["seconds"])}</span></div>
<p class="soft">{escape(record["question"])}</p>
<h2>{answer}</h2>
{_row("Checks", record["checks"])}{_row("Claims", record["claims"] if claims else ())}"""


def _row(label: str, rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    chips = "".join(counts([row["verdict"] for row in rows]))
    return (
        f'<div class="verdicts"><span class="label">{label}</span>'
        f'<div class="chips">{chips}</div></div>'
    )
