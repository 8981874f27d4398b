"""Paley's conference matrices: an equiangular tight frame, and a flat packing of R^q.

A conference matrix C of order q + 1 has zero diagonal, signs elsewhere, and C C^T = q I. Paley's
is C = [[0, j^T], [+-j, Q]] with Q_ab = chi(a - b) over GF(q), chi the quadratic character, j all
ones: symmetric (+) for q = 1 mod 4, skew (-) for q = 3 mod 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.admissible import (
    inverse_root,
    irreducible_sizes,
    least_reciprocal,
    least_root,
)
from geometry.constructions.field import field, prime_power, prime_powers
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["ConferenceFrame", "ConferenceRows", "conference_rows"]


def conference_rows(q: int, indices: Indices) -> NDArray[np.int8]:
    """Rows `[n, q + 1]` of Paley's conference matrix of order q + 1; q an odd prime power.

    Row and column 0 belong to infinity, row and column 1 + a to the element a of GF(q).
    """
    gf = field(q)
    values = np.empty((len(indices), q + 1), np.int8)
    values[:, 0] = 1 if q % 4 == 1 else -1
    # Infinity's row is made like any other and then overwritten.
    differences = gf.subtract(np.maximum(indices - 1, 0)[:, None], gf.elements)
    values[:, 1:] = gf.character[differences]
    values[indices == 0] = 1
    values[indices == 0, 0] = 0
    return values


def _require_symmetric(q: int) -> None:
    if q % 4 != 1 or prime_power(q) is None:
        raise ValueError(f"`q` must be a prime power that is 1 mod 4; got {q}.")


@dataclass(frozen=True)
class ConferenceFrame(Packing):
    """The equiangular tight frame of a symmetric conference matrix of order `q` + 1."""

    q: int

    name: ClassVar[str] = "conference frame"
    reference: ClassVar[str] = "van Lint and Seidel 1966"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is a prime power that is 1 mod 4."""
        _require_symmetric(self.q)

    @property
    def dim(self) -> int:
        """(`q` + 1)/2."""
        return (self.q + 1) // 2

    @property
    def count(self) -> int:
        """`q` + 1."""
        return self.q + 1

    @property
    def coherence(self) -> Cosine:
        """1/sqrt(`q`), the relative bound."""
        return inverse_root(self.q)

    @property
    def tight(self) -> bool:
        """I + C/sqrt(q) is twice a projection."""
        return True

    @property
    def proof(self) -> str:
        """The spectrum of C."""
        return (
            "C^2 = qI and C has trace 0, so I + C/sqrt(q) is a Gram matrix of rank (q + 1)/2 "
            "(van Lint and Seidel 1966)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"the equiangular tight frame of {self.count} lines in {self.dim} dimensions from "
            f"Paley's conference matrix of order {self.count}"
        )

    def rows(self, indices: Indices) -> Rows:
        """Coordinates along the eigenvectors of C with eigenvalue sqrt(q).

        Additive characters diagonalise Q: psi_a has eigenvalue chi(a) g, g = +-sqrt(q) the Gauss
        sum. With a over one of each pair {a, -a} for which chi(a) g > 0, the row of x is
        (1, 2 cos(t_a), 2 sin(t_a), ...)/sqrt(q), t_a = 2 pi Tr(ax)/p; infinity's is (1, 0, ...).
        """
        gf = field(self.q)
        p = gf.characteristic
        turns = 2 * np.pi / p * np.arange(p)
        gauss = float(np.sum(gf.character * np.cos(turns)[gf.trace]))
        # -1 = generator^((q - 1)/2) is a square, so half of one class represents its pairs.
        first = 0 if gauss > 0 else 1
        halves = gf.exp[first : first + (self.q - 1) // 2 : 2]
        values = np.empty((len(indices), self.dim))
        values[:, 0] = 1 / math.sqrt(self.q)
        phases = gf.trace[gf.multiply(np.maximum(indices - 1, 0)[:, None], halves)]
        values[:, 1::2] = (2 / math.sqrt(self.q) * np.cos(turns))[phases]
        values[:, 2::2] = (2 / math.sqrt(self.q) * np.sin(turns))[phases]
        values[indices == 0] = 0
        values[indices == 0, 0] = 1
        return Rows.floating(values)

    def sign_matrix(self) -> NDArray[np.int8]:
        """The conference matrix C."""
        return conference_rows(self.q, np.arange(self.count))

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The frames whose dimension is no sum of two such dimensions, and the largest."""
        least = least_root(eps)
        if least is None:
            return
        allowed = [q for q in prime_powers(2 * max_dim - 1) if q % 4 == 1 and q >= least]
        for dim in irreducible_sizes((q + 1) // 2 for q in allowed):
            yield cls(2 * dim - 1)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """All of them."""
        return (cls(q) for q in prime_powers(most_lines - 1) if q % 4 == 1)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(5), cls(9), cls(125)


@dataclass(frozen=True)
class ConferenceRows(Packing):
    """The rows of a symmetric conference matrix of order `q` + 1 less infinity's column.

    One line more than R^`q` has dimensions, no entry above 1/sqrt(q - 1): a flat filling for the
    column blocks of a net. As a packing by itself the simplex is better.
    """

    q: int

    name: ClassVar[str] = "conference rows"
    reference: ClassVar[str] = "Paley 1933"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is a prime power that is 1 mod 4."""
        _require_symmetric(self.q)

    @property
    def dim(self) -> int:
        """`q`."""
        return self.q

    @property
    def count(self) -> int:
        """`q` + 1."""
        return self.q + 1

    @property
    def coherence(self) -> Cosine:
        """1/(`q` - 1)."""
        return Cosine.ratio(Fraction(1, self.q - 1))

    @property
    def peak_square(self) -> Fraction:
        """1/(`q` - 1): all rows but infinity's have q - 1 entries +-1."""
        return Fraction(1, self.q - 1)

    @property
    def peak_attained(self) -> bool:
        """Every entry but the zeros, in all rows but one."""
        return True

    @property
    def proof(self) -> str:
        """The rows of C are orthogonal."""
        return (
            "Rows of a conference matrix are orthogonal, so without one column their inner "
            "products are 0 or +-1, and two that are +-1 have squared norms q - 1 (Paley 1933)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.count} rows of the conference matrix of order {self.count} less a column"

    def rows(self, indices: Indices) -> Rows:
        """Rows of C without column 0."""
        norms = np.where(indices == 0, self.q, self.q - 1).astype(np.int64)
        return Rows(conference_rows(self.q, indices)[:, 1:], norms)

    @classmethod
    def flat_candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """All of them: as a filling, none replaces another."""
        least = least_reciprocal(eps)
        if least is not None:
            for q in prime_powers(max_dim):
                if q % 4 == 1 and q > least:
                    yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(5), cls(25), cls(121)
