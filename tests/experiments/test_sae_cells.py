"""What is measured on autoencoders: moments, readings, recovery, absorption, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments import ensembles, sae_cells
from experiments.harness.parts import Parts
from experiments.harness.progress import Progress
from experiments.models import dictionary_learning, synthetic_activations, training
from experiments.models.dictionary_learning import DictionaryTask
from experiments.models.synthetic_activations import ActivationLaw
from experiments.models.training import State
from experiments.sae_config import Config

DIM, FEATURES, BATCH, BATCHES = 6, 12, 64, 8
TASK = DictionaryTask(ActivationLaw(FEATURES, 2), DIM, FEATURES, "topk", slots=2, batch=BATCH)
Rows = NDArray[np.float64]


def _rows(count: int = 1) -> NDArray[np.float32]:
    drawn = np.random.default_rng(0).standard_normal((count, FEATURES, DIM))
    drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
    return drawn.astype(np.float32)


def _states(count: int = 1) -> State:
    given = dictionary_learning.settings(_rows(count), sparsity=2, rate=0.01, steps=10)
    states: State = training.ensemble(training.member_keys(jax.random.key(1), count), TASK, given)
    return states


@pytest.fixture(scope="module")
def state() -> State:
    """A member before its training, whose decoder has nothing to do with its dictionary."""
    return training.member(_states(), 0)


def _samples(state: State) -> tuple[Rows, Rows, Rows]:
    """Inputs `[s, d]`, codes `[s, m]`, amplitudes `[s, n]` of all batches, by another road."""
    model = training.module(state, TASK)
    found = [
        dictionary_learning.sampled(model, state, TASK, jax.numpy.uint32(place))
        for place in range(BATCHES)
    ]
    inputs, codes, truth = (
        np.concatenate([np.asarray(one[part], np.float64).T for one in found], axis=1).T
        for part in range(3)
    )
    codes = np.concatenate([np.asarray(one[1], np.float64) for one in found], axis=1).T
    return inputs, codes, truth


def test_moments_are_those_of_the_samples(state: State) -> None:
    sums = sae_cells._summed(state, TASK, range(BATCHES))
    inputs, codes, truth = _samples(state)
    # Inputs are the amplitudes times the dictionary.
    dictionary = np.asarray(state.setting.dictionary, np.float64)
    np.testing.assert_allclose(inputs, truth @ dictionary, atol=1e-5)
    decoder = np.asarray(state.params["decoder"][...], np.float64)
    left = inputs - codes @ decoder
    count = BATCHES * BATCH
    # Sums of 512 float32 numbers of order 1.
    assert sums["error"] == pytest.approx((left**2).sum(), rel=1e-4)
    np.testing.assert_allclose(sums["code_products"], codes.T @ truth, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(sums["fires"], (codes > 0).sum(axis=0))
    variance = ((inputs - inputs.mean(axis=0)) ** 2).sum()
    found = sae_cells._restored(sums, count)
    assert found["explained"] == pytest.approx(1 - (left**2).sum() / variance, rel=1e-3)
    assert found["active"] == pytest.approx((codes > 0).sum(axis=1).mean())
    # Squared correlations by NumPy.
    fire = codes.std(axis=0) > 0
    assert fire.sum() > 6
    whole = np.corrcoef(codes[:, fire].T, truth.T)[: fire.sum(), fire.sum() :] ** 2
    shares = sae_cells._shares(sums, "code", "codes", count)
    np.testing.assert_allclose(shares[fire], whole, atol=1e-4)
    assert (shares[~fire] == 0).all()


def test_units_that_never_change_read_nothing(state: State) -> None:
    sums = sae_cells._summed(state, TASK, range(2))
    sums["codes"][0] = sums["code_squares"][0] = 0
    sums["code_products"][0] = 0
    shares = sae_cells._shares(sums, "code", "codes", 2 * BATCH)
    assert (shares[0] == 0).all()
    assert np.isfinite(shares).all()


@pytest.mark.parametrize(
    "law",
    [
        ActivationLaw(FEATURES, 3, "fixed", spread=0.8),
        ActivationLaw(FEATURES, 2.5, "independent", alpha=1.0, spread=0.0),
    ],
)
def test_covariance_of_amplitudes(law: ActivationLaw) -> None:
    count = 1 << 16
    drawn = synthetic_activations.draw(jax.random.key(3), law, count)
    amplitudes = np.asarray(synthetic_activations.dense(drawn, FEATURES, count), np.float64)
    theory = synthetic_activations.covariance(law)
    assert theory is not None
    # Errors of entries: products of order 1, five standard errors of 2^16 samples.
    np.testing.assert_allclose(np.cov(amplitudes.T), theory, atol=5 * 1.0 / 256)
    # The mean over pairs is known better, since its terms are nearly independent.
    off = ~np.eye(FEATURES, dtype=bool)
    assert np.cov(amplitudes.T)[off].mean() == pytest.approx(theory[off].mean(), abs=0.003)


def test_grouped_features_have_no_covariance_here() -> None:
    law = ActivationLaw(FEATURES, 3, "hierarchical", group=4, strength=0.5)
    assert synthetic_activations.covariance(law) is None


def test_the_law_of_the_best_neuron(state: State) -> None:
    # Exactly, from the amplitudes' covariance: the variance of a sum of parts.
    law = ActivationLaw(FEATURES, 3, "fixed", spread=0.8)
    covariance = synthetic_activations.covariance(law)
    assert covariance is not None
    rows = np.asarray(state.setting.dictionary, np.float64)
    wanted = []
    for i in range(FEATURES):
        shares = []
        for c in range(DIM):
            shared = sum(covariance[i, j] * rows[j, c] for j in range(FEATURES))
            own = rows[:, c] @ covariance @ rows[:, c]
            shares.append(shared**2 / own / covariance[i, i])
        wanted.append(max(shares))
    found = sae_cells.best_neuron(state, law)
    assert found is not None
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    # A neuron that nothing is written to reads nothing.
    dictionary = state.setting.dictionary.at[:, 0].set(0)
    without = state._replace(setting=state.setting._replace(dictionary=dictionary))
    found = sae_cells.best_neuron(without, law)
    assert found is not None
    assert ((found > 0) & (found < 1)).all()


def test_a_perfect_autoencoder_recovers_and_reads_all() -> None:
    config = Config(dim=DIM, features=FEATURES, active=1, evaluations=BATCH * 24, batch=BATCH)
    task = DictionaryTask(ActivationLaw(FEATURES, 1), DIM, FEATURES, slots=1, batch=BATCH)
    given = dictionary_learning.settings(_rows(2), sparsity=1, rate=0.01, steps=10)
    states = training.ensemble(training.member_keys(jax.random.key(1), 2), task, given)
    rows = jax.numpy.asarray(_rows(2))
    params = jax.tree.map(lambda leaf: rows if leaf.shape == rows.shape else leaf, states.params)
    cell = sae_cells.Cell(states._replace(params=params), task, 0, np.zeros((2, 1)))
    found = sae_cells.measure(config, cell)
    for key in ("recovery", "precision", "f1", "mcc", "mmcs", "uniqueness"):
        assert found[key]["mean"] == pytest.approx(1), key
    assert found["explained"]["mean"] == pytest.approx(1, abs=1e-5)
    assert found["latent_reading"]["mean"] == pytest.approx(1, abs=1e-5)
    assert found["latents_reading"]["mean"] == 1
    assert found["neuron_reading"]["mean"] < 0.9
    assert found["features: recovered"]["mean"] == FEATURES
    assert found["latents: dead"]["mean"] == 0


def test_parents_of_a_dictionary_with_sums_for_children_are_absorbed() -> None:
    config = Config(evaluations=BATCH * BATCHES, batch=BATCH)
    law = ActivationLaw(FEATURES, 2, "hierarchical", group=2, strength=0.5, spread=0.0)
    task = DictionaryTask(law, FEATURES, FEATURES, slots=2, batch=BATCH)
    basis = np.eye(FEATURES, dtype=np.float32)[None]
    given = dictionary_learning.settings(basis, sparsity=2, rate=0.01, steps=10)
    states = training.ensemble(training.member_keys(jax.random.key(1), 1), task, given)
    # A child's latent lies along child and parent; the parent's fires only without the child.
    sums = basis.copy()
    sums[0, 1::2] = (basis[0, 1::2] + basis[0, ::2]) / np.sqrt(2)
    encoder = basis.copy()
    encoder[0, 1::2] *= np.sqrt(2)
    encoder[0, ::2] -= basis[0, 1::2]
    values = {"decoder": sums, "encoder": encoder}
    params = states.params
    for key, value in values.items():
        params[key] = params[key].replace(jax.numpy.asarray(value))
    cell = sae_cells.Cell(states._replace(params=params), task, 0, np.zeros((1, 1)))
    found = sae_cells.absorbed(config, cell)
    assert found["parents"]["mean"] == 1
    assert found["absorbed"]["mean"] == 1
    assert found["absorbed"]["interval"] is None  # one seed


def test_counters_go_on_where_a_run_was_killed(tmp_path: Path) -> None:
    task = DictionaryTask(TASK.law, DIM, FEATURES, "batch-topk", slots=2, batch=BATCH, window=3)
    given = dictionary_learning.settings(_rows(2), sparsity=2, rate=0.01, steps=12)

    def train(parts: Parts) -> ensembles.Trained:
        keys = training.member_keys(jax.random.key(1), 2)
        return ensembles.train(
            Progress(quiet=True, parts=parts),
            "some",
            task,
            keys,
            given,
            records=4,
            every=3,
            chunks=4,
        )

    whole = train(Parts())
    parts = Parts(tmp_path)
    saved, saves = parts.save, []

    def save(name: str, arrays: dict[str, NDArray[Any]]) -> None:
        saved(name, arrays)
        saves.append(name)
        if len(saves) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensembles, "SAVE_SECONDS", 0.0)
        patch.setattr(parts, "save", save)
        with pytest.raises(KeyboardInterrupt):
            train(parts)
    again = train(Parts(tmp_path))
    for one, two in zip(
        jax.tree.leaves((whole.states.params, whole.states.rest)),
        jax.tree.leaves((again.states.params, again.states.rest)),
        strict=True,
    ):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))
    assert int(again.states.rest["done"][...][0]) == 12
    np.testing.assert_array_equal(again.trace["best"], whole.trace["best"])
