"""The packing report in a real browser: every figure draws, offline and silent."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from browser import launch, visit

from experiments import packing
from experiments.harness import theme
from experiments.harness.run import main

VIEWS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1400, "light"), (380, "dark"))


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        (["--dim", "3", "--eps", "1/sqrt(5)"], ["over-eps-3", "over-dims", "cosines-3", "lines-3"]),
        (["--dim", "2", "8", "--angle", "60", "--standalone"], ["lines-2", "cosines-8"]),
    ],
)
def test_the_report_draws(
    tmp_path: Path, words: list[str], figures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--preset", "tiny", "--quiet", "--out", str(tmp_path), *words]
    assert main(packing.EXPERIMENT, words) == 0
    capsys.readouterr()
    (report,) = (tmp_path / "packing").glob("*/report.html")
    with launch() as browser:
        for width, scheme in VIEWS:
            with visit(browser, report, width=width, scheme=scheme) as page:
                page.settle()
                assert page.errors == []
                plots = page.plots()
                assert set(figures) <= set(plots)
                assert {plot.state for plot in plots.values()} == {"drawn"}
                assert all(plot.width > 100 and plot.height > 100 for plot in plots.values())
                assert page.overflow() <= 0
                allowed = (report.as_uri(), (tmp_path / "plotly.min.js").as_uri(), "data:", "blob:")
                assert all(request.startswith(allowed) for request in page.requests)
        if "lines-3" in figures:
            with visit(browser, report) as page:
                page.settle()
                # The lines themselves are on the picture, so the scene is not blank.
                assert page.shown("#lines-3", theme.LOWER) > 100
