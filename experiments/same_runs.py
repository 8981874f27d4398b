"""Whether two runs are the same but for times: in their numbers to the bit, in their reports."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from experiments.harness import exact_json
from experiments.harness.drawing import REPORT
from experiments.harness.experiment import Json

__all__ = ["unlike"]

_RECORD = "record.json"
# Keys of a record, at any depth, that tell when it was made, how long it took, and by which words.
_TIMES = frozenset({"created", "seconds", "compile_seconds", "run_seconds", "command"})
# As prose and pages say them: "1.3 s", "3 min 20 s".
_DURATION = re.compile(r"(<strong>)?\d[\d.]*(</strong>)? (s|min|h)\b( \d+ (s|min)\b)?")
_SHOWN = re.compile(r"<time .*?</time>|<dd>[\d.]+</dd>|<div><dt>phases</dt>.*?</div>")


def unlike(first: Path, second: Path) -> list[str]:
    """Return the names of files in which two run folders differ in more than times.

    Raises OSError, and ValueError for a damaged record.
    """
    names = {path.name for folder in (first, second) for path in folder.iterdir()}
    return [name for name in sorted(names) if _content(first, name) != _content(second, name)]


def _content(folder: Path, name: str) -> object:
    """What a file says, times left out; None if it is not there."""
    path = folder / name
    if not path.is_file():
        return None
    if name not in (_RECORD, REPORT):
        return path.read_bytes()
    record = exact_json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    if name == _RECORD:
        # Phases are the same, and take their time.
        phases = sorted(record["provenance"]["phases"])
        return phases, _timeless(record | {"provenance": record["provenance"] | {"phases": None}})
    page = _DURATION.sub("", _SHOWN.sub("", path.read_text(encoding="utf-8")))
    command = record["provenance"]["command"]
    return page.replace(escape(command), "").replace(command, "")


def _timeless(value: Json) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_timeless(one) for one in value]
    return _DURATION.sub("", value) if isinstance(value, str) else value
