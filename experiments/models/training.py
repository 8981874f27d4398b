"""Training as a pure function: a `Task` says what, `train` does it, an ensemble is its vmap.

    state = init(key, task, setting)                  # one member
    state, trace = advance(state, task, records, every)
    state, trace = train(key, task, setting, records, every)

    states = ensemble(keys, task, settings)           # many: leading axis `[b]` on every leaf
    states, trace = advance_all(states, task, records, every)

A `Task` is a frozen dataclass: sizes and names, static under jit.  A setting is a pytree of
scalars, traced, so that rates and penalties share one compilation.  A member's state holds all that
its future depends on: its key, its place, its setting.  What a member becomes does not depend on
which others train beside it, to the bit, as long as there are at least two on each device (XLA
compiles an ensemble of one as another program, which may round differently).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike

Trace = dict[str, Array]
Carry = tuple[Array, Any, Any, Any]

__all__ = [
    "State",
    "Task",
    "Trace",
    "Untrained",
    "advance",
    "advance_all",
    "column",
    "ensemble",
    "init",
    "member",
    "member_keys",
    "module",
    "repeated",
    "train",
    "unseen",
]


class Task(Protocol):
    """What is trained; frozen and hashable."""

    @property
    def workspace(self) -> int:
        """Bytes of the largest array that a member's step works on, beside its state."""

    @property
    def branches(self) -> bool:
        """Whether steps have branches that cost: on one processor members go one by one then."""

    def model(self, key: Array, setting: Any) -> nnx.Module:
        """Return the model at its start."""

    def loss(self, model: Any, key: Array, setting: Any) -> Array:
        """Return the loss of one step, a scalar; `key` is that step's own."""

    def optimiser(self, setting: Any) -> optax.GradientTransformation:
        """Return the optimiser."""

    def observe(self, model: Any, setting: Any) -> dict[str, Array]:
        """Return what a trace records."""


class Untrained(nnx.Variable[Array]):
    """A model's variable that no gradient changes; a loss may write it."""


class State(NamedTuple):
    """One member in training: key, steps done, setting, parameters, the optimiser's memory.

    `rest` holds the model's variables that no gradient changes: a loss may write them.
    """

    key: Array
    step: Array
    setting: Any
    params: Any
    memory: Any
    rest: Any


def member_keys(key: Array, count: int) -> Array:
    """Return the keys `[count]` of the members: key i is the same for any count."""
    return jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(count))


def repeated(keys: Array, times: int) -> Array:
    """Return the keys `[count]` `times` over, `[times·count]`: a copy for each of several settings.

    So settings see the same draws, and members of the same place are paired.
    """
    data = jax.random.key_data(keys)
    copies: Array = jax.random.wrap_key_data(jnp.tile(data, (times, 1)))
    return copies


def unseen(key: Array, place: ArrayLike) -> Array:
    """Return the key of the `place`-th batch that a member with this key is not trained on."""
    # Steps count from 0 up, these from the top down.
    return jax.random.fold_in(key, jnp.uint32(2**32 - 1) - jnp.asarray(place, jnp.uint32))


def column(value: ArrayLike, count: int, kind: type = np.float32) -> Array:
    """Return a leaf of settings, `[count]`, from one value for all members or one for each."""
    return jnp.asarray(np.broadcast_to(np.asarray(value, kind), (count,)))


def init(key: Array, task: Task, setting: Any) -> State:
    """Return a member at its start."""
    starting, feeding = jax.random.split(key)
    params, rest = _split(task.model(starting, setting))
    memory = task.optimiser(setting).init(params)
    return State(feeding, jnp.int32(0), setting, params, memory, rest)


def module(state: State, task: Task) -> Any:
    """Return the model with the state's parameters."""
    return nnx.merge(_graph(task, state.setting), state.params, state.rest)


def member(states: State, place: int) -> State:
    """Return one member of an ensemble."""

    def picked(leaf: Array) -> Array:
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return leaf[place]
        # The words of a key that training has used up are still those of its fresh batches.
        key: Array = jax.random.wrap_key_data(jax.random.key_data(leaf)[place])
        return key

    found: State = jax.tree.map(picked, states)
    return found


def advance(state: State, task: Task, records: int, every: int) -> tuple[State, Trace]:
    """Return the member after `records`·`every` more steps, and what was observed every so often.

    Each leaf of the trace has a leading axis `[records]`, the last one the returned state's.
    """
    graph = _graph(task, state.setting)
    optimiser = task.optimiser(state.setting)

    def loss(params: Any, rest: Any, key: Array) -> tuple[Array, Any]:
        model = nnx.merge(graph, params, rest, copy=True)
        found = task.loss(model, key, state.setting)
        return found, _split(model)[1]

    def step(carry: Carry, _: None) -> tuple[Carry, None]:
        place, params, memory, rest = carry
        key = jax.random.fold_in(state.key, place)
        slope, rest = jax.grad(loss, has_aux=True)(params, rest, key)
        change, memory = optimiser.update(slope, memory, params)
        return (place + 1, optax.apply_updates(params, change), memory, rest), None

    def record(carry: Carry, _: None) -> tuple[Carry, Any]:
        carry, _ = jax.lax.scan(step, carry, length=every)
        return carry, task.observe(nnx.merge(graph, carry[1], carry[3]), state.setting)

    carry = (state.step, state.params, state.memory, state.rest)
    (place, params, memory, rest), trace = jax.lax.scan(record, carry, length=records)
    return State(state.key, place, state.setting, params, memory, rest), trace


@partial(jax.jit, static_argnames=("task", "records", "every"))
def train(key: Array, task: Task, setting: Any, records: int, every: int) -> tuple[State, Trace]:
    """Return a trained member and its trace; `jax.vmap` over keys and settings trains many."""
    return advance(init(key, task, setting), task, records, every)


def ensemble(keys: Array, task: Task, settings: Any) -> State:
    """Return members at their start, from keys `[b]` and settings with leaves `[b]`."""
    # Apart, so that tasks with one model share its program in a cache of compiled programs: drawing
    # takes longer to compile than all the rest.
    feeding, params, rest = _starts(keys, task, settings)
    memory = _memories(params, task, settings)
    # A copy: the memory of states is used up as they advance, and the caller keeps its settings.
    own = jax.tree.map(partial(jnp.array, copy=True), settings)
    return State(feeding, jnp.zeros(len(keys), jnp.int32), own, params, memory, rest)


# Static is the task, which equals others by its fields, and not its bound method, which equals none
# of another task: each ensemble would compile its starts anew.
@partial(jax.jit, static_argnames="task")
def _starts(keys: Array, task: Task, settings: Any) -> tuple[Array, Any, Any]:
    def start(key: Array, setting: Any) -> tuple[Array, Any, Any]:
        starting, feeding = jax.random.split(key)
        return feeding, *_split(task.model(starting, setting))

    found: tuple[Array, Any, Any] = jax.vmap(start)(keys, settings)
    return found


@partial(jax.jit, static_argnames="task")
def _memories(params: Any, task: Task, settings: Any) -> Any:
    return jax.vmap(lambda weights, setting: task.optimiser(setting).init(weights))(
        params, settings
    )


@partial(jax.jit, static_argnames=("task", "records", "every", "group"), donate_argnums=0)
def advance_all(
    states: State, task: Task, records: int, every: int, *, group: int | None = None
) -> tuple[State, Trace]:
    """Return all members after `records`·`every` more steps; trace leaves are `[b, records, ...]`.

    With `group`, that many members at a time go through all the steps, one group after the other,
    so that a group's weights stay in the processor's cache: half the time where all members
    together do not fit.  It should divide b; states are the same to the bit from 2 on, what is
    observed may be rounded differently.  With 1 no axis of members is made, so that a branch that a
    member does not take costs nothing.
    The memory of `states` is used up.
    """

    def one(state: State) -> tuple[State, Trace]:
        return advance(state, task, records, every)

    found: tuple[State, Trace]
    if group is None:
        found = jax.vmap(one)(states)
    else:
        found = jax.lax.map(one, states, batch_size=None if group == 1 else group)
    return found


def _split(model: nnx.Module) -> tuple[Any, Any]:
    """The model's parameters, and its other variables."""
    _, params, *rest = nnx.split(model, nnx.Param, ...)
    return params, rest[0]


def _graph(task: Task, setting: Any) -> Any:
    """The model's structure, without making one."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    return nnx.graphdef(nnx.eval_shape(task.model, key, jax.eval_shape(lambda: setting)))
