"""The audit of a matrix: its numbers against plain NumPy, its files, its refusals, its report."""

from __future__ import annotations

import dataclasses
import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import whole_runs
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy import stats

from experiments import (
    audit,
    audit_checks,
    audit_figures,
    audit_matrix,
    audit_pairs,
    audit_reading,
    audit_words,
)
from experiments.audit_config import Config
from experiments.harness.arrays import ArrayFileError
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.progress import Progress
from experiments.harness.run import main
from geometry.gram_moments import LARGEST_SIDE

FIGURES = ["cosines", "nearest", "eigenvalues", "interference", "alarms", "norms"]
TABLES = {"comparison", "interference", "alarms", "closest", "duplicates", "zero"}
TINY: dict[str, Any] = {"active": (1, 3), "trials": 64, "seeds": 3, "closest": 4}
ZERO, EQUAL = [4, 17], [[2, 9, 33], [5, 6]]


def weights() -> NDArray[np.float32]:
    """Rows that lean to one side, two of zeros, two groups of equal ones, very unequal lengths."""
    rows = np.random.default_rng(5).standard_normal((60, 12)) + 0.5
    rows *= np.geomspace(0.1, 50, 60)[:, None]
    rows[ZERO] = 0
    for group in EQUAL:
        rows[group] = rows[group[0]]
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same matrix in every kind of file, and several in one."""
    where = tmp_path_factory.mktemp("weights")
    rows, half = weights(), np.linspace(0, 1, 12, dtype=np.float16)
    np.save(where / "table.npy", rows)
    np.savez(where / "table.npz", table=rows, bias=half)
    np.savez_compressed(where / "packed.npz", table=np.asfortranarray(rows))
    save_file({"table": rows, "bias": half}, where / "table.safetensors")
    save_file({"table": rows, "other": rows[:5]}, where / "several.safetensors")
    (where / "words.txt").write_text("\n".join(f"w{i}" for i in range(58)), encoding="utf-8")
    return where


def measured(path: Path, **settings: Any) -> Result:
    config = Config(file=str(path), **{**TINY, **settings})
    with Progress(quiet=True) as progress:
        return audit.measure(config, progress)


def plain(rows: NDArray[Any]) -> dict[str, Any]:
    """The same numbers in a few lines of float64."""
    given = rows.astype(np.float64)
    given = given[np.linalg.norm(given, axis=1) > 0]
    found = {}
    for name, part in (("raw", given), ("centred", given - given.mean(axis=0))):
        norms = np.linalg.norm(part, axis=1)
        unit = part / norms[:, None]
        gram = unit @ unit.T
        cosines = gram[np.triu_indices(len(unit), 1)]
        size = np.abs(gram - np.diag(np.diag(gram)))
        values = np.linalg.eigvalsh(unit.T @ unit)
        found[name] = {
            "norms": norms,
            "mean": cosines.mean(),
            "rms": np.sqrt((cosines**2).mean()),
            "sizes": np.sort(np.abs(cosines))[::-1],
            "nearest": size.max(axis=1),
            "effective": values.sum() ** 2 / (values**2).sum(),
            "neurons": (1 / (unit**4).sum(axis=1)).mean(),
            "gram": gram,
        }
    return found


def assert_agrees(result: Result, rows: NDArray[Any]) -> None:
    data: Any = result.data
    for name, told in plain(rows).items():
        view = data["views"][name]
        close = {
            "mean_cosine": told["mean"],
            "rms": told["rms"],
            "effective_dimension": told["effective"],
            "row_participation": told["neurons"],
        }
        for key, value in close.items():
            assert view[key] == pytest.approx(value, abs=1e-5, rel=1e-5), (name, key)
        assert view["largest"]["cosine"] == pytest.approx(told["sizes"][0], abs=1e-5)
        assert view["largest"]["at_most"] == pytest.approx(told["sizes"][0], abs=1e-5)
        first = [row for row in result.tables["closest"].rows if row[0] == name]
        assert np.allclose(
            np.abs([float(row[1] or 0) for row in first]), told["sizes"][: len(first)], atol=1e-5
        )
        assert view["pairs"] == len(told["sizes"])
        for one in view["quantiles"]:
            exact = np.quantile(told["sizes"], one["share"], method="inverted_cdf")
            assert one["interval"][0] - 1e-5 <= exact <= one["interval"][1] + 1e-5
            # A bin is 1/65536 wide.
            assert one["interval"][1] - one["interval"][0] < 2e-5
        for key, part in (("nearest", told["nearest"]), ("norms", told["norms"])):
            for kind, value in (("min", part.min()), ("median", np.median(part))):
                assert view[key][kind] == pytest.approx(value, abs=1e-5, rel=1e-5), (name, key)
            assert view[key]["max"] == pytest.approx(part.max(), abs=1e-5, rel=1e-5)
        one = view["interference"][0]
        # One active feature: the reading of another is their cosine.
        assert one["active"] == 1
        assert one["mean"]["theory"] == pytest.approx(told["mean"], abs=1e-5)
        assert one["rms"]["theory"] == pytest.approx(told["rms"], abs=1e-5)
        for one in view["interference"]:
            told_alarms = normal_alarms(told["gram"], one["active"])
            assert one["alarms"]["theory"] == pytest.approx(told_alarms, abs=1e-5)
        # 192 active features were drawn: four standard deviations at most.
        exact = np.mean(told["gram"][~np.eye(len(told["gram"]), dtype=bool)] > 0.5)
        assert abs(view["interference"][0]["alarms"]["mean"] - exact) < 4 * 0.5 / np.sqrt(192)


def normal_alarms(gram: NDArray[np.float64], active: int) -> float:
    """Mean chance that a normal reading with each row's mean and variance is above 1/2."""
    count = len(gram)
    others = gram[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    kept = active * (count - 1 - active) / (count - 2)
    spread = np.sqrt(kept * others.var(axis=1))
    return float(stats.norm.sf((0.5 - active * others.mean(axis=1)) / spread).mean())


@pytest.mark.parametrize("name", ["table.npy", "table.npz", "packed.npz", "table.safetensors"])
def test_agrees_with_plain_numpy_from_any_file(folder: Path, name: str) -> None:
    result = measured(folder / name)
    assert_agrees(result, weights())
    data: Any = result.data
    assert data["zero"] == {"count": 2, "first": ZERO}
    assert data["duplicates"]["groups"] == 2
    assert [one["rows"] for one in data["duplicates"]["first"]] == EQUAL
    assert (data["rows"], data["count"], data["dim"]) == (60, 58, 12)
    assert any({*data["views"]["raw"]["largest"]["rows"]} <= {*group} for group in EQUAL)
    assert data["packing"]["largest"] >= data["welch"]["largest"] > 0


@pytest.mark.parametrize("in_memory", [True, False])
def test_columns_are_fewer_than_dimensions(
    folder: Path, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(audit_matrix, "_IN_MEMORY", 0)
    result = measured(folder / "table.npy", axis="columns")
    assert_agrees(result, weights().T)
    data: Any = result.data
    assert (data["rows"], data["count"], data["dim"]) == (12, 12, 60)
    # Nothing stands in the way of orthogonal directions then.
    assert data["welch"] == {"rms": 0, "largest": 0}
    assert data["packing"]["largest"] == 0
    said = audit_words.answer(None, result)
    assert "12 columns of 'table.npy'" in said
    assert "at best" not in said


def test_a_sample_bounds_the_largest_and_encloses_quantiles(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.audit.MOST_PAIRS", 100)
    result = measured(folder / "table.npy", sample=35, pairs="auto")
    data: Any = result.data
    for name, told in plain(weights()).items():
        view = data["views"][name]
        assert (view["exact"], view["sampled"], view["pairs"]) == (False, 32, 32 * 57)
        # The exact moments need no sample.
        assert view["rms"] == pytest.approx(told["rms"], rel=1e-10)
        assert view["largest"]["cosine"] <= told["sizes"][0] + 1e-6
        assert view["largest"]["at_most"] == 1
        kept = np.delete(np.arange(60), ZERO).tolist()
        first, second = map(kept.index, view["largest"]["rows"])
        assert abs(told["gram"][first, second]) == pytest.approx(view["largest"]["cosine"])
        # Ten intervals at 95% over both views; this seed's enclose all but the odd one.
        missed = [
            not one["interval"][0] <= np.quantile(told["sizes"], one["share"]) <= one["interval"][1]
            for one in view["quantiles"]
        ]
        assert sum(missed) <= 1
        cosines = [
            abs(float(row[1] or 0)) for row in result.tables["closest"].rows if row[0] == name
        ]
        # The best of all pairs with a sampled end, each once.
        sampling = jax.random.fold_in(jax.random.key(0), 2)
        drawn = jax.random.choice(sampling, 58, (32,), replace=False)
        size = np.triu(np.abs(told["gram"]), 1)
        others = np.setdiff1d(np.arange(58), np.asarray(drawn))
        size[np.ix_(others, others)] = 0
        assert np.allclose(cosines, np.sort(size, axis=None)[: -len(cosines) - 1 : -1])
    found = audit_checks.checks(None, result)
    assert {check.verdict for check in found} <= {Verdict.PASS, Verdict.INCONCLUSIVE}
    said = audit_words.answer(None, result)
    assert said.count("at least") == 2
    assert "a sample of 32 rows" in said


def test_pools_of_rows_stand_for_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve of the rows at a time, in many pools, against the exact moments of all."""
    monkeypatch.setattr(audit_reading, "_POOL", 12)
    result = measured(folder / "table.npy", active=(2,), seeds=200)
    data: Any = result.data
    for name, view in data["views"].items():
        (row,) = view["interference"]
        for key, centre in (("square_ratio", 1), ("mean_error", 0)):
            half = (row[key]["interval"][1] - row[key]["interval"][0]) / 2
            # Twice the half-width is four standard errors.
            assert abs(row[key]["mean"] - centre) < 2 * half
            assert half < 0.1
        whole = normal_alarms(plain(weights())[name]["gram"], 2)
        assert row["alarms"]["theory"] == pytest.approx(whole, abs=0.02)


def test_intervals_of_quantiles_cover() -> None:
    """Woodruff's interval for the median, over many samples of groups."""
    rows = np.random.default_rng(8).standard_normal((400, 8)) * np.geomspace(1, 3, 8)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    size = np.abs(unit @ unit.T)
    bins = np.minimum((size * 4096).astype(int), 4095)
    counts = np.zeros((400, 4096), np.int64)
    for row in range(400):
        np.add.at(counts[row], np.delete(bins[row], row), 1)
    exact = np.median(size[np.triu_indices(400, 1)])
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        chosen = generator.permutation(400)[:64]
        by_group = counts[chosen].reshape(32, 2, -1).sum(axis=1)
        low, high = audit_pairs._woodruff(by_group, 0.5, 64 / 400)
        held += low <= exact <= high
    # Binomial(200, .95) has standard deviation 3.1.
    assert held >= 180


def test_tokens_name_the_closest_pairs(folder: Path) -> None:
    result = measured(folder / "table.npy", vocabulary=str(folder / "words.txt"))
    data: Any = result.data
    assert "58 tokens for 60 rows" in data["notices"][0]
    pairs = result.tables["closest"]
    assert pairs.columns[-2:] == ("first token", "second token")
    for row in pairs.rows:
        assert row[4:] == (f"w{row[2]}", f"w{row[3]}")
    assert result.tables["duplicates"].rows[0] == (3, "2, 9, 33", "w2, w9, w33")
    assert result.tables["zero"].rows == ((4, "w4"), (17, "w17"))


def test_lists_what_a_file_holds(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "several.safetensors"), "--out", str(tmp_path / "out")]
    assert main(audit.EXPERIMENT, words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["other", "table"]
    assert "60 x 12" in lines[1]
    assert main(audit.EXPERIMENT, [*words, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["tensors"][0] | {"type": ""} == {
        "name": "other",
        "shape": [5, 12],
        "type": "",
        "trouble": "",
    }
    assert not (tmp_path / "out").exists()


def damaged(folder: Path, tmp_path: Path, kind: str) -> Path:
    """A bad file of each kind."""
    whole = (folder / "table.npy").read_bytes()
    path = tmp_path / f"{kind}.npy"
    if kind == "truncated":
        path.write_bytes(whole[:-100])
    elif kind == "corrupt":
        path.write_bytes(whole[:8] + b"\xff" * 40 + whole[48:])
    elif kind == "pickled":
        np.save(path, np.array([{}], object), allow_pickle=True)
    elif kind == "flat":
        np.save(path, np.ones(7))
    elif kind == "nan":
        rows = weights()
        rows[40, 3] = np.nan
        np.save(path, rows)
    elif kind == "zeros":
        np.save(path, np.zeros((8, 5)))
    elif kind == "equal":
        np.save(path, np.tile(np.arange(1, 6, dtype=np.float32) / 3, (8, 1)))
    elif kind == "broad":
        with path.open("wb") as stream:
            side = LARGEST_SIDE + 1
            header = {"descr": "<f2", "fortran_order": False, "shape": (side, side)}
            np.lib.format.write_array_header_1_0(stream, header)
            stream.truncate(stream.tell() + 2 * side**2)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("truncated", "is truncated"),
        ("corrupt", "cannot be read"),
        ("pickled", "never unpickled"),
        ("flat", "must hold a matrix"),
        ("nan", "NaN or infinity in row 40"),
        ("zeros", "at least 2 rows that are not zero"),
        ("equal", "centred"),
        ("broad", "smaller side at most"),
        ("missing", "cannot be read"),
    ],
)
def test_bad_files_get_one_line(
    kind: str, said: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damaged(folder, tmp_path, kind)
    whole_runs.assert_refused("audit", [str(path)], said, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tensor", "nothing"], "has no array 'nothing'"),
        (["--active", "60"], "--active must be below the number of rows, 60"),
        (["--active", "59"], "--active must be below the 58 raw rows"),
        (["--axis", "columns", "--active", "12"], "number of columns, 12"),
        (["--seeds", "1"], "--seeds must be at least 2"),
        (["--pairs", "some"], "--pairs must be one of"),
        (["--vocabulary", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_settings_get_one_line(
    words: list[str],
    said: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(folder / "table.npy"), *words]
    whole_runs.assert_refused("audit", given, said, tmp_path / "out", capsys)


def test_no_file_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole_runs.assert_refused("audit", [], "FILE must be", tmp_path / "out", capsys)


def test_a_file_that_shrinks_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cut in the middle of the measurement, while rows are streamed from it."""
    path = tmp_path / "table.npy"
    np.save(path, weights())
    monkeypatch.setattr(audit_matrix, "_IN_MEMORY", 0)
    found = audit._pairs

    def cut(*given: Any) -> Any:
        os.truncate(path, 1000)
        return found(*given)

    monkeypatch.setattr(audit, "_pairs", cut)
    whole_runs.assert_refused("audit", [str(path)], "is truncated", tmp_path / "out", capsys)
    with pytest.raises(ArrayFileError):
        measured(path)


def test_help_is_light() -> None:
    whole_runs.assert_help_is_light("audit")


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run from the command line."""
    out = tmp_path_factory.mktemp("runs")
    words = ["--preset", "tiny", "--quiet", "--vocabulary", str(folder / "words.txt")]
    given = [str(folder / "table.safetensors"), *words, "--out", str(out)]
    assert main(audit.EXPERIMENT, given) in (0, 1)
    (run,) = [path for path in (out / "audit").iterdir() if path.is_dir()]
    return run


def test_a_tiny_run_is_recorded_and_opens(whole: Path) -> None:
    record = json.loads((whole / "record.json").read_text(encoding="utf-8"))
    assert "58 rows of 'table' in 12 dimensions" in record["answer"]
    assert all(check["verdict"] in ("PASS", "INCONCLUSIVE") for check in record["checks"])
    assert set(record["tables"]) == TABLES
    whole_runs.assert_opens(whole, FIGURES)


def drawn(values: Any) -> NDArray[np.float64]:
    """The numbers of a trace, gaps as 0; Plotly keeps typed arrays as base64."""
    if isinstance(values, dict):
        values = np.frombuffer(b64decode(values["bdata"]), values["dtype"])
    return np.nan_to_num(np.asarray(values, np.float64))


def test_figures_hold_what_was_measured(folder: Path) -> None:
    result = measured(folder / "table.npy")
    figures = audit_figures.figures(None, result)
    assert [figure.id for figure in figures] == FIGURES
    shown = {figure.id: figure.figure.to_dict()["data"] for figure in figures}
    for name in ("cosines", "nearest"):
        for trace in shown[name][:3]:
            assert drawn(trace["y"]).sum() == pytest.approx(1, abs=1e-5)
    told = plain(weights())["raw"]
    edges = np.linspace(0, 1, audit_pairs.BINS + 1)
    counted = np.histogram(told["sizes"], edges)[0] / len(told["sizes"])
    assert np.abs(np.cumsum(drawn(shown["cosines"][0]["y"]) - counted)).max() < 0.01
    assert drawn(shown["norms"][0]["y"]).sum() == 58
    assert drawn(shown["eigenvalues"][0]["y"]).sum() == pytest.approx(58, rel=1e-5)
    marks = {trace["name"]: drawn(trace["x"])[0] for trace in shown["cosines"][3:]}
    data: Any = result.data
    assert marks["Welch"] == pytest.approx(data["welch"]["largest"])
    assert marks["random's largest"] == pytest.approx(data["random"]["largest"])


def test_checks_fail_on_wrong_numbers(folder: Path) -> None:
    result = measured(folder / "table.npy")
    data: Any = result.data

    def verdicts(**changes: Any) -> dict[str, Verdict]:
        views = {**data["views"], "raw": {**data["views"]["raw"], **changes}}
        altered = dataclasses.replace(result, data={**data, "views": views})
        return {one.name: one.verdict for one in audit_checks.checks(None, altered)}

    assert Verdict.FAIL not in verdicts().values()
    view = data["views"]["raw"]
    assert verdicts(rms=0.2)["rms |cos| above Welch's floor, raw"] is Verdict.FAIL
    low = {**view["largest"], "cosine": 0.2}
    assert verdicts(largest=low)["largest |cos| above Welch's bound, raw"] is Verdict.FAIL
    counted = verdicts(exact_square=view["exact_square"] * 1.01)
    assert counted["rms |cos| of all pairs, counted, raw"] is Verdict.FAIL
    rows = [dict(row) for row in view["interference"]]
    rows[1]["square_ratio"] = {"mean": 1.3, "interval": [1.2, 1.4]}
    rows[0]["mean_error"] = {"mean": -0.2, "interval": [-0.21, -0.19]}
    broken = verdicts(interference=rows)
    assert broken["mean square interference, raw"] is Verdict.FAIL
    assert broken["mean interference, raw"] is Verdict.FAIL
    sampled = verdicts(exact=False, sampled=64, exact_square=view["rms"] ** 2 * 1.2)
    assert sampled["mean cos² of the sampled rows, raw"] is Verdict.FAIL
