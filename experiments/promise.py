"""What a promise of the project is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Promise"]


@dataclass(frozen=True)
class Promise:
    """A statement, and how to measure it: whether it holds, and the number seen.

    `subject` is the heading that it stands under; `seconds`, what the measurement takes on two
    cores or so, from which the time left is estimated.
    """

    subject: str
    name: str
    measure: Callable[[], tuple[bool, str]]
    seconds: float = 1.0
