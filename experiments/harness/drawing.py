"""The report of a run from its result, and plotly.js beside the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import C, Experiment, Result
from experiments.harness.markup import write_whole

REPORT = "report.html"
PLOTLY = "plotly.min.js"
# From a report, <out>/<experiment>/<run>/report.html, to <out>/plotly.min.js.
_PLOTLY_URL = f"../../{PLOTLY}"


def draw(
    experiment: Experiment[C],
    config: C,
    result: Result,
    *,
    record: Mapping[str, Any],
    checks: Sequence[Check],
    claims: Sequence[Claim],
    folder: Path,
    standalone: bool,
) -> None:
    """Write report.html of a run into its folder.

    A report in one file holds plotly.js; otherwise it lies two folders up, and is put there.
    """
    from experiments.harness.report import ReportInput, write_report

    if not standalone:
        write_plotly(folder.parent.parent)
    page = ReportInput(
        experiment_name=experiment.name,
        question=experiment.question,
        primer=experiment.primer,
        command=record["provenance"]["command"],
        answer=experiment.answer(config, result),
        summary=experiment.summary(config, result),
        checks=checks,
        claims=claims,
        figures=experiment.figures(config, result),
        tables=result.tables,
        provenance=record["provenance"],
        created=record["created"],
        seconds=record["seconds"],
    )
    write_report(page, folder / REPORT, plotly_js=None if standalone else _PLOTLY_URL)


def write_plotly(out: Path) -> None:
    """Write plotly.js into `out`, unless it is there in full."""
    from plotly.offline import get_plotlyjs

    path = out / PLOTLY
    script = get_plotlyjs().encode()
    if path.is_file() and path.stat().st_size == len(script):
        return
    write_whole(path, script)
