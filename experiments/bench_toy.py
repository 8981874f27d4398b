"""The toy autoencoder against the same in PyTorch: sampled training, and time to an accuracy.

The peer is the fastest form that PyTorch's own operations gave on a CPU: all instances in one
batched product with samples along the last axis, one random number an entry, autograd, the fused
Adam.  It is left out, and said to be absent, where PyTorch is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.bench_config import Config
from experiments.bench_machine import product_rate
from experiments.bench_timing import Contest, Results, Side, alternate
from experiments.bench_training import MISSING

__all__ = [
    "ACCURACIES",
    "BATCH",
    "LEAST_ACCURATE",
    "LEAST_SAMPLED",
    "SIZES",
    "Schedule",
    "accurate",
    "flops",
    "random_numbers",
    "reach",
    "reach_peer",
    "sampled",
    "sampled_peer",
    "sampling",
    "schedule",
    "subjects",
]

Rows = NDArray[np.float64]

SIZES = {"1,000 × (n=5, m=2)": (5, 2, 1000), "20 × (n=200, m=20)": (200, 20, 20)}
BATCH, STEPS, RATE, CHANCE = 1024, 100, 1e-3, 0.1
LEAST_SAMPLED, LEAST_ACCURATE = 1.2, 5.0
"""How many times faster than the peer each should be."""
ACCURACIES = (1e-2, 1e-3, 1e-4)
"""Relative distances of the median loss from the optimum's that a training has to come to: the last
is what the quadrature itself is accurate to, and the one that `LEAST_ACCURATE` is about."""
# Of equal importance, so that all pentagons have one loss, and distances from it mean something.
_SMALL, _INSTANCES, _SPARSE = (5, 2), 100, 0.05
_IMPORTANCE = np.ones(_SMALL[0])
_LONG = 4000
_STEPS = (100, 200, 300, 500, 1000, 2000, 4000)
_RATES = (0.005, 0.01, 0.02, 0.05)


class Schedule(NamedTuple):
    """A rate that falls in the second half of so many steps; None where none reached the goal."""

    rate: float
    steps: int


def subjects(_: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    small, large = SIZES
    return {
        "toy-sampled-small": partial(sampling, small),
        "toy-sampled-large": partial(sampling, large),
        **{f"toy-accuracy-{accuracy:.0e}": partial(accurate, accuracy) for accuracy in ACCURACIES},
    }


def sampling(size: str) -> Contest:
    """Training from fresh samples against PyTorch's; the note has the floors."""

    def note(_: Results) -> str:
        drawing = float(np.median(alternate([random_numbers(size)], 3)[0][0]))
        products = flops(size) / (1e9 * product_rate())
        return (
            f"batch {BATCH}, {STEPS} steps; random numbers alone take {drawing:.2f} s, products at "
            f"NumPy's rate {products:.2f} s, the rest is passes over the batch in cache"
        )

    return Contest(
        "training",
        f"toy, {size}",
        [
            Side("here", "ours", partial(sampled, size)),
            Side("PyTorch", "peer", None if MISSING else partial(sampled_peer, size)),
        ],
        least=LEAST_SAMPLED,
        note=note,
        memory=True,
    )


def accurate(accuracy: float) -> Contest:
    """The exact loss against PyTorch's samples: time until the median loss is that of the optimum.

    Each side takes the schedule of the fewest steps that gets there; the search is not timed.
    """
    plan = schedule(reach, accuracy)
    if plan is None:
        raise RuntimeError("no schedule reaches the accuracy with the exact loss")
    other = None if MISSING else schedule(reach_peer, accuracy)
    words = (
        f"median loss within {accuracy:g} of the optimum's; {plan.steps} steps at {plan.rate:g} "
        "here"
    )
    if other is not None:
        words += f", {other.steps} at {other.rate:g} there"
    return Contest(
        "training",
        f"toy, to {accuracy:g} of the best loss",
        [
            Side("here", "ours", partial(reach, plan)),
            Side(
                "PyTorch, sampled",
                "peer",
                None if other is None else partial(reach_peer, other),
                missing="absent" if MISSING else "gets there by no schedule",
            ),
        ],
        least=LEAST_ACCURATE if accuracy == ACCURACIES[-1] else None,
        note=lambda _: words,
    )


def flops(size: str) -> float:
    """Floating-point operations of the products of all steps: two forward, four backward."""
    n, m, count = SIZES[size]
    return 12.0 * n * m * BATCH * count * STEPS


def random_numbers(size: str) -> Callable[[], object]:
    """Return the drawing of the inputs alone, all steps."""
    import jax
    import jax.numpy as jnp

    from experiments.models import threefry, training

    n, _, count = SIZES[size]

    @jax.jit
    def draw(keys: jax.Array) -> jax.Array:
        def one(key: jax.Array) -> jax.Array:
            return jnp.sum(threefry.uniform(key, (n, BATCH)))

        def step(total: jax.Array, place: jax.Array) -> tuple[jax.Array, None]:
            moved = jax.vmap(lambda key: jax.random.fold_in(key, place))(keys)
            return total + jnp.sum(jax.vmap(one)(moved)), None

        total: jax.Array
        total, _ = jax.lax.scan(step, jnp.float32(0), jnp.arange(STEPS))
        return total

    keys = training.member_keys(jax.random.key(0), count)
    return lambda: np.asarray(draw(keys))


def sampled(size: str) -> Callable[[], float]:
    """Return the training from fresh samples: the mean of |W|² at its end."""
    import jax

    from experiments.models import training
    from experiments.models.toy_autoencoder import ToyTask

    n, m, count = SIZES[size]
    task = ToyTask(n, m, steps=STEPS, exact=False, batch=BATCH, level=True, observed="norm")

    def run() -> float:
        keys = training.member_keys(jax.random.key(0), count)
        found = _train(task, keys, np.ones(n), CHANCE, RATE)
        return float(np.mean(found.trace["norm"][:, -1]))

    return run


def sampled_peer(size: str) -> Callable[[], float]:
    """Return the same law, batch and steps in PyTorch."""
    n, m, count = SIZES[size]

    def run() -> float:
        start = np.random.default_rng(0).standard_normal((count, n, m)) / np.sqrt(m)
        rows, _ = _peer(start, np.ones(n), CHANCE, Schedule(RATE, STEPS), level=True)
        return float((rows**2).sum(axis=(1, 2)).mean())

    return run


def reach(plan: Schedule) -> Callable[[], Rows]:
    """Return the training with the exact loss by a schedule: losses of all instances."""
    import jax

    from experiments.models import toy_autoencoder, training
    from experiments.models.toy_autoencoder import ToyTask

    task = ToyTask(*_SMALL, steps=plan.steps)

    def run() -> Rows:
        keys = training.member_keys(jax.random.key(1), _INSTANCES)
        found = _train(task, keys, _IMPORTANCE, _SPARSE, plan.rate)
        errors = toy_autoencoder.evaluate(found.states, task, 1)
        return np.asarray(np.asarray(errors, np.float64) @ _IMPORTANCE)

    return run


def reach_peer(plan: Schedule) -> Callable[[], Rows]:
    """Return the training from samples in PyTorch by a schedule: exact losses of all instances."""
    start = _starts()
    return lambda: _losses(*_peer(start, _IMPORTANCE, _SPARSE, plan, level=False))


def schedule(train: Callable[[Schedule], Callable[[], Rows]], accuracy: float) -> Schedule | None:
    """Return the schedule of the fewest steps whose median loss comes within `accuracy`.

    Of the optimum that most instances find: the median after a long training on the exact loss.
    Every rate is tried before more steps are; rates below these take longer, and above them some
    features never wake.
    """
    goal = (1 + accuracy) * _optimum()
    for steps in _STEPS:
        for rate in _RATES:
            if _median(train, Schedule(rate, steps)) <= goal:
                return Schedule(rate, steps)
    return None


@cache
def _median(train: Callable[[Schedule], Callable[[], Rows]], plan: Schedule) -> float:
    return float(np.median(train(plan)()))


@cache
def _optimum() -> float:
    return float(np.median(reach(Schedule(0.01, _LONG))()))


def _train(task: Any, keys: Any, importance: Rows, chance: float, rate: float) -> Any:
    from experiments import ensembles
    from experiments.harness.progress import Progress
    from experiments.models import toy_autoencoder

    given = toy_autoencoder.settings(
        len(keys), probability=chance, importance=importance, rate=rate
    )
    return ensembles.train(
        Progress(quiet=True), "bench", task, keys, given, records=1, every=task.steps
    )


@cache
def _starts() -> Rows:
    """The starts of `reach`, for the peer."""
    import jax

    from experiments.models import toy_autoencoder, training
    from experiments.models.toy_autoencoder import ToyTask

    given = toy_autoencoder.settings(
        _INSTANCES, probability=_SPARSE, importance=_IMPORTANCE, rate=0.0
    )
    keys = training.member_keys(jax.random.key(1), _INSTANCES)
    states = training.ensemble(keys, ToyTask(*_SMALL, steps=1), given)
    return np.asarray(states.params["vectors"][...], np.float64)


def _losses(rows: Rows, bias: Rows) -> Rows:
    import jax
    import jax.numpy as jnp

    from experiments.models import expected_loss

    @jax.jit
    def errors(vectors: jax.Array, offset: jax.Array) -> jax.Array:
        return jax.vmap(lambda w, b: expected_loss.errors("relu", w @ w.T, b, _SPARSE))(
            vectors, offset
        )

    found = errors(jnp.asarray(rows, jnp.float32), jnp.asarray(bias, jnp.float32))
    return np.asarray(np.asarray(found, np.float64) @ _IMPORTANCE)


def _peer(
    start: Rows, importance: Rows, chance: float, plan: Schedule, *, level: bool
) -> tuple[Rows, Rows]:
    """W `[b, n, d]` and b `[b, n]` after training in PyTorch."""
    import torch

    torch.manual_seed(0)
    count, n, _ = start.shape
    vectors = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
    bias = torch.nn.Parameter(torch.zeros(count, n, 1))
    weight = torch.tensor(importance, dtype=torch.float32)[:, None] / BATCH
    rule = torch.optim.Adam([vectors, bias], lr=plan.rate, fused=True)
    half = plan.steps // 2
    for step in range(plan.steps):
        if not level and step >= half:
            fall = (1 + np.cos(np.pi * (step - half) / (plan.steps - half))) / 2
            rule.param_groups[0]["lr"] = plan.rate * fall
        rule.zero_grad()
        draw = torch.rand(count, n, BATCH)
        inputs = torch.where(draw < chance, draw / chance, 0.0)
        output = torch.relu(torch.baddbmm(bias, vectors, vectors.mT @ inputs))
        torch.sum(weight * (output - inputs) ** 2).backward()
        rule.step()
    return (
        vectors.detach().numpy().astype(np.float64),
        bias.detach().numpy()[:, :, 0].astype(np.float64),
    )
