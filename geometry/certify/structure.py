"""Certificates from a symmetry group or a theorem."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from geometry.certify.finding import Certificate, Finding, Level, weakest
from geometry.exact import Cosine
from geometry.packing import Packing
from geometry.spot_check import spot_check

__all__ = ["BySymmetry", "ByTheorem", "WithSample"]


@dataclass(frozen=True)
class WithSample(Certificate):
    """A proof that does not look at the packing's rows, and random pairs of them that agree."""

    proof: Certificate
    packing: Packing

    def check(self) -> Finding:
        """Check the proof, then the sample."""
        finding = self.proof.check()
        return dataclasses.replace(finding, holds=finding.holds and spot_check(self.packing).agree)


@dataclass(frozen=True)
class BySymmetry(Certificate):
    """One representative of each class of pairs, checked by the packing's own symmetry group."""

    packing: Packing
    allowed: Cosine
    inner: tuple[tuple[Certificate, int], ...] = ()

    def check(self) -> Finding:
        """Run the packing's orbit check, and check each inner packing once for all its copies.

        Raises ValueError for a packing without one.
        """
        orbit = self.packing.orbit_check()
        if orbit is None:
            raise ValueError(
                f"`packing` must have a symmetry to check by; got {self.packing.words()}."
            )
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
        agree, pairs = spot_check(self.packing, self.seed)
        return Finding(
            agree and self.packing.coherence <= self.allowed,
            Level.BY_THEOREM,
            pairs,
            self.packing.coherence,
            f"{self.packing.proof} Random pairs agree.",
        )
