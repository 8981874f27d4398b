"""The law of all cosines against the whole Gram matrix in float64."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geometry import rounding, spectrum

COUNT, DIM = 60, 24
TOLERANCE = rounding.float32_bound(DIM)


def _rows(seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((COUNT, DIM)).astype(np.float32)


def _cosines(vectors: NDArray[Any]) -> NDArray[np.float64]:
    unit = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1)[:, None]
    gram: NDArray[np.float64] = unit @ unit.T
    return gram


def _pairs(vectors: NDArray[Any]) -> NDArray[np.float64]:
    return _cosines(vectors)[np.triu_indices(len(vectors), 1)]


@pytest.mark.parametrize("block", [8, 1024])
def test_histogram_and_nearest(block: int) -> None:
    vectors = _rows()
    edges = np.linspace(-1, 1, 17)
    # The counts are exact when no pair lies within rounding of an edge.
    assert np.abs(_pairs(vectors)[:, None] - edges[None, :]).min() > TOLERANCE
    found = spectrum.spectrum(vectors, bins=8, block=block)
    np.testing.assert_array_equal(found.counts, np.histogram(_pairs(vectors), edges)[0])
    np.testing.assert_array_equal(
        found.absolute(), np.histogram(np.abs(_pairs(vectors)), edges[8:])[0]
    )
    others = np.abs(_cosines(vectors) - np.eye(COUNT) * _cosines(vectors))
    np.testing.assert_allclose(found.nearest, others.max(axis=1), rtol=0, atol=TOLERANCE)


def test_edges_belong_to_the_bin_beyond() -> None:
    # Signs: |cos| is exactly 0, 1/2 or 1 in float32.
    vectors = np.random.default_rng(2).choice(np.array([-1, 1], np.int8), (40, 4))
    exact = _pairs(vectors)
    found = spectrum.spectrum(vectors, bins=2)
    expected = [(exact == -1).sum() + (exact == -0.5).sum(), 0, (exact == 0).sum()]
    assert found.counts.tolist() == [*expected, (exact == 0.5).sum() + (exact == 1).sum()]


def test_the_same_on_any_devices_and_memory() -> None:
    plain = spectrum.spectrum(_rows(), block=8, devices=jax.devices()[:1])
    chosen = np.array([50, 3, 17, 20, 59, 0, 41, 8])
    some = spectrum.sampled(_rows(), chosen, groups=2, block=8, devices=jax.devices()[:1])
    few: dict[str, Any] = {"memory": 3 * 8 * DIM * 20, "devices": jax.devices()[:1]}
    choices: tuple[dict[str, Any], ...] = ({}, {"memory": 1}, few)
    for options in choices:
        other = spectrum.spectrum(_rows(), block=8, **options)
        np.testing.assert_array_equal(other.counts, plain.counts)
        np.testing.assert_array_equal(other.nearest, plain.nearest)
        again = spectrum.sampled(_rows(), chosen, groups=2, block=8, **options)
        np.testing.assert_array_equal(again.counts, some.counts)
        np.testing.assert_array_equal(again.nearest, some.nearest)


def test_some_rows_against_all() -> None:
    vectors, chosen = _rows(3), np.array([50, 3, 17, 20, 59, 0])
    edges = np.linspace(-1, 1, 17)
    found = spectrum.sampled(vectors, chosen, groups=3, bins=8)
    cosines = _cosines(vectors)
    for group, members in enumerate(chosen.reshape(3, 2)):
        others = [cosines[i, j] for i in members for j in range(COUNT) if i != j]
        np.testing.assert_array_equal(found.counts[group], np.histogram(others, edges)[0])
    np.fill_diagonal(cosines, 0)
    expected = np.abs(cosines).max(axis=1)[chosen]
    np.testing.assert_allclose(found.nearest, expected, rtol=0, atol=TOLERANCE)


@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=9).filter(any),
    level=st.floats(0, 1),
)
def test_quantiles(counts: list[int], level: float) -> None:
    # A value for each pair, in the middle of its bin.
    values = np.repeat((np.arange(len(counts)) + 0.5) / len(counts), counts)
    low, high = spectrum.quantile(np.array(counts), level)
    exact = np.quantile(values, level, method="inverted_cdf")
    below = np.quantile(values, max(level - 1e-9, 0), method="inverted_cdf")
    # Either side of a step, where rounding the level may fall.
    assert low <= exact <= high or low <= below <= high


def test_one_row_has_no_pairs() -> None:
    found = spectrum.spectrum(np.ones((1, 3)), bins=4)
    assert found.counts.tolist() == [0] * 8
    assert found.nearest.tolist() == [0]
    with pytest.raises(ValueError, match=r"^`counts` must hold a pair; got none\.$"):
        spectrum.quantile(found.absolute(), 0.5)


def test_refusals() -> None:
    for bins in (0, 2**20 + 1):
        with pytest.raises(ValueError, match=rf"^`bins` must lie in \[1, 2\^20\]; got {bins}\.$"):
            spectrum.spectrum(_rows(), bins=bins)
    with pytest.raises(ValueError, match=r"^`level` must lie in \[0, 1\]; got 1\.5\.$"):
        spectrum.quantile(np.ones(3, np.int64), 1.5)
    with pytest.raises(ValueError, match=r"^`groups` must divide the number of rows chosen; got 2"):
        spectrum.sampled(_rows(), np.arange(3), groups=2)
    for chosen in ([1, 1], [0, COUNT], [-1, 3]):
        with pytest.raises(ValueError, match=r"^`chosen` must be different rows among 60; got"):
            spectrum.sampled(_rows(), np.array(chosen), groups=1)
    broken = _rows()
    broken[17], broken[40, 2] = 0, np.nan
    for row, fault in ((17, "is zero"), (40, "is not")):
        with pytest.raises(ValueError, match=rf"; row {row} {fault}\.$"):
            spectrum.sampled(broken, np.array([3, row]), groups=1)
