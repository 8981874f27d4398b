"""Axes of the icosahedron in R^3 and lines of the 600-cell in R^4, exact in Z[phi].

phi = (1 + sqrt(5))/2. The symmetry group H3 has 6 axes of order five through the vertices of an
icosahedron, 10 of order three through its faces and 15 of order two through its edges; the last
are the root lines of H3, and the 60 diameters of the 600-cell are those of H4. All coordinates
are p + q phi with integers p and q, so every inner product is compared without rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations, product
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["Icosahedral"]

_PHI = (1 + math.sqrt(5)) / 2
Golden = tuple[Fraction, Fraction]  # (p, q) is p + q phi
Vector = tuple[Golden, ...]

# (5 + 2 sqrt(5))/15, the squared cosine between a vertex and a face of the icosahedron, is no
# rational times the squared cosine of a rational angle: 2 sqrt(5) = sqrt(20) is rounded up.
_FINE = 10**40
_VERTEX_TO_FACE = Cosine(
    (5 + Fraction(math.isqrt(20 * _FINE**2) + 1, _FINE)) / 15,
).rounded_up()
_COHERENCES = {
    6: Cosine(Fraction(1, 5)),
    10: Cosine(Fraction(5, 9)),
    15: Cosine(Fraction(1), Fraction(36)),
    16: _VERTEX_TO_FACE,
    21: Cosine(Fraction(4, 5), Fraction(18)),
    31: Cosine(Fraction(4, 3), Fraction(36)),
    60: Cosine(Fraction(1), Fraction(36)),
}
# The orders of the axes that make up each union.
_AXES = {6: (5,), 10: (3,), 15: (2,), 16: (5, 3), 21: (5, 2), 31: (5, 3, 2)}
_COSINE_SQUARES = {
    Fraction(0): (Fraction(1), Fraction(0)),
    Fraction(18): (Fraction(1, 2), Fraction(1, 4)),  # (2 + phi)/4
    Fraction(36): (Fraction(1, 4), Fraction(1, 4)),  # phi^2/4
}


def _golden(p: int, q: int = 0) -> Golden:
    return Fraction(p), Fraction(q)


def _times(a: Golden, b: Golden) -> Golden:
    both = a[1] * b[1]  # phi^2 = phi + 1
    return a[0] * b[0] + both, a[0] * b[1] + a[1] * b[0] + both


def _positive(a: Golden) -> bool:
    """Whether p + q phi > 0: twice that is u + q sqrt(5) with u = 2p + q."""
    u, q = 2 * a[0] + a[1], a[1]
    if u >= 0 and q >= 0:
        return u > 0 or q > 0
    if u <= 0 and q <= 0:
        return False
    return u * u > 5 * q * q if u > 0 else 5 * q * q > u * u


def _inner(a: Vector, b: Vector) -> Golden:
    terms = [_times(x, y) for x, y in zip(a, b, strict=True)]
    return sum((t[0] for t in terms), Fraction(0)), sum((t[1] for t in terms), Fraction(0))


def _signed(entries: Vector) -> Iterator[Vector]:
    """All signs of the entries other than 0, one of each +-pair."""
    places = [place for place, entry in enumerate(entries) if any(entry)]
    for signs in product((1, -1), repeat=len(places) - 1):
        row = list(entries)
        for place, sign in zip(places[1:], signs, strict=True):
            row[place] = (sign * row[place][0], sign * row[place][1])
        yield tuple(row)


def _vectors(lines: int) -> Iterator[Vector]:
    """A vector on each line."""
    nought, one, two, phi, inverse = (
        _golden(0),
        _golden(1),
        _golden(2),
        _golden(0, 1),
        _golden(-1, 1),
    )
    if lines == 60:
        for place in range(4):
            yield tuple(two if i == place else nought for i in range(4))
        yield from _signed((one,) * 4)
        entries = (phi, one, inverse, nought)
        for places in permutations(range(4)):
            if sum(a > b for a, b in combinations(places, 2)) % 2 == 0:
                yield from _signed(tuple(entries[i] for i in places))
        return
    generators = {
        5: [(nought, one, phi)],
        3: [(nought, phi, inverse)],
        2: [(two, nought, nought), (one, inverse, phi)],
    }
    for order in _AXES[lines]:
        if order == 3:
            yield from _signed((one,) * 3)
        for first in generators[order]:
            for turn in range(3):
                yield from _signed(first[-turn:] + first[:-turn] if turn else first)


@lru_cache(maxsize=8)
def _exact(lines: int) -> tuple[Vector, ...]:
    return tuple(_vectors(lines))


@lru_cache(maxsize=8)
def _unit(lines: int) -> NDArray[np.float64]:
    rows = np.array([[float(p) + float(q) * _PHI for p, q in row] for row in _exact(lines)])
    rows /= np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    rows.setflags(write=False)
    return rows


def _square(cosine: Cosine) -> Golden:
    """The square of a coherence of this module, in Q(sqrt(5))."""
    p, q = _COSINE_SQUARES[cosine.degrees]
    return cosine.square * p, cosine.square * q


def _none_above(vectors: tuple[Vector, ...], cosine: Cosine) -> bool:
    """Whether no two of the vectors have a larger |cos|: (a, b)^2 <= cosine^2 (a, a) (b, b)."""
    square = _square(cosine)
    norms = [_inner(row, row) for row in vectors]
    for i, j in combinations(range(len(vectors)), 2):
        inner = _inner(vectors[i], vectors[j])
        left, right = _times(inner, inner), _times(square, _times(norms[i], norms[j]))
        if _positive((left[0] - right[0], left[1] - right[1])):
            return False
    return True


@dataclass(frozen=True)
class Icosahedral(Packing):
    """Axes of the icosahedron in R^3, or the 60 diameters of the 600-cell in R^4.

    `lines` is 6, 10 or 15 for the axes of order five, three or two; 16, 21 or 31 for those of
    orders five and three, five and two, or all of them. (Orders three and two alone are 25 lines
    no farther apart than all 31.) 60 are those of the 600-cell.
    """

    lines: int

    name: ClassVar[str] = "icosahedral axes"
    reference: ClassVar[str] = "Coxeter 1973"

    def __post_init__(self) -> None:
        """Raise ValueError unless `lines` is one of the numbers above."""
        if self.lines not in _COHERENCES:
            known = ", ".join(map(str, _COHERENCES))
            raise ValueError(f"`lines` must be one of {known}; got {self.lines}.")

    @property
    def dim(self) -> int:
        """4 for the 600-cell, else 3."""
        return 4 if self.lines == 60 else 3

    @property
    def count(self) -> int:
        """`lines`."""
        return self.lines

    @property
    def coherence(self) -> Cosine:
        """Exact but for 16 lines, where the cosine sqrt((5 + 2 sqrt(5))/15) is rounded up."""
        return _COHERENCES[self.lines]

    @property
    def exact(self) -> bool:
        """All but the 16 lines."""
        return self.lines != 16

    @property
    def tight(self) -> bool:
        """H3 and H4 act irreducibly."""
        return True

    @property
    def proof(self) -> str:
        """Inner products in Z[phi]."""
        return "The inner products in Z[phi] are those of a regular polytope (Coxeter 1973)."

    def words(self) -> str:
        """The recipe in words."""
        if self.lines == 60:
            return "the 60 diameters of the 600-cell"
        orders = " and ".join(str(order) for order in _AXES[self.lines])
        return f"the {self.lines} axes of order {orders} of the icosahedron"

    def rows(self, indices: Indices) -> Rows:
        """In float64."""
        return Rows.floating(_unit(self.lines)[indices])

    def orbit_check(self) -> OrbitCheck:
        """Every pair in exact arithmetic in Q(sqrt(5))."""
        vectors = _exact(self.lines)
        holds = len(vectors) == self.lines and _none_above(vectors, self.coherence)
        return OrbitCheck(
            holds,
            self.pairs,
            f"all pairs of the {self.lines} lines in exact arithmetic in Z[(1 + sqrt(5))/2]",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Those that fit."""
        for lines, coherence in _COHERENCES.items():
            if max_dim >= (4 if lines == 60 else 3) and coherence <= eps:
                yield cls(lines)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls(16), cls(31), cls(60)
