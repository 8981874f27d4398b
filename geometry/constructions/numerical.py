"""Lines in few dimensions, found by an optimiser and kept as integers.

`geometry.optimise` finds the least coherent lines that are known in most small sizes in seconds;
what it found in longer searches is here, so that a query is quick: rounded to 26 bits, which adds
1e-8 to the coherence, and compared exactly from then on. `python -m experiments.numerical` redoes
an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from geometry.constructions.tabled import Entry, Listed, decoded
from geometry.exact import Cosine

__all__ = ["TOP", "Numerical"]

TOP = 1 << 25  # the largest integer of the rows: squared norms stay below 2^53 up to d = 8


@dataclass(frozen=True)
class Numerical(Listed):
    """`lines` lines in R^`dimension` from the table.

    An entry has the `seed` and the `rounds` of the search, and the `rows`.
    """

    name: ClassVar[str] = "numerical"
    reference: ClassVar[str] = "found by optimisation; certified by its integers"
    table: ClassVar[str] = "numerical.json"

    @classmethod
    def integers(cls, entry: Entry) -> NDArray[Any]:
        """The `rows` of the entry, as text there."""
        return decoded(entry["rows"], TOP).reshape(entry["count"], entry["dim"])

    @property
    def coherence(self) -> Cosine:
        """The rows' own, rounded up to a decimal: a root of a fraction of 30 digits says less."""
        return super().coherence.rounded_up()

    @property
    def exact(self) -> bool:
        """False: the coherence is rounded up."""
        return False

    def words(self) -> str:
        """The recipe in words."""
        return f"{self.lines} lines in {self.dimension} dimensions found by optimisation"
