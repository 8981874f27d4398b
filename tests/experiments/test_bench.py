"""The bench: turns, peers against an oracle, memory, devices, a whole tiny run, errors."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_runs import assert_help_is_light, assert_opens, assert_refused, experiment

from experiments import (
    bench,
    bench_devices,
    bench_memory,
    bench_timing,
    scale_promises,
)
from experiments.bench_config import Config
from experiments.bench_peers import PEERS
from experiments.bench_subjects import subjects
from experiments.bench_timing import Contest, Side, measure
from experiments.harness import terminal
from experiments.harness.checks import Verdict
from experiments.harness.experiment import Result
from experiments.harness.run import main


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_timing, "PAUSE", 0.0)


def timed(name: str, role: bench_timing.Role, seconds: list[float], log: list[str]) -> Side:
    """A side whose runs say how long they took."""
    clock = iter(seconds)

    def run() -> float:
        log.append(name)
        return next(clock)

    return Side(name, role, lambda: run, took=float)


def test_sides_run_in_turn_after_one_uncounted_turn() -> None:
    log: list[str] = []
    done: list[str] = []
    contest = Contest(
        "group",
        "title",
        [
            timed("here", "ours", [9.0, 1.0, 2.0, 1.0], log),
            timed("slow", "peer", [9.0, 4.0, 6.0, 2.0], log),
            dataclasses.replace(timed("floor", "floor", [9.0, 0.25, 0.5, 0.5], log), scale=2.0),
            Side("gone", "peer", None),
        ],
        finish=lambda: done.append("finish"),
    )
    timing = measure(contest, 3)
    assert log == ["here", "slow", "floor"] * 4
    assert done == ["finish"]
    here, slow, floor, gone = timing.sides
    assert (here.median, here.times) == (1.0, None)
    # Ratios within turns are 4, 3, 2: the ratio of the medians would be 4.
    assert slow.times == bench_timing.Spread(3.0, 2.5, 3.5, None)
    assert floor.seconds == [0.5, 1.0, 1.0]
    assert (gone.seconds, gone.missing) == (None, "absent")
    assert timing.fastest is slow


def test_the_median_has_an_interval_from_six_turns_on() -> None:
    # For seven values the smallest and the largest hold the median at 1 - 2/2^7.
    assert bench_timing.spread([3, 1, 4, 7, 6, 5, 2]).interval == (1, 7)
    assert bench_timing.spread([1, 2, 3, 4, 5]).interval is None


def test_what_has_to_be_ended_is_ended_after_a_failure() -> None:
    done: list[str] = []

    def broken() -> Callable[[], None]:
        raise RuntimeError("no input")

    contest = Contest("g", "t", [Side("here", "ours", broken)], finish=lambda: done.append("end"))
    with pytest.raises(RuntimeError, match="no input"):
        measure(contest, 1)
    assert done == ["end"]


def test_a_promise_is_kept_by_speed_and_by_the_answer() -> None:
    def contest(other: float, answer: float) -> Contest:
        sides = [
            Side("here", "ours", lambda: lambda: (1.0, 1.0), took=lambda found: found[0]),
            Side("peer", "peer", lambda: lambda: (other, answer), took=lambda found: found[0]),
        ]
        return Contest("g", "t", sides, least=2.0, answer=lambda found: (found[1],), tolerance=1e-5)

    assert bench_timing.kept(contest(2.0, 1.0)) == (
        True,
        "2.00 times as fast as peer (quartiles 2.00 to 2.00)",
    )
    assert not bench_timing.kept(contest(1.9, 1.0))[0]
    assert not bench_timing.kept(contest(2.0, 1.1))[0]
    absent = dataclasses.replace(
        contest(2.0, 1.0), sides=[contest(2, 1).sides[0], Side("peer", "peer", None)]
    )
    assert bench_timing.kept(absent) == (False, "not measured: peer absent")


@pytest.mark.parametrize("name", list(PEERS))
@pytest.mark.parametrize("sign", [1, -1])
def test_every_form_of_a_peer_finds_the_largest_cosine(name: str, sign: int) -> None:
    peer = PEERS[name]
    if peer.missing:
        pytest.skip(f"{name} is not installed")
    rows = np.random.default_rng(1).standard_normal((70, 16), np.float32)
    rows[61] = sign * rows[3] + 0.1 * rows[61]
    unit = rows.astype(np.float64) / np.linalg.norm(rows.astype(np.float64), axis=1)[:, None]
    cosines = np.abs(unit @ unit.T)
    np.fill_diagonal(cosines, 0)
    assert cosines.argmax() == 3 * 70 + 61
    for form in peer.forms().values():
        # Blocks that divide the rows, that do not, that hold all of them; and one row alone.
        for block in (7, 16, 128):
            assert form(rows, block) == pytest.approx(cosines.max(), abs=1e-5)
        assert form(rows[:1], 4) == 0
    words, run = peer.fastest(rows)
    assert "blocks of 256" in words
    assert run() == pytest.approx(cosines.max(), abs=1e-5)


def test_virtual_devices_come_to_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_devices, "COUNTS", (1, 2))
    timing = measure(bench_devices.contest(Config(shrink=1024)), 1)
    assert [side.name for side in timing.sides] == ["1 device", "2 devices"]
    assert timing.difference == 0
    assert timing.agree


def test_memory_is_that_of_a_process_of_its_own() -> None:
    # NumPy's own copy of 2048 rows, and one tile, of all of them at most.
    config = Config(shrink=16, only="coherence-32768x512")
    found = bench_memory.peak("coherence-32768x512", 1, config)
    assert found is not None
    assert 2048 * 512 * 4 <= found <= 2 * (2048 * 512 + 2048 * 2048) * 4
    assert bench_memory.peak("nothing", 0, config) is None


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run at the tiny preset, its memory made up."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_timing, "PAUSE", 0.0)
        patch.setattr(bench_memory, "peak", lambda *_: 3 << 20)
        words = ["--preset", "tiny", "--quiet", "--out", str(out)]
        assert main(experiment("bench"), words) == 0
    (folder,) = [path for path in (out / "bench").iterdir() if path.is_dir()]
    return folder


def test_a_tiny_run_opens_and_holds_what_it_measured(tiny: Path) -> None:
    record = json.loads((tiny / "record.json").read_text())
    (timing,) = record["data"]["timings"]
    assert timing["name"] == "coherence-8192x4096"
    assert timing["title"] == "128 vectors, d = 4,096"
    names = [side["name"] for side in timing["sides"]]
    assert names == ["here", *PEERS, "float32 products", "bfloat16 products"]
    absent = [name for name, peer in PEERS.items() if peer.missing]
    for side in timing["sides"]:
        assert (side["seconds"] is None) == (side["name"] in absent)
        assert (side["times"] is None) == (side["name"] in ("here", *absent))
    said = " ".join(record["summary"])
    assert all(f"{name} absent" in said for name in absent)
    assert record["data"]["machine"]["matmul"]["float32"] > 1e8
    assert [check["verdict"] for check in record["checks"]] == ["PASS"]
    assert_opens(tiny, ["ratios", "rates", "memory"])


def test_the_terminal_shows_one_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    record = json.loads((tiny / "record.json").read_text())
    tables = bench._tables(record["data"])
    terminal.show_run(
        answer="", summary=[], checks=[], claims=[], report=tiny, tables=[tables["timings"]]
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith(" mutual coherence: 128 vectors, d =") for line in lines)
    assert any(line.startswith("   NumPy ") for line in lines)


def timing(**changes: Any) -> dict[str, Any]:
    """A timing of the data, as if it had been measured."""
    times = {"median": 1.5, "low": 1.2, "high": 1.7, "interval": [1.1, 1.9]}
    side = {"missing": "", "seconds": [1.0], "median": 1.0, "memory": None}
    return {
        "name": "one",
        "group": "group",
        "title": "title",
        "sides": [
            {"name": "here", "role": "ours", "times": None, **side},
            {"name": "peer", "role": "peer", "times": times, **side},
        ],
        "least": 1.4,
        "fastest": "peer",
        "difference": 1e-6,
        "tolerance": 1e-5,
        "operations": None,
        "note": "",
    } | changes


def verdicts(*rows: dict[str, Any]) -> list[Verdict]:
    data: Any = {"timings": list(rows)}
    return [check.verdict for check in bench.checks(Config(), Result(data, {}, {}))]


def test_checks_fail_on_what_is_slow_or_wrong() -> None:
    assert verdicts(timing()) == [Verdict.PASS, Verdict.PASS]
    assert verdicts(timing(least=1.6)) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(timing(difference=2e-5)) == [Verdict.FAIL, Verdict.PASS]
    assert verdicts(timing(least=None, difference=None)) == []
    gone = {"name": "gone", "role": "peer", "missing": "absent", "median": None, "times": None}
    # Without one of the peers nothing is said of the fastest.
    assert verdicts(timing(sides=[*timing()["sides"], gone])) == [Verdict.PASS]


def test_only_what_is_asked_for_is_timed() -> None:
    assert list(subjects(Config(only="flat"))) == ["flat-gold", "flat-kerdock"]
    assert {"devices", "gram", "readout", "main-job"} < set(subjects(Config()))
    for name in ("flat-gold", "flat-kerdock"):
        contest = subjects(Config(shrink=512))[name]()
        found = measure(contest, 1)
        assert found.agree
        assert found.least is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nothing"], "--only must be part of one of coherence-32768x512"),
        (["--only", ""], "--only must be a text"),
        (["--pairs", "0"], "--pairs"),
        (["--pairs", "2.5"], "--pairs"),
        (["--shrink", "-1"], "--shrink"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused("bench", words, said, tmp_path / "out", capsys)


def test_help_is_light() -> None:
    assert_help_is_light("bench")


def test_what_is_promised_names_its_peers() -> None:
    names = [promise.name for promise in scale_promises.promises()]
    assert "NumPy, PyTorch, FAISS" in names[0]
    assert sum("at most 1.3 times" in name for name in names) == 2
