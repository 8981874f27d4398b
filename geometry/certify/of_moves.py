"""Certificates of moves from those of the packings that they move."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from geometry.certify.finding import Certificate, Finding, Level, weakest
from geometry.exact import Cosine
from geometry.moves import BlowUp, Puncture, Tensor
from geometry.packing import Rows

__all__ = ["OfPuncture", "OfSubset", "OfTensor", "OfTightFrame", "Parts"]

_SPOT_ROWS = 256


@dataclass(frozen=True)
class OfSubset(Certificate):
    """Some of the lines of a packing that has a certificate: their pairs are among its pairs."""

    whole: Certificate
    count: int

    def check(self) -> Finding:
        """Check the whole packing."""
        return dataclasses.replace(self.whole.check(), pairs=self.count * (self.count - 1) // 2)


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
            weakest([finding.level for finding, _ in findings]),
            across + sum(times * finding.pairs for finding, times in findings),
            max(finding.largest for finding, _ in findings),
            "parts in disjoint coordinates: "
            + "; ".join(dict.fromkeys(finding.detail for finding, _ in findings)),
        )


@dataclass(frozen=True)
class OfTensor(Certificate):
    """A tensor product whose factors have certificates: its inner products are products."""

    packing: Tensor
    left: Certificate
    right: Certificate

    def check(self) -> Finding:
        """Check both factors."""
        findings = [self.left.check(), self.right.check()]
        return Finding(
            all(finding.holds for finding in findings),
            weakest([finding.level for finding in findings]),
            self.packing.pairs,
            max(finding.largest for finding in findings),
            "factors of a tensor product: "
            + "; ".join(dict.fromkeys(finding.detail for finding in findings)),
        )


@dataclass(frozen=True)
class OfPuncture(Certificate):
    """A punctured packing whose base has a certificate for what the bound needs.

    That the blocks weigh alike is looked at on random rows.
    """

    packing: Puncture
    base: Certificate
    allowed: Cosine

    def check(self) -> Finding:
        """Check the base, and the equal blocks."""
        finding = self.base.check()
        base = self.packing.base
        top = min(base.count, np.iinfo(np.int64).max)
        some = np.random.default_rng(0).integers(0, top, _SPOT_ROWS)
        blocks = base.blocks or base.dim
        shares = (base.rows(some).unit() ** 2).reshape(len(some), blocks, -1).sum(axis=2)
        even = bool(np.abs(shares * blocks - 1).max() <= base.dim * 2.0**-50)
        return dataclasses.replace(
            finding,
            holds=finding.holds and even and self.packing.coherence <= self.allowed,
            largest=self.packing.coherence,
            detail=f"{finding.detail}; {self.packing.dropped} of {blocks} equal blocks dropped",
        )


@dataclass(frozen=True)
class OfTightFrame(Certificate):
    """A blow-up: its Gram matrix follows from that of a tight frame that has a certificate.

    `rows` are the frame's, and are checked to be tight; None where the frame's certificate, an
    identity for its sign matrix, has shown that already. Cost beyond the frame's: N d^2.
    """

    packing: BlowUp
    base: Certificate
    rows: Rows | None
    allowed: Cosine

    def check(self) -> Finding:
        """Check the frame, and that it is tight."""
        finding = self.base.check()
        tight = self.rows is None or _is_tight(self.rows)
        exact = self.rows is None or bool((self.rows.squared_norms > 0).all())
        return Finding(
            finding.holds and tight and self.packing.coherence <= self.allowed,
            finding.level if exact else Level.BY_THEOREM,
            self.packing.pairs,
            self.packing.coherence,
            f"Gram matrix from that of the tight frame: {finding.detail}",
        )


def _is_tight(rows: Rows) -> bool:
    """Whether the unit rows W satisfy W^T W = (n/d) I: exactly where all rows are integral."""
    count, dim = rows.values.shape
    if (rows.squared_norms > 0).all():
        norms = np.unique(rows.squared_norms)
        common = math.lcm(*norms.tolist())
        # Sums of the rows' entries squared stay below 2^53, so that float64 products are exact.
        if common * count >= 2**53:
            raise ValueError(f"`rows` must have smaller squared norms; got {norms.tolist()}.")
        total = np.zeros((dim, dim))
        for norm in norms:
            wide = rows.values[rows.squared_norms == norm].astype(np.float64)
            total += wide.T @ wide * (common // int(norm))
        target = Fraction(common * count, dim)
        return target.denominator == 1 and bool((total == int(target) * np.eye(dim)).all())
    unit = rows.unit()
    # Each entry sums n products of entries at most 1, each off by a few units in the last place.
    slack = 2 * count * (count + 8) * 2.0**-53
    return bool(np.abs(unit.T @ unit - count / dim * np.eye(dim)).max() <= slack)
