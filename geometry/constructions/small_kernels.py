"""Few more lines than dimensions, from kernels in a table: each leads to a Gram matrix again.

`kernel_clip` finds N lines in R^d whose Gram matrix vanishes on a kernel of N - d columns. The
search is long, and its way depends on rounding. The table holds where it ended: the kernel, rounded
to integers of 8 bits. From there some hundred rounds of clipping lead to a packing again, in a
second and whatever the rounding, with something to spare: the coherence is stated a little above
the one that is reached. `python -m experiments.small_kernels` redoes an entry from its start.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geometry import kernel_clip
from geometry.constructions.tabled import SPARE, Rebuilt, decoded

__all__ = ["TOP", "SmallKernel", "rebuilt"]

TOP = 127  # the largest integer of a kernel in the table
_ROUNDS = 2000


def rebuilt(text: str, lines: int, eps: Fraction) -> kernel_clip.Clipped:
    """The packing that clipping at `eps` reaches from a kernel of `lines` rows, as text."""
    entries = decoded(text, TOP).reshape(lines, -1)
    kernel = np.linalg.qr(entries.astype(np.float64))[0]
    return kernel_clip.clip(kernel, float(eps) * (1 - SPARE), rounds=_ROUNDS)


@dataclass(frozen=True)
class SmallKernel(Rebuilt):
    """`lines` lines in R^`dimension` from the table.

    An entry has `start`, `seed`, `plain`, how the command finds it, and the `kernel`.
    """

    name: ClassVar[str] = "small kernel"
    reference: ClassVar[str] = "found by clipping; after Bukh and Cox 2020"
    table: ClassVar[str] = "small_kernels.json"

    def rebuild(self) -> NDArray[np.float64]:
        """By clipping from the kernel: a second."""
        eps = Fraction(self.entry["eps"])
        return kernel_clip.vectors(rebuilt(self.entry["kernel"], self.lines, eps))

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"{self.lines} lines in {self.dimension} dimensions whose Gram matrix, clipped at "
            f"{self.entry['eps']}, has a kernel of {self.lines - self.dimension} dimensions near a "
            "stored one"
        )
