"""Small pictures of the scorecard as inline SVG: no script, colours by the page's classes."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Final

from experiments.harness.checks import Check, Number
from experiments.harness.gauges import gauge
from experiments.scorecard_sketches import Bars, Curve, Line
from experiments.scorecard_verdicts import Judged, Scorecard, largest
from experiments.scorecard_words import SHOWN

__all__ = ["picture"]

WIDTH: Final = 240
_HEIGHT: Final = 108
_STRIPES: Final = 12
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 16
_STRIP: Final = "Each check: what theory allows (shaded), the interval and the estimate"


def picture(claim: Judged, card: Scorecard, out: Path) -> str:
    """Return the figure of a claim with its caption, "" where nothing was measured.

    A picture whose numbers are not there gives way to the strip of the claim's checks.
    """
    if not claim.checks:
        return ""
    sketch = SHOWN[claim.id].picture
    drawn, caption = "", ""
    try:
        if isinstance(sketch, Bars):
            drawn, caption = _bars(sketch, claim), escape(sketch.caption)
            if sketch.marked:
                caption += f'; <span class="key">line: {escape(sketch.marked)}</span>'
        elif isinstance(sketch, Curve):
            drawn, caption = _curve(sketch, claim, card, out)
    except (OSError, KeyError, ValueError, OverflowError, csv.Error):
        drawn = ""
    if not drawn:
        drawn, caption = strip(claim.checks, f"{claim.id}. {_STRIP}"), _STRIP
    return f"<figure>{drawn}<figcaption>{caption}.</figcaption></figure>"


def strip(checks: Sequence[Check], title: str) -> str:
    """Return a row for each check: its band shaded, its interval a bar, its estimate a dot."""
    shown = checks[:_STRIPES]
    step = 20 if len(shown) <= 5 else 100 / len(shown)
    rows = [_row(check, step * (place + 0.5), step) for place, check in enumerate(shown)]
    return _frame("strip", "".join(rows), title, step * len(shown))


def _row(check: Check, middle: float, step: float) -> str:
    places = gauge(check, WIDTH)
    tone = {"PASS": "pass", "FAIL": "fail"}.get(str(check.verdict), "open")
    if places is None:
        # One number alone, which is where it should be, or none.
        left, right, start, end, dot = 0.0, float(WIDTH), *[WIDTH / 2] * 3
    else:
        (left, right), (start, end), dot = places.band, places.bar, places.dot
    mark = "" if check.estimate is None else f'<circle cx="{_px(dot)}" cy="{_px(middle)}" r="4"/>'
    return (
        f'<g class="{tone}"><rect x="{_px(left)}" y="{_px(middle - 0.4 * step)}" '
        f'width="{_px(max(right - left, 2))}" height="{_px(0.8 * step)}" rx="3"/>'
        f'<path d="M{_px(start)} {_px(middle)}H{_px(end)}"/>{mark}</g>'
    )


def _bars(sketch: Bars, claim: Judged) -> str:
    """A bar for each check, with its words and its number above it."""
    named = {check.name: check for run in claim.runs for check in run.checks}
    checks = [named[bar.check] for bar in sketch.bars]
    numbers = [end for check in checks for end in (check.estimate, *(check.interval or ()))]
    if sketch.mark is not None:
        numbers.append(sketch.mark)
    base = 1 if sketch.logarithmic else 0
    at = _scale([base, *numbers], 0, WIDTH, logarithmic=sketch.logarithmic)
    parts, step = [], 25
    for place, (bar, check) in enumerate(zip(sketch.bars, checks, strict=True)):
        top = step * place
        start, end = sorted((at(base), at(check.estimate)))
        upright = [] if sketch.mark is None else [at(sketch.mark)]
        # Zero is marked where it is not the left edge.
        upright += [at(base)] if at(base) > 0 else []
        parts.append(
            f'<text x="0" y="{top + 10}">{escape(bar.words)}</text>'
            f'<text class="value" x="{WIDTH}" y="{top + 10}">{_short(check.estimate)}</text>'
            f'<rect class="{bar.role}" x="{_px(start)}" y="{top + 14}" '
            f'width="{_px(max(end - start, 1.5))}" height="7" rx="1.5"/>'
        )
        parts += [f'<path class="mark" d="M{_px(x)} {top + 13}v9"/>' for x in upright]
        if check.interval is not None:
            low, high = map(at, check.interval)
            parts.append(f'<path class="whisker" d="M{_px(low)} {top + 17.5}H{_px(high)}"/>')
    height = step * len(checks)
    title = f"{claim.id}. {sketch.caption}: " + ", ".join(
        f"{bar.words} {_short(check.estimate)}"
        for bar, check in zip(sketch.bars, checks, strict=True)
    )
    return _frame("bars", "".join(parts), title, height)


def _curve(sketch: Curve, claim: Judged, card: Scorecard, out: Path) -> tuple[str, str]:
    """Lines and dots over an axis, of a table of the run that the claim rests on; the caption."""
    own = [run for run in claim.runs if run.experiment == sketch.experiment]
    run = own[0] if own else largest(card.runs, sketch.experiment)
    if run is None:
        return "", ""
    with (out / run.place / f"{sketch.table}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    drawn = [(line, points) for line in sketch.lines if (points := _points(line, rows, sketch))]
    inner = (WIDTH - _RIGHT, _HEIGHT - _BOTTOM)
    every = [point for _, points in drawn for point in points]
    across, up = "x" in sketch.logarithmic, "y" in sketch.logarithmic
    xs = [point[0] for point in every]
    ys = [value for point in every for value in point[1:]] + ([] if up else [0])
    at_x = _scale(xs, _LEFT, inner[0], logarithmic=across)
    at_y = _scale(ys, inner[1], _TOP, logarithmic=up)
    parts = [f'<path class="axis" d="M{_LEFT} {_TOP}V{inner[1]}H{inner[0]}"/>']
    for value, anchor in ((min(xs), "start"), (max(xs), "end")):
        parts.append(
            f'<text text-anchor="{anchor}" x="{_px(at_x(value))}" y="{_HEIGHT - 4}">'
            f"{_tick(value)}</text>"
        )
    middles = [point[1] for point in every]
    for value in (min(middles) if up else 0, max(middles)):
        parts.append(
            f'<text text-anchor="end" x="{_LEFT - 4}" y="{_px(at_y(value) + 3)}">'
            f"{_tick(value)}</text>"
        )
    for line, points in drawn:
        parts.append(f'<g class="{line.role}">{_traced(line, points, at_x, at_y)}</g>')
    title = f"{claim.id}. {sketch.caption}"
    legend = _legend(sketch.caption, [line for line, _ in drawn])
    return _frame("curve", "".join(parts), title, _HEIGHT), legend


def _traced(
    line: Line,
    points: Sequence[tuple[Number, ...]],
    at_x: Callable[[Number], float],
    at_y: Callable[[Number], float],
) -> str:
    if not line.dots:
        path = "L".join(f"{_px(at_x(x))} {_px(at_y(y))}" for x, y, *_ in points)
        return f'<path d="M{path}"/>'
    marks = []
    for x, y, *ends in points:
        if ends:
            low, high = map(at_y, ends)
            marks.append(f'<path d="M{_px(at_x(x))} {_px(low)}V{_px(high)}"/>')
        marks.append(f'<circle cx="{_px(at_x(x))}" cy="{_px(at_y(y))}" r="2.5"/>')
    return "".join(marks)


def _points(
    line: Line, rows: Iterable[Mapping[str, str]], sketch: Curve
) -> list[tuple[Number, ...]]:
    """The points of a line as (x, y) or (x, y, low, high); rows that lack one are left out."""
    found = []
    columns = [sketch.x, line.column, *([line.low, line.high] if line.low else [])]
    for row in rows:
        cells = [row[column] for column in columns]
        if all(row[name] == cell for name, cell in line.where.items()) and all(cells):
            found.append(tuple(_value(cell) for cell in cells))
    return sorted(point for point in found if sketch.until is None or point[0] <= sketch.until)


def _value(cell: str) -> Number:
    value = int(cell) if cell.lstrip("-").isdigit() else float(cell)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{cell} cannot be drawn")
    return value


def _scale(
    values: Iterable[Number | None], start: float, end: float, *, logarithmic: bool
) -> Callable[[Number | None], float]:
    """The place of a value on a line from `start` to `end`; raises ValueError where it has none."""

    def straight(value: Number | None) -> float:
        if value is None:
            raise ValueError("what was not measured has no place")
        return math.log10(value) if logarithmic else float(value)

    known = [straight(value) for value in values]
    low, high = min(known), max(known)
    if low == high:
        raise ValueError("one value sets no scale")
    return lambda value: start + (end - start) * (straight(value) - low) / (high - low)


def _legend(caption: str, lines: Sequence[Line]) -> str:
    keys = {line.words: line.role for line in lines if line.words}
    entries = "".join(
        f' <span class="key"><span class="{role}" aria-hidden="true">●</span> '
        f"{escape(words)}</span>"
        for words, role in keys.items()
    )
    return f"{escape(caption)}:{entries}"


def _tick(value: Number) -> str:
    if value >= 10**6:
        mantissa, _, exponent = f"{Decimal(value):.1e}".partition("e")
        lead = "" if mantissa == "1.0" else f"{float(mantissa):g}·"
        return f'{lead}10<tspan dy="-3" font-size="7">{int(exponent)}</tspan>'
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _short(value: Number | None) -> str:
    if value is None:
        raise ValueError("what was not measured has no words")
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _px(value: float) -> str:
    return f"{round(value, 2):g}"


def _frame(kind: str, inner: str, title: str, height: float) -> str:
    return (
        f'<svg class="sketch {kind}" viewBox="0 0 {WIDTH} {_px(height)}" role="img">'
        f"<title>{escape(title)}</title>{inner}</svg>"
    )
