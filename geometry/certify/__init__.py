"""Proof that a packing's lines have pairwise |cos| <= `allowed`: certificates that recompute.

`certificate(packing, allowed)` chooses the strongest kind that fits the given effort, and
`check()` does the work. The levels, from the strongest:

all pairs     every pair compared: integers exactly (in a larger space, where R^d has no integral
              rows), float64 rows with a rounding bound, or the Gram matrix of an equiangular
              packing by an identity between integer matrices
by symmetry   a group acts: one representative of each class of pairs compared
by theorem    the packing's proof is cited, and random pairs are compared
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import numpy as np

from geometry.certify.finding import Certificate, Finding, Level
from geometry.certify.of_moves import OfPuncture, OfSubset, OfTensor, OfTightFrame, Parts
from geometry.certify.pairs import AllPairs, GramIdentity, InSection
from geometry.certify.structure import BySymmetry, ByTheorem, WithSample
from geometry.exact import Cosine
from geometry.moves import BlowUp, DirectSum, Puncture, Subset, Tensor, ZeroPad
from geometry.packing import Packing

__all__ = [
    "AllPairs",
    "BySymmetry",
    "ByTheorem",
    "Certificate",
    "Finding",
    "GramIdentity",
    "InSection",
    "Level",
    "OfPuncture",
    "OfSubset",
    "OfTensor",
    "OfTightFrame",
    "Parts",
    "WithSample",
    "certificate",
]

# Every pair is compared up to this many count^2 * dim, and this many entries: seconds, and 1 GiB.
_MOST_OPERATIONS = 4 * 10**11
_MOST_ENTRIES = 2 * 10**8
_MOST_SIGNS = 4096  # largest Gram matrix of signs to square, 7e10 multiply-adds


class _Proof(Protocol):
    """How the certificate of a part is made."""

    def __call__(self, part: Packing, at_most: Cosine = ...) -> Certificate: ...


def certificate(
    packing: Packing,
    allowed: Cosine,
    *,
    most_operations: int = _MOST_OPERATIONS,
    most_entries: int = _MOST_ENTRIES,
) -> Certificate:
    """The strongest certificate of `packing` that fits the effort.

    Every pair is compared while count^2 * dim <= `most_operations` and count * dim <=
    `most_entries`; an equiangular packing is proved by its Gram matrix; then symmetry, then the
    theorem. Direct sums are certified part by part.
    """

    def proof(part: Packing, at_most: Cosine = allowed) -> Certificate:
        return certificate(
            part, at_most, most_operations=most_operations, most_entries=most_entries
        )

    if isinstance(packing, BlowUp):
        return _of_blow_up(packing, allowed, proof, most_operations)
    if isinstance(packing, Tensor):
        return OfTensor(packing, proof(packing.left), proof(packing.right))
    if isinstance(packing, DirectSum):
        copies = Counter(packing.parts)
        return Parts(tuple((proof(part), times, part.count) for part, times in copies.items()))
    signs = packing.sign_matrix() if packing.count <= _MOST_SIGNS else None
    if signs is not None and len(signs) == packing.count:
        identity = GramIdentity(signs, packing.dim, allowed, packing.coherence)
        return WithSample(identity, packing)
    section = packing.section()
    if section is not None and len(section.rows.values) == packing.count:
        return InSection(section, packing.dim, allowed, packing.coherence)
    # Its own check is called only when it is due, since it can be long.
    symmetric = type(packing).orbit_check is not Packing.orbit_check
    inner = tuple((proof(part), copies) for part, copies in packing.inner())
    first = packing.rows(np.zeros(1, np.int64))
    if symmetric and (first.squared_norms[0] == 0 or not packing.coherence.is_rational):
        # Float rows cannot prove a coherence at equality; the symmetry can.
        return WithSample(BySymmetry(packing, allowed, inner), packing)
    small = (
        packing.count**2 * packing.dim <= most_operations
        and packing.count * packing.dim <= most_entries
    )
    if small:
        rows = packing.rows(np.arange(packing.count, dtype=np.int64))
        return WithSample(AllPairs(rows, allowed, packing.coherence, packing.proof), packing)
    if isinstance(packing, ZeroPad):
        return proof(packing.base)
    if isinstance(packing, Subset):
        return OfSubset(proof(packing.base), packing.count)
    if isinstance(packing, Puncture):
        base = proof(packing.base, packing.allowed_of_base(allowed))
        return OfPuncture(packing, base, allowed)
    if symmetric:
        return WithSample(BySymmetry(packing, allowed, inner), packing)
    return ByTheorem(packing, allowed)


def _of_blow_up(
    packing: BlowUp, allowed: Cosine, proof: _Proof, most_operations: int
) -> Certificate:
    """The frame's own proof where it is exact; else the blow-up's rows, where they fit."""
    base = packing.base
    frame = proof(base, base.coherence)
    if isinstance(frame, WithSample) and isinstance(frame.proof, GramIdentity):
        return OfTightFrame(packing, frame, None, allowed)
    rows = base.rows(np.arange(base.count, dtype=np.int64))
    integral = bool((rows.squared_norms > 0).all())
    if not integral and packing.count**2 * packing.dim <= most_operations:
        every = packing.rows(np.arange(packing.count, dtype=np.int64))
        return AllPairs(every, allowed, packing.coherence, packing.proof)
    return OfTightFrame(packing, frame, rows, allowed)
