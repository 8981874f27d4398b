"""Figures as the page draws them: plain JSON, with the page's template and size.

Typed arrays stay base64, so that a float32 array costs 5 bytes a number.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from experiments.harness import theme
from experiments.harness.markup import asset

if TYPE_CHECKING:
    from experiments.harness.experiment import Figure

POINTS: Final = 20_000
"""Most points that one figure may hold: more is slow on a phone and shows no more."""
_SCENE: Final = {"scatter3d", "surface", "mesh3d", "cone", "streamtube", "volume", "isosurface"}
_WEBGL: Final = {*_SCENE, "scattergl", "scatterpolargl", "splom", "parcoords"}


def specs(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return the figures as JSON values, without what the page decides: template, title, width.

    Raises ValueError when a figure holds more than 20,000 points or two figures share an id.
    """
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for figure in figures:
        if figure.id in seen:
            raise ValueError(f"Figure ids must differ; got {figure.id!r} twice.")
        seen.add(figure.id)
        # Plotly's own encoder keeps typed arrays as base64 and writes NaN as null.
        spec = json.loads(figure.figure.to_json(engine="json"))
        points = sum(_points(trace) for trace in spec["data"])
        if points > POINTS:
            raise ValueError(
                f"Figure {figure.id!r} must hold at most {POINTS:,} points; got {points:,}."
            )
        layout = spec["layout"]
        for key in ("template", "width", "title"):
            layout.pop(key, None)
        found.append(
            {
                "id": figure.id,
                "data": spec["data"],
                "layout": layout,
                "height": layout.pop("height", None),
                "scene": any(trace.get("type") in _SCENE for trace in spec["data"]),
                "webgl": any(trace.get("type") in _WEBGL for trace in spec["data"]),
            }
        )
    return found


def _points(value: object) -> int:
    """Length of the longest array inside a trace; a typed array counts all of its entries."""
    if isinstance(value, list):
        return sum(max(1, _points(item)) for item in value)
    if isinstance(value, dict):
        if "bdata" in value:
            return len(b64decode(value["bdata"])) // int(value["dtype"][1])
        return max((_points(item) for item in value.values()), default=0)
    return 0


def scripts(drawn: Sequence[dict[str, Any]], plotly_js: str | None) -> str:
    """Return the library, the figures as inert JSON, and the script that draws and copies."""
    library = ""
    if drawn and plotly_js is not None:
        library = f'<script src="{escape(plotly_js)}"></script>\n'
    elif drawn:
        from plotly.offline import get_plotlyjs

        # Inside a JavaScript string or pattern, "<\/" and "</" mean the same.
        source = get_plotlyjs().replace("</script", "<\\/script")
        library = f"<script>{source}</script>\n"
    data = {
        "figures": drawn,
        "light": theme.settings(),
        "dark": theme.settings(dark=True),
        "twins": theme.DARK,
    }
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return (
        f'{library}<script type="application/json" id="report-data">{text}</script>\n'
        f"<script>\n{asset('report.js')}</script>\n"
    )
