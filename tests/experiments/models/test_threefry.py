"""Random words: the bits of JAX's own Threefry, and numbers that are uniform."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.errors import KeyReuseError
from jax.extend.random import threefry_2x32

from experiments.models import threefry


@pytest.mark.parametrize("shape", [(7,), (8, 5), (1,), (3, 0)])
def test_the_bits_of_jax(shape: tuple[int, ...]) -> None:
    key = jax.random.key(12345)
    found = np.asarray(threefry.bits(key, shape))
    size = int(np.prod(shape))
    half = (size + 1) // 2
    counters = jnp.concatenate([jnp.zeros(half, jnp.uint32), jnp.arange(half, dtype=jnp.uint32)])
    data = jax.random.key_data(jax.random.key(12345))
    expected = np.asarray(threefry_2x32(data, counters))[:size].reshape(shape)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(7,), (8, 5), (3, 0)])
def test_the_numbers_of_jax(shape: tuple[int, ...]) -> None:
    for draw in (
        jax.random.bits,
        jax.random.uniform,
        jax.random.normal,
        jax.random.rademacher,
        jax.random.laplace,
    ):
        found = np.asarray(draw(threefry.unrolled(jax.random.key(12345)), shape))
        expected = np.asarray(draw(jax.random.key(12345), shape))
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_words_of_other_widths_too() -> None:
    found = jax.random.bits(threefry.unrolled(jax.random.key(1)), (5,), "uint16")
    expected = jax.random.bits(jax.random.key(1), (5,), "uint16")
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_a_key_of_another_generator_stays() -> None:
    key = jax.random.key(0, impl="rbg")
    assert threefry.unrolled(key) is key


def test_a_key_is_used_up() -> None:
    key = jax.random.key(0)
    threefry.unrolled(key)
    with pytest.raises(KeyReuseError):
        threefry.unrolled(key)
    with pytest.raises(KeyReuseError):
        jax.jit(lambda key: (threefry.unrolled(key), threefry.unrolled(key)))(jax.random.key(0))


def test_a_published_vector() -> None:
    # Random123's known answers for threefry2x32 with 20 rounds: zeros, ones, digits of pi.
    ones = 2**32 - 1
    for key, counter, expected in (
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ones, ones), (ones, ones), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ):
        words = threefry.hashed(
            jnp.array(key, jnp.uint32), *(jnp.array(one, jnp.uint32) for one in counter)
        )
        assert tuple(int(word) for word in words) == expected


def test_uniform_numbers() -> None:
    count = 1 << 18
    found = np.asarray(threefry.uniform(jax.random.key(3), (2, count // 2)), np.float64).ravel()
    assert found.min() >= 0
    assert found.max() < 1
    np.testing.assert_array_equal(found * 2**24, np.round(found * 2**24))
    # Chi-squared over 256 bins: mean 255, standard deviation 22.6; five of them.
    counts = np.bincount((found * 256).astype(int), minlength=256)
    assert abs(np.sum((counts - count / 256) ** 2) / (count / 256) - 255) < 5 * 22.6
    # Neighbours and the two halves of a block are uncorrelated: standard deviation 1/√n.
    for other in (np.roll(found, 1), np.roll(found, count // 2)):
        assert abs(np.corrcoef(found, other)[0, 1]) < 5 / np.sqrt(count / 2)
    # Another key, other numbers.
    assert np.mean(np.asarray(threefry.uniform(jax.random.key(4), (8,))) == found[:8]) < 1
