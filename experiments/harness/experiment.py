"""What an experiment is: a question, a config, and functions from config to answer.

Importing this module is cheap: neither jax nor plotly comes with it, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from experiments.harness.checks import Check, Claim

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

    from experiments.harness.progress import Progress

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

PRESETS = ("tiny", "quick", "paper", "full")
DEFAULT_PRESET = "quick"

# Metadata of a config field that changes what is printed or saved beside the run, never what is
# measured: `field(default=None, metadata=OUTPUT_ONLY)`. Such fields stay out of the run's hash.
OUTPUT_ONLY: Mapping[str, bool] = {"output_only": True}
# Metadata of a config field that names a file which is read, or None: the run's hash is then over
# the file's content instead of its name.
INPUT_FILE: Mapping[str, bool] = {"input_file": True}


class Config(Protocol):
    """A frozen dataclass whose fields all have defaults and help.

    Values are None, bool, int, float, str, or tuples of these, so that they survive JSON.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def seed(self) -> int:
        """Root of all random numbers."""

    @property
    def seeds(self) -> int:
        """Number of independent repetitions."""


C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Table:
    """Numbers for the report and for `<name>.csv`. An empty cell is None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Result:
    """What `measure` returns: `data` is the answer, the rest is what figures are drawn from."""

    data: dict[str, Json]
    arrays: Mapping[str, NDArray[Any]]
    tables: Mapping[str, Table]


@dataclass(frozen=True)
class Figure:
    """A figure of the report. `id` is fixed, so that equal runs give equal pages."""

    id: str
    title: str
    figure: PlotlyFigure
    caption: str


@dataclass(frozen=True)
class Overview:
    """What is said in place of a run: lines on the terminal, or `data` as one JSON object."""

    data: dict[str, Json]
    lines: list[str]


@dataclass(frozen=True)
class Experiment(Generic[C]):
    """One question, and all that the harness needs to answer it from the command line.

    - `name`: the module, as in `python -m experiments.<name>`.
    - `question`: one line that ends in a question mark. `duration`: as "10 s on two cores".
    - `seconds`: what the quick preset usually takes on one of two busy cores, to plan by.
    - `alone`: why it is left out where all experiments are run; else empty.
    - `primer`: a paragraph for a student: what is measured, and how to read it.
    - `cite`: references. `examples`: command lines for `--help`.
    - `config`: the type of the settings; `presets`: for each of tiny, quick, paper and full, the
      fields that differ from the defaults.
    - `measure`: does the work. `checks` and `claims`: verdicts on it. `answer`: one sentence with
      its number; `summary`: further lines for the terminal. `figures`: no mathematics.
    - `validate`: raises `InputError` for fields that do not go together.
    - `overview`: for settings that only ask what there is, the answer to that; else None.
    - `again`: measured anew although the same run was done before, as timings have to be.
    - `printed`: names of tables that the terminal shows too.
    - `finish`: side outputs, after the answer was printed and also after a run that was found
      done; returns lines to print.
    - `shared`: several hosts can share a run (`hosts`); `measure` then uses `progress.crew`.
    """

    name: str
    question: str
    primer: str
    duration: str
    cite: tuple[str, ...]
    examples: tuple[str, ...]
    config: type[C]
    presets: Mapping[str, Mapping[str, object]]
    measure: Callable[[C, Progress], Result]
    checks: Callable[[C, Result], list[Check]]
    claims: Callable[[list[Check]], list[Claim]]
    answer: Callable[[C, Result], str]
    summary: Callable[[C, Result], list[str]]
    figures: Callable[[C, Result], list[Figure]]
    validate: Callable[[C], None] | None = None
    overview: Callable[[C], Overview | None] | None = None
    finish: Callable[[C, Result], list[str]] | None = None
    again: bool = False
    printed: tuple[str, ...] = ()
    shared: bool = False
    seconds: float = 60.0
    alone: str = ""

    def __post_init__(self) -> None:
        """Hold the contract that types cannot."""
        if not self.question.endswith("?"):
            raise ValueError(f"`question` must end in a question mark; got {self.question!r}.")
        if not self.primer.strip():
            raise ValueError("`primer` must be a paragraph; got nothing.")
        if set(self.presets) != set(PRESETS):
            raise ValueError(
                f"`presets` must define {', '.join(PRESETS)}; got {', '.join(self.presets)}."
            )
        fields = self.config.__dataclass_fields__
        for preset, overrides in self.presets.items():
            for name in overrides:
                if name not in fields:
                    raise ValueError(f"`presets` sets an unknown field in {preset}: {name!r}.")
