"""The report, the index and the theme as text: no browser here."""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.typing import NDArray

from experiments.harness import theme
from experiments.harness.checks import Check, Claim, ClaimVerdict, Verdict, judge
from experiments.harness.experiment import Figure, Table
from experiments.harness.markup import chip, counts, duration, emphasise, moment, number, span
from experiments.harness.report import ROWS, ReportInput, write_index, write_report

VOID = {"meta", "link", "path", "rect", "circle"}


class Page(HTMLParser):
    """A page read back: balanced tags, scripts by type, text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.text += data

    def attributes(self, tag: str, name: str) -> list[str]:
        return [value for found, attrs in self.tags if found == tag if (value := attrs.get(name))]


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


def test_numbers() -> None:
    power = "&thinsp;×&thinsp;10<sup>"
    assert number(4096) == "4096"
    assert number(-143479) == "-143,479"
    assert number(999_999_999_999_999) == "999,999,999,999,999"
    assert number(70488151969272494) == (
        f'<span title="70488151969272494">≈&thinsp;7.049{power}16</sup></span>'
    )
    assert number(0.05) == "0.05"
    assert number(0.0) == "0"
    assert number(12345.678) == "12,345.7"
    assert number(1.5e-7) == f"1.5{power}-7</sup>"
    assert number(12345678.0) == f"1.235{power}7</sup>"
    assert number(1.75e19) == f"1.75{power}19</sup>"
    assert number(math.inf) == "∞"
    assert number(-math.inf) == "−∞"
    assert number(math.nan) == "not a number"
    assert number("<b>") == "&lt;b&gt;"
    assert "–" in number(None)
    assert span(None, None) == "any"
    assert span(None, 2) == "≤ 2"
    assert span(1, None) == "≥ 1"
    assert span(1, 1) == "= 1"
    assert span(1, 2) == "1 … 2"


def test_emphasis_marks_numbers_and_nothing_else() -> None:
    marked = emphasise("From 13,020 to 1.75e19 at 1/20, 63.4° or -5% in R4 & C3 <d2>; 12.")
    assert re.findall("<strong>(.*?)</strong>", marked) == [
        "13,020",
        "1.75e19",
        "1/20",
        "63.4°",
        "-5%",
        "12",
    ]
    assert "R4 &amp; C3 &lt;d2&gt;" in marked
    assert "eps\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}<strong>1/2" in emphasise("eps = 1/2")
    assert emphasise("13,020, then") == "<strong>13,020</strong>, then"


def test_words_for_times() -> None:
    assert [duration(s) for s in (0.123, 9.94, 59.4, 59.7, 200, 7500, math.nan)] == [
        "0.12 s",
        "9.9 s",
        "59 s",
        "1 min 0 s",
        "3 min 20 s",
        "2 h 5 min",
        "unknown time",
    ]
    shown = "3 November 2025, 16:52 UTC"
    for given in ("2025-11-03T16:52:00Z", "2025-11-03T17:52:00+01:00", "20251103T165200"):
        assert shown in moment(given)
    assert moment("yester<day") == "yester&lt;day"


def test_every_verdict_has_a_word_and_a_glyph_of_its_own() -> None:
    for verdicts in (Verdict, ClaimVerdict):
        chips = {str(verdict): chip(str(verdict)) for verdict in verdicts}
        glyphs = [re.findall(r'"true">(.)<', shown)[0] for shown in chips.values()]
        assert len(set(glyphs)) == len(glyphs)
        assert "•" not in glyphs
        assert all(verdict in shown for verdict, shown in chips.items())
    assert chip("<new>") == (
        '<span class="chip plain"><span aria-hidden="true">•</span> &lt;new&gt;</span>'
    )
    assert ["2" in counts(["FAIL", "PASS", "PASS"])[0], len(counts(["FAIL", "PASS"]))] == [True, 2]


# A contrast is (brighter + 0.05) / (darker + 0.05) of the relative luminances: WCAG 2.2.
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(colour: str) -> NDArray[np.float64]:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(LUMINANCE @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    # The lightest grey that passes 4.5:1 on white is #767676.
    assert contrast("#767676", "#ffffff") > 4.5 > contrast("#777777", "#ffffff")


@pytest.mark.parametrize("dark", [False, True])
def test_data_colours_stand_out_from_the_page_and_from_each_other(dark: bool) -> None:
    def tone(colour: str) -> str:
        return theme.DARK[colour] if dark else colour

    roles = [tone(colour) for colour in (*theme.COLOURS, theme.THEORY)]
    assert min(contrast(role, tone(theme.PAGE)) for role in roles) >= 3
    assert contrast(tone(theme.SOFT_TEXT), tone(theme.PAGE)) >= 4.5
    assert contrast(tone(theme.THEORY), tone(theme.SURFACE)) >= 4.5

    # Full dichromacy in linear RGB: Machado, Oliveira, Fernandes (2009), table at severity 1.
    deuteranopia = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
    protanopia = [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
    for sight in (np.eye(3), np.array(deuteranopia), np.array(protanopia)):
        seen = [lab(np.clip(sight @ linear(role), 0, 1)) for role in roles]
        # A difference of 2.3 in CIE Lab is just noticeable side by side; thin lines in a legend
        # need several times that.
        apart = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)]
        assert min(apart) > 15


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE 1976 L*a*b* of linear sRGB, white point D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ rgb / to_xyz.sum(axis=1)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_dark_theme_is_the_light_one_with_its_twins() -> None:
    light = json.dumps(theme.settings())
    swapped = re.sub("#[0-9a-f]{6}", lambda match: theme.DARK[match.group()], light)
    assert json.loads(swapped) == json.loads(json.dumps(theme.settings(dark=True)))
    # No colour is both a light one and a dark twin, so a second exchange changes nothing.
    assert not set(theme.DARK) & set(theme.DARK.values())
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in theme.DARK)


def test_the_template_is_one_that_plotly_accepts() -> None:
    figure = go.Figure(layout={"template": theme.settings(dark=True)})
    assert figure.layout.template.layout.colorway[0] == theme.DARK[theme.LOWER]
    assert figure.layout.template.data.heatmap[0].colorscale[0][1] == theme.DARK["#eef4f9"]
    assert go.Scatter(fillcolor=theme.faint(theme.UPPER)).fillcolor == f"{theme.UPPER}2e"


def test_text_on_the_page_meets_aa() -> None:
    style = resources.files("experiments.harness").joinpath("style.css").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    light["page"] = "#ffffff"
    assert (light["page"], dark["page"]) == (theme.PAGE, theme.DARK[theme.PAGE])
    for colours in (light, dark):
        for text in ("ink", "soft", "accent"):
            assert contrast(colours[text], colours["page"]) >= 4.5
            assert contrast(colours[text], colours["wash"]) >= 4.5
        for tone in ("good", "bad", "unsure", "fine"):
            assert contrast(colours[tone], colours[f"{tone}-wash"]) >= 4.5
            assert contrast(colours["ink"], colours[f"{tone}-wash"]) >= 4.5


def record(out: Path, folder: str, **changes: Any) -> Path:
    place = out / folder
    place.mkdir(parents=True)
    plain = {
        "schema": 1,
        "experiment": "packing",
        "question": "How many fit?",
        "answer": "Exactly 6.",
        "created": "2025-11-22T16:52:00+00:00",
        "seconds": 12,
        "command": "python -m experiments.packing",
        "checks": [{"name": "a", "verdict": "PASS"}, {"name": "b", "verdict": "PASS"}],
        "claims": [{"id": "C1", "verdict": "refuted"}],
        "provenance": {},
        "result": {},
    }
    (place / "record.json").write_text(json.dumps(plain | changes))
    return place


def index(out: Path) -> Page:
    write_index(out)
    return Page((out / "index.html").read_text(encoding="utf-8"))


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    assert "No runs here yet" in index(tmp_path).text
    (tmp_path / "reference").mkdir()
    (tmp_path / "plotly.min.js").write_text("")
    assert "No runs here yet" in index(tmp_path).text


def test_the_index_lists_runs_newest_first(tmp_path: Path) -> None:
    record(tmp_path, "packing/20250101T000000Z-00000000", answer="Old.")
    new = record(tmp_path, "packing/20250301T000000Z-00000001", answer="Newest: 7 <fit>.")
    record(tmp_path, "capacity/20250201T000000Z-00000002", answer="Between.")
    record(tmp_path, "packing/.20250401T000000Z-00000003", answer="Half written.")
    (new / "report.html").write_text("")
    page = index(tmp_path)
    places = [page.text.index(answer) for answer in ("Newest: 7 <fit>", "Between", "Old")]
    assert places == sorted(places)
    assert "Half written" not in page.text
    assert "3 runs, newest first" in page.text
    assert page.text.count("2 PASS") == 3
    assert page.text.count("1 refuted") == 3
    assert "22 November 2025, 16:52 UTC · 12 s" in page.text
    # Only a report that exists is linked.
    assert page.attributes("a", "href") == ["packing/20250301T000000Z-00000001/report.html"]


def test_a_page_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OSError, match=r"index\.html"):
        write_index(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": None}, "'answer' is missing or of the wrong type"),
        ({"checks": {}}, "'checks' is missing or of the wrong type"),
        ({"checks": [1]}, "a check or claim in the record has no verdict"),
        ({"claims": [{"id": "C1"}]}, "a check or claim in the record has no verdict"),
        ({"seconds": float("nan")}, "'seconds' is not a time"),
    ],
)
def test_a_run_with_a_wrong_record_is_listed(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    record(tmp_path, "packing/20250101T000000Z-00000000", **changes)
    page = index(tmp_path)
    assert "Unreadable record" in page.text
    assert reason in page.text
    assert "1 run, newest first" in page.text


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_run_without_a_readable_record_is_listed(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "packing" / "20250101T000000Z-00000000"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "record.json").write_bytes(content)
    page = index(tmp_path)
    assert "Unreadable record" in page.text
    assert "packing/20250101T000000Z-00000000" in page.text
