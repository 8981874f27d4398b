"""The matrix of an audit: found in its file, streamed from it, raw or centred."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import InputError, shortened

if TYPE_CHECKING:
    from experiments.harness.arrays import Listed
    from geometry.gram_moments import GramMoments
    from geometry.rows import RowSource

__all__ = ["VIEWS", "View", "centred", "held", "is_matrix", "listed", "opened", "units", "view"]

VIEWS = ("raw", "centred")
# A centred row this much shorter than the mean row is what rounding left of it.
_ROUNDING = 1e-10
_IN_MEMORY = 1 << 30
_READ = 1 << 24


@dataclass(frozen=True, eq=False)
class View:
    """Directions of the matrix, zero rows left out, with their exact moments.

    `rows` `[n, d]` are not of unit length; `index` `[n]` says which rows of the matrix they are.
    """

    name: str
    rows: RowSource
    index: NDArray[np.int64]
    moments: GramMoments

    @property
    def count(self) -> int:
        """Number of directions."""
        return len(self.index)


def listed(path: str) -> list[Listed]:
    """Return the arrays of a file.  Raises ArrayFileError where it is none."""
    from experiments.harness.arrays import ArrayFile

    with ArrayFile(path) as file:
        return file.describe()


def is_matrix(one: Listed) -> bool:
    """Whether an array can be audited, as far as its shape goes."""
    return not one.trouble and len(one.shape) == 2 and min(one.shape) >= 2


@contextmanager
def opened(path: str, tensor: str | None, axis: str) -> Iterator[tuple[Listed, RowSource]]:
    """Open the matrix of a file, its directions as rows.

    The one that is named, or else the only one that the file holds.  Raises InputError.
    """
    from experiments.harness.arrays import ArrayFile, Listed
    from geometry.rows import Transposed

    name = _only(path, listed(path)) if tensor is None else tensor
    with ArrayFile(path) as file:
        source = file[name]
        shape = source.shape
        if len(shape) != 2 or min(shape) < 2:
            raise InputError(
                f"FILE must hold a matrix, both sides at least 2; got {shortened(path, 200)}: "
                f"{shortened(name)} has shape {shape}."
            )
        count, dim = shape if axis == "rows" else shape[::-1]
        if count < 3:
            raise InputError(f"FILE must hold at least 3 {axis}; got {count}.")
        # In step with geometry.gram_moments, by a test: importing it here would slow refusals.
        if min(count, dim) > 1 << 14:
            raise InputError(
                f"FILE must have a matrix with the smaller side at most {1 << 14:,}; "
                f"got shape {shape}."
            )
        given = Listed(name, shape, source.kind)
        yield given, source if axis == "rows" else Transposed(source)


def _only(path: str, found: list[Listed]) -> str:
    matrices = [one.name for one in found if is_matrix(one)]
    if len(matrices) == 1:
        return matrices[0]
    if not matrices and len(found) == 1:
        return found[0].name  # its trouble is told when it is opened
    names = shortened(", ".join(one.name for one in found) or "nothing", 200)
    need = "name a matrix" if matrices else "name a matrix, and none can be read"
    raise InputError(f"--tensor must {need}; {shortened(path, 200)} holds {names}.")


def held(source: RowSource) -> RowSource:
    """Return the rows in memory where they take less than 1 GiB, since they are read many times."""
    from geometry.rows import Held

    first = source.rows(slice(0, 1))
    if math.prod(source.shape) * first.dtype.itemsize > _IN_MEMORY:
        return source
    size = max(1, _READ // source.shape[1])
    parts = [source.rows(slice(at, at + size)) for at in range(0, source.shape[0], size)]
    return Held(np.concatenate(parts))


def centred(of: View) -> tuple[RowSource, float]:
    """Return the rows of a raw view less their mean, and the length below which one is zero."""
    from geometry.rows import Centred

    mean = of.moments.mean_row
    return Centred(of.rows, mean), _ROUNDING * float(np.linalg.norm(mean))


def view(name: str, rows: RowSource, index: NDArray[np.int64], moments: GramMoments) -> View:
    """Return the rows that the moments did not find to be zero; `index` `[n]` names the rows."""
    from geometry.rows import Selected

    if not len(moments.zero):
        return View(name, rows, index, moments)
    there = np.delete(np.arange(len(index)), moments.zero)
    return View(name, Selected(rows, there), index[there], moments)


def units(rows: RowSource, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return some rows divided by their norms, `[m, d]`; `which` rises."""
    from geometry.rows import Selected

    chosen: Any = Selected(rows, which).rows(slice(0, len(which)))
    wide = np.asarray(chosen, np.float64)
    wide = wide / np.abs(wide).max(axis=1, keepdims=True)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), np.float64)
