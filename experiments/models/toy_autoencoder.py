"""The toy model of superposition: an autoencoder that restores sparse features through few numbers.

x̂ = f(V Wᵀx + b) with W, V `[n, d]`, V = W unless untied, f a ReLU unless said otherwise; x_i are
independent, on with probability p and then uniform on [0, 1].  The loss is the squared error summed
over features, each weighted with its importance (Elhage et al. 2022, "Toy models of superposition";
their W is the transpose).  Rows of W are the directions that the model gives to its features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike

from experiments.models import expected_loss, threefry, training
from experiments.models.training import State
from geometry.products import product

__all__ = [
    "ACTIVATIONS",
    "Setting",
    "ToyAutoencoder",
    "ToyTask",
    "directions",
    "evaluate",
    "settings",
]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "linear": lambda values: values,
    "abs": jnp.abs,
}
"""Functions of the output, by name."""


class ToyAutoencoder(nnx.Module):
    """x̂ = f(V Wᵀx + b), on batches `[b, n]`."""

    def __init__(
        self, features: int, dim: int, activation: str, *, tied: bool, rngs: nnx.Rngs
    ) -> None:
        """Rows of W and V start as normal vectors of mean squared length 1, b as zeros."""

        def start() -> nnx.Param[Array]:
            return nnx.Param(jax.random.normal(rngs.params(), (features, dim)) / jnp.sqrt(dim))

        self.vectors = start()
        self.decoders = None if tied else start()
        self.bias = nnx.Param(jnp.zeros(features))
        self.activation = activation

    def rows(self) -> tuple[Array, Array]:
        """Return W and V, `[n, d]` each."""
        vectors = self.vectors[...]
        return vectors, vectors if self.decoders is None else self.decoders[...]

    def __call__(self, inputs: Array) -> Array:
        """Return the restored features.  Shape `[b, n]`."""
        return self.columns(inputs.T).T

    def columns(self, inputs: Array) -> Array:
        """Return the restored features of inputs `[n, b]`, a sample a column: faster where n is
        small.
        """
        vectors, decoders = self.rows()
        hidden = product(vectors.T, inputs)
        return ACTIVATIONS[self.activation](product(decoders, hidden) + self.bias[...][:, None])


class Setting(NamedTuple):
    """What may differ between members that train together.

    Probability p of a feature to be on; importances `[n]`; the learning rate's largest value.
    """

    probability: Array
    importance: Array
    rate: Array


def settings(
    count: int, *, probability: ArrayLike, importance: ArrayLike, rate: ArrayLike
) -> Setting:
    """Return settings for `count` members.

    `probability` and `rate` are one for all or `[count]`; `importance` is `[n]` or `[count, n]`.
    """
    weights = np.asarray(importance, np.float32)
    weights = np.broadcast_to(weights, (count, weights.shape[-1]))
    chance, speed = (training.column(one, count) for one in (probability, rate))
    return Setting(chance, jnp.asarray(weights), speed)


@dataclass(frozen=True)
class ToyTask:
    """Sizes, the output's function, where the loss comes from, and how long.

    With `exact` the loss is the expected one (`expected_loss`, up to six features, or a linear
    output), else that of `batch` fresh samples a step.  The rate of Adam stays as it is for
    `steps`/2 steps and then falls to 0 along a cosine, so that a fixed noise does not end the
    descent; with `level` it stays to the end.  `observed` is what is traced: "nothing", "norm" (the
    trace of V Wᵀ, which is the squared Frobenius norm of W if tied) or "weights" (W and b).
    """

    features: int
    dim: int
    steps: int
    activation: str = "relu"
    tied: bool = True
    exact: bool = True
    batch: int = 1024
    level: bool = False
    observed: str = "nothing"

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if min(self.features, self.dim, self.steps, self.batch) < 1:
            raise ValueError(f"sizes of `ToyTask` must be at least 1; got {self}.")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}; got {self.activation!r}."
            )
        if self.observed not in OBSERVED:
            raise ValueError(
                f"`observed` must be one of {', '.join(OBSERVED)}; got {self.observed!r}."
            )
        small = self.features <= expected_loss.LARGEST or self.activation == "linear"
        if self.exact and not small:
            raise ValueError(
                f"`exact` takes at most {expected_loss.LARGEST} features, or a linear output; got "
                f"{self.features} and {self.activation!r}."
            )

    @property
    def workspace(self) -> int:
        """Bytes of the largest array that a member's step works on."""
        if not self.exact:
            return 4 * self.batch * self.features
        if self.activation == "linear":
            return 4 * self.features**2
        return 4 * self.features * len(expected_loss.rule(self.features)[1])

    @property
    def branches(self) -> bool:
        """No step has branches."""
        return False

    def model(self, key: Array, setting: Setting) -> ToyAutoencoder:
        """Return the model at its start."""
        return ToyAutoencoder(
            self.features, self.dim, self.activation, tied=self.tied, rngs=nnx.Rngs(key)
        )

    def loss(self, model: ToyAutoencoder, key: Array, setting: Setting) -> Array:
        """Return the importance-weighted squared error, expected or of a fresh batch."""
        return jnp.sum(setting.importance * self.errors(model, key, setting.probability))

    def errors(self, model: ToyAutoencoder, key: Array, probability: Array) -> Array:
        """Return the mean squared error of each feature, `[n]`."""
        if self.exact:
            vectors, decoders = model.rows()
            gram = product(decoders, vectors.T)
            return expected_loss.errors(self.activation, gram, model.bias[...], probability)
        inputs = sample(key, probability, self.features, self.batch)
        return jnp.mean((model.columns(inputs) - inputs) ** 2, axis=1)

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return Adam."""
        if self.level:
            return optax.adam(setting.rate)
        half = self.steps // 2
        fall = optax.cosine_decay_schedule(1.0, max(1, self.steps - half))
        return optax.adam(lambda step: setting.rate * fall(jnp.maximum(step - half, 0)))

    def observe(self, model: ToyAutoencoder, setting: Setting) -> dict[str, Array]:
        """Return what the trace records."""
        return OBSERVED[self.observed](model)


def directions(
    key: Array, features: int, dim: int, *, steps: int, batch: int
) -> tuple[Array, Array]:
    """Return W `[n, d]` of a model trained for so many steps, and its loss.

    About four features are on at once, so that they are worth keeping apart.
    """
    task = ToyTask(features, dim, steps=steps, exact=False, batch=batch)
    given = settings(1, probability=min(1.0, 4 / features), importance=np.ones(features), rate=0.01)
    states, _ = training.advance_all(training.ensemble(key[None], task, given), task, 1, steps)
    return states.params["vectors"][...][0], jnp.sum(evaluate(states, task, 20)[0])


def sample(key: Array, probability: Array, features: int, batch: int) -> Array:
    """Return a batch of features, `[n, b]`, each on with `probability` and then uniform on [0, 1).

    One random number decides both: it is below p with probability p, and uniform on [0, p) then.
    """
    draw = threefry.uniform(key, (features, batch))
    return jnp.where(draw < probability, draw / probability, 0)


@partial(jax.jit, static_argnames=("task", "batches"))
def evaluate(states: State, task: ToyTask, batches: int) -> Array:
    """Return the mean squared error of each feature, `[b, n]`.

    Over `batches` batches that were not trained on; with an exact loss it is exact.
    """

    def one(state: State) -> Array:
        model = training.module(state, task)
        if task.exact:
            return task.errors(model, state.key, state.setting.probability)

        def batch(total: Array, place: Array) -> tuple[Array, None]:
            fresh = training.unseen(state.key, place)
            return total + task.errors(model, fresh, state.setting.probability), None

        total: Array
        places = jnp.arange(batches, dtype="uint32")
        total, _ = jax.lax.scan(batch, jnp.zeros(task.features), places)
        return total / batches

    found: Array = jax.lax.map(one, states)
    return found


def _norm(model: ToyAutoencoder) -> dict[str, Array]:
    vectors, decoders = model.rows()
    return {"norm": jnp.sum(vectors * decoders)}


def _weights(model: ToyAutoencoder) -> dict[str, Array]:
    return {"vectors": model.vectors[...], "bias": model.bias[...]}


OBSERVED: dict[str, Callable[[ToyAutoencoder], dict[str, Array]]] = {
    "nothing": lambda _model: {},
    "norm": _norm,
    "weights": _weights,
}
"""What a trace may hold, by name."""
