"""README and docs/: what they say is what the code does and what the committed records hold."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import re
import tokenize
import tomllib
from collections import Counter
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import experiments
from experiments import reference_pictures, scorecard_page, scorecard_text
from experiments.__main__ import discover
from experiments.command import main
from experiments.harness import exact_json, store
from experiments.reference import questions, record_in
from experiments.scorecard import gather
from experiments.shown_commands import agrees, own_command, question, rewritten, shown
from geometry import bounds, catalogue, exact

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
PAGES = [*DOCUMENTS, *ROOT.glob("*.md"), *(ROOT / "results").glob("*.md"), *REFERENCE.glob("*.md")]
EVERYTHING = "\n".join(TEXTS.values())
PYTHON = re.findall(r"^```python\n(.*?)^```$", EVERYTHING, re.MULTILINE | re.DOTALL)
CALLS = [block for block in PYTHON if "class " not in block]
# Printed digits of what may differ in the last ones between versions of JAX.
ABOUT = 0.1


@functools.cache
def records() -> list[dict[str, Any]]:
    folders = [folder for folder in REFERENCE.iterdir() if folder.is_dir()]
    return [record_in(run) for folder in folders for run in store.runs(folder)]


@pytest.mark.parametrize("name", TEXTS)
def test_commands_print_what_the_records_have(name: str) -> None:
    for one in shown(TEXTS[name]):
        asked = question(one.command)
        (record,) = (record for record in records() if asked.answered_by(record))
        assert record["provenance"]["command"] == one.command
        if not agrees(one.printed, record):
            block = f"```console\n$ {one.command}\n{one.printed}```\n"
            pytest.fail(f"{name} must say:\n{rewritten(block, [record])}")


def test_three_commands_are_shown_first() -> None:
    assert [one.command for one in shown(TEXTS["README.md"])][:3] == [
        "python -m experiments.packing --dim 500 --eps 0.05",
        "python -m experiments.incidental",
        "python -m experiments.sae",
    ]


def test_the_reference_holds_a_run_of_each_question_and_no_other() -> None:
    wanted = questions(TEXTS.values())
    assert len(records()) == len(wanted)
    for one in wanted:
        assert sum(one.answered_by(record) for record in records()) == 1, one.command


def test_failed_checks_are_counted() -> None:
    said = dict(re.findall(r"`(\w+)` has (\d+)", TEXTS["README.md"]))
    failed = [
        record["experiment"]
        for record in records()
        for check in record["checks"]
        if check["verdict"] == "FAIL"
        and record["provenance"]["command"] == own_command(record["experiment"])
    ]
    assert {name: int(count) for name, count in said.items()} == Counter(failed)


def test_the_scorecard_is_that_of_the_records() -> None:
    card = gather(REFERENCE)
    with exact_json.any_digits():
        files = {
            "index.html": scorecard_page.html(card, REFERENCE),
            "scorecard.json": exact_json.dumps(scorecard_text.as_json(card), indent=1) + "\n",
            "SCORECARD.md": scorecard_text.markdown(card),
        }
    for name, text in files.items():
        assert (REFERENCE / name).read_text(encoding="utf-8") == text, name


def test_pictures_show_the_runs_of_the_scorecard() -> None:
    folder = REFERENCE / reference_pictures.FOLDER
    said = exact_json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    assert {path.name for path in folder.glob("*.png")} == set(said)
    used = re.findall(r"results/reference/pictures/([\w.-]+\.png)", EVERYTHING)
    assert set(used) == set(said)
    judged = {run.place for claim in gather(REFERENCE).claims for run in claim.runs}
    for name, picture in said.items():
        assert picture["sha256"] == _digest(folder / name), name
        if picture["shows"] == "index.html":
            assert picture["of"] == _digest(REFERENCE / "index.html")
        else:
            assert picture["shows"] in judged, name


def test_the_reference_is_small_and_names_no_machine() -> None:
    files = [path for path in REFERENCE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 10 << 20
    assert not [path for path in files if path.name in ("report.html", "plotly.min.js")]
    for path in files:
        if path.suffix in (".json", ".md", ".html"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.])/(tmp|home|root|Users|work|usr)/", text), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_named_modules_and_sessions_exist() -> None:
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text("utf-8"), re.M)
    assert set(re.findall(r"nox -s (\w+)", EVERYTHING)) <= set(sessions)
    for name in set(re.findall(r"experiments\.(\w+)", EVERYTHING)) - {"overlap", "md"}:
        assert (ROOT / "experiments" / f"{name}.py").exists() or name in ("models", "harness")


def test_the_table_of_experiments_is_whole() -> None:
    rows = re.findall(r"^\| (.+\?) \| `(.+?)` \| (.+?) \|", TEXTS["README.md"], re.MULTILINE)
    asked = {command.split()[2].partition(".")[2]: text for text, command, _ in rows[:-1]}
    asked[rows[-1][1].split()[-1]] = rows[-1][0]
    assert asked == {one.name: one.question for one in discover()}
    times = {command.split()[2].partition(".")[2]: time for _, command, time in rows[:-1]}
    usual = {one.name: one.duration.replace(" on two cores", "") for one in discover()}
    assert times == {name: usual[name] for name in times}
    described = re.findall(r"^\| (\w+) \| ", TEXTS["docs/experiments.md"], re.MULTILINE)
    assert set(described) - {"experiment"} == set(asked)


def test_brackets_of_the_catalogue() -> None:
    rows = re.findall(
        r"^\| (\d+), (\S+) \| (\S+) \| (\S+) \|$", TEXTS["docs/packings.md"], re.MULTILINE
    )
    assert len(rows) == 10
    for dim, eps, least, most in rows:
        allowed = exact.eps(eps)
        assert f"{catalogue.best(int(dim), allowed).count:,}" == least
        above = bounds.best_upper_bound(int(dim), allowed).count
        digits = re.fullmatch(r"\d\.(\d+)e\d+", most)
        # Rounded up, since it is an upper bound.
        assert (f"{above:,}" if digits is None else _above(above, len(digits[1]))) == most


def test_closed_answers() -> None:
    text = TEXTS["docs/packings.md"]
    rows = re.findall(
        r"--dim (\d+) --(eps|angle) '?([^' ]+)'? +# (exactly|.*At most) ([\d,]+)", text
    )
    assert len(rows) == 4
    for dim, flag, value, _, count in rows:
        allowed = exact.eps(value) if flag == "eps" else exact.angle(value)
        most = bounds.best_upper_bound(int(dim), allowed).count
        assert catalogue.best(int(dim), allowed).count == most == int(count.replace(",", ""))


@pytest.mark.parametrize("block", CALLS, ids=range(len(CALLS)))
def test_calls_from_python(block: str) -> None:
    """Blocks run; a value that a comment gives, up to a colon or a semicolon, is what comes."""
    comments = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(StringIO(block).readline)
        if token.type == tokenize.COMMENT
    }
    names: dict[str, Any] = {}
    for node in ast.parse(block).body:
        source = ast.unparse(node)
        if not isinstance(node, ast.Expr):
            exec(source, names)
            continue
        found = eval(source, names)
        said = re.split(r"[;:]", comments.get(node.end_lineno or 0, ""))[0]
        if number := re.fullmatch(r"(about )?(\d+\.\d+)", said):
            digits = len(number[2].partition(".")[2])
            near = pytest.approx(float(number[2]), rel=ABOUT, abs=0.0)
            assert found == (
                near if number[1] else pytest.approx(float(number[2]), abs=10**-digits)
            )
        elif re.match(r"[('\d]|True", said):
            assert found == ast.literal_eval(said)


def test_an_experiment_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source,) = (block for block in PYTHON if "EXPERIMENT = Experiment(" in block)
    (tmp_path / "overlap.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(experiments, "__path__", [*experiments.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    (found,) = (one for one in discover() if one.name == "overlap")
    out = tmp_path / "out"
    assert main(found, ["--preset", "tiny", "--quiet", "--json", "--out", str(out)]) == 0
    answer = exact_json.loads(capsys.readouterr().out)
    assert answer["largest"] == pytest.approx(1, abs=0.1)
    assert [check["verdict"] for check in answer["checks"]] == ["PASS"]
    (run,) = store.runs(out / "overlap")
    assert 'id="figure-overlap"' in (run / "report.html").read_text(encoding="utf-8")


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    said = dict(re.findall(r"^([\w-]+): (\S.*)$", citation, re.MULTILINE))
    assert (said["version"], said["license"]) == (project["version"], project["license"])
    assert said["cff-version"] == "1.2.0"
    assert {"message", "title"} <= set(said)
    assert re.search(r"^authors:\n  - name: \S", citation, re.MULTILINE)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {project['version']}" in changes


def _above(count: int, places: int) -> str:
    """A count as 4.3e16, rounded up to that many places."""
    exponent = len(str(count)) - 1
    unit = Decimal(10) ** (exponent - places)
    shown = (Decimal(count) / unit).to_integral_value("ROUND_CEILING") / 10**places
    return f"{shown:.{places}f}e{exponent}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
