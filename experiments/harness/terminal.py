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

    from experiments.harness.experiment import Table as Numbers

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
    tables: Sequence[Numbers] = (),
) -> None:
    """Print a run on stdout."""
    from rich.console import Console

    print(answer)
    for line in summary:
        print(line)
    console = Console(file=sys.stdout, highlight=False)
    for table in tables:
        print()
        console.print(_table(table))
    if checks:
        print()
        console.print(_check_table(checks))
    if claims:
        print()
    for claim in claims:
        print(f"{claim.id} {claim.verdict}: {claim.statement} ({claim.evidence})")
    print(f"\nReport: {report}", flush=True)


def number(value: Number | None) -> str:
    """Return a number in a few digits, "-" for None; whole ones in full up to 15 digits."""
    if value is None:
        return "-"
    if isinstance(value, int):
        if abs(value) < 10**_WHOLE_DIGITS:
            return f"{value:,}"
        return f"{Decimal(value):.5e}".replace("e+", "e")
    return f"{value:.6g}"


def interval(ends: tuple[Number, Number]) -> str:
    """Return an interval in a few digits."""
    return f"[{number(ends[0])}, {number(ends[1])}]"


def band(check: Check) -> str:
    """Return the band of a check in words or as an interval."""
    low, high = check.band
    if low is None or high is None:
        if low is not None:
            return f">= {number(low)}"
        return "any" if high is None else f"<= {number(high)}"
    return f"= {number(low)}" if low == high else f"in {interval((low, high))}"


def _table(numbers: Numbers) -> Table:
    """The table; rows that share their first cell stand under it, as under a heading."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    _, *columns = numbers.columns
    for place, column in enumerate(columns):
        # Words wrap where 80 columns are too few, numbers never.
        words = place == 0
        table.add_column(
            Text(column),
            justify="left" if words else "right",
            no_wrap=not words,
            overflow="fold",
        )
    above = None
    for heading, *cells in numbers.rows:
        if heading != above:
            table.add_row(Text(str(heading), style="bold"))
            above = heading
        texts = [cell if isinstance(cell, str) else number(cell) for cell in cells]
        table.add_row(Text(f"  {texts[0]}"), *map(Text, texts[1:]))
    return table


def _check_table(checks: Sequence[Check]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    # Words wrap where 80 columns are too few, numbers never.
    table.add_column("verdict", no_wrap=True)
    table.add_column("check", overflow="fold")
    table.add_column("measured, and the band for it", no_wrap=True)
    for check in checks:
        # As Text, since brackets in a name would be read as markup.
        name = Text(check.name)
        for line in filter(None, (check.theory, check.note)):
            name.append(f"\n{line}", style="dim")
        measured = Text(number(check.estimate))
        if check.interval is not None:
            measured.append(f" {interval(check.interval)}")
        measured.append(f"\n{band(check)}", style="dim")
        verdict = Text(check.verdict, style=_COLOURS[check.verdict])
        table.add_row(verdict, name, measured)
    return table
