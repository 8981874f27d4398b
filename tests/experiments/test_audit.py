"""The audit of a matrix: its numbers against plain NumPy, its words, figures and checks."""

from __future__ import annotations

import copy
import dataclasses
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from audited import EQUAL, FIGURES, ZERO, measured, save, weights
from numpy.typing import NDArray
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
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.progress import Progress
from geometry import sphere
from geometry.rows import Held


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("weights")
    save(where)
    return where


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
    # So few that a sample would hold them all.
    result = measured(folder / "table.npy", axis="columns", pairs="sample")
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
        # Equal rows are known without a sample.
        for group in EQUAL:
            size[np.ix_([kept.index(row) for row in group], [kept.index(row) for row in group])] = 1
        size = np.triu(size, 1)
        assert np.allclose(cosines, np.sort(size, axis=None)[: -len(cosines) - 1 : -1])
    found = audit_checks.checks(None, result)
    assert {check.verdict for check in found} <= {Verdict.PASS, Verdict.INCONCLUSIVE}
    assert "at least" not in audit_words.answer(None, result)
    # Without equal rows, and with the rows less their mean compared in full.
    other: Any = copy.deepcopy(data)
    other["views"]["raw"]["largest"]["cosine"] = 0.9
    other["views"]["centred"] |= {"exact": True}
    said = audit_words.answer(None, dataclasses.replace(result, data=other))
    assert said.count("at least 0.9000 (a sample of 32 rows)") == said.count("at least") == 1
    assert audit_words.compared(data) == "pairs of 32 sampled rows with all"
    both = "raw pairs of 32 sampled rows with all, centred all pairs"
    assert audit_words.compared(other) == both
    table = audit_words.tables(other, [], None)["comparison"]
    assert both in (table.caption or "")
    assert "largest |cos|, at least (raw)" in [row[0] for row in table.rows]


def test_fewer_directions_than_dimensions_among_zero_rows(tmp_path: Path) -> None:
    """And a sample of eight of ten, with more pairs wanted than there are."""
    rows = np.zeros((30, 12), np.float32)
    rows[10:20] = np.random.default_rng(4).standard_normal((10, 12))
    np.save(tmp_path / "table.npy", rows)
    result = measured(tmp_path / "table.npy", active=(1, 2), pairs="sample", sample=8, closest=100)
    data: Any = result.data
    for name, told in plain(rows).items():
        view = data["views"][name]
        assert view["rms"] == pytest.approx(told["rms"])
        assert [one["alarms"]["theory"] for one in view["interference"]] == pytest.approx(
            [normal_alarms(told["gram"], k) for k in (1, 2)]
        )
        # All pairs but that of the two rows outside the sample, none with itself.
        near = [row for row in result.tables["closest"].rows if row[0] == name]
        assert len({row[2:4] for row in near}) == len(near) == 44
        assert all(row[2] != row[3] for row in near)
    chance = [one["alarms"]["random"] for one in data["views"]["raw"]["interference"]]
    assert chance[0] == pytest.approx(sphere.tail(0.5, 12) / 2)
    lines = audit_words.summary(None, result)
    assert lines[0].endswith("No two other rows are equal.")
    assert "None" not in " ".join(lines)


def test_no_chance_is_negative() -> None:
    known = {"dim": 500, "mean_cosine": 0.0, "mean_square": 1 / 500, "row_mean_square": 0.0}
    view: Any = SimpleNamespace(moments=SimpleNamespace(**known), count=900)
    one = {"mean": 0.0, "square": 1.0, "alarms": 0.0, "alarms_theory": 0.0}
    for active in range(1, 9):
        assert audit_reading._told(view, active, [one, one])["alarms"]["random"] >= 0


@pytest.mark.parametrize(
    ("scale", "mean", "kind", "left"),
    [
        (1e300, 1, "float64", 50),
        (1e-300, 1, "float64", 50),
        (1, 1e12, "float64", 50),
        (1, 1e12, "float32", 0),
        (1, 1e4, "float32", 50),
        (1, 1e4, "float16", 0),
        (1, 1e12, "int64", 50),
    ],
)
def test_rows_less_their_mean(scale: float, mean: float, kind: str, left: int) -> None:
    """At any scale, and left out where the type of the file cannot tell them from the mean."""
    spread = np.random.default_rng(0).standard_normal((50, 8))
    # Four rows far out, about the same mean, so that every type has some rows left.
    far = np.array([1, -1])[:, None, None] * np.eye(2, 8)
    rows = scale * np.concatenate([mean + spread, mean * (1 + far.reshape(4, 8))])
    config = Config()
    with Progress(quiet=True) as progress:
        found = audit._views(config, Held(rows), kind, progress)["centred"]
    assert np.sum(found.index < 50) == left
    given = rows / scale
    told = (given - given.mean(axis=0))[found.index]
    unit = told / np.linalg.norm(told, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    assert found.moments.mean_square == pytest.approx(np.mean(cosines**2), abs=1e-3)


def test_pools_of_rows_stand_for_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten of the rows at a time, in many pools, against the exact moments of all."""
    monkeypatch.setattr(audit_reading, "_POOL", 10)
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
