"""Tensor products: every line of one packing with every line of another."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from geometry.exact import Cosine
from geometry.packing import Indices, Packing, Rows

__all__ = ["Tensor"]


@dataclass(frozen=True)
class Tensor(Packing):
    """The lines of a (x) b for every line a of `left` and b of `right`.

    <a (x) b, a' (x) b'> = <a, a'><b, b'>, so the larger coherence of the two is the product's.
    """

    left: Packing
    right: Packing

    name: ClassVar[str] = "tensor product"

    @property
    def dim(self) -> int:
        """The product of the dimensions."""
        return self.left.dim * self.right.dim

    @property
    def count(self) -> int:
        """The product of the counts."""
        return self.left.count * self.right.count

    @property
    def coherence(self) -> Cosine:
        """The larger of the two."""
        return max(self.left.coherence, self.right.coherence)

    @property
    def exact(self) -> bool:
        """Whether a factor with the larger coherence attains it."""
        factors = (self.left, self.right)
        return any(one.exact and one.coherence == self.coherence for one in factors)

    @property
    def peak_square(self) -> Fraction:
        """The product of the two."""
        return self.left.peak_square * self.right.peak_square

    @property
    def tight(self) -> bool:
        """When both are."""
        return self.left.tight and self.right.tight

    @property
    def proof(self) -> str:
        """Inner products multiply."""
        return (
            "Inner products of tensor products are products of inner products. "
            f"{self.left.proof} {self.right.proof}"
        )

    def words(self) -> str:
        """The recipe in words."""
        return f"tensor product of ({self.left.words()}) and ({self.right.words()})"

    def rows(self, indices: Indices) -> Rows:
        """Line i * (count of `right`) + j is the product of line i and line j."""
        first, second = np.divmod(indices, min(self.right.count, np.iinfo(np.int64).max))
        left, right = self.left.rows(first), self.right.rows(second)
        norms = left.squared_norms * right.squared_norms
        integral = (norms > 0) | (len(indices) == 0)
        # One float factor makes the product a float row of norm 1: the other must be scaled too.
        a = left.values if integral.all() else left.unit()
        b = right.values if integral.all() else right.unit()
        wide = np.result_type(a.dtype, b.dtype, np.int16 if integral.all() else np.float64)
        values = a.astype(wide)[:, :, None] * b.astype(wide)[:, None, :]
        flat = values.reshape(len(indices), self.dim)
        return Rows(flat, norms if integral.all() else np.zeros(len(indices), np.int64))
