"""From the words of a command line to a typed config, with errors of one line.

A config is a frozen dataclass whose fields are annotated with the types of `flags`, as
`dim: Annotated[tuple[int, ...], integers("--dim", at_least=2)] = (500,)`, each followed by a
docstring that becomes its help.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, make_dataclass
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from experiments.harness import exact_json
from experiments.harness.errors import InputError, exit_code, shortened
from experiments.harness.experiment import DEFAULT_PRESET, PRESETS, C, Experiment
from experiments.harness.flags import (
    choice,
    choices,
    integer,
    integers,
    option,
    options,
    path,
    real,
    reals,
    text,
)
from experiments.harness.hosts import ONE_HOST, Team

__all__ = [
    "Options",
    "Seed",
    "Seeds",
    "choice",
    "choices",
    "command",
    "integer",
    "integers",
    "option",
    "options",
    "parse",
    "parse_command",
    "path",
    "real",
    "reals",
    "text",
]

T = TypeVar("T")

# JAX makes keys of 32 bits unless it is told otherwise, and drops the rest in silence.
Seed = Annotated[int, integer("--seed", at_least=0, at_most=2**32 - 1)]
Seeds = Annotated[int, integer("--seeds", at_least=1, at_most=100_000)]


@dataclass(frozen=True)
class Options:
    """The same for every experiment."""

    preset: Annotated[str, choice("--preset", PRESETS)] = DEFAULT_PRESET
    """Defaults: tiny takes seconds, paper is the published setting, full wants a GPU."""
    out: Annotated[Path, path("--out", metavar="DIR")] = Path("results")
    """Folder for runs and reports."""
    json: bool = False
    """Print one JSON object and nothing else."""
    quiet: bool = False
    """No progress, no notes."""
    standalone: bool = False
    """A report in one file, to send to someone (5 MB more)."""
    force: bool = False
    """Measure again what was measured before."""
    cite: bool = False
    """Print the references and stop."""

    @property
    def team(self) -> Team:
        """The hosts of the run."""
        return ONE_HOST


@dataclass(frozen=True)
class _Shared(Team, Options):
    """The same for every experiment that hosts can share."""

    @property
    def team(self) -> Team:
        """The hosts of the run."""
        return self


def command(body: Callable[[Sequence[str]], int], argv: Sequence[str] | None) -> int:
    """Return the exit code of a command, whose `body` takes its words and returns the code.

    The words are `argv`, or those of the process where it is None.  As `errors.exit_code`; integers
    of any length are read and written meanwhile.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with exact_json.any_digits():
        return exit_code(lambda: body(words))


def parse(experiment: Experiment[C], argv: Sequence[str]) -> tuple[C, Options]:
    """Return the config and the options that the words `argv` ask for.

    Raises InputError for bad values, SystemExit (0 after help, 2 otherwise) from the parser.
    """
    preset = _preset(argv)
    config = experiment.config(**experiment.presets[preset])
    kind = _Shared if experiment.shared else Options
    both = make_dataclass("Both", [("experiment", experiment.config), ("run", kind)])
    parsed = parse_command(
        both,
        prog=f"python -m experiments.{experiment.name}",
        description=_description(experiment),
        argv=argv,
        default=both(experiment=config, run=kind(preset=preset)),
    )
    parsed.run.team.validate()
    return parsed.experiment, parsed.run


def parse_command(
    kind: type[T],
    *,
    prog: str,
    description: str,
    argv: Sequence[str],
    default: T | None = None,
) -> T:
    """Return an instance of the dataclass `kind` from the words `argv`.

    Raises what `parse` raises.
    """
    if {"-h", "--help"}.isdisjoint(argv):
        _refuse_unknown_flags(kind, argv, prog)
        _refuse_missing_values(kind, argv)
    found: T
    found, unknown = tyro.cli(
        kind,
        prog=prog,
        description=description,
        args=list(argv),
        default=tyro.MISSING_NONPROP if default is None else default,
        return_unknown_args=True,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    if unknown:
        raise _unknown(unknown, prog)
    return found


def _unknown(words: Sequence[str], prog: str) -> InputError:
    return InputError(
        f"arguments must be among those that {prog} --help lists; got {shortened(' '.join(words))}."
    )


def _refuse_unknown_flags(kind: type[Any], argv: Sequence[str], prog: str) -> None:
    # The parser would take some of them for values. Its own, for completion, are left to it.
    known = _flag_names(kind)
    for word in takewhile(lambda word: word != "--", argv):
        flag = _flag(word.split("=")[0])
        if not (flag in known or _is_value(word) or flag.startswith("--tyro-")):
            raise _unknown([word], prog)


def _flag(word: str) -> str:
    """Return a flag as the help spells it: the parser reads underscores too."""
    return word.replace("_", "-") if word.startswith("--") else word


def _flag_names(kind: type[Any]) -> set[str]:
    """Return the flags of a dataclass and of those inside it."""
    found: set[str] = set()
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if is_dataclass(hint) and isinstance(hint, type):
            found |= _flag_names(hint)
        elif tyro.conf.Positional not in getattr(hint, "__metadata__", ()):
            found.add(f"--{name.replace('_', '-')}")
    return found


def _preset(argv: Sequence[str]) -> str:
    # Before the parser runs, since its defaults (and its help) depend on this word. A bad one is
    # left for the parser to refuse.
    chosen = DEFAULT_PRESET
    for place, word in enumerate(argv):
        if word == "--preset":
            chosen = "".join(argv[place + 1 : place + 2])
        elif word.startswith("--preset="):
            chosen = word.removeprefix("--preset=")
    return chosen if chosen in PRESETS else DEFAULT_PRESET


def _refuse_missing_values(kind: type[Any], argv: Sequence[str]) -> None:
    # The parser would answer with a box of its own.
    single = _single_values(kind)
    for word, following in pairwise([*argv, "--"]):
        value = single.get(_flag(word))
        if value and not _is_value(following):
            value.instance_from_str([])
    given = [
        word
        for before, word in pairwise(["", *argv])
        if not word.startswith("-") and _flag(before) not in single
    ]
    for missing in _required(kind)[len(given) :]:
        missing.instance_from_str([])


def _is_value(word: str) -> bool:
    """Whether a word is no flag: it has no dash before it, or is a number or a dash alone."""
    return re.match(r"[^-]|$|-($|\.?\d|inf|nan)", word) is not None


def _required(kind: type[Any]) -> list[PrimitiveConstructorSpec[Any]]:
    """Return the arguments of a dataclass that have a place instead of a flag, and no default."""
    hints = get_type_hints(kind, include_extras=True)
    metadata = [
        getattr(hints[field.name], "__metadata__", ())
        for field in fields(kind)
        if field.default is MISSING
    ]
    return [
        entry
        for entries in metadata
        if tyro.conf.Positional in entries
        for entry in entries
        if isinstance(entry, PrimitiveConstructorSpec)
    ]


def _single_values(kind: type[Any]) -> dict[str, PrimitiveConstructorSpec[Any]]:
    """Return the options of a dataclass, and of those inside it, that take one value."""
    found: dict[str, PrimitiveConstructorSpec[Any]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if is_dataclass(hint) and isinstance(hint, type):
            found |= _single_values(hint)
        for entry in getattr(hint, "__metadata__", ()):
            if isinstance(entry, PrimitiveConstructorSpec) and entry.nargs == 1:
                found[f"--{name.replace('_', '-')}"] = entry
    return found


def _description(experiment: Experiment[Any]) -> str:
    lines = [experiment.question, "", f"Takes {experiment.duration}.", "", "Examples:"]
    lines += [f"  {example}" for example in experiment.examples]
    lines += ["", "Presets, which any option overrides:"]
    lines += [f"  {name:6} {_flags(experiment.presets[name])}" for name in PRESETS]
    return "\n".join(lines)


def _flags(overrides: Mapping[str, object]) -> str:
    words = []
    for name, value in overrides.items():
        shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words.append(f"--{name.replace('_', '-')} {shown}")
    return " ".join(words) or "the defaults"
