"""Parts of a measurement outlive the run that made them, and nothing else does."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy

from experiments.harness import parts
from experiments.harness.experiment import Experiment, Figure, Result
from experiments.harness.progress import Progress
from experiments.harness.run import main

HUGE = 7**6000


class Work:
    """Makes values, and remembers how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> object:
        self.made += 1
        return {"huge": HUGE, "third": np.float64(1) / 3, "pair": (1, None)}


VALUE = {"huge": HUGE, "third": 1 / 3, "pair": [1, None]}


def test_a_kept_part_is_not_made_again(tmp_path: Path) -> None:
    work = Work()
    first = parts.Parts(tmp_path / "kept").get("one", work)
    again = parts.Parts(tmp_path / "kept").get("one", work)
    assert first == again == VALUE
    assert work.made == 1
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.json"]
    parts.Parts(tmp_path / "kept").get("two", work)
    assert work.made == 2


def test_without_a_folder_every_part_is_made(tmp_path: Path) -> None:
    work = Work()
    nowhere = parts.Parts()
    # The same value, through JSON too, as a kept one.
    assert nowhere.get("one", work) == nowhere.get("one", work) == VALUE
    assert work.made == 2
    nowhere.discard()
    assert Progress(quiet=True).part("one", work) == VALUE


@pytest.mark.parametrize("content", ["", '{"huge": 7', "NaN"])
def test_a_damaged_part_is_made_again(tmp_path: Path, content: str) -> None:
    work = Work()
    (tmp_path / "one.json").write_text(content, encoding="utf-8")
    assert parts.Parts(tmp_path).get("one", work) == VALUE
    assert work.made == 1
    assert parts.Parts(tmp_path).get("one", work) == VALUE
    assert work.made == 1


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    kept = parts.Parts(tmp_path / "kept")
    for name in ("", "../one", "One", "a b"):
        with pytest.raises(ValueError, match="`name` must be like"):
            kept.get(name, Work())
    with pytest.raises(ValueError, match="`one` must be finite"):
        kept.get("one", lambda: float("nan"))
    with pytest.raises(TypeError, match="`one` must be a JSON value"):
        kept.get("one", object)
    assert not (tmp_path / "kept").exists()


def test_parts_belong_to_one_run_and_age(tmp_path: Path) -> None:
    work = Work()
    parts.of_run(tmp_path, "a" * 64).get("one", work)
    parts.of_run(tmp_path, "b" * 64).get("one", work)
    assert work.made == 2
    parts.of_run(tmp_path, "a" * 64).get("one", work)
    assert work.made == 2
    parts.of_run(tmp_path, "a" * 64, fresh=True).get("one", work)
    assert work.made == 3
    long_ago = time.time() - 31 * 86400
    for folder in tmp_path.iterdir():
        os.utime(folder, (long_ago, long_ago))
    parts.of_run(tmp_path, "c" * 64)
    assert list(tmp_path.iterdir()) == []


def stepping(work: Work, stop_before: str | None) -> Experiment[toy.Config]:
    """The toy in three parts; Ctrl-C arrives before one of them."""

    def measure(config: toy.Config, progress: Progress) -> Result:
        values = []
        for name in ("one", "two", "three"):
            if name == stop_before:
                raise KeyboardInterrupt
            values.append(progress.part(name, work))
        return Result({"sum": len(values), "values": values}, {}, {})

    return replace(toy.EXPERIMENT, measure=measure, figures=lambda config, result: [])


def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    work = Work()
    assert main(stepping(work, "three"), ["--quiet"]) == 130
    (kept,) = Path("results/toy").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["one.json", "two.json"]
    # Other settings are another run.
    assert main(stepping(work, None), ["--quiet", "--dim", "9"]) == 0
    assert work.made == 5
    assert kept.is_dir()
    assert main(stepping(work, None), ["--quiet"]) == 0
    assert work.made == 6
    assert not kept.exists()
    # --force begins at the beginning, also after an interruption.
    assert main(stepping(work, "two"), ["--quiet", "--force"]) == 130
    assert main(stepping(work, None), ["--quiet", "--force"]) == 0
    assert work.made == 10
    assert not kept.exists()
    capsys.readouterr()


def test_a_measurement_whose_picture_fails_needs_its_parts_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def figures(config: toy.Config, result: Result) -> list[Figure]:
        raise ZeroDivisionError

    broken = replace(stepping(Work(), None), figures=figures)
    with pytest.raises(ZeroDivisionError):
        main(broken, ["--quiet"])
    assert not list(Path("results/toy").glob(".parts-*"))
    assert len(list(Path("results/toy").iterdir())) == 1
