"""Opens a page in headless Chromium, offline, and records all that happens there."""

from __future__ import annotations

import atexit
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from experiments.harness.chromium import FLAGS, find


@dataclass(frozen=True)
class Plot:
    """What became of one figure: its state, and the box in pixels that its drawing fills."""

    state: str
    marks: int
    width: float
    height: float


@dataclass
class Visit:
    """An open page and what it has said and asked for so far."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def plots(self) -> dict[str, Plot]:
        """Return every figure of the page by id."""
        found = self.page.evaluate(
            """() => [...document.querySelectorAll('.plot')].map(div => {
                const marks = [...div.querySelectorAll('.plot-container path, .hm image, canvas')]
                    .map(mark => mark.getBoundingClientRect())
                    .filter(box => box.width > 0 && box.height > 0);
                const edges = side => marks.map(box => box[side]);
                const span = (low, high) => marks.length &&
                    Math.max(...edges(high)) - Math.min(...edges(low));
                return [div.id, div.dataset.state ?? '', marks.length,
                        span('left', 'right'), span('top', 'bottom')];
            })"""
        )
        return {row[0]: Plot(*row[1:]) for row in found}

    def settle(self) -> None:
        """Wait until every figure has been drawn, or has said why not."""
        # 60 s: software rendering beside other work on a small machine.
        self.page.wait_for_selector("html[data-scheme]", state="attached", timeout=60_000)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def shown(self, selector: str, colour: str, *, within: int = 48) -> int:
        """Return how many pixels of an element show a colour, each channel `within` levels."""
        picture = base64.b64encode(self.page.locator(selector).screenshot()).decode()
        want = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        # The browser decodes its own picture: no imaging library is needed.
        return int(
            self.page.evaluate(
                """async ([picture, want, within]) => {
                    const image = new Image();
                    image.src = 'data:image/png;base64,' + picture;
                    await image.decode();
                    const canvas = new OffscreenCanvas(image.width, image.height);
                    const context = canvas.getContext('2d');
                    context.drawImage(image, 0, 0);
                    const {data} = context.getImageData(0, 0, image.width, image.height);
                    let count = 0;
                    for (let at = 0; at < data.length; at += 4)
                        count += want.every((value, c) => Math.abs(data[at + c] - value) <= within);
                    return count;
                }""",
                [picture, want, within],
            )
        )


@cache
def _browser() -> Browser:
    path = find()
    driver = sync_playwright().start()
    atexit.register(driver.stop)
    browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
    atexit.register(browser.close)
    return browser


@contextmanager
def launch() -> Iterator[Browser]:
    """The browser of this process, which stays open for all its visits: starting takes seconds."""
    yield _browser()


@contextmanager
def visit(
    browser: Browser,
    path: Path,
    *,
    width: int = 1400,
    height: int = 900,
    scheme: Literal["light", "dark"] = "light",
    touch: bool = False,
    script: str = "",
) -> Iterator[Visit]:
    """Open a file offline; `script` runs before the page's own scripts.

    `errors` collects errors of the console, uncaught exceptions and failed requests;
    `requests` every address asked for.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=touch,
        is_mobile=touch,
    )
    context.set_offline(True)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    seen = Visit(page)
    page.on(
        "console",
        lambda message: seen.errors.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("requestfailed", lambda request: seen.errors.append(f"failed: {request.url}"))
    page.on("request", lambda request: seen.requests.append(request.url))
    try:
        page.goto(path.resolve().as_uri())
        yield seen
    finally:
        context.close()
