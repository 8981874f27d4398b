"""The packing command as a user runs it: answers, files, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_runs import tiny_run

from experiments import packing, packing_file, packing_random, packing_rows, packing_words, verify
from experiments.command import main
from experiments.harness import store

TINY = ["--preset", "tiny", "--quiet"]


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random directions as the shared run has them: each further dimension takes seconds."""
    data = store.load(tiny_run("packing")).result.data
    monkeypatch.setattr(packing_random, "random_baseline", lambda *_, **__: data["random"])


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(packing.EXPERIMENT, [*TINY, "--json", *words]) == 0
    captured = capsys.readouterr()
    answer: dict[str, Any] = json.loads(captured.out)
    return answer


def test_one_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path)
    answer = run(capsys, "--dim", "16", "--eps", "1/4", "--out", out)
    assert (answer["schema"], answer["dim"], answer["eps"]) == (1, 16, 0.25)
    assert answer["eps_exact"] == "1/4"
    assert answer["lower"]["count"] == answer["upper"]["count"] == 144
    assert answer["lower"]["method"] == "Kerdock"
    assert answer["lower"]["recipe"] == {"name": "Kerdock", "exponent": 4}
    certificate = answer["lower"]["certificate"]
    assert certificate["level"] == "all pairs"
    assert certificate["pairs_checked"] == 144 * 143 // 2
    assert answer["upper"]["method"] == "levenshtein"
    assert {check["verdict"] for check in answer["checks"]} == {"PASS"}
    verdicts = {claim["id"]: claim["verdict"] for claim in answer["claims"]}
    assert verdicts == {"C1": "supported", "C2": "refined", "C3": "refined", "C4": "supported"}
    folder = Path(answer["run"])
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "record.json", "arrays.npz", "report.html", "popular.csv"} <= names
    assert "exactly" in json.loads((folder / "record.json").read_text())["answer"]
    assert 'id="C1"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Of 18 claims, 2 hold" in (tmp_path / "SCORECARD.md").read_text(encoding="utf-8")
    judged = json.loads((tmp_path / "scorecard.json").read_text(encoding="utf-8"))["claims"]
    assert {claim["verdict"] for claim in judged[:4]} == {"supported", "refined"}


@pytest.mark.usefixtures("unmeasured")
def test_a_list_of_dimensions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, "--dim", "2", "3", "--angle", "60", "--out", str(tmp_path))
    assert [one["dim"] for one in answer["answers"]] == [2, 3]
    assert answer["answers"][0]["lower"]["count"] == answer["answers"][0]["upper"]["count"] == 3
    assert answer["answers"][1]["lower"]["count"] == 6
    assert all(one["eps_exact"] == "1/2" for one in answer["answers"])
    assert "dim" not in answer


def test_the_same_seed_gives_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def numbers(*words: str) -> Any:
        answer = run(capsys, "--out", str(tmp_path), *words)
        return {key: answer[key] for key in ("lower", "upper", "random")} | {"seconds": None}

    def plain(answer: Any) -> Any:
        answer["lower"]["certificate"]["seconds"] = None
        return answer

    first = plain(numbers())
    assert plain(numbers("--force")) == first
    assert plain(numbers("--seed", "1"))["random"] != first["random"]


def test_random_baseline_follows_its_law(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(capsys, "--seeds", "32", "--out", str(tmp_path))
    random = answer["random"]
    low, high = random["coherence"]["interval"]
    assert low <= random["coherence"]["median"] <= high
    # The law's 5% and 95% quantiles enclose the median of 32 draws but for 1 in 10^6.
    assert random["coherence"]["law_5"] < random["coherence"]["median"]
    assert random["coherence"]["median"] < random["coherence"]["law_95"]
    assert random["first_clash"]["median"] is not None
    assert random["greedy"]["mean"] >= random["first_clash"]["median"]


def test_what_cannot_be_measured_is_null_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A clash is looked for where a quarter of this is enough, as in 40 dimensions at 0.8 it is not.
    monkeypatch.setattr(packing_random, "_LARGEST_CLASH", 1)
    answer = run(capsys, "--out", str(tmp_path))
    clash = answer["random"]["first_clash"]
    assert clash["median"] is None
    assert "a clash is expected only after" in clash["reason"]


@pytest.mark.usefixtures("unmeasured")
def test_saved_packings_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.npz"
    words = ["--dim", "26", "--eps", "1/5", "--out", str(tmp_path / "runs"), "--save", str(file)]
    first = run(capsys, *words)
    assert verify.main([str(file), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["proved"]
    assert record["count"] == first["lower"]["count"]
    # A run that is found done saves all the same.
    file.unlink()
    run(capsys, *words)
    assert file.is_file()
    content = packing_file.read(file)
    content.vectors[3] = content.vectors[4]
    content.squared_norms[3] = content.squared_norms[4]
    packing_file.write(file, content)
    assert verify.main([str(file)]) == 1


@pytest.mark.usefixtures("unmeasured")
def test_a_packing_too_large_to_save_leaves_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packing_rows, "_MOST_SAVED", 64 * 2112 - 1)
    file = tmp_path / "p.npz"
    run(capsys, "--dim", "64", "--eps", "1/8", "--out", str(tmp_path), "--save", str(file))
    assert verify.main([str(file), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["proved"] is False
    assert record["note"] == "sample only, no proof"
    # Of 1000 draws 2112 (1 - exp(-1000/2112)) = 797 differ, by 14 more or less; what is left
    # attains the coherence somewhere.
    assert record["count"] == 2112
    assert 700 < record["rows"] < 900
    assert record["coherence"] == 1 / 8


@pytest.mark.usefixtures("unmeasured")
def test_rows_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY, "--dim", "12", "--eps", "0.3", "--out", str(tmp_path), "--show", "5"]
    assert main(packing.EXPERIMENT, words) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("row ")]
    assert len(shown) == 5
    # Rows of a Hadamard matrix of order 4 on the lines of a net.
    assert shown[0].endswith("/ sqrt(4)")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dim", "1"], "--dim must be an integer from 2 to 65536; got '1'."),
        (["--dim", "0"], "--dim must be"),
        (["--dim", "-3"], "--dim must be an integer from 2 to 65536; got '-3'."),
        (["--dim", "2.5"], "--dim must be"),
        (["--dim", ""], "--dim must be"),
        (["--dim", "5", "x"], "--dim must be"),
        (["--eps", "-0.1"], "--eps must be a number in [0, 1), such as 0.05, 1/16 or 1/sqrt(5)"),
        (["--eps", "1"], "--eps must be"),
        (["--eps", "1.5"], "--eps must be"),
        (["--eps", "nan"], "--eps must be"),
        (["--eps", "inf"], "--eps must be"),
        (["--eps", "abc"], "got 'abc'."),
        (["--eps", "1/0"], "--eps must be"),
        (["--eps", ""], "--eps must be"),
        (["--angle", "0"], "--angle must be a number of degrees in (0, 90]"),
        (["--angle", "91"], "--angle must be"),
        (["--eps", "0.1", "--angle", "80"], "--eps must come without --angle"),
        (["--dim", "3", "4", "--save", "x.npz"], "--save must come with one --dim"),
        (["--save", "/nonexistent/x.npz"], "--save must name a file in a folder"),
        (["--out", "/dev/null/runs"], "--out"),
    ],
)
def test_bad_input(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(packing.EXPERIMENT, [*TINY, *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert list(tmp_path.iterdir()) == []


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys\n"
        "from experiments.packing import EXPERIMENT, main\n"
        "code = main(EXPERIMENT, ['--help'])\n"
        "heavy = {'jax', 'flax', 'scipy', 'plotly'} & set(sys.modules)\n"
        "print('exit', code, 'heavy:', sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "exit 0 heavy: []" in done.stdout
    for word in (
        "--dim",
        "--eps",
        "--angle",
        "--preset",
        "--save",
        "python -m experiments.packing",
    ):
        assert word in done.stdout


@pytest.mark.usefixtures("unmeasured")
def test_curves_hold_the_answer_between_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run(capsys, "--dim", "20", "--eps", "0.2", "--out", str(tmp_path))
    with np.load(Path(answer["run"]) / "arrays.npz") as arrays:
        for name in ("eps_curve_20", "dim_curve"):
            curve = arrays[name]
            assert (curve[:, 1] <= curve[:, 2]).all()
            assert (curve[:, 3] <= curve[:, 2]).all()
            assert (np.diff(curve, axis=0)[:, :3] >= 0).all()
        shares = arrays["cosines_20"]
    assert shares[:, 1].sum() == pytest.approx(1, abs=1e-12)
    assert shares[:, 2].sum() == pytest.approx(1, abs=1e-12)
    # Bins are closed on the right: the one that starts at eps is empty, pairs at eps or not.
    assert shares[shares[:, 0] > 0.2 - 1e-9, 1].sum() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dim", "6", "--eps", "1e-300", "--seeds", "1"], "exactly 6 directions"),
        (["--dim", "3", "--angle", "1e-9"], "at most cos(1/1000000000°)"),
        (["--dim", "2", "--eps", "0.999999999"], "at most 0.999999999."),
        (["--dim", "2", "3", "--eps", "0.9"], "; between 27 and 35 in 3 dimensions."),
    ],
)
def test_extremes_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(packing.EXPERIMENT, [*TINY, "--out", str(tmp_path), *words]) == 0
    captured = capsys.readouterr()
    assert said in captured.out
    assert "inf" not in captured.out
    assert captured.err == ""
    (report,) = (tmp_path / "packing").glob("*/report.html")
    assert report.stat().st_size > 10_000


def test_a_better_greedy_choice_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY, "--dim", "3", "--eps", "0.99", "--out", str(tmp_path)]
    assert main(packing.EXPERIMENT, words) == 0
    out = capsys.readouterr().out
    assert "greedy random choice holds more lines" in out
    # A cap of angle arccos(0.99) about a line covers 1 - 0.99 of the half sphere: 1/0.01 lines.
    assert "At least 100 exist by a covering argument" in out


def test_counts_are_rounded_to_the_safe_side() -> None:
    assert packing_words.large(10**15 + 1) == "1.000e15"
    assert packing_words.large(10**15 + 1, up=True) == "1.001e15"
    assert packing_words.large(999_999 * 10**12, up=True) == "1.000e18"
    assert packing_words.large(54419 * 10**106, up=True) == "5.442e110"
    assert packing_words.large(17495750318330290174) == "1.749e19"
    assert packing_words.large(2300) == packing_words.large(2300, up=True) == "2,300"
    words = "the 17495750318330277886 lines of degree 5 over GF(6143), GF(4214809) and 12286 axes"
    assert packing_words.readable(words) == (
        "the 1.749e19 lines of degree 5 over GF(6143), GF(4214809) and 12,286 axes"
    )
