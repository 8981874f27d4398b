"""Lay two runs side by side: what differs in answers, settings, checks and claims.

`python -m experiments.compare A B [--json]`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.harness import cli, exact_json, store, terminal
from experiments.harness.errors import DONE, InputError, shortened
from experiments.harness.experiment import Json
from experiments.harness.run import SCHEMA, verdicts

# Keys of an answer that hold times, and sentences about numbers that stand beside them.
_PASSING = frozenset({"seconds", "words"})


@dataclass(frozen=True)
class Arguments:
    """What to compare."""

    a: Annotated[tyro.conf.Positional[Path], cli.path("A", metavar="A")]
    """A run folder, or one that holds runs (an experiment's, or an --out) for the newest."""
    b: Annotated[tyro.conf.Positional[Path], cli.path("B", metavar="B")]
    """Another."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Difference:
    """One line of the comparison; None stands for what a run does not have."""

    part: str
    name: str
    a: Json
    b: Json


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison; return the exit code, 0 also where the runs differ."""
    return cli.command(_main, argv)


def differences(a: store.Run, b: store.Run) -> list[Difference]:
    """Return where two runs differ, in the order answer, settings, checks, claims, versions.

    Answers and settings compare leaf by leaf, numbers of an answer to six significant digits, its
    times and sentences not at all; a check is its verdict and its estimate.
    """
    parts: list[tuple[str, dict[str, Json], dict[str, Json]]] = [
        ("experiment", {"name": a.record["experiment"]}, {"name": b.record["experiment"]}),
        ("answer", _answer(a), _answer(b)),
        ("config", _leaves(a.config), _leaves(b.config)),
        ("checks", _checks(a), _checks(b)),
        ("claims", _claims(a), _claims(b)),
        ("versions", _versions(a), _versions(b)),
    ]
    found = []
    for part, left, right in parts:
        for name in {**left, **right}:
            if name not in left or name not in right or left[name] != right[name]:
                found.append(Difference(part, name, left.get(name), right.get(name)))
    return found


def _main(argv: Sequence[str]) -> int:
    arguments = cli.parse_command(
        Arguments,
        prog="python -m experiments.compare",
        description="Lay two runs side by side.",
        argv=argv,
    )
    a, b = (store.load(store.locate(path)) for path in (arguments.a, arguments.b))
    try:
        found = differences(a, b)
        answers = (str(a.record["answer"]), str(b.record["answer"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "A and B must be runs of the present layout; got "
            f"{shortened(str(a.folder))} and {shortened(str(b.folder))} ({error})."
        ) from None
    if arguments.json:
        comparison = {
            "schema": SCHEMA,
            "a": {"run": str(a.folder), "answer": answers[0]},
            "b": {"run": str(b.folder), "answer": answers[1]},
            "differences": exact_json.plain(found, "differences"),
        }
        print(exact_json.dumps(exact_json.plain(comparison)))
    else:
        print(f"A: {answers[0]}\n   {a.folder}\nB: {answers[1]}\n   {b.folder}\n")
        _print(found)
    return DONE


def _print(found: Sequence[Difference]) -> None:
    if not found:
        print("The runs agree in settings, answers, checks and versions.")
        return
    for line in found:
        a, b = _words(line.a, line.b)
        print(f"{line.part}: {line.name}\n  A {a}\n  B {b}")


def _words(a: Json, b: Json) -> tuple[str, str]:
    short = _short(a), _short(b)
    # Long integers may differ in digits that the short form leaves out.
    return (str(a), str(b)) if short[0] == short[1] else short


def _short(value: Json) -> str:
    if isinstance(value, bool | str | list | dict):
        return str(value)
    return terminal.number(value)


def _answer(run: store.Run) -> dict[str, Json]:
    return {
        path: float(f"{value:.6g}") if isinstance(value, float) else value
        for path, value in _leaves(run.result.data).items()
        if _PASSING.isdisjoint(re.split(r"[.\[]", path))
    }


def _leaves(value: Json, name: str = "") -> dict[str, Json]:
    """Return the values inside nested JSON by path, as `lower.count` or `dim[0]`."""
    if isinstance(value, dict):
        inner = [(f"{name}.{key}" if name else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(f"{name}[{place}]", item) for place, item in enumerate(value)]
    else:
        return {name: value}
    leaves: dict[str, Json] = {}
    for path, item in inner:
        leaves.update(_leaves(item, path))
    return leaves


def _checks(run: store.Run) -> dict[str, Json]:
    checks, _ = verdicts(run.record)
    return {check.name: f"{check.verdict} ({terminal.number(check.estimate)})" for check in checks}


def _claims(run: store.Run) -> dict[str, Json]:
    _, claims = verdicts(run.record)
    return {claim.id: str(claim.verdict) for claim in claims}


def _versions(run: store.Run) -> dict[str, Json]:
    provenance: Mapping[str, Any] = run.record["provenance"]
    return {**provenance["versions"], "commit": provenance["commit"]}


if __name__ == "__main__":
    raise SystemExit(main())
