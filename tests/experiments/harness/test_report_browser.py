"""The report and the index in a real browser: offline, drawn, legible, silent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from browser import Visit, launch, visit
from playwright.sync_api import Browser
from plotly.offline import get_plotlyjs
from sample_report import ROLES, RUN, sample

from experiments.harness import chromium, theme
from experiments.harness.experiment import Table
from experiments.harness.index import write_index
from experiments.harness.report import ReportInput, write_report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as opened:
        yield opened


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder as a run leaves it: library, index, and one run."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    (folder / RUN).mkdir(parents=True)
    given = sample()
    write_report(given, folder / RUN / "report.html", plotly_js="../../plotly.min.js")
    record = {
        "schema": 1,
        "experiment": given.experiment_name,
        "question": given.question,
        "answer": given.answer,
        "created": given.created,
        "seconds": given.seconds,
        "checks": [{"name": check.name, "verdict": check.verdict} for check in given.checks],
        "claims": [{"id": claim.id, "verdict": claim.verdict} for claim in given.claims],
    }
    (folder / RUN / "record.json").write_text(json.dumps(record))
    write_index(folder)
    return folder


def some(*names: str) -> ReportInput:
    """The sample with these figures only: each takes a second or two to draw in software."""
    given = sample()
    return replace(given, figures=[figure for figure in given.figures if figure.id in names])


def assert_silent(seen: Visit, *files: Path) -> None:
    """No error, and no request but for these files and what the page itself holds."""
    assert seen.errors == []
    asked = {url.partition("#")[0] for url in seen.requests}
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {
        file.resolve().as_uri() for file in files
    }


def assert_drawn(seen: Visit, names: Iterable[str], *, width: int) -> None:
    """Every figure has marks that fill much of the width it was given."""
    plots = seen.plots()
    assert set(plots) == set(names)
    for name, plot in plots.items():
        assert plot.state == "drawn", name
        assert plot.marks > 0, name
        # A square heat map is bound by its height, hence the low floor.
        assert plot.width > 0.5 * min(width, 380), name
        assert plot.height > 150, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1400])
def test_the_report_opens_offline(
    browser: Browser, out: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    report = out / RUN / "report.html"
    phone = width == 380
    with visit(browser, report, width=width, scheme=scheme, touch=phone) as seen:
        seen.settle()
        assert_drawn(seen, ROLES, width=width)
        assert seen.overflow() == 0
        # The picture itself shows the data, in this scheme's colours, 3-D included. A line two
        # pixels wide across most of the figure covers hundreds.
        for name, role in ROLES.items():
            colour = theme.DARK[role] if scheme == "dark" else role
            assert seen.shown(f"#{name}", colour) > 200, name
        page = theme.DARK[theme.PAGE] if scheme == "dark" else theme.PAGE
        assert seen.shown("header", page, within=2) > 10_000
        # Legends keep off the plot, and inside of the figure.
        for name in ("bracket-eps", "cosines"):
            plot, legend = (
                seen.page.locator(f"#{name} {part}").first.bounding_box()
                for part in (".nsewdrag", ".legend")
            )
            assert plot is not None
            assert legend is not None
            assert legend["y"] + legend["height"] <= plot["y"] + 1
            assert legend["x"] >= 0
            assert legend["x"] + legend["width"] <= width
        # A finger scrolls past flat plots; a mouse may zoom.
        mode = seen.page.evaluate("document.getElementById('cosines')._fullLayout.dragmode")
        assert mode == (False if phone else "zoom")
        assert_silent(seen, report, out / "plotly.min.js")


def test_figures_follow_a_change_of_scheme(browser: Browser, out: Path) -> None:
    report = out / RUN / "follow.html"
    write_report(some("cosines", "lines"), report, plotly_js="../../plotly.min.js")
    with visit(browser, report, width=800) as seen:
        seen.settle()
        before = seen.shown("#cosines", theme.DARK[theme.THEORY], within=6)
        seen.page.emulate_media(color_scheme="dark")
        seen.page.wait_for_selector("html[data-scheme=dark]", state="attached")
        for name in ("cosines", "lines"):
            assert seen.shown(f"#{name}", theme.DARK[ROLES[name]]) > 200, name
        # The theory curve is dark on a light page and light on a dark one.
        assert before < seen.shown("#cosines", theme.DARK[theme.THEORY], within=6)
        assert seen.shown("#cosines", theme.PAGE, within=2) == 0
        assert seen.errors == []


def test_without_webgl_a_scene_says_so(browser: Browser, out: Path) -> None:
    blind = """
        const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind.includes('webgl') ? null : real.call(this, kind, ...rest);
        };
    """
    report = out / RUN / "blind.html"
    write_report(some("cosines", "lines"), report, plotly_js="../../plotly.min.js")
    with visit(browser, report, script=blind) as seen:
        seen.settle()
        states = {name: plot.state for name, plot in seen.plots().items()}
        assert states == {"cosines": "drawn", "lines": "no-webgl"}
        notice = seen.page.locator("#lines").inner_text()
        assert notice == "This figure needs WebGL, which this browser does not offer."
        assert seen.errors == []


def test_without_its_library_the_page_still_reads(browser: Browser, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    write_report(sample(), report, plotly_js="gone.js")
    with visit(browser, report) as seen:
        seen.settle()
        assert {plot.state for plot in seen.plots().values()} == {"no-library"}
        assert "--standalone" in seen.page.locator("#cosines").inner_text()


def test_a_standalone_report_is_one_file(browser: Browser, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    write_report(some("cosines"), report, plotly_js=None)
    with visit(browser, report) as seen:
        seen.settle()
        assert_drawn(seen, ["cosines"], width=1400)
        assert_silent(seen, report)


def test_the_command_can_be_copied(browser: Browser, tmp_path: Path) -> None:
    write_report(some(), tmp_path / "report.html", plotly_js=None)
    with visit(browser, tmp_path / "report.html") as seen:
        seen.settle()
        seen.page.get_by_role("button", name="Copy").click()
        status = seen.page.get_by_role("status")
        status.get_by_text("Cop").or_(status.get_by_text("Selected")).wait_for()
        # Without the right to the clipboard, the command is left selected.
        if status.inner_text() != "Copied.":
            assert seen.page.evaluate("String(getSelection())") == sample().command
        assert seen.errors == []


def test_on_paper_the_page_is_light(browser: Browser, out: Path) -> None:
    report = out / RUN / "paper.html"
    write_report(some("cosines"), report, plotly_js="../../plotly.min.js")
    with visit(browser, report, width=1000, scheme="dark") as seen:
        seen.settle()
        seen.page.emulate_media(media="print", color_scheme="dark")
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert seen.shown("header", theme.PAGE, within=2) > 10_000
        assert seen.shown("#cosines", theme.MEASURED) > 200
        seen.page.emulate_media(media="screen", color_scheme="dark")
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert seen.shown("#cosines", theme.DARK[theme.MEASURED]) > 200
        assert seen.errors == []


@pytest.mark.parametrize("width", [380, 1400])
def test_the_index_opens_offline(browser: Browser, out: Path, width: int) -> None:
    with visit(browser, out / "index.html", width=width) as seen:
        assert seen.overflow() == 0
        assert_silent(seen, out / "index.html")


def test_text_columns_keep_a_width_to_be_read_at(browser: Browser, tmp_path: Path) -> None:
    recipe = "net of 4 points in 4 columns, Hadamard rows of order 4 on each of 16 lines, " * 2
    table = Table(
        ("d", "family", "lines", "coherence", "recipe", "reference"),
        ((16, "net", 80, "1/4", recipe, "Delsarte, Goethals and Seidel 1975"),),
        "Families",
    )
    given = replace(some(), tables={"families": table})
    write_report(given, tmp_path / "report.html", plotly_js=None)
    with visit(browser, tmp_path / "report.html", width=380) as seen:
        row = seen.page.locator("section.table tbody tr").bounding_box()
        assert row is not None
        # 158 letters at some 30 a line, lines of 24 px; crushed, it took over 400.
        assert row["height"] < 200
        assert seen.overflow() == 0
        box = seen.page.locator("section.table .scroll")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")


def test_a_long_unbroken_answer_stays_inside(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / RUN
    folder.mkdir(parents=True)
    given = replace(some(), answer="At least " + "9" * 90 + " fit.", question="x" * 90 + "?")
    write_report(given, folder / "report.html", plotly_js="../../plotly.min.js")
    record = {
        "experiment": "p" * 90,
        "question": given.question,
        "answer": given.answer,
        "created": given.created,
        "seconds": given.seconds,
        "checks": [],
        "claims": [],
    }
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    write_index(tmp_path)
    (tmp_path / "plotly.min.js").write_text("", encoding="utf-8")
    for page in (tmp_path / "index.html", folder / "report.html"):
        with visit(browser, page, width=380) as seen:
            assert seen.overflow() == 0, page.name


def test_the_index_and_the_report_link_to_each_other(browser: Browser, out: Path) -> None:
    with visit(browser, out / "index.html") as seen:
        seen.page.get_by_role("link", name="13,020").click()
        assert "How many directions" in seen.page.title()
        seen.page.get_by_role("link", name="All runs").click()
        assert seen.page.title() == "All runs"


def test_no_chromium_is_a_failure_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(FileNotFoundError, match=r"No Chromium was found\. Install one"):
        chromium.find()
