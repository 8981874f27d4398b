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
    from experiments.harness.arrays import ArrayRows, Listed
    from geometry.gram_moments import GramMoments
    from geometry.rows import RowSource

__all__ = [
    "VIEWS",
    "View",
    "centred",
    "directions",
    "hold_directions",
    "is_matrix",
    "listed",
    "opened",
    "units",
    "view",
]

VIEWS = ("raw", "centred")
# Unit roundoff of the types of files; whole numbers are exact, but the mean is in float64.
_FLOAT64 = 2.0**-53
_ROUNDOFF = {
    "float32": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
    "float8_e4m3": 2.0**-4,
    "float8_e5m2": 2.0**-3,
}
_SPARE = 8
_IN_MEMORY = 1 << 30
_ENTRIES = 1 << 22


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
def opened(path: str, tensor: str | None, axis: str) -> Iterator[tuple[Listed, ArrayRows]]:
    """Open the matrix of a file: the one that is named, or else the only one that the file holds.

    `axis` says which are the directions.  Raises InputError.
    """
    from experiments.harness.arrays import ArrayFile, Listed

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
        yield Listed(name, shape, source.kind), source


def _only(path: str, found: list[Listed]) -> str:
    matrices = [one.name for one in found if is_matrix(one)]
    if len(matrices) == 1:
        return matrices[0]
    if not matrices and len(found) == 1:
        return found[0].name  # its trouble is told when it is opened
    names = shortened(", ".join(one.name for one in found) or "nothing", 200)
    need = "name a matrix" if matrices else "name a matrix, and none can be read"
    raise InputError(f"--tensor must {need}; {shortened(path, 200)} holds {names}.")


@contextmanager
def directions(source: ArrayRows, axis: str) -> Iterator[RowSource]:
    """Give the directions as rows, in memory where they take at most 1 GiB: all are read often."""
    from experiments.harness import turned_rows
    from geometry.rows import Held

    by_columns = axis == "columns"
    if math.prod(source.shape) * source.dtype.itemsize <= _IN_MEMORY:
        yield Held(turned_rows.held(source, by_columns=by_columns))
    elif by_columns:
        with turned_rows.turned(source) as rows:
            yield rows
    else:
        yield source


def hold_directions(of: View) -> None:
    """Raise InputError where a row of a view is zero, as happens if its file was written to."""
    size = max(1, _ENTRIES // of.moments.dim)
    for start in range(0, of.count, size):
        block = of.rows.rows(slice(start, min(start + size, of.count)))
        there = (block != 0).any(axis=1)
        if not there.all():
            raise _changed(of, start + int(np.argmin(there)))


def _changed(of: View, place: int) -> InputError:
    return InputError(
        f"FILE must stay as it is while it is read; direction {of.index[place]} became zero."
    )


def centred(of: View, kind: str) -> tuple[RowSource, float]:
    """Return the rows of a raw view less their mean, and the length up to which one is zero.

    `kind` is the type of the numbers in the file.
    """
    from geometry.rows import Centred

    mean, norms = of.moments.mean_row, of.moments.norms[of.index]
    # A row x that ought to be the mean m is off by up to u|x| as stored, u the roundoff of its
    # type, and is as long as m but for that.  The computed mean is off by a few roundings in
    # float64 of rows that may be longer than m.
    stored = _ROUNDOFF.get(kind, _FLOAT64) * math.hypot(*mean.tolist())
    computed = _SPARE * _FLOAT64 * float((norms / len(norms)).sum())
    return Centred(of.rows, mean), stored + computed


def view(name: str, rows: RowSource, index: NDArray[np.int64], moments: GramMoments) -> View:
    """Return the rows that the moments did not find to be zero; `index` `[n]` names the rows."""
    from geometry.rows import Selected

    if not len(moments.zero):
        return View(name, rows, index, moments)
    there = np.delete(np.arange(len(index)), moments.zero)
    return View(name, Selected(rows, there), index[there], moments)


def units(of: View, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return some rows divided by their norms, `[m, d]`; `which` rises.  Raises InputError."""
    from geometry.rows import Selected

    chosen: Any = Selected(of.rows, which).rows(slice(0, len(which)))
    wide = np.asarray(chosen, np.float64)
    peak = np.abs(wide).max(axis=1, keepdims=True)
    if not peak.all():
        raise _changed(of, int(which[np.argmin(peak)]))
    wide = wide / peak
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), np.float64)
