"""Documented commands: each is read without complaint, and each experiment runs as it says."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from safetensors.numpy import save_file
from whole_runs import tiny_run

from experiments.__main__ import discover
from experiments.harness import cli, exact_json, store

ROOT = Path(__file__).parents[2]
EXPERIMENTS = {experiment.name: experiment for experiment in discover()}
LINE = re.compile(r"python -m (experiments(?:\.[a-z_]+)?)(?![.\w<])([^`#\n|\"]*)")
# README's worked example, which a test of its own writes and runs.
EXAMPLE = "experiments.overlap"


def documented() -> dict[str, list[str]]:
    """The words of each documented line, by module."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    texts += [example for experiment in EXPERIMENTS.values() for example in experiment.examples]
    found: dict[str, list[str]] = {}
    for module, words in sorted(
        {(line[1], line[2]) for text in texts for line in LINE.finditer(text)}
    ):
        if module != EXAMPLE and "<" not in words:
            found.setdefault(module, []).append(words.split("  ")[0].strip())
    return found


LINES = documented()


class ReadError(Exception):
    """The words were read, and nothing else is to happen."""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a folder with the files that lines name."""
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).standard_normal((256, 128)).astype(np.float32)
    for name in ("FILE", "weights.npy", "decoder.npy"):
        with open(name, "wb") as stream:
            np.save(stream, rows)
    np.savez("table.npz", table=rows)
    save_file({"embedding.weight": rows, "bias": rows[0]}, "weights.safetensors")
    save_file({"W_dec": rows}, "decoder.safetensors")
    Path("tokenizer.json").write_text(json.dumps({f"w{i}": i for i in range(256)}), "utf-8")


def reader(module: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Any]:
    """What reads the words of a command, and stops there."""
    name = module.__name__.rpartition(".")[2]
    if name in EXPERIMENTS:
        experiment = EXPERIMENTS[name]

        def read(words: list[str]) -> NoReturn:
            config, _ = cli.parse(experiment, words)
            asked = experiment.overview is not None and experiment.overview(config) is not None
            if experiment.validate is not None and not asked:
                experiment.validate(config)
            raise ReadError

        return read
    whole = cli.parse_command

    def parsed(*given: Any, **named: Any) -> NoReturn:
        whole(*given, **named)
        raise ReadError

    monkeypatch.setattr(cli, "parse_command", parsed)
    main: Callable[[list[str]], int] = module.main
    return main


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", LINES)
def test_documented_lines_are_understood(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"{name}.__main__" if name == "experiments" else name)
    read = reader(module, monkeypatch)
    for words in LINES[name]:
        with pytest.raises(ReadError):
            read(shlex.split(words))


def test_lines_are_found() -> None:
    assert sum(map(len, LINES.values())) > 60
    assert {f"experiments.{name}" for name in EXPERIMENTS} <= set(LINES)
    assert "all" in LINES["experiments"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_experiment_runs(name: str) -> None:
    folder = tiny_run(name)
    run = store.load(folder)
    assert run.record["provenance"]["preset"] == "tiny"
    assert (folder / "report.html").is_file()
    assert store.runs(folder.parent) == [folder]
    out = folder.parents[1]
    assert f"{name}/{folder.name}" in (out / "index.html").read_text(encoding="utf-8")
    listed = exact_json.loads((out / "scorecard.json").read_text(encoding="utf-8"))["runs"]
    assert name in {one["experiment"] for one in listed}


def said(*words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout


def test_commands_beside_the_experiments(tmp_path: Path) -> None:
    listed = said("experiments")
    assert [line.split()[0] for line in listed.splitlines()[: len(EXPERIMENTS)]] == list(
        EXPERIMENTS
    )
    copies = []
    for name in ("atlas", "packing"):
        folder = tiny_run(name)
        copies.append(tmp_path / name / folder.name)
        shutil.copytree(folder, copies[-1])
    (copies[0] / "report.html").unlink()
    assert said("experiments.show", str(copies[0]))
    assert (copies[0] / "report.html").is_file()
    assert "C1" in said("experiments.scorecard", str(tmp_path))
    assert (tmp_path / "SCORECARD.md").is_file()
    # The shared run is found done, and saves what it found.
    file = str(tmp_path / "p.npz")
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path), "--save", file]
    assert said("experiments.packing", *words)
    assert store.runs(tmp_path / "packing") == copies[1:]
    assert said("experiments.verify", file).startswith("proved: ")
    assert said("experiments.compare", str(copies[1]), str(copies[1]))
