"""The figures of the interference report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_COLOURS = {"random": theme.RANDOM, "tight": theme.HIGHLIGHT, "packing": theme.LOWER}
_LABELS = {"random": "random", "tight": "tight frame", "packing": "packing"}
_WIDTHS = (theme.UPPER, theme.REFERENCE, theme.MEASURED, theme.LOWER)


def figures(_config: object, result: Result) -> list[Figure]:
    """Readings, errors over the threshold, average against worst case, widths, sharing."""
    return [
        _readings(result),
        _errors(result),
        _cases(result),
        _widths(result),
        *_sharing(result),
    ]


def _kinds(result: Result) -> list[str]:
    data: Any = result.data
    return list(data["dictionaries"])


def _colour(name: str) -> str:
    return _COLOURS.get(name, theme.MEASURED)


def _centres(count: int) -> Any:
    from experiments.interference_parts import EDGES

    assert len(EDGES) == count + 1
    return ((EDGES[1:] + EDGES[:-1]) / 2).astype(np.float32)


def _readings(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    data: Any = result.data
    theory = data["theory"]
    names = _kinds(result)
    centres = _centres(len(result.arrays[f"{names[0]}:off"]))
    for name in names:
        label = _LABELS.get(name, name)
        for part, dash in (("off", "solid"), ("on", "dot")):
            figure.add_scatter(
                x=centres,
                y=result.arrays[f"{name}:{part}"],
                mode="lines",
                line={"shape": "hvh", "color": _colour(name), "dash": dash},
                name=f"{label}: {part}",
            )
    for part, show in (("density_off", True), ("density_on", False)):
        if theory[part] is not None:
            figure.add_scatter(
                x=centres,
                y=np.array(theory[part], np.float32),
                mode="lines",
                line={"color": theme.THEORY, "width": 1},
                name="theory, random directions",
                showlegend=show,
            )
    _mark(figure, theory["best"])
    spread = 5 * theory["rms"]
    figure.update_xaxes(title="reading y of a feature", range=[-spread, 1 + spread])
    figure.update_yaxes(title="density")
    return Figure(
        "readings",
        "What a reader sees at features that are off, and on",
        figure,
        "Features that are off read 0 plus interference, active ones their amplitude plus "
        "interference. Where the two humps overlap no threshold is right; the dashed line is the "
        "best one for random directions."
        + (
            " Of a packing whose cosines are all ±μ humps are made of single values, 2μ apart."
            if "packing" in names
            else ""
        ),
    )


def _mark(figure: PlotlyFigure, place: float) -> None:
    figure.add_vline(x=place, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})


def _errors(result: Result) -> Figure:
    import plotly.graph_objects as go

    from experiments.interference_parts import EDGES

    data: Any = result.data
    theory = data["theory"]
    figure = go.Figure()
    edges = EDGES[int(np.argmin(np.abs(EDGES))) :].astype(np.float32)
    for name in _kinds(result):
        alarms = result.arrays[f"{name}:alarms"]
        missed = result.arrays[f"{name}:missed"][-len(edges) + 1 :]
        label = _LABELS.get(name, name)
        # A log axis has no zero: rates that were never seen end their curve.
        figure.add_scatter(
            x=edges,
            y=np.where(alarms > 0, alarms, np.nan),
            mode="lines",
            line={"color": _colour(name)},
            name=f"{label}: false alarms",
        )
        figure.add_scatter(
            x=edges[1:],
            y=np.where(missed > 0, missed, np.nan),
            mode="lines",
            line={"color": _colour(name), "dash": "dot"},
            name=f"{label}: misses",
        )
    levels = np.array(theory["levels"], np.float32)
    for part, show in (("false_alarms", True), ("misses", False)):
        values = np.array(theory[part], np.float32)
        figure.add_scatter(
            x=levels,
            y=np.where(values > 1e-12, values, np.nan),
            mode="lines",
            line={"color": theme.THEORY, "width": 1},
            name="theory, random directions",
            showlegend=show,
        )
    _mark(figure, theory["best"])
    figure.update_xaxes(title="threshold θ", range=[0, 1.25])
    figure.update_yaxes(title="share of features", type="log", range=[-7, 0.1], dtick=1)
    return Figure(
        "errors",
        "False alarms and misses over the threshold",
        figure,
        "Solid: features that are off and read above the threshold; dotted: active features that "
        "do not. The dashed line is the best threshold for random directions, right of 1/2 where "
        "far more features are off than on. A curve ends where no such error was seen.",
    )


def _cases(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    names = _kinds(result)
    labels = [_LABELS.get(name, name) for name in names]
    for title, key, colour in (
        ("largest from any k features", "babel", theme.UPPER),
        ("rms from k features", "rms", theme.MEASURED),
        ("largest |cos| of two features", "coherence", theme.HIGHLIGHT),
    ):
        means = [data["dictionaries"][name][key]["mean"] for name in names]
        values = np.array(means, np.float32)
        figure.add_bar(
            x=labels,
            y=values,
            name=title,
            marker={"color": colour},
            text=[f"{value:.3g}" for value in values],
            textposition="outside",
            cliponaxis=False,
        )
    figure.add_hline(y=0.5, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_yaxes(title="interference", type="log", dtick=1)
    return Figure(
        "cases",
        "Average and worst case",
        figure,
        "What k active features do to another: at worst over all choices of k (first bar), on "
        "average (second), and one at a time (third). A good choice of directions can lower the "
        "first and the third; the second is held up by Welch's floor. Dashed: half an activation.",
    )


def _widths(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    swept = data["widths"]
    dims = sorted({one["dim"] for one in swept})
    for dim, colour in zip(dims, _WIDTHS, strict=False):
        rows = [one for one in swept if one["dim"] == dim]
        seen = [one for one in rows if one["errors"] > 0]
        # A log axis has no zero.
        low = [max(one["interval"][0], 1e-3 * one["errors"]) for one in seen]
        figure.add_scatter(
            x=np.array([one["active"] for one in seen], np.float32),
            y=np.array([one["errors"] for one in seen], np.float32),
            error_y=theme.error_bars(
                [one["errors"] for one in seen], low, [one["interval"][1] for one in seen]
            ),
            mode="markers",
            marker={"color": colour},
            name=f"d = {dim:,}",
        )
        figure.add_scatter(
            x=np.array([one["active"] for one in rows], np.float32),
            y=np.array([max(one["theory"], 1e-9) for one in rows], np.float32),
            mode="lines",
            line={"color": colour, "width": 1},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_hline(y=0.5, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
    figure.update_xaxes(
        title="active features k",
        type="log",
        tickvals=sorted({one["active"] for one in swept}),
    )
    figure.update_yaxes(title="features misread a trial", type="log", range=[-3.2, 2.5], dtick=1)
    return Figure(
        "widths",
        "Errors over the number of active features, by width",
        figure,
        "Markers: measured, at the best threshold for each k and d; lines: theory. Dashed: half an "
        "error a trial. Where there is no marker no error was made in the trials there were.",
    )


def _sharing(result: Result) -> list[Figure]:
    import plotly.graph_objects as go

    found = []
    for part, title, axis, caption in (
        (
            "neurons",
            "Neurons that a feature uses",
            "neurons (participation ratio)",
            "How many neurons a feature is spread over: (Σw²)²/Σw⁴ along its direction. Random "
            "directions use about a third of all neurons; a packing's own coordinates are special, "
            "and rotating it would make it like the others.",
        ),
        (
            "serves",
            "Features that a neuron serves",
            "features (participation ratio)",
            "The same for neurons: every one takes part in very many features, so that its "
            "activation alone says little about any of them.",
        ),
    ):
        figure = go.Figure()
        for name in _kinds(result):
            figure.add_histogram(
                x=result.arrays[f"{name}:{part}"].astype(np.float32),
                nbinsx=60,
                histnorm="probability",
                name=_LABELS.get(name, name),
                marker={"color": _colour(name)},
                opacity=0.7,
            )
        figure.update_layout(barmode="overlay")
        figure.update_xaxes(title=axis)
        figure.update_yaxes(title="share")
        found.append(Figure(part, title, figure, caption))
    return found
