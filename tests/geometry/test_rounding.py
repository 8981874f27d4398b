"""Bounds on rounding against what rounding does."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from geometry import panels, rounding, rows, sphere
from geometry.rounding import round_down


def test_gamma() -> None:
    assert rounding.gamma(3, 0.25) == pytest.approx(0.75 / 0.25)
    assert rounding.gamma(4, 0.25) == np.inf
    # Lemma 3.3: gamma_j + gamma_k + gamma_j gamma_k <= gamma_{j+k}.
    j, k = rounding.gamma(500), rounding.gamma(12)
    assert j + k + j * k <= rounding.gamma(512)


@pytest.mark.parametrize("dim", [3, 64, 4096])
def test_bounds_hold_and_are_not_idle(dim: int) -> None:
    # Entries just above a power of two lose most in bfloat16, all in the same direction.
    generator = np.random.default_rng(dim)
    plain = generator.standard_normal((40, dim))
    skewed = np.abs(np.exp2(generator.integers(-2, 2, (40, dim)))) * (1 + 2.0**-8 - 2.0**-12)
    for values in (plain, skewed):
        sweep = panels.Sweep(rows.of(values), 8, narrow=True)
        (view,) = sweep.views()
        assert view.narrow is not None
        narrow = np.asarray(view.narrow.left, np.float64)[:40]
        exact = values / np.linalg.norm(values, axis=1)[:, None]
        error = np.abs(narrow @ narrow.T - exact @ exact.T)
        residual = np.repeat(view.residual[0], 8)[:40]
        bound = rounding.narrow_bound(dim, residual[:, None], residual[None, :])
        assert (error <= bound).all()
        measured = np.linalg.norm(narrow - np.asarray(view.plan.left, np.float64)[:40], axis=1)
        assert (measured <= residual * (1 + rounding.gamma(dim + 8))).all()
        assert residual.max() <= 1.01 * measured.max()
        single = np.asarray(sphere.normalise(values), np.float64)
        assert np.abs(single @ single.T - exact @ exact.T).max() <= rounding.float32_bound(dim)
    # Rounding to 8 bits: each entry by at most 2^-8 of itself.
    assert 0 < bound.max() <= 2.02 * 2.0**-8 + 3 * rounding.gamma(dim, 2.0**-23)


def test_narrow_rows_are_rounded_once() -> None:
    values = np.random.default_rng(1).standard_normal((8, 5)).astype(np.float32)
    (view,) = panels.Sweep(rows.of(values), 8, narrow=True).views()
    assert view.narrow is not None
    assert view.narrow.left.dtype == jnp.bfloat16
    unit = np.asarray(view.plan.left)
    np.testing.assert_array_equal(np.asarray(view.narrow.left), unit.astype(ml_dtypes.bfloat16))


def test_round_down_decides_like_full_precision() -> None:
    generator = np.random.default_rng(8)
    thresholds = np.concatenate([generator.random(200), [0.0, 0.5, 1.0, 0.05, 0.1]])
    nearby = thresholds.astype(np.float32)
    values = np.concatenate(
        [nearby, np.nextafter(nearby, np.float32(2)), np.nextafter(nearby, np.float32(-1))]
    )
    rounded = round_down(thresholds)
    assert rounded.dtype == np.float32
    exact = values.astype(np.float64)[:, None] > thresholds[None, :]
    np.testing.assert_array_equal(values[:, None] > rounded[None, :], exact)
