"""The figures of the steering report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_ARMS = (theme.MEASURED, theme.LOWER, theme.UPPER, theme.RANDOM)
_KINDS = {
    "random": theme.RANDOM,
    "tight": theme.HIGHLIGHT,
    "packing": theme.LOWER,
    "trained": theme.REFERENCE,
}


def figures(_config: object, result: Result) -> list[Figure]:
    """Dose and response, by arm and by dictionary; selectivity, collateral; the first to come
    on."""
    return [
        _arms(result),
        _kinds(result),
        _selectivity(result),
        _collateral(result),
        _first(result),
    ]


def _response(figure: PlotlyFigure, scales: Any, rows: Any, name: str, colour: str) -> None:
    means = np.array([row["mean"] for row in rows], np.float32)
    figure.add_scatter(
        x=np.array(scales, np.float32),
        y=means,
        error_y=theme.error_bars(
            means, [row["interval"][0] for row in rows], [row["interval"][1] for row in rows]
        ),
        mode="lines+markers",
        marker={"size": 5},
        line={"color": colour},
        name=name,
    )


def _theory(figure: PlotlyFigure, data: Any) -> None:
    figure.add_scatter(
        x=np.array(data["scales"], np.float32),
        y=np.array(data["theory"]["on"], np.float32),
        mode="lines",
        line={"color": theme.THEORY, "width": 1, "dash": "dash"},
        name="theory, random directions",
    )


def _dressed(figure: PlotlyFigure) -> None:
    figure.add_vline(x=10, line={"color": theme.GRID, "width": 1})
    figure.update_xaxes(title="scale s")
    figure.update_yaxes(title="share of other features on", tickformat=".0%", rangemode="tozero")


def _arms(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    name, row = next(iter(data["dictionaries"].items()))
    figure = go.Figure()
    for place, arm in enumerate(data["arms"]):
        _response(
            figure,
            data["scales"],
            row["arms"][arm]["on"],
            arm,
            _ARMS[place] if place < len(_ARMS) else theme.HIGHLIGHT,
        )
    _theory(figure, data)
    _dressed(figure)
    return Figure(
        "arms",
        f"Dose and response, by what is written along ({name})",
        figure,
        "All steps raise the target's reading to s. Along its own direction, or the dual one, the "
        "others come on as their cosines with it allow; a single neuron, or a random direction, "
        "has to be pushed hard, and soon turns on every feature that it points to: half of all "
        "where every feature uses every neuron, few where features use few.",
    )


def _kinds(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        _response(
            figure,
            data["scales"],
            row["arms"]["true direction"]["on"],
            name,
            _KINDS.get(name, theme.MEASURED),
        )
    _theory(figure, data)
    _dressed(figure)
    return Figure(
        "kinds",
        "Dose and response along the true direction, by dictionary",
        figure,
        "A packing holds every other feature below the threshold up to s = 1 + θ/(aμ), and then "
        "many pass it together; random directions let single ones through early, but "
        "fewer at large s.",
    )


def _selectivity(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    theory = data["theory"]
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        means = [row["arms"][arm]["selectivity"]["mean"] for arm in data["arms"]]
        figure.add_scatter(
            x=data["arms"],
            y=np.array(means, np.float32),
            mode="markers",
            marker={"color": _KINDS.get(name, theme.MEASURED), "size": 10},
            name=name,
        )
    for level, words in (
        (theory["tight"], "d/N"),
        (theory["neuron"], "best of d neurons"),
        (theory["chance"], "1/N"),
    ):
        figure.add_hline(y=level, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
        # On a log axis lines are placed by value and words by its logarithm.
        figure.add_annotation(
            x=0.01,
            xref="paper",
            xanchor="left",
            y=float(np.log10(level)),
            yanchor="bottom",
            text=words,
            showarrow=False,
        )
    figure.update_yaxes(title="share of energy at the target", type="log", dtick=1)
    return Figure(
        "selectivity",
        "Selectivity: how much of the step arrives at the target",
        figure,
        "The target's share of the squared change of all readings, mean over targets. Dotted: "
        "d/N, the most that N features in d dimensions allow on average; the best of d neurons of "
        "random directions; and chance.",
    )


def _collateral(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        means = [row["arms"][arm]["collateral"]["mean"] for arm in data["arms"]]
        figure.add_scatter(
            x=data["arms"],
            y=np.array(means, np.float32),
            mode="markers",
            marker={"color": _KINDS.get(name, theme.MEASURED), "size": 10},
            name=name,
        )
    figure.add_hline(y=1, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="rms change of the others", type="log", dtick=1)
    return Figure(
        "collateral",
        "Collateral: how far the others move when the target moves by 1",
        figure,
        "The rms change of the other readings, median over targets. Least along the true and the "
        "dual direction; through the best neuron several times as much; a random direction moves "
        "the others farther than the target itself (dotted: as far).",
    )


def _first(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name in data["dictionaries"]:
        values = np.sort(result.arrays[f"{name}:first"])
        figure.add_scatter(
            x=values.astype(np.float32),
            y=(np.arange(1, len(values) + 1) / len(values)).astype(np.float32),
            mode="lines",
            line={"color": _KINDS.get(name, theme.MEASURED), "shape": "hv"},
            name=name,
        )
    figure.update_xaxes(title="scale s of the first false activation")
    figure.update_yaxes(title="share of targets", tickformat=".0%", range=[0, 1.02])
    return Figure(
        "first",
        "When the first other feature comes on",
        figure,
        "Over targets, in one dictionary of each kind: s* = 1 + θ/(a max G), its largest cosine "
        "with another direction deciding. A packing comes last, and all its targets together.",
    )
