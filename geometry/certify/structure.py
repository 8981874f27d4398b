"""Certificates from a symmetry group or a theorem."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from geometry.certify.finding import Certificate, Finding, Level, weakest
from geometry.comparison import rounding_bound
from geometry.exact import Cosine
from geometry.packing import Packing

__all__ = ["BySymmetry", "ByTheorem", "WithSample", "sampled"]

# Pairs of rows compared beside a proof, fewer where rows are long: 32 MiB at most.
_SPOT_PAIRS = 2000
_SPOT_ENTRIES = 1 << 21


def sampled(packing: Packing, seed: int = 0) -> tuple[bool, int]:
    """Whether random pairs of rows are as the packing states, and how many were compared.

    Rows of `dim` coordinates, unit in float64, different lines, no |cos| above the coherence.
    """
    generator = np.random.default_rng(seed)
    top = min(packing.count, np.iinfo(np.int64).max)
    number = min(_SPOT_PAIRS, max(64, _SPOT_ENTRIES // packing.dim))
    chosen = generator.integers(0, top, size=(2, number))
    chosen = chosen[:, chosen[0] != chosen[1]]
    left, right = (packing.rows(indices).unit() for indices in chosen)
    if left.shape != (chosen.shape[1], packing.dim):
        return False, 0
    bound = rounding_bound(packing.dim)
    norms = np.einsum("nd,nd->n", left, left)
    cosines = np.abs(np.einsum("nd,nd->n", left, right))
    # Unit rows in float64 are off by a few units an entry beside what their sums add.
    unit = bool((np.abs(norms - 1) <= 16 * bound).all())
    largest = min(packing.coherence.upper_float(), 1.0) + 16 * bound
    return unit and bool((cosines <= largest).all()), len(cosines)


@dataclass(frozen=True)
class WithSample(Certificate):
    """A proof that does not look at the packing's rows, and random pairs of them that agree."""

    proof: Certificate
    packing: Packing

    def check(self) -> Finding:
        """Check the proof, then the sample."""
        finding = self.proof.check()
        agree, _ = sampled(self.packing)
        return dataclasses.replace(finding, holds=finding.holds and agree)


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
            weakest([own, *(finding.level for finding, _ in findings)]),
            orbit.pairs + sum(copies * finding.pairs for finding, copies in findings),
            self.packing.coherence,
            "; inside: ".join([orbit.detail, *(finding.detail for finding, _ in findings)]),
        )


@dataclass(frozen=True)
class ByTheorem(Certificate):
    """The packing's theorem, with random pairs of rows compared against it in float64."""

    packing: Packing
    allowed: Cosine
    seed: int = 0

    def check(self) -> Finding:
        """Compare random pairs."""
        agree, pairs = sampled(self.packing, self.seed)
        return Finding(
            agree and self.packing.coherence <= self.allowed,
            Level.BY_THEOREM,
            pairs,
            self.packing.coherence,
            f"{self.packing.proof} Random pairs agree.",
        )
