"""The index over all runs in an output folder: one card a run, newest first."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from experiments.harness.markup import counts, duration, emphasise, moment, page, write_whole

_RUN: Final = re.compile(r".+-[0-9a-f]{8}")


@dataclass(frozen=True)
class _Entry:
    """One run folder: its record, or the reason why that could not be read."""

    folder: Path
    record: dict[str, Any]
    trouble: str = ""

    @property
    def newest(self) -> tuple[str, str]:
        # A folder's name begins with its time, so an unreadable run keeps its place.
        return (self.folder.name, self.folder.parent.name)


def write_index(out: Path) -> None:
    """Write `<out>/index.html`, whole or not at all.

    A run is a folder `<out>/<experiment>/<UTC>-<hash8>`.  One whose record cannot be read is
    listed with the reason.  Costs one read of each `record.json`.
    """
    entries = sorted(_entries(out), key=lambda entry: entry.newest, reverse=True)
    if entries:
        cards = "\n".join(_card(entry, out) for entry in entries)
        body = f'<ul class="runs">\n{cards}\n</ul>'
        title = f"{len(entries):,} run{'s' if len(entries) > 1 else ''}, newest first"
    else:
        body = '<p class="caption"><code>python -m experiments</code> lists what can be run.</p>'
        title = "No runs here yet"
    text = page(
        title="All runs",
        body=f"""<header>
<nav aria-label="Site"><span>experiments</span></nav>
<p class="question">All runs in this folder</p>
<h1>{title}</h1>
</header>
<main>
{body}
</main>""",
    )
    write_whole(out / "index.html", text)


def _entries(out: Path) -> list[_Entry]:
    folders = [
        folder
        for folder in out.glob("*/*/")
        if _RUN.fullmatch(folder.name) and not folder.name.startswith(".")
    ]
    entries = []
    for folder in folders:
        try:
            entries.append(_Entry(folder, _read(folder / "record.json")))
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            entries.append(_Entry(folder, {}, str(reason)))
    return entries


def _read(path: Path) -> dict[str, Any]:
    """The record, with every key that a card shows of the type it needs."""
    record = json.loads(path.read_text(encoding="utf-8"))
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


def _card(entry: _Entry, out: Path) -> str:
    folder = entry.folder.relative_to(out).as_posix()
    if entry.trouble:
        return f"""<li class="run">
<div class="top"><b>{escape(folder)}</b></div>
<h2>Unreadable record</h2>
<p class="soft">{escape(entry.trouble)}</p>
</li>"""
    record = entry.record
    answer = emphasise(record["answer"])
    if (entry.folder / "report.html").is_file():
        answer = f'<a href="{quote(folder)}/report.html">{answer}</a>'
    return f"""<li class="run">
<div class="top"><b>{escape(record["experiment"])}</b>
<span>{moment(record["created"])} · {duration(record["seconds"])}</span></div>
<p class="soft">{escape(record["question"])}</p>
<h2>{answer}</h2>
{_row("Checks", record["checks"])}{_row("Claims", record["claims"])}
</li>"""


def _row(label: str, rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    chips = "".join(counts([row["verdict"] for row in rows]))
    return (
        f'<div class="verdicts"><span class="label">{label}</span>'
        f'<div class="chips">{chips}</div></div>'
    )
