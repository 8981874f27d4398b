"""The figures of the capacity report; no mathematics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_CLASSES = {
    "dedicated": (theme.LOWER, "square"),
    "shared": (theme.MEASURED, "circle"),
    "ignored": (theme.RANDOM, "x-thin"),
}
_APART = {"dedicated": 1.03, "shared": 1.0, "ignored": 0.97}
_SYMBOLS = ("circle", "diamond", "square", "cross")
_IMPORTANCES = [m * 10.0**k for k in range(-6, 1) for m in (1, 2, 5)]
_FRACTIONS = [m * 10.0**k for k in range(-6, 1) for m in (1, 2, 5) if m * 10.0**k <= 1]
_TICKS = [1, 1.5, 2, 3, 6, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]


def figures(config: Any, result: Result) -> list[Figure]:
    """Capacities over F, two features, shares of seeds, a Gram matrix, the map, the ReLU model."""
    data: Any = result.data
    found = [_capacities(result, config.tolerance)]
    if data["scan"]:
        found.append(_scan(data["scan"]))
    return [
        *found,
        _shares(data["example"]),
        _gram(result),
        _map(result, config.tolerance),
        _relu(data["relu"], config.tolerance),
        _counts(data["relu"]),
    ]


def _class(capacity: float, tolerance: float) -> str:
    if capacity >= 1 - tolerance:
        return "dedicated"
    return "shared" if capacity > tolerance else "ignored"


class _Point(NamedTuple):
    """A feature of the best seed: where it stands, its capacity, and the range over seeds."""

    x: float
    y: float
    capacity: float
    text: str
    low: float | None = None
    high: float | None = None


def _by_class(figure: PlotlyFigure, points: Iterable[_Point], tolerance: float, name: str) -> None:
    """Draw the points in the colour of their class; `name` goes before the class in the legend."""
    held: dict[str, list[_Point]] = {kind: [] for kind in _CLASSES}
    for one in points:
        held[_class(one.capacity, tolerance)].append(one)
    for kind, (colour, symbol) in _CLASSES.items():
        y = np.array([one.y for one in held[kind]], np.float32)
        low, high = ([getattr(one, end) for one in held[kind]] for end in ("low", "high"))
        figure.add_scatter(
            x=np.array([one.x for one in held[kind]], np.float32),
            y=y,
            error_y=None if None in low else theme.error_bars(y, low, high),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9, "line": _edge(colour)},
            text=[one.text for one in held[kind]],
            name=f"{name}{kind}",
        )


def _kurtosis_axis(figure: PlotlyFigure) -> None:
    figure.update_xaxes(title="kurtosis F of the features", type="log", tickvals=_TICKS)


def _capacities(result: Result, tolerance: float) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    example = data["example"]
    figure = go.Figure()
    for place, value in enumerate(example["importance"]):
        figure.add_scatter(
            x=result.arrays["example_kurtosis"],
            y=result.arrays["example_capacities"][:, place],
            mode="lines",
            line={"color": theme.THEORY, "width": 1},
            name="theory",
            legendgroup="theory",
            showlegend=place == 0,
            hovertemplate=f"v = {value:g}<br>F = %{{x:.3g}}<br>C = %{{y:.3f}}<extra></extra>",
        )
    points = (
        _Point(
            row["kurtosis"],
            row["best"][place],
            row["best"][place],
            f"v = {value:g}",
            row["low"][place],
            row["high"][place],
        )
        for row in example["rows"]
        for place, value in enumerate(example["importance"])
    )
    _by_class(figure, points, tolerance, "best seed: ")
    _kurtosis_axis(figure)
    figure.update_yaxes(title="capacity C of a feature, in dimensions", range=[-0.05, 1.08])
    figure.update_layout(height=520)
    values = ", ".join(f"{value:g}" for value in example["importance"])
    return Figure(
        "capacities",
        "Capacity of each feature against theory",
        figure,
        f"Importances {values} in {example['dim']} dimensions, from the uppermost line down. Bars "
        "run from the least to the largest capacity over all seeds: where they are long, some "
        "starts end in another minimum.",
    )


def _edge(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 2}


def _scan(rows: Any) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(rows):
        relative = np.array(row["relative"], np.float32)
        for key in ("theory_over_slope", "over_slope"):
            trained = key == "over_slope"
            colour = theme.COLOURS[place % len(theme.COLOURS)]
            figure.add_scatter(
                x=relative,
                y=np.array(row[key], np.float32),
                mode="markers" if trained else "lines",
                line={"color": theme.THEORY, "width": 1},
                marker={
                    "color": colour,
                    "size": 6,
                    "symbol": _SYMBOLS[place // len(theme.COLOURS) % len(_SYMBOLS)],
                },
                name=f"F = {row['kurtosis']:g}" if trained else "theory",
                legendgroup=str(row["kurtosis"]) if trained else "theory",
                showlegend=trained or place == 0,
            )
    figure.add_vline(x=1, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
    figure.update_xaxes(title="v2/v1, in thresholds 2/(F - 1)")
    figure.update_yaxes(title="C2 over its slope at the threshold", rangemode="tozero")
    figure.update_layout(height=480)
    return Figure(
        "threshold",
        "Two features in one dimension: when the second is let in",
        figure,
        "Left of the dashed line theory ignores the second feature, right of it C2 rises without a "
        "jump. Divided by theory's slope, all kurtoses leave 0 along one line.",
    )


def _shares(example: Any) -> Figure:
    import plotly.graph_objects as go

    rows = example["rows"]
    low, high = zip(*(row["share_interval"] for row in rows), strict=True)
    share = [row["reached"] / row["seeds"] for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=np.array([row["kurtosis"] for row in rows], np.float32),
        y=np.array(share, np.float32),
        error_y=theme.error_bars(share, low, high),
        mode="lines+markers",
        line={"color": theme.MEASURED, "width": 1},
        marker={
            "size": 9,
            "symbol": theme.symbols(not row["moving"] for row in rows),
        },
        name="share of seeds",
    )
    figure.add_vline(x=3, line={"color": theme.THEORY, "dash": "dot", "width": 1})
    figure.add_hline(y=0.5, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
    _kurtosis_axis(figure)
    figure.update_yaxes(title="share of seeds at the optimum", range=[0, 1.05])
    return Figure(
        "shares",
        "How often a random start finds the optimum",
        figure,
        "With 95% intervals. Left of the dotted line, F = 3, sharing never pays, each choice of "
        "features to keep may be a minimum of its own, and starts can be caught in a worse one. "
        "Dashed: one half. Open markers: some seeds had not converged.",
    )


def _gram(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    row = data["example"]["rows"][data["shown"]]
    names = [f"{data['example']['importance'][place]:g}" for place in data["order"]]
    figure = go.Figure(
        go.Heatmap(
            z=result.arrays["gram"],
            x=names,
            y=names,
            zmin=0,
            colorscale=[list(stop) for stop in theme.SEQUENTIAL],
            colorbar={"title": {"text": "|w·w'|"}},
            hovertemplate="v = %{y} and %{x}: %{z:.3f}<extra></extra>",
        )
    )
    axis = {"title": "feature, by importance v", "type": "category", "constrain": "domain"}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, autorange="reversed", scaleanchor="x")
    figure.update_layout(height=520)
    blocks = "; ".join(
        f"{len(block['features'])} in {block['dimension']:.2f} dimensions"
        for block in row["blocks"]
    )
    return Figure(
        "gram",
        "Who overlaps with whom in the best model",
        figure,
        f"|W Wᵀ| of the seed with the least loss at F = {row['kurtosis']:g}, features ordered by "
        f"block. Blocks: {blocks}. An ignored feature has an empty row.",
    )


def _map(result: Result, tolerance: float) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    found = data["map"]
    figure = go.Figure()
    points = (
        _Point(row["kurtosis"], value, capacity, f"C = {capacity:.3f}")
        for row in found["rows"]
        for value, capacity in zip(found["importance"], row["best"], strict=True)
    )
    _by_class(figure, points, tolerance, "")
    over, price = result.arrays["map_kurtosis"], result.arrays["map_price"]
    for name, line, dash in (
        ("theory: v/μ = F - 1", price * (over - 1), "solid"),
        ("theory: v/μ = 2", price * 2, "dash"),
    ):
        figure.add_scatter(
            x=over,
            y=line,
            mode="lines",
            line={"color": theme.THEORY, "width": 2, "dash": dash},
            name=name,
        )
    _kurtosis_axis(figure)
    figure.update_yaxes(title="importance v", type="log", tickvals=_IMPORTANCES)
    figure.update_layout(height=560)
    return Figure(
        "map",
        "Dedicated, shared, ignored",
        figure,
        f"{len(found['importance'])} features in {found['dim']} dimensions, the best of "
        f"{found['rows'][0]['seeds']} seeds at each kurtosis. Above the solid line theory gives a "
        "feature a dimension of its own, below the dashed line none; between them features share. "
        "Both begin at F = 3, up to which nothing is shared. Capacities up to "
        f"{tolerance:g} count as 0, so that features just above the dashed line are drawn as "
        "ignored.",
    )


def _probability_axis(figure: PlotlyFigure) -> None:
    figure.update_xaxes(
        title="probability p of a feature to be on",
        type="log",
        tickvals=_FRACTIONS,
        autorange="reversed",
    )


def _relu(found: Any, tolerance: float) -> Figure:
    import plotly.graph_objects as go

    rows = found["rows"]
    figure = go.Figure()
    for place, value in enumerate(found["importance"]):
        figure.add_scatter(
            x=np.array([row["probability"] for row in rows], np.float32),
            y=np.array([row["best"][place] for row in rows], np.float32),
            mode="lines",
            line={"color": theme.RANDOM, "width": 1},
            name="one feature",
            legendgroup="feature",
            showlegend=place == 0,
            hovertemplate=f"v = {value:.3g}<br>p = %{{x:.3g}}<br>C = %{{y:.3f}}<extra></extra>",
        )
    points = (
        _Point(row["probability"], capacity, capacity, f"v = {value:.3g}")
        for row in rows
        for value, capacity in zip(found["importance"], row["best"], strict=True)
    )
    _by_class(figure, points, tolerance, "best seed: ")
    _probability_axis(figure)
    figure.update_yaxes(title="capacity of a feature, in dimensions", range=[-0.05, 1.08])
    figure.update_layout(height=480)
    values = ", ".join(f"{value:.3g}" for value in found["importance"])
    return Figure(
        "relu",
        "The same order in a model with a ReLU",
        figure,
        f"x̂ = ReLU(W Wᵀx + b), importances {values} in {found['dim']} dimensions, the seed with "
        f"the least exact loss of {found['seeds']} at each p, sparser to the right. Lines "
        "that do not cross mean that capacity falls in the order of importance.",
    )


def _counts(found: Any) -> Figure:
    import plotly.graph_objects as go

    rows = found["rows"]
    chances = np.array([row["probability"] for row in rows], np.float32)
    figure = go.Figure()
    for name, (colour, symbol) in _CLASSES.items():
        middle = [row["counts"][name] for row in rows]
        low, high = zip(*(row["intervals"][name] for row in rows), strict=True)
        figure.add_scatter(
            # A little apart, so that bars do not hide each other.
            x=chances * _APART[name],
            y=np.array(middle, np.float32),
            error_y=theme.error_bars(middle, low, high),
            mode="lines+markers",
            line={"color": colour, "width": 1},
            marker={"color": colour, "symbol": symbol, "size": 9, "line": _edge(colour)},
            name=name,
        )
    _probability_axis(figure)
    figure.update_yaxes(title="features, mean over seeds", rangemode="tozero")
    return Figure(
        "counts",
        "Dedicated, shared, ignored in the ReLU model",
        figure,
        f"Means over {found['seeds']} seeds with 95% intervals, the best and the others alike: "
        "many seeds end in minima of higher loss.",
    )
