"""Small pictures of the scorecard as inline SVG: no script, colours by the page's classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from experiments.harness.checks import Check
from experiments.harness.gauges import gauge
from experiments.scorecard_verdicts import Judged, Scorecard

__all__ = ["picture", "strip"]

WIDTH: Final = 240
HEIGHT: Final = 96
_MOST: Final = 9


def strip(checks: Sequence[Check], title: str) -> str:
    """Return a row for each check: its band shaded, its interval a bar, its estimate a dot."""
    shown = checks[:_MOST]
    step = min(HEIGHT / max(len(shown), 1), 24.0)
    top = (HEIGHT - step * len(shown)) / 2
    rows = [
        _row(check, round(top + step * (place + 0.5), 2), step) for place, check in enumerate(shown)
    ]
    return frame("".join(rows), title)


def _row(check: Check, middle: float, step: float) -> str:
    places = gauge(check, WIDTH)
    tone = {"PASS": "pass", "FAIL": "fail"}.get(str(check.verdict), "open")
    half = round(0.4 * step, 2)
    if places is None:
        # One number alone, which is where it should be, or not measured.
        left, right, start, end, dot = 0.0, float(WIDTH), *[WIDTH / 2] * 3
    else:
        (left, right), (start, end), dot = places.band, places.bar, places.dot
    mark = "" if check.estimate is None else f'<circle cx="{dot}" cy="{middle}" r="4"/>'
    return (
        f'<g class="{tone}"><rect x="{left:g}" y="{middle - half:g}" '
        f'width="{max(right - left, 2):g}" height="{2 * half:g}" rx="3"/>'
        f'<path d="M{start:g} {middle:g}H{end:g}"/>{mark}</g>'
    )


def frame(inner: str, title: str) -> str:
    """Return an SVG element with a title for those who cannot see it."""
    return (
        f'<svg class="sketch" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title)}</title>{inner}</svg>"
    )


def picture(claim: Judged, card: Scorecard, out: Path) -> str:
    """Return the figure of a claim with its caption, "" where nothing was measured."""
    if not claim.checks:
        return ""
    title = f"{claim.id}, {claim.verdict}: the checks, each with its band, interval and estimate"
    return (
        f'<figure>{strip(claim.checks, title)}<figcaption class="soft">Each check: what theory '
        "allows (shaded), the interval and the estimate</figcaption></figure>"
    )
