"""Training: the tied ReLU model's loss, ensembles to the bit."""

from __future__ import annotations

import logging
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from descent import Weights, leaves, same, slope, vectors_of
from numpy.typing import NDArray

from experiments.models import narrowing, noise, tied_relu, training
from experiments.models.tied_relu import TiedRelu, TiedReluTask
from experiments.models.training import State

FEATURES, NEURONS, MEMBERS = 16, 48, 8
# Every member has its own.
RATES = np.linspace(0.02, 0.05, MEMBERS)
PENALTIES = np.linspace(0.1, 0.3, MEMBERS)
KURTOSIS = np.linspace(-1.5, 3, MEMBERS)
KINDS = [("proximal", None), ("proximal", "laplace"), ("adamw", None), ("adamw", "three-point")]
# Of a float32.
UNIT = 2.0**-24


def _settings(count: int, others: float = 1.0) -> tied_relu.Setting:
    """Settings of the first `count` members; those after the second are multiplied by `others`."""
    factor = np.where(np.arange(count) < 2, 1.0, others)
    return tied_relu.settings(
        count,
        rate=RATES[:count] * factor,
        penalty=PENALTIES[:count] * factor,
        noise=0.1 * factor,
        kurtosis=KURTOSIS[:count] * factor,
    )


def _start(task: TiedReluTask, count: int, others: float = 1.0) -> State:
    keys = training.member_keys(jax.random.key(0), count)
    states: State = training.ensemble(keys, task, _settings(count, others))
    return states


def _first_two(state: State) -> list[NDArray[Any]]:
    return [leaf[:2] for leaf in leaves(state)]


def _weights(features: int = 6, neurons: int = 20) -> NDArray[np.float32]:
    weights = np.random.default_rng(0).standard_normal((features, neurons), np.float32)
    weights[2] = 0
    return weights / np.float32(np.sqrt(neurons))


def _loss(weights: Weights, disturbance: Weights) -> float:
    hidden = weights + disturbance
    return sum(
        (max(float(hidden[i] @ weights[j]), 0) - (i == j)) ** 2
        for i in range(len(weights))
        for j in range(len(weights))
    )


def _allowed(weights: Weights, disturbance: Weights) -> Weights:
    """What float32 may lose of a gradient: sums of m, then of n products, each with a rounding."""
    features, neurons = weights.shape
    size, hidden = np.abs(weights), np.abs(weights) + np.abs(disturbance)
    error = hidden @ size.T + np.eye(features)
    per = 2 * (neurons + features + 6) * UNIT
    return np.asarray(per * (error @ size + error.T @ hidden))


def test_basis_loss_and_its_gradient() -> None:
    weights = _weights()
    exact, still = weights.astype(np.float64), np.zeros((6, 20))
    gram = exact @ exact.T
    assert (gram < 0).any()
    assert gram[2, 2] == 0

    def plain(vectors: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(jax.nn.relu(vectors @ vectors.T) - jnp.eye(6)))

    value, found = jax.value_and_grad(tied_relu.basis_loss)(jnp.asarray(weights))
    assert float(value) == pytest.approx(_loss(exact, still), rel=(20 + 36 + 4) * UNIT)
    assert float(tied_relu.basis_loss(jnp.asarray(weights))) == float(value)
    expected, allowed = slope(exact, still), _allowed(exact, still)
    assert (np.abs(np.asarray(found) - expected) <= allowed).all()
    assert (np.abs(np.asarray(jax.grad(plain)(jnp.asarray(weights))) - expected) <= allowed).all()
    # The row of zeros stays, and the others do not.
    assert (np.abs(found).max(axis=1) > 100 * allowed.max()).tolist() == [True] * 2 + [False] + [
        True
    ] * 3
    assert (np.asarray(found)[2] == 0).all()
    # What comes from above passes through.
    tripled = jax.grad(lambda vectors: 4 * tied_relu.basis_loss(vectors))(jnp.asarray(weights))
    np.testing.assert_array_equal(np.asarray(tripled), 4 * np.asarray(found))


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_noisy_loss_and_its_gradient(scale: float) -> None:
    weights = _weights()
    disturbance = scale * np.random.default_rng(1).standard_normal((6, 20)).astype(np.float32)
    exact, moved = weights.astype(np.float64), disturbance.astype(np.float64)

    def loss(vectors: jax.Array) -> jax.Array:
        return tied_relu.noisy_loss(TiedRelu(vectors), jnp.asarray(disturbance, jnp.float32))

    value, found = jax.value_and_grad(loss)(jnp.asarray(weights))
    # Sums of 20 products and 36 squares, and the sum of weights and noise.
    assert float(value) == pytest.approx(_loss(exact, moved), rel=(20 + 36 + 8) * UNIT)
    allowed = _allowed(exact, moved)
    assert (np.abs(np.asarray(found) - slope(exact, moved)) <= allowed).all()
    if scale == 0:
        basis = tied_relu.basis_loss(jnp.asarray(weights))
        assert float(value) == pytest.approx(float(basis), rel=2 * (20 + 36 + 8) * UNIT)


def test_the_output() -> None:
    weights = _weights()
    generator = np.random.default_rng(2)
    inputs = generator.standard_normal((3, 6)).astype(np.float32)
    disturbance = generator.standard_normal((3, 20)).astype(np.float32)
    model = TiedRelu(jnp.asarray(weights))
    for given, hidden in (
        (None, inputs.astype(np.float64) @ weights),
        (jnp.asarray(disturbance), inputs.astype(np.float64) @ weights + disturbance),
    ):
        expected = np.maximum(hidden @ weights.T.astype(np.float64), 0)
        assert 0 < (expected == 0).sum() < expected.size
        # Sums of 6, then of 20 products.
        allowed = 30 * UNIT * ((np.abs(inputs) @ np.abs(weights) + 4) @ np.abs(weights).T)
        assert (np.abs(np.asarray(model(jnp.asarray(inputs), given)) - expected) <= allowed).all()


def test_settings_are_columns() -> None:
    found = tied_relu.settings(3, rate=[1, 2, 3], penalty=0.5, start=[2, 0, 1])
    assert [np.asarray(leaf).tolist() for leaf in found] == [
        [2, 0, 1],
        [1, 2, 3],
        [0.5] * 3,
        [0] * 3,
        [0] * 3,
    ]
    assert [leaf.dtype for leaf in found] == [jnp.int32] + [jnp.float32] * 4


def test_member_keys_do_not_depend_on_their_number() -> None:
    many, few = (
        np.asarray(jax.random.key_data(training.member_keys(jax.random.key(3), count)))
        for count in (5, 2)
    )
    np.testing.assert_array_equal(many[:2], few)
    assert len({tuple(key) for key in many.tolist()}) == 5
    alone = jax.random.fold_in(jax.random.key(3), 4)
    np.testing.assert_array_equal(many[4], np.asarray(jax.random.key_data(alone)))


def test_repeated_keys_pair_members() -> None:
    keys = training.member_keys(jax.random.key(3), 2)
    one, two = np.asarray(jax.random.key_data(keys)).tolist()
    found = training.repeated(keys, 3)
    assert found.shape == (6,)
    assert np.asarray(jax.random.key_data(found)).tolist() == [one, two] * 3


def test_steps_are_those_of_a_loop_with_noise_of_their_own() -> None:
    task = TiedReluTask(6, 20, noise="laplace", observed="weights")
    (setting,) = (jax.tree.map(lambda leaf: leaf[0], _settings(1)),)
    state, trace = training.train(jax.random.key(1), task, setting, 4, 1)
    begun = training.init(jax.random.key(1), task, setting)
    weights = vectors_of(begun).astype(np.float64)
    rate, penalty = float(setting.rate), float(setting.penalty)
    allowed = np.zeros((6, 20))
    for step in range(4):
        key = jax.random.fold_in(begun.key, step)
        unit = noise.draw("laplace", key, (6, 20), setting.kurtosis)
        disturbance = np.asarray(setting.noise * unit, np.float64)
        # Earlier errors grow by less than 1 + rate·|second derivative| < 3 a step.
        allowed = 3 * allowed.max() + rate * _allowed(weights, disturbance) + 4 * UNIT
        moved = weights - rate * slope(weights, disturbance)
        weights = np.sign(moved) * np.maximum(np.abs(moved) - rate * penalty, 0)
        assert (np.abs(np.asarray(trace["vectors"])[step] - weights) <= allowed).all()
    assert allowed.max() < 1e-4
    assert int(state.step) == 4


def test_train_is_init_and_advance_in_pieces() -> None:
    task = TiedReluTask(6, 20, noise="laplace")
    (setting,) = (jax.tree.map(lambda leaf: leaf[0], _settings(1)),)
    whole, trace = training.train(jax.random.key(1), task, setting, 3, 4)
    advance = jax.jit(training.advance, static_argnames=("task", "records", "every"))
    state = jax.jit(training.init, static_argnames="task")(jax.random.key(1), task, setting)
    state, first = advance(state, task, 1, 4)
    state, second = advance(state, task, 2, 4)
    assert same(state, whole)
    assert int(whole.step) == 12
    for key, values in trace.items():
        assert values.shape == (3,)
        pieces = np.concatenate([np.asarray(first[key]), np.asarray(second[key])])
        np.testing.assert_array_equal(np.asarray(values), pieces)


@pytest.mark.parametrize(("descent", "kind"), KINDS)
def test_members_do_not_depend_on_the_ensemble(descent: str, kind: str | None) -> None:
    task = TiedReluTask(FEATURES, NEURONS, descent=descent, noise=kind)
    many, trace = training.advance_all(_start(task, MEMBERS), task, 2, 50)
    few, few_trace = training.advance_all(_start(task, 2), task, 2, 50)
    others, _ = training.advance_all(_start(task, MEMBERS, others=0.5), task, 2, 50)
    assert same(_first_two(many), _first_two(few))
    assert same(_first_two(many), _first_two(others))
    assert not np.array_equal(vectors_of(many)[2:], vectors_of(others)[2:])
    for key in ("count", "one"):
        np.testing.assert_array_equal(trace[key][:2], few_trace[key])
    # A mean that is only looked at may be summed in another order: 16 roundings.
    np.testing.assert_allclose(few_trace["alignment"], trace["alignment"][:2], rtol=16 * UNIT)


@pytest.mark.parametrize(("descent", "kind"), [KINDS[0], KINDS[3]])
def test_groups_change_no_member(descent: str, kind: str | None) -> None:
    task = TiedReluTask(FEATURES, NEURONS, descent=descent, noise=kind)
    many, trace = training.advance_all(_start(task, MEMBERS), task, 2, 50)
    grouped, grouped_trace = training.advance_all(_start(task, MEMBERS), task, 2, 50, group=2)
    assert same(many, grouped)
    for key in ("count", "one"):
        np.testing.assert_array_equal(trace[key], grouped_trace[key])
    np.testing.assert_allclose(grouped_trace["alignment"], trace["alignment"], rtol=16 * UNIT)


def test_an_ensemble_in_pieces() -> None:
    task = TiedReluTask(FEATURES, NEURONS)
    states, trace = training.advance_all(_start(task, 2), task, 2, 50)
    pieces, first = training.advance_all(_start(task, 2), task, 1, 50)
    pieces, second = training.advance_all(pieces, task, 1, 50)
    assert same(states, pieces)
    for key in trace:
        both = np.concatenate([np.asarray(first[key]), np.asarray(second[key])], axis=1)
        np.testing.assert_array_equal(np.asarray(trace[key]), both)


def test_what_an_ensemble_records() -> None:
    for observed in ("counts", "course", "weights"):
        task = TiedReluTask(FEATURES, NEURONS, observed=observed)
        states, trace = training.advance_all(_start(task, 2), task, 2, 50)
        assert np.asarray(states.step).tolist() == [100, 100]
        vectors = vectors_of(states)
        last = {key: np.asarray(values)[:, -1] for key, values in trace.items()}
        size = np.abs(vectors.astype(np.float64))
        # Sums of 16 or 48 positive terms.
        loose = 100 * UNIT
        if observed == "counts":
            assert {key: values.shape for key, values in trace.items()} == dict.fromkeys(
                ("count", "one", "alignment"), (2, 2)
            )
            assert last["count"].tolist() == ((size > 0.5).sum(axis=1) >= 2).sum(axis=1).tolist()
            np.testing.assert_allclose(
                last["one"], ((size > 0.5).sum(axis=2) == 1).mean(axis=1), loose
            )
            # Some neurons are shared by now, and some features have one neuron.
            assert last["count"].max() > 0 < last["one"].max() < 1
            shares = (size**4).sum(axis=2) / (size**2).sum(axis=2) ** 2
            np.testing.assert_allclose(last["alignment"], shares.mean(axis=1), loose)
        elif observed == "course":
            assert set(trace) == {"norm", "nonzeros"}
            assert trace["norm"].shape == trace["nonzeros"].shape == (2, 2, FEATURES)
            np.testing.assert_allclose(last["norm"], size.sum(axis=2), loose)
            np.testing.assert_array_equal(last["nonzeros"], (size > 0).sum(axis=2))
            assert 0 < (size == 0).sum() < size.size
        else:
            assert trace["vectors"].shape == (2, 2, FEATURES, NEURONS)
            np.testing.assert_array_equal(last["vectors"], vectors)


def test_the_module_of_a_state() -> None:
    task = TiedReluTask(6, 20, noise="laplace")
    (setting,) = (jax.tree.map(lambda leaf: leaf[0], _settings(1)),)
    state, trace = training.train(jax.random.key(1), task, setting, 3, 4)
    model = training.module(state, task)
    assert isinstance(model, TiedRelu)
    np.testing.assert_array_equal(np.asarray(model.vectors[...]), vectors_of(state))
    assert int(task.observe(model, setting)["count"]) == int(trace["count"][-1])


def test_members_may_start_differently() -> None:
    task = TiedReluTask(6, 20, starts=("non-negative", "random"))
    given = tied_relu.settings(2, rate=0.1, penalty=0.1, start=[1, 0])
    keys = training.member_keys(jax.random.key(0), 2)
    found = vectors_of(training.ensemble(keys, task, given))
    assert (found[0] < 0).any()
    assert (found[1] >= 0).all()


def _compiled(caplog: pytest.LogCaptureFixture) -> int:
    count = sum("Finished XLA compilation" in record.message for record in caplog.records)
    caplog.clear()
    return count


def test_a_second_call_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        for place, others in enumerate((1.0, 0.5)):
            # Another task, equal to the one before.
            task = TiedReluTask(5, 9)
            states = _start(task, 3, others)
            states, _ = training.advance_all(states, task, 2, 3)
            narrowing.advance(states, task, 2, 3)
            setting = jax.tree.map(lambda leaf: leaf[0], _settings(1, others))
            training.train(jax.random.key(place), task, setting, 2, 3)
            assert (_compiled(caplog) > 0) == (place == 0)
