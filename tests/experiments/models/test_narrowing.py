"""Narrowing: neurons out of use are left out, and nothing changes but roundings."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from descent import descend, leaves, same, vectors_of
from numpy.typing import NDArray

from experiments.models import narrowing, tied_relu, training
from experiments.models.tied_relu import TiedReluTask
from experiments.models.training import State

NEURONS, MEMBERS = 48, 8
# Neurons in use after 40 steps: 8 or fewer of 48 for a large penalty, more for a small one.
NARROW = TiedReluTask(6, NEURONS)


def _narrow_start(count: int) -> State:
    given = tied_relu.settings(count, rate=0.05, penalty=np.geomspace(0.5, 0.02, MEMBERS)[:count])
    states: State = training.ensemble(training.member_keys(jax.random.key(2), count), NARROW, given)
    return states


def _narrowed(count: int, calls: int = 3) -> tuple[State, list[dict[str, NDArray[Any]]]]:
    states, traces = _narrow_start(count), []
    for _ in range(calls):
        states, trace = narrowing.advance(states, NARROW, 2, 20)
        traces.append(trace)
    return states, traces


def test_widths() -> None:
    expected = {0: 8, 1: 8, 8: 8, 9: 16, 16: 16, 17: 32, 32: 32, 33: 48, 48: 48}
    assert {used: narrowing.width_for(used, 48) for used in expected} == expected
    assert [narrowing.width_for(used, 5) for used in (0, 1, 5)] == [5, 5, 5]
    assert narrowing.width_for(33, 64) == 64


def test_which_tasks_narrow() -> None:
    assert TiedReluTask(2, 3).narrows
    assert TiedReluTask(2, 3, observed="course").narrows
    for task in (
        TiedReluTask(2, 3, descent="adamw"),
        TiedReluTask(2, 3, noise="bipolar"),
        TiedReluTask(2, 3, observed="weights"),
    ):
        assert not task.narrows


def test_narrowing_changes_nothing_but_roundings() -> None:
    states, traces = _narrowed(MEMBERS)
    whole, trace = training.advance_all(_narrow_start(MEMBERS), NARROW, 6, 20)
    used = (vectors_of(whole) != 0).any(axis=1).sum(axis=1)
    assert used.min() <= 8 < 32 < used.max()
    assert str(jax.tree.structure(states)) == str(jax.tree.structure(whole))
    np.testing.assert_array_equal(states.step, whole.step)
    np.testing.assert_array_equal(leaves(states.key)[0], leaves(whole.key)[0])
    # A gradient, 4 R W, is off by at most 4·54·2^-24 |R| |W| < 4e-5, a step by rate times it, 2e-6;
    # 120 steps by 2.4e-4 were all errors of one sign, and differences grow as the largest weights
    # do, by a factor of 3: within 1e-3.
    np.testing.assert_allclose(vectors_of(states), vectors_of(whole), rtol=0, atol=1e-3)
    for key in ("count", "one"):
        both = np.concatenate([part[key] for part in traces], axis=1)
        np.testing.assert_array_equal(both, np.asarray(trace[key]))
    both = np.concatenate([part["alignment"] for part in traces], axis=1)
    # Of fourth powers of what is off by 1e-3.
    np.testing.assert_allclose(both, np.asarray(trace["alignment"]), rtol=0, atol=4e-3)


def test_narrowed_members_do_not_depend_on_the_ensemble(monkeypatch: pytest.MonkeyPatch) -> None:
    many, traces = _narrowed(MEMBERS)
    few, few_traces = _narrowed(3)
    np.testing.assert_array_equal(vectors_of(many)[:3], vectors_of(few))
    # With batches of two, the last of a width repeats a member.
    monkeypatch.setattr(narrowing, "_ENTRIES", 1)
    pairs, pairs_traces = _narrowed(MEMBERS)
    assert same(many, pairs)
    for one, two, three in zip(traces, few_traces, pairs_traces, strict=True):
        for key in ("count", "one"):
            np.testing.assert_array_equal(one[key][:3], two[key])
            np.testing.assert_array_equal(one[key], three[key])


def test_neurons_out_of_use_stay_so() -> None:
    states, _ = _narrowed(MEMBERS, calls=1)
    before = (vectors_of(states) != 0).any(axis=1)
    states, _ = narrowing.advance(states, NARROW, 2, 20)
    after = (vectors_of(states) != 0).any(axis=1)
    assert not (after & ~before).any()
    assert (after.sum(axis=1) < before.sum(axis=1)).any()
    # Also where none is left out.
    whole, _ = training.advance_all(_narrow_start(MEMBERS), NARROW, 2, 20)
    before = (vectors_of(whole) != 0).any(axis=1)
    whole, _ = training.advance_all(whole, NARROW, 2, 20)
    assert not ((vectors_of(whole) != 0).any(axis=1) & ~before).any()


def test_narrowed_steps_are_those_of_a_loop() -> None:
    begun = _narrow_start(MEMBERS)
    starts, penalties = vectors_of(begun), np.asarray(begun.setting.penalty)
    states, _ = _narrowed(MEMBERS, calls=2)
    for member in (0, MEMBERS - 1):
        expected = descend(starts[member].astype(np.float64), 0.05, float(penalties[member]), 80)
        assert 0 < (expected == 0).sum() < expected.size
        # As between the two programs, for two thirds of the steps.
        np.testing.assert_allclose(vectors_of(states)[member], expected, rtol=0, atol=1e-3)
