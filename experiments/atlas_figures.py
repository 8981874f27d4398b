"""The maps of the atlas report. They draw what was measured and compute nothing but places."""

from __future__ import annotations

import math
from collections import Counter
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
_DECADES = (0, 1, 3, 10, 30, 100, 300, 1000, 3000)
_PLAIN = ("basis", "simplex")
_TINT = "80"  # alpha digits: half-way to the page
_NAMED = 2 * len(theme.COLOURS)


class _Map:
    """The table of the atlas as matrices `[eps, d]`, and the edges of its cells."""

    def __init__(self, result: Result) -> None:
        self.dims: NDArray[np.int64] = result.arrays["dims"]
        self.eps: NDArray[np.float64] = result.arrays["eps"]
        self.rows = [
            dict(zip(COLUMNS, row, strict=True)) for row in result.tables["atlas"].rows
        ]
        self.x = _edges(self.dims.astype(np.float64))
        self.y = _edges(self.eps)

    def matrix(self, column: str) -> NDArray[np.float64]:
        values = [row[column] for row in self.rows]
        return np.array(values, np.float64).reshape(len(self.eps), len(self.dims))

    def texts(self) -> list[list[str]]:
        """What a reader sees at each cell."""
        words = [_text(row) for row in self.rows]
        width = len(self.dims)
        return [words[start : start + width] for start in range(0, len(words), width)]


def _text(row: dict[str, Any]) -> str:
    low, high = row["at least"], row["at most"]
    count = f"N = {low:,}" if row["closed"] == "yes" else f"{large(low)} ≤ N ≤ {large(high)}"
    moves = f" ({row['moves']})" if row["moves"] else ""
    return (
        f"d = {row['d']:,}, eps = {row['eps']}<br>{count}<br>{row['family']}{moves}<br>"
        f"bound: {row['bound']}"
    )


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders between cells on a log axis: geometric means, and as far beyond both ends."""
    logs = np.log(values)
    if len(logs) == 1:
        return np.exp(logs[0] + np.array([-0.2, 0.2]))
    inner = (logs[1:] + logs[:-1]) / 2
    ends = [2 * logs[0] - inner[0], *inner, 2 * logs[-1] - inner[-1]]
    return np.exp(np.array(ends))


def figures(_config: object, result: Result) -> list[Figure]:
    """The gap, who holds the records, and the two sides."""
    places = _Map(result)
    return [_gap(places), _records(places), *_sides(places)]


def _gap(places: _Map) -> Figure:
    values = places.matrix("log10 ratio")
    figure = _heat(places, values, "at most / at least", theme.SEQUENTIAL)
    closed = [row for row in places.rows if row["closed"] == "yes"]
    figure.add_scatter(
        x=np.array([row["d"] for row in closed], np.float32),
        y=np.array([row["eps as float"] for row in closed], np.float32),
        mode="markers",
        name="closed: N is known exactly",
        marker={"color": theme.HIGHLIGHT, "size": 4},
        hoverinfo="skip",
    )
    _dress(figure, places)
    caption = (
        "Upper over lower bound, on a scale that grows with the logarithm of its digits: pale where "
        "N(d, eps) is pinned down, dark where it is not. Dots: both sides agree. The lines follow "
        "x = eps·√d. Below x = 1 the proofs hold N near d; from about x = 2 on the sides part."
    )
    return Figure("gap", "How far apart the two sides are", figure, caption)


def _records(places: _Map) -> Figure:
    import plotly.graph_objects as go

    count = Counter(
        "basis, simplex" if row["family"] in _PLAIN else row["family"] for row in places.rows
    )
    plain = count.pop("basis, simplex", 0)
    ranked = [name for name, _ in count.most_common()]
    named, rare = ranked[:_NAMED], ranked[_NAMED:]
    colours = [*theme.COLOURS, *(colour + _TINT for colour in theme.COLOURS)]
    groups: list[tuple[str, str, int]] = [("basis, simplex", theme.GRID, plain)]
    groups += [
        (name, colour, count[name]) for name, colour in zip(named, colours, strict=False)
    ]
    if rare:
        groups.append((f"{len(rare)} rarer families", theme.THEORY, sum(count[n] for n in rare)))
    place = {name: at for at, (name, _, _) in enumerate(groups)}
    indices = [
        0 if row["family"] in _PLAIN else place.get(row["family"], len(groups) - 1)
        for row in places.rows
    ]
    top = len(groups)
    scale = [
        [edge / top, colour] for at, (_, colour, _) in enumerate(groups) for edge in (at, at + 1)
    ]
    figure = go.Figure(
        go.Heatmap(
            x=places.x,
            y=places.y,
            z=np.array(indices, np.float32).reshape(len(places.eps), len(places.dims)),
            zmin=-0.5,
            zmax=top - 0.5,
            colorscale=scale,
            showscale=False,
            hovertext=places.texts(),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    for name, colour, cells in groups:
        if cells:
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=f"{name} ({cells:,})",
                marker={"color": colour, "size": 11, "symbol": "square"},
            )
    _dress(figure, places, named=False)
    figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    caption = (
        "The family that most lines of the largest explicit packing belong to, with the number of "
        "its cells; moves such as direct sums are looked through. Bases and simplices, which hold "
        "d and d + 1 lines, keep the corner where nothing else fits."
    )
    return Figure("records", "Who holds the record where", figure, caption)


def _sides(places: _Map) -> list[Figure]:
    drawn = []
    lower, upper = places.matrix("log10 at least"), places.matrix("log10 at most")
    for name, values, title, caption in (
        (
            "lower",
            lower,
            "Lines known: explicit packings",
            "The lines of the largest explicit packing.",
        ),
        (
            "upper",
            upper,
            "Lines allowed: upper bounds",
            "The smallest proved upper bound. Its colours are those of the map before.",
        ),
    ):
        figure = _heat(places, values, "number of lines N", theme.SEQUENTIAL, float(upper.max()))
        _dress(figure, places)
        drawn.append(Figure(name, title, figure, caption))
    return drawn


def _heat(
    places: _Map,
    decades: NDArray[np.float64],
    title: str,
    scale: tuple[tuple[float, str], ...],
    top: float | None = None,
) -> PlotlyFigure:
    """A map of 10^`decades`, its colours even in log(1 + decades)."""
    import plotly.graph_objects as go

    top = float(decades.max()) if top is None else top
    ticks = [tick for tick in _DECADES if tick <= top]
    return go.Figure(
        go.Heatmap(
            x=places.x,
            y=places.y,
            z=np.log1p(decades).astype(np.float32),
            zmin=0,
            zmax=math.log1p(max(top, 1)),
            colorscale=[list(stop) for stop in scale],
            colorbar={
                "title": {"text": title},
                "tickvals": [math.log1p(tick) for tick in ticks],
                "ticktext": [_power(tick) for tick in ticks],
            },
            hovertext=places.texts(),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )


def _power(decade: int) -> str:
    return str(10**decade) if decade <= 1 else f"10<sup>{decade}</sup>"


def _dress(figure: PlotlyFigure, places: _Map, *, named: bool = True) -> None:
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
            name="eps·√d = const",
            legendgroup="curves",
            showlegend=named and x == 1.0,
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
    figure.update_layout(height=560, margin={"r": 34})
