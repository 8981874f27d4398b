"""Two ways out of superposition: a whole run, verdicts, pairing, errors, the report."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment, tiny_run

from experiments import intrinsic_cells, intrinsic_checks
from experiments.command import main
from experiments.harness.checks import ClaimVerdict, Verdict
from experiments.harness.experiment import Result
from experiments.harness.store import load
from experiments.models import feature_decoder, hidden_dictionary, training

FIGURES = ["pareto", "starts", "penalties", "widths", "scores", "responses", "latents"]
FIGURES += ["autoencoder"]


def config(**other: Any) -> Any:
    found = experiment("intrinsic")
    return found.config(**{**found.presets["tiny"], **other})


@pytest.fixture
def folder() -> Path:
    return tiny_run("intrinsic")


@pytest.fixture
def data(folder: Path) -> Any:
    return copy.deepcopy(load(folder).result.data)


def test_a_run_says_what_it_found(folder: Path, data: Any) -> None:
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert record["answer"].startswith(
        "After 100 steps, biases that start at -1 instead of 0 change the share of 16 "
    )
    assert "; a penalty of 0.3 makes it " in record["answer"]
    summary = record["summary"]
    # No softmax linear units and no longer training here, and one latent on.
    assert not any("Softmax" in line or "times as many" in line for line in summary)
    assert any(line.startswith("Autoencoder with 1 latent on: ") for line in summary)
    # A hundred steps are no training.
    assert {check["verdict"] for check in record["checks"]} == {"NOT CONVERGED"}
    assert record["summary"][-1].startswith("NOT CONVERGED: biases start at 0; ")
    assert [row["name"] for row in data["rows"]] == [
        "biases start at 0",
        "biases start at -1",
        "penalty 0.3",
    ]
    matched, below, penalised = data["rows"]
    # The two that are compared have three times the seeds, and the others are paired with these.
    assert [len(row["loss"]["seeds"]) for row in data["rows"]] == [6, 6, 2]
    times = np.divide(penalised["loss"]["seeds"], matched["loss"]["seeds"][:2])
    assert penalised["ratio"]["mean"] == pytest.approx(float(np.sqrt(times.prod())))
    gain = intrinsic_checks.gain(below, matched)
    assert gain["seeds"] == np.subtract(below["share"]["seeds"], matched["share"]["seeds"]).tolist()
    result = load(folder).result
    for key in ("units", "units_below", "latents"):
        drawn = result.arrays[key]
        assert drawn.shape == (16, 8)
        assert drawn.min() >= 0
        # Units in use have their largest response at 1.
        assert set(drawn.max(axis=1).tolist()) <= {0.0, 1.0}
        scores = result.arrays[f"{key}_scores"]
        assert (np.diff(scores) >= 0).all()
        assert 1 / 8 <= scores[0] <= scores[-1] <= 1
    figures = experiment("intrinsic").figures(config(), result)
    assert [figure.id for figure in figures] == FIGURES
    assert all(figure.caption.endswith(".") and figure.figure.data for figure in figures)
    assert "shrinking of the biases" in figures[1].caption
    figures = experiment("intrinsic").figures(config(shrink=0.0), result)
    assert "shrinking" not in figures[1].caption


def test_the_summary_compares_with_longer_trainings(data: Any) -> None:
    for row, share in zip(data["rows"][:2], (0.25, 0.5), strict=True):
        row["share"] |= {"seeds": [share, share + (share > 0.3) / 8] * 3}
        short = row["share"] | {"mean": 0.375, "interval": [0.25, 0.5], "seeds": [0.375] * 2}
        data["rows"].append(row | {"arm": "length", "length": 2.5, "share": short})
    given = config(steps=95, lengths=(2.5,))
    first = experiment("intrinsic").summary(given, Result(data, {}, {}))[0]
    assert first.startswith(
        "The two starts after 250 steps, 2.5 times as many at 1/2.5 of the rate: 37.5% (25.0% to "
        "50.0%) with biases that start at 0, 37.5% (25.0% to 50.0%) at -1, a difference of +0.0 "
        "points (in each of 2 seeds; no interval) where it was +31.2 points (+24.1 to +38.4; 6 "
        "seeds); loss "
    )


def test_an_autoencoder_is_read_on_the_samples_of_its_model(
    data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    read = hidden_dictionary.read

    def kept(*given: Any) -> Any:
        seen.append((*given, read(*given)))
        return seen[-1][-1]

    monkeypatch.setattr(hidden_dictionary, "read", kept)
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path)]
    assert main(experiment("intrinsic"), words) in (0, 1)
    ((states, _, models, decoder, batches, reading),) = seen
    assert batches * decoder.batch >= 1000
    state, owner = (training.member(ensemble, 1) for ensemble in (states, models))
    held = {
        name: np.asarray({**owner.params, **owner.rest}[name][...], np.float64)
        for name in ("projection", "reader", "bias", "writer")
    }
    fresh = jax.jit(feature_decoder.fresh, static_argnums=1)
    x = np.concatenate([fresh(owner, decoder, np.uint32(place)).T for place in range(batches)])
    x = x.astype(np.float64)

    def layer(features: Any) -> Any:
        return np.maximum(features @ held["projection"] @ held["reader"].T + held["bias"], 0)

    hidden = layer(x)
    error = ((hidden @ held["writer"] - x) ** 2).sum(axis=1).mean()
    assert data["rows"][0]["loss"]["seeds"][1] == pytest.approx(error, rel=1e-5)
    scale = np.sqrt((x**2).sum() / (hidden**2).sum())
    assert float(states.setting.source.scale[1]) == pytest.approx(scale, rel=1e-5)
    weights = {**state.params, **state.rest}
    rows, encoder, offset, shift, least = (
        np.asarray(weights[name][...], np.float64)
        for name in ("decoder", "encoder", "encoder_bias", "decoder_bias", "threshold")
    )

    def codes(inputs: Any) -> Any:
        values = (inputs - shift) @ encoder.T + offset
        return np.where(values * np.linalg.norm(rows, axis=1) >= least, np.maximum(values, 0), 0)

    found = codes(scale * hidden)
    restored = found @ rows + shift
    error = ((restored @ held["writer"] / scale - x) ** 2).sum(axis=1).mean()
    assert float(reading.error[1]) == pytest.approx(error, rel=1e-3)
    assert data["autoencoders"][0]["loss"]["seeds"][1] == float(reading.error[1])
    spread = ((scale * (hidden - hidden.mean(axis=0))) ** 2).sum()
    left = ((scale * hidden - restored) ** 2).sum() / spread
    assert float(reading.unexplained[1]) == pytest.approx(left, rel=1e-3)
    assert np.abs(np.asarray(reading.fires[1]) - (found > 0).sum(axis=0)).max() <= 2
    np.testing.assert_allclose(reading.responses[1].T, codes(scale * layer(np.eye(8))), atol=1e-4)
    moves = np.linalg.norm(rows @ held["writer"] / scale, axis=1)
    np.testing.assert_allclose(reading.effects[1], moves, rtol=1e-4)


def test_every_setting_once_and_the_matched_first() -> None:
    found = intrinsic_cells.cells(
        config(starts=(-2.0, -1.0, 0.0, -0.0, -1.0), widths=(0.5, 2.0), speeds=(1.0, 0.5))
    )
    assert len(set(found)) == len(found)
    assert (found[0].start, found[0].arm) == (0.0, "start")
    assert [cell.start for cell in found if cell.arm == "start"] == [0.0, -1.0, -2.0]
    # Sixteen units and the usual rate are the matched layer's own.
    assert {cell.hidden for cell in found if cell.arm == "width"} == {4}
    assert {cell.rate for cell in found if cell.arm == "speed"} == {0.01}
    grouped = intrinsic_cells.shapes(config(widths=(0.5,), functions=("solu",), lengths=(1.0, 2.5)))
    assert list(grouped) == ["16-relu", "16-solu", "16-relu-2_5", "4-relu"]
    assert {(cell.rate, cell.length) for cell in grouped["16-relu-2_5"]} == {(0.008, 2.5)}


def test_units_of_which_none_lives() -> None:
    found = intrinsic_cells.units(np.zeros((3, 4), np.float32), np.zeros(3, bool))
    assert found == dict.fromkeys(found, 0.0)


def _good(data: Any) -> None:
    """What the paper and the claim expect."""
    for row in data["rows"] + data["autoencoders"]:
        row["converged"] = True
        row["share"]["seeds"] = [0.5, 0.52, 0.5, 0.52, 0.5, 0.52]
        row["ratio"] = {"mean": 1.05, "interval": [1.04, 1.06]}
    data["rows"][0]["share"]["seeds"] = [0.1, 0.1, 0.11, 0.1, 0.1, 0.11]
    data["autoencoders"][0]["recovery"] = {"mean": 0.9, "interval": [0.8, 1.0]}


def _verdicts(data: Any) -> dict[str, Verdict]:
    found = experiment("intrinsic").checks(config(), Result(data, {}, {}))
    return {check.name: check.verdict for check in found}


def test_checks_see_what_is_wrong(data: Any) -> None:
    _good(data)
    found = experiment("intrinsic").checks(config(), Result(data, {}, {}))
    assert {check.verdict for check in found} == {Verdict.PASS}
    (claim,) = experiment("intrinsic").claims(found)
    assert claim.verdict is ClaimVerdict.REFINED

    matched, below, strong = data["rows"][:3]
    sae = data["autoencoders"][0]
    for row, first, key, value in (
        (below, "C18: monosemantic share, biases", "share", [0.05] * 6),
        (strong, "C18: monosemantic share, strongest", "share", [0.05] * 2),
        (sae, "C18: monosemantic share, autoencoder's", "share", [0.05] * 2),
        (below, "C18: loss, biases", "ratio", [1.2, 1.3]),
        (strong, "C18: loss, strongest", "ratio", [0.8, 0.9]),
        (sae, "loss with the layer", "ratio", [0.8, 0.9]),
        (sae, "C18: features that", "recovery", [0.2, 0.3]),
    ):
        kept = copy.deepcopy(row[key])
        row[key] |= {"seeds": value} if key == "share" else {"mean": value[0], "interval": value}
        failed = [name for name, verdict in _verdicts(data).items() if verdict is Verdict.FAIL]
        assert len(failed) == 1
        assert failed[0].startswith(first)
        row[key] = kept
    matched["converged"] = False
    assert set(_verdicts(data).values()) == {Verdict.NOT_CONVERGED}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--starts", "0", "-2"], "--starts must have 0 and -1 among its values; got 0 -2."),
        (["--penalties", "0"], "--penalties must be a number in (0, 100]; got '0'."),
        (["--probability", "1.5"], "--probability must be a number in (0, 1]; got '1.5'."),
        (["--functions", "gelu"], "--functions must be solu; got 'gelu'."),
        (["--hidden", "2.5"], "--hidden must be an integer from 4 to 32768; got '2.5'."),
        (["--seeds", "1"], "--seeds must be an integer from 2 to 1000; got '1'."),
        (["--rate", "nan"], "--rate must be a number in (0, 1]; got 'nan'."),
        (
            ["--widths", "0.01"],
            "--widths must be at least one unit for 8 features, 0.125; got 0.01.",
        ),
        (
            ["--sparsities", "50"],
            "--sparsities times the features on, 1, must be at most the latents, 16; got 50.",
        ),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert_refused("intrinsic", words, said, tmp_path / "runs", capsys)


def test_help_is_light() -> None:
    assert_help_is_light("intrinsic")


def test_the_report_opens(folder: Path) -> None:
    assert_opens(folder, FIGURES)
