"""The figures of the bench report; no mathematics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_ROLES = {
    "ours": (theme.LOWER, "this project"),
    "peer": (theme.MEASURED, "a peer"),
    "variant": (theme.RANDOM, "a variant of itself"),
    "floor": (theme.REFERENCE, "bare products"),
}
_LINE, _REST = 24, 120
_POWERS = range(-6, 13)
_TICKS = [2.0**power for power in _POWERS]
_WORDS = [f"{2**power}" if power >= 0 else f"1/{2**-power}" for power in _POWERS]


@dataclass
class _Chart:
    """Lines from the top down: a heading for each timing, then its sides."""

    labels: list[str] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    sides: list[tuple[int, Any]] = field(default_factory=list)

    def add(self, row: Any, sides: list[Any]) -> None:
        self.headings.append((len(self.labels), f"{row['group']}: {row['title']}"))
        self.labels.append("")
        for side in sides:
            self.sides.append((len(self.labels), side))
            self.labels.append(side["name"])

    def figure(self) -> PlotlyFigure:
        import plotly.graph_objects as go

        figure = go.Figure()
        figure.update_yaxes(
            tickvals=list(range(len(self.labels))),
            ticktext=self.labels,
            range=[len(self.labels) - 0.4, -0.6],
            showgrid=False,
            ticks="",
        )
        for line, text in self.headings:
            figure.add_annotation(
                x=0,
                y=line,
                xref="x domain",
                xanchor="left",
                showarrow=False,
                text=f"<b>{text}</b>",
                font={"size": 12},
                bgcolor=theme.PAGE,
            )
        figure.update_layout(height=_REST + _LINE * len(self.labels), barmode="overlay")
        return figure

    def bars(
        self, figure: PlotlyFigure, value: Callable[[Any], float | None], base: float, words: str
    ) -> None:
        """A bar from `base` to a value of each side, by role; `words` tell the value."""
        for role, (colour, name) in _ROLES.items():
            held = [(line, value(side)) for line, side in self.sides if side["role"] == role]
            known = [(line, number) for line, number in held if number is not None]
            if known:
                numbers = np.array([number for _, number in known], np.float32)
                figure.add_bar(
                    orientation="h",
                    y=[line for line, _ in known],
                    x=numbers - np.float32(base),
                    base=base,
                    width=0.62,
                    customdata=numbers,
                    hovertemplate=f"%{{customdata:.3g}} {words}<extra>{name}</extra>",
                    marker={"color": colour},
                    name=name,
                )


def figures(_config: object, result: Result) -> list[Figure]:
    """Ratios; rates, where there are operations to count; memory, where it was measured."""
    data: Any = result.data
    rows = data["timings"]
    counted = [row for row in rows if row["operations"]]
    weighed = [row for row in rows if any(side["memory"] is not None for side in row["sides"])]
    drawn = [_ratios(rows)]
    if counted:
        drawn.append(_rates(counted, data["machine"]["matmul"]))
    if weighed:
        drawn.append(_memory(weighed))
    return drawn


def _ratios(rows: list[Any]) -> Figure:
    chart = _Chart()
    for row in rows:
        chart.add(row, [side for side in row["sides"] if side["role"] != "ours"])
    figure = chart.figure()
    chart.bars(figure, lambda side: side["times"] and side["times"]["median"], 1.0, "times as fast")
    held = [(line, side["times"]) for line, side in chart.sides if side["times"]]
    middle = np.array([times["median"] for _, times in held], np.float32)
    figure.add_scatter(
        x=middle,
        y=[line for line, _ in held],
        error_x=theme.error_bars(
            middle, [times["low"] for _, times in held], [times["high"] for _, times in held]
        ),
        mode="markers",
        marker={"color": theme.THEORY, "size": 4},
        hoverinfo="skip",
        name="median and quartiles of turns",
    )
    promised = [
        (line, row["least"])
        for row in rows
        if row["least"]
        for line, side in _of(chart, row)
        if side["name"] == row["fastest"]
    ]
    if promised:
        figure.add_scatter(
            x=np.array([least for _, least in promised], np.float32),
            y=[line for line, _ in promised],
            mode="markers",
            marker={
                "symbol": "line-ns-open",
                "size": 16,
                "color": theme.UPPER,
                "line": {"width": 2},
            },
            hovertemplate="at least %{x:.3g}<extra>promised</extra>",
            name="promised at least",
        )
    for line, side in chart.sides:
        if side["times"] is None:
            figure.add_annotation(
                x=0.0, y=line, xanchor="left", showarrow=False, text=side["missing"]
            )
    figure.add_vline(x=1, line={"color": theme.THEORY, "width": 1})
    figure.update_xaxes(
        title="times as fast as the other side", type="log", tickvals=_TICKS, ticktext=_WORDS
    )
    return Figure(
        "ratios",
        "How many times faster than what",
        figure,
        "A bar to the right of the line at 1: this project is faster than what the line names; to "
        "the left: slower. Both ran in every turn, one after the other; whiskers are the quartiles "
        "of the ratio over turns. Bare products are as many multiply-adds as the answer needs, "
        "from factors of the named type, and nothing else, by the library that is named or by JAX.",
    )


def _of(chart: _Chart, row: Any) -> list[tuple[int, Any]]:
    return [(line, side) for line, side in chart.sides if any(side is one for one in row["sides"])]


def _rates(rows: list[Any], rates: dict[str, float]) -> Figure:
    chart = _Chart()
    reached = {}
    for row in rows:
        present = [side for side in row["sides"] if side["median"] is not None]
        chart.add(row, present)
        for side in present:
            reached[id(side)] = row["operations"] / side["median"] / 1e9
    figure = chart.figure()
    chart.bars(figure, lambda side: reached[id(side)], 0.0, "GFLOP/s")
    for dash, (kind, rate) in zip(("dash", "dot"), rates.items(), strict=True):
        figure.add_vline(x=rate / 1e9, line={"color": theme.THEORY, "width": 1, "dash": dash})
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": theme.THEORY, "width": 1, "dash": dash},
            name=f"one large product, {kind}",
        )
    figure.update_xaxes(title="GFLOP/s", rangemode="tozero")
    return Figure(
        "rates",
        "How near to the hardware's limit",
        figure,
        "Billions of floating-point operations a second, counting those that half of the pairs (or "
        "all read-outs) need. The lines "
        "are what one large product reaches on this device, with factors of either type and sums "
        "in float32. A side that computes more than it needs, as products of both halves, gains "
        "nothing by it here.",
    )


def _memory(rows: list[Any]) -> Figure:
    chart = _Chart()
    for row in rows:
        chart.add(row, [side for side in row["sides"] if side["memory"] is not None])
    figure = chart.figure()
    chart.bars(figure, lambda side: side["memory"] / 2**20, 0.0, "MiB")
    figure.update_xaxes(title="MiB beyond imports and input", rangemode="tozero")
    return Figure(
        "memory",
        "Most memory in use",
        figure,
        "Resident memory of the host at its largest during one run in a process of its own, less "
        "what was resident when it began. Compilation falls into the run, which is most of what a "
        "small job takes here.",
    )
