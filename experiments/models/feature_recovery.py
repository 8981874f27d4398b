"""x̂ = ReLU(W Wᵀ x + b) on rarely active features, its rows drawn to 0 or to unit length.

W is `[n, m]`: rows are features.  The loss is the squared error, mean over samples and over the n
features (Liu, Liu and Gore 2025, "Superposition yields robust neural scaling", arXiv 2505.10465).
A positive decay shrinks rows, so that few features are represented; a negative one draws every row
to unit length, so that all are (`pull`).

No sample touches n features.  The hidden layer is a sum of the rows that are on.  Outputs of
features that are on enter the loss exactly; of the n that may be off, S are drawn for the whole
batch, each weighted by one over its chance to be drawn, so that the loss is unbiased
(`sampled_loss`, `strata`).  A step costs O(B S m) operations, and O(n m) for Adam, whose moments
are dense: 12 bytes for each weight with the weight itself, 154 MB at n = 1e5 and m = 128.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike, NDArray

from experiments.models import rare_features, training
from experiments.models.rare_features import Active
from geometry.products import product

__all__ = [
    "FeatureRecovery",
    "FeatureRecoveryTask",
    "Setting",
    "hidden",
    "on_outputs",
    "outputs",
    "pull",
    "sampled_loss",
    "schedule",
    "settings",
    "strata",
]

WARM_UP = 0.05
"""Share of the steps in which the rate rises; then it falls along a cosine (the paper's)."""
FLOOR = 0.05
"""What it falls to, as a share of the largest."""
_PROBES = 32


class FeatureRecovery(nnx.Module):
    """W `[n, m]` and b `[n]` of ReLU(W Wᵀ x + b)."""

    def __init__(self, start: Array) -> None:
        """`start` is W; the biases start as zeros."""
        self.vectors = nnx.Param(start)
        self.bias = nnx.Param(jnp.zeros(start.shape[0]))


def hidden(rows: Array, active: Active, batch: int) -> Array:
    """Return Wᵀ x of each sample, from `rows` = W[active.feature] `[slots, m]`.  Shape `[b, m]`."""
    layer: Array = jax.ops.segment_sum(rows * active.value[:, None], active.sample, batch)
    return layer


def outputs(vectors: Array, bias: Array, layer: Array) -> Array:
    """Return the outputs of rows `[r, m]` with biases `[r]`, layers `[b, m]`.  Shape `[b, r]`."""
    return jax.nn.relu(product(layer, vectors.T) + bias[None, :])


def on_outputs(rows: Array, bias: Array, layer: Array, active: Active) -> Array:
    """Return the outputs of the features that are on, from their rows.  Shape `[slots]`."""
    product = jnp.sum(rows * layer[active.sample], axis=1)
    return jax.nn.relu(product + bias[active.feature])


def strata(features: int, drawn: int) -> NDArray[np.int64]:
    """Return the edges `[S + 1]` of S = `drawn` strata of features; one of each is drawn.

    Half of them hold one of the most frequent features each, which are on often and thus carry the
    loss; the others share the rest equally, whose outputs all see the same hidden layer and differ
    little, so that none deserves a larger chance.  With S >= n each feature has its own.
    """
    if drawn >= features:
        return np.arange(features + 1)
    head = drawn // 2
    shares = np.arange(drawn - head + 1) * (features - head) // (drawn - head)
    return np.concatenate([np.arange(head), head + shares])


def sampled_loss(
    vectors: Array,
    bias: Array,
    active: Active,
    batch: int,
    edges: NDArray[np.int64],
    chosen: Array,
) -> Array:
    """Return an unbiased estimate of the batch's loss from the outputs `chosen` `[S]`; a scalar.

    `chosen[s]` is uniform in stratum s, from `edges[s]` on; where off, it stands for all of it.
    """
    # Gathered once, so that their gradient is scattered once, which takes longest.
    rows = vectors[active.feature]
    layer = hidden(rows, active, batch)
    on = active.value > 0
    error = jnp.square(on_outputs(rows, bias, layer, active) - active.value)
    sizes = np.diff(edges)
    place = jnp.asarray(np.repeat(np.arange(len(sizes)), sizes))[active.feature]
    met = on & (chosen[place] == active.feature)
    off = jnp.ones((batch, len(sizes))).at[active.sample, place].min(jnp.where(met, 0.0, 1.0))
    seen = jnp.square(outputs(vectors[chosen], bias[chosen], layer)) * off
    total = jnp.sum(jnp.where(on, error, 0)) + jnp.sum(
        seen * jnp.asarray(sizes, jnp.float32)[None, :]
    )
    return total / (batch * len(bias))


class Setting(NamedTuple):
    """What may differ between members that train together.

    Largest rate of W and of b; decay, negative for growth to unit length; steps of the schedule,
    after which a member stays as it is.
    """

    rate: Array
    bias_rate: Array
    decay: Array
    steps: Array


def settings(*, rate: float, bias_rate: float, decay: ArrayLike, steps: ArrayLike) -> Setting:
    """Return settings for b members; `decay` and `steps` are `[b]`, the rest is for all."""
    count = len(np.asarray(decay))
    return Setting(*(training.column(one, count) for one in (rate, bias_rate, decay, steps)))


def pull(vectors: Array, decay: Array) -> Array:
    """Return what decay adds to W for each unit of the rate.  Shape `[n, m]`.

    -decay·w for decay >= 0; |decay|·w(1/|w| - 1) below, which draws |w| to 1 (the paper's equation
    for weight growth).
    """
    length = jnp.sqrt(jnp.sum(jnp.square(vectors), axis=1, keepdims=True))
    # Rows of zeros have no direction to grow in.
    inverse = jnp.where(length > 0, 1 / jnp.where(length > 0, length, 1), 0)
    return jnp.where(decay < 0, -decay * vectors * (inverse - 1), -decay * vectors)


def schedule(step: Array, steps: Array) -> Array:
    """Return the rate of step `step` of `steps` as a share of the largest; 0 afterwards."""
    warm = WARM_UP * steps
    turn = jnp.pi * (step - warm) / (steps - warm)
    falling = FLOOR + (1 - FLOOR) * (1 + jnp.cos(turn)) / 2
    share = jnp.where(step < warm, (step + 1) / (warm + 1), falling)
    return jnp.where(step < steps, share, 0)


@dataclass(frozen=True)
class FeatureRecoveryTask:
    """Law of n features (`rare_features`), width m, samples and outputs of a step."""

    features: int
    alpha: float
    expected: float
    width: int
    batch: int
    drawn: int

    @property
    def workspace(self) -> int:
        """Bytes of a batch's outputs."""
        return 4 * self.batch * self.drawn

    @property
    def branches(self) -> bool:
        """No step has branches."""
        return False

    def model(self, key: Array, setting: Setting) -> FeatureRecovery:
        """Return the model at its start: rows of mean squared length 1."""
        normal = jax.random.normal(key, (self.features, self.width))
        return FeatureRecovery(normal / math.sqrt(self.width))

    def loss(self, model: FeatureRecovery, key: Array, setting: Setting) -> Array:
        """Return n times the loss, which keeps gradients clear of Adam's epsilon."""
        drawing, choosing = jax.random.split(key)
        chances = rare_features.probabilities(self.features, self.alpha, self.expected)
        law = rare_features.law(chances, self.batch)
        active = rare_features.draw(drawing, law, self.batch)
        edges = strata(self.features, self.drawn)
        within = jax.random.uniform(choosing, (len(edges) - 1,)) * np.diff(edges)
        chosen = jnp.asarray(edges[:-1]) + jnp.minimum(within.astype(int), np.diff(edges) - 1)
        vectors, bias = model.vectors[...], model.bias[...]
        return self.features * sampled_loss(vectors, bias, active, self.batch, edges, chosen)

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return Adam with the schedule; W is pulled as well, by the decay, apart from Adam."""
        adam = optax.scale_by_adam()

        def init(params: Any) -> Any:
            return adam.init(params), jnp.int32(0)

        def update(slope: Any, memory: Any, params: Any = None) -> tuple[Any, Any]:
            moments, step = memory
            direction, moments = adam.update(slope, moments)
            share = schedule(step, setting.steps)

            def change(weights: Array, ascent: Array) -> Array:
                if weights.ndim == 1:
                    return -share * setting.bias_rate * ascent
                return share * setting.rate * (pull(weights, setting.decay) - ascent)

            return jax.tree.map(change, params, direction), (moments, step + 1)

        return optax.GradientTransformation(init, update)

    def observe(self, model: FeatureRecovery, setting: Setting) -> dict[str, Array]:
        """Return the features with |w| > 1/2, and the squared error with one feature on, at 1.

        The latter over 32 features evenly spaced in the logarithm of the rank.
        """
        vectors, bias = model.vectors[...], model.bias[...]
        ranks = np.geomspace(1, self.features, _PROBES).round().astype(int) - 1
        one = jnp.zeros((_PROBES, self.features)).at[np.arange(_PROBES), ranks].set(1.0)
        error = jnp.square(outputs(vectors, bias, vectors[ranks]) - one)
        return {
            "represented": jnp.sum(jnp.sum(jnp.square(vectors), axis=1) > 0.25),
            "probe": jnp.mean(jnp.sum(error, axis=1)),
        }
