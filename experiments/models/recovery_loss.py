"""The loss of ReLU(W Wᵀ x + b) on rarely active features, to a known error.

It is split by how many features are on.  With none, or one, it is a sum: integrals of
ReLU(g u + b)² over u uniform on [0, 2] are cubic polynomials.  With two or more it is a mean over
samples drawn under that condition.  The error of this last part is all the error there is, as long
as every feature's turn to be alone is taken; above 4096 features that many turns stand for all.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from experiments.models import rare_features
from experiments.models.feature_recovery import hidden, on_outputs, outputs
from experiments.models.rare_features import Active
from geometry.products import product

__all__ = ["Loss", "Sample", "alone", "loss", "sample", "together"]

TURNS = 4096
_BLOCK = 256
_MOST = 2**31 - 1
_draw = jax.jit(rare_features.draw, static_argnames="batch")


class Sample(NamedTuple):
    """Probability that nothing is on; that a feature of `rows` alone is `[r]`; of two or more.

    And samples with two or more: which are on, and how many samples.
    """

    nothing: float
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    several: float
    active: Active
    size: int


class Loss(NamedTuple):
    """The loss, and its standard error given the model."""

    mean: float
    error: float


def sample(key: Array, chances: NDArray[np.float64], size: int) -> Sample:
    """Return what `loss` needs, with `size` samples of two or more features."""
    sampling, turning = jax.random.split(key)
    nothing = float(np.exp(-rare_features.arrivals(chances).sum()))
    single = nothing * chances / (1 - chances)
    rows, weights = np.arange(len(chances)), single
    if len(chances) > TURNS:
        # Systematic: a row is met once for each step of total/TURNS that its weight spans.
        start = float(jax.random.uniform(turning))
        ends = np.cumsum(single)
        rows = np.searchsorted(ends, (np.arange(TURNS) + start) / TURNS * ends[-1])
        rows = np.minimum(rows, len(chances) - 1)
        weights = np.full(TURNS, ends[-1] / TURNS)
    several = 1 - nothing - float(single.sum())
    kept: list[list[NDArray[Any]]] = [[], [], []]
    found, turn = 0, 0
    batch = min(4 * size, _MOST // len(chances))
    law = rare_features.law(chances, batch)
    while found < size:
        drawn = _draw(jax.random.fold_in(sampling, turn), law, batch)
        which, feature, value = (np.asarray(leaf) for leaf in drawn)
        on = value > 0
        of = np.bincount(which[on], minlength=batch)
        place = np.where(of >= 2, found + np.cumsum(of >= 2) - 1, size)
        here = on & (place[which] < size)
        for part, values in zip(kept, (place[which], feature, value), strict=True):
            part.append(values[here])
        found += int((of >= 2).sum())
        turn += 1
    places, features, values = (np.concatenate(part) for part in kept)
    # Room to the next thousand, so that samples of other keys have the same shape.
    fill = -len(places) % 1024
    active = Active(
        jnp.asarray(np.pad(places, (0, fill)), jnp.int32),
        jnp.asarray(np.pad(features, (0, fill)), jnp.int32),
        jnp.asarray(np.pad(values, (0, fill)), jnp.float32),
    )
    return Sample(nothing, rows, weights, several, active, size)


def loss(vectors: Array, bias: Array, given: Sample) -> Loss:
    """Return the loss of W `[n, m]` and b `[n]`.  Cost O((r + size) n m)."""
    nothing = float(jnp.mean(jnp.square(jax.nn.relu(bias))))
    single = np.asarray(alone(vectors, bias, jnp.asarray(given.rows)), np.float64)
    several = np.asarray(together(vectors, bias, given.active, given.size), np.float64)
    mean = (
        given.nothing * nothing
        + float(given.weights @ single)
        + given.several * float(several.mean())
    )
    error = given.several * float(several.std(ddof=1)) / given.size**0.5
    return Loss(mean, error)


@jax.jit
def alone(vectors: Array, bias: Array, rows: Array) -> Array:
    """Return the loss while feature rows[r] alone is on, mean over its value.  Shape `[r]`."""

    def one(row: Array) -> Array:
        slopes = product(vectors, vectors[row])
        first, last = jax.nn.relu(bias), jax.nn.relu(2 * slopes + bias)
        both = (first * first + first * last + last * last) / 3
        # Where one end is 0, ReLU(g u + b)² is over (c/|g|) of [0, 2] a parabola from 0 to c².
        steep = jnp.maximum(jnp.abs(slopes), jnp.maximum(first, last) / 2)
        some = jnp.maximum(first, last) ** 3 / (6 * jnp.where(steep > 0, steep, 1))
        squares = jnp.where((first > 0) & (last > 0), both, some)
        slope, shift = slopes[row], bias[row]
        start = jnp.where(
            slope > 0,
            jnp.clip(-shift / jnp.where(slope > 0, slope, 1), 0, 2),
            jnp.where(shift > 0, 0.0, 2.0),
        )
        # E u ReLU(g u + b): the integral from where it turns positive.
        cross = slope * (8 - start**3) / 6 + shift * (4 - start**2) / 4
        return (jnp.sum(squares) - 2 * cross + 4 / 3) / len(bias)

    found: Array = jax.lax.map(one, rows, batch_size=_BLOCK)
    return found


@partial(jax.jit, static_argnames="count")
def together(vectors: Array, bias: Array, active: Active, count: int) -> Array:
    """Return the loss of each of `count` samples over all outputs.  Shape `[count]`."""
    rows = vectors[active.feature]
    layer = hidden(rows, active, count)
    # (x̂ - x)² is x̂² but for features that are on, where x² - 2 x x̂ comes to it.
    extra = active.value * (active.value - 2 * on_outputs(rows, bias, layer, active))

    def squares(one: Array) -> Array:
        return jnp.sum(jnp.square(outputs(vectors, bias, one[None])))

    off = jax.lax.map(squares, layer, batch_size=_BLOCK)
    total: Array = off + jax.ops.segment_sum(extra, active.sample, count)
    return total / len(bias)
