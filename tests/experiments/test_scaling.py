"""Loss over width: a whole run, fits of exact laws, checks that fail, errors, the report."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment, tiny_run

from experiments import scaling_checks, scaling_fits
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main
from experiments.harness.store import load

FIGURES = ["loss", "overlap", "tail", "lengths", "alone"]
WIDTHS = (8, 16, 32)


@pytest.fixture(scope="module")
def run() -> Path:
    return tiny_run("scaling")


def _record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return found


def _config() -> Any:
    return experiment("scaling").config(**experiment("scaling").presets["tiny"])


def test_a_run_says_what_it_found(run: Path) -> None:
    record = _record(run)
    assert record["answer"].endswith(".")
    assert len(record["summary"]) >= 4
    # Forty steps are no training.
    assert {check["verdict"] for check in record["checks"]} == {"NOT CONVERGED"}
    assert record["summary"][-1].startswith("NOT CONVERGED: the strong exponent, the overlaps, ")
    figures = experiment("scaling").figures(_config(), load(run).result)
    assert [figure.id for figure in figures] == FIGURES
    for figure in figures:
        assert figure.caption.endswith(".")
        assert len(figure.figure.data) >= 1


def test_the_same_seed_gives_the_same_numbers(run: Path, tmp_path: Path) -> None:
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path)]
    assert main(experiment("scaling"), words) in (0, 1)
    (again,) = [path for path in (tmp_path / "scaling").iterdir() if path.is_dir()]
    assert _record(again)["data"] == _record(run)["data"]


def _arm(losses: list[float], represented: int, overlap: float, decay: float) -> dict[str, Any]:
    return {
        "decay": decay,
        "loss": losses,
        "error": [0.001 * loss for loss in losses],
        "represented": [represented] * len(losses),
        "overlap": [overlap] * len(losses),
        "lengths": [1.0],
        "alone": [1.0],
        "late_probe": 0.01,
        "late_represented": 0.0,
    }


def _rows(power: float = -1.0, weak: float = 1.0, overlap: float = 1.0) -> list[dict[str, Any]]:
    """Exact laws but for seeds whose height differs."""
    rows = []
    for m in WIDTHS:
        tail = 0.1 * m**-0.25
        strong = _arm([height * m**power for height in (1.0, 1.1, 0.9)], 100, overlap / m, -1.0)
        rows.append(
            {
                "width": m,
                "tail": tail,
                "welch": 0.9 / m,
                "strong": strong,
                "half": _arm([2.0 * m**power], 100, overlap / m, -1.0),
                # Halfway between in the logarithm, the ratio is `weak`.
                "weak": [
                    _arm([tail * weak / 1.5] * 3, 4 * m, 0.5 / m, 0.1),
                    _arm([tail * weak * 1.5] * 3, m // 4, 0.0, 0.2),
                ],
            }
        )
    return rows


def test_exact_laws_are_found() -> None:
    found = scaling_fits.fits(_rows(), 20.0)
    assert found["exponent"]["mean"] == pytest.approx(-1)
    assert found["exponent"]["interval"] == pytest.approx([-1, -1])
    assert found["drift"] == pytest.approx(0, abs=1e-12)
    assert [one["mean"] for one in found["local"]] == pytest.approx([-1, -1])
    assert [one["mean"] for one in found["overlap"]] == pytest.approx([1, 1, 1])
    assert [one["mean"] for one in found["weak"]] == pytest.approx([1, 1, 1])
    assert found["weak_exponent"]["mean"] == pytest.approx(-0.25)
    assert found["tail_exponent"] == pytest.approx(-0.25)
    assert found["sampling"] == pytest.approx(0.001)


def test_between_decays() -> None:
    assert scaling_fits.at_width([64, 4], [0.5, 2.0], 16) == pytest.approx(1)
    assert scaling_fits.at_width([16, 4], [0.5, 2.0], 16) == pytest.approx(0.5)
    assert scaling_fits.at_width([0, 16], [3.0, 1.0], 16) == pytest.approx(1)
    assert scaling_fits.at_width([64, 17], [0.5, 2.0], 16) is None
    assert scaling_fits.at_width([8, 4], [0.5, 2.0], 16) is None


def _verdicts(rows: list[dict[str, Any]]) -> dict[str, Verdict]:
    data = {"fits": scaling_fits.fits(rows, 20.0)}
    return {check.name: check.verdict for check in scaling_checks.checks(data)}


def test_checks_pass_where_the_laws_hold() -> None:
    assert set(_verdicts(_rows()).values()) == {Verdict.PASS}


def test_checks_see_what_is_wrong() -> None:
    found = _verdicts(_rows(power=-0.5, weak=0.7, overlap=2.0))
    assert found.pop("C8: mean squared overlap over width, strong superposition, exponent") == (
        Verdict.PASS
    )
    assert set(found.values()) == {Verdict.FAIL}
    rows = _rows()
    for row in rows:
        row["strong"]["overlap"] = row["half"]["overlap"] = [row["width"] ** -0.5] * 3
    assert _verdicts(rows)[
        "C8: mean squared overlap over width, strong superposition, exponent"
    ] == (Verdict.FAIL)


def test_what_did_not_converge_or_was_not_reached_is_said(run: Path) -> None:
    rows = _rows()
    for row in rows:
        row["half"]["loss"] = [row["width"] ** -0.5]
        row["half"]["overlap"] = [2 / row["width"]]
        row["weak"][0]["late_represented"] = row["width"]
    rows[1]["weak"][0]["late_represented"] = 0.0
    rows[1]["weak"][0]["represented"] = [8, 64, 64]
    data: Any = {**copy.deepcopy(load(run).result.data), "rows": rows}
    data["fits"] = scaling_fits.fits(rows, 20.0)
    found = {check.name: check for check in scaling_checks.checks(data)}
    missing = found.pop("weak superposition: loss over the unlearned tail's, m = 16")
    assert missing.verdict is Verdict.INCONCLUSIVE
    assert missing.estimate is None
    assert {check.verdict for check in found.values()} == {Verdict.NOT_CONVERGED}
    result = Result(data, {}, {})
    lines = experiment("scaling").summary(_config(), result)
    assert lines[-1] == (
        "NOT CONVERGED: the strong exponent, the overlaps, the weak arm at m = 8, the weak arm "
        "at m = 32."
    )
    assert "not converged" in experiment("scaling").answer(_config(), result)
    assert "m = 16: not measured" in lines[2]
    # Figures and tables hold what is there.
    assert len(experiment("scaling").figures(_config(), result)) == len(FIGURES)
    assert set(scaling_checks.tables(data)) == {"widths", "arms"}


def test_help_is_light() -> None:
    assert_help_is_light("scaling")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--widths", "4", "8"], "--widths must have three different numbers or more; got 4 8."),
        (["--widths", "4", "8", "17"], "--widths must be at most half of --features, 32; got 17."),
        (["--widths", "1", "2", "4"], "--widths must be an integer from 2 to 16384; got '1'."),
        (["--weak", "0.5"], "--weak must have two different numbers or more; got 0.5."),
        (["--weak", "0", "1"], "--weak must be a number in (0, 100]; got '0'."),
        (["--strong", "-1"], "--strong must be a number in (0, 100]; got '-1'."),
        (["--alpha", "5"], "--alpha must be a number in [0, 4]; got '5'."),
        (["--expected", "0"], "--expected must be a number in [0.1, 16]; got '0'."),
        (["--features", "4"], "--features must be an integer from 8 to 1000000; got '4'."),
        (
            ["--features", "10", "--widths", "2", "3", "4", "--expected", "10"],
            "--expected must be at most 0.99 times --features, 10; got 10.",
        ),
        (
            ["--features", "1000000", "--batch", "4096"],
            "--batch times --features must be below 2^31; got 4096 times 1000000.",
        ),
        (["--seeds", "1"], "--seeds must be an integer from 2 to 1000; got '1'."),
        (["--steps", "2"], "--steps must be an integer from 20 to 10000000; got '2'."),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert_refused("scaling", words, said, tmp_path / "runs", capsys)


def test_the_report_opens(run: Path) -> None:
    assert_opens(run, FIGURES)
