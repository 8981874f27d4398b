"""The figures of the autoencoder report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import sae_looks, sae_maps
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.sae_cells import THRESHOLD
from experiments.sae_config import NAMES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

    from experiments.sae_config import Config

__all__ = ["figures"]

_QUOTED = 0.25
_ASIDE = 1.025
_MOST_RECORDS = 200


def figures(config: Config, result: Result) -> list[Figure]:
    """Budgets, courses, variance, cosines, reading, failures, sizes and the other arms."""
    data: Any = result.data
    arms = data["arms"]
    return [
        _budgets(config, data),
        sae_maps.variance(config, result),
        sae_maps.matrix(config, result),
        _reading(config, data),
        _courses(config, arms["architectures"]),
        sae_maps.features(result),
        sae_maps.latents(result),
        _sizes(config, arms["sizes"]),
        _sparsities(config, arms["sparsities"]),
        _dictionaries(config, arms["dictionaries"]),
        _families(arms["families"]),
    ]


def _recovered(figure: PlotlyFigure, *, axis: str = "y") -> None:
    title = "features recovered"
    if axis == "y":
        figure.update_yaxes(title=title, tickformat=".0%", range=[-0.03, 1.03])
    else:
        figure.update_xaxes(title=title, tickformat=".0%", range=[0, 1.03])


def _series(
    figure: PlotlyFigure, place: int, count: int, x: Any, effects: Any, name: str, unit: str
) -> None:
    """A line with intervals, put a little aside, as its neighbours have the same x."""
    colour, symbol = sae_looks.symbol(place)
    aside = _ASIDE ** (place - (count - 1) / 2)
    figure.add_scatter(
        x=(np.array(x, np.float64) * aside).astype(np.float32),
        y=sae_looks.means(effects),
        error_y=sae_looks.bars(effects),
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "symbol": symbol, "size": 9},
        name=name,
        customdata=np.array(x, np.float64),
        hovertemplate=f"{name}, %{{customdata:,}} {unit}: %{{y:.1%}}<extra></extra>",
    )


def _budgets(config: Config, data: Any) -> Figure:
    import plotly.graph_objects as go

    rows = data["arms"]["architectures"]
    by: dict[str, list[Any]] = {}
    for row in rows:
        by.setdefault(row["architecture"], []).append(row)
    figure = go.Figure()
    for place, (architecture, found) in enumerate(by.items()):
        _series(
            figure,
            place,
            len(by),
            [row["samples"] for row in found],
            [row["recovery"] for row in found],
            NAMES[architecture],
            "samples",
        )
    chance = data.get("theory", {}).get("chance")
    for level, colour, dash, words in (
        (_QUOTED, theme.REFERENCE, "dash", "“a quarter of cases”: another measure"),
        (chance, theme.RANDOM, "dot", "random directions"),
    ):
        if level is None:
            continue
        figure.add_hline(y=level, line={"color": colour, "width": 2, "dash": dash})
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="right",
            y=level,
            yanchor="bottom",
            text=words,
            showarrow=False,
        )
    sizes = sorted({row["samples"] for row in rows})
    figure.update_xaxes(
        title="samples of the training",
        type="log",
        tickvals=sizes,
        ticktext=[_short(size) for size in sizes],
    )
    _recovered(figure)
    figure.update_layout(height=520)
    last = sae_looks.longest(rows)
    best = max(last, key=lambda row: row["recovery"]["mean"])
    least = min(last, key=lambda row: row["recovery"]["mean"])
    said = (
        f"After {best['samples']:,} samples {_named(best)} recovers "
        f"{sae_looks.percent(best['recovery'])}"
        + (f", {_named(least)} {sae_looks.percent(least['recovery'])}" if least != best else "")
    )
    return Figure(
        "budgets",
        "Recovery over samples seen",
        figure,
        f"N = {config.features:,} features in d = {config.dim:,} dimensions, k = {config.active} "
        f"on: the share with a latent of their own at a cosine above {THRESHOLD:g}, mean over "
        f"{config.seeds} seeds with 95% intervals, points a little aside. k is known to those "
        f"that keep the largest activations, the others' penalties are settings. {said}. Dashed: "
        "the quarter of cases that popular accounts quote, which is not comparable: it is about "
        "attribution graphs of one production model (Lindsey et al. 2025).",
    )


def _named(row: Any) -> str:
    return sae_looks.label("architectures", row)


def _short(count: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)


def _courses(config: Config, rows: Any) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    last = sae_looks.longest(rows)
    for place, row in enumerate(last):
        colour, _ = sae_looks.symbol(place)
        course = np.mean(row["course"], axis=0)
        at = row["samples"] * np.arange(1, len(course) + 1) / len(course)
        kept = np.linspace(0, len(course) - 1, min(len(course), _MOST_RECORDS)).round().astype(int)
        figure.add_scatter(
            x=at[kept].astype(np.float32),
            y=course[kept].astype(np.float32),
            mode="lines+markers" if len(course) < 3 else "lines",
            line={"color": colour, "width": 2, "dash": _DASHES[place % len(_DASHES)]},
            name=_named(row),
            hovertemplate=f"{_named(row)}, %{{x:,.0f}} samples: %{{y:.1%}}<extra></extra>",
        )
    whole = last[0]["samples"]
    for share, height, words in (
        (config.growth, 0.02, "full pressure"),
        (1 - config.fall, 0.1, "rate falls"),
    ):
        if not 0 < share < 1:
            continue
        figure.add_vline(x=share * whole, line={"color": theme.RANDOM, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=share * whole,
            y=height,
            yanchor="bottom",
            xanchor="left" if share < 0.75 else "right",
            text=words,
            showarrow=False,
        )
    figure.update_xaxes(title="samples seen", range=[0, 1.03 * whole], exponentformat="SI")
    figure.update_layout(height=440)
    figure.update_yaxes(title="features with a latent near", tickformat=".0%", range=[-0.03, 1.03])
    return Figure(
        "courses",
        "Recovery within the longest training",
        figure,
        f"The share of features with any latent at a cosine above {THRESHOLD:g}, mean over seeds. "
        f"The pressure to be sparse grows over the first {config.growth:.0%} of the steps, and the "
        f"learning rate falls to 0 over the last {config.fall:.0%}: dotted lines.",
    )


_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def _sideways(figure: PlotlyFigure, names: list[str], effects: Any, name: str, colour: str) -> None:
    figure.add_bar(
        orientation="h",
        y=names,
        x=sae_looks.means(effects),
        error_x=sae_looks.bars(effects) | {"color": theme.THEORY},
        marker={"color": colour},
        name=name,
        hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<extra></extra>",
    )


def _listed(figure: PlotlyFigure, rows: int) -> None:
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", type="category")
    figure.update_layout(height=150 + rows, bargap=0.25, bargroupgap=0.08)


def _reading(config: Config, data: Any) -> Figure:
    import plotly.graph_objects as go

    last = sae_looks.longest(data["arms"]["architectures"])
    names = [_named(row) for row in last]
    figure = go.Figure()
    for key, name, colour in (
        ("latent_reading", "best latent", theme.MEASURED),
        ("neuron_reading", "best neuron", theme.UPPER),
    ):
        _sideways(figure, names, [row[key] for row in last], name, colour)
    law = data.get("theory", {}).get("neuron")
    if law is not None:
        figure.add_vline(
            x=law,
            line={"color": theme.THEORY, "width": 2, "dash": "dot"},
            name="theory: best neuron, random directions",
            showlegend=True,
        )
    figure.update_xaxes(
        title="share of a feature's variance read", tickformat=".0%", range=[0, 1.03]
    )
    _listed(figure, 48 * len(last))
    first = last[0]
    return Figure(
        "reading",
        "What one unit tells of a feature",
        figure,
        "For each feature, the unit whose activation explains most of the variance of the "
        "feature's amplitude (squared correlation); mean over features, after "
        f"{first['samples']:,} samples, with 95% intervals over seeds. "
        f"{_named(first)}: {sae_looks.percent(first['latent_reading'])} by the best of its "
        f"latents, {sae_looks.percent(first['neuron_reading'])} by the best of {config.dim} "
        "neurons.",
    )


def _sizes(config: Config, rows: Any) -> Figure:
    import plotly.graph_objects as go

    by: dict[int, list[Any]] = {}
    for row in sorted(rows, key=lambda row: (row["on"], row["ratio"])):
        by.setdefault(row["on"], []).append(row)
    figure = go.Figure()
    for place, (on, found) in enumerate(by.items()):
        _series(
            figure,
            place,
            len(by),
            [row["ratio"] for row in found],
            [row["recovery"] for row in found],
            f"k = {on}",
            "features per dimension",
        )
    ratios = sorted({row["ratio"] for row in rows})
    figure.update_xaxes(
        title="features per dimension, N/d",
        type="log",
        tickvals=ratios,
        ticktext=[f"{ratio:g}" for ratio in ratios],
    )
    _recovered(figure)
    best = max(rows, key=lambda row: row["recovery"]["mean"])
    least = min(rows, key=lambda row: row["recovery"]["mean"])
    return Figure(
        "sizes",
        "Crowding, and how many are on at once",
        figure,
        f"{NAMES[config.architectures[0]]} after {rows[0]['samples']:,} samples in "
        f"d = {config.dim}, given the true k; 95% intervals over seeds, points a little aside. "
        f"Most at {sae_looks.label('sizes', best)}, {sae_looks.percent(best['recovery'])}; least "
        f"at {sae_looks.label('sizes', least)}, {sae_looks.percent(least['recovery'])}. In a "
        "sample k of N features are on, so with more of them on each is seen more often.",
    )


def _sparsities(config: Config, rows: Any) -> Figure:
    import plotly.graph_objects as go

    numbers = [row["number"] for row in rows]
    figure = go.Figure()
    for key, name, colour, symbol in (
        ("recovery", "features recovered", theme.MEASURED, "circle"),
        ("explained", "variance explained", theme.LOWER, "square"),
    ):
        effects = [row[key] for row in rows]
        figure.add_scatter(
            x=numbers,
            y=sae_looks.means(effects),
            error_y=sae_looks.bars(effects),
            mode="lines+markers",
            line={"color": colour},
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=name,
            hovertemplate=f"%{{x}} given: {name} %{{y:.1%}}<extra></extra>",
        )
    figure.add_vline(x=config.active, line={"color": theme.THEORY, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=config.active, y=0.02, yanchor="bottom", xanchor="left", text=" true k", showarrow=False
    )
    figure.update_xaxes(title="latents active in a sample, as given", tickvals=numbers)
    figure.update_yaxes(title="share", tickformat=".0%", range=[-0.03, 1.03])
    best = max(rows, key=lambda row: row["recovery"]["mean"])
    closest = max(rows, key=lambda row: row["explained"]["mean"])
    return Figure(
        "sparsities",
        "The wrong number of active latents",
        figure,
        f"{NAMES[config.architectures[0]]} after {rows[0]['samples']:,} samples, "
        f"k = {config.active}; 95% intervals over seeds. Most features are recovered with "
        f"{best['number']} given, {sae_looks.percent(best['recovery'])}; most variance is "
        f"explained with {closest['number']}, {sae_looks.percent(closest['explained'])}.",
    )


def _dictionaries(config: Config, rows: Any) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    names = [row["kind"] for row in rows]
    _sideways(figure, names, [row["recovery"] for row in rows], "recovered", theme.MEASURED)
    _recovered(figure, axis="x")
    _listed(figure, 40 * len(rows))
    counts = ", ".join(f"{sae_looks.count(row['hidden'])} of {row['kind']}" for row in rows)
    return Figure(
        "dictionaries",
        "Recovery by the kind of dictionary",
        figure,
        f"{NAMES[config.architectures[0]]} after {rows[0]['samples']:,} samples, "
        f"95% intervals over seeds. Sought are the features that are represented: {counts}."
        + (
            " The trained ones are what a toy model of superposition made of its features."
            if "trained" in names
            else ""
        ),
    )


def _families(rows: Any) -> Figure:
    import plotly.graph_objects as go

    names = [_named(row) for row in rows]
    figure = go.Figure()
    for key, name, colour in (
        ("parents", "parents recovered", theme.MEASURED),
        ("children", "children recovered", theme.LOWER),
        ("absorbed", "parents absorbed", theme.UPPER),
    ):
        _sideways(figure, names, [row[key] for row in rows], name, colour)
    figure.update_xaxes(title="share", tickformat=".0%", range=[0, 1.03])
    _listed(figure, 90 * len(rows))
    said = "; ".join(
        f"{name}: {sae_looks.percent(row['parents'])}, {sae_looks.percent(row['children'])}, "
        f"{sae_looks.percent(row['absorbed'])}"
        for name, row in zip(names, rows, strict=True)
    )
    return Figure(
        "families",
        "Parents and children",
        figure,
        "A child is on only with its parent. A parent is absorbed where its own latent stays "
        "silent while a latent of its child stands in. Parents recovered, children recovered, "
        f"parents absorbed, with 95% intervals over seeds. {said}.",
    )
