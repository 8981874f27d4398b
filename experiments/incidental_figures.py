"""The figures of the incidental report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import film
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_SIZES = (theme.LOWER, theme.MEASURED, theme.HIGHLIGHT, theme.REFERENCE, theme.UPPER)
_SYMBOLS = {"proximal": "circle", "adamw": "diamond-open"}
_NAMES = {"proximal": "proximal descent", "adamw": "AdamW"}
_DASHES = {"n²/4m": "dot", "n(n-1)/(4m-2)": "dash", "drop model": "solid"}


def figures(_config: object, result: Result) -> list[Figure]:
    """Counts, exponents, winners, starts, course, penalties, noise, one training."""
    found = [_counts(result)]
    data: Any = result.data
    if any("over" in fit for fit in data["exponents"].values()):
        found.append(_exponents(result))
    return [
        *found,
        _starts(result),
        _winners(result),
        film.film(result.arrays),
        _course(result),
        _penalties(result),
        _noises(result),
    ]


def _counts(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    sizes = sorted({row["features"] for row in data["counts"]})
    colours = {n: _SIZES[place % len(_SIZES)] for place, n in enumerate(sizes)}
    for n in sizes:
        rows = [row for row in data["counts"] if row["features"] == n]
        first = [row for row in rows if row["optimiser"] == rows[0]["optimiser"]]
        for law, dash in _DASHES.items():
            figure.add_scatter(
                x=np.array([row["neurons"] for row in first], np.float32),
                y=np.array([row["laws"][law] for row in first], np.float32),
                mode="lines",
                line={"color": theme.THEORY, "width": 1, "dash": dash},
                name=law,
                legendgroup=law,
                showlegend=n == sizes[0],
            )
    for optimiser in dict.fromkeys(row["optimiser"] for row in data["counts"]):
        for n in sizes:
            rows = [
                row
                for row in data["counts"]
                if (row["optimiser"], row["features"]) == (optimiser, n) and row["count"] > 0
            ]
            figure.add_scatter(
                # A little apart, so that bars do not hide each other.
                x=np.array([row["neurons"] for row in rows], np.float32)
                * (1.05 if optimiser == "adamw" else 1),
                y=np.array([row["count"] for row in rows], np.float32),
                error_y=theme.row_bars(rows, "count", "interval"),
                mode="markers",
                marker={"color": colours[n], "symbol": _SYMBOLS[optimiser], "size": 8},
                name=f"n = {n}, {_NAMES[optimiser]}",
                text=["" if row["converged"] else "not converged" for row in rows],
            )
    figure.update_xaxes(title="neurons m", type="log", dtick="D2")
    figure.update_yaxes(title="neurons with two features", type="log")
    # Room for a legend that takes many lines on a phone.
    figure.update_layout(height=560)
    return Figure(
        "counts",
        "Shared neurons against chance",
        figure,
        "Means over trainings with 95% intervals; lines are the laws of chance. n²/4m counts pairs "
        "as if they were alone, the drop model lets neurons be taken: they differ where m is not "
        "much larger than n. A count of 0 has no place on a log axis; the table has it.",
    )


def _exponents(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    fitted = {name: fit for name, fit in data["exponents"].items() if "over" in fit}
    for optimiser, fit in fitted.items():
        labels = [f"power of {size}" for size in fit["over"]]
        # That of m is negative, so that its interval turns round.
        middle = np.abs(np.array(fit["observed"], np.float32))
        ends = np.sort(np.abs(np.array(fit["intervals"], np.float32)), axis=1)
        figure.add_scatter(
            x=middle,
            y=labels,
            error_x=theme.error_bars(middle, ends[:, 0], ends[:, 1]),
            mode="markers",
            marker={"color": theme.MEASURED, "symbol": _SYMBOLS[optimiser], "size": 10},
            name=_NAMES[optimiser],
        )
    laws = next(iter(fitted.values()))
    marks = {"n²/4m": theme.REFERENCE, "n(n-1)/(4m-2)": theme.UPPER, "drop model": theme.THEORY}
    for name, colour in marks.items():
        figure.add_scatter(
            x=np.abs(np.array(laws["laws"][name], np.float32)),
            y=[f"power of {size}" for size in laws["over"]],
            mode="markers",
            marker={"color": colour, "symbol": "line-ns-open", "size": 22, "line": {"width": 3}},
            name=name,
        )
    figure.update_xaxes(title="size of the exponent (that of m is negative)")
    figure.update_layout(height=300)
    return Figure(
        "exponents",
        "How the count scales, where m is at least 2n",
        figure,
        "Poisson regression of the counts on log m and log n, 95% intervals. The laws are fitted "
        "on the same sizes and seeds: only n²/4m is a pure power, the others bend as neurons "
        "fill up.",
    )


def _starts(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = {name: row for name, row in data["starts"].items() if "count" in row}
    figure = go.Figure()
    for value, interval, label, colour in (
        ("count", "interval", "shared neurons, mean", theme.MEASURED),
        (
            "shared",
            "shared_interval",
            "features 0 and 1 share one, share of trainings",
            theme.LOWER,
        ),
    ):
        kept = list(rows.values())
        middle = np.array([row[value] for row in kept], np.float32)
        figure.add_scatter(
            x=middle,
            y=list(rows),
            error_x=theme.row_bars(kept, value, interval),
            mode="markers",
            marker={"color": colour, "size": 9},
            name=label,
        )
    n, m = data["probe"]
    law = n * n / (4 * m)
    figure.add_vline(x=law, line={"color": theme.THEORY, "dash": "dot", "width": 1})
    figure.update_xaxes(title="neurons, or share of trainings", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return Figure(
        "starts",
        "What the start decides",
        figure,
        f"n = {n}, m = {m}; the dotted line is n²/4m. The same draws, changed before training: "
        "collision-free moves colliding largest weights apart, margin makes them half as large "
        "again as well, planted puts two features on one neuron. If collisions of largest weights "
        "were all, collision-free would leave none.",
    )


def _winners(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    sizes = sorted({row["features"] for row in data["counts"]})
    for optimiser in dict.fromkeys(row["optimiser"] for row in data["counts"]):
        for place, n in enumerate(sizes):
            rows = [
                row
                for row in data["counts"]
                if (row["optimiser"], row["features"]) == (optimiser, n)
            ]
            rows = [{**row, "largest": row["won"][0]} for row in rows]
            figure.add_scatter(
                x=np.array([row["neurons"] / n for row in rows], np.float32),
                y=np.array([row["largest"] for row in rows], np.float32),
                error_y=theme.row_bars(rows, "largest", "won_interval"),
                mode="lines+markers",
                line={"color": _SIZES[place % len(_SIZES)], "width": 1},
                marker={"symbol": _SYMBOLS[optimiser], "size": 8},
                name=f"n = {n}, {_NAMES[optimiser]}",
            )
    figure.add_hline(y=1, line={"color": theme.THEORY, "dash": "dash", "width": 1})
    figure.update_xaxes(title="neurons for each feature, m/n", type="log", dtick="D2")
    figure.update_yaxes(title="share of features", range=[0, 1.05])
    figure.update_layout(height=500)
    return Figure(
        "winners",
        "How often the largest weight at the start wins",
        figure,
        "A feature alone keeps the order of its weights, so that its largest always wins "
        "(dashed). Among others it is pushed about while they part, in the first moments of "
        "training: the further below the dashed line, the less the first-winner story explains.",
    )


def _course(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    row = data["course"]
    clock = np.array(row["clock"], np.float32)
    figure = go.Figure()
    for key, name, colour in (
        ("norm", "|w|₁, trained", theme.MEASURED),
        ("nonzeros", "non-zero weights, trained", theme.LOWER),
    ):
        figure.add_scatter(
            x=clock,
            y=np.array(row[key], np.float32),
            mode="markers",
            marker={"color": colour, "size": 6},
            name=name,
        )
    for key, name, dash, colour in (
        ("flow_norm", "each feature alone, exactly", "solid", theme.THEORY),
        ("flow_nonzeros", "", "solid", theme.THEORY),
        ("limit_norm", "many neurons, small λ", "dash", theme.UPPER),
        ("limit_nonzeros", "", "dash", theme.UPPER),
        ("formula", "1/(1/√m + λt)", "dot", theme.REFERENCE),
    ):
        # The law of many neurons ends where two weights are left.
        gone = key.startswith("limit") and np.array(row["limit_nonzeros"]) < 2
        figure.add_scatter(
            x=clock,
            y=np.where(gone, np.nan, row[key]).astype(np.float32),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 1.5},
            name=name,
            showlegend=bool(name),
        )
    figure.update_xaxes(title="λt = penalty × rate × steps", type="log")
    figure.update_yaxes(title="per feature", type="log")
    return Figure(
        "course",
        "How the penalty empties a row",
        figure,
        f"n = {row['features']}, m = {row['neurons']}, λ = {row['penalty']:g}. Trained features "
        f"follow the flow of each alone, which is soft thresholding of its start, to "
        f"{row['apart']:.1%}. |w|₁ is {row['least_fold']:.2f} to {row['most_fold']:.2f} times the "
        "paper's formula, the leading behaviour of the exact law, for λt from 0.02 to 0.9. "
        f"Half of the features have one weight left at λt = {row['half']:.2f}.",
    )


def _penalties(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["penalties"]
    labels = [f"{row['penalty']:g}" for row in rows]
    figure = go.Figure()
    for value, interval, name, colour in (
        ("alignment", "alignment_interval", "axis alignment", theme.LOWER),
        ("count", "interval", "shared neurons", theme.MEASURED),
    ):
        figure.add_scatter(
            x=labels,
            y=np.array([row[value] for row in rows], np.float32),
            error_y=theme.row_bars(rows, value, interval),
            mode="markers",
            marker={"color": colour, "size": 9},
            name=name,
        )
    n, m = data["probe"][0], rows[0]["neurons"]
    for level in (n * n / (4 * m), 3 / (m + 2)):
        figure.add_hline(y=level, line={"color": theme.THEORY, "dash": "dot", "width": 1})
    figure.update_xaxes(title="l1 penalty λ", type="category")
    figure.update_yaxes(title="alignment, or neurons", rangemode="tozero")
    return Figure(
        "penalties",
        "Alignment and shared neurons over the penalty",
        figure,
        f"n = {n}, m = {m}. Without a penalty rows stay random directions (lower line, 3/(m+2)) "
        "and no neuron means anything; a penalty puts rows on neurons, at 1 each on one. How many "
        "are shared is another matter (upper line, n²/4m).",
    )


def _noises(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    family = [row for row in data["noises"] if row["kind"] == "three-point"]
    named = [row for row in data["noises"] if row["kind"] != "three-point"]
    _noise_points(figure, family, "three-point family", theme.RANDOM, "lines+markers")
    _noise_points(figure, named, "named kinds", theme.MEASURED, "markers+text")
    figure.add_hline(
        y=3 / (data["noise_size"][1] + 2), line={"color": theme.THEORY, "dash": "dot", "width": 1}
    )
    shared = data["noises"]
    figure.add_scatter(
        x=np.array([row["kurtosis"] for row in shared], np.float32),
        y=np.array([row["count"] for row in shared], np.float32),
        error_y=theme.row_bars(shared, "count", "interval"),
        mode="markers",
        marker={"color": theme.HIGHLIGHT, "symbol": "x", "size": 8},
        name="shared neurons",
    )
    figure.update_xaxes(title="excess kurtosis of the noise")
    figure.update_yaxes(title="axis alignment, or neurons", rangemode="tozero")
    n, m = data["noise_size"]
    return Figure(
        "noises",
        "Alignment and shared neurons over the tails of the noise",
        figure,
        f"n = {n}, m = {m}, no penalty; the dotted line is a random direction. The noise that a "
        "feature's reading receives has the kurtosis of one neuron's times the alignment of its "
        "row, so that light tails are made lighter by alignment, and heavy ones by spreading. "
        "Gaussian noise looks the same in every basis; three-point noise of the same kurtosis does "
        "not quite, as its higher moments differ. Sharing is another matter: n²/4m is "
        f"{n * n / (4 * m):g}.",
    )


def _noise_points(
    figure: PlotlyFigure, rows: list[dict[str, Any]], name: str, colour: str, mode: str
) -> None:
    figure.add_scatter(
        x=np.array([row["kurtosis"] for row in rows], np.float32),
        y=np.array([row["alignment"] for row in rows], np.float32),
        error_y=theme.row_bars(rows, "alignment", "alignment_interval"),
        mode=mode,
        text=[row["kind"] for row in rows],
        textposition="top right",
        marker={"color": colour, "size": 9},
        line={"color": colour, "width": 1},
        name=name,
    )
