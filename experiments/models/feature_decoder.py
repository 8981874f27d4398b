"""The feature decoder: sparse features, seen through a few numbers, restored by one hidden layer.

    z = Pᵀx,   h = f(W z + b),   x̂ = Vᵀh

x are N features, each on with probability p and then uniform on [0, 1]; the rows of P `[N, d]` are
fixed random unit directions.  The layer has k units, W `[k, d]`, b `[k]`, V `[k, N]` with rows v_j;
x̂ has no bias of its own.  The loss is the mean of |x - x̂|², and a penalty on the mean of sum_j
|h_j| |v_j| (Jermyn, Schiefer and Hubinger 2022, "Engineering monosemanticity in toy models", arXiv
2211.09169; the length |v_j| is in the penalty since a longer v_j would evade one of h_j alone).  As
there, biases also shrink in the first half of the steps: units that start too far below to be on at
all come to life later, each by the feature that it responds to most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array
from jax.typing import ArrayLike

from experiments.models import toy_autoencoder, training
from experiments.models.training import State, Untrained
from geometry import monosemanticity, sphere
from geometry.products import product

__all__ = [
    "ACTIVATIONS",
    "ALIVE",
    "FeatureDecoder",
    "FeatureDecoderTask",
    "Setting",
    "evaluate",
    "fresh",
    "settings",
    "solu",
]

ALIVE = 0.01
"""A unit is alive if some feature alone, at 1, makes it move the output by more than this."""
_PROBE = 4096


def solu(values: Array) -> Array:
    """Return k·x·softmax(x) over the k units, the first axis: softmax linear units (Elhage et al.
    2022), without a layer norm behind them.

    The factor k, which V could undo, gives small x the slope of a ReLU.
    """
    return len(values) * values * jax.nn.softmax(values, axis=0)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"relu": jax.nn.relu, "solu": solu}
"""The layer's function, by name; of values `[k, b]`."""


class FeatureDecoder(nnx.Module):
    """x̂ = Vᵀ f(W Pᵀx + b).  In all arrays `[..., b]` a sample is a column."""

    def __init__(
        self, key: Array, features: int, dim: int, hidden: int, activation: str, start: Array
    ) -> None:
        """W is standard normal, so that a feature alone brings values of variance 1 to its units.

        V has rows of mean squared length N/(k d), and biases are `start`.  P depends on the key, N
        and d alone.
        """
        fixing, starting = jax.random.split(key)
        self.projection = Untrained(sphere.sample(fixing, features, dim))
        weights = jax.random.normal(starting, (hidden, dim + features))
        self.reader = nnx.Param(weights[:, :dim])
        self.bias = nnx.Param(jnp.full(hidden, start))
        self.writer = nnx.Param(weights[:, dim:] / jnp.sqrt(hidden * dim))
        self.activation = activation

    def hidden(self, inputs: Array) -> Array:
        """Return h `[k, b]` of features `[N, b]`."""
        seen = product(self.projection[...].T, inputs)
        values = product(self.reader[...], seen) + self.bias[...][:, None]
        return ACTIVATIONS[self.activation](values)

    def restored(self, hidden: Array) -> Array:
        """Return x̂ `[N, b]` of h `[k, b]`."""
        return product(self.writer[...].T, hidden)

    def lengths(self) -> Array:
        """Return |v_j|.  Shape `[k]`."""
        # As a product, which rounds the same in ensembles of any size.
        squares = product(self.writer[...] ** 2, jnp.ones(self.writer.shape[1]))
        # The root has no slope at 0.
        return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)

    def responses(self) -> Array:
        """Return h of each feature alone, at 1.  Shape `[k, N]`."""
        return self.hidden(jnp.eye(len(self.projection[...])))

    def living(self, responses: Array) -> Array:
        """Return which units move the output on some feature alone.  Shape `[k]`, bool."""
        return jnp.max(jnp.abs(responses), axis=1) * self.lengths() > ALIVE


class Setting(NamedTuple):
    """What may differ between members that train together.

    Probability p of a feature to be on; where biases start; the penalty's weight; the largest rate;
    by how many powers of e biases shrink in the first half, where nothing else moves them.
    """

    probability: Array
    start: Array
    penalty: Array
    rate: Array
    shrink: Array


def settings(
    count: int,
    *,
    probability: ArrayLike,
    rate: ArrayLike,
    start: ArrayLike = 0.0,
    penalty: ArrayLike = 0.0,
    shrink: ArrayLike = 0.0,
) -> Setting:
    """Return settings for `count` members, each value one for all or `[count]`."""
    values = (probability, start, penalty, rate, shrink)
    return Setting(*(training.column(value, count) for value in values))


@dataclass(frozen=True)
class FeatureDecoderTask:
    """Sizes N, d and k, the layer's function, and how long.

    A step takes `batch` fresh samples.  Adam's rate stays as it is for a third of the steps and
    then falls to 0 along a cosine, so that the noise of batches does not end the descent.
    """

    features: int
    dim: int
    hidden: int
    steps: int
    activation: str = "relu"
    batch: int = 128

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if min(self.features, self.dim, self.hidden, self.steps, self.batch) < 1:
            raise ValueError(f"sizes of `FeatureDecoderTask` must be at least 1; got {self}.")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}; got {self.activation!r}."
            )

    @property
    def workspace(self) -> int:
        """Bytes of the largest array that a member's step works on."""
        return 4 * self.batch * max(self.features, self.hidden)

    @property
    def branches(self) -> bool:
        """No step has branches."""
        return False

    def model(self, key: Array, setting: Setting) -> FeatureDecoder:
        """Return the model at its start."""
        return FeatureDecoder(
            key, self.features, self.dim, self.hidden, self.activation, setting.start
        )

    def loss(self, model: FeatureDecoder, key: Array, setting: Setting) -> Array:
        """Return the squared error of a fresh batch, and the penalty."""
        inputs = toy_autoencoder.sample(key, setting.probability, self.features, self.batch)
        hidden = model.hidden(inputs)
        error = jnp.sum((model.restored(hidden) - inputs) ** 2)
        size = jnp.sum(product(jnp.abs(hidden), jnp.ones(self.batch)) * model.lengths())
        return (error + setting.penalty * size) / self.batch

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return Adam, with the shrinking of biases beside it."""
        half = max(1, self.steps // 2)
        level = self.steps // 3
        fall = optax.cosine_decay_schedule(1.0, self.steps - level)
        adam = optax.adam(lambda step: setting.rate * fall(jnp.maximum(step - level, 0)))

        def init(params: Any) -> Any:
            return adam.init(params), jnp.int32(0)

        def update(slope: Any, memory: Any, params: Any = None) -> tuple[Any, Any]:
            moments, step = memory
            change, moments = adam.update(slope, moments, params)
            share = jnp.where(step < half, setting.shrink / half, 0)

            def shrunk(moved: Array, weights: Array) -> Array:
                # The biases are the only vector.
                return moved - share * weights if weights.ndim == 1 else moved

            return jax.tree.map(shrunk, change, params), (moments, step + 1)

        return optax.GradientTransformation(init, update)

    def observe(self, model: FeatureDecoder, setting: Setting) -> dict[str, Array]:
        """Return the squared error on samples that are the same for all, and the units' kinds."""
        inputs = toy_autoencoder.sample(
            jax.random.key(0), setting.probability, self.features, _PROBE
        )
        left = model.restored(model.hidden(inputs)) - inputs
        responses = model.responses()
        living = model.living(responses)
        return {
            "loss": jnp.sum(left**2) / _PROBE,
            "monosemantic": jnp.sum(monosemanticity.monosemantic(responses, living)),
            "living": jnp.sum(living),
        }


def fresh(state: State, task: FeatureDecoderTask, place: Array) -> Array:
    """Return the `place`-th batch that a member was not trained on.  Shape `[N, batch]`.

    The same for members of the same key.
    """
    key = training.unseen(state.key, place)
    return toy_autoencoder.sample(key, state.setting.probability, task.features, task.batch)


@partial(jax.jit, static_argnames=("task", "batches"))
def evaluate(states: State, task: FeatureDecoderTask, batches: int) -> tuple[Array, Array, Array]:
    """Return each member's squared error without the penalty `[b]`, its units' responses
    `[b, k, N]`, and which units live `[b, k]`.

    The error is over `batches` batches that were not trained on.
    """

    def one(state: State) -> tuple[Array, Array, Array]:
        model = training.module(state, task)

        def batch(total: Array, place: Array) -> tuple[Array, None]:
            inputs = fresh(state, task, place)
            return total + jnp.sum((model.restored(model.hidden(inputs)) - inputs) ** 2), None

        total, _ = jax.lax.scan(batch, jnp.float32(0), jnp.arange(batches, dtype="uint32"))
        responses = model.responses()
        return total / (batches * task.batch), responses, model.living(responses)

    found: tuple[Array, Array, Array] = jax.lax.map(one, states)
    return found
