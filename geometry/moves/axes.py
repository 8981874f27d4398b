"""The coordinate axes beside a flat packing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from geometry.constructions.basis import basis_rows
from geometry.constructions.fillings import peak_proved
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["WithAxes", "peak_allows"]

_NEAR = 2.0**-40


@dataclass(frozen=True)
class WithAxes(Packing):
    """The lines of `base` and then the coordinate axes, whose |cos| with them are the entries."""

    base: Packing

    name: ClassVar[str] = "with axes"

    def __post_init__(self) -> None:
        """Raise ValueError unless the base's entries are known to be below 1."""
        if self.base.peak_square >= 1:
            raise ValueError(f"`base` must have entries below 1; got {self.base.words()}.")

    @property
    def dim(self) -> int:
        """The base's dimension."""
        return self.base.dim

    @property
    def count(self) -> int:
        """The base's count and dimension."""
        return self.base.count + self.base.dim

    @property
    def coherence(self) -> Cosine:
        """The larger of the base's coherence and its largest entry."""
        return max(self.base.coherence, Cosine(self.base.peak_square))

    @property
    def exact(self) -> bool:
        """Whether the base, or its entries, attain the larger."""
        entry, own = Cosine(self.base.peak_square), self.base.coherence
        return (self.base.exact and own >= entry) or (self.base.peak_attained and entry >= own)

    @property
    def tight(self) -> bool:
        """As the base: the axes are a tight frame of their own."""
        return self.base.tight

    @property
    def proof(self) -> str:
        """The inner product with an axis is an entry."""
        return f"The |cos| of a line and an axis is an entry of its unit row. {self.base.proof}"

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.base.words()}, and the {self.base.dim} coordinate axes"

    def rows(self, indices: Indices) -> Rows:
        """The base's rows, then the axes."""
        # Indices are int64: of a base beyond that range no axis is ever asked for.
        first = min(self.base.count, np.iinfo(np.int64).max)
        axes = indices >= first
        base = self.base.rows(indices[~axes])
        values = np.zeros((len(indices), self.dim), np.result_type(np.int8, base.values.dtype))
        norms = np.ones(len(indices), np.int64)
        values[~axes], norms[~axes] = base.values, base.squared_norms
        values[axes] = basis_rows(indices[axes] - first, self.dim)
        return Rows(values, norms)

    def orbit_check(self) -> OrbitCheck:
        """The entries of the base are looked at; its own pairs have their own certificate."""
        proved = peak_proved(self.base)
        pairs = self.dim * (self.dim - 1) // 2
        if proved is None:
            entries = "entries by the base's theorem"
        else:
            pairs += self.dim * self.base.count
            entries = f"entries at most {float(self.base.peak_square) ** 0.5:.4g}"
        detail = f"{self.dim} axes and the base's {entries}"
        return OrbitCheck(proved is not False, pairs, detail, proved is not None)

    def inner(self) -> tuple[tuple[Packing, int], ...]:
        """The base."""
        return ((self.base, 1),)


def peak_allows(peak_square: Fraction, eps: Cosine) -> bool:
    """Whether entries of this size may meet an axis: below 1, and at most `eps`."""
    peak, allowed = float(peak_square), float(eps) ** 2
    if abs(peak - allowed) > _NEAR * allowed:  # floats decide all but near ties
        return peak < min(allowed, 1)
    return peak_square < 1 and Cosine(peak_square) <= eps
