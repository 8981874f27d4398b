"""The figures of the scaling report; no mathematics beyond lines of given slope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

__all__ = ["figures"]

_HUES = (theme.LOWER, theme.UPPER, theme.MEASURED, theme.HIGHLIGHT, theme.REFERENCE, theme.RANDOM)


def figures(_config: object, result: Result) -> list[Figure]:
    """Loss, overlap, the tail, lengths, who errs."""
    data: Any = result.data
    return [_loss(data), _overlap(data), _tail(data), _lengths(data), _alone(data)]


def _known(effects: Sequence[Any]) -> list[int]:
    return [place for place, effect in enumerate(effects) if effect["mean"] is not None]


def _points(
    figure: Any,
    widths: Sequence[int],
    effects: Sequence[Any],
    scales: Sequence[float],
    settled: Sequence[bool],
    *,
    colour: str,
    symbol: str,
    name: str,
) -> None:
    """Means times scales with their intervals; open markers where training had not settled."""
    at = _known(effects)
    factor = np.array([scales[k] for k in at])
    middle = factor * np.array([effects[k]["mean"] for k in at])
    low, high = (factor * np.array([effects[k]["interval"][end] for k in at]) for end in (0, 1))
    figure.add_scatter(
        x=[widths[k] for k in at],
        y=middle.astype(np.float32),
        error_y=theme.error_bars(middle, low, high),
        mode="markers",
        marker={
            "color": colour,
            "size": 9,
            "symbol": theme.symbols((settled[k] for k in at), symbol),
        },
        name=name,
    )


def _widths_axis(figure: Any, widths: Sequence[int]) -> None:
    figure.update_xaxes(
        title="width m, dimensions", type="log", tickvals=widths, ticktext=[str(m) for m in widths]
    )


def _loss(data: Any) -> Figure:
    import plotly.graph_objects as go

    found, n = data["fits"], data["features"]
    widths = found["widths"]
    whole = [float(n)] * len(widths)
    figure = go.Figure()
    _points(
        figure,
        widths,
        found["loss"],
        whole,
        [found["settled"]] * len(widths),
        colour=theme.MEASURED,
        symbol="circle",
        name="strong: all features represented",
    )
    _points(
        figure,
        widths,
        found["weak"],
        [n * tail for tail in found["tails"]],
        [one["settled"] for one in found["weak"]],
        colour=theme.HIGHLIGHT,
        symbol="square",
        name="weak: m features represented",
    )
    x = np.array(widths, np.float64)
    strong = n * np.array([one["mean"] for one in found["loss"]])
    centre = np.exp(np.log(strong).mean())
    size = np.exp(np.log(x).mean())
    fitted = found["exponent"]["mean"]
    for power, dash, colour, name in (
        (-1.0, "solid", theme.THEORY, "1/m"),
        (fitted, "dot", theme.MEASURED, f"fit, m^{fitted:.2f}"),
    ):
        figure.add_scatter(
            x=x,
            y=(centre * (x / size) ** power).astype(np.float32),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 1.5},
            name=name,
        )
    figure.add_scatter(
        x=x,
        y=np.array([n * tail for tail in found["tails"]], np.float32),
        mode="lines",
        line={"color": theme.THEORY, "dash": "dash", "width": 1.5},
        name="unlearned tail",
    )
    _widths_axis(figure, widths)
    figure.update_yaxes(title="loss, squared error of a sample", type="log")
    figure.update_layout(height=480)
    return Figure(
        "loss",
        "Loss over width, strong and weak",
        figure,
        f"n = {n:,}, p_i ∝ i^-{data['alpha']:g}, {data['expected']:g} on in the mean. Squared "
        "error summed over features; bars: 95% over seeds, the sampling of the "
        "loss included. The line 1/m and the fit pass through "
        "the points' centre: theory gives the slope, not the height. The dashed line has no free "
        "constant. Open markers: not converged.",
    )


def _overlap(data: Any) -> Figure:
    import plotly.graph_objects as go

    found = data["fits"]
    widths = found["widths"]
    scales = [1.0] * len(widths)
    figure = go.Figure()
    _points(
        figure,
        widths,
        found["overlap"],
        scales,
        [found["overlap_settled"]] * len(widths),
        colour=theme.MEASURED,
        symbol="circle",
        name="trained, strong",
    )
    lines = {
        "random directions": ([1.0] * len(widths), theme.RANDOM, "solid"),
        "Welch's bound for n": (
            [row["width"] * row["welch"] for row in data["rows"]],
            theme.UPPER,
            "dash",
        ),
    }
    for name, (values, colour, dash) in lines.items():
        figure.add_scatter(
            x=widths,
            y=np.array(values, np.float32),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 1.5},
            name=name,
        )
    _widths_axis(figure, widths)
    figure.update_yaxes(title="mean squared overlap times m")
    return Figure(
        "overlap",
        "Overlaps of unit rows",
        figure,
        "Mean of (w_i·w_j)² over pairs of rows, brought to unit length, in the strong arm. "
        "Random directions have 1/m in the mean exactly, and no n directions less than Welch's "
        "bound. Bars: 95% over seeds. Open markers: not converged.",
    )


def _tail(data: Any) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(data["rows"]):
        tail, m = row["tail"], row["width"]
        x = np.array([np.mean(arm["represented"]) for arm in row["weak"]])
        y = np.array([np.mean(arm["loss"]) / tail for arm in row["weak"]])
        figure.add_scatter(
            x=(np.maximum(x, 0.5) / m).astype(np.float32),
            y=y.astype(np.float32),
            mode="lines+markers",
            line={"color": _HUES[place % len(_HUES)], "width": 1.5},
            marker={"size": 8},
            name=f"m = {m}",
        )
    figure.add_hline(y=1, line={"color": theme.THEORY, "width": 1})
    figure.add_vline(x=1, line={"color": theme.THEORY, "width": 1, "dash": "dash"})
    figure.update_xaxes(title="features represented, over m", type="log")
    figure.update_yaxes(title="loss over that of the unlearned tail")
    return Figure(
        "tail",
        "Weak superposition: the loss is what is left out",
        figure,
        "One point for each decay, the larger to the left; means over seeds. The formula speaks of "
        "m features represented without fault: where the lines cross. To the right of it the space "
        "holds more features than it has dimensions.",
    )


def _middle(data: Any) -> tuple[Any, Any]:
    """The row in the middle of the widths, and its weak arm nearest to m features."""
    place = len(data["rows"]) // 2
    row = data["rows"][place]
    return row, row["weak"][data["fits"]["weak"][place]["nearest"]]


def _by_rank(data: Any, key: str, scale: float) -> tuple[Any, Any]:
    import plotly.graph_objects as go

    row, weak = _middle(data)
    figure = go.Figure()
    for arm, colour, name in (
        (row["strong"], theme.MEASURED, "strong"),
        (weak, theme.HIGHLIGHT, "weak"),
    ):
        figure.add_scatter(
            x=data["ranks"],
            y=(scale * np.array(arm[key])).astype(np.float32),
            mode="markers",
            marker={"color": colour, "size": 5},
            name=name,
        )
    figure.add_vline(x=row["width"], line={"color": theme.THEORY, "width": 1, "dash": "dash"})
    figure.update_xaxes(title="rank of the feature by frequency", type="log")
    return figure, row


def _lengths(data: Any) -> Figure:
    figure, row = _by_rank(data, "lengths", 1.0)
    figure.update_yaxes(title="length of its row, |w|", rangemode="tozero")
    return Figure(
        "lengths",
        "What is represented",
        figure,
        f"m = {row['width']}, which the dashed line marks; one training of each arm, at "
        f"{len(data['ranks'])} ranks. The weak arm is the training whose number of represented "
        "features is nearest to m.",
    )


def _alone(data: Any) -> Figure:
    figure, row = _by_rank(data, "alone", float(data["features"]))
    figure.add_hline(y=4 / 3, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="squared error while it alone is on", rangemode="tozero")
    return Figure(
        "alone",
        "Who is restored badly",
        figure,
        f"m = {row['width']}, dashed; one training of each arm. The error of all outputs while one "
        "feature is on, exact, mean over its value. Dotted: 4/3, what a feature costs that is not "
        "represented and disturbs nobody. In the strong arm every feature costs the interference "
        "that it causes.",
    )
