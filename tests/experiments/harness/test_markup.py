"""Numbers, times, emphasis and verdicts in the words of a page."""

from __future__ import annotations

import math
import re

from experiments.harness.checks import ClaimVerdict, Verdict
from experiments.harness.markup import chip, counts, duration, emphasise, moment, number, span


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
