"""The figures of the autoencoder report, from a result made by hand."""

from typing import Any

import numpy as np
import pytest

from experiments import sae_figures, sae_maps
from experiments.harness import figures as harness_figures
from experiments.harness.experiment import Figure, Result
from experiments.sae_config import Config

IDS = [
    "budgets",
    "variance",
    "matrix",
    "reading",
    "courses",
    "features",
    "latents",
    "sizes",
    "sparsities",
    "dictionaries",
    "families",
]
CONFIG = Config(
    dim=8,
    features=12,
    architectures=("topk", "relu"),
    budgets=(1000, 2000),
    samples=1000,
    growth=0.25,
    fall=0.5,
)


def estimate(mean: float, interval: list[float] | None = None) -> dict[str, Any]:
    return {"mean": mean, "interval": interval, "seeds": [mean]}


def row(labels: dict[str, Any], samples: int = 1000, recovery: float = 0.5) -> dict[str, Any]:
    shares = [
        "explained",
        "latent_reading",
        "neuron_reading",
        "latents_reading",
        "neurons_reading",
        "precision",
        "f1",
        "mcc",
        "mmcs",
        "uniqueness",
    ]
    counts = {
        "features": {"recovered": 6.0, "merged": 4.0, "missed": 2.0, "split": 1.0},
        "latents": {"recovering": 6.0, "split": 1.0, "merged": 2.5, "dead": 0.5, "other": 2.0},
    }
    return {
        **labels,
        "samples": samples,
        "course": [[0.1, recovery]],
        "recovery": estimate(recovery),
        "active": estimate(3.25),
        "hidden": estimate(12.0),
        **{name: estimate(0.75) for name in shares},
        **{
            f"{what}: {kind}": estimate(value)
            for what, kinds in counts.items()
            for kind, value in kinds.items()
        },
    }


def arms() -> dict[str, Any]:
    family = {name: estimate(0.25) for name in ("parents", "children", "absorbed")}
    return {
        "architectures": [
            row({"architecture": name, "budget": budget}, budget, recovery)
            for name, recovery in (("topk", 0.625), ("relu", 0.125))
            for budget in (1000, 2000)
        ],
        "dictionaries": [row({"kind": kind}) for kind in ("random", "trained")],
        "sparsities": [row({"number": number}) for number in (1, 3)],
        "sizes": [
            row({"ratio": ratio, "on": on}) for ratio, on in ((1, 3), (1.5, 1), (1.5, 3), (4, 3))
        ],
        "penalties": [row({"penalty": penalty}, recovery=0.0) for penalty in (0.001, 0.1)],
        "families": [row({"architecture": name}) | family for name in ("topk", "matryoshka")],
    }


def result(found: dict[str, Any] | None = None, **theory: float) -> Result:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((12, 8)).astype(np.float32)
    arrays = {"dictionary": truth, "decoder": 2 * truth[[3, 1, 2, 0, 4]]}
    return Result({"arms": arms() if found is None else found, "theory": dict(theory)}, arrays, {})


def drawn(found: Result, config: Config = CONFIG) -> dict[str, Figure]:
    return {figure.id: figure for figure in sae_figures.figures(config, found)}


def finite(values: Any) -> bool:
    return bool(np.isfinite(np.array(values, np.float64)).all())


def test_every_figure_has_a_caption_titles_of_axes_and_finite_numbers() -> None:
    found = drawn(result(neuron=0.1, chance=0.0))
    assert list(found) == IDS
    assert len(harness_figures.specs(list(found.values()))) == len(IDS)
    for figure in found.values():
        assert figure.caption.endswith(".")
        assert "nan" not in figure.caption
        assert figure.figure.data
        for trace in figure.figure.data:
            # A bar that lies names its categories on the other axis.
            numbers = (
                trace.z
                if trace.type == "heatmap"
                else trace.x
                if getattr(trace, "orientation", None) == "h"
                else trace.y
            )
            assert len(numbers)
            assert finite(numbers)
        layout = figure.figure.layout
        assert layout.xaxis.title.text or (figure.id == "matrix" and len(layout.annotations) == 2)


def test_intervals_are_cut_to_shares() -> None:
    found = arms()
    found["architectures"][1]["recovery"] = estimate(0.98, [0.9, 1.06])
    bars = drawn(result(found))["budgets"].figure.data[0].error_y
    assert np.isnan(bars.array[0])
    np.testing.assert_allclose([bars.array[1], bars.arrayminus[1]], [0.02, 0.08], atol=1e-6)


def test_captions_and_lines_follow_the_data() -> None:
    before = drawn(result())
    assert "TopK recovers 62.5%, ReLU 12.5%" in before["budgets"].caption
    assert "λ = 0.001 explains most: 75.0%" in before["variance"].caption
    assert "5 of 12" in before["matrix"].caption
    changed = arms()
    changed["architectures"][3]["recovery"] = estimate(0.875)
    changed["penalties"][1]["explained"] = estimate(0.97)
    changed["penalties"][1]["active"] = estimate(41.0)
    changed["architectures"][1]["latent_reading"] = estimate(0.3)
    changed["architectures"][1]["features: merged"] = estimate(3.5)
    changed["architectures"][1]["latents: dead"] = estimate(1.5)
    changed["sizes"][2]["recovery"] = estimate(0.9)
    changed["sparsities"][1]["explained"] = estimate(0.8)
    changed["dictionaries"][1]["hidden"] = estimate(9.5)
    changed["families"][1]["absorbed"] = estimate(1.0)
    after = drawn(result(changed, neuron=0.1, chance=0.01))
    for name, words in {
        "budgets": "ReLU recovers 87.5%, TopK 62.5%",
        "variance": "λ = 0.1 explains most: 97.0% of the variance, with 41 latents",
        "reading": "TopK: 30.0% by the best",
        "features": "6 recovered, 3.5 merged, 2 missed",
        "latents": "2.5 merged, 2 other, 1.5 dead",
        "sizes": "Most at N/d = 1.5, k = 3, 90.0%",
        "sparsities": "most variance is explained with 3, 80.0%",
        "dictionaries": "9.5 of trained",
        "families": "Matryoshka: 25.0%, 25.0%, 100.0%",
    }.items():
        assert words in after[name].caption, name
    for name in ("reading", "budgets"):
        shapes = [len(found[name].figure.layout.shapes) for found in (before, after)]
        assert shapes[1] == shapes[0] + 1


def test_one_architecture_and_one_budget() -> None:
    found = arms()
    found["architectures"] = found["architectures"][:1]
    found["penalties"] = found["penalties"][:1]
    config = Config(**{**vars(CONFIG), "architectures": ("topk",), "growth": 0.0, "fall": 0.0})
    figures = drawn(result(found), config)
    assert "TopK recovers 62.5%. Dashed" in figures["budgets"].caption
    assert not figures["courses"].figure.layout.shapes


@pytest.mark.parametrize(("features", "latents", "dim"), [(500, 600, 300), (130, 40, 4)])
def test_large_runs_stay_below_the_points_of_a_figure(
    features: int, latents: int, dim: int
) -> None:
    rng = np.random.default_rng(1)
    arrays = {
        "dictionary": rng.standard_normal((features, dim)).astype(np.float32),
        "decoder": rng.standard_normal((latents, dim)).astype(np.float32),
    }
    found = arms()
    for one in found["architectures"]:
        one["course"] = np.linspace(0, 1, 20_000)[None].tolist()
    figures = drawn(Result({"arms": found}, arrays, {}))
    harness_figures.specs(list(figures.values()))
    assert "the first 100 features" in figures["matrix"].caption
    last = figures["courses"].figure.data[0]
    assert (last.x[-1], last.y[-1]) == (2000, 1)


def test_the_matrix_puts_what_is_recovered_on_the_diagonal() -> None:
    rng = np.random.default_rng(2)
    truth = np.linalg.qr(rng.standard_normal((8, 8)))[0].astype(np.float32)
    order = rng.permutation(8)
    decoder = truth[order].copy()
    decoder[0] = 0
    given = Result(result().data, {"dictionary": truth, "decoder": decoder}, {})
    latents = sae_maps.matrix(CONFIG, given).figure.data[1].z
    np.testing.assert_allclose(latents, np.diag([1.0] * 7 + [0]), atol=1e-5)
