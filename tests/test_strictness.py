"""The settings of conftest.py are in force."""

import warnings

import jax
import jax.numpy as jnp
import pytest


def test_tests_run_on_four_devices() -> None:
    assert jax.device_count() == 4


def test_ranks_are_not_promoted() -> None:
    with pytest.raises(ValueError, match="rank_promotion"):
        jnp.zeros((2, 3)) + jnp.zeros(3)


def test_keys_are_not_reused() -> None:
    key = jax.random.key(0)
    jax.random.normal(key)
    with pytest.raises(jax.errors.KeyReuseError):
        jax.random.normal(key)


def test_warnings_are_errors() -> None:
    with pytest.raises(UserWarning, match="a warning"):
        warnings.warn("a warning", stacklevel=1)
