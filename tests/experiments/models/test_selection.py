"""Selections against NumPy's sort: heavy tails, ties, scales that mislead, rooms of every size."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.models import selection

Values = NDArray[np.float32]

ROWS = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


largest = jax.jit(selection.largest, static_argnames="count")
largest_of_all = jax.jit(selection.largest_of_all, static_argnames="most")
true_places = jax.jit(selection.true_places, static_argnames="room")


def _families(shape: tuple[int, int]) -> dict[str, Values]:
    """Arrays of different laws; the first row of each would mislead whoever looks at it alone."""
    generator = np.random.default_rng(len(shape) + shape[1])
    normal = generator.standard_normal(shape)
    scales = np.exp(8 * generator.standard_normal((shape[0], 1)))
    lonely, huge = np.full(shape, -1.0), normal.copy()
    lonely[-1] = generator.random(shape[1])
    huge[-1, 0], huge[0] = 3e38, -3e38
    found = {
        "normal": normal,
        "negative": -np.abs(normal),
        "Cauchy": generator.standard_cauchy(shape),
        "log-normal": np.exp(20 * normal),
        "rows of other scales": normal * scales,
        "all in the last row": lonely,
        "one almost infinite": huge,
        "three values": generator.integers(0, 3, shape),
        "few ones": generator.random(shape) < 0.01,
        "every row twice": normal[np.arange(shape[0]) // 2],
        "equal": np.full(shape, -2.5),
        "zeros": np.zeros(shape),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


# Narrow; wide; as many as go in groups, and one more; groups that do not come out even.
@pytest.mark.parametrize(
    ("shape", "count"),
    [((3, 5), 5), ((5, 1024), 8), ((2, 1024), 64), ((2, 1024), 65), ((2, 1030), 8), ((3, 1040), 1)],
)
def test_the_largest_of_each_row(shape: tuple[int, int], count: int) -> None:
    for name, values in _families(shape).items():
        found = np.asarray(largest(values, count=count))
        assert found.shape == (shape[0], count)
        assert all(len(set(row)) == count for row in found.tolist()), name
        picked = np.take_along_axis(values, found, axis=1)
        np.testing.assert_array_equal(picked, -np.sort(-values, axis=1)[:, :count], name)
        if len(set(values.ravel().tolist())) == values.size:
            np.testing.assert_array_equal(found, jax.lax.top_k(values, count)[1], name)


def test_infinite_entries_of_a_row() -> None:
    values = np.random.default_rng(0).standard_normal((2, 1024)).astype(np.float32)
    values[0, [3, 700]], values[1, :1020] = np.inf, -np.inf
    found = np.asarray(largest(values, count=8))
    assert set(found[0, :2].tolist()) == {3, 700}
    # Four are finite; the others are as good as any.
    assert set(found[1, :4].tolist()) == {1020, 1021, 1022, 1023}
    assert len(set(found[1].tolist())) == 8


def _assert_largest(values: Values, number: int, most: int, name: str = "") -> None:
    """The places are those of the largest, rising, and of ties the first."""
    found = np.asarray(largest_of_all(values, jnp.int32(number), most=most))
    assert found.shape == (most,), name
    order = np.argsort(-values.ravel(), kind="stable")[:number]
    np.testing.assert_array_equal(found[:number], np.sort(order), name)
    assert (found[number:] == values.size).all(), name


# Some rows probed, all rows probed; as many as there are; sizes that are no multiple of 32.
@pytest.mark.parametrize(("shape", "most"), [((150, 96), 450), ((7, 64), 5), ((3, 5), 15)])
def test_the_largest_of_all(shape: tuple[int, int], most: int) -> None:
    for name, values in _families(shape).items():
        for number in sorted({0, 1, most // 3, most - 1, most}):
            _assert_largest(values, number, most, f"{name}, {number}")


def test_the_largest_of_many() -> None:
    # Floats of 23 bits, so that some tie.
    values = np.asarray(jax.random.normal(jax.random.key(0), (512, 512)))
    assert len(np.unique(values)) < values.size
    for number in (4096, 4000):
        _assert_largest(values, number, 4096)


def test_infinite_entries_of_all() -> None:
    values = _families((7, 64))["normal"]
    values[2, [5, 9]], values[3:] = np.inf, -np.inf
    _assert_largest(values, 5, 5)
    _assert_largest(values, 1, 5)
    # Fewer are finite than are sought: those are found, and no infinitely negative one.
    values[:3] = -np.inf
    values[6, 60:63] = [1, np.inf, 2]
    found = np.asarray(largest_of_all(values, jnp.int32(5), most=5))
    np.testing.assert_array_equal(found, [6 * 64 + 60, 6 * 64 + 61, 6 * 64 + 62, 448, 448])
    values[6] = -np.inf
    found = np.asarray(largest_of_all(values, jnp.int32(5), most=5))
    np.testing.assert_array_equal(found, [448] * 5)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    st.lists(st.one_of(ROWS, st.sampled_from([-1.0, 0.0, 1.0])), min_size=15, max_size=15),
    st.integers(0, 15),
)
def test_the_largest_of_any(values: list[float], number: int) -> None:
    # Of the two zeros neither is larger.
    _assert_largest(np.array(values, np.float32).reshape(3, 5) + 0, number, 15)


def test_members_side_by_side() -> None:
    family = _families((7, 64))
    several = np.stack([family[name] for name in ("normal", "three values", "log-normal")])
    numbers = jnp.array([5, 3, 0])
    together = jax.jit(jax.vmap(partial(selection.largest_of_all, most=5)))(several, numbers)
    for values, number, found in zip(several, numbers, together, strict=True):
        alone = largest_of_all(values, number, most=5)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(alone))


@pytest.mark.parametrize(("shape", "room"), [((40, 33), 100), ((4, 96), 384), ((3, 5), 40)])
def test_the_true_places(shape: tuple[int, int], room: int) -> None:
    generator = np.random.default_rng(3)
    edges = np.zeros(shape, bool)
    edges.flat[[0, -1]] = True
    masks = [generator.random(shape) < share for share in (0, 0.01, 0.05, 0.5, 0.95, 1)]
    block = np.zeros(shape, bool)
    block[1:3] = True
    for mask in [*masks, edges, ~edges, block, ~block]:
        found = np.asarray(true_places(mask, room=room))
        expected = np.flatnonzero(mask)[:room]
        np.testing.assert_array_equal(found[: len(expected)], expected)
        assert (found[len(expected) :] == mask.size).all()
        assert found.shape == (room,)


def test_weights_by_rank() -> None:
    generator = np.random.default_rng(8)
    values = generator.standard_normal((9, 5)).astype(np.float32)
    weights = np.array([1.0, 0.75, 0.25, 0.0], np.float32)
    found = np.asarray(selection.by_rank(jnp.asarray(values), jnp.asarray(weights)))
    rank = np.argsort(np.argsort(-values, axis=0), axis=0)
    wanted = np.where(rank < len(weights), weights[np.minimum(rank, len(weights) - 1)], 0)
    # Sums of differences of the weights.
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    # Entries that tie have one rank; with fewer distinct entries than weights none is left over.
    tied = jnp.array([[2.0], [2.0], [1.0], [-jnp.inf]])
    found = np.asarray(selection.by_rank(tied, jnp.asarray(weights)))[:, 0]
    np.testing.assert_allclose(found[:3], [1, 1, 0.75], atol=1e-6)
