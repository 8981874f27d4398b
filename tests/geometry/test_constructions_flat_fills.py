"""The table of flat fills: its entries serve what they were made for, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from geometry import tables
from geometry.constructions.flat_fills import FlatFill
from geometry.exact import Cosine, eps

# (dimension, lines, columns of the net, eps): entries of at most eps sqrt(columns).
SERVES = [
    (25, 31, 20, "0.1"),
    (25, 32, 20, "0.1"),
    (37, 40, 20, "0.05"),
    (41, 44, 20, "0.05"),
    (43, 47, 20, "0.05"),
    (47, 51, 20, "0.05"),
    (49, 54, 20, "0.05"),
    (53, 59, 20, "0.05"),
]


def test_the_table_has_no_other_entries() -> None:
    listed = [(entry["dim"], entry["count"]) for entry in tables.read("flat_fills.json")]
    assert listed == [(dimension, lines) for dimension, lines, _, _ in SERVES]


@pytest.mark.parametrize(("dimension", "lines", "columns", "text"), SERVES)
def test_entries_serve(dimension: int, lines: int, columns: int, text: str) -> None:
    fill, allowed = FlatFill(dimension, lines), eps(text)
    assert fill.coherence <= allowed
    assert Cosine(fill.peak_square / columns) <= allowed
    rows = fill.rows(np.arange(lines))
    # Python integers: an oracle without any rounding.
    vectors = [[int(entry) for entry in row] for row in rows.values]
    norms = [sum(entry**2 for entry in row) for row in vectors]
    assert norms == rows.squared_norms.tolist()
    largest = max(
        Fraction(sum(a * b for a, b in zip(vectors[i], vectors[j], strict=True)) ** 2)
        / (norms[i] * norms[j])
        for i in range(lines)
        for j in range(i)
    )
    assert fill.coherence == Cosine(largest)
    peaks = [
        Fraction(max(map(abs, row)) ** 2, norm) for row, norm in zip(vectors, norms, strict=True)
    ]
    assert fill.peak_square == max(peaks)


def test_sizes_outside_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one of \[.*\]; got \(25, 33\)"):
        FlatFill(25, 33)
