"""Pictures of the reference: the scorecard's first screen, and figures of reports.

They are taken by playwright with a Chromium, at one size and in the light scheme. `pictures.json`
beside them says what each shows, and holds its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.harness import chromium, exact_json
from experiments.harness.drawing import REPORT
from experiments.harness.errors import InputError
from experiments.harness.experiment import Json
from experiments.harness.markup import write_whole

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page, ViewportSize

__all__ = ["FIGURES", "FOLDER", "SCORECARD", "require", "take"]

FOLDER: Final = "pictures"
SCORECARD: Final = "scorecard.png"
# Picture, experiment, and the figure's id in its report.
FIGURES: Final = (
    ("bracket.png", "packing", "over-eps-500"),
    ("phases.png", "superposition", "phases"),
    ("recovery.png", "sae", "budgets"),
    ("steering.png", "steering", "arms"),
)
_VIEW: Final[ViewportSize] = {"width": 1000, "height": 730}
_MARGIN: Final = 16.0
_SHARPNESS: Final = 1.5
# A slow machine draws a report's figures one after the other.
_PATIENCE: Final = 120_000.0


def require() -> str:
    """Return the path of a Chromium. Raises InputError that names what is missing."""
    try:
        return chromium.find()
    except ImportError:
        need = "the package playwright: pip install playwright"
    except FileNotFoundError:
        need = "a Chromium: playwright install chromium, or set CHROMIUM to its path"
    raise InputError(f"pictures need {need}, or --without-pictures.")


def take(runs: Mapping[str, str], results: Path, reference: Path) -> None:
    """Take all pictures: the scorecard of `reference`, and figures of the runs that it judges by.

    `runs` gives the place of each experiment's run in a results folder; reports lie in `results`.
    Raises InputError where one is missing.
    """
    folder = reference / FOLDER
    folder.mkdir(exist_ok=True)
    said: dict[str, Json] = {}
    with _page() as page:
        page.goto((reference / "index.html").resolve().as_uri())
        page.screenshot(path=folder / SCORECARD)
        said[SCORECARD] = {
            "sha256": _digest(folder / SCORECARD),
            "shows": "index.html",
            "of": _digest(reference / "index.html"),
        }
        for name, experiment, figure in FIGURES:
            report = results / runs[experiment] / REPORT
            if not report.is_file():
                raise InputError(f"RESULTS must hold the report of {runs[experiment]}; none there.")
            page.goto(report.resolve().as_uri())
            # The page says so when its figures are drawn.
            page.wait_for_selector("html[data-scheme]", state="attached", timeout=_PATIENCE)
            _take_figure(page, f"#figure-{figure}", folder / name)
            said[name] = {
                "sha256": _digest(folder / name),
                "shows": runs[experiment],
                "figure": figure,
            }
    for path in folder.glob("*.png"):
        if path.name not in said:
            path.unlink()
    write_whole(folder / "pictures.json", exact_json.dumps(said, indent=1) + "\n")


def _take_figure(page: Page, selector: str, path: Path) -> None:
    """Take a figure with its title and caption, and some of the page around it."""
    box = page.locator(selector).bounding_box()
    if box is None:
        raise InputError(f"RESULTS must hold reports of the present source; no {selector} there.")
    area: FloatRect = {
        "x": max(box["x"] - _MARGIN, 0),
        "y": max(box["y"] - _MARGIN, 0),
        "width": box["width"] + 2 * _MARGIN,
        "height": box["height"] + 2 * _MARGIN,
    }
    page.screenshot(path=path, full_page=True, clip=area)


@contextmanager
def _page() -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    path = require()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        try:
            context = browser.new_context(
                viewport=_VIEW, color_scheme="light", device_scale_factor=_SHARPNESS
            )
            context.set_offline(True)
            yield context.new_page()
        finally:
            browser.close()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
