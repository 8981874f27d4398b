"""The autoencoder experiment: a whole run, checks that fail, errors, saved files, the report."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment, tiny_run

from experiments import autoencoder_file, sae_arms, sae_checks, sae_config
from experiments.harness.checks import ClaimVerdict, Verdict
from experiments.harness.errors import InputError
from experiments.harness.experiment import Result
from experiments.harness.run import main
from experiments.harness.store import load
from experiments.models import synthetic_activations
from experiments.models.autoencoders import ARCHITECTURES


@pytest.fixture(scope="module")
def run() -> Path:
    return tiny_run("sae")


def _record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return found


def _config(**other: Any) -> Any:
    return experiment("sae").config(**{**experiment("sae").presets["tiny"], **other})


def test_names_are_those_of_the_models() -> None:
    assert tuple(ARCHITECTURES) == sae_config.ARCHITECTURES
    assert synthetic_activations.KINDS == sae_config.KINDS


def test_a_run_says_what_it_found(run: Path) -> None:
    record = _record(run)
    data = record["data"]
    assert record["answer"].startswith("Of 16 features in 8 dimensions, 1 on at a time, a sparse ")
    assert len(record["summary"]) == 7
    arms = data["arms"]
    assert [row["samples"] for row in arms["architectures"]] == [1600, 3200] * 2
    assert [row["kind"] for row in arms["dictionaries"]] == ["random", "trained"]
    for row in (row for rows in arms.values() for row in rows):
        # Every feature and every latent is of one kind.
        latents = 32 if "penalty" in row else 16
        for what, count in (("features", row["hidden"]["mean"]), ("latents", latents)):
            kinds = [key for key in row if key.startswith(f"{what}: ") and key != "features: split"]
            assert sum(row[kind]["mean"] for kind in kinds) == pytest.approx(count)
        assert row["recovery"]["mean"] == pytest.approx(
            row["features: recovered"]["mean"] / row["hidden"]["mean"]
        )
        assert row["explained"]["mean"] < 1
    # A cell of several arms is trained once.
    names = {row["name"] for rows in arms.values() for row in rows}
    assert data["trainings"]["all"] == 2 * len(names)
    assert len(names) < sum(len(rows) for rows in arms.values())
    # TopK has as many active latents as it is given.
    for row in arms["sparsities"]:
        assert row["active"]["mean"] == pytest.approx(row["number"], abs=0.1)
    weights = load(run).result.arrays
    assert weights["decoder"].shape == weights["dictionary"].shape == (16, 8)


def test_the_same_seed_gives_the_same_numbers(run: Path, tmp_path: Path) -> None:
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path)]
    assert main(experiment("sae"), words) in (0, 1)
    (again,) = [path for path in (tmp_path / "sae").iterdir() if path.is_dir()]
    assert _record(again)["data"] == _record(run)["data"]


def _verdicts(data: Any) -> dict[str, Verdict]:
    return {check.name: check.verdict for check in sae_checks.checks(data)}


def _effect(mean: float, reach: float = 0.001) -> dict[str, Any]:
    return {"mean": mean, "interval": [mean - reach, mean + reach], "seeds": [mean, mean]}


def _good(run: Path) -> Any:
    """The data of the run, with numbers as theory has them."""
    data = copy.deepcopy(_record(run)["data"])
    arms = data["arms"]
    for row in arms["architectures"]:
        row["recovery"] = _effect(0.98 if row["architecture"] == "topk" else 0.93)
        row |= {
            "neurons_reading": _effect(0.0),
            "latents_reading": _effect(0.97),
            "neuron_reading": {**row["neuron_law"], "seeds": list(row["neuron_law"]["seeds"])},
        }
    arms["penalties"][0] |= {"explained": _effect(0.99), "recovery": _effect(0.01)}
    arms["families"][0]["absorbed"] = _effect(0.9)
    data["random"] = {"mcc": _effect(0.0), "recovery": _effect(0.0)}
    # As long and as level as trainings should be.
    data["rate"] = 1.0
    for row in (row for rows in arms.values() for row in rows):
        row["course"] = [[0.9] * 10] * 2
    return data


def test_checks_pass_on_what_theory_says_and_claims_follow(run: Path) -> None:
    data = _good(run)
    assert set(_verdicts(data).values()) == {Verdict.PASS}
    found = experiment("sae").claims(sae_checks.checks(data))
    assert {claim.id: claim.verdict for claim in found} == {
        "C14": ClaimVerdict.INCONCLUSIVE,  # steering has the other part
        "C15": ClaimVerdict.REFINED,
        "C17": ClaimVerdict.OUT_OF_REACH,
    }
    assert "0.98" in next(claim.evidence for claim in found if claim.id == "C17")


def test_trainings_that_have_not_settled_are_no_verdict(run: Path) -> None:
    for spoil in (
        lambda data: data.update(rate=1e-3),
        lambda data: [
            row.update(course=[[0.5] * 9 + [0.9]] * 2) for row in sae_checks.largest(data)
        ],
    ):
        data = _good(run)
        spoil(data)
        verdicts = _verdicts(data)
        for name in ("C15: recovery, best architecture", "C15: recovery, second architecture"):
            assert verdicts[name] is Verdict.NOT_CONVERGED
        assert verdicts["C14: share of latents that read one feature"] is Verdict.NOT_CONVERGED
        assert verdicts["C14: share of neurons that read one feature"] is Verdict.PASS


def test_claims_are_decided_in_their_own_setting_only(run: Path) -> None:
    data = _good(run)
    data["fair"] = False
    assert "recovery, best architecture" in _verdicts(data)
    claims = {
        claim.id: claim.verdict for claim in experiment("sae").claims(sae_checks.checks(data))
    }
    assert set(claims.values()) == {ClaimVerdict.NOT_RUN}
    # A strong penalty says nothing about explained variance without recovery.
    data = _good(run)
    data["arms"]["penalties"][0]["penalty"] = 0.3
    assert "C15: recovery, ReLU at the weakest penalty" not in _verdicts(data)


def test_cells_of_other_laws_have_other_names() -> None:
    # The families' law is hierarchical too, with another chance of a child.
    config = _config(kind="hierarchical", group=4, strength=0.5, active=2)
    wants = [want for rows in sae_arms.wants(config).values() for _, want in rows]
    assert len({want.name for want in wants}) == len(set(wants))
    assert len({want.law for want in wants}) >= 3


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        (
            "C15: recovery, best architecture",
            lambda data: [row.update(recovery=_effect(0.94)) for row in sae_checks.largest(data)],
        ),
        (
            "C15: recovery, second architecture",
            lambda data: sae_checks.ranked(data)[1].update(recovery=_effect(0.89)),
        ),
        (
            "C15: recovery, ReLU at the weakest penalty",
            lambda data: data["arms"]["penalties"][0].update(recovery=_effect(0.2)),
        ),
        (
            "C15: explained variance, ReLU at the weakest penalty",
            lambda data: data["arms"]["penalties"][0].update(explained=_effect(0.9)),
        ),
        (
            "C14: share of neurons that read one feature",
            lambda data: sae_checks.ranked(data)[0].update(neurons_reading=_effect(0.2)),
        ),
        (
            "C14: share of latents that read one feature",
            lambda data: sae_checks.ranked(data)[0].update(latents_reading=_effect(0.5)),
        ),
        (
            "MCC of a random decoder, over chance",
            lambda data: data["random"].update(mcc=_effect(0.05)),
        ),
        (
            "variance of a feature's best neuron that is the feature's, over theory",
            lambda data: sae_checks.ranked(data)[0].update(neuron_reading=_effect(0.5)),
        ),
        (
            "C15: parents whose latent falls silent for a child's, TopK",
            lambda data: data["arms"]["families"][0].update(absorbed=_effect(0.1)),
        ),
    ],
)
def test_checks_fail_on_altered_data(run: Path, name: str, spoil: Any) -> None:
    data = _good(run)
    spoil(data)
    failed = {name for name, verdict in _verdicts(data).items() if verdict is Verdict.FAIL}
    assert name in failed
    assert len(failed) <= 2  # where both architectures were spoilt


def test_a_lone_architecture_has_no_second(run: Path) -> None:
    data = _good(run)
    rows = data["arms"]["architectures"]
    data["arms"]["architectures"] = [row for row in rows if row["architecture"] == "topk"]
    assert "C15: recovery, second architecture" not in _verdicts(data)
    claim = experiment("sae").claims(sae_checks.checks(data))[1]
    assert claim.verdict is ClaimVerdict.NOT_RUN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--architectures", "relu", "topk"], "--architectures must begin with topk or batch-topk"),
        (["--architectures", "sparse"], "--architectures must be one of topk, batch-topk"),
        (["--kind", "alike"], "--kind must be one of fixed, independent"),
        (["--active", "9"], "--active must be at most half of --features, 16; got 9."),
        (["--alpha", "1"], "--alpha must be 0 where --kind is fixed; got 1."),
        (["--growth", "0.8", "--fall", "0.3"], "--growth and --fall must be at most 1 together"),
        (
            ["--kind", "correlated", "--group", "3"],
            "--kind, --group and --strength must suit",
        ),
        (["--features", "8"], "--features must be more than --dim, 8; got 8."),
        (["--features", "18", "--active", "8", "--slots", "8"], "a law that does not exist: "),
        (["--evaluations", "100"], "--evaluations must be at least 1,920, so that each of 16 "),
        (["--save", "."], "--save must name a file in a folder that can be written to; got '.'."),
        (["--slots", "9"], "--slots must be at most the latents and dimensions, 8; got 9."),
        (["--penalties", "0"], "--penalties must be a number in (0, 100]; got '0'."),
        (
            ["--save", "nowhere/file.safetensors"],
            "--save must name a file in a folder that can be written to",
        ),
        (["--seeds", "1"], "--seeds must be an integer from 2 to 1000; got '1'."),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused("sae", words, said, tmp_path / "runs", capsys)


def test_help_is_light() -> None:
    assert_help_is_light("sae")


def test_a_saved_autoencoder_restores_as_its_file_says(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "decoder.safetensors"
    result = load(run).result
    finish = experiment("sae").finish
    assert finish is not None
    (line,) = finish(_config(save=str(path)), result)
    assert line == f"Saved 16 latents of 8 dimensions: {path}"
    with safe_open(path, framework="numpy") as content:
        tensors = {key: content.get_tensor(key) for key in sorted(content.keys())}
        assert content.metadata() == {
            "format": autoencoder_file.FORMAT,
            "architecture": "topk",
            "k": "1",
            "seed": "0",
        }
    assert [path.name for path in tmp_path.iterdir()] == ["decoder.safetensors"]
    assert {key: value.shape for key, value in tensors.items()} == {
        "W_dec": (16, 8),
        "W_enc": (8, 16),
        "b_enc": (16,),
        "b_dec": (8,),
        "dictionary": (16, 8),
    }
    np.testing.assert_array_equal(tensors["W_dec"], result.arrays["decoder"])
    # The file's own formula explains what the run says: most of the variance of single features.
    inputs = tensors["dictionary"]
    values = np.maximum((inputs - tensors["b_dec"]) @ tensors["W_enc"] + tensors["b_enc"], 0)
    scores = values * np.linalg.norm(tensors["W_dec"], axis=1)
    codes = np.where(scores == scores.max(axis=1, keepdims=True), values, 0)
    left = inputs - codes @ tensors["W_dec"] - tensors["b_dec"]
    assert (left**2).sum() < 0.6 * ((inputs - inputs.mean(axis=0)) ** 2).sum()


def test_a_file_that_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    arrays = load(run).result.arrays
    with pytest.raises(InputError, match="--save must name a file that can be written; got "):
        autoencoder_file.write(tmp_path / "no" / "file.safetensors", _config(), arrays)


def test_figures_and_report(run: Path) -> None:
    figures = experiment("sae").figures(_config(), load(run).result)
    ids = [figure.id for figure in figures]
    assert len(set(ids)) == len(ids) >= 8
    for figure in figures:
        assert figure.caption.endswith(".")
    assert_opens(run, ids)


def test_data_survives_the_record(run: Path) -> None:
    loaded = load(run).result
    assert isinstance(loaded, Result)
    assert loaded.data == _record(run)["data"]
