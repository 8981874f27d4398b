"""The figures of the read-out report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.readout_parts import DECODERS, deltas, rhos

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_COLOURS = (theme.RANDOM, theme.REFERENCE, theme.HIGHLIGHT, theme.MEASURED, theme.LOWER)


def figures(_config: object, result: Result) -> list[Figure]:
    """The widths, the heat maps, the crossings."""
    return [_widths(result), _maps(result), _transition(result)]


def _maps(result: Result) -> Figure:
    from plotly.subplots import make_subplots

    names = [*DECODERS]
    rows = -(-len(names) // 2)
    figure = make_subplots(
        rows=rows,
        cols=2,
        subplot_titles=names,
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.06,
        vertical_spacing=0.06,
    )
    curves: Any = result.data["curves"]
    cells = result.arrays[f"share:{names[0]}"].shape[0]
    for place, name in enumerate(names):
        row, column = place // 2 + 1, place % 2 + 1
        figure.add_heatmap(
            x=deltas(cells).astype(np.float32),
            y=rhos(cells).astype(np.float32),
            z=result.arrays[f"share:{name}"].astype(np.float32),
            coloraxis="coloraxis",
            hovertemplate="d/N %{x:.2f}, k/d %{y:.2f}: %{z:.0%}<extra></extra>",
            row=row,
            col=column,
        )
        kind = "nonnegative" if "nonnegative" in name else "signed"
        figure.add_scatter(
            x=np.array(curves["delta"], np.float32),
            y=np.array(curves[kind], np.float32),
            mode="lines",
            line={"color": theme.UPPER, "width": 2},
            hoverinfo="skip",
            showlegend=False,
            row=row,
            col=column,
        )
    _axes(figure, rows, len(names))
    figure.update_layout(
        height=290 * rows,
        coloraxis={
            "cmin": 0,
            "cmax": 1,
            "colorscale": [list(stop) for stop in theme.SEQUENTIAL],
            "colorbar": {"title": {"text": "share of trials with every feature right"}, "y": 1.04},
        },
        margin={"t": 90},
    )
    figure.update_annotations(font={"size": 12})
    return Figure(
        "maps",
        "Who finds which features are on, over d/N and k/d",
        figure,
        "Full colour: the decoder finds the active features in every trial; faded: in none. The "
        "curve is Donoho and Tanner's line for l1 recovery (signed, or nonnegative, as the "
        "decoder), which the l1 decoders and message passing follow as N grows. "
        f"{_found(result, names)}",
    )


def _found(result: Result, names: list[str]) -> str:
    """How much of its map each decoder fills."""
    shares = ", ".join(f"{name} {result.arrays[f'share:{name}'].mean():.0%}" for name in names)
    return f"Trials that are right, over each whole map: {shares}."


def _axes(figure: PlotlyFigure, rows: int, count: int) -> None:
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[0, 1])
    for row in range(1, rows + 1):
        figure.update_yaxes(title="k/d", row=row, col=1)
    for row, column in ((rows, 1), (count // 2, 2)):
        title = {"text": "d/N", "standoff": 22}
        figure.update_xaxes(title=title, row=row, col=column, showticklabels=True)


def _transition(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    data: Any = result.data
    for place, one in enumerate(data["transition"]):
        kind = "nonnegative" if one["nonnegative"] else "signed"
        colour = _COLOURS[place % len(_COLOURS)]
        figure.add_scatter(
            x=np.array(one["k"], np.float32) / one["predicted"],
            y=np.array(one["success"], np.float32),
            mode="lines+markers",
            line={"color": colour, "dash": "dot" if one["nonnegative"] else "solid"},
            name=f"d/N = {one['delta']:g}, {kind}",
        )
    ratios = [one["ratio"] for one in data["transition"] if one["ratio"] is not None]
    crossed = f"{min(ratios):.3f} to {max(ratios):.3f}" if ratios else "no place that is known"
    figure.add_vline(x=1, line={"color": theme.THEORY, "width": 1})
    figure.add_hline(y=0.5, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
    figure.update_xaxes(title="k over Donoho and Tanner's k")
    figure.update_yaxes(title="share of trials recovered", range=[0, 1.02])
    return Figure(
        "transition",
        "Where l1 recovery fails",
        figure,
        "The share of trials in which the true code is the one of least l1 norm, near the "
        f"predicted line; the larger N, the steeper. Fitted curves cross one half (dashed) at "
        f"{crossed}.",
    )


def _widths(result: Result) -> Figure:
    import plotly.graph_objects as go

    wide: Any = result.data["widths"]
    names, values, notes, colours, low, high = [], [], [], [], [], []
    for name, dim in (("threshold 1/2", wide["half"]), ("Bayes threshold", wide["bayes"])):
        names.append(name)
        values.append(dim)
        notes.append(f"{dim:,}")
        colours.append(theme.RANDOM)
        low.append(dim)
        high.append(dim)
    for one in sorted(wide["sparse"], key=lambda one: -(one["dim"] or 0)):
        if one["dim"] is None:
            continue
        names.append(one["decoder"])
        values.append(one["dim"])
        notes.append(f"{one['dim']:.0f}")
        colours.append(theme.MEASURED)
        low.append(one["interval"][0])
        high.append(one["interval"][1])
    figure = go.Figure(
        go.Bar(
            x=np.array(values, np.float32),
            y=names,
            orientation="h",
            marker={"color": colours},
            text=[f"\u2003{note}" for note in notes],
            textposition="outside",
            cliponaxis=False,
            error_x=theme.error_bars(values, low, high),
        )
    )
    theory = [one["predicted"] for one in wide["sparse"] if one["predicted"] is not None]
    named = [one["decoder"] for one in wide["sparse"] if one["predicted"] is not None]
    figure.add_scatter(
        x=np.array([wide["half"], wide["bayes"], *theory], np.float32),
        y=["threshold 1/2", "Bayes threshold", *named],
        mode="markers",
        marker={"color": theme.THEORY, "symbol": "line-ns-open", "size": 16},
        name="theory",
        hoverinfo="skip",
    )
    figure.update_layout(showlegend=False, height=330)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="dimensions d needed", range=[0, 1.15 * max(values)])
    return Figure(
        "widths",
        f"Width needed to read {wide['active']} of {wide['features']:,} features",
        figure,
        "Thresholds read each feature by itself: half an expected error a trial, by theory and "
        "checked by simulation. The others search for a sparse explanation: half of the trials "
        "entirely right, measured. Marks: theory.",
    )
