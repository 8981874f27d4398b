"""Some rows, and the rows less a mean, of a source against NumPy's indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geometry import rows
from geometry.rows import Centred, Held, RowSource, Selected

MATRIX = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)


class Counted:
    """Rows that remember what was asked for."""

    def __init__(self, matrix: NDArray[Any]) -> None:
        self.matrix = matrix
        self.shape = matrix.shape
        self.asked: list[int] = []

    def rows(self, which: slice) -> NDArray[Any]:
        found = self.matrix[which]
        self.asked.append(len(found))
        return found


def test_all_are_rows() -> None:
    held = Held(MATRIX)
    wrappers = (Selected(held, np.array([1])), Centred(held, np.zeros(6)))
    for source in (held, *wrappers):
        assert isinstance(source, RowSource)
        assert rows.of(source) is source
        assert source.rows(slice(None)).shape == source.shape


@given(
    st.lists(st.integers(0, 39), unique=True).map(sorted), st.integers(0, 40), st.integers(0, 40)
)
def test_selected(which: list[int], start: int, stop: int) -> None:
    indices = np.array(which, np.int64)
    for gap in (0, 12, 1 << 14):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "_GAP", gap)
            source = Counted(MATRIX)
            found = Selected(source, indices).rows(slice(start, stop))
        np.testing.assert_array_equal(found, MATRIX[indices[start:stop]])
        # A gap of `gap` entries is as many rows of 6.
        for asked in source.asked:
            assert asked <= 2 * len(found) + gap // 6
        assert len(source.asked) <= max(1, len(found))


def test_selected_reads_what_is_near_together() -> None:
    source = Counted(np.arange(600_000.0).reshape(300_000, 2))
    # Each gap is of at most 2^14 entries, or it is a read of its own.
    near = np.array([0, 8000, 200_000, 200_001, 201_000])
    np.testing.assert_array_equal(Selected(source, near).rows(slice(None))[:, 0], 2 * near)
    assert source.asked == [8001, 1001]
    # One row in ten thousand is left out: one read.
    source = Counted(np.zeros((30_000, 1)))
    most = np.delete(np.arange(30_000), [10_000, 20_000])
    assert Selected(source, most).rows(slice(None)).shape == (29_998, 1)
    assert source.asked == [30_000]


def test_selected_refuses() -> None:
    with pytest.raises(ValueError, match=r"^`which` must be indices that rise; got 3, then 3\.$"):
        Selected(Held(MATRIX), np.array([3, 3]))
    for bad in ([-1, 2], [2, 40]):
        with pytest.raises(ValueError, match=r"^`which` must lie in 0 to 39; got "):
            Selected(Held(MATRIX), np.array(bad))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint64])
def test_centred(dtype: Any) -> None:
    values = (10 * MATRIX).astype(dtype)
    mean = values.mean(axis=0, dtype=np.float64)
    found = Centred(Held(values), mean)
    centred = found.rows(slice(3, 9))
    assert centred.dtype == np.float64
    np.testing.assert_array_equal(centred, values[3:9].astype(np.float64) - mean)
    assert Centred(Held(values), mean.astype(np.float32)).rows(slice(3)).dtype == np.float64
    with pytest.raises(ValueError, match=r"^`mean` must have shape \(6,\); got \(5,\)\.$"):
        Centred(Held(values), np.zeros(5))


def test_wrappers_of_wrappers() -> None:
    which = np.array([0, 2, 3, 5])
    mean = MATRIX.T[which].mean(axis=0, dtype=np.float64)
    found = Centred(Selected(Held(MATRIX.T), which), mean)
    expected = MATRIX.T[which].astype(np.float64) - mean
    np.testing.assert_array_equal(found.rows(slice(1, 4)), expected[1:4])
