"""Figures of the autoencoder report that look at what was not recovered; no mathematics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import sae_looks
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.sae_arms import CROWDED
from experiments.sae_cells import THRESHOLD
from experiments.sae_config import NAMES

if TYPE_CHECKING:
    from experiments.sae_config import Config

__all__ = ["features", "latents", "matrix", "variance"]

_MOST = 100
"""Features, and neurons, in the maps of cosines: two squares of this side make 20,000 points."""
_SILENT = 100
"""Steps without firing after which a latent is dead."""
_LABELLED = 4
_ARMS = {
    "architectures": "architectures and budgets",
    "dictionaries": "dictionaries",
    "sparsities": "latents given",
    "sizes": "sizes",
    "families": "parents and children",
}
_FEATURES = {"recovered": theme.MEASURED, "merged": theme.UPPER, "missed": theme.RANDOM}
_LATENTS = {
    "recovering": theme.MEASURED,
    "split": theme.LOWER,
    "merged": theme.UPPER,
    "other": theme.REFERENCE,
    "dead": theme.RANDOM,
}


def variance(config: Config, result: Result) -> Figure:
    """Explained variance against recovery, every cell a point."""
    import plotly.graph_objects as go

    arms: Any = result.data["arms"]
    figure = go.Figure()
    places = [place for place in range(len(sae_looks.LOOKS)) if place != 2]
    for place, (arm, name) in zip(places, _ARMS.items(), strict=True):
        colour, symbol = sae_looks.symbol(place)
        rows = arms[arm]
        figure.add_scatter(
            x=sae_looks.means([row["explained"] for row in rows]),
            y=sae_looks.means([row["recovery"] for row in rows]),
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.75},
            name=name,
            text=[f"{sae_looks.label(arm, row)}, {row['samples']:,} samples" for row in rows],
            hovertemplate="%{text}: explained %{x:.1%}, recovered %{y:.1%}<extra></extra>",
        )
    weak = arms["penalties"]
    words = [f"{sae_looks.label('penalties', row)}: {_active(row)} active" for row in weak]
    figure.add_scatter(
        x=sae_looks.means([row["explained"] for row in weak]),
        y=sae_looks.means([row["recovery"] for row in weak]),
        error_y=sae_looks.bars([row["recovery"] for row in weak]),
        mode="markers",
        marker={"color": theme.HIGHLIGHT, "symbol": "diamond", "size": 12},
        name=f"ReLU at N/d = {CROWDED}, by penalty λ",
        text=words,
        hovertemplate="%{text}: explained %{x:.1%}, recovered %{y:.1%}<extra></extra>",
    )
    # Weak penalties meet at the bottom right: the farther right, the higher stand the words, so
    # that no line crosses them.
    labelled = sorted(zip(weak, words, strict=True), key=lambda pair: pair[0]["penalty"])
    labelled = sorted(labelled[:_LABELLED], key=lambda pair: pair[0]["explained"]["mean"])
    place = 0
    for row, text in labelled:
        low = row["recovery"]["mean"] < 0.5
        place += low
        figure.add_annotation(
            x=row["explained"]["mean"],
            y=row["recovery"]["mean"],
            text=text,
            ax=10 * (place - _LABELLED - 1) if low else -46,
            ay=2 - 26 * place if low else 24,
            xanchor="right",
            arrowhead=0,
            standoff=6,
        )
    figure.update_xaxes(title="explained variance", tickformat=".0%")
    figure.update_yaxes(title="features recovered", tickformat=".0%", range=[-0.04, 1.04])
    figure.update_layout(height=560)
    most = max(weak, key=lambda row: row["explained"]["mean"])
    return Figure(
        "variance",
        "High explained variance is not recovery",
        figure,
        "Every cell of every arm, means over seeds. A point at the bottom right restores "
        "the input well from latents that are not the features. Of the ReLU ones at "
        f"N/d = {CROWDED}, that with λ = {most['penalty']:g} explains most: "
        f"{sae_looks.percent(most['explained'])} of the variance, with {_active(most)} latents "
        f"active where k = {config.active}, and recovers {sae_looks.percent(most['recovery'])} of "
        "the features.",
    )


def _active(row: Any) -> str:
    value = row["active"]["mean"]
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


def matrix(config: Config, result: Result) -> Figure:
    """Cosines of features with neurons and with latents, one of the trained autoencoders."""
    from plotly.subplots import make_subplots

    from geometry import recovery

    truth, learned = result.arrays["dictionary"][:_MOST], result.arrays["decoder"]
    silent = result.arrays.get("weights.silent")
    if silent is not None:
        # Dead latents recover nothing.
        learned = np.where((silent <= _SILENT)[:, None], learned, 0)
    table = recovery.cosines(learned, truth).T
    rows, columns, paired = _order(table)
    neurons = recovery.cosines(np.eye(truth.shape[1], dtype=np.float32), truth).T[:, :_MOST]
    own = paired > THRESHOLD
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        column_widths=[neurons.shape[1], len(columns)],
        horizontal_spacing=0.04,
    )
    for place, (values, unit) in enumerate(
        ((neurons[rows], "neuron"), (table[np.ix_(rows, columns)], "latent")), 1
    ):
        figure.add_heatmap(
            z=values.astype(np.float32),
            coloraxis="coloraxis",
            hovertemplate=f"feature %{{y}}, {unit} %{{x}}: %{{z:.2f}}<extra></extra>",
            row=1,
            col=place,
        )
    figure.update_layout(
        coloraxis={
            "cmin": -1,
            "cmax": 1,
            "colorscale": [list(stop) for stop in theme.DIVERGING],
            "colorbar": {"title": {"text": "cosine"}},
        },
        height=560,
        margin={"b": 36},
    )
    bare = {"showgrid": False, "showticklabels": False, "ticks": ""}
    figure.update_xaxes(**bare)
    for axis, words in (
        ("x", f"{neurons.shape[1]} neurons"),
        ("x2", f"{len(columns)} latents, matched"),
    ):
        # Titles of axes without labels would stand inside the maps.
        figure.add_annotation(
            x=0.5,
            xref=f"{axis} domain",
            y=0,
            yref="y domain",
            yanchor="top",
            yshift=-4,
            text=words,
            font={"color": theme.THEORY},
            showarrow=False,
        )
    figure.update_yaxes(autorange="reversed", **bare)
    figure.update_yaxes(title=f"{len(truth)} features", col=1)
    some = len(truth) < len(result.arrays["dictionary"])
    largest = np.abs(neurons).max(axis=1).mean()
    samples = sae_looks.longest(_rows(result, "architectures"))[0]["samples"]
    return Figure(
        "matrix",
        "Neurons mix features, latents need not",
        figure,
        f"One {NAMES[config.architectures[0]]} autoencoder after "
        f"{samples:,} samples{f', the first {len(truth)} features' if some else ''}. "
        f"Left: a feature's largest |cosine| with a neuron is {largest:.2f} in the mean over "
        f"features. Right: latents are matched one to one, the best pairs first; {own.sum()} of "
        f"{len(truth)} features lie on the diagonal at a cosine above {THRESHOLD:g}.",
    )


def _order(table: Any) -> tuple[Any, Any, Any]:
    """Features by the cosine of their latents, these in the same order, and the cosines.

    The matching has the most pairs that count as recovered, and of such the largest sum.
    """
    from scipy import optimize

    weights = table + 2 * len(table) * (table > THRESHOLD)
    rows, columns = optimize.linear_sum_assignment(weights, maximize=True)
    paired = table[rows, columns]
    order = np.argsort(-paired, kind="stable")
    alone = np.setdiff1d(np.arange(len(table)), rows)
    return np.concatenate([rows[order], alone]), columns[order], paired[order]


def features(result: Result) -> Figure:
    """What became of the features."""
    first = sae_looks.longest(_rows(result, "architectures"))[0]
    kinds = ", ".join(f"{sae_looks.count(first[f'features: {kind}'])} {kind}" for kind in _FEATURES)
    return Figure(
        "features",
        "What became of the features",
        _stacked(result, "features", _FEATURES),
        f"Shares of the features, means over seeds. A merged feature is held by a latent that "
        "points between two of them; a missed one is neither recovered nor merged. "
        f"{sae_looks.label('architectures', first)} after {first['samples']:,} samples, of "
        f"{first['hidden']['mean']:g}: {kinds}. {_others(result)}",
    )


def latents(result: Result) -> Figure:
    """What the latents hold."""
    first = sae_looks.longest(_rows(result, "architectures"))[0]
    kinds = ", ".join(f"{sae_looks.count(first[f'latents: {kind}'])} {kind}" for kind in _LATENTS)
    return Figure(
        "latents",
        "What the latents hold",
        _stacked(result, "latents", _LATENTS),
        "Shares of the latents, means over seeds. Split: a surplus copy of a feature; merged: "
        "between two features; other: mixtures of more; dead: never on. "
        f"{sae_looks.label('architectures', first)} after {first['samples']:,} samples, of "
        f"{sum(first[f'latents: {kind}']['mean'] for kind in _LATENTS):g}: {kinds}. "
        f"{_others(result)}",
    )


def _rows(result: Result, arm: str) -> list[Any]:
    arms: Any = result.data["arms"]
    return list(arms[arm])


def _others(result: Result) -> str:
    samples = _rows(result, "dictionaries")[0]["samples"]
    return f"In the other arms a training sees {samples:,} samples."


def _stacked(result: Result, what: str, kinds: dict[str, str]) -> Any:
    import plotly.graph_objects as go

    listed = {
        "": sae_looks.longest(_rows(result, "architectures")),
        "dictionaries": _rows(result, "dictionaries"),
        "sparsities": _rows(result, "sparsities"),
        "sizes": _rows(result, "sizes"),
        "penalties": _rows(result, "penalties"),
        "families": _rows(result, "families"),
    }
    rows, names, places, at = [], [], [], 0.0
    for arm, found in listed.items():
        for row in found:
            rows.append(row)
            prefix = "families, " if arm == "families" else ""
            names.append(prefix + sae_looks.label(arm, row))
            places.append(at)
            at += 1
        at += 0.6
    whole = [sum(row[f"{what}: {kind}"]["mean"] for kind in kinds) for row in rows]
    figure = go.Figure()
    for kind, colour in kinds.items():
        count = [row[f"{what}: {kind}"]["mean"] for row in rows]
        figure.add_bar(
            orientation="h",
            y=places,
            x=(np.array(count) / whole).astype(np.float32),
            width=0.8,
            marker={"color": colour, "line": {"color": theme.PAGE, "width": 1}},
            name=kind,
            text=names,
            textposition="none",
            customdata=np.array(count, np.float32),
            hovertemplate=f"%{{text}}: %{{customdata:.1f}} {kind}, %{{x:.1%}}<extra></extra>",
        )
    figure.update_xaxes(title=f"share of the {what}", tickformat=".0%", range=[0, 1.02])
    figure.update_yaxes(
        tickvals=places, ticktext=names, range=[at - 0.8, -0.8], showgrid=False, ticks=""
    )
    figure.update_layout(barmode="stack", height=int(120 + 22 * at))
    return figure
