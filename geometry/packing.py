"""What an explicit packing is: lines in R^d, given row by row, with their exact coherence.

A packing is a frozen dataclass of a few integers (and of other packings, for the moves). It
states its dimension, count and coherence in closed form, makes any of its rows on demand, and
writes itself down as a recipe, so that packings of 10^15 lines are as cheap to hold as small ones.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.exact import Cosine

__all__ = ["Indices", "OrbitCheck", "Packing", "Recipe", "Rows", "Section"]

Indices = NDArray[np.int64]
Recipe = dict[str, "int | str | Recipe | list[Recipe]"]


@dataclass(frozen=True)
class Rows:
    """Some rows of a packing, integral ones kept as integers.

    Row i is `values[i] / sqrt(squared_norms[i])` where `squared_norms[i]` > 0: its entries are
    then integers with that sum of squares. Where `squared_norms[i]` is 0, `values[i]` is a unit
    vector in float64. Shapes: `values` `[n, d]`, an integer type when every row is integral and
    float64 otherwise; `squared_norms` `[n]`, int64.
    """

    values: NDArray[Any]
    squared_norms: NDArray[np.int64]

    @classmethod
    def integral(cls, values: NDArray[Any]) -> Rows:
        """Integer rows `[n, d]`; their squared norms are computed here."""
        wide = values.astype(np.int64)
        return cls(values, np.einsum("nd,nd->n", wide, wide))

    @classmethod
    def floating(cls, values: NDArray[np.float64]) -> Rows:
        """Unit rows `[n, d]` in float64."""
        return cls(values, np.zeros(len(values), np.int64))

    def unit(self) -> NDArray[np.float64]:
        """The rows as unit vectors `[n, d]` in float64."""
        norms = np.sqrt(np.where(self.squared_norms > 0, self.squared_norms, 1.0))
        return self.values.astype(np.float64) / norms[:, None]


@dataclass(frozen=True)
class Section:
    """A packing of R^d as integral rows in R^D, all orthogonal to D - d independent normals.

    An isometry of that subspace with R^d carries them to the packing's rows. Shapes: the rows'
    `values` `[n, D]`, `normals` `[D - d, D]`, integers.
    """

    rows: Rows
    normals: NDArray[np.int64]

    def within(self, indices: Indices) -> Rows:
        """The rows with these `indices` `[n]` in coordinates of the subspace: float64 `[n, d]`."""
        normals = self.normals.T.astype(np.float64)
        # The last columns of the complete QR factor span what is orthogonal to the normals.
        frame = np.linalg.qr(normals, mode="complete")[0][:, normals.shape[1] :]
        norms = np.sqrt(self.rows.squared_norms[indices])
        return Rows.floating(self.rows.values[indices] @ frame / norms[:, None])


@dataclass(frozen=True)
class OrbitCheck:
    """What came of checking one representative of each class of pairs under a symmetry group."""

    holds: bool
    pairs: int  # pairs of lines that the group's images of the checked ones account for
    detail: str  # what was computed, in words
    whole: bool = True  # False where some of the pairs rest on a theorem alone


@dataclass(frozen=True)
class Packing(ABC):
    """`count` lines in R^`dim` whose largest pairwise |cos| is `coherence`.

    Subclasses are frozen dataclasses; their fields are the recipe. The constructor takes only
    parameters for which the mathematics works and raises ValueError otherwise. Nothing large is
    made before `rows` is called.
    """

    name: ClassVar[str]  # the family's or move's name in recipes
    reference: ClassVar[str] = ""  # the paper a family comes from, "Kerdock 1972"; none for a move

    @property
    @abstractmethod
    def dim(self) -> int:
        """The dimension d."""

    @property
    @abstractmethod
    def count(self) -> int:
        """The number of lines."""

    @property
    def pairs(self) -> int:
        """The number of pairs of lines."""
        return math.comb(self.count, 2)

    @property
    @abstractmethod
    def coherence(self) -> Cosine:
        """The largest |cos| between two lines (0 when there is one line)."""

    @property
    def exact(self) -> bool:
        """Whether `coherence` is attained by two lines, and not only an upper bound."""
        return True

    @property
    def peak_square(self) -> Fraction:
        """An upper bound on the squared entries of the unit rows; 1 unless the family is flat."""
        return Fraction(1)

    @property
    def peak_attained(self) -> bool:
        """Whether some entry is known to be as large as `peak_square`; of sign rows all are."""
        return self.blocks == self.dim

    @property
    def blocks(self) -> int | None:
        """The number b of equal blocks of consecutive coordinates that every row weighs alike.

        The unit rows then have norm 1/sqrt(b) on each block of dim/b coordinates: b = dim for sign
        rows, dim/2 for realified phases. None when there is no such b. Dropping blocks
        (`moves.Puncture`) needs it.
        """
        return None

    @property
    def tight(self) -> bool:
        """Whether the rows W are a tight frame, W^T W = (count/dim) I, as blow-ups need."""
        return False

    @property
    @abstractmethod
    def proof(self) -> str:
        """Why the coherence holds, in one sentence, with a reference."""

    @abstractmethod
    def words(self) -> str:
        """The recipe in words, on one line."""

    @abstractmethod
    def rows(self, indices: Indices) -> Rows:
        """The rows with these `indices` `[n]`, each in [0, count); O(d) operations a row."""

    def sign_matrix(self) -> NDArray[np.int8] | None:
        """For an equiangular packing: the signs S of its Gram matrix I + coherence * S, else None.

        Shape `[count, count]`, zero diagonal. The identity S^2 = a S + b I in integers then
        proves the dimension and the coherence without any rounding.
        """
        return None

    def section(self) -> Section | None:
        """For a packing with integral rows in a larger space only: those rows, else None."""
        return None

    def orbit_check(self) -> OrbitCheck | None:
        """Check one representative of each class of pairs; None when no symmetry is used.

        Pairs within the packings of `inner` are left out: those have certificates of their own.
        """
        return None

    def inner(self) -> tuple[tuple[Packing, int], ...]:
        """Packings whose pairs `orbit_check` leaves out, each with its number of copies."""
        return ()

    def sparser(self) -> Packing | None:
        """The family's next member in as many dimensions: fewer lines, a smaller coherence.

        Punctures of it may be better where `candidates` lists the larger one only. None if there
        is none, or if `candidates` lists it.
        """
        return None

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The members with `dim` <= `max_dim` and `coherence` <= `eps` that a search needs.

        Members that direct sums of smaller ones and basis lines, or other families, always equal
        may be left out; the largest member is always there.
        """
        return iter(())

    @classmethod
    def flat_candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """The further members that only their small entries (`peak_square`) recommend."""
        return iter(())

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """The members that are `tight`, of at most `most_lines` lines, for blow-ups."""
        return iter(())

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Three members of the family, count^2 * dim <= 1e11 each, that tests compare whole."""
        return ()

    def recipe(self) -> Recipe:
        """The recipe as plain data, from which `catalogue.build` makes the packing again."""
        written: Recipe = {"name": self.name}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Packing):
                written[field.name] = value.recipe()
            elif isinstance(value, tuple):
                written[field.name] = [part.recipe() for part in value]
            elif value is not None:
                written[field.name] = value
        return written
