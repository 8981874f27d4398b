"""Words in the sentences of answers and summaries."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["capital", "first_of", "listed"]

_MOST = 4


def capital(words: str) -> str:
    """Return the words with a capital at the beginning, and the others as they are."""
    return words[:1].upper() + words[1:]


def listed(words: Sequence[str]) -> str:
    """Return "a, b and c" of one or more words."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def first_of(words: Sequence[str]) -> str:
    """Return "a; b; c; d and 3 more": the first four, and how many there are beside them."""
    more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return "; ".join(words[:_MOST]) + more
