"""The maps of the superposition report: phases over probability and importance; no mathematics."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.superposition_phases import BAND, KINDS, TRIPLE_KINDS

__all__ = ["phases", "seeds", "triples"]

_PAIR_COLOURS = (theme.LOWER, theme.MEASURED, theme.REFERENCE, theme.RANDOM)
_TRIPLE_COLOURS = (
    theme.LOWER,
    theme.UPPER,
    theme.REFERENCE,
    theme.MEASURED,
    theme.HIGHLIGHT,
    theme.RANDOM,
)


def phases(result: Result) -> Figure:
    """What the best of the trainings does with two features, and the exact boundary."""
    data: Any = result.data
    found = data["pairs"]
    figure = _categories(found, KINDS, _PAIR_COLOURS)
    weight = np.array(found["importances"], np.float32)
    figure.add_scatter(
        x=_boundary(found),
        y=weight,
        mode="lines",
        line={"color": theme.THEORY, "width": 3},
        name="boundary of the exact optimum",
    )
    figure.add_scatter(
        x=np.array(found["leading"], np.float32),
        y=weight,
        mode="lines",
        line={"color": theme.THEORY, "width": 2, "dash": "dot"},
        name="p*: unit weights, no bias",
    )
    figure.update_yaxes(title="importance of the second feature")
    return Figure(
        "phases",
        "Two features in one dimension: what the best trained model does",
        figure,
        f"Each cell is the best of {found['seeds']} trainings. Left of the solid line, where "
        "features are sparse, the optimum found by exact quadrature is an antipodal pair; right of "
        "it the less important feature is ignored. The dotted line is where a pair of unit weights "
        "without bias would switch: free weights and biases share longer, most so where "
        "importances are nearly equal: there the less important feature's weight falls to 0 "
        "without a jump.",
    )


def seeds(result: Result) -> Figure:
    """How many single trainings do as the optimum."""
    import plotly.graph_objects as go

    found: Any = result.data["pairs"]
    chance = np.array(found["probabilities"], np.float32)
    weight = np.array(found["importances"], np.float32)
    figure = go.Figure()
    figure.add_heatmap(
        x=chance,
        y=weight,
        z=np.mean(found["agreeing"], axis=1, dtype=np.float32).reshape(len(weight), len(chance)),
        zmin=0,
        zmax=1,
        coloraxis="coloraxis",
        hovertemplate="p = %{x:.3f}, importance %{y:.2f}: %{z:.0%} of seeds<extra></extra>",
    )
    figure.add_scatter(
        x=_boundary(found),
        y=weight,
        mode="lines",
        line={"color": theme.HIGHLIGHT, "width": 3},
        name="boundary of the exact optimum",
    )
    figure.update_layout(
        coloraxis={
            "cmin": 0,
            "cmax": 1,
            "colorscale": [list(stop) for stop in theme.SEQUENTIAL],
            "colorbar": {"title": {"text": "share of seeds"}, "tickformat": ".0%"},
        },
        legend={"y": 1.2},
        height=540,
    )
    figure.update_xaxes(title="probability that a feature is on", type="log")
    figure.update_yaxes(title="importance of the second feature", type="log")
    return Figure(
        "seeds",
        "How many single trainings end in the optimum's phase",
        figure,
        f"Of the trainings in cells more than {BAND:.0%} away from the boundary "
        f"{found['single']:.0%} do. A diagram drawn from one seed a cell shows this speckle, not "
        "the phases.",
    )


def triples(result: Result) -> Figure:
    """What the best of the trainings does with three features."""
    data: Any = result.data
    found = data["triples"]
    figure = _categories(found, TRIPLE_KINDS, _TRIPLE_COLOURS)
    figure.update_yaxes(title="importance of the third feature")
    ratio = np.array(found["ratio"])
    return Figure(
        "triples",
        "Three features in two dimensions",
        figure,
        f"Each cell is the best of {data['pairs']['seeds']} trainings, named by its Gram "
        "matrix. Known candidates ignore the least important feature, or give one feature a "
        "dimension and two a pair; the trained models' losses are "
        f"{ratio.min():.3f} to {ratio.max():.3f} of the better of these.",
    )


def _boundary(found: Any) -> Any:
    """The exact boundary `[importances]`; no line where a pair is best up to p = 1."""
    return np.array([np.nan if one is None else one for one in found["boundary"]], np.float32)


def _categories(found: Any, names: tuple[str, ...], colours: tuple[str, ...]) -> Any:
    """A map of kinds over probability and importance, with a legend."""
    import plotly.graph_objects as go

    figure = go.Figure()
    kinds = np.array(found["kinds"], np.float32)
    chance = np.array(found["probabilities"], np.float32)
    weight = np.array(found["importances"], np.float32)
    last = len(names) - 1
    stops = [
        [edge, colour]
        for place, colour in enumerate(colours)
        for edge in (place / len(colours), (place + 1) / len(colours))
    ]
    figure.add_heatmap(
        x=chance,
        y=weight,
        z=kinds.reshape(len(weight), len(chance)),
        zmin=-0.5,
        zmax=last + 0.5,
        colorscale=stops,
        showscale=False,
        opacity=0.75,
        customdata=[[names[int(kind)] for kind in row] for row in kinds.reshape(len(weight), -1)],
        hovertemplate="p = %{x:.3f}, importance %{y:.2f}: %{customdata}<extra></extra>",
    )
    for kind in sorted({int(kind) for kind in kinds}):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"color": colours[kind], "symbol": "square", "size": 12},
            name=names[kind],
        )
    figure.update_xaxes(title="probability that a feature is on", type="log")
    figure.update_yaxes(type="log")
    figure.update_layout(height=560)
    return figure
