"""The scorecard as JSON, as Markdown, and as lines of text; and its numbers in a few digits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from experiments.harness import exact_json
from experiments.harness.checks import Check, ClaimVerdict, Number
from experiments.harness.experiment import Json
from experiments.scorecard_verdicts import Judged, Run, Scorecard

__all__ = ["LEGEND", "as_json", "counted", "lines", "markdown", "measured"]

SCHEMA: Final = 1
LEGEND: Final = {
    ClaimVerdict.SUPPORTED: "every check passed",
    ClaimVerdict.REFINED: "true under the reading stated, every check of which passed",
    ClaimVerdict.REFUTED: "a check that decides it failed",
    ClaimVerdict.INCONCLUSIVE: "a check did not decide, or one failed that the reading needs and "
    "the claim does not, or an experiment is still to be run",
    ClaimVerdict.OUT_OF_REACH: "not to be decided by experiments of this kind, with the reason",
    ClaimVerdict.NOT_RUN: "no record here has the checks that it needs",
}
_PHRASES: Final = {
    ClaimVerdict.SUPPORTED: ("holds as stated", "hold as stated"),
    ClaimVerdict.REFINED: (
        "holds only under a stated reading",
        "hold only under a stated reading",
    ),
    ClaimVerdict.REFUTED: ("is refuted", "are refuted"),
    ClaimVerdict.INCONCLUSIVE: ("is open", "are open"),
    ClaimVerdict.OUT_OF_REACH: ("is out of reach", "are out of reach"),
    ClaimVerdict.NOT_RUN: ("was not run", "were not run"),
}


def counted(card: Scorecard) -> str:
    """Return one sentence with the number of claims of each verdict."""
    numbers = Counter(claim.verdict for claim in card.claims)
    parts = [
        f"{numbers[verdict]} {phrases[numbers[verdict] > 1]}"
        for verdict, phrases in _PHRASES.items()
        if numbers[verdict]
    ]
    said = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Of {len(card.claims)} claims, {said}."


def measured(check: Check) -> tuple[str, str]:
    """Return a check's estimate and its interval in a few digits, as "0.502", "[0.498, 0.506]".

    The interval's width decides how many. The second is "" without an interval.
    """
    if check.estimate is None:
        return "not measurable", ""
    if check.interval is None:
        return _few(check.estimate), ""
    low, high = check.interval
    try:
        width = float(high - low)
        size = max(abs(float(low)), abs(float(high)))
    except OverflowError:
        return _few(check.estimate), f"[{_few(low)}, {_few(high)}]"
    if width <= 0 or not 1e-4 <= size < 1e7:
        return _few(check.estimate), f"[{_few(low)}, {_few(high)}]"
    # Its ends differ by 4 to 40 in the last digit; four significant digits are enough for any.
    places = min(-math.floor(math.log10(width / 4)), 3 - math.floor(math.log10(size)))
    # Adding zero takes the sign off what rounds to it.
    shown = [
        f"{round(float(value), max(places, 0)) + 0.0:,.{max(places, 0)}f}"
        for value in (check.estimate, low, high)
    ]
    return shown[0], f"[{shown[1]}, {shown[2]}]"


def _few(value: Number) -> str:
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{Decimal(value):.3e}".replace("e+", "e")
    return f"{value:.4g}"


def as_json(card: Scorecard) -> dict[str, Json]:
    """Return the content of scorecard.json."""
    return {
        "schema": SCHEMA,
        "claims": [_claim(claim) for claim in card.claims],
        "runs": [_run(run) for run in card.runs],
    }


def _claim(claim: Judged) -> Json:
    number = claim.number
    return {
        "id": claim.id,
        "statement": claim.statement,
        "verdict": str(claim.verdict),
        "evidence": claim.evidence,
        "number": None
        if number is None
        else {
            "name": number.name,
            "measures": claim.measures,
            "estimate": number.estimate,
            "interval": exact_json.plain(number.interval, "interval"),
            "band": exact_json.plain(number.band, "band"),
            "verdict": str(number.verdict),
        },
        "runs": [
            {
                "experiment": run.experiment,
                "run": run.name,
                "preset": run.preset,
                "created": run.created,
                "command": run.command,
                "commit": run.commit,
            }
            for run in claim.runs
        ],
        "commands": list(claim.commands),
    }


def _run(run: Run) -> Json:
    counts = Counter(str(check.verdict) for check in run.checks)
    return {
        "experiment": run.experiment,
        "run": run.name,
        "preset": run.preset,
        "created": run.created,
        "seconds": run.seconds,
        "answer": run.answer,
        "checks": dict(sorted(counts.items())),
        "report": run.page if run.reported else None,
    }


def markdown(card: Scorecard) -> str:
    """Return the content of SCORECARD.md: a table of the claims, and how to read it."""
    rows = [
        (
            claim.id,
            claim.statement,
            f"**{claim.verdict}**{_smallest(claim)}",
            number_of(claim),
            claim.measures if claim.number is not None else "",
            "<br>".join(f"`{command}`" for command in claim.commands),
        )
        for claim in card.claims
    ]
    head = ("id", "claim", "verdict", "number [interval]", "what it is", "command")
    table = [head, ("---",) * len(head), *rows]
    read = [f"- **{verdict}**: {meaning}." for verdict, meaning in LEGEND.items()]
    readings = [
        f"- **{claim.id}**: {claim.reading}."
        for claim in card.claims
        if claim.reading and claim.verdict in (ClaimVerdict.REFINED, ClaimVerdict.OUT_OF_REACH)
    ]
    body = [
        "# Scorecard",
        "",
        counted(card),
        "",
        *("| " + " | ".join(map(_cell, row)) + " |" for row in table),
    ]
    if readings:
        body += ["", "## Under which reading", "", *readings]
    body += [
        "",
        "## How to read it",
        "",
        "The number is the check that says most; a verdict rests on all checks of its claim. "
        "Each check states what theory predicts before anything is measured: PASS where the "
        "interval lies in that band, FAIL where it lies outside. In the words of the verdicts:",
        "",
        *read,
        "",
    ]
    return "\n".join(body)


def number_of(claim: Judged) -> str:
    """Return the number of a claim with its interval as one text, "" where there is none."""
    if claim.number is None:
        return ""
    estimate, interval = measured(claim.number)
    return f"{estimate} {interval}".rstrip()


def _smallest(claim: Judged) -> str:
    return " (tiny preset)" if "tiny" in claim.presets else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def lines(card: Scorecard) -> Sequence[str]:
    """Return the claims as lines for a terminal, and the sentence that counts them."""
    rows = [
        (claim.id, f"{claim.verdict}{_smallest(claim)}", number_of(claim), claim.statement)
        for claim in card.claims
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        *("  ".join([*map(str.ljust, row, widths), row[3]]) for row in rows),
        "",
        counted(card),
    ]
