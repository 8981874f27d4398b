"""The scorecard as one HTML page: which claims hold, each with its number, then all runs.

It reads offline, on a phone and in the dark, and its bytes are a function of the runs alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import quote

from experiments.claims import CLAIMS
from experiments.harness.checks import Check, ClaimVerdict, Verdict
from experiments.harness.gallery import cards
from experiments.harness.markup import VERDICTS, chip, duration, emphasise, page, span
from experiments.scorecard_pictures import picture
from experiments.scorecard_text import LEGEND, counted, measured
from experiments.scorecard_verdicts import Judged, Run, Scorecard

__all__ = ["html"]

_ORDER: Final = tuple(LEGEND)


def html(card: Scorecard, out: Path) -> str:
    """Return the page over the results folder `out`, to whose runs it links."""
    claims = "\n".join(_claim(claim, card, out) for claim in card.claims)
    return page(
        title="Scorecard",
        style=resources.files("experiments").joinpath("scorecard.css").read_text("utf-8"),
        body=f"""<header>
<nav aria-label="Site"><span>experiments</span><a href="#runs">All runs</a></nav>
<p class="question">Which claims about superposition and polysemanticity hold?</p>
<h1>{emphasise(counted(card))}</h1>
{_overview(card.claims)}
</header>
<main>
<section id="claims">
<h2>The claims</h2>
<p class="caption">The statements are those of a popular account, in our own words. Each verdict
follows by a rule from checks that say what theory predicts before anything is measured; the
number is the one of them that says most.</p>
{claims}
</section>
<section id="reading">
<h2>How to read a verdict</h2>
{_legend()}
</section>
<section id="runs">
<h2>All runs</h2>
{_runs(card, out)}
</section>
</main>""",
    )


def _overview(claims: Sequence[Judged]) -> str:
    rows = []
    for verdict in _ORDER:
        chips = [
            f'<a class="chip {VERDICTS[verdict][1]}" href="#{claim.id}" '
            f'title="{escape(claim.statement)}">{claim.id}</a>'
            for claim in claims
            if claim.verdict is verdict
        ]
        if chips:
            glyph, _ = VERDICTS[verdict]
            rows.append(
                f'<div class="verdicts"><span class="label">'
                f'<span aria-hidden="true">{glyph}</span> {verdict}</span>'
                f'<div class="chips">{"".join(chips)}</div></div>'
            )
    return '<div class="overview">\n' + "\n".join(rows) + "\n</div>"


def _claim(claim: Judged, card: Scorecard, out: Path) -> str:
    said = _why(claim)
    reading = f'<p class="reading">{escape(_sentence(said))}</p>\n' if said else ""
    tiny = '<span class="chip unsure">tiny preset</span>' if "tiny" in claim.presets else ""
    return f"""<article class="verdict" id="{claim.id}">
<div class="words">
<div class="top"><b>{claim.id}</b>{chip(str(claim.verdict))}{tiny}</div>
<h3>{escape(claim.statement)}</h3>
{reading}{_number(claim)}</div>
{picture(claim, card, out)}
<div class="sources">
{_checks(claim.checks)}{_commands(claim)}
</div>
</article>"""


def _why(claim: Judged) -> str:
    """The reading, or what keeps the claim from holding."""
    waiting = [
        part
        for part in CLAIMS[claim.id].parts
        if part not in {run.experiment for run in claim.runs}
    ]
    failed = [check.name for check in claim.checks if check.verdict is Verdict.FAIL]
    unsure = [
        check.name for check in claim.checks if check.verdict not in (Verdict.PASS, Verdict.FAIL)
    ]
    said = [f"failed: {'; '.join(failed)}"] if failed else []
    match claim.verdict:
        case ClaimVerdict.REFUTED:
            return said[0]
        case ClaimVerdict.INCONCLUSIVE if failed or unsure:
            said += [f"undecided: {'; '.join(unsure)}"] if unsure else []
            return "; ".join(said)
        case ClaimVerdict.INCONCLUSIVE:
            return f"it holds as far as examined; still to be run: {' and '.join(waiting)}"
        case ClaimVerdict.NOT_RUN:
            return claim.evidence if claim.runs else "not examined yet"
    return claim.reading


def _number(claim: Judged) -> str:
    if claim.number is None:
        return ""
    estimate, interval = measured(claim.number)
    return (
        f'<p class="number"><b>{escape(estimate)}</b> '
        f"{f'<span>{escape(interval)}</span> ' if claim.number.interval else ''}"
        f"{escape(claim.measures)}</p>\n"
    )


def _checks(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    numbers = Counter(str(check.verdict) for check in checks)
    said = ", ".join(f"{numbers[verdict]} {verdict}" for verdict in VERDICTS if numbers[verdict])
    rows = []
    for check in checks:
        estimate, interval = measured(check)
        rows.append(
            f"<li>{chip(str(check.verdict))} <b>{escape(check.name)}</b> "
            f"<span>{escape(estimate)} {escape(interval)}</span> "
            f'<span class="soft">allowed: {span(*check.band)}; {escape(check.theory)}</span></li>'
        )
    many = f"{len(checks)} check{'s' if len(checks) > 1 else ''}: {said}"
    return f"<details><summary>{many}</summary>\n<ul>\n{chr(10).join(rows)}\n</ul></details>\n"


def _commands(claim: Judged) -> str:
    runs = {run.command: run for run in claim.runs}
    return "\n".join(
        f'<p class="redo"><code>{escape(command)}</code>{_source(runs.get(command))}</p>'
        for command in claim.commands
    )


def _source(run: Run | None) -> str:
    if run is None:
        return ""
    what = "report" if run.reported else "record"
    return (
        f' <a href="{quote(run.page)}">{escape(run.experiment)} {what}</a> '
        f'<span class="soft">{escape(run.preset)}, {_day(run.created)}, '
        f"{duration(run.seconds)}</span>"
    )


def _day(created: str) -> str:
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return escape(created)
    return f'<time datetime="{when.isoformat()}">{when.day} {when:%B %Y}</time>'


def _legend() -> str:
    rows = "\n".join(
        f"<div><dt>{chip(str(verdict))}</dt><dd>{escape(_sentence(meaning))}</dd></div>"
        for verdict, meaning in LEGEND.items()
    )
    return f'<dl class="facts">\n{rows}\n</dl>'


def _runs(card: Scorecard, out: Path) -> str:
    lists = '<p class="caption"><code>python -m experiments</code> lists what can be run.</p>'
    return f"{lists}\n{cards(card.entries, out, claims=False)}" if card.entries else lists


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}.".replace("<=", "≤").replace(">=", "≥")
