"""Pieces of HTML that the report and the index share: numbers, verdicts, the page's frame."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final
from uuid import uuid4

Cell = str | int | float | None

# Glyph and tone of each verdict. The word is always printed too: colour never stands alone.
VERDICTS: Final = {
    "PASS": ("✓", "good"),
    "FAIL": ("✕", "bad"),
    "INCONCLUSIVE": ("?", "unsure"),
    "NOT CONVERGED": ("↻", "unsure"),
    "supported": ("✓", "good"),
    "refuted": ("✕", "bad"),
    "refined": ("≈", "fine"),
    "inconclusive": ("?", "unsure"),
    "out of reach": ("○", "plain"),
    "not run": ("–", "plain"),
}

_NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?:/\d+)?°?%?", re.I)
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Cg fill='none' stroke='%230062b0' stroke-width='4' stroke-linecap='round'%3E"
    "%3Cpath d='M16 4v24M5.6 10l20.8 12M26.4 10L5.6 22'/%3E%3C/g%3E%3C/svg%3E"
)
# Defence in depth: even a figure that names a remote image or tile cannot fetch it.
_POLICY = "connect-src 'none'; img-src data: blob:; font-src data:; frame-src 'none'"


def asset(name: str) -> str:
    """Return the text of a file that ships beside this module."""
    return resources.files("experiments.harness").joinpath(name).read_text("utf-8")


def number(value: Cell) -> str:
    """Return the HTML of one value: exact up to 15 digits, then four digits and a power of ten.

    Integers too long to print keep their exact digits in the tooltip.  None is a dash.
    """
    if value is None:
        return '<span class="none" aria-label="none">–</span>'
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if isinstance(value, int):
        if size < 10**15:
            return f"{value:,}" if size >= 10**4 else str(value)
        about = _power(f"{Decimal(value):.3e}")  # rounded to nearest: the title has all digits
        return f'<span title="{Decimal(value):f}">≈&thinsp;{about}</span>'
    if size == 0 or 1e-4 <= size < 1e7:
        return f"{value:,.6g}" if size >= 1e4 else f"{value:.6g}"
    return _power(f"{value:.4g}" if "e" in f"{value:.4g}" else f"{value:.3e}")


def _power(text: str) -> str:
    mantissa, _, exponent = text.lower().partition("e")
    return f"{mantissa}&thinsp;×&thinsp;10<sup>{int(exponent)}</sup>"


def span(low: Cell, high: Cell) -> str:
    """Return the HTML of an interval; a missing end is unbounded."""
    if low is None and high is None:
        return "any"
    if low is None:
        return f"≤ {number(high)}"
    if high is None:
        return f"≥ {number(low)}"
    if low == high:
        return f"= {number(low)}"
    return f"{number(low)} … {number(high)}"


def emphasise(text: str) -> str:
    """Return the escaped text with each of its numbers in `<strong>`.

    A relation sign stays on one line with what it relates.
    """
    text = re.sub(r" ([=≤≥<>≈]|<=|>=) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    parts, last = [], 0
    for match in _NUMBER.finditer(text):
        parts += [escape(text[last : match.start()]), f"<strong>{escape(match.group())}</strong>"]
        last = match.end()
    return "".join([*parts, escape(text[last:])])


def chip(verdict: str, label: str = "", *, href: str = "") -> str:
    """Return a verdict as glyph, word and colour; with a label it reads "label: verdict"."""
    glyph, tone = VERDICTS.get(verdict, ("•", "plain"))
    name = f"<b>{escape(label)}</b> " if label else ""
    inner = f'<span aria-hidden="true">{glyph}</span> {name}{escape(verdict)}'
    if href:
        return f'<a class="chip {tone}" href="{escape(href)}">{inner}</a>'
    return f'<span class="chip {tone}">{inner}</span>'


def counts(verdicts: Sequence[str], *, href: str = "") -> list[str]:
    """Return one chip for each verdict that occurs, with its count, in the order of `VERDICTS`."""
    order = [*VERDICTS, *sorted(set(verdicts) - set(VERDICTS))]
    return [
        chip(verdict, str(verdicts.count(verdict)), href=href)
        for verdict in order
        if verdict in verdicts
    ]


def duration(seconds: float) -> str:
    """Return seconds in words: "0.42 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if not math.isfinite(seconds):
        return "unknown time"
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(created: str) -> str:
    """Return a `<time>` in UTC; text that is not an ISO 8601 time is shown as it is."""
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return escape(created)
    when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    return f'<time datetime="{when.isoformat()}">{when.day} {when:%B %Y, %H:%M} UTC</time>'


def page(*, title: str, body: str, scripts: str = "", style: str = "") -> str:
    """Return a complete HTML document that asks for nothing beyond itself and `scripts`.

    `style` is CSS after that of all pages.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<link rel="icon" href="{_ICON}">
<style>
{asset("style.css")}{style}</style>
</head>
<body>
{body}
{scripts}</body>
</html>
"""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write the file, or leave the old one: a reader never meets half of it.  Text is in UTF-8.

    Two runs that end together each write a draft of their own; the last one stays.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
