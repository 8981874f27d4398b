"""The figures of the superposition report, but for its maps; no mathematics."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import film, superposition_maps
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.superposition_plateaus import FRACTIONS, PLATEAU

__all__ = ["figures"]

_SHAPE_COLOURS = {
    "alone": theme.LOWER,
    "pair": theme.MEASURED,
    "triangle": theme.REFERENCE,
    "tetrahedron": theme.HIGHLIGHT,
    "pentagon": theme.UPPER,
    "square antiprism": theme.THEORY,
}


def figures(_config: object, result: Result) -> list[Figure]:
    """Phases, losses, shapes, plateaus, census, a training watched, other outputs."""
    return [
        superposition_maps.phases(result),
        _losses(result),
        _shapes(result),
        _film(result),
        _plateaus(result),
        _shares(result),
        _census(result),
        superposition_maps.seeds(result),
        superposition_maps.triples(result),
        _crowd(result),
        _outputs(result),
    ]


def _losses(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for (part, name), colour in zip(
        (
            ("plane", "5 in 2"),
            ("crowd", "20 in 5"),
            ("plateaus", f"{data['features']} in {data['dim']}"),
        ),
        (theme.MEASURED, theme.LOWER, theme.REFERENCE),
        strict=True,
    ):
        rows = data[part]["rows"]
        chance = np.array([row["probability"] for row in rows], np.float32)
        ratios = [row["ratio"] for row in rows]
        figure.add_scatter(
            x=chance,
            y=np.array([one["mean"] for one in ratios], np.float32),
            error_y=theme.row_bars(ratios),
            mode="markers",
            marker={"color": colour, "size": 8},
            name=f"trained, {name}",
        )
        figure.add_scatter(
            x=chance,
            y=np.array([row["in_pairs"] for row in rows], np.float32),
            mode="lines",
            line={"color": colour, "width": 2, "dash": "dot"},
            name=f"in antipodal pairs, {name}",
        )
    figure.add_hline(y=1, line={"color": theme.THEORY, "width": 2})
    figure.update_xaxes(title="probability that a feature is on", type="log")
    figure.update_yaxes(title="loss over the best without superposition", range=[0, 1.4])
    figure.update_layout(height=520, legend={"y": 1.05})
    return Figure(
        "losses",
        "What sharing saves",
        figure,
        "Below 1 a model does better than any that gives each feature a dimension or nothing. "
        "Means over seeds, local optima included, with 95% intervals. Dotted: m pairs of opposite "
        "unit directions without bias; trained models can do better with biases and with shapes "
        "of more features.",
    )


def _spokes(
    rows: NDArray[Any], across: float = 0.0, down: float = 0.0
) -> tuple[list[float | None], list[float | None]]:
    """Lines from a centre to every row."""
    x: list[float | None] = []
    y: list[float | None] = []
    for first, second in rows.tolist():
        x += [across, across + first, None]
        y += [down, down + second, None]
    return x, y


def _shapes(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["plane"]["rows"]
    figure = go.Figure()
    step, width = 3.2, 5
    for place, (row, shape) in enumerate(zip(rows, result.arrays["final"], strict=True)):
        across, down = step * (place % width), -step * (place // width)
        x, y = _spokes(shape, across, down)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": theme.MEASURED, "width": 2},
            marker={"color": theme.MEASURED, "size": 5},
            showlegend=False,
            hovertemplate=f"p = {row['probability']:.3f}: {row['best_shape']}<extra></extra>",
        )
        figure.add_annotation(
            x=across, y=down - 1.55, text=f"p = {row['probability']:.2g}", showarrow=False
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    figure.update_layout(height=150 * -(-len(rows) // width) + 40)
    return Figure(
        "shapes",
        "Five features in a plane, from dense to sparse",
        figure,
        f"Rows of W of the best seed at each probability. {_course(rows)}.",
    )


def _course(rows: Any) -> str:
    """The best seeds' shapes in words, from dense to sparse."""
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row["best_shape"])]
    words = []
    for run in runs:
        ends = {f"{row['probability']:.2g}": None for row in (run[0], run[-1])}
        words.append(f"p = {' to '.join(ends)}: {run[0]['best_shape'].replace(';', ',')}")
    return "; ".join(words)


def _film(result: Result) -> Figure:
    import plotly.graph_objects as go

    frames, steps = result.arrays["film"], result.arrays["film_steps"]
    figure = go.Figure()
    for place, frame in enumerate(frames):
        x, y = _spokes(frame)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": theme.MEASURED, "width": 3},
            marker={"color": theme.MEASURED, "size": 9},
            visible=place == len(frames) - 1,
            showlegend=False,
            hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>",
        )
    angle = np.linspace(0, 2 * np.pi, 121)
    figure.add_scatter(
        x=np.cos(angle).astype(np.float32),
        y=np.sin(angle).astype(np.float32),
        mode="lines",
        line={"color": theme.RANDOM, "width": 1, "dash": "dot"},
        name="length 1",
        hoverinfo="skip",
    )
    reach = 1.1 * float(max(1.1, np.abs(frames).max()))
    figure.update_xaxes(title="first hidden dimension", range=[-reach, reach], constrain="domain")
    figure.update_yaxes(title="second hidden dimension", range=[-reach, reach], scaleanchor="x")
    figure.update_layout(
        sliders=[film.slider([f"{step:,}" for step in steps], "step ")], height=560
    )
    data: Any = result.data
    rows = data["plane"]["rows"]
    return Figure(
        "film",
        "One training, watched",
        figure,
        f"Five features in a plane at p = {rows[-1]['probability']:g}, the best seed: each spoke "
        "is the direction of a feature. The slider goes through the steps.",
    )


def _plateaus(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["plateaus"]["rows"]
    dimensions = [row["dimensions"] for row in rows]
    figure = go.Figure()
    figure.add_hrect(
        y0=PLATEAU[0], y1=PLATEAU[1], fillcolor=theme.faint(theme.MEASURED), line={"width": 0}
    )
    for value in (1.0, 0.5):
        figure.add_hline(y=value, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
    figure.add_scatter(
        x=np.array([1 / row["probability"] for row in rows], np.float32),
        y=np.array([one["mean"] for one in dimensions], np.float32),
        error_y=theme.row_bars(dimensions),
        mode="lines+markers",
        line={"color": theme.MEASURED, "width": 1},
        marker={
            "color": theme.MEASURED,
            "size": 8,
            "symbol": theme.symbols(row["settled"] == 1 for row in rows),
        },
        name="m/|W|²",
    )
    figure.update_xaxes(title="1/p: one feature in so many is on", type="log")
    figure.update_yaxes(title="dimensions for each feature, m/|W|²", range=[0, 1.1])
    return Figure(
        "plateaus",
        f"{data['features']} features in {data['dim']} dimensions: plateaus",
        figure,
        "Means over seeds with 95% intervals. At 1 every represented feature has a dimension, at "
        "1/2 (band: ± 0.05) features come in antipodal pairs. Sparser features share "
        "further. Open markers: some seed's |W|² still moved by more than 5%.",
    )


def _shares(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    values, at = result.arrays["shares"], result.arrays["shares_at"]
    figure.add_scattergl(
        x=1 / at,
        y=values,
        mode="markers",
        marker={"color": theme.MEASURED, "size": 4, "opacity": 0.35},
        name="a feature",
        hovertemplate="1/p = %{x:.1f}, D = %{y:.3f}<extra></extra>",
    )
    for name, value in FRACTIONS.items():
        figure.add_hline(
            y=value,
            line={"color": theme.THEORY, "width": 1, "dash": "dot"},
            # 2/5 and 3/8 lie too close for both names on one side.
            annotation={
                "text": name,
                "xanchor": "left" if name == "square antiprism" else "right",
                "x": 0 if name == "square antiprism" else 1,
                "yanchor": "top" if name == "square antiprism" else "bottom",
            },
        )
    figure.update_xaxes(title="1/p: one feature in so many is on", type="log")
    figure.update_yaxes(title="feature dimensionality D", range=[-0.05, 1.1])
    figure.update_layout(height=520)
    near = data["plateaus"]["concentration"]
    return Figure(
        "shares",
        "The share of a dimension that each feature has",
        figure,
        "Every feature with a row of at least 0.01, of every seed; dotted: fractions of tight "
        "polytopes, and 0. Shares within 0.02 of a fraction, beside those of a smooth law with the "
        "same spread: "
        + ", ".join(
            f"{row['name']} {row['near']:.3f} ({row['smooth']:.3f})" for row in near["fractions"]
        )
        + ".",
    )


def _census(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["plateaus"]["rows"]
    figure = go.Figure()
    seen = {name for row in rows for name in row["census"] if name not in ("other", "short")}
    for name in sorted(
        seen, key=lambda one: list(_SHAPE_COLOURS).index(one) if one in _SHAPE_COLOURS else 9
    ):
        figure.add_bar(
            x=[f"{1 / row['probability']:.1f}" for row in rows],
            y=np.array([row["census"].get(name, 0) for row in rows], np.float32),
            marker={"color": _SHAPE_COLOURS.get(name, theme.HIGHLIGHT)},
            name=name,
        )
    figure.add_bar(
        x=[f"{1 / row['probability']:.1f}" for row in rows],
        y=np.array([row["census"].get("other", 0) for row in rows], np.float32),
        marker={"color": theme.RANDOM},
        name="other blocks",
    )
    figure.update_layout(barmode="stack", legend={"y": 1.1})
    figure.update_xaxes(title="1/p: one feature in so many is on", type="category")
    figure.update_yaxes(title="features represented")
    return Figure(
        "census",
        "Which polytopes the features form",
        figure,
        "Rows longer than 1/2, by the block of the Gram matrix that they belong to and the "
        "polytope it is; means over seeds. Other blocks have no name here: where all features are "
        "on, any basis of a subspace serves as well as the features; where they are sparsest, all "
        "interfere a little with all others.",
    )


def _crowd(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["crowd"]["rows"]
    figure = go.Figure()
    figure.add_heatmap(
        x=[f"{1 / row['probability']:.1f}" for row in rows],
        y=np.arange(1, result.arrays["lengths"].shape[1] + 1),
        z=result.arrays["lengths"].T,
        zmin=0,
        zmax=1.1,
        coloraxis="coloraxis",
        hovertemplate="1/p = %{x}, feature %{y}: length %{z:.2f}<extra></extra>",
    )
    figure.update_layout(
        coloraxis={
            "cmin": 0,
            "cmax": 1.1,
            "colorscale": [list(stop) for stop in theme.SEQUENTIAL],
            "colorbar": {"title": {"text": "length of the feature's row"}},
        },
        height=480,
    )
    figure.update_xaxes(title="1/p: one feature in so many is on", type="category")
    figure.update_yaxes(title="feature, the most important first", autorange="reversed", dtick=2)
    return Figure(
        "crowd",
        "Twenty features of falling importance in five dimensions",
        figure,
        "Mean length over seeds, from dense on the left to sparse. Without superposition only the "
        "five most important would have a length.",
    )


def _outputs(result: Result) -> Figure:
    import plotly.graph_objects as go

    rows: Any = result.data["variants"]
    figure = go.Figure()
    counts = [row["represented"] for row in rows]
    figure.add_scatter(
        x=[row["name"] for row in rows],
        y=np.array([one["mean"] for one in counts], np.float32),
        error_y=theme.row_bars(counts),
        mode="markers",
        marker={
            "color": theme.MEASURED,
            "size": 12,
            "symbol": theme.symbols(row["settled"] == 1 for row in rows),
        },
        name="features represented",
    )
    figure.add_hline(y=2, line={"color": theme.THEORY, "width": 2, "dash": "dot"})
    figure.update_xaxes(title="output", type="category")
    figure.update_yaxes(title="features represented, of 5", range=[0, 5.5])
    return Figure(
        "outputs",
        "What the output does to superposition",
        figure,
        "Five features in a plane at the least probability; the dotted line is the number of "
        "dimensions. What interference adds below zero a ReLU removes; a linear output cannot, and "
        "an absolute value turns it into an error of the other sign. Means over seeds, local "
        "optima included, with 95% intervals; open markers: not all seeds settled.",
    )
