"""The figures of the causes report; no mathematics."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result

__all__ = ["figures"]

_SHARES = {
    "observed": theme.THEORY,
    "start": theme.LOWER,
    "noise": theme.MEASURED,
    "penalty": theme.REFERENCE,
    "residual": theme.RANDOM,
}


def figures(_config: object, result: Result) -> list[Figure]:
    """The decomposition, the noise by kurtosis, interactions, the factorial, what remains."""
    return [
        _decomposition(result),
        _kurtosis(result),
        _interactions(result),
        _factorial(result),
        _nothing(result),
    ]


def _symbols(effects: list[Any]) -> list[str]:
    """Open where a training behind the number had not converged."""
    return theme.symbols(effect["converged"] for effect in effects)


def _decomposition(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["decomposition"]
    ratios = [f"{row['neurons'] / data['features']:g}" for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=ratios,
        y=np.array([row["necessary"] for row in rows], np.float32),
        marker={"color": theme.faint(theme.UPPER), "line": {"color": theme.UPPER, "width": 1}},
        name="necessary: max(0, n - m)",
    )
    for name, colour in _SHARES.items():
        effects = [row[name] for row in rows]
        figure.add_scatter(
            x=ratios,
            y=np.array([effect["mean"] for effect in effects], np.float32),
            error_y=theme.row_bars(effects),
            mode="lines+markers",
            line={"color": colour, "width": 2 if name == "observed" else 1},
            marker={"color": colour, "size": 8, "symbol": _symbols(effects)},
            name=name if name in ("observed", "residual") else f"share of the {name}",
        )
    figure.update_xaxes(title="neurons for each feature, m/n", type="category")
    figure.update_yaxes(title="shared neurons")
    figure.update_layout(height=500)
    return Figure(
        "decomposition",
        "What each cause takes with it",
        figure,
        f"n = {data['features']}, three-point noise of excess kurtosis {data['kurtosis']:g}. A "
        "share is what disappears when that cause alone is switched off; it is negative where "
        "the cause keeps features apart. Shares that exceed the whole, with a negative residual, "
        "belong to causes that work only together: noise cannot make neurons shared that nothing "
        "has put features on. Open markers: trainings that had not converged.",
    )


def _kurtosis(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    rows = data["decomposition"]
    ratios = [f"{row['neurons'] / data['features']:g}" for row in rows]
    figure = go.Figure()
    colours = (theme.LOWER, theme.MEASURED, theme.UPPER, theme.HIGHLIGHT)
    for (level, _), colour in zip(
        rows[0]["by_kurtosis"].items(), colours * len(rows[0]["by_kurtosis"]), strict=False
    ):
        effects = [row["by_kurtosis"][level] for row in rows]
        figure.add_scatter(
            x=ratios,
            y=np.array([effect["mean"] for effect in effects], np.float32),
            error_y=theme.row_bars(effects),
            mode="lines+markers",
            line={"color": colour, "width": 1},
            marker={"size": 8, "symbol": _symbols(effects)},
            name=f"excess kurtosis {level}",
        )
    figure.add_hline(y=0, line={"color": theme.THEORY, "width": 1})
    figure.update_xaxes(title="neurons for each feature, m/n", type="category")
    figure.update_yaxes(title="shared neurons, with noise less without")
    return Figure(
        "kurtosis",
        "Noise adds sharing or removes it, by its tails",
        figure,
        "Random start, penalty on; the same seeds with and without noise. Heavy tails make it pay "
        "to spread a feature over several neurons, which then overlap: noise-induced redundancy. "
        "Light tails make single neurons pay. Open markers: not converged.",
    )


def _interactions(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    n = data["features"]
    widths = sorted({row["neurons"] for row in data["interactions"]})
    colours = (theme.UPPER, theme.REFERENCE, theme.MEASURED, theme.LOWER, theme.HIGHLIGHT)
    for place, m in enumerate(widths):
        rows = [row for row in data["interactions"] if row["neurons"] == m]
        figure.add_scatter(
            x=np.array([row["mean"] for row in rows], np.float32),
            y=[row["effect"] for row in rows],
            error_x=theme.row_bars(rows),
            mode="markers",
            marker={
                "color": colours[place % len(colours)],
                "size": 8,
                "symbol": _symbols(rows),
            },
            name=f"m/n = {m / n:g}",
        )
    figure.add_vline(x=0, line={"color": theme.THEORY, "width": 1})
    figure.update_xaxes(title="effect on the number of shared neurons")
    figure.update_yaxes(autorange="reversed")
    return Figure(
        "interactions",
        "Effects, and how they depend on each other",
        figure,
        "Start: random against margin. Where a product of causes has an effect as large as its "
        "factors, the causes are not additive, and a share depends on what else is switched on.",
    )


def _factorial(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    widths = sorted({row["neurons"] for row in data["interactions"]})
    rows = [row for row in data["cells"] if row["neurons"] in widths]
    names = list(dict.fromkeys(row["name"] for row in rows))
    names.sort(key=lambda name: (name.split(", ")[1:], name.split(", ")[0]))
    table = {(row["name"], row["neurons"]): row for row in rows}
    counts = np.array([[table[name, m]["count"] for m in widths] for name in names], np.float32)
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            x=[f"{m / data['features']:g}" for m in widths],
            y=names,
            text=[
                [
                    f"{table[name, m]['count']:.2f}" + ("" if table[name, m]["converged"] else " ?")
                    for m in widths
                ]
                for name in names
            ],
            texttemplate="%{text}",
            colorbar={"title": {"text": "shared neurons"}},
        )
    )
    figure.update_xaxes(title="neurons for each feature, m/n", type="category")
    figure.update_yaxes(autorange="reversed", tickfont={"size": 11})
    figure.update_layout(height=200 + 22 * len(names))
    return Figure(
        "factorial",
        "Every combination",
        figure,
        "Shared neurons, mean over seeds; a question mark says that the count was still moving. "
        "Noise is named by its excess kurtosis.",
    )


def _nothing(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, colour, label in (
        ("margin, no l1, no noise", theme.RANDOM, "every cause off"),
        ("margin, l1, no noise", theme.LOWER, "penalty alone"),
        ("random, l1, no noise", theme.MEASURED, "penalty and random start"),
    ):
        rows = [row for row in data["cells"] if row["name"] == name]
        figure.add_scatter(
            x=[f"{row['neurons'] / data['features']:g}" for row in rows],
            y=np.array([row["serves"] for row in rows], np.float32),
            error_y=theme.row_bars(
                [{"mean": row["serves"], "interval": row["serves_interval"]} for row in rows]
            ),
            mode="lines+markers",
            line={"color": colour, "width": 1},
            marker={"size": 8},
            name=label,
        )
    for level, dash in ((1, "dash"), ((data["features"] + 2) / 3, "dot")):
        figure.add_hline(y=level, line={"color": theme.THEORY, "dash": dash, "width": 1})
    figure.update_xaxes(title="neurons for each feature, m/n", type="category")
    figure.update_yaxes(title="features that a neuron serves", rangemode="tozero")
    return Figure(
        "nothing",
        "What remains when every cause is switched off",
        figure,
        "Participation ratio of a neuron over features, without a threshold; 1 is a neuron for one "
        "feature (dashed), and random directions have (n+2)/3 (dotted). Without penalty and noise "
        "nothing distinguishes a neuron from any other direction, and with room every neuron is a "
        "mixture; the penalty puts features on neurons.",
    )
