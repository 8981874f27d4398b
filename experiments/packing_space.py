"""The lines of a packing in the plane or in space, and which of them are closest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness import theme
from experiments.harness.experiment import Figure

__all__ = ["lines"]

_ARC_POINTS = 9


def lines(vectors: NDArray[np.float64], contacts: NDArray[np.int64] | None = None) -> Figure:
    """Lines along unit `vectors` `[n, d]`, d = 2 or 3; arcs join the `contacts` `[m, 2]`."""
    import plotly.graph_objects as go

    dim = vectors.shape[1]
    title = "The line" if len(vectors) == 1 else f"The {len(vectors)} lines"
    caption = f"Each line crosses the unit {'sphere' if dim == 3 else 'circle'} twice."
    trace = go.Scatter3d if dim == 3 else go.Scatter
    figure = go.Figure(
        trace(
            **_axes(_broken(np.stack([-vectors, vectors], axis=1))),
            mode="lines+markers",
            name="lines of the packing",
            line={"color": theme.LOWER},
            marker={"color": theme.HIGHLIGHT, "size": 5},
            hoverinfo="skip",
        )
    )
    if contacts is not None and len(contacts):
        figure.add_trace(
            trace(
                **_axes(_broken(_arcs(vectors, contacts))),
                mode="lines",
                name="pairs at the smallest angle",
                line={"color": theme.MEASURED, "width": 5 if dim == 3 else 3},
                hoverinfo="skip",
            )
        )
        caption += " Arcs join lines at the smallest angle of all."
    figure.add_trace(
        trace(
            **_axes(_sphere() if dim == 3 else _broken(_circle()[None])),
            mode="lines",
            name="unit sphere" if dim == 3 else "unit circle",
            line={"color": theme.RANDOM, "width": 1},
            hoverinfo="skip",
        )
    )
    if dim == 2:
        figure.update_yaxes(scaleanchor="x", title="y")
        figure.update_xaxes(title="x", range=[-1.1, 1.1])
    figure.update_layout(height=460 if dim == 2 else 520)
    return Figure(f"lines-{dim}", title, figure, caption + (" Drag to turn." if dim == 3 else ""))


def _axes(points: NDArray[np.float64]) -> dict[str, Any]:
    return dict(zip("xyz", points.astype(np.float32).T, strict=False))


def _broken(paths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Paths `[m, k, d]` one after the other `[m (k + 1), d]`, gaps between them."""
    count, _, dim = paths.shape
    return np.concatenate([paths, np.full((count, 1, dim), np.nan)], axis=1).reshape(-1, dim)


def _arcs(vectors: NDArray[np.float64], contacts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shorter arcs between the ends of lines, at both ends `[2 m, points, d]`."""
    left, right = vectors[contacts[:, 0]], vectors[contacts[:, 1]]
    inner = np.einsum("md,md->m", left, right)[:, None]
    right = np.where(inner < 0, -right, right)
    share = np.linspace(0, 1, _ARC_POINTS)[None, :, None]
    path = (1 - share) * left[:, None] + share * right[:, None]
    path /= np.linalg.norm(path, axis=2, keepdims=True)
    return np.concatenate([path, -path])


def _circle() -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * math.pi, 97)
    return np.column_stack([np.cos(turn), np.sin(turn)])


def _sphere() -> NDArray[np.float64]:
    """Circles of latitude and longitude, which stand for the sphere without hiding the lines."""
    cosine, sine = _circle().T
    circles = []
    for height in np.linspace(-0.75, 0.75, 5):
        ring = math.sqrt(1 - height**2)
        circles.append(np.stack([ring * cosine, ring * sine, 0 * cosine + height], 1))
    for angle in np.linspace(0, math.pi, 6, endpoint=False):
        circles.append(np.stack([cosine * math.cos(angle), cosine * math.sin(angle), sine], 1))
    return _broken(np.stack(circles))
