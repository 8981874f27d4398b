"""The figures of the steering report; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.steering_recovered import ARM, LEAST

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

__all__ = ["figures"]

_ARMS = {
    "true direction": theme.MEASURED,
    "dual direction": theme.LOWER,
    ARM: theme.HIGHLIGHT,
    "best neuron": theme.UPPER,
    "random direction": theme.RANDOM,
}
_KINDS = {
    "random": theme.RANDOM,
    "tight": theme.HIGHLIGHT,
    "packing": theme.LOWER,
    "trained": theme.REFERENCE,
}
_SYMBOLS = {
    "random": "circle",
    "tight": "square-open",
    "packing": "diamond-open",
    "trained": "triangle-up-open",
}


def figures(_config: object, result: Result) -> list[Figure]:
    """Dose and response; selectivity, collateral, what recovered directions keep; the first on."""
    found = [_arms(result), _kinds(result), _selectivity(result), _collateral(result)]
    if any(f"{name}:kept" in result.arrays for name in _rows(result)):
        found.append(_kept(result))
    return [*found, _first(result)]


def _rows(result: Result) -> Any:
    data: Any = result.data
    return data["dictionaries"]


def _response(
    figure: PlotlyFigure, scales: Any, rows: Any, name: str, colour: str, *, open_: bool = False
) -> None:
    means = np.array([row["mean"] for row in rows], np.float32)
    figure.add_scatter(
        x=np.array(scales, np.float32),
        y=means,
        error_y=theme.error_bars(
            means, [row["interval"][0] for row in rows], [row["interval"][1] for row in rows]
        ),
        mode="lines+markers",
        marker={"size": 9, "symbol": "diamond-open"} if open_ else {"size": 5},
        line={"color": colour, "dash": "dot" if open_ else "solid"},
        name=name,
    )


def _theory(figure: PlotlyFigure, data: Any) -> None:
    figure.add_scatter(
        x=np.array(data["scales"], np.float32),
        y=np.array(data["theory"]["on"], np.float32),
        mode="lines",
        line={"color": theme.THEORY, "width": 1, "dash": "dash"},
        name="theory, random directions",
    )


def _dressed(figure: PlotlyFigure) -> None:
    figure.add_vline(x=10, line={"color": theme.GRID, "width": 1})
    figure.update_xaxes(title="scale s")
    figure.update_yaxes(title="share of other features on", tickformat=".0%", rangemode="tozero")


def _arms(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    name, row = next(iter(data["dictionaries"].items()))
    figure = go.Figure()
    # The recovered direction last, over the true one that it may cover.
    for arm in sorted(row["arms"], key=lambda arm: arm == ARM):
        _response(
            figure,
            data["scales"],
            row["arms"][arm]["on"],
            arm,
            _ARMS.get(arm, theme.REFERENCE),
            open_=arm == ARM,
        )
    _theory(figure, data)
    _dressed(figure)
    return Figure(
        "arms",
        f"Dose and response, by what is written along ({name})",
        figure,
        "All steps raise the target's reading to s times its activation; the share of other "
        "features whose reading rises by more than the threshold, with 95% intervals over "
        "dictionaries. Along its own direction, or the dual one, others come on as their cosines "
        "with it allow; a neuron, or a random direction, has to be pushed the harder the less of "
        f"it the target uses, and turns on what else it points to.{_covers(row)}",
    )


def _covers(row: Any) -> str:
    """How far the recovered direction is from the true one at the largest scale."""
    if ARM not in row["arms"]:
        return ""
    own, found = (row["arms"][arm]["on"][-1]["mean"] for arm in ("true direction", ARM))
    return (
        f" Open diamonds: the direction of the picked latent, recovered or not; at the largest "
        f"scale it has {found:.1%} of the others on, the true one {own:.1%}."
    )


def _kinds(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        _response(
            figure,
            data["scales"],
            row["arms"]["true direction"]["on"],
            name,
            _KINDS.get(name, theme.MEASURED),
        )
    _theory(figure, data)
    _dressed(figure)
    return Figure(
        "kinds",
        "Dose and response along the true direction, by dictionary",
        figure,
        "A feature comes on at s = 1 + θ/(aG), G its cosine with the target: none before the "
        "largest G allows, which packings make small. Where cosines are of few sizes, as in many "
        "packings, many come on together; random directions let single ones through early.",
    )


def _by_arm(figure: PlotlyFigure, arms: Any, what: str, name: str) -> None:
    rows = [one[what] for one in arms.values()]
    figure.add_scatter(
        x=list(arms),
        y=np.array([row["mean"] for row in rows], np.float32),
        error_y=theme.row_bars(rows),
        mode="markers",
        marker={
            "color": _KINDS.get(name, theme.MEASURED),
            "size": 10,
            "symbol": _SYMBOLS.get(name, "circle"),
            "line": {"width": 2},
        },
        name=name,
    )


def _selectivity(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    theory = data["theory"]
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        _by_arm(figure, row["arms"], "selectivity", name)
    for level, words in (
        (theory["tight"], "d/N"),
        (theory["neuron"], "best of d neurons"),
        (theory["chance"], "1/N"),
    ):
        figure.add_hline(y=level, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
        # On a log axis lines are placed by value and words by its logarithm.
        figure.add_annotation(
            x=0.01,
            xref="paper",
            xanchor="left",
            y=float(np.log10(level)),
            yanchor="bottom",
            text=words,
            showarrow=False,
        )
    figure.update_yaxes(title="share of energy at the target", type="log", dtick=1)
    return Figure(
        "selectivity",
        "Selectivity: how much of the step arrives at the target",
        figure,
        "The target's share of the squared change of all readings, mean over targets, with 95% "
        "intervals over dictionaries. Dotted: "
        "d/N, the most that N features in d dimensions allow on average; the best of d neurons of "
        "random directions; and chance.",
    )


def _collateral(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name, row in data["dictionaries"].items():
        _by_arm(figure, row["arms"], "collateral", name)
    figure.add_hline(y=1, line={"color": theme.THEORY, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="others' rms change over the target's", type="log", dtick=1)
    return Figure(
        "collateral",
        "Collateral: how far the others move when the target moves by 1",
        figure,
        "The rms change of the other readings, median over targets, with 95% intervals over "
        "dictionaries. Of all directions the dual "
        "one moves the others least. Dotted: as far as the target itself.",
    )


def _kept(result: Result) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    lowest = 1.0
    for name in _rows(result):
        if f"{name}:kept" not in result.arrays:
            continue
        cosines, kept = result.arrays[f"{name}:cosine"], result.arrays[f"{name}:kept"]
        lowest = min(lowest, float(cosines.min()))
        figure.add_scatter(
            x=cosines.astype(np.float32),
            y=kept.astype(np.float32),
            mode="markers",
            marker={"color": _KINDS.get(name, theme.MEASURED), "size": 7, "opacity": 0.6},
            name=name,
        )
    # A little room at either end.
    cosines = np.linspace(max(lowest - 0.05, -1), 1, 200)
    figure.add_scatter(
        x=cosines.astype(np.float32),
        y=(cosines**2).astype(np.float32),
        mode="lines",
        line={"color": theme.THEORY, "width": 1.5, "dash": "dash"},
        name="theory, tight frame: c²",
    )
    figure.add_vline(x=LEAST, line={"color": theme.RANDOM, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="cosine of the picked latent with the true direction")
    figure.update_yaxes(title="selectivity over the true one's", rangemode="tozero")
    return Figure(
        "kept",
        "What the recovered direction keeps of the true one's selectivity",
        figure,
        "A point is a target of one dictionary of each kind, with the latent matched to it or else "
        "the nearest. In a tight frame the share kept is the square of the cosine, whatever the "
        "error; elsewhere it depends on where the error points. Dotted: the cosine past which a "
        "latent counts as recovering its feature.",
    )


def _first(result: Result) -> Figure:
    import plotly.graph_objects as go

    data: Any = result.data
    figure = go.Figure()
    for name in data["dictionaries"]:
        values = np.sort(result.arrays[f"{name}:first"])
        figure.add_scatter(
            x=values.astype(np.float32),
            y=(np.arange(1, len(values) + 1) / len(values)).astype(np.float32),
            mode="lines",
            line={"color": _KINDS.get(name, theme.MEASURED), "shape": "hv"},
            name=name,
        )
    figure.update_xaxes(title="scale s of the first false activation")
    figure.update_yaxes(title="share of targets", tickformat=".0%", range=[0, 1.02])
    return Figure(
        "first",
        "When the first other feature comes on",
        figure,
        "Over targets, in one dictionary of each kind: s* = 1 + θ/(a max G), its largest cosine "
        "with another direction deciding, cut at a million where nothing ever comes on. Steep "
        "where all targets have the same largest cosine, as in many packings.",
    )
