"""The report of one run: a single HTML page that reads offline, on a phone and in the dark.

First screen: the question, the answer, the verdicts.  Then figures, tables, checks, claims and
provenance.  The page's bytes are a function of the run alone: ids are fixed and keys sorted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.harness.figures import scripts, specs
from experiments.harness.gauges import gauge
from experiments.harness.markup import (
    Cell,
    chip,
    counts,
    duration,
    emphasise,
    moment,
    number,
    page,
    span,
    write_whole,
)

if TYPE_CHECKING:
    from experiments.harness.checks import Check, Claim
    from experiments.harness.experiment import Figure, Json, Table

__all__ = ["ReportInput", "write_report"]

ROWS: Final = 200
"""Most rows of a table that the page shows; the CSV file has them all."""
_CHIPS: Final = 6
_LINES: Final = 3
_SHORT: Final = 24
_FIRST: Final = ("command", "config", "seed", "seeds", "versions", "device", "commit")
_NOTES: Final = {
    "default_matmul_precision": "Kernels whose inner products are reported ask for HIGHEST.",
}


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """All that a report shows. `created` is an ISO 8601 time in UTC, `seconds` the run's."""

    experiment_name: str
    question: str
    primer: str
    command: str
    answer: str
    summary: Sequence[str]
    checks: Sequence[Check]
    claims: Sequence[Claim]
    figures: Sequence[Figure]
    tables: Mapping[str, Table]
    provenance: Mapping[str, Json]
    created: str
    seconds: float


def write_report(run: ReportInput, path: Path, *, plotly_js: str | None) -> None:
    """Write the page to `path`, whole or not at all.

    `plotly_js` is the relative URL of plotly.min.js, which lies beside the index of all runs;
    None puts the library (4.8 MB) into the page, so that the one file can be sent to a friend.
    Raises ValueError when a figure holds more than 20,000 points or two figures share an id.
    """
    drawn = specs(run.figures)
    sections = [
        _head(run, plotly_js),
        "<main>",
        _figures(run.figures, drawn),
        _tables(run.tables, linked=plotly_js is not None),
        _checks(run.checks),
        _claims(run.claims),
        _provenance(run),
        "</main>",
    ]
    text = page(
        title=f"{run.experiment_name}: {run.question}",
        body="\n".join(section for section in sections if section),
        scripts=scripts(drawn, plotly_js),
    )
    write_whole(path, text)


def _head(run: ReportInput, plotly_js: str | None) -> str:
    runs = ""
    if plotly_js is not None:
        folder = plotly_js.rpartition("/")[0]
        index = f"{folder}/index.html" if folder else "index.html"
        runs = f'<a href="{escape(index)}">All runs</a>'
    verdicts = [str(check.verdict) for check in run.checks]
    # What is named needs no count: all where there are few, else what did not pass, or of much of
    # that what failed.
    named = set(verdicts)
    for dropped in ({"PASS"}, named - {"FAIL"}):
        if sum(verdict in named for verdict in verdicts) > _CHIPS:
            named = named - dropped
    counted = [verdict for verdict in verdicts if verdict not in named]
    checks = counts(counted, href="#section-checks")
    checks += [
        chip(verdict, check.name, href=f"#check-{place}")
        for place, (check, verdict) in enumerate(zip(run.checks, verdicts, strict=True), 1)
        if verdict in named
    ]
    claims = [chip(str(claim.verdict), claim.id, href="#section-claims") for claim in run.claims]
    rows = "".join(
        f'<div class="verdicts"><span class="label">{label}</span>'
        f'<div class="chips">{"".join(chips)}</div></div>'
        for label, chips in (("Checks", checks), ("Claims", claims))
        if chips
    )
    return f"""<header>
<nav aria-label="Site"><span>experiments.{escape(run.experiment_name)}</span>{runs}</nav>
<p class="question">{escape(run.question)}</p>
<h1>{emphasise(run.answer)}</h1>
{_summary(run.summary)}<p class="primer">{escape(run.primer)}</p>
{rows}
<p class="meta">{moment(run.created)} · {duration(run.seconds)}</p>
</header>"""


def _summary(lines: Sequence[str]) -> str:
    """The first lines of the summary, and the rest folded, so that figures are not far away."""

    def listed(some: Sequence[str]) -> str:
        items = "".join(f"<li>{escape(line.strip())}</li>" for line in some)
        return f'<ul class="summary">{items}</ul>\n' if items else ""

    shown = len(lines) if len(lines) <= _LINES + 1 else _LINES
    rest = listed(lines[shown:])
    more = f"<details><summary>{len(lines) - shown} more findings</summary>\n{rest}</details>\n"
    return listed(lines[:shown]) + (more if rest else "")


def _figures(figures: Sequence[Figure], drawn: Sequence[dict[str, Any]]) -> str:
    parts = []
    for place, (figure, spec) in enumerate(zip(figures, drawn, strict=True), 1):
        name = escape(figure.id)
        style = f' style="height:{spec["height"]:g}px"' if spec["height"] else ""
        kind = " scene" if spec["scene"] else ""
        parts.append(
            f"""<figure id="figure-{name}">
<h2><span class="label">Figure {place}</span>{escape(figure.title)}</h2>
<div class="plot{kind}" id="{name}"{style} role="img" aria-label="{escape(figure.title)}"
 aria-describedby="caption-{name}"></div>
<noscript><p class="notice">Figures are drawn by a script, and scripts are off here.</p></noscript>
<figcaption id="caption-{name}">{escape(figure.caption)}</figcaption>
</figure>"""
        )
    return "\n".join(parts)


def _tables(tables: Mapping[str, Table], *, linked: bool) -> str:
    parts = []
    for name, table in tables.items():
        kinds = [
            f' class="{_kind([row[place] for row in table.rows])}"'
            for place in range(len(table.columns))
        ]
        head = "".join(
            f'<th scope="col"{kind}>{escape(column)}</th>'
            for kind, column in zip(kinds, table.columns, strict=True)
        )
        body = "\n".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{number(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)
            )
            + "</tr>"
            for row in table.rows[:ROWS]
        )
        file = f"{escape(name)}.csv"
        link = f'<a href="{file}">{file}</a>' if linked else file
        long = len(table.rows) > ROWS
        more = f"The first {ROWS} of {len(table.rows):,} rows; all are" if long else "Also"
        title = escape(table.title or name)
        parts.append(
            f"""<section class="table">
<h2>{title}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="{title}">
<table><thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table>
</div>
<p class="caption">{escape(table.caption)} <span class="soft">{more} in {link}.</span></p>
</section>"""
        )
    return "\n".join(parts)


def _kind(cells: Sequence[Cell]) -> str:
    """The CSS class of a column: numbers, words that stay on one line, or text that wraps."""
    lengths = [len(cell) for cell in cells if isinstance(cell, str)]
    if not lengths:
        return "num"
    return "short" if max(lengths) <= _SHORT else "long"


def _checks(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    rows = []
    before = ""
    for place, check in enumerate(checks, 1):
        exact = "exact" if check.estimate is not None else number(None)
        interval = exact if check.interval is None else span(*check.interval)
        # Neighbours of one kind have one note, which is read once.
        words = "" if check.note == before else check.note
        note = f'<p class="soft">{escape(words)}</p>' if words else ""
        before = check.note
        rows.append(
            f"""<article class="check" id="check-{place}">
<div><h3>{escape(check.name)}</h3><p>{escape(check.theory)}</p>{note}</div>
<dl><div><dt>Estimate</dt><dd>{number(check.estimate)}</dd></div>
<div><dt>Interval</dt><dd>{interval}</dd></div>
<div><dt>Band</dt><dd>{span(*check.band)}</dd></div></dl>
<div class="ruling">{chip(str(check.verdict))}{_gauge(check)}</div>
</article>"""
        )
    return f"""<section id="section-checks">
<h2>Checks</h2>
<p class="caption">Each states what theory predicts before the measurement. PASS: the interval
lies in the band. FAIL: it lies outside. INCONCLUSIVE: it straddles an edge.</p>
{chr(10).join(rows)}
</section>"""


def _gauge(check: Check) -> str:
    """A small picture of the interval (bar and dot) against the band (shaded)."""
    places = gauge(check, 120)
    if places is None:
        return ""
    (left, right), (start, end) = places.band, places.bar
    return (
        '<svg class="gauge" viewBox="0 0 120 18" aria-hidden="true">'
        f'<rect x="{left}" y="1" width="{max(right - left, 1):g}" height="16" rx="3"/>'
        f'<path d="M{start} 9H{end}"/><circle cx="{places.dot}" cy="9" r="4"/></svg>'
    )


def _claims(claims: Sequence[Claim]) -> str:
    if not claims:
        return ""
    rows = "\n".join(
        f"""<article class="claim" id="claim-{escape(claim.id)}">
<div class="ruling">{chip(str(claim.verdict))}</div>
<div><h3><span class="label">{escape(claim.id)}</span> {escape(claim.statement)}</h3>
<p>{escape(claim.evidence)}</p></div>
</article>"""
        for claim in claims
    )
    return f'<section id="section-claims">\n<h2>Claims</h2>\n{rows}\n</section>'


def _provenance(run: ReportInput) -> str:
    known = {key: value for key, value in run.provenance.items() if key != "command"}
    order = sorted(
        known, key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)
    )
    rows = "\n".join(
        f"<div><dt>{escape(key.replace('_', ' '))}</dt>"
        f"<dd>{_value(known[key])}{_note(key)}</dd></div>"
        for key in order
    )
    return f"""<section id="section-provenance">
<h2>Provenance</h2>
<div class="command"><code id="run-command">{escape(run.command)}</code>
<button type="button" id="run-copy">Copy</button></div>
<p class="soft" id="run-copied" role="status"></p>
<dl class="facts">
<div><dt>created</dt><dd>{moment(run.created)}</dd></div>
<div><dt>time</dt><dd>{duration(run.seconds)}</dd></div>
{rows}
</dl>
</section>"""


def _note(key: str) -> str:
    return f' <span class="soft">{_NOTES[key]}</span>' if key in _NOTES else ""


def _value(value: Json) -> str:
    if isinstance(value, dict):
        pairs = (f"<span>{escape(key)} {_value(value[key])}</span>" for key in sorted(value))
        return f'<span class="pairs">{"".join(pairs)}</span>'
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    # A seed is a name, not a quantity: no separators between its digits.
    return str(value) if isinstance(value, int) else number(value)
