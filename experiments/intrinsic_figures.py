"""The figures of the intrinsic report; no mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.intrinsic_config import BELOW, Config

__all__ = ["figures"]

_ALONE = "units for one feature alone, share of the living"
_LOSS = "loss over the matched layer's"


def figures(config: Config, result: Result) -> list[Figure]:
    """Loss against share; both over each setting; scores; responses; the autoencoder."""
    data: Any = result.data
    return [
        _pareto(data),
        *_sweeps(config, data),
        _scores(result),
        _responses(result),
        _latents(result),
        _autoencoder(data),
    ]


def _arm(data: Any, name: str) -> list[Any]:
    return [row for row in data["rows"] if row["arm"] == name]


def _symbols(rows: Sequence[Any], symbol: str) -> list[str]:
    """Open where the training had not settled."""
    return theme.symbols((row["converged"] for row in rows), symbol)


def _means(rows: Sequence[Any], key: str) -> Any:
    return np.array([row[key]["mean"] for row in rows], np.float32)


def _shares(rows: Sequence[Any], key: str) -> dict[str, Any]:
    """Error bars, cut to [0, 1]."""
    low, high = np.clip([row[key]["interval"] for row in rows], 0, 1).T
    return theme.error_bars([row[key]["mean"] for row in rows], low, high)


def _pareto(data: Any) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    starts = _arm(data, "start")
    widths = _arm(data, "width")
    series = (
        ("biases start below 0", starts[1:], theme.LOWER, "circle", "lines+markers"),
        ("l1 penalty", _arm(data, "penalty"), theme.UPPER, "square", "lines+markers"),
        ("SoLU", _arm(data, "solu"), theme.HIGHLIGHT, "diamond", "markers"),
        ("other learning rates", _arm(data, "speed"), theme.RANDOM, "x", "markers"),
        ("longer trainings", _arm(data, "length"), theme.RANDOM, "cross", "markers"),
        ("other widths", widths, theme.REFERENCE, "triangle-up", "markers"),
        (
            "autoencoder on the matched layer",
            data["autoencoders"],
            theme.MEASURED,
            "hexagon",
            "lines+markers",
        ),
        # Last, so that it lies on top.
        ("matched: biases start at 0", starts[:1], theme.THEORY, "star", "markers"),
    )
    for name, rows, colour, symbol, mode in series:
        if not rows:
            continue
        figure.add_scatter(
            x=_means(rows, "share"),
            y=_means(rows, "ratio"),
            error_x={**_shares(rows, "share"), "color": colour},
            error_y={**theme.row_bars([row["ratio"] for row in rows]), "color": colour},
            mode=mode,
            line={"color": colour, "width": 1},
            marker={
                "color": colour,
                "size": 14 if symbol == "star" else 9,
                "symbol": _symbols(rows, symbol),
            },
            text=[row["name"] for row in rows],
            hovertemplate="%{text}<br>share %{x:.3f}, loss %{y:.3f}<extra></extra>",
            name=name,
        )
    figure.add_hline(y=1, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="share that responds to one feature alone", range=[-0.04, 1.04])
    figure.update_yaxes(title=_LOSS, type="log", tickvals=[0.5, 0.7, 0.85, 1, 1.2, 1.5, 2, 3, 5])
    figure.update_layout(height=520)
    return Figure(
        "pareto",
        "What fewer mixed units cost",
        figure,
        "Right is easier to read, down is better; a point right of the star and not above it is "
        "free. Units of a layer and latents of an autoencoder are judged by the same ratio, among "
        "those that live: one feature makes up more than .999 of the responses to all, each alone; "
        "latents' responses after the threshold that makes small ones 0. The star "
        f"is the matched layer, {data['hidden']} units, which the autoencoder was trained on; its "
        "loss is that of the same model with the restored activations in place of the layer's. "
        "Bars: 95% over independent seeds; open markers: not settled.",
    )


def _sweeps(config: Config, data: Any) -> list[Figure]:
    """Share and loss over the start of the biases, the penalty and the width."""
    matched = _arm(data, "start")[:1]
    starts = sorted(_arm(data, "start"), key=lambda row: row["start"])
    penalties = [*matched, *_arm(data, "penalty")]
    by_width = {
        f"biases start at {start:g}": sorted(
            (
                row
                for row in data["rows"]
                if row["arm"] in ("width", "start") and row["start"] == start
            ),
            key=lambda row: row["hidden"],
        )
        for start in (0.0, BELOW)
    }
    return [
        _sweep(
            "starts",
            "Where the biases start",
            {"biases": starts},
            "start",
            "start of the biases",
            "Units that start far below 0 are to stay silent until one feature"
            + (", or the shrinking of the biases," if config.shrink else "")
            + " wakes them.",
        ),
        _sweep(
            "penalties",
            "An l1 penalty on the layer",
            {"penalty": penalties},
            "penalty",
            "weight of the penalty",
            "The loss is without the penalty itself. At 0 is the matched layer.",
        ),
        _sweep(
            "widths",
            "Units to spare",
            by_width,
            "hidden",
            "units of the layer",
            f"The layer restores {data['features']} features. The same projections and samples at "
            "every width.",
        ),
    ]


def _sweep(
    name: str, title: str, series: dict[str, list[Any]], key: str, axis: str, caption: str
) -> Figure:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    looks = ((theme.MEASURED, "circle"), (theme.LOWER, "square"))
    for (label, rows), (colour, symbol) in zip(series.items(), looks, strict=False):
        for place, (what, bars) in enumerate(
            (
                ("share", _shares(rows, "share")),
                ("ratio", theme.row_bars([row["ratio"] for row in rows])),
            )
        ):
            figure.add_scatter(
                x=[f"{row[key]:g}" for row in rows],
                y=_means(rows, what),
                error_y=bars,
                mode="lines+markers",
                line={"color": colour, "width": 1},
                marker={"color": colour, "size": 8, "symbol": _symbols(rows, symbol)},
                name=label,
                showlegend=place == 0 and len(series) > 1,
                row=place + 1,
                col=1,
            )
    figure.update_xaxes(type="category")
    figure.update_xaxes(title=axis, row=2, col=1)
    figure.update_yaxes(title="share for one alone", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title=_LOSS, row=2, col=1)
    figure.update_layout(height=480)
    return Figure(
        name,
        title,
        figure,
        f"{caption} Above: {_ALONE}; below: {_LOSS}. Bars: 95% over seeds; open markers: not "
        "settled.",
    )


def _scores(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for key, name, colour in (
        ("units", "biases start at 0", theme.RANDOM),
        ("units_below", f"biases start at {BELOW:g}", theme.LOWER),
        ("latents", "autoencoder's latents", theme.MEASURED),
    ):
        values = result.arrays[f"{key}_scores"]
        figure.add_scatter(
            x=values,
            y=np.linspace(1, 0, len(values), dtype=np.float32),
            mode="lines",
            line={"color": colour, "shape": "hv"},
            name=name,
        )
    data: Any = result.data
    below = next(row for row in _arm(data, "start") if row["start"] == BELOW)
    rows = (data["rows"][0], below, data["autoencoders"][0])
    means = [row["score"]["mean"] for row in rows]
    figure.update_xaxes(title="largest response over the sum of all", range=[0, 1.01])
    figure.update_yaxes(title="share of units at or above it", range=[0, 1.02])
    return Figure(
        "scores",
        "How much of a unit is its first feature",
        figure,
        "Living units of all seeds; the curve at the right edge, above .999, is the share that "
        "counts as monosemantic. A unit of two equal features has 1/2. In the mean of the seeds: "
        f"{means[0]:.3f} with biases that start at 0, {means[1]:.3f} at {BELOW:g}, {means[2]:.3f} "
        "for latents.",
    )


def _responses(result: Result) -> Figure:
    from plotly.subplots import make_subplots

    titles = ("biases start at 0", f"biases start at {BELOW:g}")
    figure = make_subplots(rows=2, cols=1, subplot_titles=titles, vertical_spacing=0.1)
    for row, key in enumerate(("units", "units_below"), start=1):
        _map(figure, result.arrays[key], row)
    figure.update_xaxes(title="unit, by score", row=2, col=1)
    figure.update_layout(height=720, coloraxis={"cmin": 0, "cmax": 1})
    return Figure(
        "responses",
        "What a unit responds to",
        figure,
        "The first seed's layers. Each column is a unit, its responses to single features over "
        "its largest; units from the highest score to the lowest, features in the order in which "
        "these units prefer them. A lone mark in a column is a unit for one feature; dead units "
        "are empty columns.",
    )


def _map(figure: Any, responses: Any, row: int) -> None:
    figure.add_heatmap(
        z=responses.T,
        coloraxis="coloraxis",
        hovertemplate="unit %{x}, feature %{y}: %{z:.3f}<extra></extra>",
        row=row,
        col=1,
    )
    figure.update_yaxes(title="feature", row=row, col=1)


def _latents(result: Result) -> Figure:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=1)
    _map(figure, result.arrays["latents"], 1)
    figure.update_xaxes(title="latent, by score")
    figure.update_layout(height=420, coloraxis={"cmin": 0, "cmax": 1})
    return Figure(
        "latents",
        "What a latent responds to",
        figure,
        "The autoencoder on the first seed's matched layer, drawn as the units above.",
    )


def _autoencoder(data: Any) -> Figure:
    import plotly.graph_objects as go

    rows = data["autoencoders"]
    figure = go.Figure()
    for key, name, colour, symbol in (
        ("recovery", "features recovered", theme.MEASURED, "circle"),
        ("share", "latents for one feature alone", theme.LOWER, "square"),
        ("explained", "variance of the layer explained", theme.REFERENCE, "diamond"),
    ):
        figure.add_scatter(
            x=[f"{row['number']:.3g}" for row in rows],
            y=_means(rows, key),
            error_y=_shares(rows, key),
            mode="lines+markers",
            line={"color": colour, "width": 1},
            marker={"color": colour, "size": 9, "symbol": _symbols(rows, symbol)},
            name=name,
        )
    figure.update_xaxes(title="latents on, in the mean", type="category")
    figure.update_yaxes(title="share", range=[0, 1.03])
    return Figure(
        "autoencoder",
        "What the autoencoder finds in the matched layer",
        figure,
        "A feature is recovered by a latent of its own whose decoder row has a cosine above .9 "
        "with what the feature alone adds to the layer. In a "
        f"sample, the features on are {data['on']:.3g} in the mean; more latents than that can "
        "explain more variance, which need not be more features.",
    )
