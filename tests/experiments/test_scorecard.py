"""The scorecard: verdicts from records alone, on a page, as JSON and as Markdown."""

from __future__ import annotations

import json
import multiprocessing
import re
import threading
from pathlib import Path
from typing import Any, Literal

import pytest
from browser import launch, visit

from experiments import scorecard_page
from experiments.__main__ import discover
from experiments.claims import CLAIMS, verdicts_of
from experiments.harness import exact_json, theme
from experiments.harness.checks import Check, ClaimVerdict, Verdict
from experiments.harness.index import alone
from experiments.scorecard import gather, main, write
from experiments.scorecard_sketches import Bars
from experiments.scorecard_text import measured
from experiments.scorecard_words import SHOWN

NAMES = sorted({part for claim in CLAIMS.values() for part in claim.parts})


def needs_of(experiment: str) -> list[str]:
    """The checks of an experiment by which any claim is decided or shown."""
    claims = {name: claim for name, claim in CLAIMS.items() if experiment in claim.parts}
    needs = [need for claim in claims.values() for need in claim.parts[experiment]]
    others = {need for name in claims for need in CLAIMS[name].needs}
    needs += [SHOWN[name].check for name in claims if SHOWN[name].check not in others]
    return list(dict.fromkeys(needs))


def record(
    out: Path,
    experiment: str,
    *,
    day: int = 1,
    preset: str = "quick",
    words: str = "",
    changes: dict[str, Verdict] | None = None,
    without: tuple[str, ...] = (),
    **more: Any,
) -> Path:
    """Put down a record whose checks all pass but for the `changes`, and return its folder."""
    place = out / experiment / f"202501{day:02d}T000000Z-0000000{day % 10}"
    place.mkdir(parents=True)
    made = [
        Check(name, "theory", 0.5, (0.4, 0.6), (0, 1), (changes or {}).get(name, Verdict.PASS))
        for name in needs_of(experiment)
        if name not in without
    ]
    content: dict[str, Any] = {
        "schema": 1,
        "experiment": experiment,
        "question": "Why?",
        "answer": f"Because of {day}.",
        "created": f"2025-01-{day:02d}T00:00:00+00:00",
        "seconds": 1.5,
        "checks": exact_json.plain(made),
        "claims": exact_json.plain(verdicts_of(experiment, made)),
        "provenance": {
            "command": f"python -m experiments.{experiment} --quiet --out /some/where {words}",
            "preset": preset,
            "commit": "a" * 40,
        },
    }
    (place / "record.json").write_text(json.dumps(content | more), encoding="utf-8")
    return place


def verdict(out: Path, name: str) -> ClaimVerdict:
    """The verdict on one claim."""
    return next(claim.verdict for claim in gather(out).claims if claim.id == name)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a run of each experiment that examines claims."""
    for name in NAMES:
        record(tmp_path, name)
    return tmp_path


def test_claims_and_experiments_agree_on_who_examines_what() -> None:
    found = {experiment.name: experiment for experiment in discover()}
    for name, experiment in found.items():
        checks = [Check(need, "", 1, None, (None, None), Verdict.PASS) for need in needs_of(name)]
        examined = [claim.id for claim in experiment.claims(checks)] if checks else []
        assert examined == [key for key, claim in CLAIMS.items() if name in claim.parts]
    assert set(NAMES) <= set(found)


def test_each_claim_is_shown_by_a_check_of_its_runs() -> None:
    assert list(SHOWN) == list(CLAIMS)
    reference = Path(__file__).parents[2] / "results" / "reference"
    assert [claim.id for claim in gather(reference).claims if claim.number is None] == []


def test_a_claim_of_one_experiment_is_as_in_its_record(out: Path) -> None:
    told = {
        claim["id"]: claim
        for path in out.glob("*/*/record.json")
        for claim in json.loads(path.read_text())["claims"]
    }
    for claim in gather(out).claims:
        assert claim.verdict is CLAIMS[claim.id].when_met
        if len(CLAIMS[claim.id].parts) == 1:
            kept = told[claim.id]
            assert kept == {
                "id": claim.id,
                "statement": claim.statement,
                "verdict": str(claim.verdict),
                "evidence": claim.evidence,
            }
        else:
            assert told[claim.id]["verdict"] == "inconclusive"


@pytest.mark.parametrize("name", ["C5", "C8", "C14"])
def test_a_claim_of_several_is_judged_on_all(tmp_path: Path, name: str) -> None:
    first, second = CLAIMS[name].parts
    assert verdict(tmp_path, name) is ClaimVerdict.NOT_RUN
    record(tmp_path, first)
    half = gather(tmp_path).claims[int(name[1:]) - 1]
    assert half.verdict is ClaimVerdict.INCONCLUSIVE
    assert f"python -m experiments.{second}" in half.evidence
    assert half.commands == (f"python -m experiments.{first}", f"python -m experiments.{second}")
    record(tmp_path, second, changes={CLAIMS[name].parts[second][0]: Verdict.FAIL})
    refined = CLAIMS[name].when_met is ClaimVerdict.REFINED
    expected = ClaimVerdict.INCONCLUSIVE if refined else ClaimVerdict.REFUTED
    assert verdict(tmp_path, name) is expected


def test_which_run_is_believed(tmp_path: Path) -> None:
    def preset() -> tuple[str, str]:
        (run,) = gather(tmp_path).claims[0].runs
        return run.preset, run.created[:10]

    record(tmp_path, "packing", day=1, preset="tiny")
    assert "(tiny preset)" in (write(tmp_path), (tmp_path / "SCORECARD.md").read_text())[1]
    assert "tiny preset" in (tmp_path / "index.html").read_text()
    record(tmp_path, "packing", day=2)
    assert preset() == ("quick", "2025-01-02")
    record(tmp_path, "packing", day=3, words="--seed 4")
    assert preset() == ("quick", "2025-01-03")
    # Settings of one's own, and a run of another question, count where there is nothing better.
    record(tmp_path, "packing", day=4, words="--points 3")
    record(tmp_path, "packing", day=5, without=tuple(CLAIMS["C1"].needs), preset="full")
    record(tmp_path, "packing", day=6, preset="tiny")
    assert preset() == ("quick", "2025-01-03")
    record(tmp_path, "packing", day=7, preset="paper")
    assert preset() == ("paper", "2025-01-07")
    assert "tiny preset" not in (write(tmp_path), (tmp_path / "index.html").read_text())[1]


def test_a_run_with_all_checks_is_believed_before_a_larger_one_that_lacks_some(
    tmp_path: Path,
) -> None:
    record(tmp_path, "packing", day=1)
    record(tmp_path, "packing", day=2, preset="full", without=CLAIMS["C1"].needs[:1])
    claims = gather(tmp_path).claims
    assert [claims[place].runs[0].preset for place in (0, 1)] == ["quick", "full"]
    assert claims[0].verdict is ClaimVerdict.SUPPORTED


def test_what_keeps_a_claim_open_is_said_as_it_is(tmp_path: Path) -> None:
    first, second, *_ = CLAIMS["C3"].parts["packing"]
    changes = {first: Verdict.FAIL, second: Verdict.INCONCLUSIVE}
    record(tmp_path, "packing", changes=changes)
    assert verdict(tmp_path, "C3") is ClaimVerdict.INCONCLUSIVE
    page = (write(tmp_path), (tmp_path / "index.html").read_text())[1]
    said = f"Failed: {first}; undecided: {second}."
    assert said.replace("<=", "≤") in page


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": [{"name": "a", "verdict": "PASS"}]},
        {"checks": [{"verdict": "PASS", "theory": "", "note": "", "name": "C1"}]},
        {"provenance": {}},
        {"provenance": "none"},
        {"schema": 2},
    ],
)
def test_what_is_not_whole_is_no_result(tmp_path: Path, changes: dict[str, Any]) -> None:
    good = record(tmp_path, "packing", day=1)
    record(tmp_path, "packing", day=2, **changes)
    half = record(tmp_path, "packing", day=3) / "record.json"
    half.write_bytes(half.read_bytes()[:-100])
    (tmp_path / "packing" / "20250104T000000Z-00000004").mkdir()
    unfinished = record(tmp_path, "packing", day=5)
    unfinished.rename(unfinished.with_name(".unfinished-20250105T000000Z-00000005"))
    card = write(tmp_path)
    assert [run.name for run in card.runs] == [good.name]
    assert card.claims[0].verdict is ClaimVerdict.SUPPORTED
    assert (tmp_path / "index.html").read_text().count("Unreadable record") == 3


def test_the_files_say_the_same_and_only_what_the_records_say(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = out / "sae" / "20250101T000000Z-00000001" / "report.html"
    report.touch()
    assert main([str(out)]) == 0
    assert "Of 18 claims, 5 hold as stated" in capsys.readouterr().out
    names = ("index.html", "scorecard.json", "SCORECARD.md")
    first = [(out / name).read_bytes() for name in names]
    assert main([str(out), "--json"]) == 0
    assert [(out / name).read_bytes() for name in names] == first
    card = json.loads(capsys.readouterr().out)
    assert card == json.loads(first[1])
    assert [claim["id"] for claim in card["claims"]] == list(CLAIMS)
    page, table = first[0].decode(), first[2].decode()
    for claim in card["claims"]:
        assert f"| {claim['id']} | {claim['statement']} | **{claim['verdict']}** |" in table
        assert f'id="{claim["id"]}"' in page
        assert claim["number"]["measures"].replace("|", "\\|") in table
        assert all(command in table and command in page for command in claim["commands"])
    assert not any("/some/where" in text.decode() for text in first)
    assert page.count('href="sae/20250101T000000Z-00000001/report.html"') == 4
    assert 'href="causes/20250101T000000Z-00000001/record.json"' in page
    reports = [run["report"] for run in card["runs"] if run["report"]]
    assert reports == ["sae/20250101T000000Z-00000001/report.html"]
    unreachable = card["claims"][16]
    assert (unreachable["verdict"], unreachable["number"]["estimate"]) == ("out of reach", 0.5)
    assert "production model" in page


def test_nothing_run_names_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert {claim["verdict"] for claim in card["claims"]} == {"not run"}
    for claim, statement in zip(card["claims"], CLAIMS.values(), strict=True):
        assert claim["commands"] == [f"python -m experiments.{part}" for part in statement.parts]
        assert (claim["number"], claim["runs"]) == (None, [])
    assert main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: RESULTS must be a folder with runs; got ")


def test_runs_that_end_together_write_whole_files(out: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(out,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert (out / "index.html").read_text().endswith("</html>\n")
    assert json.loads((out / "scorecard.json").read_text())["schema"] == 1
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_one_writes_at_a_time(out: Path) -> None:
    writer = threading.Thread(target=write, args=(out,))
    with alone(out):
        writer.start()
        # Many times what it takes where it does not wait.
        writer.join(2.0)
        assert not (out / "index.html").exists()
    writer.join(60)
    assert (out / "index.html").exists()


def test_a_number_beyond_all_is_no_result(out: Path) -> None:
    path = next(out.glob("packing/*/record.json"))
    path.write_text(path.read_text().replace('"estimate": 0.5', '"estimate": 1e999', 1))
    assert "packing" not in {run.experiment for run in gather(out).runs}


@pytest.mark.parametrize(
    ("estimate", "interval", "shown"),
    [
        (500, None, ("500", "")),
        (10**40, None, ("1.000e40", "")),
        (0.5021, (0.4982, 0.5061), ("0.502", "[0.498, 0.506]")),
        (-0.50121, (-0.50239, -0.50003), ("-0.5012", "[-0.5024, -0.5000]")),
        (172.116, (172.007, 172.226), ("172.1", "[172.0, 172.2]")),
        (0.0, (0.0, 0.0288), ("0.000", "[0.000, 0.029]")),
        (1.0, (1.0, 1.0), ("1", "[1, 1]")),
        (None, None, ("not measurable", "")),
    ],
)
def test_numbers_in_a_few_digits(
    estimate: float | None, interval: tuple[float, float] | None, shown: tuple[str, str]
) -> None:
    check = Check("name", "", estimate, interval, (None, None), Verdict.PASS)
    assert measured(check) == shown


def test_the_page_opens_offline_and_answers_at_once(out: Path) -> None:
    write(out)
    views: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1400, "light"), (380, "dark"))
    with launch() as browser:
        for width, scheme in views:
            with visit(browser, out / "index.html", width=width, height=800, scheme=scheme) as seen:
                assert seen.errors == []
                assert seen.overflow() <= 0
                assert len(seen.requests) == 1
                # Every claim's verdict is on the first screen.
                overview = seen.page.locator(".overview").bounding_box()
                assert overview is not None
                assert overview["y"] + overview["height"] <= 800
                assert seen.page.locator(".overview a").count() == 18
                assert seen.page.locator("svg.sketch > title").count() == 18
                seen.page.evaluate(
                    "document.querySelectorAll('details').forEach(d => d.open = true)"
                )
                assert seen.page.get_by_text("C13: shared neurons at m = 4n").first.is_visible()
                assert seen.overflow() <= 0
                seen.page.get_by_role("link", name="C17").click()
                assert seen.page.locator("#C17").is_visible()


def test_colours_are_those_of_the_reports() -> None:
    style = (Path(scorecard_page.__file__).parent / "scorecard.css").read_text(encoding="utf-8")
    light, dark, *_ = (
        dict(re.findall(r"--(\w+): (#\w{6});", part)) for part in style.split("@media")
    )
    roles = ("LOWER", "UPPER", "MEASURED", "HIGHLIGHT", "REFERENCE", "RANDOM", "THEORY")
    assert light == {role.lower(): getattr(theme, role) for role in roles}
    assert dark == {role.lower(): theme.DARK[getattr(theme, role)] for role in roles}
    used = {
        part.role
        for shown in SHOWN.values()
        if shown.picture is not None
        for part in (shown.picture.bars if isinstance(shown.picture, Bars) else shown.picture.lines)
    }
    assert used <= set(light)


def pictures(out: Path) -> dict[str, str]:
    """What kind of picture each claim has."""
    write(out)
    found = re.findall(
        r'<article class="verdict" id="(C\d+)">.*?(?:class="sketch (\w+)".*?)?</article>',
        (out / "index.html").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    return dict(found)


def test_a_picture_without_its_table_is_a_strip_of_checks(out: Path) -> None:
    found = pictures(out)
    assert list(found) == list(CLAIMS)
    drawn = {name: "bars" if isinstance(SHOWN[name].picture, Bars) else "strip" for name in SHOWN}
    assert found == drawn
    table = out / "dimensions" / "20250101T000000Z-00000001" / "dimensions.csv"
    columns = "d,theory,its theory,rms,rms at that share\n"
    table.write_text(f"{columns}16,1,0.2,1.01,0.21\n64,0.5,0.2,0.52,0.19\n,,,,\n")
    assert pictures(out)["C8"] == "curve"
    for rows in ("", "16,1,0.2,1.01,nan\n", "16,1,0,0,0\n64,1,0,0,0\n", "16,1\n"):
        table.write_text(columns + rows)
        assert pictures(out)["C8"] == "strip"
    record(out, "atlas")
    table = out / "atlas" / "20250101T000000Z-00000001" / "atlas.csv"
    table.write_text(f"d,eps,at least,at most\n3,0.05,3,3\n500,0.05,13020,{10**400}\n")
    assert pictures(out)["C3"] == "curve"
