"""Blow-ups of tight frames, and their complements: N s lines in R^(N s - d), close to orthogonal.

Take s copies of each of the N lines of a unit-norm tight frame of R^d with Gram matrix G. With
J the all-ones matrix of order s, the matrix

    (1 + e) I + (b - e) I (x) J - b G (x) J

has unit diagonal, -e between copies of a line and -b G_ij elsewhere. It vanishes on the range of
G (x) J, of dimension d, when s (N/d - 1) b = 1 - (s - 1) e, and is positive elsewhere; so it is
the Gram matrix of N s lines in R^(N s - d). Their coherence is least when b mu = e, mu that of G:

    e = mu / (s (N/d - 1) + (s - 1) mu).

One copy gives the Naimark complement. For an equiangular frame this is the blow-up of its sign
matrix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geometry.exact import DECIMALS, Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["LARGEST_FRAME", "BlowUp", "copies_needed"]

_NEARLY = 1 + Fraction(1, 2**40)
LARGEST_FRAME = 4096  # lines of the frame: its complement is a QR factorisation, O(lines^3)


@dataclass(frozen=True)
class BlowUp(Packing):
    """`copies` of each line of the tight frame `base`, in the complement of its range."""

    base: Packing
    copies: int

    name: ClassVar[str] = "blow-up"

    def __post_init__(self) -> None:
        """Raise ValueError unless the base is a tight frame of 2 .. 4096 lines, not a basis."""
        fits = self.base.dim < self.base.count <= LARGEST_FRAME
        if not (self.base.tight and fits and self.copies >= 1):
            raise ValueError(
                f"`base` must be a tight frame of more lines than dimensions and at most "
                f"{LARGEST_FRAME} lines, and `copies` at least 1; got {self.copies} of "
                f"{self.base.words()}."
            )
        if self.coherence >= Cosine.ratio(1):
            raise ValueError(f"`copies` must keep the lines apart; got {self.copies}.")

    @property
    def dim(self) -> int:
        """`copies` times the frame's lines, less its dimension."""
        return self.count - self.base.dim

    @property
    def count(self) -> int:
        """`copies` times the frame's lines."""
        return self.copies * self.base.count

    @property
    def _surplus(self) -> Fraction:
        """N/d - 1."""
        return Fraction(self.base.count - self.base.dim, self.base.dim)

    @property
    def coherence(self) -> Cosine:
        """e as above; rounded up for several copies of a frame with irrational mu."""
        own = self.base.coherence
        if self.copies == 1:
            return Cosine(own.square / self._surplus**2, own.degrees)
        low, above = own.bounds()
        e = Cosine.ratio(above / (self.copies * self._surplus + (self.copies - 1) * above))
        return e if low == above else e.rounded_up()

    @property
    def exact(self) -> bool:
        """Copies of one line attain it, as far as it is not rounded up."""
        low, high = self.base.coherence.bounds()
        return self.base.exact if self.copies == 1 else low == high

    @property
    def tight(self) -> bool:
        """A complement is a tight frame again; a blow-up is none."""
        return self.copies == 1

    @property
    def proof(self) -> str:
        """The Gram matrix above."""
        move = "of the complement" if self.copies == 1 else "of the blow-up"
        return (
            f"The Gram matrix {move} vanishes on the range of the tight frame's and is positive "
            f"elsewhere (Naimark's theorem). {self.base.proof}"
        )

    def words(self) -> str:
        """The recipe in words."""
        if self.copies == 1:
            return f"the Naimark complement of {self.base.words()}"
        return f"blow-up by {self.copies} of {self.base.words()}"

    def rows(self, indices: Indices) -> Rows:
        """Line i * copies + j: the j-th of `copies` simplex vertices in block i, and the
        complement of line i.
        """
        line, copy = np.divmod(indices, self.copies)
        simplex_width = self.copies - 1
        values = np.zeros((len(indices), self.dim))
        complement = _complement(self.base)
        e = float(self.coherence)
        # b N/d scales the complement's projection, whose diagonal is 1 - d/N.
        scale = (1 - simplex_width * e) / (self.copies * float(self._surplus))
        scale *= self.base.count / self.base.dim
        if simplex_width:
            places = simplex_width * line[:, None] + np.arange(simplex_width)
            vertices = math.sqrt(1 + e) * _centred_vertices(self.copies)
            values[np.arange(len(indices))[:, None], places] = vertices[copy]
        values[:, simplex_width * self.base.count :] = math.sqrt(scale) * complement[line]
        return Rows.floating(values)


def copies_needed(base: Packing, eps: Cosine) -> int | None:
    """The fewest copies of the tight frame `base` whose blow-up has coherence <= `eps`.

    None at `eps` = 0. s (eps (N/d - 1) + eps mu) >= mu (1 + eps).
    """
    below, (low, mu) = eps.bounds()[0], base.coherence.bounds()
    surplus = Fraction(base.count - base.dim, base.dim)
    if below == 0:
        return None
    # Bounds on irrational numbers cost equality; the complement's coherence is exact.
    near = mu <= surplus * below * _NEARLY
    if near and surplus > mu and BlowUp(base, 1).coherence <= eps:
        return 1
    if low < mu:  # the coherence of several copies is rounded up to so many places
        below = max(below - Fraction(1, 10**DECIMALS), below / 2)
    return max(1, math.ceil(mu * (1 + below) / (below * (surplus + mu))))


@lru_cache(maxsize=4)
def _complement(base: Packing) -> NDArray[np.float64]:
    """Rows `[N, N - d]` of an orthonormal basis of what the frame's columns are orthogonal to."""
    frame = base.rows(np.arange(base.count, dtype=np.int64)).unit()
    columns: NDArray[np.float64] = np.linalg.qr(frame, mode="complete")[0][:, base.dim :]
    columns.setflags(write=False)
    return columns


def _centred_vertices(count: int) -> NDArray[np.float64]:
    """The basis of R^`count` less its mean, in R^(count - 1): `[count, count - 1]`.

    Column k has entries 1 at the first k + 1 places and -(k + 1) at the next, normalised.
    """
    steps = np.arange(1, count)
    columns = np.triu(np.ones((count, count - 1)))
    columns[steps, steps - 1] = -steps
    columns /= np.sqrt(steps * (steps + 1.0))
    return columns
