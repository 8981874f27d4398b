"""The indices in the packages' docstrings name every module there is, and no other."""

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

import pytest

import geometry
from geometry import bounds, certify, constructions, decoders, moves


def modules(package: ModuleType) -> set[str]:
    return {one.name for one in pkgutil.iter_modules(package.__path__)}


def indexed(package: ModuleType) -> set[str]:
    """First words of the docstring's indented lines."""
    lines = (package.__doc__ or "").splitlines()
    return {line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "}


def files(package: ModuleType) -> set[str]:
    """Last words of the lines of a docstring's table, which end in a file's name."""
    lines = (package.__doc__ or "").splitlines()
    heads = {one.__name__ for one in moves.MOVES}
    return {line.split()[-1] for line in lines if line.split() and line.split()[0] in heads}


def helpers(package: ModuleType) -> set[str]:
    """The modules that hold no family."""
    own = {kind.__module__.rpartition(".")[2] for kind in constructions.families()}
    return modules(package) - own


@pytest.mark.parametrize(
    ("package", "listed", "there"),
    [
        (geometry, indexed, modules),
        (bounds, indexed, modules),
        (decoders, indexed, modules),
        (constructions, indexed, helpers),
        (moves, files, lambda package: modules(package) - {"leading"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_index_names_every_module(
    package: ModuleType,
    listed: Callable[[ModuleType], set[str]],
    there: Callable[[ModuleType], set[str]],
) -> None:
    assert listed(package) == there(package)


@pytest.mark.parametrize("package", [geometry, bounds, certify, constructions, decoders, moves])
def test_modules_say_what_they_export(package: ModuleType) -> None:
    for name in modules(package):
        module = importlib.import_module(f"{package.__name__}.{name}")
        # A package may be an index alone.
        assert hasattr(module, "__path__") or module.__all__, name
