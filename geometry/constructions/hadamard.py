"""Hadamard matrices by Sylvester, Paley I, Paley II and Kronecker products, and their packings.

Paley I: order q + 1 for prime powers q = 3 mod 4. Paley II: order 2(q + 1) for q = 1 mod 4
(Paley 1933). With products these give every multiple of 4 up to 112 except 92.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.admissible import (
    inverse_root,
    irreducible_sizes,
    least_reciprocal,
    least_root,
)
from geometry.constructions.basis import rows_then_basis
from geometry.constructions.conference import conference_rows
from geometry.constructions.field import prime_power, prime_powers
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = [
    "HadamardColumns",
    "HadamardWithBasis",
    "is_constructible",
    "matrix",
    "orders",
    "rows",
    "words",
]

_LIMIT = 1 << 15


@lru_cache(maxsize=1)
def _factors() -> NDArray[np.int32]:
    """For each order up to 2^15 its Sylvester or Paley factor, the order itself if it is one.

    0 where the constructions give no matrix. The quotient by the factor is constructible.
    """
    odd = np.array(prime_powers(_LIMIT))
    base = np.concatenate([[2], odd[odd % 4 == 3] + 1, 2 * (odd[odd % 4 == 1] + 1)])
    base = np.sort(base[base <= _LIMIT])
    factors = np.zeros(_LIMIT + 1, np.int32)
    factors[1] = 1
    for order in range(1, _LIMIT // 2 + 1):
        if factors[order]:
            usable = base[: np.searchsorted(base, _LIMIT // order, side="right")]
            fresh = usable[factors[order * usable] == 0]
            factors[order * fresh] = fresh
    return factors


def _is_power_of_two(order: int) -> bool:
    return order > 0 and order & (order - 1) == 0


def is_constructible(order: int) -> bool:
    """Whether `matrix(order)` exists here; False beyond 2^15 except for powers of two."""
    return _is_power_of_two(order) or bool(0 < order <= _LIMIT and _factors()[order])


@lru_cache(maxsize=4)
def _orders() -> tuple[int, ...]:
    return tuple(np.flatnonzero(_factors()).tolist())


def orders(limit: int) -> tuple[int, ...]:
    """The constructible orders <= `limit` (at most 2^15), ascending, from 1 and 2 on."""
    return _orders()[: bisect_right(_orders(), limit)]


def _require(order: int, least: int) -> None:
    if order < least or not is_constructible(order):
        raise ValueError(
            f"`order` must be at least {least} and one that Sylvester, Paley and Kronecker "
            f"products give; got {order}."
        )


def _factor(order: int) -> int:
    return order if _is_power_of_two(order) else int(_factors()[order])


def rows(order: int, indices: Indices) -> NDArray[np.int8]:
    """Rows `[n, order]` of the Hadamard matrix of this order. O(order) a row.

    Raises ValueError when the order is not constructible.
    """
    _require(order, 1)
    factor = _factor(order)
    if factor < order:
        rest = order // factor
        left, right = rows(factor, indices // rest), rows(rest, indices % rest)
        return (left[:, :, None] * right[:, None, :]).reshape(len(indices), order)
    if _is_power_of_two(order):
        odd = np.bitwise_count(indices[:, None] & np.arange(order)) & 1 == 1
        return np.where(odd, np.int8(-1), np.int8(1))
    if prime_power(order - 1) is not None:
        values = conference_rows(order - 1, indices)
        values[np.arange(len(indices)), indices] = 1
        return values
    # Paley II: C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]], C symmetric.
    row, half = np.divmod(indices, 2)
    signs = np.array([[1, 1], [1, -1]], np.int8)[half]
    pairs = conference_rows(order // 2 - 1, row)[:, :, None] * signs[:, None, :]
    pairs[np.arange(len(indices)), row] = np.array([[1, -1], [-1, -1]], np.int8)[half]
    return pairs.reshape(len(indices), order)


@lru_cache(maxsize=8)
def matrix(order: int) -> NDArray[np.int8]:
    """The Hadamard matrix of this order, int8 `[order, order]`, read-only: H H^T = order * I.

    Raises ValueError when the order is not constructible.
    """
    values = rows(order, np.arange(order))
    values.setflags(write=False)
    return values


def words(order: int) -> str:
    """Which construction gives this order: "Paley I", "Sylvester 2 x Paley I 28", ...

    Raises ValueError when none does.
    """
    _require(order, 1)
    factor = _factor(order)
    if factor == order:
        return _label(order)
    parts = []
    while order > 1:
        factor = _factor(order)
        parts.append(f"{_label(factor)} {factor}")
        order //= factor
    return " x ".join(parts)


def _label(order: int) -> str:
    if _is_power_of_two(order):
        return "Sylvester"
    return "Paley I" if prime_power(order - 1) is not None else "Paley II"


@dataclass(frozen=True)
class HadamardWithBasis(Packing):
    """The rows of a Hadamard matrix of order `order`, and the basis."""

    order: int

    name: ClassVar[str] = "Hadamard with basis"
    reference: ClassVar[str] = "Paley 1933"

    def __post_init__(self) -> None:
        """Raise ValueError unless `order` >= 2 is constructible."""
        _require(self.order, 2)

    @property
    def dim(self) -> int:
        """`order`."""
        return self.order

    @property
    def count(self) -> int:
        """2 * `order`."""
        return 2 * self.order

    @property
    def coherence(self) -> Cosine:
        """1/sqrt(`order`)."""
        return inverse_root(self.order)

    @property
    def tight(self) -> bool:
        """Two orthonormal bases."""
        return True

    @property
    def proof(self) -> str:
        """Two orthonormal bases, one flat in the other."""
        return (
            "The rows of H/sqrt(n) are orthonormal and all their entries are +-1/sqrt(n) "
            "(Paley 1933)."
        )

    def words(self) -> str:
        """The recipe in words."""
        named = f"a Hadamard matrix of order {self.order} ({words(self.order)})"
        return f"the rows of {named}, and the basis"

    def rows(self, indices: Indices) -> Rows:
        """Hadamard rows, then basis vectors."""
        return rows_then_basis(
            indices, self.order, self.order, lambda chosen: rows(self.order, chosen)
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The orders that are no sum of two allowed orders, and the largest."""
        least = least_root(eps)
        if least is not None:
            listed = orders(max_dim)
            for order in irreducible_sizes(listed[bisect_left(listed, max(least, 2)) :]):
                yield cls(order)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them; a few bases of the Kerdock set do better where there is one."""
        return (cls(order) for order in orders(most_lines // 2) if order > 1)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(4), cls(28), cls(100)


_MOST_FLAT_DROPPED = 16


@dataclass(frozen=True)
class HadamardColumns(Packing):
    """The rows of a Hadamard matrix of order `order` less `dropped` of its columns.

    `order` lines in R^(`order` - `dropped`), flat: every entry has the same size. The columns
    that go are the first ones on which the first two rows agree, so the coherence is attained.
    """

    order: int
    dropped: int

    name: ClassVar[str] = "Hadamard columns"
    reference: ClassVar[str] = "Paley 1933"

    def __post_init__(self) -> None:
        """Raise ValueError unless `order` is constructible and 0 <= `dropped` < `order`/2."""
        _require(self.order, 2)
        if not 0 <= 2 * self.dropped < self.order:
            raise ValueError(f"`dropped` must lie in [0, {self.order}/2); got {self.dropped}.")

    @property
    def dim(self) -> int:
        """`order` - `dropped`."""
        return self.order - self.dropped

    @property
    def count(self) -> int:
        """`order`."""
        return self.order

    @property
    def coherence(self) -> Cosine:
        """`dropped`/(`order` - `dropped`)."""
        return Cosine.ratio(Fraction(self.dropped, self.dim))

    @property
    def peak_square(self) -> Fraction:
        """1/(`order` - `dropped`)."""
        return Fraction(1, self.dim)

    @property
    def blocks(self) -> int:
        """Every coordinate weighs alike."""
        return self.dim

    @property
    def tight(self) -> bool:
        """Columns of a Hadamard matrix are orthogonal."""
        return True

    @property
    def proof(self) -> str:
        """What the dropped columns took."""
        return (
            "Orthogonal rows of +-1 keep an inner product of at most the number of columns "
            "dropped, and two rows that agree on those attain it (Paley 1933)."
        )

    def words(self) -> str:
        """The recipe in words."""
        less = {0: "", 1: " less a column"}.get(self.dropped, f" less {self.dropped} columns")
        return f"the rows of a Hadamard matrix of order {self.order} ({words(self.order)}){less}"

    def rows(self, indices: Indices) -> Rows:
        """Hadamard rows without the dropped columns."""
        first, second = rows(self.order, np.arange(2))
        kept = np.ones(self.order, bool)
        kept[np.flatnonzero(first == second)[: self.dropped]] = False
        norms = np.full(len(indices), self.dim, np.int64)
        return Rows(np.ascontiguousarray(rows(self.order, indices)[:, kept]), norms)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """For each order the most columns dropped, where that beats the simpler families.

        Those are simplices side by side, one line more for every ceil(1/eps) dimensions, and
        a Hadamard matrix with the basis.
        """
        simplex, flat = least_reciprocal(eps), least_root(eps)
        if simplex is None or flat is None:
            return
        share = float(eps) / (1 + float(eps))
        listed = orders(2 * max_dim)
        for order in listed:
            # At most one too many, and only within rounding of an integer.
            dropped = min(int(order * share + 1e-6), (order - 1) // 2)
            dim = order - dropped
            if dropped <= dim // simplex or dim > max_dim:
                continue
            doubled = listed[bisect_right(listed, dim) - 1]
            if doubled >= flat and 2 * doubled >= order:
                continue
            if Cosine.ratio(Fraction(dropped, dim)) <= eps:
                yield cls(order, dropped)

    @classmethod
    def flat_candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every order less up to sixteen columns: where more may go, larger families fit."""
        below = eps.bounds()[0]
        share = below / (1 + below)  # c/(n - c) <= eps for c <= n eps/(1 + eps)
        for order in orders(max_dim + _MOST_FLAT_DROPPED)[1:]:  # order 1 is no family member
            most = min((order - 1) // 2, _MOST_FLAT_DROPPED)
            most = min(most, order * share.numerator // share.denominator)
            for dropped in range(max(0, order - max_dim), most + 1):
                yield cls(order, dropped)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(12, 1), cls(20, 2), cls(36, 1)
