"""The figures of the audit's report; no mathematics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.audit_words import compared
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.sentences import capital

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_COLOURS = {"raw": theme.MEASURED, "centred": theme.HIGHLIGHT}


def figures(_config: object, result: Result) -> list[Figure]:
    """|cos|, nearest directions, eigenvalues, interference, false activations, norms."""
    return [
        _cosines(result),
        _nearest(result),
        _eigenvalues(result),
        _interference(result),
        _alarms(result),
        _norms(result),
    ]


def _logged(values: Any) -> Any:
    """Zeros as gaps, which a log axis needs."""
    found = np.asarray(values, np.float64)
    return np.where(found > 0, found, np.nan).astype(np.float32)


def _steps(figure: PlotlyFigure, result: Result, part: str) -> None:
    """Histograms over |cos| of both views, and the law of random directions over them."""
    for name, colour in _COLOURS.items():
        values = result.arrays[f"{name}:{part}"]
        figure.add_scatter(
            x=_centres(len(values)),
            y=_logged(values),
            mode="lines",
            line={"shape": "hvh", "color": colour},
            name=name,
        )
    curve = result.arrays[f"random:{part}"]
    figure.add_scatter(
        x=_centres(len(curve)),
        y=_logged(curve),
        mode="lines",
        line={"color": theme.THEORY, "width": 1.5},
        name="random, theory",
    )


def _centres(count: int) -> Any:
    return ((np.arange(count) + 0.5) / count).astype(np.float32)


def _cosines(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    _steps(figure, result, "cosines")
    marks = [
        ("Welch", data["welch"]["largest"], theme.UPPER, "dash"),
        ("best packing known", data["packing"]["largest"], theme.LOWER, "dashdot"),
        ("random's largest", data["random"]["largest"], theme.RANDOM, "dot"),
    ]
    least = math.log10(0.3 / data["all_pairs"])
    for name, place, colour, dash in marks:
        if place is not None:
            figure.add_scatter(
                x=np.array([place, place], np.float32),
                y=np.array([10**least, 1], np.float32),
                mode="lines",
                line={"color": colour, "dash": dash, "width": 1.5},
                name=name,
            )
    figure.update_xaxes(title="|cos| of a pair", range=[0, 1])
    bins = len(result.arrays["raw:cosines"])
    figure.update_yaxes(title=f"share of pairs, 1/{bins} wide", type="log", range=[least, 0.2])
    bounds = "no set of directions has its largest |cos| left of Welch's line"
    if data["packing"]["largest"] is not None:
        bounds += ", and the best packing known has it at its own"
    return Figure(
        "cosines",
        "How |cos| is distributed over the pairs",
        figure,
        f"{capital(compared(data))}; raw: as given, centred: less their mean. The thin line is "
        "the law of |cos| between random directions, the dotted one the median of their largest, "
        f"as if pairs were independent; {bounds}.",
    )


def _nearest(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    _steps(figure, result, "nearest")
    figure.update_xaxes(title="largest |cos| of a direction with another", range=[0, 1])
    figure.update_yaxes(title="share of directions", type="log", range=[-5.2, 0.2], dtick=1)
    return Figure(
        "nearest",
        "How close the nearest other direction is",
        figure,
        "For each direction the largest |cos| with any other. Of random directions half would lie "
        f"below {data['random']['nearest']:.3f}. Near 1 a direction has a near copy, or a near "
        "opposite; left of the thin line it has more room than chance gives.",
    )


def _eigenvalues(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, colour in _COLOURS.items():
        figure.add_scatter(
            x=result.arrays[f"{name}:ranks"].astype(np.float32),
            y=_logged(result.arrays[f"{name}:eigenvalues"]),
            mode="lines+markers",
            marker={"size": 4, "color": colour},
            line={"color": colour},
            name=name,
        )
    figure.add_scatter(
        x=result.arrays["random:ranks"].astype(np.float32),
        y=_logged(result.arrays["random:eigenvalues"]),
        mode="lines",
        line={"color": theme.THEORY, "width": 1.5},
        name="random, theory",
    )
    figure.update_xaxes(title="rank of the eigenvalue", type="log", dtick=1)
    figure.update_yaxes(title="eigenvalue of F", type="log", dtick=1)
    raw, centred = (data["views"][name]["effective_dimension"] for name in _COLOURS)
    return Figure(
        "eigenvalues",
        "Which dimensions the directions fill",
        figure,
        "Eigenvalues of F = UᵀU, U the directions at unit length, falling; a flat line fills all "
        "dimensions that it reaches alike, as a tight frame does. The thin line is what as many "
        "random directions have in the limit of large n and d (Marchenko and Pastur). Effective "
        f"dimension: {raw:.1f} raw, {centred:.1f} centred, "
        f"{data['random']['effective_dimension']:.1f} random.",
    )


def _over_active(result: Result, key: str, figure: PlotlyFigure) -> None:
    data: Any = result.data
    for name, colour in _COLOURS.items():
        rows = data["views"][name]["interference"]
        active = np.array([row["active"] for row in rows], np.float32)
        values = _logged([row[key]["mean"] for row in rows])
        # Nothing below zero fits on a log axis.
        low = [max(row[key]["interval"][0], row[key]["mean"] / 100) for row in rows]
        figure.add_scatter(
            x=active,
            y=values,
            error_y=theme.error_bars(values, low, [row[key]["interval"][1] for row in rows]),
            mode="markers",
            marker={"color": colour},
            name=name,
        )
        figure.add_scatter(
            x=active,
            y=_logged([row[key]["theory"] for row in rows]),
            mode="lines",
            line={"color": colour, "width": 1.5},
            name=f"{name}, theory",
        )
    rows = data["views"]["raw"]["interference"]
    figure.add_scatter(
        x=np.array([row["active"] for row in rows], np.float32),
        y=_logged([row[key]["random"] for row in rows]),
        mode="lines",
        line={"color": theme.THEORY, "width": 1.5, "dash": "dot"},
        name="random, theory",
    )
    figure.update_xaxes(
        title="active features k",
        type="log",
        tickvals=sorted({row["active"] for row in rows}),
    )


def _interference(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    _over_active(result, "rms", figure)
    figure.update_yaxes(title="rms interference", type="log", dtick="D2")
    return Figure(
        "interference",
        "Interference when k features are active",
        figure,
        "What a feature that is off reads while k random others are on with amplitude 1. Markers: "
        "simulated on these directions, with 95% intervals; lines: from their exact moments. It "
        "grows as √k where cosines average to zero, and as k where they share a direction.",
    )


def _alarms(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    _over_active(result, "alarms", figure)
    figure.update_yaxes(title="share that reads above 1/2", type="log", range=[-8.2, 0.2], dtick=1)
    return Figure(
        "alarms",
        "Features that look on though they are off",
        figure,
        "Markers: simulated, with 95% intervals, none where none was seen; lines: a normal law "
        "with the exact mean and variance of every direction, an approximation. Markers above "
        "their line: a few close neighbours weigh more than a normal law allows.",
    )


def _norms(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    edges = result.arrays["norm_edges"]
    # Not in float32, which ends at 3e38.
    centres = edges[1:] / 2 + edges[:-1] / 2
    for name, colour in _COLOURS.items():
        figure.add_scatter(
            x=centres,
            y=_logged(result.arrays[f"{name}:norms"]),
            mode="lines",
            line={"shape": "hvh", "color": colour},
            name=name,
        )
    figure.update_xaxes(title="norm of a direction, as given")
    figure.update_yaxes(title="directions in a bin", type="log")
    return Figure(
        "norms",
        "Norms",
        figure,
        "Lengths before they are divided out; zero rows are left out. Cosines do not see them, "
        "readers do: a short direction is lost among long ones.",
    )
