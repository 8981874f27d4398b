"""What the commands share that redo entries of the tables of packings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geometry.packing import Packing

__all__ = ["holds"]


def holds(packing: Packing) -> bool:
    """Whether comparing all pairs proves the coherence that the packing states."""
    from geometry import certify

    finding = certify.certificate(packing, packing.coherence).check()
    return finding.holds and finding.level is certify.Level.ALL_PAIRS
