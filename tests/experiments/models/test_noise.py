"""Every kind of noise has mean 0, variance 1 and the kurtosis it says."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.models import noise

COUNT = 1 << 16

# E x^2, E x^4, E x^6, E x^8 for variance 1: 3^k/(2k + 1), (2k - 1)!! and (2k)!/2^k.
MOMENTS = {
    "bipolar": (1.0, 1.0, 1.0, 1.0),
    "uniform": (1.0, 9 / 5, 27 / 7, 9.0),
    "gaussian": (1.0, 3.0, 15.0, 105.0),
    "laplace": (1.0, 6.0, 90.0, 2520.0),
}


def _draw(kind: str, kurtosis: float = 0.0, seed: int = 0) -> NDArray[np.float64]:
    values = noise.draw(kind, jax.random.key(seed), (COUNT,), jnp.float32(kurtosis))
    assert values.dtype == jnp.float32
    return np.asarray(values, np.float64)


def _has_moments(values: NDArray[np.float64], even: tuple[float, ...]) -> None:
    expected = {power: 0.0 if power % 2 else even[power // 2 - 1] for power in range(1, 9)}
    for power in range(1, 5):
        # Four deviations of the mean of x^k, and two roundings of every x to float32: 2k of x^k.
        spread = math.sqrt((expected[2 * power] - expected[power] ** 2) / len(values))
        found = np.mean(values**power)
        rounding = 8 * 2.0**-24 * max(1.0, expected[2 * power])
        assert abs(found - expected[power]) < 4 * spread + rounding


@pytest.mark.parametrize("kind", list(MOMENTS))
def test_each_kind_has_its_moments(kind: str) -> None:
    values = _draw(kind)
    _has_moments(values, MOMENTS[kind])
    assert noise.KURTOSIS[kind] == pytest.approx(MOMENTS[kind][1] - 3, rel=1e-15)
    # The kurtosis given is of no effect.
    np.testing.assert_array_equal(values, _draw(kind, 5.0))
    # Neighbours do not go together, and another key draws anew: four deviations, 1/sqrt(N) each.
    for other in (np.roll(values, 1), _draw(kind, seed=1)):
        assert abs(np.mean(values * other)) < 4 / math.sqrt(COUNT)


@pytest.mark.parametrize("kurtosis", [-2.0, -1.2, 0.0, 3.0, 20.0])
def test_the_three_point_family_has_any_kurtosis(kurtosis: float) -> None:
    values = _draw("three-point", kurtosis)
    size = math.sqrt(kurtosis + 3)
    _has_moments(values, (1.0, size**2, size**4, size**6))
    # 0 or ±sqrt(k + 3), to two roundings.
    near = np.round(values / size)
    assert set(near.tolist()) <= {-1, 0, 1}
    np.testing.assert_allclose(values, near * size, rtol=4 * 2.0**-24)


def test_the_flattest_of_the_family_is_bipolar() -> None:
    assert set(_draw("three-point", -2.0).tolist()) == {-1, 1}
    assert set(_draw("bipolar").tolist()) == {-1, 1}
    assert np.abs(_draw("uniform")).max() <= math.sqrt(3)


def test_members_may_differ_in_kurtosis() -> None:
    keys = jax.random.split(jax.random.key(2), 3)
    kurtosis = jnp.array([-1.0, 1.0, 6.0])
    together = jax.vmap(lambda key, one: noise.draw("three-point", key, (4, 5), one))(
        keys, kurtosis
    )
    assert together.shape == (3, 4, 5)
    for member in range(3):
        alone = noise.draw(
            "three-point", jax.random.split(jax.random.key(2), 3)[member], (4, 5), kurtosis[member]
        )
        np.testing.assert_array_equal(np.asarray(together[member]), np.asarray(alone))


def test_kinds_have_their_names() -> None:
    assert list(noise.NOISES) == ["bipolar", "uniform", "gaussian", "laplace", "three-point"]
    # Ordered by what they have, but for the family, which has any.
    assert [*noise.KURTOSIS, "three-point"] == list(noise.NOISES)
    assert sorted(noise.KURTOSIS.values()) == list(noise.KURTOSIS.values())
