"""Families of explicit packings, one file each; every class is a `Packing`.

`families()` finds them: each module of this package that defines subclasses of `Packing` offers
them to the search. So a new family is one new file. Beside the families: `field` (finite fields),
`binary` (Walsh transforms and sign rows), `phases` (complex lines as real ones), `admissible`
(the sizes that eps allows), `fillings` (the entries of a net's filling).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import lru_cache

from geometry.packing import Packing

__all__ = ["families"]


@lru_cache(maxsize=1)
def families() -> tuple[type[Packing], ...]:
    """All families, ordered by their modules' names and then as their files define them."""
    found: list[type[Packing]] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        contents = vars(importlib.import_module(f"{__name__}.{module.name}"))
        found += [
            value
            for value in contents.values()
            if inspect.isclass(value)
            and issubclass(value, Packing)
            and value.__module__ == f"{__name__}.{module.name}"
            and not inspect.isabstract(value)
        ]
    return tuple(found)
