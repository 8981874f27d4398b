"""Every constructible Hadamard matrix up to order 112, and the packings made of their rows."""

from __future__ import annotations

import numpy as np
import pytest

from geometry.constructions import hadamard
from geometry.constructions.conference import conference_rows
from geometry.constructions.hadamard import HadamardColumns, HadamardWithBasis


def test_orders_are_1_2_and_every_multiple_of_4_up_to_112_but_92() -> None:
    expected = [1, 2, *(order for order in range(4, 113, 4) if order != 92)]
    assert list(hadamard.orders(112)) == expected
    assert [order for order in range(113) if hadamard.is_constructible(order)] == expected


@pytest.mark.parametrize("order", [*hadamard.orders(112), 256, 332, 1000])
def test_rows_are_orthogonal(order: int) -> None:
    matrix = hadamard.matrix(order).astype(np.int64)
    assert set(np.unique(matrix)) <= {-1, 1}
    assert np.array_equal(matrix @ matrix.T, order * np.eye(order, dtype=np.int64))


@pytest.mark.parametrize("order", [1, 2, 16, 20, 28, 36, 40, 56, 144])
def test_single_rows_match_the_matrix(order: int) -> None:
    chosen = np.random.default_rng(order).integers(0, order, 7)
    assert np.array_equal(hadamard.rows(order, chosen), hadamard.matrix(order)[chosen])


@pytest.mark.parametrize("q", [3, 5, 7, 9, 13, 25, 27, 49])
def test_conference_matrices(q: int) -> None:
    matrix = conference_rows(q, np.arange(q + 1)).astype(np.int64)
    assert np.array_equal(np.abs(matrix), 1 - np.eye(q + 1))
    assert np.array_equal(matrix @ matrix.T, q * np.eye(q + 1))
    assert np.array_equal(matrix.T, matrix if q % 4 == 1 else -matrix)


def test_words_name_the_construction() -> None:
    assert hadamard.words(16) == "Sylvester"
    assert hadamard.words(20) == "Paley I"
    assert hadamard.words(36) == "Paley II"
    assert hadamard.words(40) == "Paley I 20 x Sylvester 2"


def test_matrices_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        hadamard.matrix(4)[0, 0] = 5


def test_products_of_orders_are_orders() -> None:
    listed = hadamard.orders(180)
    assert all(hadamard.is_constructible(a * b) for a in listed for b in listed)
    assert hadamard.is_constructible(2**40)
    assert not any(hadamard.is_constructible(order) for order in (-4, 0, 3, 6, 92, 116, 2**15 + 4))


def test_errors() -> None:
    for order in (0, 3, 92, -4):
        with pytest.raises(ValueError, match=rf"^`order` must be at least 1 .*; got {order}\.$"):
            hadamard.rows(order, np.arange(1))
    for order in (1, 92):
        with pytest.raises(ValueError, match=rf"^`order` must be at least 2 .*; got {order}\.$"):
            HadamardWithBasis(order)
    for dropped in (-1, 6):
        with pytest.raises(ValueError, match=rf"^`dropped` must lie in \[0, 12/2\); got {dropped}"):
            HadamardColumns(12, dropped)
