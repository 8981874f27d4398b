"""Draw the report of a run again, from its folder, without measuring.

`python -m experiments.show RUN [--standalone]`
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.harness import cli, exact_json, store
from experiments.harness.drawing import REPORT, draw
from experiments.harness.errors import DONE, InputError, shortened
from experiments.harness.experiment import Experiment
from experiments.harness.run import verdicts


@dataclass(frozen=True)
class Arguments:
    """What to draw."""

    run: Annotated[tyro.conf.Positional[Path], cli.path("RUN", metavar="RUN")]
    """A run folder, or one that holds runs (an experiment's, or an --out) for the newest."""
    standalone: bool = False
    """A report in one file, to send to someone (5 MB more)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the report and print where it is; return the exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.show",
        description="Draw the report of a run again, without measuring.",
        argv=argv,
    )
    run = store.load(store.locate(arguments.run))
    experiment = _experiment(run)
    try:
        config = exact_json.config_from_json(experiment.config, run.config)
        checks, claims = verdicts(run.record)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(
            f"RUN must be of the present source; got {shortened(str(run.folder))}: {error}."
        ) from None
    # A folder that was moved away from its place cannot refer to plotly.js beside the index.
    moved = run.folder.resolve().parent.name != experiment.name
    draw(
        experiment,
        config,
        run.result,
        record=run.record,
        checks=checks,
        claims=claims,
        folder=run.folder.resolve(),
        standalone=arguments.standalone or moved,
    )
    print(run.folder / REPORT)
    return DONE


def _experiment(run: store.Run) -> Experiment[Any]:
    name = run.record.get("experiment")
    if isinstance(name, str) and name.isidentifier():
        module = f"experiments.{name}"
        try:
            found = getattr(importlib.import_module(module), "EXPERIMENT", None)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            found = None
        if isinstance(found, Experiment):
            return found
    raise InputError(
        f"RUN must be of an experiment of this project; got {shortened(str(run.folder))}, "
        f"of {shortened(str(name))}."
    )


if __name__ == "__main__":
    raise SystemExit(main())
