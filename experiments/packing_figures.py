"""The figures of the packing report. They draw what was measured and compute nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments import packing_space
from experiments.harness import theme
from experiments.harness.experiment import Figure, Result
from experiments.packing_question import answers_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure
    from plotly.graph_objects import Scatter

__all__ = ["figures"]


def figures(_config: object, result: Result) -> list[Figure]:
    """The bracket over eps and over d, the cosines, and the lines themselves for d <= 3."""
    answers = answers_of(result)
    drawn: list[Figure] = []
    for one in answers:
        dim = one["dim"]
        drawn.append(_over_eps(one, result.arrays[f"eps_curve_{dim}"]))
        if one is answers[0]:
            drawn.append(
                _over_dims(answers, result.arrays["dim_curve"], result.arrays["growth_rates"])
            )
        drawn.append(_cosines(one, result.arrays[f"cosines_{dim}"]))
        if f"lines_{dim}" in result.arrays:
            drawn.append(packing_space.lines(result.arrays[f"lines_{dim}"]))
    return drawn


def _over_eps(one: dict[str, Any], curve: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim = one["dim"]
    inside = one["eps"] >= curve[0, 0]
    figure = go.Figure([*_band(curve), *(_answer_marks([one], "eps") if inside else [])])
    figure.update_xaxes(type="log", title="allowed |cos|, eps", **_ticks(curve[:, 0]))
    _count_axis(figure, curve[:, 1:])
    caption = (
        f"How many lines fit in {dim} dimensions. The number is proved to lie in the shaded band"
        + (
            "; the answer to the question asked is marked. "
            if inside
            else ", left of which the question lies. "
        )
        + f"Left of 1/√d = {1 / math.sqrt(dim):.3g} the count stays near d, right of it it grows."
    )
    return Figure(f"over-eps-{dim}", f"Over eps, at d = {dim}", figure, caption)


def _over_dims(
    answers: list[dict[str, Any]], curve: NDArray[np.float64], rates: NDArray[np.float64]
) -> Figure:
    import plotly.graph_objects as go

    eps = answers[0]["eps"]
    # d is whole: steps lie half-way between neighbours.
    figure = go.Figure([*_band(curve, reach=0.5), *_answer_marks(answers, "dim")])
    figure.add_scatter(
        x=curve[:, 0].astype(np.float32),
        y=np.log10(curve[:, 0]).astype(np.float32),
        mode="lines",
        name="N = d",
        line={"color": theme.THEORY, "dash": "dot", "width": 1},
    )
    caption = "Where the number of lines leaves the diagonal N = d, more than d directions fit."
    if curve[-1, 0] * eps**2 >= 1:
        knee = 1 / eps**2
        figure.add_vline(x=knee, line={"color": theme.REFERENCE, "dash": "dash", "width": 1})
        figure.add_annotation(
            x=math.log10(knee), y=1, yref="paper", text="d = 1/eps²", showarrow=False, xshift=-36
        )
        caption += (
            f" Below d = 1/(2 eps²) = {knee / 2:.4g} the number is proved to stay under 2d; near "
            f"1/eps² = {knee:.4g} that proof ends and the count takes off. In the limit the growth "
            f"is exponential, at a rate proved to lie between {rates[0]:.3g} and {rates[1]:.3g} "
            "nats a dimension."
        )
    figure.update_xaxes(type="log", title="dimension d", **_ticks(curve[:, 0]))
    _count_axis(figure, curve[:, 1:])
    return Figure("over-dims", f"Over d, at |cos| ≤ {eps:.4g}", figure, caption)


def _band(curve: NDArray[np.float64], *, reach: float = 0.0) -> list[Scatter]:
    """Upper bound, explicit lower bound with the band between, and the covering bound.

    All three rise with x: between two points the next upper and the last lower values hold. A
    value covers `reach` on either side of its own x.
    """
    import plotly.graph_objects as go

    x, lower, upper, existence = curve.T.astype(np.float32)
    above = np.concatenate([x[:1] - reach, x + reach])
    below = np.concatenate([x - reach, x[-1:] + reach])
    upper = np.concatenate([upper[:1], upper])
    lower, existence = (np.concatenate([part, part[-1:]]) for part in (lower, existence))

    def steps(
        at: NDArray[Any], logs: NDArray[Any], name: str, says: str, line: dict[str, str]
    ) -> Scatter:
        return go.Scatter(
            x=at,
            y=logs,
            mode="lines",
            name=name,
            line=line,
            text=_texts(logs),
            hovertemplate=f"{says} %{{text}}<extra></extra>",
        )

    over = {"color": theme.UPPER, "shape": "vh"}
    under = {"color": theme.LOWER, "shape": "hv"}
    covering = {"color": theme.RANDOM, "dash": "dash", "shape": "hv"}
    packed = steps(below, lower, "lower bound (explicit packing)", "at least", under)
    packed.update(fill="tonexty", fillcolor=theme.faint(theme.LOWER))
    return [
        steps(above, upper, "upper bound (theorem)", "at most", over),
        packed,
        steps(below, existence, "exists by covering (not explicit)", "covering:", covering),
    ]


def _answer_marks(answers: list[dict[str, Any]], axis: str) -> list[Scatter]:
    import plotly.graph_objects as go

    marks = []
    for place, one in enumerate(answers):
        ends = [math.log10(one[side]["count"]) for side in ("lower", "upper")]
        closed = one["lower"]["count"] == one["upper"]["count"]
        shape = (
            {"symbol": "circle", "size": 11} if closed else {"symbol": "line-ew-open", "size": 14}
        )
        marks.append(
            go.Scatter(
                x=np.array([one[axis]] * 2, np.float32),
                y=np.array(ends, np.float32),
                mode="lines+markers",
                name="the answer",
                legendgroup="answer",
                showlegend=place == 0,
                line={"color": theme.HIGHLIGHT, "width": 3},
                marker={**shape, "line": {"width": 3, "color": theme.HIGHLIGHT}},
                text=[f"{one['lower']['count']:,}", _texts(np.array(ends))[1]],
                hovertemplate="%{text}<extra>the answer</extra>",
            )
        )
    return marks


def _ticks(values: NDArray[np.float64]) -> dict[str, Any]:
    """Round numbers along a log axis, in full: five or so over any range."""
    low, high = float(values.min()), float(values.max())
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 2, 5), (1, 2, 3, 4, 5, 6, 8)):
        # Sorted in effect: the decades rise, and the digits within them.
        ticks = [digit * 10.0**power for power in decades for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 5:
            break
    return {"tickvals": ticks, "ticktext": [f"{tick:,.10g}" for tick in ticks]}


def _texts(logs: NDArray[Any]) -> list[str]:
    """Counts from their log10: in full below a million, in powers of ten above."""
    return [
        f"{10**value:,.0f}" if value < 6 else f"{10 ** (value % 1):.2f}·10<sup>{int(value)}</sup>"
        for value in logs.astype(np.float64)
    ]


def _count_axis(figure: PlotlyFigure, logs: NDArray[np.float64]) -> None:
    """Label an axis of log10 counts with the counts; a few labels at any range."""
    low, high = math.floor(float(logs.min())), math.ceil(float(logs.max()))
    if high - low <= 2:
        ticks = _ticks(10.0**logs)
        figure.update_yaxes(
            title="number of lines N",
            tickvals=[math.log10(tick) for tick in ticks["tickvals"]],
            ticktext=ticks["ticktext"],
        )
        return
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if s * 8 >= high - low)
    powers = list(range(low, high + 1, step))
    names = [f"{10**p:,}" if 0 <= p <= 3 else f"10<sup>{p}</sup>" for p in powers]
    figure.update_yaxes(title="number of lines N", tickvals=powers, ticktext=names)


def _cosines(one: dict[str, Any], histogram: NDArray[np.float64]) -> Figure:
    import plotly.graph_objects as go

    dim = one["dim"]
    edge, share, law = histogram.T
    width = float(edge[1] - edge[0])
    centre = edge + width / 2
    seen = np.flatnonzero((share > 0) | (law > 1e-9))
    kept = slice(0, int(seen.max()) + 2)
    figure = go.Figure()
    figure.add_bar(
        x=centre[kept].astype(np.float32),
        y=np.where(share[kept] > 0, share[kept], np.nan).astype(np.float32),
        width=width,
        name="this packing",
        marker={"color": theme.LOWER},
        hovertemplate="%{y:.3g} of the pairs near %{x:.3f}<extra></extra>",
    )
    figure.add_scatter(
        x=centre[kept].astype(np.float32),
        y=np.where(law[kept] > 1e-9, law[kept], np.nan).astype(np.float32),
        mode="lines",
        name="random directions (exact law)",
        line={"color": theme.RANDOM},
        hovertemplate="random: %{y:.3g}<extra></extra>",
    )
    figure.add_vline(x=one["eps"], line={"color": theme.HIGHLIGHT, "dash": "dash", "width": 2})
    figure.update_xaxes(title="|cos| between two lines")
    figure.update_yaxes(type="log", dtick=1, title="share of the pairs, by bin")
    inside = float(law[centre <= one["eps"]].sum())
    outside = 1 - inside
    random = (
        f"of random pairs a share of {outside:.2g} does" if outside > 1e-12 else "few random do"
    )
    caption = (
        f"Pairwise |cos| of lines of the packing, in bins of {width:.4g} closed on the right. No "
        f"pair passes the dashed line at eps; {random}."
    )
    return Figure(f"cosines-{dim}", f"Pairwise cosines, d = {dim}", figure, caption)
