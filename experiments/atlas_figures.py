"""The maps of the atlas report. They draw what was measured and compute nothing but places."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.atlas_grid import COLUMNS
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.packing_words import large

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_CURVES = (("0.5", 0.5), ("1", 1.0), ("√2", 2**0.5), ("2", 2.0), ("3", 3.0))
_DIM_TICKS = (2, 8, 32, 128, 512, 2048, 8192)
_EPS_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)
_DECADES = (0, 1, 3, 10, 30, 100, 300)
# The colours of 10^y are even in log(1 + a y) from y = 0 to b: (a, b).
_GAP = (10.0, 300)
_COUNT = (1.0, 300)
_PLAIN = ("basis", "simplex")
_TINT = "80"  # alpha digits: half-way to the page
_HUES = tuple(colour for colour in theme.COLOURS if colour != theme.RANDOM)
_SHADES = (*_HUES, *(hue + _TINT for hue in _HUES), theme.THEORY)


class _Map:
    """The table of the atlas as matrices `[eps, d]`, and the edges of its cells."""

    def __init__(self, result: Result) -> None:
        self.rows: list[dict[str, Any]] = [
            dict(zip(COLUMNS, row, strict=True)) for row in result.tables["atlas"].rows
        ]
        dims = sorted({row["d"] for row in self.rows})
        eps = sorted({row["eps as float"] for row in self.rows})
        self.x = _edges(np.array(dims, np.float64))
        self.y = _edges(np.array(eps))
        # The place of each row's cell.
        self.at = [(eps.index(row["eps as float"]), dims.index(row["d"])) for row in self.rows]

    def matrix(self, values: Sequence[float]) -> NDArray[np.float32]:
        """One value a row of the table, NaN where the grid has none."""
        matrix = np.full((len(self.y) - 1, len(self.x) - 1), np.nan, np.float32)
        for place, value in zip(self.at, values, strict=True):
            matrix[place] = value
        return matrix

    def column(self, name: str) -> list[Any]:
        """One column of the table."""
        return [row[name] for row in self.rows]

    def texts(self, words: Sequence[str]) -> list[list[str]]:
        """One text a row of the table, empty where the grid has none."""
        table = [[""] * (len(self.x) - 1) for _ in self.y[1:]]
        for (line, place), text in zip(self.at, words, strict=True):
            table[line][place] = text
        return table


def _bracket(row: dict[str, Any]) -> str:
    low, high = row["at least"], row["at most"]
    both = f"{large(low)} ≤ N ≤ {large(high, up=True)}"
    count = f"N = {low:,}" if row["closed"] == "yes" else both
    return f"d = {row['d']:,}, eps = {row['eps']}<br>{count}"


def _credit(row: dict[str, Any]) -> str:
    moves = f" ({row['moves']})" if row["moves"] else ""
    return f"{_bracket(row)}<br>{row['family']}{moves}"


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders between cells on a log axis: geometric means, and as far beyond both ends."""
    logs = np.log(values)
    inner = (logs[1:] + logs[:-1]) / 2 if len(logs) > 1 else logs + 0.2
    edges = np.array([2 * logs[0] - inner[0], *inner, 2 * logs[-1] - inner[-1]])
    return np.array(np.exp(np.unique(edges)), np.float64)


def figures(_config: object, result: Result) -> list[Figure]:
    """The gap, who holds the records, and the two sides."""
    places = _Map(result)
    return [_gap(places), _records(places), *_sides(places)]


def _gap(places: _Map) -> Figure:
    figure = _heat(places, places.column("log10 ratio"), "upper bound / lower bound", _GAP)
    closed = [row for row in places.rows if row["closed"] == "yes"]
    for name, plain, marker in (
        ("closed: N = d or d + 1", True, {"color": theme.RANDOM, "size": 3}),
        ("closed: N > d + 1", False, {"color": theme.HIGHLIGHT, "size": 8, "symbol": "diamond"}),
    ):
        shown = [row for row in closed if (row["at least"] <= row["d"] + 1) is plain]
        if shown:
            figure.add_scatter(
                x=np.array([row["d"] for row in shown], np.float32),
                y=np.array([row["eps as float"] for row in shown], np.float32),
                mode="markers",
                name=name,
                marker={**marker, "line": {"color": theme.PAGE, "width": 0 if plain else 1}},
                hoverinfo="skip",
            )
    _dress(figure, places)
    # Above the map stands the colour bar.
    figure.update_layout(legend={"y": -0.16, "yanchor": "top"})
    caption = (
        "Pale: N(d, eps) is pinned down; dark: it is not. Dotted lines follow eps·√d = const, with "
        "the constant at their ends. Up to 0.5 the proofs hold N within a third above d; along the "
        "line for 1 lie tight families; past 2 the sides part by orders of magnitude."
    )
    return Figure("gap", "How far apart the two sides are", figure, caption + _blank(places))


def _blank(places: _Map) -> str:
    if len(places.rows) == (len(places.x) - 1) * (len(places.y) - 1):
        return ""
    return " The corner left blank is beyond --reach; --preset full goes there."


def _records(places: _Map) -> Figure:
    import plotly.graph_objects as go

    groups, group_of = _groups(places.column("family"))
    top = len(groups)
    scale = [[edge / top, colour] for at, (_, colour) in enumerate(groups) for edge in (at, at + 1)]
    indices = [group_of.get(family, top - 1) for family in places.column("family")]
    figure = go.Figure(
        go.Heatmap(
            x=places.x,
            y=places.y,
            z=places.matrix(indices),
            zmin=-0.5,
            zmax=top - 0.5,
            colorscale=scale,
            showscale=False,
            hoverongaps=False,
            hovertext=places.texts([_credit(row) for row in places.rows]),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    for place, (name, colour) in enumerate(groups):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=f"{name} ({indices.count(place):,})",
            marker={"color": colour, "size": 11, "symbol": "square"},
        )
    _dress(figure, places)
    # Taller, for the legend, which on a phone has a line for each family.
    figure.update_layout(height=660, legend={"itemclick": False, "itemdoubleclick": False})
    caption = (
        "The family that most lines of the largest explicit packing belong to, with the number of "
        "its cells. Moves (direct sums, blow-ups, tensor products and the like) are looked "
        "through; the table of every bracket names them. Bases and simplices, of d and d + 1 "
        "lines, keep the corner where nothing else fits."
    )
    return Figure("records", "Who holds the record where", figure, caption + _blank(places))


def _groups(families: list[str]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Names and colours of the map's legend, most cells first, and the place of each family.

    The families without a place of their own share the last one.
    """
    ranked = [name for name, _ in Counter(families).most_common() if name not in _PLAIN]
    groups = [("basis, simplex", theme.GRID), *zip(ranked, _SHADES, strict=False)]
    rare = len(ranked) - len(_SHADES)
    if rare > 0:
        groups.append((f"{rare} rarer families", theme.RANDOM))
    group_of = dict.fromkeys(_PLAIN, 0)
    group_of |= {name: place for place, name in enumerate(ranked[: len(_SHADES)], 1)}
    return groups, group_of


def _sides(places: _Map) -> list[Figure]:
    drawn = []
    for name, column, title, caption in (
        (
            "lower",
            "log10 at least",
            "At least: the largest explicit packings",
            "Where eps·√d is small, about d lines; past the line for 1 the count takes off.",
        ),
        (
            "upper",
            "log10 at most",
            "At most: the smallest upper bounds",
            "In the colours of the map before. Below the line 1, nearly the same picture; above it "
            "the bound grows exponentially with d, faster than what is known.",
        ),
    ):
        figure = _heat(places, places.column(column), "number of lines N", _COUNT)
        _dress(figure, places)
        drawn.append(Figure(name, title, figure, caption + _blank(places)))
    return drawn


def _heat(
    places: _Map, decades: Sequence[float], title: str, scale: tuple[float, int]
) -> PlotlyFigure:
    """A map of 10^`decades`, its colours even in log(1 + stretch * decades) up to a top."""
    import plotly.graph_objects as go

    stretch, top = scale
    ticks = [tick for tick in _DECADES if tick <= top]
    names = [str(10**tick) if tick <= 1 else f"10<sup>{tick}</sup>" for tick in ticks]
    if max(decades) > top:
        names[-1] = f"≥ {names[-1]}"
    return go.Figure(
        go.Heatmap(
            x=places.x,
            y=places.y,
            z=places.matrix([math.log1p(stretch * max(value, 0)) for value in decades]),
            zmin=0,
            zmax=math.log1p(stretch * top),
            colorscale=[list(stop) for stop in theme.SEQUENTIAL],
            colorbar={
                "title": {"text": title},
                "tickvals": [math.log1p(stretch * tick) for tick in ticks],
                "ticktext": names,
            },
            hoverongaps=False,
            hovertext=places.texts([_bracket(row) for row in places.rows]),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )


def _dress(figure: PlotlyFigure, places: _Map) -> None:
    """Axes, and the curves eps sqrt(d) = const with their names where they leave the map."""
    left, right = float(places.x[0]), float(places.x[-1])
    low, high = float(places.y[0]), float(places.y[-1])
    for name, x in _CURVES:
        start, stop = max(left, (x / high) ** 2), min(right, (x / low) ** 2)
        if start >= stop:
            continue
        ends = np.array([start, stop])
        figure.add_scatter(
            x=ends,
            y=x / np.sqrt(ends),
            mode="lines",
            showlegend=False,
            line={"color": theme.THEORY, "width": 1.5 if x == 1.0 else 1, "dash": "dot"},
            hoverinfo="skip",
        )
        figure.add_annotation(
            x=math.log10(stop),
            y=math.log10(x / math.sqrt(stop)),
            text=name,
            showarrow=False,
            xanchor="left",
            xshift=3,
            yshift=0 if stop == right else 10,  # inside, where the curve leaves through the floor
            font={"size": 11},
        )
    dims = [tick for tick in _DIM_TICKS if left <= tick <= right]
    eps = [tick for tick in _EPS_TICKS if low <= tick <= high]
    figure.update_xaxes(
        type="log",
        title="dimension d",
        range=[math.log10(left), math.log10(right)],
        tickvals=dims,
        ticktext=[f"{tick:,}" for tick in dims],
        showgrid=False,
    )
    figure.update_yaxes(
        type="log",
        title="allowed |cos|, eps",
        range=[math.log10(low), math.log10(high)],
        tickvals=eps,
        ticktext=[f"{tick:g}" for tick in eps],
        showgrid=False,
    )
    figure.update_layout(height=560, margin={"r": 34, "b": 60})
