"""The family behind a packing that moves have made."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from geometry.packing import Packing

__all__ = ["leading", "parts_of"]


def parts_of(packing: Packing) -> list[Packing]:
    """The packings among the fields of a packing: what a move was applied to."""
    found: list[Packing] = []
    for field in dataclasses.fields(packing):
        value: Any = getattr(packing, field.name)
        values = value if isinstance(value, tuple) else (value,)
        found += [one for one in values if isinstance(one, Packing)]
    return found


def leading(packing: Packing) -> tuple[Packing, tuple[str, ...]]:
    """The member of the family that most lines come from, and the moves that led from it.

    The outermost move comes first. Where several parts are of one family their lines count
    together, and the largest of them stands for all.
    """
    if packing.reference:  # a family, not a move
        return packing, ()
    found = [(part.count, *leading(part)) for part in parts_of(packing)]
    lines: Counter[str] = Counter()
    for count, member, _ in found:
        lines[member.name] += count
    family = max(lines, key=lambda name: lines[name])
    _, member, moves = max((one for one in found if one[1].name == family), key=lambda one: one[0])
    return member, (packing.name, *moves)
