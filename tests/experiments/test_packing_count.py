"""The packing command's second question: how far apart so many lines can be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_runs import assert_opens, assert_refused

from experiments import packing, packing_count, packing_count_parts, packing_count_words, verify
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main
from experiments.packing_count_rounding import angle_words, cosine_words
from geometry import catalogue, exact, optimise
from geometry.exact import Cosine
from geometry.optimised import Optimised

TINY = ["--preset", "tiny", "--quiet"]
# Eight lines in space: the optimiser beats the catalogue. One size only, since each is compiled.
EIGHT = ["--dim", "3", "--count", "8"]
BEST = 49.640  # degrees (Conway, Hardin and Sloane 1996)


def run(capsys: pytest.CaptureFixture[str], out: Path, *words: str) -> dict[str, Any]:
    assert main(packing.EXPERIMENT, [*TINY, "--json", "--out", str(out), *words]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if key not in ("seconds", "run")}
    kept["certificate"] = {**kept["certificate"], "seconds": None}
    kept["optimiser"] = {**kept["optimiser"], "seconds": None}
    return kept


@pytest.fixture(scope="module", autouse=True)
def _few_starts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimise, "starts_a_round", lambda dim, count: 8)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eight")
    words = [*TINY, "--out", str(out), *EIGHT, "--rounds", "2", "--save", str(out / "p.npz")]
    assert main(packing.EXPERIMENT, words) == 0
    (found,) = [path for path in (out / "packing").iterdir() if path.is_dir()]
    return found


def test_the_answer_has_all_that_was_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(capsys, folder.parents[1], *EIGHT, "--rounds", "2")
    assert Path(answer["run"]) == folder
    assert (answer["schema"], answer["dim"], answer["count"]) == (1, 3, 8)
    assert answer["angle_degrees"] == pytest.approx(BEST, abs=1e-3)
    assert answer["method"] == "optimiser"
    assert answer["rounds"] == answer["optimiser"]["rounds"] == 2
    assert answer["optimiser"]["starts"] >= 2
    assert answer["optimiser"]["recipe"]["seed"] == 0
    assert answer["coherence"] == answer["optimiser"]["coherence"]
    assert answer["coherence"] < answer["catalogue"]["coherence"]
    assert answer["gap"] == answer["coherence"] - answer["bound"] > 0
    assert answer["bound_angle_degrees"] > answer["angle_degrees"]
    assert not answer["optimal"]
    assert answer["certificate"]["level"] == "all pairs"
    assert answer["certificate"]["pairs_checked"] == answer["contacts"]["of"] == 28
    # Rigid lines of space have two freedoms each, up to three of the whole.
    assert answer["contacts"]["pairs"] >= 2 * (8 - answer["contacts"]["rattlers"]) - 3
    assert {check["verdict"] for check in answer["checks"]} <= {"PASS", "INCONCLUSIVE"}
    assert answer["claims"] == []


def test_the_report_opens(folder: Path) -> None:
    assert_opens(folder, ["around-3", "lines-3", "contacts-3", "sorted-3", "rounds-3", "ends-3"])


def test_a_saved_packing_verifies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.main([str(folder.parents[1] / "p.npz"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["proved"]
    assert (record["count"], record["dim"]) == (8, 3)


def test_a_killed_run_goes_on_to_the_same_answer(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[int] = []
    advance = optimise.advance

    def counted(search: optimise.Search) -> optimise.Search:
        done.append(search.rounds)
        return advance(search)

    def killed(search: optimise.Search) -> optimise.Search:
        if search.rounds == 1:
            raise KeyboardInterrupt
        return counted(search)

    words = [*EIGHT, "--rounds", "2", "--show", "8"]
    monkeypatch.setattr(optimise, "advance", killed)
    assert main(packing.EXPERIMENT, [*TINY, "--out", str(tmp_path), *words]) == 130
    monkeypatch.setattr(optimise, "advance", counted)
    capsys.readouterr()
    again = run(capsys, tmp_path, *words)
    assert done == [0, 1]
    whole = run(capsys, folder.parents[1], *EIGHT, "--rounds", "2")
    assert timeless(again) == timeless(whole)


def test_a_budget_of_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, tmp_path, *EIGHT, "--budget", "1e-9")
    assert answer["rounds"] == 1


def test_several_dimensions_without_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(optimise, "LARGEST", 0)
    answers = run(capsys, tmp_path, "--dim", "2", "4", "12", "--count", "12")["answers"]
    plane, space, wide = answers
    assert [one["dim"] for one in answers] == [2, 4, 12]
    assert plane["angle_degrees"] == pytest.approx(15)
    assert space["coherence"] == 0.5
    assert plane["optimal"]
    assert space["optimal"]
    assert "must be at most" in space["optimiser"]["reason"]
    assert wide["coherence"] == 0
    assert "orthogonal" in wide["optimiser"]["reason"]
    assert wide["contacts"]["pairs"] == 0
    assert wide["contacts"]["rattlers"] is None


def test_what_is_said_of_lines_that_are_not_polished_or_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(optimise, "LARGEST", 0)

    def printed(*words: str) -> str:
        assert main(packing.EXPERIMENT, [*TINY, "--out", str(tmp_path), *words]) == 0
        return " ".join(capsys.readouterr().out.split())

    # The first lines of more: what they attain is not known.
    many = printed("--dim", "3", "--count", "4000")
    assert "Little is known here: that is" in many
    assert "and the optimiser was not run at this size." in many
    one = printed("--dim", "3", "--count", "1")
    assert "the first of the 3 coordinate axes" in one
    assert "Proved: nothing, since one line has no other to be close to." in one
    (check,) = run(capsys, tmp_path, "--dim", "3", "--count", "1")["checks"][:1]
    assert check["theory"] == "at least 0 (one line has no other to be close to)"
    subset = printed("--dim", "7", "--count", "20")
    assert "rattler" not in subset
    assert "of 190 pairs are within 1e-08 of the largest |cos|" in subset


# The 17 lines are held by one pair more than their 2n - 3 freedoms; rounding parts these by 3e-8.
@pytest.mark.parametrize(("dim", "count", "pairs"), [(3, 17, 32), (3, 6, 15)])
def test_contacts_of_packings_that_are_kept(dim: int, count: int, pairs: int) -> None:
    found, _ = packing_count_parts.contacts(catalogue.least_coherent(dim, count), at_rest=False)
    assert found["rattlers"] == 0
    assert found["pairs"] == pairs


def test_a_search_that_is_not_polished_has_no_contacts() -> None:
    rows = Optimised(catalogue.least_coherent(3, 7).rows(np.arange(7)).unit(), 0, 1)
    assert packing_count_parts.contacts(rows, at_rest=False)[0]["rattlers"] is None
    assert packing_count_parts.contacts(rows, at_rest=True)[0]["rattlers"] == 0


@pytest.mark.parametrize(
    ("coherence", "down", "up", "at_least", "at_most"),
    [
        ("1/2", "0.5000000000", "0.5000000000", "60.000000", "60.000000"),
        ("0.1", "0.1000000000", "0.1000000000", "84.260829", "84.260830"),
        ("1/sqrt(5)", "0.4472135954", "0.4472135955", "63.434948", "63.434949"),
        ("0", "0.0000000000", "0.0000000000", "90.000000", "90.000000"),
    ],
)
def test_rounded_outward(coherence: str, down: str, up: str, at_least: str, at_most: str) -> None:
    value = exact.eps(coherence)
    assert (cosine_words(value, up=False), cosine_words(value, up=True)) == (down, up)
    assert (angle_words(value, up=False), angle_words(value, up=True)) == (at_least, at_most)


def test_lines_that_nearly_touch() -> None:
    value = Cosine(Fraction(1), Fraction(180, 7 * 10**9))
    assert angle_words(value, up=False) == "0.0000000257"
    assert angle_words(value, up=True) == "0.0000000258"
    assert cosine_words(value, up=False) == "0.9999999999"
    assert cosine_words(value, up=True) == "0.9999999999999999999"
    plain = Cosine(1 - Fraction(1, 10**20))  # the angle is that of a sine of 1e-10
    assert angle_words(plain, up=False) == "0.00000000572"


def test_the_best_possible_to_six_decimals(folder: Path) -> None:
    data = json.loads((folder / "record.json").read_text())["data"]
    assert "no 8 lines are more than" in packing_count_words.answer(None, Result(data, {}, {}))
    data["bound_angle_degrees"] = data["angle_degrees"] + 9e-7
    said = packing_count_words.answer(None, Result(data, {}, {}))
    assert said.endswith("the best possible to six decimals.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--count", "0"], "--count must be an integer from 1 to 1000000000000000000; got '0'."),
        (["--count", "1" + 30 * "0"], "--count must be an integer from 1 to 1000000000000000000;"),
        (["--count", "2.5"], "--count must be"),
        (["--dim", "1", "--count", "3"], "--dim must be"),
        (["--count", "3", "--eps", "0.1"], "--count must come without --eps; got both, 3 and 0.1."),
        (["--count", "3", "--angle", "80"], "--count must come without --angle"),
        (["--rounds", "3"], "--rounds must come with --count; got 3 alone."),
        (["--budget", "3"], "--budget must come with --count"),
        (["--count", "3", "--rounds", "0"], "--rounds must be an integer, at least 1; got '0'."),
        (["--count", "3", "--budget", "0"], "--budget must be a number in (0, inf)"),
        (["--count", "3", "--rounds", "1", "--budget", "1"], "--budget must come without --rounds"),
    ],
)
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert_refused("packing", words, said, tmp_path / "out", capsys)


def test_checks_fail_on_altered_data(folder: Path) -> None:
    record = json.loads((folder / "record.json").read_text())
    config = packing.Config(dim=(3,), count=8, rounds=2)

    def verdicts(data: dict[str, Any]) -> list[Verdict]:
        found = packing_count.COUNT.checks(config, Result(data, {}, {}))
        return [check.verdict for check in found]

    data = record["data"]
    assert Verdict.FAIL not in verdicts(data)
    assert verdicts({**data, "coherence": data["bound"] - 1e-6})[0] is Verdict.FAIL
    broken = copy.deepcopy(data)
    broken["certificate"]["holds"] = False
    assert verdicts(broken)[1] is Verdict.FAIL
    broken["random"]["coherence"] |= {"median": 0.5, "interval": [0.4, 0.6]}
    assert verdicts(broken)[2] is Verdict.FAIL
