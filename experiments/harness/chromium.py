"""Where a Chromium is, for tests of pages and for pictures of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

__all__ = ["FLAGS", "INSTALL", "find"]

# Software rendering, so that 3-D figures draw on machines without a display or a GPU.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
INSTALL: Final = (
    "No Chromium was found. Install one (Debian: apt-get install chromium; anywhere: "
    "playwright install chromium) or set CHROMIUM to its path."
)


def find() -> str:
    """Return the path of a Chromium: what CHROMIUM names, the system's, or playwright's own.

    Raises FileNotFoundError when there is none, ImportError where playwright is not installed.
    """
    from playwright.sync_api import sync_playwright

    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    for name in names:
        if found := shutil.which(name):
            return found
    if not named:
        # Where `playwright install chromium` puts its own.
        with sync_playwright() as driver:
            own = driver.chromium.executable_path
        if Path(own).is_file():
            return own
    raise FileNotFoundError(INSTALL)
