"""The packing command's second question: how far apart so many lines can be."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_runs import assert_opens, assert_refused

from experiments import packing, packing_count, verify
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main
from geometry import optimise

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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--count", "0"], "--count must be an integer, at least 1; got '0'."),
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
