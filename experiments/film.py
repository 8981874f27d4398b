"""One training watched: frame by frame, with a slider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness import theme
from experiments.harness.experiment import Figure

__all__ = ["film", "slider"]


def film(arrays: Mapping[str, NDArray[Any]]) -> Figure:
    """Return the film of W: `frames` `[f, n, m]` at times `clock` `[f]`, after `steps` `[f]`.

    The first frame is the start.  `threshold` is that of a carried feature.
    """
    import plotly.graph_objects as go

    frames = arrays["frames"]
    clock, steps = arrays["clock"], arrays["steps"]
    final = np.abs(frames[-1])
    features = np.arange(final.shape[0])
    winners = final.argmax(axis=1)
    load = (final > float(arrays["threshold"])).sum(axis=0)
    shared = load[winners] >= 2
    largest = np.abs(frames[0]).argmax(axis=1)
    met = np.array([(largest == place).sum() > 1 for place in largest])
    figure = go.Figure()
    last = len(frames) - 1
    for place, frame in enumerate(frames):
        figure.add_heatmap(
            z=frame,
            zmin=-1,
            zmax=1,
            coloraxis="coloraxis",
            visible=place == last,
            hovertemplate="feature %{y}, neuron %{x}: %{z:.3f}<extra></extra>",
        )
    for chosen, colour, symbol, name in (
        (~shared, theme.THEORY, "square-open", "ends alone on its neuron"),
        (shared, theme.REFERENCE, "diamond-open", "ends on a shared neuron"),
    ):
        figure.add_scatter(
            x=winners[chosen].astype(np.float32),
            y=features[chosen].astype(np.float32),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2}},
            name=name,
        )
    figure.add_scatter(
        x=largest[met].astype(np.float32),
        y=features[met].astype(np.float32),
        mode="markers",
        marker={"color": theme.HIGHLIGHT, "symbol": "circle-open", "size": 16},
        name="largest weights meet at the start",
    )
    figure.update_layout(
        coloraxis={
            "cmin": -1,
            "cmax": 1,
            "colorscale": [list(stop) for stop in theme.DIVERGING],
            "colorbar": {"title": {"text": "weight"}},
        },
        legend={"y": 1.3},
        sliders=[
            slider(
                [f"{at:.2f}, step {step:,}" for at, step in zip(clock, steps, strict=True)], "λt = "
            )
        ],
        height=520,
    )
    figure.update_xaxes(title="neuron")
    figure.update_yaxes(title="feature", dtick=1)
    return Figure(
        "film",
        "One training, watched",
        figure,
        f"W from the start to {steps[-1]:,} steps; the slider goes through λt, the clock on which "
        "weights vanish. Boxes mark where each feature ends, circles where largest weights of two "
        "features met at the start. Weights shrink together until one is left "
        "in each row; a neuron that ends with two features holds one positive and one negative "
        "weight.",
    )


def slider(labels: Sequence[str], prefix: str) -> dict[str, Any]:
    """Return Plotly's slider that shows one of the first traces of a figure, one for each label.

    The last is shown at first, and should be the only visible one of them.
    """
    count = len(labels)
    return {
        "active": count - 1,
        "pad": {"t": 46},
        # Labels of all frames would cover each other; the current one is shown.
        "font": {"color": "rgba(0,0,0,0)"},
        "currentvalue": {"prefix": prefix, "font": {"color": theme.THEORY}},
        "bordercolor": theme.RANDOM,
        "bgcolor": theme.SURFACE,
        "tickcolor": theme.RANDOM,
        "steps": [
            {
                "method": "restyle",
                "label": label,
                "args": [
                    {"visible": [other == place for other in range(count)]},
                    list(range(count)),
                ],
            }
            for place, label in enumerate(labels)
        ],
    }
