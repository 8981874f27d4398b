"""List the experiments: `python -m experiments`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import experiments
from experiments.harness import cli, exact_json
from experiments.harness.errors import DONE, exit_code
from experiments.harness.experiment import Experiment, Json


@dataclass(frozen=True)
class Arguments:
    """How to list them."""

    json: bool = False
    """Print one JSON list and nothing else."""


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
    """Print the list; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    return exit_code(lambda: _main(words))


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments",
        description="List the experiments. Each is a command: python -m experiments.<name>",
        argv=argv,
    )
    listed = discover()
    if arguments.json:
        print(exact_json.dumps([_entry(experiment) for experiment in listed]))
        return DONE
    width = max((len(experiment.name) for experiment in listed), default=0)
    for experiment in listed:
        print(f"{experiment.name:{width}}  {experiment.question} ({experiment.duration})")
    return DONE


def _entry(experiment: Experiment[Any]) -> Json:
    return {
        "name": experiment.name,
        "question": experiment.question,
        "duration": experiment.duration,
    }


if __name__ == "__main__":
    raise SystemExit(main())
