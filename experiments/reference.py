"""Make the results that are kept in version control from a folder of results.

    python -m experiments.reference results                   # from runs that are there
    python -m experiments.reference results --measure         # measure what is missing first

`results/reference` gets the newest run of every experiment at its defaults, and of every command
that README.md and docs/ show with what it prints: config, record, arrays and tables, without the
report. Runs that these supersede are removed and the scorecard is written anew; what the texts say
that commands print is taken from the records, and pictures from the scorecard and the reports.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import tyro

from experiments import reference_pictures, scorecard, shown_commands, wordllama_table
from experiments.__main__ import discover
from experiments.harness import cli, exact_json, store
from experiments.harness.drawing import REPORT
from experiments.harness.errors import DONE, FAILED, InputError, shortened
from experiments.harness.markup import write_whole
from experiments.shown_commands import Question

__all__ = ["keep", "main", "measure", "newest", "questions", "record_in", "remove_others"]

# The names by which the audit that the texts show has its files.
_TABLE, _TOKENS = "weights.safetensors", "tokenizer.json"
# The whole grid, for results/reference/atlas.csv.
_GRID = "python -m experiments.atlas --preset full"


@dataclass(frozen=True)
class Arguments:
    """Where runs come from and where they go."""

    results: Annotated[tyro.conf.Positional[Path], cli.path("RESULTS", metavar="RESULTS")]
    """A results folder: any --out of the experiments."""
    to: Annotated[Path, cli.path("--to", metavar="DIR")] = Path("results/reference")
    """The folder that keeps them."""
    project: Annotated[Path, cli.path("--project", metavar="DIR")] = Path()
    """The folder of README.md and docs/, which show commands with what they print."""
    measure: bool = False
    """First run every command into RESULTS; what is done there already is not measured again."""
    without_pictures: bool = False
    """Leave the pictures as they are: no browser is needed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the reference and print what it holds; return the exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.reference",
        description="Make the results that are kept in version control from a results folder.",
        argv=argv,
    )
    documents = _documents(arguments.project)
    wanted = questions(documents.values())
    if not arguments.without_pictures:
        reference_pictures.require()
    if arguments.measure:
        measure(wanted, arguments.results)
    results, to = arguments.results, arguments.to
    if not results.is_dir():
        raise InputError(f"RESULTS must be a results folder; got {shortened(str(results))}.")
    if to.resolve() == results.resolve():
        raise InputError(f"--to must not be RESULTS, whose other runs it loses; got {to}.")
    to.mkdir(parents=True, exist_ok=True)
    chosen = newest(wanted, (results, to))
    kept = [keep(folder, one, to) for one, folder in zip(wanted, chosen, strict=True)]
    remove_others(to, kept)
    _keep_grid(results, to)
    card = scorecard.write(to)
    records = [record_in(folder) for folder in kept]
    for path, text in documents.items():
        new = shown_commands.rewritten(text, records)
        if new != text:
            write_whole(path, new)
    if not arguments.without_pictures:
        shown = {run.experiment: run.place for claim in card.claims for run in claim.runs}
        reference_pictures.take(shown, results, to)
    for folder in sorted(kept):
        print(folder)
    return DONE


def questions(documents: Iterable[str]) -> list[Question]:
    """Return what the reference answers: what texts show, and every experiment's own question.

    No two have the same settings; the first command that asks for them is kept.
    """
    commands = [one.command for text in documents for one in shown_commands.shown(text)]
    commands += [
        shown_commands.own_command(experiment.name)
        for experiment in discover()
        if not experiment.alone
    ]
    found: list[Question] = []
    for one in map(shown_commands.question, commands):
        if not any(one.same(other) for other in found):
            found.append(one)
    return found


def newest(wanted: Sequence[Question], places: Iterable[Path]) -> list[Path]:
    """Return the newest run that answers each question, in any of the results folders.

    Raises InputError that names the commands without a run.
    """
    places = list(places)
    records = {
        experiment: [
            (folder, record_in(folder))
            for place in places
            if (place / experiment).is_dir()
            for folder in store.runs(place / experiment)
        ]
        for experiment in {one.experiment for one in wanted}
    }
    found, missing = [], []
    for one in wanted:
        runs = [folder for folder, record in records[one.experiment] if one.answered_by(record)]
        if runs:
            found.append(max(runs, key=lambda folder: folder.name))
        else:
            missing.append(one.command)
    if missing:
        raise InputError(f"RESULTS must hold a run of: {'; '.join(missing)}.")
    return found


def keep(folder: Path, answers: Question, to: Path) -> Path:
    """Copy a run, without its report, to its place in `to`, whole or not at all; return that.

    The record's command becomes the one that asks the question: the run's own may say where it
    wrote, and whether quietly.
    """
    record = record_in(folder)
    record["provenance"]["command"] = answers.command
    final = to / answers.experiment / folder.name
    draft = final.with_name(f".unfinished-{uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        for path in sorted(folder.iterdir()):
            if path.name not in (REPORT, "record.json"):
                shutil.copyfile(path, draft / path.name)
        text = exact_json.dumps(record, indent=1) + "\n"
        (draft / "record.json").write_text(text, encoding="utf-8")
        if final.exists():
            shutil.rmtree(final)
        draft.rename(final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return final


def record_in(folder: Path) -> Any:
    """Return the record of a run. Raises InputError if it cannot be read."""
    try:
        return exact_json.loads((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"RESULTS must hold whole runs; got {shortened(str(folder))} ({error})."
        ) from None


def measure(wanted: Sequence[Question], results: Path) -> None:
    """Run the suite and what else is asked, each in a process of its own, beside the real table."""
    table = wordllama_table.paths()
    if table is None:
        raise InputError("the package wordllama must be installed: pip install --no-deps wordllama")
    own = [shown_commands.own_command(one.experiment) for one in wanted]
    further = [one.command for one in wanted if one.command not in own]
    out = str(results.resolve())
    with tempfile.TemporaryDirectory() as here:
        for name, path in zip((_TABLE, _TOKENS), table, strict=True):
            os.symlink(path.resolve(), Path(here) / name)
        for command in ("python -m experiments all", *further, _GRID):
            print(f"$ {command}", flush=True)
            words = [sys.executable, *shlex.split(command)[1:], "--out", out]
            code = subprocess.run(words, cwd=here, check=False).returncode
            # Exit code 1 is also a check that fails: a finding, and its run is there.
            if code not in (DONE, FAILED):
                raise InputError(f"every command must end well; got {code} from {command}.")


def remove_others(to: Path, kept: Sequence[Path]) -> None:
    """Remove the runs in a results folder that are not among these."""
    for experiment in to.iterdir():
        for folder in store.runs(experiment) if experiment.is_dir() else ():
            if folder not in kept:
                shutil.rmtree(folder)
        if experiment.is_dir() and not any(experiment.iterdir()):
            experiment.rmdir()


def _keep_grid(results: Path, to: Path) -> None:
    """Copy the brackets of the atlas's whole grid, where there is a run of it."""
    grid = shown_commands.question(_GRID)
    runs = store.runs(results / "atlas") if (results / "atlas").is_dir() else []
    for folder in runs:
        if grid.answered_by(record_in(folder)):
            write_whole(to / "atlas.csv", (folder / "atlas.csv").read_text(encoding="utf-8"))
            return


def _documents(project: Path) -> dict[Path, str]:
    """The texts of the project that show commands."""
    paths = [project / "README.md", *sorted((project / "docs").glob("*.md"))]
    try:
        return {path: path.read_text(encoding="utf-8") for path in paths}
    except (OSError, ValueError) as error:
        raise InputError(
            f"--project must hold README.md; got {shortened(str(project))} ({error})."
        ) from None


if __name__ == "__main__":
    raise SystemExit(main())
