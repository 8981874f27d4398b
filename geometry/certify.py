"""Proof that a packing's lines have pairwise |cos| <= `allowed`: certificates that recompute.

`certificate(packing, allowed)` chooses the strongest kind that fits the given effort, and
`check()` does the work. The levels, from the strongest:

all pairs     every pair compared: integers exactly (in a larger space, where R^d has no integral
              rows), float64 rows with a rounding bound, or the Gram matrix of an equiangular
              packing by an identity between integer matrices
by symmetry   a group acts: one representative of each class of pairs compared
by theorem    the packing's proof is cited, and random pairs are compared
"""

from __future__ import annotations

import dataclasses
import enum
import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from geometry.comparison import flaw, largest_float, largest_integral, rounding_bound
from geometry.exact import Cosine
from geometry.moves import DirectSum, Subset, ZeroPad
from geometry.packing import Packing, Rows, Section

__all__ = [
    "AllPairs",
    "BySymmetry",
    "ByTheorem",
    "Certificate",
    "Finding",
    "GramIdentity",
    "InSection",
    "Level",
    "OfSubset",
    "Parts",
    "certificate",
]

# Every pair is compared up to this many count^2 * dim, and this many entries: seconds, and 1 GiB.
MOST_OPERATIONS = 4 * 10**11
MOST_ENTRIES = 2 * 10**8
_MOST_SIGNS = 4096  # largest Gram matrix of signs to square, 7e10 multiply-adds
_SPOT_PAIRS = 2000


class Level(enum.StrEnum):
    """How a packing's coherence is known."""

    ALL_PAIRS = "all pairs"
    BY_SYMMETRY = "by symmetry"
    BY_THEOREM = "by theorem"


def _weakest(levels: list[Level]) -> Level:
    return max(levels, key=list(Level).index)


@dataclass(frozen=True)
class Finding:
    """What a check found: whether the claim holds, how that is known, and from how many pairs.

    `largest` is the largest |cos| that the check establishes: exact, or a float64 value with its
    rounding bound added.
    """

    holds: bool
    level: Level
    pairs: int
    largest: Cosine
    detail: str


class Certificate(ABC):
    """A claim `pairwise |cos| <= allowed` with all that is needed to recompute it."""

    @abstractmethod
    def check(self) -> Finding:
        """Recompute the claim from the data held."""


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
        bound = rounding_bound(dim)
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


@dataclass(frozen=True)
class BySymmetry(Certificate):
    """One representative of each class of pairs, checked by the packing's own symmetry group."""

    packing: Packing
    allowed: Cosine
    inner: tuple[tuple[Certificate, int], ...] = ()

    def check(self) -> Finding:
        """Run the packing's orbit check, and check each inner packing once for all its copies."""
        orbit = self.packing.orbit_check()
        if orbit is None:
            raise ValueError(f"{self.packing.name} has no symmetry to check by.")
        findings = [(proof.check(), copies) for proof, copies in self.inner]
        own = Level.BY_SYMMETRY if orbit.whole else Level.BY_THEOREM
        return Finding(
            orbit.holds
            and self.packing.coherence <= self.allowed
            and all(finding.holds for finding, _ in findings),
            _weakest([own, *(finding.level for finding, _ in findings)]),
            orbit.pairs + sum(copies * finding.pairs for finding, copies in findings),
            self.packing.coherence,
            "; inside: ".join([orbit.detail, *(finding.detail for finding, _ in findings)]),
        )


@dataclass(frozen=True)
class OfSubset(Certificate):
    """Some of the lines of a packing that has a certificate: their pairs are among its pairs."""

    whole: Certificate
    count: int

    def check(self) -> Finding:
        """Check the whole packing."""
        return dataclasses.replace(self.whole.check(), pairs=self.count * (self.count - 1) // 2)


@dataclass(frozen=True)
class ByTheorem(Certificate):
    """The packing's theorem, with random pairs of rows compared against it in float64."""

    packing: Packing
    allowed: Cosine
    seed: int = 0

    def check(self) -> Finding:
        """Compare random pairs."""
        generator = np.random.default_rng(self.seed)
        top = min(self.packing.count, np.iinfo(np.int64).max)
        chosen = generator.integers(0, top, size=(2, _SPOT_PAIRS))
        chosen = chosen[:, chosen[0] != chosen[1]]
        left, right = (self.packing.rows(indices).unit() for indices in chosen)
        cosines = np.abs(np.einsum("nd,nd->n", left, right))
        bound = rounding_bound(self.packing.dim)
        agree = bool((cosines <= self.packing.coherence.upper_float() + bound).all())
        return Finding(
            agree and self.packing.coherence <= self.allowed,
            Level.BY_THEOREM,
            len(cosines),
            self.packing.coherence,
            f"{self.packing.proof} Random pairs agree.",
        )


@dataclass(frozen=True)
class Parts(Certificate):
    """The parts of a direct sum; lines of different parts are orthogonal by their supports.

    `shares` holds a certificate, the number of equal parts it stands for, and the lines in each.
    """

    shares: tuple[tuple[Certificate, int, int], ...]

    def check(self) -> Finding:
        """Check every part once; the pairs across parts need no arithmetic."""
        findings = [(part.check(), times) for part, times, _ in self.shares]
        lines = sum(times * size for _, times, size in self.shares)
        inside = sum(times * size * (size - 1) // 2 for _, times, size in self.shares)
        across = lines * (lines - 1) // 2 - inside
        return Finding(
            all(finding.holds for finding, _ in findings),
            _weakest([finding.level for finding, _ in findings]),
            across + sum(times * finding.pairs for finding, times in findings),
            max(finding.largest for finding, _ in findings),
            "parts in disjoint coordinates: "
            + "; ".join(dict.fromkeys(finding.detail for finding, _ in findings)),
        )


def certificate(
    packing: Packing,
    allowed: Cosine,
    *,
    most_operations: int = MOST_OPERATIONS,
    most_entries: int = MOST_ENTRIES,
) -> Certificate:
    """The strongest certificate of `packing` that fits the effort.

    Every pair is compared while count^2 * dim <= `most_operations` and count * dim <=
    `most_entries`; an equiangular packing is proved by its Gram matrix; then symmetry, then the
    theorem. Direct sums are certified part by part.
    """

    def proof(part: Packing) -> Certificate:
        return certificate(
            part, allowed, most_operations=most_operations, most_entries=most_entries
        )

    if isinstance(packing, DirectSum):
        copies = Counter(packing.parts)
        return Parts(tuple((proof(part), times, part.count) for part, times in copies.items()))
    signs = packing.sign_matrix() if packing.count <= _MOST_SIGNS else None
    if signs is not None:
        return GramIdentity(signs, packing.dim, allowed, packing.coherence)
    section = packing.section()
    if section is not None:
        return InSection(section, packing.dim, allowed, packing.coherence)
    # Its own check is called only when it is due, since it can be long.
    symmetric = type(packing).orbit_check is not Packing.orbit_check
    inner = tuple((proof(part), copies) for part, copies in packing.inner())
    first = packing.rows(np.zeros(1, np.int64))
    if symmetric and (first.squared_norms[0] == 0 or not packing.coherence.is_rational):
        # Float rows cannot prove a coherence at equality; the symmetry can.
        return BySymmetry(packing, allowed, inner)
    small = (
        packing.count**2 * packing.dim <= most_operations
        and packing.count * packing.dim <= most_entries
    )
    if small:
        rows = packing.rows(np.arange(packing.count, dtype=np.int64))
        return AllPairs(rows, allowed, packing.coherence, packing.proof)
    if isinstance(packing, ZeroPad):
        return proof(packing.base)
    if isinstance(packing, Subset):
        return OfSubset(proof(packing.base), packing.count)
    if symmetric:
        return BySymmetry(packing, allowed, inner)
    return ByTheorem(packing, allowed)
