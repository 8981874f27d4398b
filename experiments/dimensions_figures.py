"""The figures of the dimensions report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_FAMILIES = (
    ("fixed", "N fixed", theme.MEASURED),
    ("density", "N in proportion to d", theme.HIGHLIGHT),
)
_SETTINGS = (
    ("few", "k fixed", theme.MEASURED),
    ("share", "k/d fixed", theme.HIGHLIGHT),
)


def figures(_config: object, result: Result) -> list[Figure]:
    """Readable features, interference, false activations, all over d."""
    return [_largest(result), _interference(result), _alarms(result)]


def _over_d(figure: PlotlyFigure) -> None:
    figure.update_xaxes(title="dimensions d", type="log", dtick=1)


def _line(figure: PlotlyFigure, dims: Any, values: Any, colour: str) -> None:
    figure.add_scatter(
        x=np.array(dims, np.float32),
        y=np.array(values, np.float64).astype(np.float32),
        mode="lines",
        line={"color": colour, "width": 1},
        showlegend=False,
        hoverinfo="skip",
    )


def _marks(figure: PlotlyFigure, dims: Any, groups: Any, name: str, colour: str) -> None:
    values = np.array(groups, np.float64)
    centre = values.mean(axis=1)
    shown = centre > 0
    figure.add_scatter(
        x=np.array(dims, np.float32)[shown],
        y=centre[shown].astype(np.float32),
        error_y=theme.error_bars(
            centre[shown],
            np.maximum(values.min(axis=1), 1e-3 * centre)[shown],
            values.max(axis=1)[shown],
        ),
        mode="markers",
        marker={"color": colour},
        name=name,
    )


def _interference(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for key, name, colour in _SETTINGS:
        at = [one for one in data["at"] if key in one]
        dims = [one["dim"] for one in at]
        _marks(figure, dims, [one[key]["rms"] for one in at], name, colour)
        _line(figure, dims, [one[key]["rms_theory"] for one in at], theme.THEORY)
    _over_d(figure)
    figure.update_yaxes(title="rms interference", type="log", dtick=1)
    return Figure(
        "interference",
        "Interference over the width",
        figure,
        "Markers: measured at features that are off, with the range over dictionaries; lines: "
        "√(k/d). It falls with d only while the number of active features stays the same.",
    )


def _alarms(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for key, name, colour in _SETTINGS:
        at = [one for one in data["at"] if key in one]
        dims = [one["dim"] for one in at]
        _marks(figure, dims, [one[key]["alarms"] for one in at], name, colour)
        theory = [one[key]["alarms_theory"] for one in at]
        kept = [place for place, value in enumerate(theory) if value > 1e-12]
        _line(figure, [dims[p] for p in kept], [theory[p] for p in kept], theme.THEORY)
    _over_d(figure)
    figure.update_yaxes(title="share above 1/2", type="log", range=[-8, 0.1], dtick=1)
    return Figure(
        "alarms",
        "Features that look on though they are off",
        figure,
        "The share of silent features that read above 1/2; no marker where none was seen. At a "
        "fixed number of active features it falls exponentially with d, at a fixed share never.",
    )


def _largest(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for key, name, colour in _FAMILIES:
        at = [one for one in data["at"] if key in one["families"]]
        rows = [one["families"][key] for one in at]
        dims = [one["dim"] for one in at]
        values = np.array([row["largest"] or np.nan for row in rows], np.float64)
        figure.add_scatter(
            x=np.array(dims, np.float32),
            y=values.astype(np.float32),
            mode="markers",
            marker={"color": colour},
            name=name,
        )
        _line(figure, dims, [row["theory"] or np.nan for row in rows], theme.THEORY)
    _over_d(figure)
    figure.update_yaxes(title="active features k", type="log", dtick=1)
    return Figure(
        "largest",
        "How many features can be on at once and be read without error",
        figure,
        "The k of half an expected error at the best threshold. Markers: measured; lines: the law "
        "of the interference. Nearly in proportion to d, and lower where more features must stay "
        "silent.",
    )
