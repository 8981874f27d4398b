"""Every family that the package holds, whole: three members each, all pairs in plain NumPy."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from geometry import catalogue, certify, constructions, exact
from geometry.constructions import families
from geometry.constructions.ternary import TernarySevenths
from geometry.packing import Packing

EXAMPLES = [packing for family in families() for packing in family.examples()]
IDS = [f"{type(one).__name__}-{one.dim}-{one.count}" for one in EXAMPLES]
README = Path(__file__).parents[2] / "README.md"
UNIT = 2.0**-53
_BLOCK = 2048


def test_every_family_is_complete() -> None:
    names = [family.name for family in families()]
    assert len(set(names)) == len(names) >= 20
    for family in families():
        # Of Trachtenberg's sequences one set only is small enough: the next has 8.5e11 n^2 d.
        assert len(family.examples()) >= (1 if family is TernarySevenths else 3), family
        assert family.reference, family
        assert not inspect.isabstract(family)


@pytest.mark.parametrize("packing", EXAMPLES, ids=IDS)
def test_all_pairs(packing: Packing) -> None:
    assert packing.count**2 * packing.dim <= 10**11
    unit = packing.rows(np.arange(packing.count)).unit()
    assert unit.shape == (packing.count, packing.dim)
    # Coordinates are right to 64 units, so products of rows are to 128 and the d additions.
    slack = (128 + packing.dim) * UNIT
    assert np.abs(np.einsum("nd,nd->n", unit, unit) - 1).max() <= slack
    largest = 0.0
    for start in range(0, packing.count, _BLOCK):
        gram = np.abs(unit[start : start + _BLOCK] @ unit[start:].T)
        gram[np.arange(len(gram)), np.arange(len(gram))] = 0
        largest = max(largest, float(gram.max()))
    assert largest <= float(packing.coherence) + slack
    assert largest < 1 - slack  # no two rows are parallel: the count is that of lines
    if packing.exact:
        assert largest >= float(packing.coherence) - slack
    assert (unit**2).max() <= float(packing.peak_square) + slack
    if packing.tight:
        frame = unit.T @ unit - packing.count / packing.dim * np.eye(packing.dim)
        assert np.abs(frame).max() <= packing.count * slack
    if packing.blocks is not None:
        weights = (unit**2).reshape(packing.count, packing.blocks, -1).sum(axis=2)
        assert np.abs(weights * packing.blocks - 1).max() <= packing.dim * slack


@pytest.mark.parametrize("packing", EXAMPLES, ids=IDS)
def test_rows_by_index(packing: Packing) -> None:
    whole = packing.rows(np.arange(packing.count))
    chosen = np.random.default_rng(packing.count).integers(0, packing.count, 23)
    some = packing.rows(chosen)
    # Float rows may come from products of matrices, whose sums depend on the number of rows.
    slack = 0 if some.squared_norms.all() else packing.dim * UNIT
    assert np.abs(some.values - whole.values[chosen]).max() <= slack
    assert np.array_equal(some.squared_norms, whole.squared_norms[chosen])
    assert packing.rows(np.arange(0)).values.shape == (0, packing.dim)


@pytest.mark.parametrize("packing", EXAMPLES, ids=IDS)
def test_certificates_of_the_examples(packing: Packing) -> None:
    finding = certify.certificate(packing, packing.coherence, most_operations=10**10).check()
    assert finding.holds
    assert finding.largest <= packing.coherence or finding.level is certify.Level.BY_THEOREM
    assert catalogue.build(packing.recipe()) == packing
    assert "\n" not in packing.words() + packing.proof


@pytest.mark.parametrize("family", families(), ids=lambda family: family.__name__)
def test_blow_ups_start_from_tight_frames(family: type[Packing]) -> None:
    for frame in family.tight_frames(600):
        assert frame.tight
        assert frame.count <= 600


def readme_family() -> str:
    """README's example of a construction."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    (found,) = (block for block in blocks if "(Packing)" in block)
    return str(found)


@pytest.fixture
def toy_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Packing]]:
    """A new family in a file of its own, found like all others, and forgotten afterwards."""
    (tmp_path / "diagonals.py").write_text(readme_family(), "utf-8")
    monkeypatch.setattr(constructions, "__path__", [*constructions.__path__, str(tmp_path)])
    caches = (constructions.families, catalogue.shelf)
    for cache in caches:
        cache.cache_clear()
    importlib.invalidate_caches()
    yield next(kind for kind in constructions.families() if kind.name == "diagonals")
    del sys.modules["geometry.constructions.diagonals"]
    delattr(constructions, "diagonals")
    for cache in caches:
        cache.cache_clear()


def test_a_family_is_added_by_one_file(toy_family: type[Packing]) -> None:
    third = exact.eps("1/3")
    assert toy_family in families()
    (member,) = toy_family.candidates(3, third)
    assert catalogue.build(member.recipe()) == member
    assert any(one == member for one in catalogue.largest_of_each(3, third))
    finding = certify.certificate(member, third).check()
    assert (finding.holds, finding.level) == (True, certify.Level.ALL_PAIRS)
    # R^3 holds exactly four such lines, so the search can take no better.
    assert catalogue.best(3, third).count == math.comb(4, 3)
