"""Types for the fields of a config: how a word of the command line becomes a value.

Words reach these validators as they were typed, so that `2.5`, `-3` and the empty string all get a
line of ours. Where a field's default is None, its option may be left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tyro.constructors import PrimitiveConstructorSpec

from experiments.harness.errors import InputError, shortened

T = TypeVar("T")

_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MACHINE = 2**63


def option(
    flag: str, need: str, read: Callable[[str], T], *, metavar: str
) -> PrimitiveConstructorSpec[T]:
    """Return the type of an option with one value, which `read` makes from its word.

    `read` raises ValueError for a bad word; the user then reads "`flag` must be `need`; got ...".
    An `InputError` of its own passes as it is.
    """

    def value(words: list[str]) -> T:
        if not words:
            raise InputError(f"{flag} must be {need}; got nothing.")
        return _read(flag, need, read, words[0])

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=value,
        is_instance=lambda _: True,
        str_from_instance=lambda default: [_shown(default)],
    )


def options(
    flag: str, need: str, read: Callable[[str], T], *, metavar: str
) -> PrimitiveConstructorSpec[tuple[T, ...]]:
    """Return the type of an option with one or several values, each made by `read`."""

    def values(words: list[str]) -> tuple[T, ...]:
        if not words:
            raise InputError(f"{flag} must be {need}, or several; got nothing.")
        return tuple(_read(flag, need, read, word) for word in words)

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{metavar} [{metavar} ...]",
        instance_from_str=values,
        is_instance=lambda _: True,
        str_from_instance=lambda default: [_shown(value) for value in default or (None,)],
    )


def integer(
    flag: str, *, at_least: int | None = None, at_most: int | None = None
) -> PrimitiveConstructorSpec[int]:
    """Return the type of a whole number in [at_least, at_most] and below 2^63."""
    return option(flag, _integer_need(at_least, at_most), _integer(at_least, at_most), metavar="N")


def integers(
    flag: str, *, at_least: int | None = None, at_most: int | None = None
) -> PrimitiveConstructorSpec[tuple[int, ...]]:
    """Return the type of one or several whole numbers in [at_least, at_most]."""
    return options(flag, _integer_need(at_least, at_most), _integer(at_least, at_most), metavar="N")


def real(
    flag: str,
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> PrimitiveConstructorSpec[float]:
    """Return the type of a finite number in the interval from low to high.

    `open_low` and `open_high` leave an end out; None is no limit.
    """
    return option(flag, *_real(low, high, open_low, open_high), metavar="X")


def reals(
    flag: str,
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> PrimitiveConstructorSpec[tuple[float, ...]]:
    """Return the type of one or several such numbers."""
    return options(flag, *_real(low, high, open_low, open_high), metavar="X")


def text(flag: str, *, metavar: str = "TEXT") -> PrimitiveConstructorSpec[str]:
    """Return the type of a text that is not empty."""

    def read(word: str) -> str:
        if not word.strip():
            raise ValueError(word)
        # Bytes that are no text arrive as lone surrogates, which no file of a run can hold.
        word.encode()
        return word

    return option(flag, "a text", read, metavar=metavar)


def choice(flag: str, names: Sequence[str]) -> PrimitiveConstructorSpec[str]:
    """Return the type of one of the names."""
    return option(flag, *_one_of(names), metavar="{" + ",".join(names) + "}")


def choices(flag: str, names: Sequence[str]) -> PrimitiveConstructorSpec[tuple[str, ...]]:
    """Return the type of one or several of the names."""
    return options(flag, *_one_of(names), metavar="NAME")


def path(flag: str, *, metavar: str = "PATH") -> PrimitiveConstructorSpec[Path]:
    """Return the type of a path; whether it can be used is seen when it is."""

    def read(word: str) -> Path:
        if not word.strip():
            raise ValueError(word)
        word.encode()
        return Path(word)

    return option(flag, "a path", read, metavar=metavar)


def _read(flag: str, need: str, read: Callable[[str], T], word: str) -> T:
    try:
        return read(word)
    except ValueError:
        raise InputError(f"{flag} must be {need}; got {shortened(word)}.") from None


def _one_of(names: Sequence[str]) -> tuple[str, Callable[[str], str]]:
    """What is needed, in words, and what reads it."""

    def read(word: str) -> str:
        if word not in names:
            raise ValueError(word)
        return word

    return (f"one of {', '.join(names)}" if len(names) > 1 else names[0]), read


def _shown(default: object) -> str:
    return "none" if default is None else str(default)


def _integer_need(at_least: int | None, at_most: int | None) -> str:
    if at_least is not None and at_most is not None:
        return f"an integer from {at_least} to {at_most}"
    if at_least is not None:
        return f"an integer, at least {at_least}"
    return "an integer" if at_most is None else f"an integer, at most {at_most}"


def _integer(at_least: int | None, at_most: int | None) -> Callable[[str], int]:
    def read(word: str) -> int:
        if not _INTEGER.fullmatch(word):
            raise ValueError(word)
        # Twenty digits pass 2^63; longer words would only take time to convert.
        digits = word.lstrip("+-").lstrip("0") or "0"
        value = int(digits[:20]) * (-1 if word.startswith("-") else 1)
        if not -_MACHINE <= value < _MACHINE:
            raise ValueError(word)
        if (at_least is not None and value < at_least) or (at_most is not None and value > at_most):
            raise ValueError(word)
        return value

    return read


def _real(
    low: float | None, high: float | None, open_low: bool, open_high: bool
) -> tuple[str, Callable[[str], float]]:
    """What is needed, in words, and what reads it."""

    def read(word: str) -> float:
        if not _REAL.fullmatch(word):
            raise ValueError(word)
        value = float(word)
        above = low is None or value > low or (value == low and not open_low)
        below = high is None or value < high or (value == high and not open_high)
        if not (math.isfinite(value) and above and below):
            raise ValueError(word)
        return value

    left = "(-inf" if low is None else f"{'(' if open_low else '['}{low:g}"
    right = "inf)" if high is None else f"{high:g}{')' if open_high else ']'}"
    bounded = low is not None or high is not None
    return (f"a number in {left}, {right}" if bounded else "a finite number"), read
