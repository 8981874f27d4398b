"""Certificates that compare every pair of lines."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from geometry.certify.finding import Certificate, Finding, Level
from geometry.comparison import flaw, largest_float, largest_integral
from geometry.exact import Cosine
from geometry.packing import Rows, Section
from geometry.rounding import float64_bound

__all__ = ["AllPairs", "GramIdentity", "InSection"]


@dataclass(frozen=True)
class AllPairs(Certificate):
    """Every pair of the `rows` compared.

    Integral rows prove their coherence exactly. Float rows prove the computed value plus its
    rounding bound: where that exceeds `allowed` although `stated`, the coherence that the
    construction's theorem gives, does not, the level is the theorem's and the rows agree with it.
    Cost: n^2 d / 2 multiply-adds.
    """

    rows: Rows
    allowed: Cosine
    stated: Cosine
    proof: str

    def check(self) -> Finding:
        """Compare every pair."""
        count, dim = self.rows.values.shape
        pairs = count * (count - 1) // 2
        wrong = flaw(self.rows)
        if wrong is not None:
            return Finding(False, Level.ALL_PAIRS, 0, Cosine(Fraction(1)), wrong)
        floats = self.rows.squared_norms == 0
        exact = largest_integral(self.rows, ~floats)
        if not floats.any():
            holds = exact <= self.stated and exact <= self.allowed
            return Finding(holds, Level.ALL_PAIRS, pairs, exact, "integer rows, compared exactly")
        bound = float64_bound(dim)
        computed = largest_float(self.rows, floats)
        rounded = max(exact, Cosine.ratio(Fraction(computed) + Fraction(bound)))
        if rounded <= self.allowed:
            detail = f"float64 rows, rounding bound {bound:.1e} added"
            return Finding(True, Level.ALL_PAIRS, pairs, rounded, detail)
        least = max(exact, Cosine.ratio(max(Fraction(computed) - Fraction(bound), Fraction(0))))
        holds = least <= self.stated and self.stated <= self.allowed
        detail = f"{self.proof} All pairs of float64 rows agree with it to {bound:.1e}."
        return Finding(holds, Level.BY_THEOREM, pairs, rounded, detail)


@dataclass(frozen=True)
class GramIdentity(Certificate):
    """An equiangular packing proved by an identity between integer matrices.

    `signs` S `[n, n]` is symmetric with zero diagonal and entries +-1 off it. When S^2 = a S + b I,
    S has two eigenvalues, and G = I + S / |smaller eigenvalue| is positive semidefinite of rank
    equal to the larger one's multiplicity: n lines in that dimension with every |cos| equal to
    1 / |smaller eigenvalue|. Cost: n^3.
    """

    signs: NDArray[np.int8]
    dim: int
    allowed: Cosine
    stated: Cosine

    def check(self) -> Finding:
        """Square the sign matrix exactly and read dimension and coherence off its eigenvalues."""
        count = len(self.signs)
        pairs = count * (count - 1) // 2
        wide = self.signs.astype(np.float64)  # entries of the square are at most n: exact
        square = (wide @ wide).astype(np.int64)
        signs = self.signs.astype(np.int64)
        identity = np.eye(count, dtype=np.int64)
        shaped = (signs == signs.T).all() and (np.abs(signs) == 1 - identity).all()
        slope = int(square[0, 1] * signs[0, 1]) if count > 1 else 0
        solved = (square == slope * signs + (count - 1) * identity).all()
        found = _equiangular(count, slope)
        holds = bool(shaped and solved) and found == (self.dim, self.stated)
        multiple = f"{slope} S + " if slope else ""
        detail = f"sign matrix S of order {count}: S^2 = {multiple}{count - 1} I in integers"
        return Finding(
            holds and self.stated <= self.allowed, Level.ALL_PAIRS, pairs, self.stated, detail
        )


def _equiangular(count: int, slope: int) -> tuple[int, Cosine] | None:
    """(dimension, coherence) of the lines whose sign matrix has S^2 = slope S + (count - 1) I.

    The eigenvalues are (slope +- root) / 2, root^2 = slope^2 + 4 (count - 1), and the trace is 0.
    """
    discriminant = slope * slope + 4 * (count - 1)
    root = math.isqrt(discriminant)
    if slope == 0:
        return (count // 2, Cosine(Fraction(1, count - 1))) if count % 2 == 0 else None
    if root * root != discriminant:
        return None
    dim = Fraction(count * (root - slope), 2 * root)
    return (int(dim), Cosine.ratio(Fraction(2, root - slope))) if dim.denominator == 1 else None


@dataclass(frozen=True)
class InSection(Certificate):
    """Every pair of integral rows in a larger space, and that the rows span no more than `dim`.

    The rows are orthogonal to `section.normals`, which are independent: so they lie in a subspace
    of dimension D minus the number of normals.
    """

    section: Section
    dim: int
    allowed: Cosine
    stated: Cosine

    def check(self) -> Finding:
        """Compare every pair, and every row with every normal, in integers."""
        normals = self.section.normals
        rows = self.section.rows
        orthogonal = not (rows.values.astype(np.int64) @ normals.T).any()
        spanned = normals.shape[1] - _rank(normals)
        finding = AllPairs(rows, self.allowed, self.stated, "").check()
        integral = bool((rows.squared_norms > 0).all())
        detail = f"integer rows in R^{normals.shape[1]}, orthogonal to {len(normals)} normals"
        holds = finding.holds and integral and orthogonal and spanned == self.dim
        return dataclasses.replace(finding, holds=holds, detail=f"{detail}, compared exactly")


def _rank(matrix: NDArray[np.int64]) -> int:
    """The rank of a small integer matrix, by exact elimination."""
    left = [[Fraction(int(entry)) for entry in row] for row in matrix]
    rank = 0
    for column in range(matrix.shape[1]):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        scaled = [[entry * row[column] / pivot[column] for entry in pivot] for row in left]
        left = [
            [a - b for a, b in zip(*pair, strict=True)] for pair in zip(left, scaled, strict=True)
        ]
        rank += 1
    return rank
