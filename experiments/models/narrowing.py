"""Training without the neurons that nothing uses any more: the same result for a fraction of the
work.

Under proximal descent a neuron all of whose weights are 0 keeps them: its gradient is a sum of its
weights, and the soft threshold holds 0 at 0.  An l1 penalty empties most neurons early, so that a
step costs n² times the neurons in use.  Here every member is advanced at a width that depends on
nothing but its own weights, so that it stays independent of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from experiments.models import training
from experiments.models.tied_relu import TiedReluTask
from experiments.models.training import State

__all__ = ["advance", "width_for"]

_ENTRIES = 1 << 17
_MOST = 64
_LEAST = 8


def width_for(used: int, neurons: int) -> int:
    """Return the least power of 2 that holds `used` neurons, at least 8 and at most all of them.

    Widths are few, since each is a program to compile.
    """
    return min(max(_LEAST, 1 << max(0, used - 1).bit_length()), neurons)


def advance(
    states: State, task: TiedReluTask, records: int, every: int
) -> tuple[State, dict[str, NDArray[Any]]]:
    """Return what `training.advance_all` returns, neurons out of use left out meanwhile.

    Equal up to the rounding of sums over fewer zeros.  For tasks that `narrow` only.
    """
    whole = np.array(states.params["vectors"][...])
    members, features, neurons = whole.shape
    used = (whole != 0).any(axis=1)
    widths = np.array([width_for(int(count), neurons) for count in used.sum(axis=1)])
    # On the host once, since picking members on the device costs more than a step.
    keys = np.asarray(jax.random.key_data(states.key))
    steps = np.array(states.step)
    settings = jax.tree.map(np.asarray, states.setting)
    trace: dict[str, NDArray[Any]] = {}
    for chosen, width in _batches(widths, features):
        # Columns in use first, in their order, then some of those out of use.
        columns = np.argsort(~used[chosen], axis=1, kind="stable")[:, :width]
        columns.sort(axis=1)
        part = np.take_along_axis(whole[chosen], columns[:, None, :], axis=2)
        batch = State(
            jax.random.wrap_key_data(jax.numpy.asarray(keys[chosen])),
            jax.numpy.asarray(steps[chosen]),
            jax.tree.map(lambda leaf, chosen=chosen: jax.numpy.asarray(leaf[chosen]), settings),
            _params(states, part),
            states.memory,
            states.rest,
        )
        batch, found = training.advance_all(batch, replace(task, neurons=width), records, every)
        # The last batch repeats a member to be full, and writes it twice.
        ended = np.asarray(batch.params["vectors"][...])
        full = np.zeros((len(chosen), features, neurons), whole.dtype)
        np.put_along_axis(full, columns[:, None, :], ended, axis=2)
        whole[chosen] = full
        steps[chosen] = np.asarray(batch.step)
        for key, value in found.items():
            values = np.asarray(value)
            trace.setdefault(key, np.empty((members, *values.shape[1:]), values.dtype))
            trace[key][chosen] = values
    done = states._replace(step=jax.numpy.asarray(steps), params=_params(states, whole))
    return done, trace


def _batches(widths: NDArray[np.int64], features: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Members of equal width, as many at a time as a cache holds, always as many for a width."""
    most = max(2, 1 << (len(widths).bit_length() - 1))
    for width in np.unique(widths):
        size = max(2, min(_MOST, most, _ENTRIES // (features * int(width))))
        members = np.flatnonzero(widths == width)
        for at in range(0, len(members), size):
            chosen = members[at : at + size]
            yield np.pad(chosen, (0, size - len(chosen)), mode="edge"), int(width)


def _params(states: State, vectors: NDArray[np.float32]) -> Any:
    """The parameters with other weights; their width is no part of the structure."""
    leaves, structure = jax.tree.flatten(states.params)
    assert len(leaves) == 1
    return jax.tree.unflatten(structure, [jax.numpy.asarray(vectors)])
