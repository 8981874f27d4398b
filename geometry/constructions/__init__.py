"""Families of explicit packings, one file each; every class is a `Packing`.

`families()` finds them: each module of this package that defines subclasses of `Packing` offers
them to the search. So a new family is one new file. Beside the families:

    field           finite fields
    galois_ring     additive characters of full strength, of polynomials over Galois rings
    matrix_powers   powers of matrices over finite rings
    torus           the elements of norm 1, and exponential sums on them
    binary          Walsh transforms and sign rows
    phases          complex lines as real ones
    golay           the binary Golay code and its octads
    steiner_systems blocks of points, any two points in one block
    admissible      the sizes that eps allows
    recorded        coherences from the table of maxima of character sums
    fillings        what a packing in a net's columns makes of the net
    tabled          what families share whose members come from a table
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
