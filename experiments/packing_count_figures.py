"""The figures of the packing experiment's second question: n lines, as far apart as can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import packing_space
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.packing_question import answers_of

__all__ = ["figures"]

# Of lines with such pairs and without, where the closest pairs are no contacts and where they are.
_NAMES = (
    ("line of a closest pair", "line of none"),
    ("line with contacts", "rattler, a line without"),
)


def figures(_config: object, result: Result) -> list[Figure]:
    """Other numbers of lines, the lines, their contacts, all cosines, the optimiser's rounds."""
    drawn: list[Figure] = []
    arrays = result.arrays
    for one in answers_of(result):
        dim = one["dim"]
        drawn.append(_around(one, arrays[f"around_{dim}"]))
        if f"lines_{dim}" in arrays:
            drawn.append(packing_space.lines(arrays[f"lines_{dim}"], arrays.get(f"contacts_{dim}")))
        if f"contacts_{dim}" in arrays:
            drawn.append(_contacts(one, arrays[f"places_{dim}"], arrays[f"contacts_{dim}"]))
        if f"sorted_{dim}" in arrays:
            drawn.append(_cosines(one, arrays[f"sorted_{dim}"]))
        if len(arrays.get(f"rounds_{dim}", ())) > 1:
            drawn.append(_rounds(one, arrays[f"rounds_{dim}"]))
        if len(arrays.get(f"ends_{dim}", ())) > 1:
            drawn.append(_ends(one, arrays[f"ends_{dim}"]))
    return drawn


def _degrees(cosine: Any) -> NDArray[np.float32]:
    degrees = np.degrees(np.arccos(np.minimum(np.asarray(cosine, np.float64), 1.0)))
    return np.asarray(degrees, np.float32)


def _around(one: dict[str, Any], curve: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim, count = one["dim"], one["count"]
    lines, known, bound = curve.T
    hover = "%{x:,} lines: %{y:.4f}°<extra></extra>"
    figure = go.Figure()
    for values, name, colour in (
        (bound, "no more is possible (theorem)", theme.UPPER),
        (known, "catalogue (explicit packings)", theme.LOWER),
    ):
        figure.add_scatter(
            x=lines,
            y=_degrees(values),
            mode="lines+markers",
            name=name,
            line={"color": colour},
            hovertemplate=hover,
        )
    figure.add_scatter(
        x=[count],
        y=[one["angle_degrees"]],
        mode="markers",
        name="the answer",
        marker={"color": theme.HIGHLIGHT, "size": 12, "symbol": "diamond"},
        hovertemplate=hover,
    )
    figure.update_xaxes(title="number of lines n")
    figure.update_yaxes(title="angle between the closest two, degrees")
    caption = (
        f"How far apart n lines of {dim} dimensions can be: below the blue curve the catalogue has "
        "explicit lines, and above the orange one none can exist."
    )
    if one["method"] == "optimiser":
        caption += " The optimiser's answer to the question asked stands above the blue curve."
    return Figure(f"around-{dim}", f"Other numbers of lines, d = {dim}", figure, caption)


def _contacts(one: dict[str, Any], places: NDArray[np.float64], pairs: NDArray[np.int64]) -> Figure:
    import plotly.graph_objects as go

    count, held = len(places), one["contacts"]["rattlers"] is not None
    path = np.full((len(pairs), 3, 2), np.nan, np.float32)
    path[:, :2] = places[pairs]
    x, y = path.reshape(-1, 2).T
    figure = go.Figure(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            name="two lines at the smallest angle" if held else "two of the closest lines",
            line={"color": theme.LOWER, "width": 1},
            hoverinfo="skip",
        )
    )
    degree = np.bincount(pairs.ravel(), minlength=count)
    what = "contacts" if held else "closest pairs"
    for chosen, name, colour, symbol in (
        (degree > 0, _NAMES[held][0], theme.HIGHLIGHT, "circle"),
        (degree == 0, _NAMES[held][1], theme.REFERENCE, "circle-open"),
    ):
        if chosen.any():
            figure.add_scatter(
                x=places[chosen, 0].astype(np.float32),
                y=places[chosen, 1].astype(np.float32),
                mode="markers",
                name=name,
                marker={"color": colour, "symbol": symbol, "size": 9},
                text=[f"line {k}: {degree[k]} {what}" for k in np.flatnonzero(chosen)],
                hovertemplate="%{text}<extra></extra>",
            )
    hidden = {"showgrid": False, "zeroline": False, "showline": False, "showticklabels": False}
    figure.update_xaxes(range=[-1.1, 1.1], ticks="", **hidden)
    figure.update_yaxes(range=[-1.1, 1.1], ticks="", scaleanchor="x", **hidden)
    figure.update_layout(height=480)
    least, most = int(degree.min()), int(degree.max())
    each = f"every line has {least}" if least == most else f"a line has {least} to {most}"
    edges = "an edge for the pair" if len(pairs) == 1 else f"edges for the {len(pairs):,} pairs"
    caption = (
        f"Points stand for the {count} lines, {edges} at the smallest angle, to "
        f"{one['contacts']['tolerance']:g} in |cos|; {each}. The places on the circle "
        "only keep edges short."
    )
    if not held:
        caption += f" They need not hold each other: the lines are {one['contacts']['reason']}."
    title = "Contacts" if held else "Closest pairs"
    return Figure(f"contacts-{one['dim']}", f"{title}, d = {one['dim']}", figure, caption)


def _cosines(one: dict[str, Any], curve: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim = one["dim"]
    share, values, law = curve.T.astype(np.float32)
    figure = go.Figure()
    figure.add_scatter(
        x=share,
        y=law,
        mode="lines",
        name="random directions (exact law)",
        line={"color": theme.RANDOM},
        hovertemplate="random: %{y:.4f}<extra></extra>",
    )
    figure.add_scatter(
        x=share,
        y=values,
        mode="lines+markers" if len(share) < 200 else "lines",
        name="these lines",
        line={"color": theme.LOWER, "shape": "hvh"},
        marker={"size": 4},
        hovertemplate="%{x:.1%} of the pairs are below %{y:.6f}<extra></extra>",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[one["bound"]] * 2,
        mode="lines",
        name="the largest is this at least (theorem)",
        line={"color": theme.UPPER, "dash": "dash"},
        hovertemplate="bound %{y:.6f}<extra></extra>",
    )
    figure.update_xaxes(title="share of the pairs, in order of |cos|", tickformat=".0%")
    figure.update_yaxes(title="|cos| between two lines", rangemode="tozero")
    caption = (
        "|cos| over pairs of the lines, sorted: the right end is the largest of them. Where the "
        f"curve is flat many pairs share one angle. Of {one['count']:,} lines some pair must reach "
        "the dashed line."
    )
    return Figure(f"sorted-{dim}", f"All pairs, d = {dim}", figure, caption)


def _ends(one: dict[str, Any], ends: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim, found = one["dim"], one["optimiser"]
    place = np.arange(1, len(ends) + 1)
    figure = go.Figure(
        go.Scatter(
            x=place,
            y=_degrees(np.sort(ends)),
            mode="markers",
            name="where a start ended",
            marker={"color": theme.MEASURED, "size": 5},
            hovertemplate="start %{x}: %{y:.4f}°<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[1, len(ends)],
        y=[found["angle_degrees"]] * 2,
        mode="lines",
        name="the best",
        line={"color": theme.HIGHLIGHT, "dash": "dash"},
        hovertemplate="%{y:.6f}°<extra></extra>",
    )
    figure.update_xaxes(title="starts, the best first")
    figure.update_yaxes(title="angle between the closest two, degrees")
    near = int(np.count_nonzero(_degrees(ends) > found["angle_degrees"] - 0.01))
    caption = (
        "Where each start ended: a step is a local optimum, as wide as many starts ended there. "
        f"Within 0.01° of the best: {near:,} of {len(ends):,}."
    )
    return Figure(f"ends-{dim}", f"Local optima, d = {dim}", figure, caption)


def _rounds(one: dict[str, Any], best: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim, rounds = one["dim"], np.arange(1, len(best) + 1)
    figure = go.Figure(
        go.Scatter(
            x=rounds,
            y=_degrees(best),
            mode="lines+markers",
            name="optimiser, best so far",
            line={"color": theme.MEASURED, "shape": "hv"},
            hovertemplate="round %{x}: %{y:.6f}°<extra></extra>",
        )
    )
    ends = [1, len(best)]
    catalogue = one["catalogue"]["angle_degrees"]
    for value, name, colour in (
        (one["bound_angle_degrees"], "no more is possible (theorem)", theme.UPPER),
        (catalogue, "catalogue", theme.LOWER),
    ):
        if value is not None:
            figure.add_scatter(
                x=ends,
                y=[value, value],
                mode="lines",
                name=name,
                line={"color": colour, "dash": "dash"},
                hovertemplate="%{y:.6f}°<extra></extra>",
            )
    figure.update_xaxes(title="rounds of starts", dtick=max(1, math.ceil(len(best) / 10)))
    figure.update_yaxes(title="angle between the closest two, degrees")
    first = int(np.argmax(best <= best[-1] + 1e-9)) + 1
    caption = (
        "The best angle after each round of starts. The last value was first reached, to "
        f"1e-9 in |cos|, in round {first} of {len(best)}."
    )
    return Figure(f"rounds-{dim}", f"The optimiser's rounds, d = {dim}", figure, caption)
