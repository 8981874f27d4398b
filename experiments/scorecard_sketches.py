"""What a small picture of the scorecard shows, as data: bars of checks, or lines of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Bar", "Bars", "Curve", "Line"]


@dataclass(frozen=True)
class Bar:
    """A check's estimate as a bar; `role` is one of the colours of `harness.theme`, in lower case.

    The interval is a thin line over it.
    """

    check: str
    words: str
    role: str = "measured"


@dataclass(frozen=True)
class Bars:
    """Checks of the claim's own runs side by side, from zero, or from one where logarithmic.

    `mark` is a number to compare them with, and `marked` says what it is.
    """

    caption: str
    bars: tuple[Bar, ...]
    logarithmic: bool = False
    mark: float | None = None
    marked: str = ""


@dataclass(frozen=True)
class Line:
    """A column of a table over another, in the rows whose cells are as in `where`.

    It is a line where it is a law, and dots, with bars from `low` to `high`, where it was measured.
    Lines of one role and the same words share an entry in the legend.
    """

    column: str
    role: str
    words: str = ""
    low: str = ""
    high: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    dots: bool = False


@dataclass(frozen=True)
class Curve:
    """Lines over the column `x` of the table `table` of a run of `experiment`."""

    caption: str
    experiment: str
    table: str
    x: str
    lines: tuple[Line, ...]
    logarithmic: str = ""
    """The axes with a logarithmic scale: "", "x" or "xy"."""
    until: float | None = None
    """The largest x that is shown."""
