"""Unions of shells of Z^n, D_n, E6, E7 and E8: lines through their short primitive vectors.

At large |cos| a few shells together hold more lines than the roots and sums of other families do.
Z^n, D_n, E7 and E8 consist of the integer vectors that reduce modulo 2 to a word of a binary code:
all words, those of even weight, the [7, 3] simplex code, the extended Hamming code. E6 is the
section of E8 orthogonal to two roots, as in `root_systems`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.root_systems import e6_in_e8
from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows, Section

__all__ = ["Shells"]

# (lattice, norms): (lines, square of the coherence). Of the unions of up to four of the smallest
# norms (up to 4 in Z^7 and Z^8, up to between 6 and 12 in the others) with at most 5000 lines,
# those that no other one equals and that rise above what the other families reach there.
_MEMBERS: dict[tuple[str, str], tuple[int, Fraction]] = {
    ("Z3", "1+5+9"): (27, Fraction(4, 5)),
    ("D3", "2+6+10"): (30, Fraction(49, 60)),
    ("D3", "2+6+10+12"): (34, Fraction(8, 9)),
    ("Z3", "2+5+6+9"): (42, Fraction(49, 54)),
    ("Z4", "1+3"): (20, Fraction(4, 9)),
    ("Z4", "3+5"): (40, Fraction(16, 25)),
    ("Z4", "1+2+4+6"): (72, Fraction(3, 4)),
    ("D4", "2+10"): (84, Fraction(81, 100)),
    ("D4", "2+6+10"): (132, Fraction(49, 60)),
    ("D4", "2+6+10+12"): (180, Fraction(8, 9)),
    ("Z5", "1+3"): (45, Fraction(4, 9)),
    ("Z5", "1+2+4"): (65, Fraction(9, 16)),
    ("Z5", "3+5"): (96, Fraction(16, 25)),
    ("Z5", "1+4+6"): (165, Fraction(25, 36)),
    ("Z5", "1+2+4+6"): (185, Fraction(3, 4)),
    ("D5", "2+6+8"): (220, Fraction(49, 64)),
    ("D5", "2+4+6+8"): (265, Fraction(25, 32)),
    ("D5", "2+8+10"): (380, Fraction(81, 100)),
    ("D5", "2+6+8+10"): (500, Fraction(49, 60)),
    ("D5", "2+8+10+12"): (580, Fraction(27, 32)),
    ("D5", "6+8+10+12"): (680, Fraction(8, 9)),
    ("Z6", "1+3"): (86, Fraction(4, 9)),
    ("E6", "2+4"): (171, Fraction(9, 16)),
    ("Z6", "3+5"): (236, Fraction(16, 25)),
    ("E6", "4+6"): (495, Fraction(25, 36)),
    ("E6", "2+4+6"): (531, Fraction(3, 4)),
    ("D6", "2+6+8"): (782, Fraction(49, 64)),
    ("D6", "2+4+6+8"): (908, Fraction(25, 32)),
    ("D6", "2+8+10"): (1290, Fraction(81, 100)),
    ("D6", "2+6+8+10"): (1562, Fraction(49, 60)),
    ("D6", "2+10+12"): (1850, Fraction(121, 144)),
    ("D6", "2+8+10+12"): (2330, Fraction(27, 32)),
    ("D6", "6+8+10+12"): (2572, Fraction(8, 9)),
    ("Z7", "1+3"): (147, Fraction(4, 9)),
    ("E7", "2+4"): (441, Fraction(9, 16)),
    ("E7", "4+6"): (1414, Fraction(25, 36)),
    ("E7", "2+4+6"): (1477, Fraction(3, 4)),
    ("E7", "2+6+8"): (3115, Fraction(49, 64)),
    ("E7", "2+4+6+8"): (3493, Fraction(25, 32)),
    ("Z8", "1+3"): (232, Fraction(4, 9)),
    ("E8", "2+4"): (1200, Fraction(9, 16)),
    ("E8", "4+6"): (4440, Fraction(25, 36)),
    ("E8", "2+4+6"): (4560, Fraction(3, 4)),
    ("D8", "2+8"): (4664, Fraction(49, 64)),
}


def _checks(lattice: str) -> NDArray[np.int64]:
    """Parity checks `[checks, n]` of the code whose words the vectors are modulo 2."""
    rank = int(lattice[1:])
    if lattice[0] == "Z":
        return np.zeros((0, rank), np.int64)
    if lattice[0] == "D":
        return np.ones((1, rank), np.int64)
    # The extended Hamming code is its own dual; without point 0 its dual is the Hamming code.
    points = np.arange(8)
    bits = [points >> bit & 1 for bit in range(3)]
    checks = np.array([np.ones(8, np.int64), *bits])
    if lattice == "E7":
        # Words of the Hamming code of length 8 that miss point 0, on the other points.
        return checks[:, 1:]
    return checks


def _integer_vectors(rank: int, norm: int) -> NDArray[np.int64]:
    """One of each pair +-x of integer vectors of this squared norm, `[n, rank]`."""
    found: list[tuple[int, ...]] = []

    def extend(start: tuple[int, ...], left: int) -> None:
        if len(start) == rank - 1:
            root = math.isqrt(left)
            if root * root == left:
                lasts = {root, -root} if any(start) else {root}
                found.extend((*start, last) for last in sorted(lasts))
            return
        top = math.isqrt(left)
        for entry in range(-top if any(start) else 0, top + 1):
            extend((*start, entry), left - entry * entry)

    extend((), norm)
    return np.array(found, np.int64).reshape(-1, rank)


def _contains(checks: NDArray[np.int64], vectors: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ((vectors @ checks.T) % 2 == 0).all(axis=1)
    return inside


@lru_cache(maxsize=16)
def _shell(lattice: str, norm: int) -> NDArray[np.int8]:
    """One of each pair of primitive vectors of this norm, in integers (E6: in those of E8).

    The integer vectors of E6, E7 and E8 have twice the norm.
    """
    if lattice == "E6":
        vectors = _shell("E8", norm).astype(np.int64)
        return vectors[~(vectors @ e6_in_e8().normals.T).any(axis=1)].astype(np.int8)
    checks = _checks(lattice)
    scale = 2 if lattice[0] == "E" else 1
    vectors = _integer_vectors(int(lattice[1:]), scale * norm)
    kept = _contains(checks, vectors)
    for k in range(2, math.isqrt(scale * norm) + 1):
        divisible = (vectors % k == 0).all(axis=1)
        kept &= ~(divisible & _contains(checks, vectors // k))
    return vectors[kept].astype(np.int8)


@lru_cache(maxsize=4)
def _integral(lattice: str, norms: str) -> Rows:
    rows = Rows.integral(np.concatenate([_shell(lattice, int(n)) for n in norms.split("+")]))
    rows.values.setflags(write=False)
    return rows


@dataclass(frozen=True)
class Shells(Packing):
    """The lines through the primitive vectors of a lattice with the given squared norms.

    `lattice` is a letter Z, D or E and the rank, "E8"; `norms` are joined by plus signs, "2+4".
    A vector is primitive unless it is an integer multiple, other than +-1, of a lattice vector.
    """

    lattice: str
    norms: str

    name: ClassVar[str] = "lattice shells"
    reference: ClassVar[str] = "Conway and Sloane 1988"

    def __post_init__(self) -> None:
        """Raise ValueError unless these norms of this lattice are among the listed unions."""
        if (self.lattice, self.norms) not in _MEMBERS:
            known = ", ".join(norms for lattice, norms in _MEMBERS if lattice == self.lattice)
            need = f"`norms` must be one of {known} for {self.lattice}"
            if not known:
                lattices = ", ".join(dict.fromkeys(lattice for lattice, _ in _MEMBERS))
                need = f"`lattice` must be one of {lattices}"
            raise ValueError(f"{need}; got {self.lattice}, {self.norms}.")

    @property
    def dim(self) -> int:
        """The lattice's rank."""
        return int(self.lattice[1:])

    @property
    def count(self) -> int:
        """By enumeration."""
        return _MEMBERS[self.lattice, self.norms][0]

    @property
    def coherence(self) -> Cosine:
        """By enumeration."""
        return Cosine(_MEMBERS[self.lattice, self.norms][1])

    @property
    def tight(self) -> bool:
        """The lattice's Weyl group acts irreducibly and keeps every shell."""
        return True

    @property
    def proof(self) -> str:
        """Inner products and norms are integers."""
        return (
            f"Two vectors of {self.lattice} have an integral inner product, and those of all "
            "pairs in these shells are known (Conway and Sloane 1988, chapter 4)."
        )

    def words(self) -> str:
        """The recipe in words."""
        norms = self.norms.replace("+", ", ")
        return (
            f"the {self.count} lines through the primitive vectors of squared norm {norms} in "
            f"the lattice {self.lattice}"
        )

    def rows(self, indices: Indices) -> Rows:
        """Integral, float64 for E6."""
        section = self.section()
        if section is not None:
            return section.within(indices)
        every = _integral(self.lattice, self.norms)
        return Rows(every.values[indices], every.squared_norms[indices])

    def section(self) -> Section | None:
        """E6 as lines of E8 in R^8; the others have integral rows of their own."""
        if self.lattice != "E6":
            return None
        return Section(_integral("E6", self.norms), e6_in_e8().normals)

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The listed unions that fit."""
        for (lattice, norms), (_, square) in _MEMBERS.items():
            if int(lattice[1:]) <= max_dim and Cosine(square) <= eps:
                yield cls(lattice, norms)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three of them."""
        return cls("Z5", "1+2+4"), cls("E6", "2+4"), cls("E8", "2+4")
