"""Amplitudes of synthetic activations stay finite at the ends of the uniform draws."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from experiments.models import synthetic_activations, threefry
from experiments.models.synthetic_activations import ActivationLaw


@pytest.mark.parametrize("word", [0, 2**32 - 1])
def test_the_ends_are_finite(word: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def bits(_key: object, shape: tuple[int, ...]) -> jax.Array:
        return jnp.full(shape, word, jnp.uint32)

    monkeypatch.setattr(threefry, "bits", bits)
    found = synthetic_activations.draw(jax.random.key(0), ActivationLaw(16, 2), 4)
    assert bool(jnp.isfinite(found.amplitude).all())
    assert float(found.amplitude.max()) < 3
