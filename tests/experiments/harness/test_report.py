"""The report as text: no browser here."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from pages import Page

from experiments.harness import theme
from experiments.harness.checks import Check, Claim, ClaimVerdict, judge
from experiments.harness.experiment import Figure, Table
from experiments.harness.report import ROWS, ReportInput, write_report


def line(id: str = "line", count: int = 5) -> Figure:
    x = np.arange(count, dtype=np.float32)
    return Figure(id, "A line", go.Figure(go.Scatter(x=x, y=x)), "It rises.")


def run(**changes: Any) -> ReportInput:
    plain = ReportInput(
        experiment_name="packing",
        question="How many fit?",
        primer="Lines are close when their cosine is large.",
        command="python -m experiments.packing --dim 3",
        answer="Exactly 6 lines fit at eps = 1/2.",
        summary=["Found by <b>hand</b>."],
        checks=[judge("all pairs", theory="at most 1/2", estimate=0.5, band=(None, 0.5))],
        claims=[Claim("C1", "Six fit.", ClaimVerdict.SUPPORTED, "lower = upper")],
        figures=[line()],
        tables={"families": Table(("family", "N"), (("simplex", 4), ("diagonals", 6)))},
        provenance={"seed": 0, "versions": {"numpy": "2.4", "jax": "0.10"}, "commit": None},
        created="2025-11-22T16:52:00+00:00",
        seconds=1.5,
    )
    return replace(plain, **changes)


def written(folder: Path, given: ReportInput, plotly_js: str | None = "../plotly.min.js") -> str:
    path = folder / "report.html"
    write_report(given, path, plotly_js=plotly_js)
    assert [child.name for child in folder.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def island(page: Page) -> dict[str, Any]:
    (text,) = [script for script in page.scripts if script.startswith("{")]
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_page_reads_in_order(tmp_path: Path) -> None:
    page = Page(written(tmp_path, run()))
    wanted = [
        "How many fit?",
        "Exactly",
        "all pairs",
        "C1",
        "A line",
        "It rises.",
        "families",
        "diagonals",
        "at most 1/2",
        "Six fit.",
        "python -m experiments.packing --dim 3",
        "0.10",
    ]
    places: list[int] = []
    for text in wanted:
        places.append(page.text.index(text, places[-1] if places else 0))
    assert places == sorted(places)
    assert page.attributes("script", "src") == ["../plotly.min.js"]
    assert "../index.html" in page.attributes("a", "href")
    assert "families.csv" in page.attributes("a", "href")
    ids = [value for _, attrs in page.tags if (value := attrs.get("id"))]
    assert len(ids) == len(set(ids))
    anchors = [href[1:] for href in page.attributes("a", "href") if href.startswith("#")]
    assert anchors
    assert set(anchors) <= set(ids)


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    first = written(tmp_path, run())
    shuffled = {"commit": None, "versions": {"jax": "0.10", "numpy": "2.4"}, "seed": 0}
    assert written(tmp_path, run(provenance=shuffled)) == first
    assert written(tmp_path, run(seconds=2.5)) != first


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    for standalone in (False, True):
        text = written(tmp_path, run(), None if standalone else "plotly.min.js")
        page = Page(text)
        assert page.attributes("script", "src") == ([] if standalone else ["plotly.min.js"])
        links = page.attributes("link", "href") + page.attributes("img", "src")
        assert links
        assert all(link.startswith("data:") for link in links)
        styles = text[text.index("<style>") : text.index("</style>")]
        assert "url(" not in styles
        assert "@import" not in styles
        # One library, one island of JSON, one script of ours.
        assert len(page.scripts) == 3
        assert ("plotly.js v" in page.scripts[0]) == standalone
        assert ("families.csv" in page.attributes("a", "href")) != standalone


def test_all_text_is_escaped(tmp_path: Path) -> None:
    bad = "</script><script>alert(1)</script><b a=\"'&amp;"
    x = np.arange(3, dtype=np.float32)
    figure = go.Figure(go.Scatter(x=x, y=x, name=bad), layout={"xaxis": {"title": {"text": bad}}})
    given = ReportInput(
        experiment_name=bad,
        question=bad,
        primer=bad,
        command=bad,
        answer=bad,
        summary=[bad],
        checks=[judge(bad, theory=bad, estimate=1, band=(0, 2), note=bad)],
        claims=[Claim(bad, bad, ClaimVerdict.NOT_RUN, bad)],
        figures=[Figure("plot", bad, figure, bad)],
        tables={bad: Table((bad,), ((bad,),), bad, bad)},
        provenance={bad: {bad: [bad]}},
        created=bad,
        seconds=0,
    )
    page = Page(written(tmp_path, given, "plotly.min.js"))
    assert len(page.scripts) == 3
    assert "b" not in {tag for tag, _ in page.tags if tag not in {"body", "button"}} - {"b"}
    drawn = island(page)["figures"][0]
    assert drawn["data"][0]["name"] == bad
    assert drawn["layout"]["xaxis"]["title"]["text"] == bad
    # Every field shows, as text, exactly what came; the answer's digits sit in an element.
    assert page.text.count(bad) >= 16
    assert not [attrs for _, attrs in page.tags if "a" in attrs]


def test_figures_keep_typed_arrays_and_lose_their_own_theme(tmp_path: Path) -> None:
    figure = go.Figure(
        go.Heatmap(z=np.eye(3, dtype=np.float32)),
        layout={"title": {"text": "twice"}, "width": 900, "height": 640, "template": "plotly"},
    )
    page = Page(written(tmp_path, run(figures=[Figure("gram", "Gram", figure, "c")])))
    data = island(page)
    (drawn,) = data["figures"]
    z = drawn["data"][0]["z"]
    assert (z["dtype"], z["shape"]) == ("f4", "3, 3")
    assert drawn["layout"] == {}
    assert "height:640px" in page.attributes("div", "style")
    assert data["light"] == json.loads(json.dumps(theme.settings()))
    assert data["dark"] == json.loads(json.dumps(theme.settings(dark=True)))
    # The caller's figure is left as it was.
    assert figure.layout.title.text == "twice"


@pytest.mark.parametrize(
    ("traces", "points"),
    [
        ([go.Scatter(x=np.zeros(20_001, np.float32), y=np.zeros(20_001, np.float32))], "20,001"),
        ([go.Scatter(y=[0.0] * 20_001)], "20,001"),
        ([go.Heatmap(z=np.zeros((142, 142), np.float32))], "20,164"),
        ([go.Scatter(y=np.zeros(10_001, np.float32))] * 2, "20,002"),
        ([go.Scatter(y=[0], marker={"color": np.zeros(20_001)})], "20,001"),
    ],
)
def test_a_figure_of_too_many_points_is_refused(
    tmp_path: Path, traces: list[Any], points: str
) -> None:
    given = run(figures=[Figure("heavy", "t", go.Figure(traces), "c")])
    message = f"Figure 'heavy' must hold at most 20,000 points; got {points}."
    with pytest.raises(ValueError, match=re.escape(message)):
        write_report(given, tmp_path / "report.html", plotly_js="p.js")
    assert list(tmp_path.iterdir()) == []


def test_twenty_thousand_points_are_welcome(tmp_path: Path) -> None:
    written(tmp_path, run(figures=[line(count=20_000)]))


def test_two_figures_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Figure ids must differ; got 'line' twice\."):
        write_report(run(figures=[line(), line()]), tmp_path / "r.html", plotly_js=None)


def test_a_bare_run_has_no_empty_sections(tmp_path: Path) -> None:
    bare = run(checks=[], claims=[], figures=[], tables={}, provenance={})
    page = Page(written(tmp_path, bare, None))
    assert [tag for tag, _ in page.tags if tag == "section"] == ["section"]
    assert "Provenance" in page.text
    # Without figures the library has no work.
    assert len(page.scripts) == 2


def test_a_long_summary_is_folded_after_its_first_lines(tmp_path: Path) -> None:
    whole = written(tmp_path, run(summary=[f"line {place}" for place in range(4)]))
    assert "<details>" not in whole.partition("<main>")[0]
    head = written(tmp_path, run(summary=[f"line {place}" for place in range(6)]))
    shown, _, folded = head.partition("<main>")[0].partition("<details>")
    assert [shown.count(f"<li>line {place}") for place in range(6)] == [1, 1, 1, 0, 0, 0]
    assert [folded.count(f"<li>line {place}") for place in range(6)] == [0, 0, 0, 1, 1, 1]
    assert "3 more findings" in folded


def test_a_long_table_is_cut_and_says_so(tmp_path: Path) -> None:
    table = Table(("i",), tuple((i,) for i in range(ROWS + 1)), "Long")
    page = Page(written(tmp_path, run(tables={"long": table})))
    assert sum(tag == "td" for tag, _ in page.tags) == ROWS
    assert f"The first {ROWS} of {ROWS + 1} rows; all are in" in page.text


def test_a_column_is_of_numbers_words_or_sentences(tmp_path: Path) -> None:
    table = Table(("n", "word", "text"), ((1, "a" * 24, "b" * 25), (None, None, None)))
    page = Page(written(tmp_path, run(tables={"t": table})))
    assert page.attributes("td", "class") == ["num", "short", "long"] * 2


def test_provenance_says_once_when_and_what_the_precision_is(tmp_path: Path) -> None:
    given = run(provenance={"default_matmul_precision": "default"})
    text = written(tmp_path, given)
    facts = Page(text[text.index('<dl class="facts">') : text.index("</dl>\n</section>") + 5])
    assert facts.text.count("created") == 1
    assert "default matmul precisiondefault Kernels whose" in facts.text


def test_many_checks_are_counted_and_only_the_troubled_are_named(tmp_path: Path) -> None:
    checks = [judge(f"good {i}", theory="t", estimate=i, band=(0, 9)) for i in range(9)]
    checks.append(judge("sour", theory="t", estimate=11, band=(0, 9)))
    text = written(tmp_path, run(checks=checks))
    head = Page(text[text.index("<header>") : text.index("</header>") + 9]).text
    assert "9 PASS" in head
    # Named, it needs no count.
    assert head.count("FAIL") == 1
    assert "sour FAIL" in head
    assert "good" not in head
    # Where many are troubled, only what failed is named.
    checks += [
        judge(f"wide {i}", theory="t", estimate=5, interval=(0, 99), band=(0, 9)) for i in range(7)
    ]
    text = written(tmp_path, run(checks=checks))
    head = Page(text[text.index("<header>") : text.index("</header>") + 9]).text
    assert "7 INCONCLUSIVE" in head
    assert "sour FAIL" in head
    assert "wide" not in head


def gauge(check: Check, folder: Path) -> str | None:
    text = written(folder, run(checks=[check]))
    found = re.search(r"<svg class=.gauge.*?</svg>", text)
    return found and found.group()


def test_the_gauge_shows_where_the_interval_lies(tmp_path: Path) -> None:
    inside = judge("c", theory="t", estimate=5, interval=(4, 6), band=(0, 10))
    # The ends 0 and 10 lie at 12 and 108 of 120, so that 4, 5, 6 lie at 50.4, 60, 69.6.
    assert (drawn := gauge(inside, tmp_path)) is not None
    assert '<rect x="12.0" y="1" width="96"' in drawn
    assert "M50.4 9H69.6" in drawn
    assert 'cx="60.0"' in drawn
    # Beyond a ratio of 100 the scale is logarithmic: 10 is halfway from 0.1 to 1000.
    wide = judge("c", theory="t", estimate=10, band=(0.1, 1000))
    assert 'cx="60.0"' in (gauge(wide, tmp_path) or "")
    # An open band reaches the edge of the picture.
    half = judge("c", theory="t", estimate=3, band=(2, None))
    assert '<rect x="12.0" y="1" width="108"' in (gauge(half, tmp_path) or "")
    # Nothing to show: one point only, no estimate, or numbers that no float holds.
    assert gauge(judge("c", theory="t", estimate=2, band=(2, 2)), tmp_path) is None
    assert gauge(judge("c", theory="t", estimate=None, band=(2, 3)), tmp_path) is None
    assert gauge(judge("c", theory="t", estimate=10**400, band=(2, None)), tmp_path) is None


def test_a_note_that_checks_share_is_read_once(tmp_path: Path) -> None:
    notes = ("", "Why both.", "Why both.", "Why this.")
    checks = [
        judge(f"check {place}", theory="1", estimate=1, band=(1, 1), note=note)
        for place, note in enumerate(notes)
    ]
    text = Page(written(tmp_path, run(checks=checks))).text
    assert [text.count(note) for note in notes[1:]] == [1, 1, 1]
    assert text.rindex("check 1") < text.index("Why both.") < text.rindex("check 2")
