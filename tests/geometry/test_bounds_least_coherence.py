"""The orthoplex bound, and the bounds turned round."""

from __future__ import annotations

import importlib
import math
from fractions import Fraction

import numpy as np
import pytest

from geometry import exact
from geometry.bounds import best_upper_bound, least_coherence
from geometry.bounds.orthoplex import orthoplex_bound
from geometry.bounds.relative import welch_coherence
from geometry.bounds.volume import volume_bound
from geometry.exact import Cosine


@pytest.mark.parametrize(
    ("dim", "count", "coherence"),
    [
        (3, 6, "1/sqrt(5)"),
        (4, 12, "1/2"),
        (7, 28, "1/3"),
        (8, 120, "1/2"),
        (16, 144, "1/4"),
        (23, 276, "1/5"),
        (23, 2300, "1/3"),
        (24, 98280, "1/2"),
        (100, 102, "1/67"),
        (3, 7, "1/sqrt(3)"),
        (5, 16, "1/sqrt(5)"),
        (5, 5, "0"),
        (9, 1, "0"),
    ],
)
def test_exact_where_a_packing_attains_it(dim: int, count: int, coherence: str) -> None:
    assert least_coherence(dim, count) == exact.eps(coherence)


def test_few_dimensions() -> None:
    for count in (3, 4, 7, 1000, 10**12):
        assert least_coherence(2, count) == Cosine(Fraction(1), Fraction(180, count))
    assert least_coherence(1, 2) == Cosine(Fraction(1))
    # The 60 lines of the 600-cell, where only the linear program meets the packing. Its optimum is
    # degenerate there, and what is proved of it is short by a part in 10^6 or so.
    assert float(least_coherence(4, 60)) == pytest.approx(math.cos(math.pi / 5), rel=1e-6)


@pytest.mark.parametrize(
    ("dim", "count"),
    [
        (4, 7),
        (3, 5),
        (3, 16),
        (5, 25),
        (6, 40),
        (9, 40),
        (500, 13020),
        (4096, 10**16),
        (3, 10**5),
    ],
)
def test_inverse_of_the_best_upper_bound(dim: int, count: int) -> None:
    bound = least_coherence(dim, count)
    assert bound >= welch_coherence(dim, count)
    low, high = bound.square_bounds()
    step = Fraction(3, 10**10)
    # Of eps^2/(1 - eps^2), as eps^2 may be next to 1.
    below = low / (low + (1 - low) * (1 + Fraction(1, 10**12)))
    above = high * (1 + step) / (1 + high * step)
    assert best_upper_bound(dim, Cosine(below)).count < count
    assert best_upper_bound(dim, Cosine(above)).count >= count


def test_more_lines_than_floats_tell_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # Levenshtein's bound does not answer here, after seconds in degrees of thousands.
    module = importlib.import_module("geometry.bounds.least_coherence")
    monkeypatch.setattr(module, "levenshtein_value", lambda *_: None)
    for count in (10**30, 10**270):
        square = least_coherence.__wrapped__(3, count).square
        assert volume_bound(3, Cosine(square)).count < count
        assert volume_bound(3, Cosine(1 - (1 - square) / (1 + Fraction(3, 10**10)))).count >= count


def test_rises_with_the_count_and_falls_with_the_dimension() -> None:
    grid = [[least_coherence(dim, count) for dim in (2, 3, 4, 6, 30)] for count in (5, 8, 20, 40)]
    for row in grid:
        assert row == sorted(row, reverse=True)
    for column in zip(*grid, strict=True):
        assert list(column) == sorted(column)


def test_orthoplex() -> None:
    bound = orthoplex_bound(3, exact.eps("0.577"))
    assert bound is not None
    assert bound.count == 6
    assert orthoplex_bound(3, exact.eps("1/sqrt(3)")) is None
    # Seven lines at 1/sqrt(3): three axes and four diagonals of the cube.
    signs = [[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]]
    rows = np.vstack([np.eye(3), np.array(signs) / math.sqrt(3)])
    gram = np.abs(rows @ rows.T) - np.eye(7)
    assert gram.max() == pytest.approx(float(least_coherence(3, 7)), abs=1e-15)


def test_errors() -> None:
    for dim, count in ((0, 3), (3, 0)):
        with pytest.raises(ValueError, match="must be at least 1"):
            least_coherence(dim, count)
    with pytest.raises(ValueError, match=r"at most about 10\^273 in 3 dimensions; got one of 401"):
        least_coherence(3, 10**400)
