"""Does the program keep its promises?

    python -m experiments.validate --out results/reference

Measures every number that the project promises, in one command, each kind in a module
`*_promises` of its own. Prints PASS or FAIL for each as it goes, or with `--json` one object at the
end. With `--out`, `promises.json` and `PROMISES.md` there are written after each promise; a row
measured anew takes the place of the old one, so that `--only` mends a table, and `--resume` goes on
where a stopped run was. About an hour on two cores, which should have nothing else to do: many
promises are about seconds. What can be held in seconds, as that pages open in a browser or that
a killed run leaves nothing half-written, the tests hold instead.

Exit code 0 when every promise asked for is kept, 1 when one is broken, 2 for bad input; with
`--resume`, those measured before count too. A promise whose measurement stops with an error is
broken.

A new promise is one more `Promise` in one of the modules, a new module one more name in `MODULES`.
"""

from __future__ import annotations

import importlib
import sys
import textwrap
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments.harness import cli, exact_json, interrupts, markup, store
from experiments.harness.errors import DONE, FAILED, InputError, shortened
from experiments.harness.progress import Progress
from experiments.promise import Promise
from experiments.promise_table import Origin, Row, Table, document

__all__ = ["MODULES", "main", "promises"]

MODULES = (
    "suite_promises",
    "bracket_promises",
    "catalogue_promises",
    "command_promises",
    "packing_promises",
    "reading_promises",
    "sharing_promises",
    "superposition_promises",
    "sae_promises",
    "intrinsic_promises",
    "scale_promises",
    "audit_promises",
)
"""Where promises are, in the order in which they are measured and shown."""
_SAID = 80


@dataclass(frozen=True)
class Arguments:
    """Which promises, and where the table goes."""

    only: Annotated[str | None, cli.text("--only")] = None
    """Only promises that have TEXT in their name or subject."""
    out: Annotated[Path | None, cli.path("--out", metavar="DIR")] = None
    """Keep the table in this folder: promises.json and PROMISES.md."""
    resume: bool = False
    """Leave out what the table in --out has from this same source and machine."""
    list: bool = False
    """Print the promises with the seconds that they take, and stop."""
    json: bool = False
    """Print one JSON object and nothing else."""
    quiet: bool = False
    """No progress."""


def promises() -> Iterator[Promise]:
    """Every promise of the project."""
    for name in MODULES:
        yield from importlib.import_module(f"experiments.{name}").promises()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.validate",
        description="Measure every number that the project promises.",
        argv=argv,
    )
    if arguments.resume and arguments.out is None:
        raise InputError("--resume needs --out, the folder of the table; got none.")
    known = list(promises())
    only = arguments.only or ""
    chosen = [one for one in known if only in one.name or only in one.subject]
    if not chosen:
        raise InputError(
            f"--only must be part of a promise's name or subject; got {shortened(only)}."
        )
    if arguments.list:
        return _listed(chosen)
    origin = Origin.present()
    table = Table(known, arguments.out)
    waiting = chosen
    if arguments.resume:
        rows = {one.name: table.row(one) for one in chosen}
        done = {name for name, row in rows.items() if row is not None and origin.like(row)}
        print(f"note: {len(done)} of {len(chosen)} were measured before", file=sys.stderr)
        waiting = [one for one in chosen if one.name not in done]
    _measure(waiting, table, origin, arguments)
    # Those measured before too: what they broke stays broken.
    found = [row for row in map(table.row, chosen) if row is not None]
    failed = sum(row.verdict != "PASS" for row in found)
    if arguments.json:
        print(exact_json.dumps(document(found, known)))
    else:
        print(f"{len(found) - failed} passed, {failed} failed")
    return FAILED if failed else DONE


def _listed(chosen: Sequence[Promise]) -> int:
    for promise in chosen:
        print(f"{promise.seconds:5.0f} s  {promise.subject}: {promise.name}")
    total = sum(promise.seconds for promise in chosen)
    print(f"{len(chosen)} promises, about {markup.duration(total)}")
    return DONE


def _measure(chosen: Sequence[Promise], table: Table, origin: Origin, arguments: Arguments) -> None:
    """Measure one after the other; each row is printed and kept at once."""
    subject = None
    for place, promise in enumerate(chosen):
        left = sum(one.seconds for one in chosen[place:])
        said = f"{place + 1} of {len(chosen)}, about {markup.duration(left)} to go: "
        said += textwrap.shorten(promise.name, _SAID, placeholder=" ...")
        # One display for each, so that none stands where a row is printed.
        with Progress(quiet=arguments.quiet, interval=30.0) as progress, progress.phase(said):
            row = _row(promise, origin)
        table.add(row)
        if not arguments.json:
            if row.subject != subject:
                print(row.subject if subject is None else f"\n{row.subject}")
            subject = row.subject
            taken = markup.duration(row.seconds)
            print(f"  {row.verdict}  {row.name}: {row.seen} ({taken})", flush=True)


def _row(promise: Promise, origin: Origin) -> Row:
    started = store.now()
    begun = time.perf_counter()
    try:
        holds, seen = promise.measure()
    except (Exception, SystemExit) as error:
        # Ctrl-C may have been turned into it.
        interrupts.stop_if_asked()
        traceback.print_exception(error)
        holds, seen = False, f"stopped by {type(error).__name__}: {error}"
    return Row(
        promise.subject,
        promise.name,
        "PASS" if holds else "FAIL",
        " ".join(seen.split()),
        round(time.perf_counter() - begun, 2),
        started.isoformat(timespec="seconds"),
        origin.commit,
        origin.dirty,
        origin.source,
        origin.machine,
    )


if __name__ == "__main__":
    raise SystemExit(main())
