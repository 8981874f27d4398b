"""Fewer lines, more dimensions, packings side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import ClassVar

import numpy as np

from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["DirectSum", "Subset", "ZeroPad"]


@dataclass(frozen=True)
class Subset(Packing):
    """The first `size` lines of `base`."""

    base: Packing
    size: int

    name: ClassVar[str] = "subset"

    def __post_init__(self) -> None:
        """Raise ValueError unless 1 <= `size` <= the base's count."""
        if not 1 <= self.size <= self.base.count:
            raise ValueError(f"`size` must lie in [1, {self.base.count}]; got {self.size}.")

    @property
    def dim(self) -> int:
        """The base's dimension."""
        return self.base.dim

    @property
    def count(self) -> int:
        """`size`."""
        return self.size

    @property
    def coherence(self) -> Cosine:
        """At most the base's coherence."""
        return self.base.coherence

    @property
    def exact(self) -> bool:
        """False: the closest lines may be among those left out."""
        return False

    @property
    def peak_square(self) -> Fraction:
        """The base's."""
        return self.base.peak_square

    @property
    def proof(self) -> str:
        """Fewer pairs."""
        return f"A subset of the lines keeps the bound. {self.base.proof}"

    def words(self) -> str:
        """The recipe in words."""
        return f"the first {self.size} of: {self.base.words()}"

    def rows(self, indices: Indices) -> Rows:
        """The base's rows."""
        return self.base.rows(indices)


@dataclass(frozen=True)
class ZeroPad(Packing):
    """`base` in R^`ambient`, zeros in the further coordinates."""

    base: Packing
    ambient: int

    name: ClassVar[str] = "zero-pad"

    def __post_init__(self) -> None:
        """Raise ValueError unless `ambient` >= the base's dimension."""
        if self.ambient < self.base.dim:
            raise ValueError(f"`ambient` must be at least {self.base.dim}; got {self.ambient}.")

    @property
    def dim(self) -> int:
        """`ambient`."""
        return self.ambient

    @property
    def count(self) -> int:
        """The base's count."""
        return self.base.count

    @property
    def coherence(self) -> Cosine:
        """The base's coherence."""
        return self.base.coherence

    @property
    def exact(self) -> bool:
        """As for the base."""
        return self.base.exact

    @property
    def peak_square(self) -> Fraction:
        """The base's."""
        return self.base.peak_square

    @property
    def proof(self) -> str:
        """Zeros change no inner product."""
        return f"Appended zeros change no inner product. {self.base.proof}"

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.base.words()}, in {self.ambient} dimensions with zeros appended"

    def rows(self, indices: Indices) -> Rows:
        """The base's rows with zeros appended."""
        rows = self.base.rows(indices)
        values = np.zeros((len(indices), self.ambient), rows.values.dtype)
        values[:, : self.base.dim] = rows.values
        return Rows(values, rows.squared_norms)


@dataclass(frozen=True)
class DirectSum(Packing):
    """The packings `parts` side by side, each in coordinates of its own."""

    parts: tuple[Packing, ...]

    name: ClassVar[str] = "direct sum"

    def __post_init__(self) -> None:
        """Raise ValueError when there is no part."""
        if not self.parts:
            raise ValueError("`parts` must hold at least one packing; got none.")

    @property
    def dim(self) -> int:
        """The sum of the parts' dimensions."""
        return sum(part.dim for part in self.parts)

    @property
    def count(self) -> int:
        """The sum of the parts' counts."""
        return sum(part.count for part in self.parts)

    @property
    def coherence(self) -> Cosine:
        """The largest of the parts' coherences."""
        return max(part.coherence for part in self.parts)

    @property
    def exact(self) -> bool:
        """Whether a part with the largest coherence attains it."""
        return any(part.exact and part.coherence == self.coherence for part in self.parts)

    @property
    def peak_square(self) -> Fraction:
        """The largest of the parts'."""
        return max(part.peak_square for part in self.parts)

    @property
    def proof(self) -> str:
        """Disjoint supports are orthogonal."""
        reasons = dict.fromkeys(part.proof for part in self.parts)
        return " ".join(["Lines of different parts have disjoint supports.", *reasons])

    def words(self) -> str:
        """The recipe in words, equal parts counted."""
        shares = Counter(self.parts)
        return "; and, in further dimensions, ".join(
            part.words() if times == 1 else f"{times} copies of: {part.words()}"
            for part, times in shares.items()
        )

    def rows(self, indices: Indices) -> Rows:
        """Rows of the parts in order, zero outside the part's coordinates."""
        ends = list(accumulate(part.count for part in self.parts))
        # Indices are int64: ends beyond that range are never passed, so clipping is exact.
        largest = np.iinfo(np.int64).max
        owner = np.searchsorted([min(end, largest) for end in ends], indices, side="right")
        pieces = []
        column = 0
        for place, part in enumerate(self.parts):
            chosen = np.flatnonzero(owner == place)
            if len(chosen):
                local = indices[chosen] - (ends[place] - part.count)
                pieces.append((chosen, column, part.dim, part.rows(local)))
            column += part.dim
        dtype = np.result_type(np.int8, *(rows.values.dtype for _, _, _, rows in pieces))
        values = np.zeros((len(indices), self.dim), dtype)
        squared_norms = np.zeros(len(indices), np.int64)
        for chosen, column, width, rows in pieces:
            values[chosen, column : column + width] = rows.values
            squared_norms[chosen] = rows.squared_norms
        return Rows(values, squared_norms)
