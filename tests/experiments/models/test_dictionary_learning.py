"""Dictionary learning: settings, rate and pressure over time, ensembles, a perfect start."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from descent import leaves
from flax import nnx
from jax import Array

from experiments.models import dictionary_learning, synthetic_activations, training
from experiments.models.autoencoders import ARCHITECTURES
from experiments.models.dictionary_learning import DictionaryTask
from experiments.models.synthetic_activations import ActivationLaw
from experiments.models.training import State, Trace

FEATURES, DIM, LATENTS, BATCH = 16, 8, 24, 32
LAW = ActivationLaw(FEATURES, 2.0, "independent")
# Of a float32.
UNIT = 2.0**-24


def _dictionaries(count: int) -> Array:
    rows = np.random.default_rng(0).standard_normal((3, FEATURES, DIM))[:count]
    return jnp.asarray(rows / np.linalg.norm(rows, axis=2, keepdims=True), jnp.float32)


def _setting(**given: Any) -> dictionary_learning.Setting:
    """One member's."""
    chosen = {"sparsity": 2.0, "rate": 0.01, "steps": 10, **given}
    found = dictionary_learning.settings(_dictionaries(1), **chosen)
    one: dictionary_learning.Setting = jax.tree.map(lambda leaf: leaf[0], found)
    return one


def test_settings_are_columns() -> None:
    rows = _dictionaries(3)
    found = dictionary_learning.settings(rows, sparsity=[1, 2, 3], rate=0.5, steps=7, fall=0.25)
    np.testing.assert_array_equal(np.asarray(found.dictionary), np.asarray(rows))
    assert [np.asarray(leaf).tolist() for leaf in found[1:6]] == [
        [1, 2, 3],
        [0.5] * 3,
        [7] * 3,
        [0] * 3,
        [0.25] * 3,
    ]
    assert {leaf.dtype for leaf in found[:6]} == {jnp.dtype(jnp.float32)}
    with pytest.raises(ValueError, match="broadcast"):
        dictionary_learning.settings(rows, sparsity=[1, 2], rate=0.5, steps=7)


@pytest.mark.parametrize("fall", [0.0, 0.4])
def test_descent_is_adam_behind_clipping_with_a_rate_that_falls(fall: float) -> None:
    task = DictionaryTask(LAW, DIM, LATENTS)
    optimiser = task.optimiser(_setting(rate=0.1, fall=fall))
    generator = np.random.default_rng(1)
    params = {"one": jnp.zeros((2, 3)), "two": jnp.zeros(4)}
    memory, update = optimiser.init(params), jax.jit(optimiser.update)
    first: Any = {"one": np.zeros((2, 3)), "two": np.zeros(4)}
    second: Any = {"one": np.zeros((2, 3)), "two": np.zeros(4)}
    for step in range(12):
        # Lengths of about 10 and of about 0.1: clipped, and not.
        scale = 0.03 if step % 2 else 3.0
        slope = {
            name: (scale * generator.standard_normal(leaf.shape)).astype(np.float32)
            for name, leaf in params.items()
        }
        change, memory = update(slope, memory, params)
        length = np.sqrt(sum(np.sum(leaf.astype(np.float64) ** 2) for leaf in slope.values()))
        assert (length > 1) == (scale == 3)
        # The last four of ten steps have rates 1, 3/4, 1/2, 1/4; later ones 0.
        rate = 0.1 * (min(1, max(0, (10 - step) / 4)) if fall else 1)
        for name, leaf in slope.items():
            clipped = leaf / max(1, length)
            first[name] = 0.9 * first[name] + 0.1 * clipped
            second[name] = 0.999 * second[name] + 0.001 * clipped**2
            mean = first[name] / (1 - 0.9 ** (step + 1))
            square = second[name] / (1 - 0.999 ** (step + 1))
            expected = -rate * mean / (np.sqrt(square) + 1e-8)
            # 1 - 0.999 in float32 is off by 2^-24/0.001.
            np.testing.assert_allclose(change[name], expected, rtol=1e-3, atol=1e-5)


class Recorded:
    """In an autoencoder's place: a count of steps, and what it was asked for."""

    def __init__(self, done: int) -> None:
        self.done = np.asarray(done)
        self.asked: list[Any] = []

    def loss(self, *asked: Any) -> float:
        self.asked.append(asked)
        return 0.0


@pytest.mark.parametrize(
    ("growth", "shares"), [(0.0, [1, 1, 1, 1, 1, 1]), (0.4, [0, 0.25, 0.5, 0.75, 1, 1])]
)
def test_the_pressure_grows(
    growth: float, shares: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = jnp.zeros((BATCH, DIM))
    monkeypatch.setattr(DictionaryTask, "inputs", lambda *given: batch)
    task = DictionaryTask(LAW, DIM, LATENTS, batch=BATCH, window=7)
    setting = _setting(growth=growth)
    for done, share in zip((0, 1, 2, 3, 4, 9), shares, strict=True):
        model: Any = Recorded(done)
        task.loss(model, jax.random.key(done), setting)
        ((inputs, pressure, window),) = model.asked
        assert inputs is batch
        assert float(pressure.share) == pytest.approx(share, rel=1e-6)
        assert float(pressure.sparsity) == 2
        assert window == 7


def test_a_step_sees_the_samples_of_its_key() -> None:
    task = DictionaryTask(LAW, DIM, LATENTS, batch=BATCH)
    rows = np.asarray(_dictionaries(1)[0], np.float64)

    @jax.jit
    def both(dictionary: Array) -> tuple[Array, Array]:
        active = synthetic_activations.draw(jax.random.key(5), LAW, BATCH)
        truth = synthetic_activations.dense(active, FEATURES, BATCH)
        given = dictionary_learning.settings(dictionary[None], sparsity=2, rate=0.01, steps=10)
        setting = jax.tree.map(lambda leaf: leaf[0], given)
        return task.inputs(jax.random.key(5), setting), truth

    found, truth = both(jnp.asarray(rows, jnp.float32))
    whole = np.asarray(truth, np.float64)
    allowed = FEATURES * UNIT * (whole @ np.abs(rows))
    assert (np.abs(np.asarray(found) - whole @ rows) <= allowed).all()


def test_best_cosines() -> None:
    generator = np.random.default_rng(2)
    decoder, rows = generator.standard_normal((9, DIM)), 3 * generator.standard_normal((5, DIM))
    # The nearest of the first feature is dead, the second's a row of zeros, the third's opposite.
    decoder[0], decoder[1], decoder[2], decoder[3] = 2 * rows[0], 0, -rows[2], 0.1 * rows[3]
    living = np.arange(9) != 0
    found = np.asarray(
        dictionary_learning.best_cosines(
            jnp.asarray(decoder, jnp.float32), jnp.asarray(rows, jnp.float32), jnp.asarray(living)
        )
    )
    expected = []
    for row in rows:
        cosines = [
            row @ other / np.linalg.norm(row) / np.linalg.norm(other) if other.any() else 0
            for other, lives in zip(decoder, living, strict=True)
            if lives
        ]
        expected.append(max(cosines))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[3] == pytest.approx(1)
    none = dictionary_learning.best_cosines(
        jnp.asarray(decoder, jnp.float32), jnp.asarray(rows, jnp.float32), jnp.zeros(9, bool)
    )
    assert np.asarray(none).tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dim": 0}, "sizes of `DictionaryTask` must be at least 1"),
        ({"latents": 0}, "sizes of `DictionaryTask` must be at least 1"),
        ({"slots": 0}, "sizes of `DictionaryTask` must be at least 1"),
        ({"batch": 0}, "sizes of `DictionaryTask` must be at least 1"),
        ({"architecture": "other"}, "`architecture` must be one of topk, batch-topk, matryoshka"),
        ({"slots": 25}, "`slots` must be at most the latents, 24; got 25"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as found:
        DictionaryTask(LAW, **{"dim": DIM, "latents": LATENTS, **given})
    assert "\n" not in str(found.value)


def test_the_start() -> None:
    task = DictionaryTask(LAW, DIM, LATENTS, "gated", slots=3, norm=0.1)
    model = task.model(jax.random.key(0), _setting())
    assert isinstance(model, ARCHITECTURES["gated"])
    np.testing.assert_allclose(np.linalg.norm(model.decoder[...], axis=1), 0.1, rtol=1e-6)
    assert task.workspace == 4 * 1024 * LATENTS


# Latents die within the fourteen steps, so that the auxiliary loss takes part.
TASK = DictionaryTask(LAW, DIM, LATENTS, "topk", slots=3, batch=BATCH, window=2)
RECORDS, EVERY = 2, 7


@cache
def _trained(members: int, group: int | None) -> tuple[State, Trace]:
    given = dictionary_learning.settings(
        _dictionaries(members),
        sparsity=np.array([2.0, 1.5, 2.5])[:members],
        rate=np.array([0.02, 0.01, 0.03])[:members],
        steps=14,
        growth=0.3,
        fall=0.2,
    )
    keys = training.member_keys(jax.random.key(0), members)
    states = training.ensemble(keys, TASK, given)
    trained: tuple[State, Trace] = training.advance_all(states, TASK, RECORDS, EVERY, group=group)
    return trained


def test_members_one_by_one_do_not_depend_on_the_ensemble() -> None:
    many, trace = _trained(3, 1)
    few, few_trace = _trained(2, 1)
    firsts = [leaf[:2] for leaf in leaves(many)]
    assert all(np.array_equal(*pair) for pair in zip(firsts, leaves(few), strict=True))
    for name, values in trace.items():
        np.testing.assert_array_equal(values[:2], few_trace[name])
    assert np.asarray(many.step).tolist() == [RECORDS * EVERY] * 3
    assert np.asarray(many.rest["silent"][...]).max() > TASK.window


def test_members_side_by_side_are_the_same_to_rounding() -> None:
    alone, trace = _trained(3, 1)
    together, other = _trained(3, None)
    for one, two in zip(leaves(alone.params), leaves(together.params), strict=True):
        # Adam divides by the root of a mean square: roundings of 1e-7 become at most 1e-3 of a
        # step of 0.03 where a slope is almost 0.
        np.testing.assert_allclose(one, two, atol=14 * 0.03 * 1e-3)
    for name in trace:
        np.testing.assert_allclose(trace[name], other[name], rtol=2e-3, atol=2e-3)


def test_what_a_trace_observes() -> None:
    states, trace = _trained(3, 1)
    decoder, rows = (
        np.asarray(states.params["decoder"][...], np.float64),
        np.asarray(_dictionaries(3)),
    )
    units = decoder / np.linalg.norm(decoder, axis=2, keepdims=True)
    assert trace["best"].shape == (3, RECORDS, FEATURES)
    # All count as living in the first hundred steps, however short the window is.
    best = np.einsum("bmd,bnd->bnm", units, rows).max(axis=2)
    np.testing.assert_allclose(np.asarray(trace["best"])[:, -1], best, atol=1e-5)
    assert (np.asarray(trace["living"]) == LATENTS).all()
    for name in ("error", "active"):
        np.testing.assert_array_equal(
            np.asarray(trace[name])[:, -1], np.asarray(states.rest[name][...])
        )
    # From three active latents to the numbers asked for, in running means.
    assert (np.asarray(trace["active"]) < 3).all()


def _perfect(task: DictionaryTask, scale: float) -> State:
    """A member at the solution: encoder and decoder the dictionary, which is orthonormal."""
    rows = np.linalg.qr(np.random.default_rng(5).standard_normal((DIM, DIM)))[0]
    given = dictionary_learning.settings(jnp.asarray(rows[None]), sparsity=2.0, rate=0.01, steps=60)
    setting = jax.tree.map(lambda leaf: leaf[0], given)
    state = training.init(jax.random.key(0), task, setting)
    model = training.module(state, task)
    model.decoder[...] = jnp.asarray(scale * rows, jnp.float32)
    model.encoder[...] = jnp.asarray(rows / scale, jnp.float32)
    parts: Any = nnx.split(model, nnx.Param, ...)
    return state._replace(params=parts[1], rest=parts[2])


def test_a_perfect_start_stays() -> None:
    law = ActivationLaw(DIM, 2, spread=0.2)
    task = DictionaryTask(law, DIM, DIM, "topk", slots=2, batch=BATCH, window=20)
    state = _perfect(task, 0.5)
    advance = jax.jit(training.advance, static_argnames=("task", "records", "every"))
    _, trace = advance(state, task, 3, 20)
    # Features of amplitude 1 on are those active, and restored to rounding; Adam makes steps of
    # up to its rate of slopes that are rounding alone, 1e-6 and less, against its 1e-8.
    assert (np.asarray(trace["best"]) > 0.99).all()
    assert (np.asarray(trace["error"]) < 0.01).all()
    np.testing.assert_allclose(trace["active"], 2, atol=0.02)
    assert (np.asarray(trace["living"]) == DIM).all()
