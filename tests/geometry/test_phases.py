"""Complex lines as real ones: roots of unity, layout, and exact squares of sums."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from geometry.constructions.phases import (
    half_realified,
    realified,
    roots_of_unity,
    square_of_sum,
)

UNIT = 2.0**-53


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 8, 12, 7 * 48, 6143])
def test_roots_of_unity(order: int) -> None:
    table = roots_of_unity(order)
    with mpmath.workprec(120):
        exact = [
            [
                float(mpmath.cospi(mpmath.mpf(2 * t) / order)),
                float(mpmath.sinpi(mpmath.mpf(2 * t) / order)),
            ]
            for t in range(order)
        ]
    # The folded angle, at most pi/4, is off by 2 roundings, below 2 units; cos and sin add one.
    assert np.abs(table - np.array(exact)).max() <= 3 * UNIT
    back = -np.arange(order) % order
    assert np.array_equal(table[back, 0], table[:, 0])
    assert np.array_equal(table[back, 1], -table[:, 1])
    if order % 4 == 0:
        assert table[order // 4].tolist() == [0, 1]
        assert table[order // 2].tolist() == [-1, 0]


@pytest.mark.parametrize("order", [5, 12, 1_000_003])
def test_realified_is_the_real_part_of_the_complex_product(order: int) -> None:
    generator = np.random.default_rng(order)
    turns = generator.integers(0, order, (6, 11))
    rotated = np.array([0, 1, 0, 1, 1, 0])
    lines = np.exp(2j * np.pi * turns / order) * (1j**rotated)[:, None] / math.sqrt(11)
    rows = realified(turns, order, rotated)
    assert rows.shape == (6, 22)
    # Entries below 1/3, right to a few units on both sides: np.exp of an angle up to 2 pi loses
    # 8 units; sums of 22 products add less than 22.
    assert np.abs(rows - np.stack([lines.real, lines.imag], 2).reshape(6, 22)).max() <= 16 * UNIT
    gram = (lines.conj() @ lines.T).real
    assert np.abs(rows @ rows.T - gram).max() <= 64 * UNIT
    plain = realified(turns, order)
    assert np.array_equal(plain, realified(turns, order, np.zeros(6, np.int64)))
    assert np.array_equal(half_realified(turns, order), np.delete(plain, 1, axis=1))


def test_a_line_and_i_times_it_are_orthogonal_exactly() -> None:
    turns = np.arange(7)[None] * np.ones((2, 1), np.int64)
    first, second = realified(turns, 9, np.array([0, 1]))
    assert np.array_equal(first[0::2], second[1::2])
    assert np.array_equal(first[1::2], -second[0::2])


def test_tables_and_single_roots_agree() -> None:
    # Orders above 2^16 and above the number of entries are done entry by entry.
    order = (1 << 16) + 1
    turns = np.array([[0, 1, 5, order - 1, order // 2]])
    table = roots_of_unity(order)[turns].reshape(1, 10) / math.sqrt(5)
    assert np.array_equal(realified(turns, order), table)


def test_squares_of_sums() -> None:
    assert square_of_sum(np.array([3, 3, 3])) == 0
    assert square_of_sum(np.array([5, 2])) == 9
    assert square_of_sum(np.array([1, 0, 0, 0, 0])) == 1
    # The squares modulo 7: a Gauss sum.
    assert square_of_sum(np.bincount(np.arange(7) ** 2 % 7, minlength=7)) == 7
    assert square_of_sum(np.array([1, 1, 0, 0, 0])) is None  # |1 + w|^2 = 2 + 2 cos 72 degrees
    generator = np.random.default_rng(0)
    for p in (3, 5, 7):
        for counts in generator.integers(0, 3, (40, p)):
            value = abs(np.exp(2j * np.pi * np.arange(p) / p) @ counts) ** 2
            found = square_of_sum(counts)
            # Values are below 100 with errors below 1e-12; irrational ones here are far from
            # integers, as p-th roots of unity with coefficients up to 2p^2 allow no near misses.
            assert (found is None) == (abs(value - round(value)) > 1e-6)
            assert found is None or abs(found - value) < 1e-9
