"""Superposition: a whole run, its theory, verdicts that can fail, errors, a report that opens."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment, tiny_run

from experiments import (
    superposition_phases,
    superposition_plateaus,
    superposition_sweeps,
    superposition_training,
)
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.progress import Progress
from experiments.harness.store import load
from experiments.intervals import mean_interval
from experiments.models.toy_autoencoder import ToyTask
from experiments.superposition_checks import longest
from geometry import polytopes, two_in_one

FIGURES = [
    "phases",
    "losses",
    "shapes",
    "film",
    "plateaus",
    "shares",
    "census",
    "seeds",
    "triples",
    "crowd",
    "outputs",
]
EXPERIMENT = experiment("superposition")
TINY: Any = EXPERIMENT.config(**EXPERIMENT.presets["tiny"])


@pytest.fixture(scope="module")
def run() -> Path:
    return tiny_run("superposition")


def test_a_run_says_what_it_found(run: Path) -> None:
    record = json.loads((run / "record.json").read_text(encoding="utf-8"))
    assert record["answer"].endswith(".")
    assert {claim["id"] for claim in record["claims"]} == {"C5", "C6"}
    # Another experiment has to speak too.
    assert {claim["verdict"] for claim in record["claims"]} == {"inconclusive"}
    result = load(run).result
    figures = EXPERIMENT.figures(TINY, result)
    assert [figure.id for figure in figures] == FIGURES
    for figure in figures:
        assert figure.caption.endswith(".")
        assert len(figure.figure.data) >= 1
    # The theory of the phases does not depend on training.
    pairs: Any = result.data["pairs"]
    for importance, found in zip(pairs["importances"], pairs["boundary"], strict=True):
        assert found == pytest.approx(two_in_one.boundary(importance), abs=2e-4)
    assert min(pairs["excess"]) > -1e-4


def test_the_report_opens(run: Path) -> None:
    assert_opens(run, FIGURES)


def test_help_is_light() -> None:
    assert_help_is_light("superposition")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--features", "10", "--dim", "10"], "--features must be larger than --dim, 10; got 10."),
        (["--lowest", "0"], "--lowest must be a number in [0.001, 0.5]; got '0'."),
        (["--lowest", "nan"], "--lowest must be a number in [0.001, 0.5]; got 'nan'."),
        (["--levels", "1"], "--levels must be an integer from 2 to 1000; got '1'."),
        (["--rate", "-1"], "--rate must be a number in (0, 0.1]; got '-1'."),
        (["--seeds", "1"], "--seeds must be an integer from 2 to 100000; got '1'."),
        (["--cells", "2.5"], "--cells must be an integer from 2 to 1000; got '2.5'."),
        (["--batch", "0"], "--batch must be an integer from 1 to 1048576; got '0'."),
        (["--importance", "2"], "--importance must be a number in (0, 1]; got '2'."),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert_refused("superposition", words, said, tmp_path / "runs", capsys)


def _judged(run: Path, change: Any) -> dict[str, Verdict]:
    data = copy.deepcopy(load(run).result.data)
    change(data)
    found = EXPERIMENT.checks(TINY, Result(data, {}, {}))
    return {check.name: check.verdict for check in found}


def _good(data: Any) -> None:
    """What a full run finds, in round numbers."""
    data["settled"] = dict.fromkeys(data["settled"], 1.0)
    data["pairs"] |= {"agreement": 0.99, "excess": [-1e-6, 1e-3]}
    data["plane"]["rows"][-1] |= {
        "pentagon": 0.9,
        "pentagon_interval": [0.7, 0.97],
        "ratio": {"mean": 0.2, "interval": [0.1, 0.3]},
        "settled": 1.0,
    }
    data["plane"]["rows"][0] |= {"best": 1.0, "settled": 1.0}
    for row in data["plateaus"]["rows"]:
        row |= {
            "settled": 1.0,
            "dimensions": {"mean": 0.5, "interval": [0.46, 0.54]},
            "ratio": {"mean": 0.8, "interval": [0.7, 0.9]},
        }
    data["plateaus"]["concentration"]["ratio"] = {"mean": 2.5, "interval": [2.2, 2.8]}
    data["plateaus"]["spread"] = {
        name: {"mean": 1.0, "interval": [0.9, 1.1]} for name in ("neurons_ratio", "features_ratio")
    }


def test_checks_see_what_is_right_and_what_is_wrong(run: Path) -> None:
    assert set(_judged(run, _good).values()) == {Verdict.PASS}

    def wrong(data: Any) -> None:
        _good(data)
        data["pairs"] |= {"agreement": 0.9, "excess": [-1e-2, 0.1]}
        data["plane"]["rows"][-1] |= {
            "pentagon_interval": [0.1, 0.4],
            "ratio": {"mean": 1.2, "interval": [1.1, 1.3]},
        }
        data["plane"]["rows"][0]["best"] = 0.98
        rows = data["plateaus"]["rows"]
        rows[1]["dimensions"]["interval"] = [0.4, 0.6]
        rows[-1]["ratio"]["interval"] = [1.1, 1.2]
        data["plateaus"]["concentration"]["ratio"]["interval"] = [1.0, 1.5]
        for one in data["plateaus"]["spread"].values():
            one["interval"] = [0.2, 0.5]

    found = _judged(run, wrong)
    assert {name for name, verdict in found.items() if verdict is not Verdict.FAIL} == {
        "models that settled"
    }

    def restless(data: Any) -> None:
        _good(data)
        data["settled"] = dict.fromkeys(data["settled"], 0.5)
        for part in ("plane", "plateaus"):
            for row in data[part]["rows"]:
                row["settled"] = 0.5

    found = _judged(run, restless)
    assert {name for name, verdict in found.items() if verdict is not Verdict.NOT_CONVERGED} == {
        # A bound holds at any step.
        "two in one: loss below the exact optimum, largest share of it",
    }


def test_runs_of_true() -> None:
    assert longest([]) == longest([False]) == 0
    assert longest([True, False, True, True, False, True]) == 2


def test_losses_without_superposition_and_in_pairs() -> None:
    importance = np.array([0.5, 1.0, 0.25, 0.75])
    variance = 0.2 / 3 - 0.04 / 4
    assert superposition_sweeps.without(0.2, importance, 2) == pytest.approx(0.75 * variance)
    # Two pairs hold all four, each wrong where both of a pair are on: p²/6 a feature.
    assert superposition_sweeps.in_pairs(0.2, importance, 2) == pytest.approx(2.5 * 0.04 / 6)
    assert superposition_sweeps.in_pairs(0.2, importance, 1) == pytest.approx(
        1.75 * 0.04 / 6 + 0.75 * variance
    )
    # As the exact loss of one pair has it.
    pair = two_in_one.errors([1, -1], [0, 0], 0.2) @ [1, 0.5]
    both = superposition_sweeps.in_pairs(0.2, np.array([1, 0.5]), 1)
    assert pair == pytest.approx(both, rel=1e-12)


def test_kinds_of_pairs_and_triples() -> None:
    kind = superposition_phases._kind
    assert [kind(np.array(row)) for row in ([1, 0.01], [1, -0.9], [0, -1], [1, 1], [0, 0])] == [
        0,
        1,
        2,
        3,
        3,
    ]
    triple = superposition_phases._triple
    east, north, none = [1.0, 0], [0, 1.0], [0, 0.0]
    names = {
        triple(np.array(rows)): superposition_phases.TRIPLE_KINDS[triple(np.array(rows))]
        for rows in (
            [east, north, none],
            [east, none, north],
            [east, [-1.0, 0], north],
            [east, north, [0, -1.0]],
            polytopes.POLYTOPES["triangle"][0].tolist(),
            [none, none, none],
        )
    }
    assert tuple(names[place] for place in range(6)) == superposition_phases.TRIPLE_KINDS


def test_represented_features() -> None:
    rows = np.array([[[1.0, 0], [0, 0.6], [0.4, 0], [0, 0]]])
    assert superposition_sweeps.represented(rows, rows).tolist() == [2]
    # What counts is the product: a scale that goes from one side to the other changes nothing.
    assert superposition_sweeps.represented(10 * rows, rows / 10).tolist() == [2]
    assert superposition_sweeps.represented(rows, -rows).tolist() == [0]


def test_what_is_near_the_boundary_is_not_judged() -> None:
    near = superposition_phases._near(
        np.array([0.1, 0.18, 0.2, 0.9]), np.array([0.1, 0.1, 0.1, 1.0]), {0.1: 0.18, 1.0: None}
    )
    assert near == [False, True, True, False]
    found = superposition_phases._agreement(
        {
            "near": near,
            "kinds": [1, 0, 0, 1],
            "expected": [1, 1, 1, 0],
            "agreeing": [[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 0]],
        }
    )
    # Seed by seed 1, 1, 1/2: Student's interval of three.
    assert (found["judged"], found["agreement"]) == (2, 0.5)
    assert found["single"] == pytest.approx(5 / 6)
    assert found["single_interval"] == pytest.approx(mean_interval([1, 1, 0.5]))


def test_concentration_sees_clusters_and_their_absence() -> None:
    rng = np.random.default_rng(0)
    clustered = np.repeat([0.5, 1.0, 2 / 3], 100)
    even = rng.uniform(0, 1, 20_000)
    found = superposition_plateaus._concentration([[clustered, clustered]])
    assert found["near"]["mean"] == 1
    # The kernels' sum over a fine grid.
    grid = (np.arange(40_000) + 0.5) / 20_000 - 0.5
    density = np.mean([stats.norm.pdf(grid, one, 0.1) for one in (0.5, 1.0, 2 / 3)], axis=0)
    fractions = np.array([1, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8, 0])
    near = (np.abs(grid[:, None] - fractions) <= 0.02).any(axis=1)
    smooth = density[near].sum() / 20_000
    assert found["smooth"]["mean"] == pytest.approx(smooth, abs=1e-3)
    assert found["ratio"]["mean"] == pytest.approx(1 / smooth, rel=5e-3)
    flat = superposition_plateaus._concentration([[even], [even]])
    # Of a uniform law a fraction of the intervals' length, the smooth one's less what leaks out.
    assert flat["near"]["mean"] == pytest.approx(0.02 * 2 + 0.04 * 3 + 0.065, abs=0.012)
    assert flat["ratio"]["mean"] == pytest.approx(1, abs=0.12)


def test_spread_over_neurons() -> None:
    rng = np.random.default_rng(1)
    random = rng.normal(size=(4, 300, 12))
    random /= np.linalg.norm(random, axis=2, keepdims=True)
    found = superposition_plateaus._spread(random)
    for name in ("neurons_ratio", "features_ratio"):
        assert found[name]["mean"] == pytest.approx(1, abs=0.05)
    # One neuron a feature, 25 features a neuron.
    axes = np.tile(np.repeat(np.eye(12), 25, axis=0), (2, 1, 1))
    found = superposition_plateaus._spread(axes)
    assert found["neurons"]["mean"] == pytest.approx(1)
    assert found["features"]["mean"] == pytest.approx(25)
    assert found["neurons_ratio"]["mean"] == pytest.approx(3 / 14)
    assert superposition_plateaus._spread(0 * random)["reason"] == "no feature is represented"


def test_settings_are_paired_and_steps_rounded_up() -> None:
    config = replace(TINY, batch=32)
    models = superposition_training.train(
        config,
        Progress(quiet=True),
        "test",
        ToyTask(3, 2, steps=11, exact=False, batch=32, observed="norm"),
        word=9,
        seeds=2,
        probability=np.array([0.5, 0.5, 0.1]),
        importance=np.ones(3),
        rate=0.01,
    )
    rows = models.vectors.reshape(3, 2, 3, 2)
    # Equal settings, equal draws: equal models.  Others differ, and so do seeds.
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0, 0], rows[0, 1])
    assert models.trace["norm"].shape == (6, 10)
    np.testing.assert_allclose(
        models.trace["norm"][:, -1], (models.vectors**2).sum(axis=(1, 2)), rtol=1e-5
    )
    assert models.losses(np.ones(3)).shape == (6,)
    # Eleven steps at 0.01 are no training, however still.
    assert not models.settled.any()


def test_settling() -> None:
    still = np.full((1, 10), 2.0)
    moving = np.linspace(1, 2, 10)[None]
    late = np.concatenate([np.full((1, 9), 2.0), np.full((1, 1), 2.2)], axis=1)
    early = np.concatenate([np.linspace(0, 2, 5)[None], np.full((1, 5), 2.0)], axis=1)
    norms = np.concatenate([still, moving, late, early])
    assert superposition_training._settled({"norm": norms}).tolist() == [True, False, False, True]
    weights = np.sqrt(norms)[:, :, None, None]
    found = superposition_training._settled({"vectors": weights, "bias": norms})
    assert found.tolist() == [True, False, False, True]
