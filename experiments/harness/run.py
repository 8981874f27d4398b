"""One experiment from its command line to its run folder, its answer and its exit code."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from experiments.harness import cli, devices, exact_json, hosts, parts, store, terminal
from experiments.harness.checks import (
    Check,
    Claim,
    Verdict,
    check_from_json,
    claim_from_json,
)
from experiments.harness.drawing import REPORT, draw
from experiments.harness.errors import DONE, FAILED, InputError, shortened
from experiments.harness.experiment import (
    INPUT_FILE,
    OUTPUT_ONLY,
    C,
    Experiment,
    Json,
    Result,
)
from experiments.harness.index import write_index
from experiments.harness.progress import Progress
from experiments.harness.provenance import compile_seconds, fingerprint, provenance

SCHEMA = 1
_MEBIBYTE = 1 << 20
_RESERVED = ("schema", "checks", "claims", "seconds", "run")


@dataclass(frozen=True)
class Outcome(Generic[C]):
    """A run, measured now or found done."""

    folder: Path
    config: C
    result: Result
    checks: list[Check]
    claims: list[Claim]
    seconds: float


def main(
    experiment: Experiment[C],
    argv: Sequence[str] | None = None,
    *,
    index: Callable[[Path], object] = write_index,
) -> int:
    """Run the experiment as the words `argv` ask, and return the exit code.

    `index` writes the pages over all runs of the output folder.

    0 done, 1 if a check is FAIL or writing failed, 2 for bad input, 3 if a host was lost, 130 after
    Ctrl-C.
    """
    return cli.command(lambda words: _main(experiment, words, index), argv)


def _main(experiment: Experiment[C], argv: Sequence[str], index: Callable[[Path], object]) -> int:
    config, options = cli.parse(experiment, argv)
    if options.cite:
        print("\n".join(experiment.cite))
        return DONE
    overview = None if experiment.overview is None else experiment.overview(config)
    if overview is not None:
        lines = [exact_json.dumps({"schema": SCHEMA, **overview.data})]
        print("\n".join(lines if options.json else overview.lines))
        return DONE
    if experiment.validate is not None:
        experiment.validate(config)
    if options.team.host > 0:
        return hosts.shared(options.team, lambda link: _helped(experiment, config, options, link))
    with store.draft(options.out, experiment.name) as folder:
        return hosts.shared(
            options.team,
            lambda link: _made(experiment, config, options, argv, folder, link, index),
        )


def _helped(experiment: Experiment[C], config: C, options: cli.Options, link: hosts.Link) -> int:
    """Do this host's share of a measurement that host 0 writes."""
    team = options.team
    if not options.quiet:
        note = f"note: host {team.host} of {team.hosts}; host 0 writes the run"
        print(note, file=sys.stderr, flush=True)
    mark = mark_of(experiment, config, quiet=True)
    if not link.agree(mark, found=False):
        with Progress(quiet=True, crew=link.crew()) as progress:
            experiment.measure(config, progress)
    return DONE


def _made(
    experiment: Experiment[C],
    config: C,
    options: cli.Options,
    argv: Sequence[str],
    folder: Path,
    link: hosts.Link,
    index: Callable[[Path], object],
) -> int:
    """Measure, or find the run done; print its answer and return the exit code."""
    mark = mark_of(experiment, config, quiet=options.quiet)
    fresh = options.force or experiment.again
    done = None if fresh else store.find(options.out, experiment.name, mark)
    if link.agree(mark, found=done is not None) and done is not None:
        outcome = _found(experiment, config, options, done)
    else:
        outcome = _measured(experiment, config, options, argv, folder, mark, link.crew())
    # Also over a run found done: it may have been killed before it came to this.
    index(options.out)
    if options.json:
        print(exact_json.dumps(_answer(outcome)), flush=True)
    else:
        terminal.show_run(
            answer=experiment.answer(config, outcome.result),
            summary=experiment.summary(config, outcome.result),
            checks=outcome.checks,
            claims=outcome.claims,
            tables=[outcome.result.tables[name] for name in experiment.printed],
            report=outcome.folder / REPORT,
        )
    # After the answer, which a side output that fails must not cost.
    lines = [] if experiment.finish is None else experiment.finish(config, outcome.result)
    for line in lines:
        print(line, file=sys.stderr if options.json else sys.stdout)
    failed = any(check.verdict is Verdict.FAIL for check in outcome.checks)
    return FAILED if failed else DONE


def _measured(
    experiment: Experiment[C],
    config: C,
    options: cli.Options,
    argv: Sequence[str],
    folder: Path,
    mark: str,
    crew: hosts.Crew,
) -> Outcome[C]:
    """Measure, write everything into the unfinished folder, and publish it."""
    started = store.now()
    settings = exact_json.config_json(config)
    # Other devices may round differently, so that parts are only for the same.
    where = hashlib.sha256(f"{mark} {exact_json.dumps(devices.describe())}".encode()).hexdigest()
    kept = parts.of_run(folder.parent, where, fresh=options.force)
    if crew.count > 1:
        # What one host still has to do, all must do.
        kept = parts.Parts()
    showing = Progress(quiet=options.quiet, parts=kept, crew=crew)
    with compile_seconds() as compiling, showing as progress:
        begun = time.perf_counter()
        with progress.phase(experiment.name):
            result = experiment.measure(config, progress)
        seconds = time.perf_counter() - begun
    result = dataclasses.replace(result, data=_plain_data(result))
    store.write_measurement(folder, settings, result)

    checks = experiment.checks(config, result)
    claims = experiment.claims(checks)
    created = started.isoformat(timespec="seconds")
    record: dict[str, Json] = {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "question": experiment.question,
        "answer": experiment.answer(config, result),
        "summary": list(experiment.summary(config, result)),
        "data": result.data,
        "checks": exact_json.plain(checks, "checks"),
        "claims": exact_json.plain(claims, "claims"),
        "created": created,
        "seconds": round(seconds, 3),
        "fingerprint": mark,
        "provenance": provenance(
            experiment.name,
            argv,
            config=settings,
            preset=options.preset,
            seconds=seconds,
            compiling=sum(compiling),
            phases=progress.seconds,
        ),
    }
    store.write_record(folder, record, result.tables)
    try:
        draw(
            experiment,
            config,
            result,
            record=record,
            checks=checks,
            claims=claims,
            folder=folder,
            standalone=options.standalone,
        )
    except OSError:
        raise
    except Exception as defect:
        # The numbers may have taken hours; only their picture failed.
        final = store.publish(folder, started=started, fingerprint=mark)
        kept.discard()
        defect.add_note(f"The measurement is kept: python -m experiments.show {final}")
        raise
    final = store.publish(folder, started=started, fingerprint=mark)
    kept.discard()
    return Outcome(final, config, result, checks, claims, round(seconds, 3))


def _found(
    experiment: Experiment[C], config: C, options: cli.Options, run: store.Run
) -> Outcome[C]:
    """Return a run that was done before; its report is drawn if it is asked for or missing."""
    record = run.record
    checks, claims = verdicts(record)
    if not options.quiet:
        note = f"note: measured before, at {record['created']}; --force measures again"
        print(note, file=sys.stderr)
    if options.standalone or not (run.folder / REPORT).is_file():
        draw(
            experiment,
            config,
            run.result,
            record=record,
            checks=checks,
            claims=claims,
            folder=run.folder,
            standalone=options.standalone,
        )
    return Outcome(run.folder, config, run.result, checks, claims, record["seconds"])


def verdicts(record: Mapping[str, Any]) -> tuple[list[Check], list[Claim]]:
    """Return the checks and the claims of a record."""
    checks = [check_from_json(check) for check in record["checks"]]
    return checks, [claim_from_json(claim) for claim in record["claims"]]


def mark_of(experiment: Experiment[C], config: C, *, quiet: bool) -> str:
    """Return the fingerprint by which a run of these settings, on this source, is found again.

    Costs a read of the source and of the input files. Raises InputError for a file that cannot be
    read.
    """
    with Progress(quiet=quiet) as progress:
        return fingerprint(experiment.name, _identity(config, progress))


def _identity(config: C, progress: Progress) -> dict[str, Json]:
    """Return the settings that determine what is measured; files by their content."""
    fields = dataclasses.fields(config)
    printed = {field.name for field in fields if OUTPUT_ONLY.items() <= field.metadata.items()}
    settings = exact_json.config_json(config)
    for field in fields:
        name = settings[field.name]
        if INPUT_FILE.items() <= field.metadata.items() and isinstance(name, str):
            settings[field.name] = f"sha256:{_digest(field.name, name, progress)}"
    return {name: value for name, value in settings.items() if name not in printed}


def _digest(field: str, name: str, progress: Progress) -> str:
    digest = hashlib.sha256()
    try:
        with open(name, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size / _MEBIBYTE
            # All of a large file is read, which may take longer than some measurements.
            with progress.phase("MiB read for the identity of the run", size) as step:
                while part := stream.read(_MEBIBYTE):
                    digest.update(part)
                    step(len(part) / _MEBIBYTE)
        return digest.hexdigest()
    except OSError as error:
        raise InputError(
            f"--{field.replace('_', '-')} must be a readable file; got {shortened(name, 200)}: "
            f"{error.strerror}."
        ) from None


def _plain_data(result: Result) -> dict[str, Json]:
    for key in _RESERVED:
        if key in result.data:
            raise ValueError(f"`data` must leave the key {key!r} to the harness.")
    return {key: exact_json.plain(value, f"data[{key!r}]") for key, value in result.data.items()}


def _answer(outcome: Outcome[C]) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        **outcome.result.data,
        "checks": exact_json.plain(outcome.checks, "checks"),
        "claims": exact_json.plain(outcome.claims, "claims"),
        "seconds": outcome.seconds,
        "run": str(outcome.folder),
    }
