"""The index over all runs in an output folder, and the lock of those who write such pages."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from experiments.harness.gallery import cards, entries
from experiments.harness.markup import page, write_whole

INDEX = "index.html"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold the folder against others who write pages over its runs.

    Of two runs that end together the later one then reads both records, whichever it is.
    """
    folder = os.open(out, os.O_RDONLY)
    try:
        # Some network file systems know no locks: pages are whole there too, though the last one
        # written may lack a run until the next run ends.
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write_index(out: Path) -> None:
    """Write `<out>/index.html`, whole or not at all: the gallery of all runs.

    A run whose record cannot be read is listed with the reason.
    """
    with alone(out):
        found = entries(out)
        if found:
            body = cards(found, out)
            title = f"{len(found):,} run{'s' if len(found) > 1 else ''}, newest first"
        else:
            body = (
                '<p class="caption"><code>python -m experiments</code> lists what can be run.</p>'
            )
            title = "No runs here yet"
        text = page(
            title="All runs",
            body=f"""<header>
<nav aria-label="Site"><span>experiments</span></nav>
<p class="question">All runs in this folder</p>
<h1>{title}</h1>
</header>
<main>
{body}
</main>""",
        )
        write_whole(out / INDEX, text)
