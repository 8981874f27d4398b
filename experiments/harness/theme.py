"""Colours by role and the Plotly template, for light and dark pages alike.

A figure names a role (`theme.LOWER`), never a hex colour.  The value is the colour on a light
page; the report's script exchanges it, with any alpha digits kept, for its dark twin when the
reader's screen is dark.  Hues follow Okabe and Ito, "Color Universal Design" (2008), darkened
or lightened until each has a contrast of at least 3:1 with its page, the WCAG 2.2 floor for
graphics (criterion 1.4.11), and any two stay apart under simulated red-green blindness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

LOWER: Final = "#0062b0"
"""What is proved possible: lower bounds, constructions."""
UPPER: Final = "#b03800"
"""What is proved impossible: upper bounds."""
MEASURED: Final = "#009e73"
"""Numbers that were measured or trained."""
HIGHLIGHT: Final = "#d55faa"
"""The one point or curve that the caption speaks of."""
REFERENCE: Final = "#b38600"
"""A published or popular value, for comparison."""
RANDOM: Final = "#5a616c"
"""A random baseline."""
THEORY: Final = "#1b1f25"
"""An exact law or prediction, drawn over the measurement."""

PAGE: Final = "#ffffff"
"""The page itself: gaps between bars, outlines of markers."""
SOFT_TEXT: Final = "#545d69"
GRID: Final = "#e3e7ec"
SURFACE: Final = "#f6f7f9"

DARK: Final[dict[str, str]] = {
    LOWER: "#3fa2ee",
    UPPER: "#f07238",
    MEASURED: "#3ad6a0",
    HIGHLIGHT: "#f79bd3",
    REFERENCE: "#ffd45c",
    RANDOM: "#7f8896",
    THEORY: "#eef1f5",
    PAGE: "#14171c",
    SOFT_TEXT: "#a9b3c0",
    GRID: "#2e353f",
    SURFACE: "#1b1f26",
    "#eef4f9": "#1d2733",
    "#8fbfe0": "#2f6f9e",
    "#f4f2ef": "#23272e",
    "#003a5c": "#d3ecff",
}
"""The dark twin of every light colour, the inner stops of the colour scales included."""

COLOURS: Final = (LOWER, UPPER, MEASURED, HIGHLIGHT, REFERENCE, RANDOM)
"""The order in which traces without a role take colours."""

SEQUENTIAL: Final = ((0.0, "#eef4f9"), (0.35, "#8fbfe0"), (0.7, LOWER), (1.0, "#003a5c"))
"""Colour scale for magnitudes: fades into the page at zero, in light and in dark."""
DIVERGING: Final = ((0.0, LOWER), (0.5, "#f4f2ef"), (1.0, UPPER))
"""Colour scale for signed values: blue below zero, vermilion above."""

FONT: Final = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
"""The reader's own sans-serif: nothing is loaded."""


def faint(colour: str) -> str:
    """Return the colour at 18% opacity, for bands and fills under a curve of the same role."""
    return f"{colour}2e"


def error_bars(middle: ArrayLike, low: ArrayLike, high: ArrayLike) -> dict[str, Any]:
    """Return Plotly's `error_x` or `error_y` for intervals from `low` to `high` about `middle`."""
    centre, below, above = (np.asarray(value, np.float64) for value in (middle, low, high))
    return {
        "type": "data",
        "symmetric": False,
        "array": (above - centre).astype(np.float32),
        "arrayminus": (centre - below).astype(np.float32),
        "thickness": 1.5,
        "width": 3,
    }


def row_bars(
    rows: Sequence[Mapping[str, Any]], value: str = "mean", interval: str = "interval"
) -> dict[str, Any]:
    """Return the error bars of rows that hold a number and its interval under these keys."""
    low, high = zip(*(row[interval] for row in rows), strict=True) if rows else ((), ())
    return error_bars([row[value] for row in rows], low, high)


def symbols(settled: Iterable[bool], symbol: str = "circle") -> list[str]:
    """Return Plotly's markers of measurements: open where what was measured had not settled."""
    return [symbol if one else f"{symbol}-open" for one in settled]


def settings(*, dark: bool = False) -> dict[str, Any]:
    """Return the template as plain JSON values: keys `layout` and `data`."""

    def tone(colour: str) -> str:
        return DARK[colour] if dark else colour

    def scale(stops: tuple[tuple[float, str], ...]) -> list[list[float | str]]:
        return [[at, tone(colour)] for at, colour in stops]

    clear = "rgba(0,0,0,0)"
    text = {"color": tone(SOFT_TEXT)}
    axis = {
        "automargin": True,
        "gridcolor": tone(GRID),
        "zerolinecolor": tone(GRID),
        "zerolinewidth": 1,
        "linecolor": tone(RANDOM),
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": tone(RANDOM),
        "tickfont": text,
        "title": {"standoff": 10, "font": {"color": tone(THEORY)}},
        "exponentformat": "power",
        "minexponent": 4,
    }
    scene_axis = {
        "backgroundcolor": tone(SURFACE),
        "gridcolor": tone(GRID),
        "linecolor": tone(RANDOM),
        "zerolinecolor": tone(RANDOM),
        "showbackground": True,
        "tickfont": text,
        "title": {"font": {"color": tone(THEORY)}},
    }
    # A horizontal bar above the plot costs a phone no width.
    bar = {
        "orientation": "h",
        "x": 0.5,
        "xanchor": "center",
        "y": 1.02,
        "yanchor": "bottom",
        "thickness": 10,
        "len": 0.9,
        "outlinewidth": 0,
        "ticks": "",
        "tickfont": text,
        "title": {"side": "top"},
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": 13, "color": tone(THEORY)},
            "paper_bgcolor": clear,
            "plot_bgcolor": clear,
            "colorway": [tone(colour) for colour in COLOURS],
            "colorscale": {
                "sequential": scale(SEQUENTIAL),
                "sequentialminus": scale(SEQUENTIAL),
                "diverging": scale(DIVERGING),
            },
            "coloraxis": {"colorbar": bar},
            "margin": {"l": 8, "r": 16, "t": 12, "b": 8, "pad": 0},
            "legend": {
                "orientation": "h",
                "traceorder": "normal",
                "x": 0,
                "xanchor": "left",
                "y": 1.03,
                "yanchor": "bottom",
                "bgcolor": clear,
                "font": text,
            },
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": tone(SURFACE),
                "bordercolor": tone(RANDOM),
                "font": {"color": tone(THEORY), "family": FONT},
                "align": "left",
            },
            "modebar": {"bgcolor": clear, "color": tone(RANDOM), "activecolor": tone(THEORY)},
            "annotationdefaults": {"arrowcolor": tone(RANDOM), "font": text, "arrowwidth": 1},
            "shapedefaults": {"line": {"color": tone(RANDOM), "width": 1}},
            "bargap": 0.06,
            "xaxis": axis,
            "yaxis": axis,
            "scene": {
                "xaxis": scene_axis,
                "yaxis": scene_axis,
                "zaxis": scene_axis,
                "bgcolor": clear,
                "aspectmode": "data",
                # A little farther than Plotly's own 1.25, so that no corner is cut off.
                "camera": {"eye": {"x": 1.6, "y": 1.6, "z": 1.1}},
            },
        },
        "data": {
            "bar": [{"marker": {"line": {"width": 0}}}],
            "heatmap": [{"colorbar": bar, "colorscale": scale(SEQUENTIAL)}],
            "scatter": [{"line": {"width": 2}, "marker": {"size": 7}}],
            "scatter3d": [{"line": {"width": 4}, "marker": {"size": 4, "colorbar": bar}}],
            "surface": [{"colorbar": bar, "colorscale": scale(SEQUENTIAL)}],
        },
    }
