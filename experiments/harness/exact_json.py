"""JSON with exact integers of any size and without NaN, and configs as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from experiments.harness.experiment import C, Json


@contextmanager
def any_digits() -> Iterator[None]:
    """Lift Python's limit of 4300 digits on integers as text: a count may be longer."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def plain(value: object, where: str = "data") -> Json:
    """Return `value` as JSON: NumPy scalars become Python's, tuples and dataclasses are opened.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold; both name the
    place, as `data['lower']['count']`.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"`{where}` must be finite, or None with a reason; got {value}.")
        return value
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"`{where}` must have text as keys; got {key!r}.")
        return {key: plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name), f"{where}.{name}") for name in names}
    raise TypeError(f"`{where}` must be a JSON value; got {type(value).__name__}.")


def dumps(value: Json, *, indent: int | None = None) -> str:
    """Return the text of `value`; integers in full."""
    with any_digits():
        return json.dumps(value, indent=indent, allow_nan=False)


def loads(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is none, or holds NaN."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON value")

    with any_digits():
        try:
            return json.loads(text, parse_constant=refuse)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def config_json(config: C) -> dict[str, Json]:
    """Return the settings as JSON. Raises TypeError or ValueError for what would not survive."""
    return {
        field.name: plain(getattr(config, field.name), f"config.{field.name}")
        for field in dataclasses.fields(config)
    }


def config_from_json(kind: type[C], record: Mapping[str, Any]) -> C:
    """Return the config that a record holds: lists become tuples.

    Raises TypeError if the record has other fields than `kind`.
    """
    names = set(kind.__dataclass_fields__)
    if names != set(record):
        odd = ", ".join(sorted(names ^ set(record)))
        raise TypeError(f"its settings are not those of the present source ({odd})")
    return kind(**{name: _tuples(value) for name, value in record.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
