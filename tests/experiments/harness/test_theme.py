"""Colours that stand apart in light and dark, a template that Plotly takes, bars of intervals."""

from __future__ import annotations

import itertools
import json
import re
from importlib import resources

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.typing import NDArray

from experiments.harness import theme

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


def test_bars_of_rows() -> None:
    rows = [{"share": 0.5, "ends": (0.25, 1.0)}, {"share": 2.0, "ends": (2.0, 2.5)}]
    found = theme.row_bars(rows, "share", "ends")
    np.testing.assert_array_equal(found["array"], [0.5, 0.5])
    np.testing.assert_array_equal(found["arrayminus"], [0.25, 0.0])
    assert not found["symmetric"]
    assert len(theme.row_bars([])["array"]) == 0


def test_open_markers_are_of_what_had_not_settled() -> None:
    assert theme.symbols([True, False]) == ["circle", "circle-open"]
    assert theme.symbols([False], "square") == ["square-open"]
