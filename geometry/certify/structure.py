"""Certificates from a symmetry group or a theorem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry.certify.finding import Certificate, Finding, Level, weakest
from geometry.comparison import rounding_bound
from geometry.exact import Cosine
from geometry.packing import Packing

__all__ = ["BySymmetry", "ByTheorem"]

_SPOT_PAIRS = 2000


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
        generator = np.random.default_rng(self.seed)
        top = min(self.packing.count, np.iinfo(np.int64).max)
        chosen = generator.integers(0, top, size=(2, _SPOT_PAIRS))
        chosen = chosen[:, chosen[0] != chosen[1]]
        left, right = (self.packing.rows(indices).unit() for indices in chosen)
        cosines = np.abs(np.einsum("nd,nd->n", left, right))
        bound = rounding_bound(self.packing.dim)
        agree = bool((cosines <= self.packing.coherence.upper_float() + bound).all())
        return Finding(
            agree and self.packing.coherence <= self.allowed,
            Level.BY_THEOREM,
            len(cosines),
            self.packing.coherence,
            f"{self.packing.proof} Random pairs agree.",
        )
