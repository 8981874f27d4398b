"""Nets at (500, 1/20), the order of their rows, and what makes their coherence exact."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from geometry.constructions import Basis, ConferenceRows, HadamardColumns, Net, Simplex
from geometry.exact import eps


def test_13020_lines_in_500_dimensions_at_one_twentieth() -> None:
    packing = Net(25, 20, 20, ConferenceRows(25))
    assert (packing.dim, packing.count) == (500, 13020)
    assert packing.coherence == eps("0.05")
    assert packing.words() == (
        "net of 25 points in 20 columns, Hadamard rows of order 20 (Paley I) on each of 625 "
        "lines, each column filled with 26 rows of the conference matrix of order 26 less a column"
    )
    rows = packing.rows(np.arange(packing.count))
    values = rows.values.astype(np.float32)  # integers below 2^24 stay exact
    norms = rows.squared_norms
    assert values.dtype == np.float32
    assert rows.values.dtype == np.int8
    assert set(norms.tolist()) == {20, 24, 25}
    # 400 ip^2 <= n_i n_j holds for |ip| <= 1 and fails for 2, as 400 <= n_i n_j <= 625 < 1600;
    # it is an equality for two rows of squared norm 20.
    tops = set()
    for start in range(0, packing.count, 1024):
        gram = values[start : start + 1024] @ values[start:].T  # each pair once
        gram[np.arange(len(gram)), np.arange(len(gram))] = 0
        tops.add((float(gram.max()), float(gram.min())))
    assert max(top for top, _ in tops) == 1
    assert min(bottom for _, bottom in tops) == -1
    first = values[:2000] @ values[:2000].T
    assert (np.abs(first[0]) == 1).any()
    assert (norms[:2000] == 20).all()


def test_lines_come_first_then_fillings_by_column() -> None:
    packing = Net(3, 4, 4, Basis(3))
    rows = packing.rows(np.arange(packing.count)).values
    # Line a = 2, b = 1, row 3: heights 1, 0, 2 at x = 0, 1, 2, and the slope 2 at infinity.
    row = rows[(2 * 3 + 1) * 4 + 3]
    assert np.flatnonzero(row).tolist() == [0 + 1, 3 + 0, 6 + 2, 9 + 2]
    # Filling 1 of column 2.
    assert np.flatnonzero(rows[36 + 2 * 3 + 1]).tolist() == [2 * 3 + 1]


def test_mixed_rows_keep_integers() -> None:
    packing = Net(5, 4, 4, Simplex(5))
    rows = packing.rows(np.array([3, 100, 7]))
    assert rows.values.dtype == np.float64
    assert rows.squared_norms.tolist() == [4, 0, 4]
    assert packing.rows(np.array([3, 7])).values.dtype == np.int8


class Loose(HadamardColumns):
    """A filling whose coherence is only a bound."""

    exact: ClassVar[bool] = False


def test_exact_depends_on_the_filling_only_where_it_decides() -> None:
    assert Net(9, 8, 8, HadamardColumns(12, 3)).exact
    assert not Net(9, 8, 8, Loose(12, 3)).exact
    # Here the net's own 1/4 is the largest.
    assert Net(11, 4, 4, Loose(12, 1)).coherence == eps("1/4")
    assert Net(11, 4, 4, Loose(12, 1)).exact
