"""Ensembles in training: many members at once, over all devices, resumed where they were killed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jax import Array

    from experiments.harness.progress import Progress
    from experiments.models.training import State, Task

__all__ = ["Trace", "Trained", "train"]

Trace = dict[str, NDArray[Any]]

CACHE_BYTES = 1 << 21
"""Of states and their steps' largest arrays that are worked on together: the second-level caches of
two cores."""
SAVE_SECONDS = 10.0
"""Least time between two checkpoints: a killed run loses no more than this."""


@dataclass(frozen=True)
class Trained:
    """Members at the end of their training: states `[b]`, traces `[b, records, ...]`."""

    states: State
    trace: Trace


def train(
    progress: Progress,
    name: str,
    task: Task,
    keys: Array,
    settings: Any,
    *,
    records: int,
    every: int,
    chunks: int = 1,
) -> Trained:
    """Return the members trained for `records`·`every` steps, observed every `every` steps.

    Member i has key i and setting i; leaves of `settings` are `[b]`.  Members are spread over all
    devices.  On a single processor members are worked on in groups that fit its cache, or one by
    one where their steps have branches, and neurons out of use are left out (`models.narrowing`).
    The work is done in `chunks` pieces, which must divide `records`; between them the display moves
    on, and at most every ten seconds the states are saved under `name`, so that a run that is
    killed goes on from there, to the same bits on the same machine and versions.  Pieces do not
    change the result, but where neurons are left out, whose sums round differently.  Raises
    ValueError if `chunks` does not divide `records`.
    """
    import jax

    from experiments.harness import devices
    from experiments.models import narrowing, training
    from experiments.models.tied_relu import TiedReluTask

    if records % chunks:
        raise ValueError(f"`chunks` must divide `records`; got {chunks} and {records}.")
    share = records // chunks
    trace: Trace
    kept = progress.parts.load(name)
    if kept is None:
        done, states, trace = 0, training.ensemble(keys, task, settings), {}
    else:
        shapes = jax.eval_shape(lambda k, s: training.ensemble(k, task, s), keys, settings)
        done, states, trace = _resumed(kept, shapes)
    states = devices.place_all(states)
    alone = jax.default_backend() == "cpu" and jax.device_count() == 1
    group = None
    if alone:
        group = 1 if task.branches else _group(states, task.workspace)
    saved = time.monotonic()
    with progress.phase(name, total=records * every) as step:
        step(done * share * every)
        for place in range(done, chunks):
            if isinstance(task, TiedReluTask) and task.narrows and alone:
                states, found = narrowing.advance(states, task, share, every)
            else:
                states, found = training.advance_all(states, task, share, every, group=group)
            trace = _joined(trace, {key: np.asarray(value) for key, value in found.items()})
            if time.monotonic() - saved >= SAVE_SECONDS and place + 1 < chunks:
                progress.parts.save(name, _checkpoint(place + 1, states, trace))
                saved = time.monotonic()
            step(share * every)
    progress.parts.forget(name)
    return Trained(states, trace)


def _group(states: State, workspace: int) -> int | None:
    """Members that fit into a processor's cache together, None if all do."""
    import jax

    leaves = jax.tree.leaves(states)
    members = leaves[0].shape[0]
    each = workspace + sum(math.prod(leaf.shape[1:]) * 4 for leaf in leaves)
    if members * each <= CACHE_BYTES:
        return None
    fitting = [k for k in range(2, members) if members % k == 0 and k * each <= CACHE_BYTES]
    return max(fitting, default=2 if members % 2 == 0 else None)


# A checkpoint's arrays: `done`, the pieces behind it; `state.0`, `state.1`, ..., the leaves of the
# states in the order of the tree, keys as their words; `trace.<name>`, what was observed so far.
def _checkpoint(done: int, states: State, trace: Trace) -> dict[str, NDArray[Any]]:
    import jax

    leaves = enumerate(jax.tree.leaves(states))
    arrays = {f"state.{place}": np.asarray(_data(leaf)) for place, leaf in leaves}
    return {"done": np.array(done), **arrays, **{f"trace.{key}": trace[key] for key in trace}}


def _resumed(kept: dict[str, NDArray[Any]], shapes: State) -> tuple[int, State, Trace]:
    """What a checkpoint holds, in the structure of `shapes`."""
    import jax

    leaves, structure = jax.tree.flatten(shapes)
    held = [
        jax.random.wrap_key_data(jax.numpy.asarray(kept[f"state.{place}"]))
        if _is_key(leaf)
        else kept[f"state.{place}"]
        for place, leaf in enumerate(leaves)
    ]
    trace = {key.removeprefix("trace."): kept[key] for key in kept if key.startswith("trace.")}
    return int(kept["done"]), jax.tree.unflatten(structure, held), trace


def _joined(before: Trace, trace: Trace) -> Trace:
    return {
        key: np.concatenate([before[key], trace[key]], axis=1) if before else trace[key]
        for key in trace
    }


def _data(leaf: Any) -> Any:
    """The integers behind keys; other leaves as they are."""
    import jax

    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _is_key(leaf: Any) -> bool:
    import jax

    return bool(jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key))
