"""Picked latents, and what scaling them does, on autoencoders made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments import steering_recovered
from experiments.harness.errors import InputError
from experiments.harness.run import main
from experiments.models import dictionary_learning, training
from experiments.models.dictionary_learning import DictionaryTask
from experiments.models.synthetic_activations import ActivationLaw
from experiments.steering import EXPERIMENT
from experiments.steering_config import Config
from experiments.steering_recovered import Autoencoder, pick, settled, steer_latents

Rows = NDArray[np.float32]
DIM = 8


def handmade(rows: Rows, active: int, *, length: float = 1.0) -> Autoencoder:
    """An autoencoder with these rows, decoder rows `length` long and encoder rows as much less."""
    latents, dim = rows.shape
    task = DictionaryTask(ActivationLaw(latents, active), dim, latents, slots=active, batch=4)
    settings = dictionary_learning.settings(
        jnp.asarray(rows)[None], sparsity=active, rate=0.01, steps=10
    )
    states = training.ensemble(jax.random.key(0)[None], task, settings)
    state = jax.tree.map(lambda leaf: leaf[0], states)
    state.params["decoder"][...] = jnp.asarray(rows * length, jnp.float32)
    state.params["encoder"][...] = jnp.asarray(rows / length, jnp.float32)
    return Autoencoder(state, task, np.ones(10))


def planted(rows: Rows, cosine: float) -> Rows:
    """Directions with that cosine with each of orthogonal rows, the rest along the next one."""
    rest = np.sqrt(1 - cosine**2) * np.roll(rows, 1, axis=0)
    return np.asarray(cosine * rows + rest, np.float32)


def test_trainings_settle_when_they_are_long_and_their_recovery_stands_still() -> None:
    one = handmade(np.eye(DIM, dtype=np.float32), 3)
    one = one._replace(state=one.state._replace(step=jnp.int32(1000)))
    rising = one._replace(course=np.linspace(0, 0.9, 10))
    assert settled(Config(rate=0.01), [one, one])
    assert not settled(Config(rate=0.009), [one, one])
    assert not settled(Config(rate=0.01), [rising, rising])


def test_a_perfect_autoencoder_scales_its_target_alone() -> None:
    rows = np.eye(DIM, dtype=np.float32)
    config = Config(amplitude=1.5, active=3)
    targets = np.array([5, 0, 2])
    one = handmade(rows, 3, length=2.0)
    picked = pick(one.decoder, one.living, rows, targets)
    assert picked.latents.tolist() == [5, 0, 2]
    assert picked.recovered.all()
    found = steer_latents(config, one, rows, targets, picked, jax.random.key(1))
    for setting in ("alone", "company"):
        for name, expected in (("reading", 1), ("code", 1), ("on", 0), ("latents", 0)):
            np.testing.assert_allclose(found[setting][name], expected, rtol=1e-5)


@pytest.mark.parametrize("cosine", [0.95, 0.8])
def test_known_cosines(cosine: float) -> None:
    rows = np.eye(DIM, dtype=np.float32)
    one = handmade(planted(rows, cosine)[::-1], 1)
    targets = np.arange(DIM)
    picked = pick(one.decoder, one.living, rows, targets)
    np.testing.assert_array_equal(picked.latents, DIM - 1 - targets)
    np.testing.assert_allclose(picked.cosines, cosine, rtol=1e-6)
    assert picked.recovered.all() == (cosine > 0.9)
    found = steer_latents(Config(active=1), one, rows, targets, picked, jax.random.key(1))["alone"]
    # The latent reads c a, and adds 9 c a along its row: c of that to the target, the rest to one.
    np.testing.assert_allclose(found["reading"], (1 + 9 * cosine**2) / 10, rtol=1e-5)
    np.testing.assert_allclose(found["code"], cosine, rtol=1e-5)
    np.testing.assert_allclose(found["on"], 1 / (DIM - 1), rtol=1e-6)
    assert not found["latents"].any()


def test_dead_latents_are_not_picked() -> None:
    rows = np.eye(4, dtype=np.float32)
    decoder = np.concatenate([rows, planted(rows, 0.95), planted(rows, 0.8)]).astype(np.float64)
    living = np.arange(12) >= 4
    living[4] = False
    picked = pick(decoder, living, rows, np.arange(4))
    assert picked.recovered.tolist() == [False, True, True, True]
    assert picked.latents.tolist() == [8, 5, 6, 7]
    np.testing.assert_allclose(picked.cosines, [0.8, 0.95, 0.95, 0.95])


def test_one_latent_recovers_one_feature_only() -> None:
    # Both features lie within .9 of the same latent; the other picks it without being recovered.
    rows = np.array([[1, 0.1, 0], [1, -0.1, 0]], np.float32)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    picked = pick(np.eye(3)[:1], np.array([True]), rows, np.arange(2))
    assert sorted(picked.recovered) == [False, True]
    assert picked.latents.tolist() == [0, 0]


def test_training_that_ran_away_is_refused() -> None:
    one = handmade(np.eye(4, dtype=np.float32), 1)
    one.hold(0.1)
    one.state.params["decoder"][...] = jnp.full((4, 4), jnp.nan)
    with pytest.raises(InputError, match="--rate must be small enough"):
        one.hold(0.1)


def test_large_dictionaries_are_not_trained_on_unless_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.steering_config.LARGEST", 20)
    monkeypatch.setattr("experiments.steering_theory.reference", lambda *_: [])
    np.save(tmp_path / "w.npy", np.eye(5, dtype=np.float32))
    words = ["--file", str(tmp_path / "w.npy"), "--seeds", "2"]
    assert main(EXPERIMENT, [*words, "--json", "--quiet", "--out", str(tmp_path)]) in (0, 1)
    answer = json.loads(capsys.readouterr().out)
    assert steering_recovered.ARM not in answer["arms"]
    assert (
        "No autoencoders were trained on 5 features in 5 dimensions; --samples" in answer["notice"]
    )
    assert next(c for c in answer["claims"] if c["id"] == "C16")["verdict"] == "not run"
