"""What a certificate is, and what its check finds."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass

from geometry.exact import Cosine

__all__ = ["Certificate", "Finding", "Level", "weakest"]


class Level(enum.StrEnum):
    """How a packing's coherence is known."""

    ALL_PAIRS = "all pairs"
    BY_SYMMETRY = "by symmetry"
    BY_THEOREM = "by theorem"


def weakest(levels: list[Level]) -> Level:
    """The weakest of these levels."""
    return max(levels, key=list(Level).index)


@dataclass(frozen=True)
class Finding:
    """What a check found: whether the claim holds, how that is known, and from how many pairs.

    `largest` is the largest |cos| that the check establishes: exact, or a float64 value with its
    rounding bound added.
    """

    holds: bool
    level: Level
    pairs: int
    largest: Cosine
    detail: str


class Certificate(ABC):
    """A claim `pairwise |cos| <= allowed` with all that is needed to recompute it."""

    @abstractmethod
    def check(self) -> Finding:
        """Recompute the claim from the data held."""
