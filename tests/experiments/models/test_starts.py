"""Starts of the weights: one draw behind all of them, and what each makes of it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.models import starts

NAMES = tuple(starts.STARTS)
# As many neurons as they need, and too few.
SIZES = [(6, 8), (10, 4)]


def _make(name: str, features: int, neurons: int, seed: int = 0) -> NDArray[np.float32]:
    place = jnp.int32(NAMES.index(name))
    return np.array(starts.make(NAMES, place, jax.random.key(seed), features, neurons))


def _draw(features: int, neurons: int, seed: int = 0) -> NDArray[np.float32]:
    normal = jax.random.normal(jax.random.key(seed), (features, neurons))
    return np.asarray(normal / np.float32(np.sqrt(neurons)))


def _spread(draw: NDArray[np.float32], gain: float) -> NDArray[np.float64]:
    """Row after row takes, of the neurons taken least, the one where it is largest."""
    rows = draw.astype(np.float64)
    taken = [0] * rows.shape[1]
    for row in rows:
        free = [c for c in range(len(row)) if taken[c] == min(taken)]
        chosen = max(free, key=lambda c: abs(row[c]))
        largest = max(range(len(row)), key=lambda c: abs(row[c]))
        row[[chosen, largest]] = row[[largest, chosen]]
        row[chosen] *= gain
        taken[chosen] += 1
    return rows


def test_names() -> None:
    assert NAMES == (
        "random",
        "orthonormal",
        "collision-free",
        "margin",
        "non-negative",
        "planted-opposite",
        "planted-same",
    )
    assert set(NAMES[4:]) == starts.STEEP


@pytest.mark.parametrize(("features", "neurons"), SIZES)
def test_all_starts_come_from_one_normal_draw(features: int, neurons: int) -> None:
    draw = _draw(features, neurons)
    for name in NAMES:
        found = _make(name, features, neurons)
        assert found.shape == (features, neurons)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.asarray(starts.STARTS[name](jnp.asarray(draw))))
    np.testing.assert_array_equal(_make("random", features, neurons), draw)
    np.testing.assert_array_equal(_make("non-negative", features, neurons), np.abs(draw))


def test_the_draw_has_variance_one_over_the_neurons() -> None:
    draws = np.stack([_make("random", 6, 8, seed) for seed in range(50)])
    squares = 8 * draws.astype(np.float64) ** 2
    # Four deviations of the mean of 2400 squares, sqrt(2/2400) each.
    assert abs(squares.mean() - 1) < 4 * np.sqrt(2 / squares.size)
    assert abs(draws.mean()) < 4 / np.sqrt(8 * draws.size)


def test_orthonormal_rows() -> None:
    rows = _make("orthonormal", 6, 8).astype(np.float64)
    # Householder's QR is orthogonal to a few times n roundings of 2^-24.
    np.testing.assert_allclose(rows @ rows.T, np.eye(6), atol=8 * 6 * 2.0**-24)
    # They span what the draw's rows do, first, first and second, and so on.
    draw = _draw(6, 8).astype(np.float64)
    product = draw @ rows.T
    np.testing.assert_allclose(np.triu(product, 1), 0, atol=8 * 6 * 2.0**-24)


def test_orthonormal_rows_prefer_no_sign() -> None:
    place = jnp.int32(NAMES.index("orthonormal"))
    keys = jax.random.split(jax.random.key(5), 400)
    made = jax.vmap(lambda key: starts.make(NAMES, place, key, 6, 8))(keys)
    negative = np.mean(np.asarray(made) < 0, axis=0)
    # A fair coin over 400 keys, at 4.5 standard errors for 48 entries.
    assert np.abs(negative - 0.5).max() < 4.5 * 0.5 / 20


def test_orthonormal_columns_where_rows_cannot_be() -> None:
    rows = _make("orthonormal", 10, 4).astype(np.float64)
    np.testing.assert_allclose(rows.T @ rows, 10 / 4 * np.eye(4), atol=8 * 10 * 2.0**-24)
    assert (rows**2).sum(axis=1).mean() == pytest.approx(1, abs=8 * 10 * 2.0**-24)


@pytest.mark.parametrize(("features", "neurons"), SIZES)
@pytest.mark.parametrize(("name", "gain"), [("collision-free", 1.0), ("margin", 1.5)])
def test_spread_starts_are_those_of_a_loop(
    features: int, neurons: int, name: str, gain: float
) -> None:
    draw = _make("random", features, neurons)
    # Factors of 1 and 1.5, the second rounded once.
    np.testing.assert_allclose(_make(name, features, neurons), _spread(draw, gain), rtol=2.0**-24)


@pytest.mark.parametrize(("features", "neurons"), SIZES)
def test_spread_features_have_neurons_of_their_own(features: int, neurons: int) -> None:
    for seed in range(20):
        draw = _make("random", features, neurons, seed)
        free = _make("collision-free", features, neurons, seed)
        # The weights of every row are the draw's, in another order.
        np.testing.assert_array_equal(np.sort(free, axis=1), np.sort(draw, axis=1))
        # Two places change, or none.
        assert set((free != draw).sum(axis=1).tolist()) <= {0, 2}
        largest = np.abs(free).argmax(axis=1)
        carried = np.bincount(largest, minlength=neurons)
        # One each where there is room, and evenly many where there is not.
        assert carried.max() - carried.min() <= 1
        assert carried.max() == -(-features // neurons)
        margin = _make("margin", features, neurons, seed)
        rows = np.arange(features)
        np.testing.assert_array_equal(np.abs(margin).argmax(axis=1), largest)
        np.testing.assert_array_equal(margin[rows, largest], np.float32(1.5) * free[rows, largest])
        margin[rows, largest] = free[rows, largest]
        np.testing.assert_array_equal(margin, free)


@pytest.mark.parametrize(("features", "neurons"), SIZES)
@pytest.mark.parametrize(("name", "sign"), [("planted-opposite", -1), ("planted-same", 1)])
def test_planted_pairs_share_a_neuron(features: int, neurons: int, name: str, sign: int) -> None:
    for seed in range(20):
        draw = _make("random", features, neurons, seed)
        found = _make(name, features, neurons, seed)
        np.testing.assert_array_equal(found[2:], draw[2:])
        shared, own = np.abs(draw[:2]).argmax(axis=1)
        assert np.abs(found[:2]).argmax(axis=1).tolist() == [shared, shared]
        assert np.sign(found[0, shared] * found[1, shared]) == sign
        expected = draw[:2].copy()
        expected[0, shared] *= np.float32(starts.PLANTED)
        expected[1, own] = draw[1, shared]
        strength = np.float32(starts.PLANTED) * np.abs(draw[1, own])
        expected[1, shared] = sign * np.sign(draw[0, shared]) * strength
        np.testing.assert_array_equal(found[:2], expected)
    assert starts.PLANTED == 3


def test_members_may_differ_in_their_start() -> None:
    names = ("margin", "random", "planted-same")
    # The same key three times.
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(5), jnp.zeros(3, jnp.int32))
    together = jax.vmap(lambda place, key: starts.make(names, place, key, 6, 8))(
        jnp.arange(3), keys
    )
    for place, name in enumerate(names):
        key = jax.random.fold_in(jax.random.key(5), 0)
        alone = starts.make((name,), jnp.int32(0), key, 6, 8)
        np.testing.assert_array_equal(np.asarray(together[place]), np.asarray(alone))
