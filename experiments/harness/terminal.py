"""A run on the terminal: the answer first, then the checks, the claims, where the report is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.harness.checks import Check, Claim, Number, Verdict

if TYPE_CHECKING:
    from rich.table import Table

_COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_CONVERGED: "yellow",
}
_WHOLE_DIGITS = 15


def show_run(
    *,
    answer: str,
    summary: Sequence[str],
    checks: Sequence[Check],
    claims: Sequence[Claim],
    report: Path,
) -> None:
    """Print a run on stdout."""
    from rich.console import Console

    print(answer)
    for line in summary:
        print(line)
    if checks:
        print()
        Console(file=sys.stdout, highlight=False).print(_check_table(checks))
    if claims:
        print()
    for claim in claims:
        print(f"{claim.id} {claim.verdict}: {claim.statement} ({claim.evidence})")
    print(f"\nReport: {report}")


def number(value: Number | None) -> str:
    """Return a number in a few digits, "-" for None; whole ones in full up to 15 digits."""
    if value is None:
        return "-"
    if isinstance(value, int):
        if abs(value) < 10**_WHOLE_DIGITS:
            return str(value)
        return f"{Decimal(value):.5e}".replace("e+", "e")
    return f"{value:.6g}"


def interval(check: Check) -> str:
    """Return the interval of a check, "exact" where it needs none."""
    if check.interval is None:
        return "-" if check.estimate is None else "exact"
    return f"[{number(check.interval[0])}, {number(check.interval[1])}]"


def band(check: Check) -> str:
    """Return the band of a check in words or as an interval."""
    low, high = check.band
    if low is None or high is None:
        if low is not None:
            return f">= {number(low)}"
        return "any" if high is None else f"<= {number(high)}"
    return number(low) if low == high else f"[{number(low)}, {number(high)}]"


def _check_table(checks: Sequence[Check]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("check", "theory", "estimate", "interval", "band", "verdict"):
        # Figures are useless when they are cut; words may wrap.
        table.add_column(column, overflow="fold", no_wrap=column in ("estimate", "verdict"))
    for check in checks:
        # As Text, since brackets in a name would be read as markup.
        name = check.name if not check.note else f"{check.name} ({check.note})"
        cells = (name, check.theory, number(check.estimate), interval(check), band(check))
        verdict = Text(check.verdict, style=_COLOURS[check.verdict])
        table.add_row(*(Text(cell) for cell in cells), verdict)
    return table
