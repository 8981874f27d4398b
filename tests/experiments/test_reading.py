"""Interference, read-out, dimensions and steering: whole runs, verdicts, errors, reports."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment, tiny_run

from experiments.harness import store
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main
from experiments.harness.store import load
from experiments.same_runs import unlike

NAMES = ("interference", "readout", "dimensions", "steering")
FIGURES = {
    "interference": ["readings", "errors", "cases", "widths", "neurons", "serves"],
    "readout": ["widths", "maps", "transition"],
    "dimensions": ["largest", "interference", "alarms"],
    "steering": ["arms", "kinds", "selectivity", "collateral", "kept", "first"],
}


def result_of(folder: Path) -> Result:
    return load(folder).result


@pytest.mark.parametrize("name", NAMES)
def test_a_run_says_what_it_found(name: str) -> None:
    record = json.loads((tiny_run(name) / "record.json").read_text(encoding="utf-8"))
    assert record["answer"].endswith(".")
    assert len(record["summary"]) >= 2
    verdicts = [check["verdict"] for check in record["checks"]]
    assert "PASS" in verdicts
    # Exact and joint statements hold however few the trials; few FAILs are by chance.
    assert verdicts.count("FAIL") <= 2, [c for c in record["checks"] if c["verdict"] == "FAIL"]
    page = (tiny_run(name) / "report.html").read_text(encoding="utf-8")
    assert experiment(name).primer.split(".")[0] in page
    figures = experiment(name).figures(experiment(name).config(), result_of(tiny_run(name)))
    assert [figure.id for figure in figures] == FIGURES[name]
    for figure in figures:
        assert figure.caption.endswith(".")
        assert len(figure.figure.data) >= 1


@pytest.mark.parametrize("name", ["interference", "steering"])
def test_the_same_seed_gives_the_same_run(name: str, tmp_path: Path) -> None:
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path)]
    assert main(experiment(name), words) in (0, 1)
    (again,) = store.runs(tmp_path / name)
    assert unlike(tiny_run(name), again) == []


def test_another_seed_gives_other_numbers(tmp_path: Path) -> None:
    words = ["--preset", "tiny", "--quiet", "--seed", "1", "--out", str(tmp_path)]
    assert main(experiment("steering"), words) in (0, 1)
    (other,) = store.runs(tmp_path / "steering")
    assert result_of(other).data != result_of(tiny_run("steering")).data


@pytest.mark.parametrize("name", NAMES)
def test_help_is_light(name: str) -> None:
    assert_help_is_light(name)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("interference", ["--active", "128"], "--active must be below the number of features, 128"),
        ("interference", ["--features", "0"], "--features must be an integer, at least 1; got '0'"),
        ("interference", ["--dim", "2.5"], "--dim must be an integer from 2 to 65536; got '2.5'"),
        ("interference", ["--dim", "200"], "--features must be at least --dim for a tight frame"),
        ("interference", ["--noise", "-1"], "--noise must be a number in [0, inf); got '-1'"),
        ("interference", ["--law", "poisson"], "--law must be one of exact, bernoulli; got"),
        ("interference", ["--dictionaries", "best"], "--dictionaries must be one of random, tight"),
        ("interference", ["--file", "absent.npy"], "the file 'absent.npy' cannot be read"),
        ("interference", ["--tensor", "w"], "--tensor must come with --file; got 'w' alone."),
        ("interference", ["--seeds", "1"], "--seeds must be at least 2, for intervals; got 1."),
        ("readout", ["--columns", "1.5"], "--columns must be a number in (0, 1); got '1.5'."),
        ("readout", ["--columns", "0.01"], "--columns must leave d = delta·N between 4 and"),
        ("readout", ["--wide-active", "99"], "--wide-active must be at most an eighth of"),
        ("readout", ["--seeds", "4"], "--seeds must be at least 5, for intervals; got 4."),
        ("dimensions", ["--dim", "16", "32"], "--dim must name at least 3 dimensions; got 2."),
        ("dimensions", ["--dim", "8"], "--dim must be an integer from 16 to 65536; got '8'."),
        ("dimensions", ["--active", "5000"], "--active must be below --features, 4096; got 5000."),
        ("dimensions", ["--share", "2", "--sample", "64"], "--share must leave fewer active"),
        ("steering", ["--features", "1"], "--features must be at least 2; got 1."),
        ("steering", ["--theta", "0"], "--theta must be a number in (0, inf); got '0'."),
        ("steering", ["--targets", "0"], "--targets must be an integer, at least 1; got '0'."),
        ("steering", ["--samples", "-1"], "--samples must be an integer from 0 to"),
        ("steering", ["--samples", "63"], "--samples must be at least --batch, or 0; got 63 and"),
        ("steering", ["--active", "9"], "--slots must be at least --active; got 8 and 9."),
        ("steering", ["--latents", "2"], "--active must be at most the latents, 2, or --samples 0"),
        ("steering", ["--rate", "0"], "--rate must be a number in (0, 1]; got '0'."),
        ("steering", ["--fall", "1.5"], "--fall must be a number in [0, 1]; got '1.5'."),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: list[str], said: str
) -> None:
    assert_refused(name, words, said, tmp_path / "runs", capsys)


@pytest.mark.parametrize("name", ["interference", "steering"])
def test_a_dictionary_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / "w.npy"
    rows = np.random.default_rng(0).standard_normal((40, 8))
    np.save(path, rows)
    words = ["--preset", "tiny", "--json", "--quiet", "--file", str(path), "--out", str(tmp_path)]
    words += ["--seeds", "2"]  # the fewest that have an interval
    if name == "steering":  # no autoencoders, which the file's directions are not needed for
        words += ["--samples", "0"]
    # The sizes of the preset are those of made dictionaries.
    assert main(experiment(name), [*words, "--dim", "8", "--features", "40"]) in (0, 1)
    answer = json.loads(capsys.readouterr().out)
    assert answer["notice"].startswith("40 of 40 rows of the file were not of unit length")
    assert list(answer["dictionaries"]) == ["w.npy"]
    assert (answer["features"], answer["dim"]) == (40, 8)
    # Other content under the same name is another run; the same is found done.
    again = [*words, "--dim", "8", "--features", "40"]
    assert main(experiment(name), again) in (0, 1)
    assert json.loads(capsys.readouterr().out)["run"] == answer["run"]
    np.save(path, rows[::-1] + 1)
    assert main(experiment(name), again) in (0, 1)
    assert json.loads(capsys.readouterr().out)["run"] != answer["run"]
    rows[3] = 0
    np.save(path, rows)
    assert main(experiment(name), again) == 2
    assert "rows that are not zero" in capsys.readouterr().err


def test_steering_against_plain_loops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.random.default_rng(4).standard_normal((30, 6))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    np.save(tmp_path / "w.npy", rows.astype(np.float32))
    words = ["--file", str(tmp_path / "w.npy"), "--dim", "6", "--features", "30", "--seeds", "2"]
    # All features are targets, so that nothing is left to chance.
    words += ["--targets", "30", "--theta", "0.7", "--amplitude", "1.3", "--samples", "0"]
    given = ["--preset", "tiny", "--json", "--quiet", "--out", str(tmp_path), *words]
    assert main(experiment("steering"), given) in (0, 1)
    arms = json.loads(capsys.readouterr().out)["dictionaries"]["w.npy"]["arms"]
    scales = (0, 1, 2, 5, 10, 20)
    shares: dict[str, Any] = {"true direction": [], "dual direction": [], "best neuron": []}
    effects: dict[str, Any] = {arm: [] for arm in shares}
    firsts: dict[str, Any] = {arm: [] for arm in shares}
    inverse = np.linalg.inv(rows.T @ rows)
    for target in range(30):
        neuron = int(np.argmax(rows[target] ** 2 / np.sum(rows**2, axis=0)))
        for arm, along in (
            ("true direction", rows[target]),
            ("dual direction", inverse @ rows[target]),
            ("best neuron", np.eye(6)[neuron]),
        ):
            # The step raises the target's reading from a to s a; read before and after it.
            before = rows @ (1.3 * rows[target])
            on = []
            for scale in scales:
                size = (scale - 1) * 1.3 / (along @ rows[target])
                after = rows @ (1.3 * rows[target] + size * along)
                assert after[target] == pytest.approx(scale * 1.3)
                margin = np.delete(after - before, target) - 0.7
                assert np.abs(margin).min() > 1e-5  # none is decided by rounding
                on.append(np.mean(margin > 0))
            shares[arm].append(on)
            unit = np.delete(rows @ along, target) / (along @ rows[target])
            effects[arm].append(math.sqrt(np.mean(unit**2)))
            firsts[arm].append(1 + 0.7 / (1.3 * unit.max()))
    for arm, on in shares.items():
        found = [arms[arm]["on"][scale]["mean"] for scale in scales]
        np.testing.assert_allclose(found, np.mean(on, axis=0), atol=1e-9)
        assert arms[arm]["collateral"]["mean"] == pytest.approx(np.median(effects[arm]), rel=1e-5)
        assert arms[arm]["first"]["mean"] == pytest.approx(np.median(firsts[arm]), rel=1e-5)


def test_orthogonal_directions_never_disturb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dim", "16", "--features", "16", "--dictionaries", "tight", "--seeds", "2"]
    words += ["--samples", "0"]
    given = ["--preset", "tiny", "--json", "--quiet", "--out", str(tmp_path), *words]
    assert main(experiment("steering"), given) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "recovered direction" not in answer["arms"]
    # Rounding makes cosines of 1e-8, which are no couplings.
    assert answer["dictionaries"]["tight"]["arms"]["true direction"]["first"]["mean"] == 1e6


def falsified(name: str, folder: Path, change: Any) -> dict[str, Verdict]:
    data = copy.deepcopy(result_of(folder).data)
    change(data)
    result = replace(result_of(folder), data=data)
    config = experiment(name).config()
    return {check.name: check.verdict for check in experiment(name).checks(config, result)}


def test_checks_see_what_is_wrong() -> None:
    def far(row: dict[str, Any], factor: float = 3.0) -> None:
        row["mean"] *= factor
        row["interval"] = [row["mean"], row["mean"]]

    def interference(data: Any) -> None:
        for row in data["dictionaries"].values():
            far(row["square_ratio"])
            row["guaranteed_errors"] = 1
        far(data["dictionaries"]["random"]["rms"])
        data["dictionaries"]["tight"]["welch_deviation"] = 1e-3
        data["reference"][0]["interval"] = [1.0, 1.0]

    found = falsified("interference", tiny_run("interference"), interference)
    failed = {name for name, verdict in found.items() if verdict is Verdict.FAIL}
    assert {
        "mean square interference, random",
        "mean square interference, packing",
        "errors at the k that coherence guarantees, packing",
        "Welch's floor met row by row, tight",
        "C6: interference at features that are off",
        "reference: false alarms at 1/2",
    } <= failed

    def steering(data: Any) -> None:
        for row in data["dictionaries"].values():
            row["settled"] = True
            row["first_deviation"] = 2.0
            row["leverage_deviation"] = 1.0
            row["tenfold"] = 9.0
        far(data["dictionaries"]["random"]["arms"]["true direction"]["on"][10])
        recovered = data["dictionaries"]["random"]["recovered"]
        for name in ("ratio", "alone_reading", "alone_code", "alone_on"):
            recovered[name] = {"mean": 1.5, "interval": [1.4, 1.6]}
        recovered["kept_all"] = recovered["share"] = {"mean": 0.5, "interval": [0.4, 0.6]}

    found = falsified("steering", tiny_run("steering"), steering)
    for name in (
        "first false activation, packing",
        "selectivity of the dual direction, tight",
        "C16: reading of the target at s = 10",
        "C16: other features switched on at s = 10",
        "C16: other features switched on, a recovered latent scaled tenfold",
        "selectivity kept by the recovered direction over theory, random",
        "C16: targets that a latent recovers",
        "C16: selectivity of the picked direction over that of the true one, every target",
        "C16: reading of the target over ten times its activation, its latent scaled tenfold",
        "activation of the latent over ten times the target's, scaled tenfold",
    ):
        assert found[name] is Verdict.FAIL

    def dimensions(data: Any) -> None:
        for fit in data["fits"].values():
            fit["interval"] = [2.0, 2.0]
            fit["ratio_interval"] = [2.0, 2.0]

    found = falsified("dimensions", tiny_run("dimensions"), dimensions)
    assert set(found.values()) == {Verdict.FAIL}

    def readout(data: Any) -> None:
        for one in data["transition"]:
            one["ratio"], one["interval"] = 1.2, [1.19, 1.21]
        data["passing"]["interval"] = [1.0, 1.0]

    found = falsified("readout", tiny_run("readout"), readout)
    assert found["l1 transition at d/N = 0.5, signed"] is Verdict.FAIL
    assert found["message passing at its fixed point, mean square error"] is Verdict.FAIL


def test_undecided_crossings_are_inconclusive() -> None:
    def none(data: Any) -> None:
        for one in data["transition"]:
            one["ratio"] = one["interval"] = None

    found = falsified("readout", tiny_run("readout"), none)
    assert found["l1 transition at d/N = 0.5, signed"] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", NAMES)
def test_the_report_opens(name: str) -> None:
    assert_opens(tiny_run(name), FIGURES[name])
