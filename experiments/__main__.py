"""List the experiments, or run them.

python -m experiments                    a line each: name, question, usual time
python -m experiments all                every one, then the scorecard of the claims
python -m experiments capacity causes    these two
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

import experiments
from experiments.harness import cli, compiled, exact_json, processors
from experiments.harness.errors import DONE, InputError, shortened
from experiments.harness.experiment import DEFAULT_PRESET, PRESETS, Experiment, Json

ALL = "all"
_EXAMPLES = (
    "python -m experiments",
    "python -m experiments all",
    "python -m experiments all --preset tiny --out /tmp/tiny",
    "python -m experiments capacity causes --seed 1",
)
# More would hardly help: the longest takes a fifth of the time of all.
_JOBS = 4


@dataclass(frozen=True)
class Arguments:
    """What to run, and how. Without a name they are listed."""

    names: Annotated[
        tyro.conf.Positional[tuple[str, ...]], cli.options("NAME", "a name", str, metavar="NAME")
    ] = ()
    """Experiments to run, or `all`."""
    preset: Annotated[str, cli.choice("--preset", PRESETS)] = DEFAULT_PRESET
    """Defaults of each: tiny takes seconds, paper is the published setting, full wants a GPU."""
    seed: cli.Seed | None = None
    """Root of all random numbers; each experiment has its own unless one is given."""
    out: Annotated[Path, cli.path("--out", metavar="DIR")] = Path("results")
    """Folder for runs, reports and the scorecard."""
    jobs: Annotated[int | None, cli.integer("--jobs", at_least=1, at_most=64)] = None
    """Experiments at a time, which share the processors: by default one for each, at most four,
    and one alone where there is an accelerator."""
    json: bool = False
    """Print one JSON object (a list without names) and nothing else."""
    quiet: bool = False
    """No progress."""
    standalone: bool = False
    """Reports in one file each, to send to someone (5 MB more)."""
    force: bool = False
    """Measure again what was measured before."""


def discover() -> list[Experiment[Any]]:
    """Return the experiments of this package by name: modules that define `EXPERIMENT`.

    Imports these alone, which is cheap: an experiment imports jax only when it measures.
    """
    found = []
    for module in pkgutil.iter_modules(experiments.__path__):
        name = f"experiments.{module.name}"
        if not module.ispkg and _defines_experiment(name):
            candidate = getattr(importlib.import_module(name), "EXPERIMENT", None)
            if isinstance(candidate, Experiment):
                found.append(candidate)
    return sorted(found, key=lambda experiment: experiment.name)


def _defines_experiment(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    source = Path(spec.origin).read_text(encoding="utf-8")
    return re.search(r"^EXPERIMENT\b.*=", source, re.MULTILINE) is not None


def main(argv: Sequence[str] | None = None) -> int:
    """Print the list, or run what the words `argv` name; return the exit code."""
    return cli.command(_main, argv)


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments",
        description="\n".join(
            [
                "List the experiments, or run those that are named: each is also a command of its",
                "own, python -m experiments.NAME, with flags of its own.",
                "",
                "Examples:",
                *(f"  {example}" for example in _EXAMPLES),
            ]
        ),
        argv=argv,
    )
    listed = discover()
    if not arguments.names:
        print("\n".join(_listing(listed, as_json=arguments.json)))
        return DONE

    from experiments import suite

    settings = suite.Settings(
        preset=arguments.preset,
        seed=arguments.seed,
        out=arguments.out,
        jobs=arguments.jobs or _jobs(),
        standalone=arguments.standalone,
        force=arguments.force,
        quiet=arguments.quiet,
        json=arguments.json,
    )
    return suite.run(_chosen(arguments.names, listed), settings)


def _chosen(names: Sequence[str], listed: Sequence[Experiment[Any]]) -> list[Experiment[Any]]:
    """Return the experiments of these names, `all` being those that can run by themselves."""
    by_name = {experiment.name: experiment for experiment in listed}
    if list(names) == [ALL]:
        return [experiment for experiment in listed if not experiment.alone]
    chosen: dict[str, Experiment[Any]] = {}
    for name in names:
        if name == ALL:
            raise InputError(f"NAME must be {ALL} alone, or names; got {' '.join(names)!r}.")
        if name not in by_name:
            known = ", ".join([ALL, *by_name])
            raise InputError(f"NAME must be one of {known}; got {shortened(name)}.")
        elif by_name[name].alone:
            raise InputError(
                f"NAME must be of an experiment that runs by itself; got {name!r}, which "
                f"{by_name[name].alone}: python -m experiments.{name} --help."
            )
        else:
            chosen[name] = by_name[name]
    return list(chosen.values())


def _jobs() -> int:
    return 1 if compiled.has_accelerator() else min(_JOBS, processors.count())


def _listing(listed: Sequence[Experiment[Any]], *, as_json: bool) -> list[str]:
    if as_json:
        entries: list[Json] = [
            {
                "name": experiment.name,
                "question": experiment.question,
                "duration": experiment.duration,
            }
            for experiment in listed
        ]
        return [exact_json.dumps(entries)]
    width = max((len(experiment.name) for experiment in listed), default=0)
    lines = [
        f"{experiment.name:{width}}  {experiment.question} ({experiment.duration})"
        for experiment in listed
    ]
    alone = [f"{one.name} ({one.alone})" for one in listed if one.alone]
    lines += ["", f"python -m experiments {ALL} runs them all, and then shows which claims hold."]
    return [*lines, f"Not among them: {', '.join(alone)}."] if alone else lines


if __name__ == "__main__":
    raise SystemExit(main())
