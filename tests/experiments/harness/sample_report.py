"""A report with one of everything, which the browser tests open."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from experiments.harness import theme
from experiments.harness.checks import Claim, ClaimVerdict, judge
from experiments.harness.experiment import Figure, Table
from experiments.harness.report import ReportInput

RUN = "packing/20251122T165200Z-0123abcd"
# A role whose colour each figure of the sample must show.
ROLES = {
    "bracket-eps": theme.UPPER,
    "cosines": theme.MEASURED,
    "gram": theme.UPPER,
    "lines": theme.LOWER,
}


def f32(values: object) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def _bracket() -> go.Figure:
    eps = np.linspace(0.01, 0.12, 45, dtype=np.float32)
    lower = 500 * np.exp(60 * np.maximum(eps - 0.01, 0)).astype(np.float32)
    upper = (lower * np.exp(900 * (eps - 0.009) ** 1.9)).astype(np.float32)
    return go.Figure(
        [
            go.Scatter(x=eps, y=lower, name="explicit packing", line_color=theme.LOWER),
            go.Scatter(
                x=eps,
                y=upper,
                name="upper bound",
                line_color=theme.UPPER,
                fill="tonexty",
                fillcolor=theme.faint(theme.RANDOM),
            ),
            go.Scatter(
                x=eps,
                y=np.exp(250 * eps**2 + 1.5).astype(np.float32),
                name="random, until a first clash",
                line={"color": theme.RANDOM, "dash": "dot"},
            ),
            go.Scatter(
                x=f32([0.05]),
                y=f32([13020]),
                name="this run",
                mode="markers",
                marker={"color": theme.HIGHLIGHT, "size": 11, "symbol": "diamond"},
            ),
        ],
        layout={
            "xaxis": {"title": {"text": "eps, the largest allowed |cos|"}},
            "yaxis": {"title": {"text": "directions"}, "type": "log"},
        },
    )


def _gram() -> go.Figure:
    draw = np.random.default_rng(0).standard_normal((48, 16))
    rows = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    gram = f32(rows @ rows.T)
    return go.Figure(
        go.Heatmap(z=gram, zmid=0, colorscale=theme.DIVERGING, colorbar={"title": {"text": "cos"}}),
        layout={
            "xaxis": {"title": {"text": "direction"}, "constrain": "domain"},
            "yaxis": {
                "title": {"text": "direction"},
                "scaleanchor": "x",
                "constrain": "domain",
                "autorange": "reversed",
            },
        },
    )


def _cosines() -> go.Figure:
    dim = 500
    edges = np.linspace(-0.2, 0.2, 81)
    middle = (edges[1:] + edges[:-1]) / 2
    scale = math.exp(math.lgamma(dim / 2) - math.lgamma((dim - 1) / 2)) / math.sqrt(math.pi)
    density = scale * (1 - middle**2) ** ((dim - 3) / 2)
    noise = np.random.default_rng(1).normal(1, 0.04, middle.size)
    return go.Figure(
        [
            go.Bar(
                x=f32(middle),
                y=f32(density * noise),
                name="random directions",
                marker_color=theme.MEASURED,
            ),
            go.Scatter(
                x=f32(middle),
                y=f32(density),
                name="exact density",
                line_color=theme.THEORY,
            ),
        ],
        layout={
            "xaxis": {"title": {"text": "cosine of a pair"}},
            "yaxis": {"title": {"text": "density"}},
        },
    )


def _lines() -> go.Figure:
    ratio = (1 + math.sqrt(5)) / 2
    ends = np.array(
        [
            [0, 1, ratio],
            [0, 1, -ratio],
            [1, ratio, 0],
            [1, -ratio, 0],
            [ratio, 0, 1],
            [-ratio, 0, 1],
        ]
    ) / math.hypot(1, ratio)
    path = np.full((18, 3), np.nan)
    path[0::3], path[1::3] = ends, -ends
    points = np.concatenate([ends, -ends])
    return go.Figure(
        [
            go.Scatter3d(
                **dict(zip("xyz", f32(path).T, strict=True)),
                mode="lines",
                name="lines",
                line={"color": theme.LOWER, "width": 6},
            ),
            go.Scatter3d(
                **dict(zip("xyz", f32(points).T, strict=True)),
                mode="markers",
                name="points on the sphere",
                marker={"color": theme.UPPER, "size": 6},
            ),
        ],
        layout={"scene": {f"{axis}axis": {"title": {"text": axis}} for axis in "xyz"}},
    )


def sample() -> ReportInput:
    """A run as the main experiment would report it; its curves are stand-ins."""
    return ReportInput(
        experiment_name="packing",
        question="How many directions fit in 500 dimensions with pairwise |cos| at most 0.05?",
        primer="Two directions are nearly orthogonal when the cosine of their angle is small.",
        command="python -m experiments.packing --dim 500 --eps 0.05 --preset quick --seed 0",
        answer="Between 13,020 and 143,479 directions fit in 500 dimensions at eps = 1/20, "
        "both ends proved.",
        summary=["At least 13,020: a net.", "At most 143,479: Levenshtein."],
        checks=[
            judge(
                "lower <= upper",
                theory="a packing never exceeds a bound",
                estimate=13020,
                band=(1, 143479),
            ),
            judge(
                "all pairs within eps",
                theory="largest |cos| at most 1/20, compared exactly",
                estimate=0.05,
                band=(None, 0.05),
                note="84,753,690 pairs in integers.",
            ),
            judge(
                "random maximum",
                theory="median of the largest |cos| among 512 in R^64",
                estimate=0.5291,
                interval=(0.5262, 0.5318),
                band=(0.5235, 0.5312),
            ),
            judge(
                "growth rate",
                theory="log N / d tends to a constant",
                estimate=0.0121,
                interval=(0.0118, 0.0124),
                band=(0.0130, 0.0150),
            ),
            judge(
                "fill of 25 points",
                theory="26 vectors at 0.0489",
                estimate=None,
                band=(26, None),
                converged=False,
                note="200 starts, none converged.",
            ),
            judge(
                "Kerdock meets Levenshtein",
                theory="N = d(d/2 + 1)",
                estimate=70488151969272494,
                band=(70488151969272494, 70488151969272494),
            ),
        ],
        claims=[
            Claim(
                "C1",
                "500 dimensions hold 500 exactly orthogonal features.",
                ClaimVerdict.SUPPORTED,
                "lower = upper = 500 at eps = 0.",
            ),
            Claim(
                "C2",
                'Thousands of "99% orthogonal" vectors fit in 500 dimensions.',
                ClaimVerdict.REFINED,
                "False for |cos| <= 0.01 (523 to 525), true for cos² <= 0.01 (at least 313,120).",
            ),
            Claim(
                "C3",
                "At 95% orthogonal the number grows exponentially with dimension.",
                ClaimVerdict.INCONCLUSIVE,
                "The rate's interval misses the band.",
            ),
            Claim(
                "C4",
                "Three dimensions hold only three perpendicular vectors.",
                ClaimVerdict.REFUTED,
                "Placeholder evidence, to show the colour.",
            ),
        ],
        figures=[
            Figure(
                "bracket-eps",
                "The bracket against eps, d = 500",
                _bracket(),
                "Blue can be built, vermilion is proved impossible to pass; the truth lies in "
                "the shaded strip. Random directions (dotted) lose everywhere.",
            ),
            Figure(
                "cosines",
                "Cosines of random pairs in 500 dimensions",
                _cosines(),
                "The bars follow the exact density, so the baseline is drawn as it should be.",
            ),
            Figure(
                "gram",
                "Gram matrix of 48 random directions in 16 dimensions",
                _gram(),
                "Away from the diagonal, colour is interference. It is everywhere, and small.",
            ),
            Figure(
                "lines",
                "The six diagonals of the icosahedron",
                _lines(),
                "Every pair of lines meets at 63.4°. No seventh line fits. Drag to turn.",
            ),
        ],
        tables={
            "families": Table(
                columns=("family", "d", "N", "coherence", "exact", "certificate", "seconds"),
                rows=(
                    ("net + Hadamard, q = 25, k = 20", 500, 12500, 0.05, "1/20", "all pairs", 3.2),
                    ("the same, with filled columns", 500, 13020, 0.05, "1/20", "all pairs", 4.1),
                    ("Gold, zero-padded", 512, 262656, 0.0625, "1/16", "by symmetry", 0.4),
                    ("Kerdock", 256, 33024, 0.0625, "1/16", "all pairs", 1.9),
                    ("Delsarte-Goethals", 4096, 17179873280, 0.03125, "1/32", "by theorem", None),
                    ("quintic sums", 12288, 2848 * 10**12, 0.05, "", "by theorem", None),
                ),
                title="Families that compete",
                caption="The first that fits wins; the others show what eps would buy.",
            )
        },
        provenance={
            "seed": 20251122,
            "config": {"dim": [500], "eps": "0.05", "preset": "quick"},
            "versions": {"jax": "0.10.2", "numpy": "2.4.0", "python": "3.11.9", "plotly": "7.1.0"},
            "device": "2 CPU cores",
            "default_matmul_precision": "highest",
            "random": "threefry2x32",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "compile_seconds": 1.83,
            "run_seconds": 9.417,
        },
        created="2025-11-22T16:52:00Z",
        seconds=11.25,
    )
