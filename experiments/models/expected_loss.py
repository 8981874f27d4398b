"""The expected loss of a small toy autoencoder: exact in each feature's own input, else quadrature.

x_j are independent, 0 with probability 1 - p and uniform on [0, 1] else.  Output i is f(z_i) for
z_i = b_i + sum_j G_ij x_j, and its expected squared error is a mean over the other inputs of

    e(a, c) = (1-p) f(c)² + p ∫₀¹ (x - f(ax + c))² dx,   a = G_ii,  c = b_i + sum_{j≠i} G_ij x_j.

Of a ReLU or an absolute value the integral is a polynomial between its kinks, and is taken exactly;
the others' is Gauss and Legendre's rule on every input that is on.  Integrating x_i first leaves a
function whose kinks are of a higher order, so that few nodes serve.  Of a linear output only means
and variances enter, and any number of features will do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import combinations, product

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from geometry import products

__all__ = ["ERRORS", "LARGEST", "errors", "rule"]

NODES = (1, 24, 9, 5, 4, 3)
"""Nodes on each input, by how many of the other inputs are on together: kinks matter less the more
variables an integral runs over, and all combinations of six features stay at four thousand."""
LARGEST = len(NODES)
"""More features than this would take too many combinations; a linear output takes any number."""
_SMOOTH_NODES = 12


def errors(activation: str, gram: Array, bias: Array, probability: ArrayLike) -> Array:
    """Return the expected squared error of each output, `[n]`.

    `gram` `[n, n]` maps inputs to what the outputs' activation sees, less `bias` `[n]`.  Raises
    ValueError for more than `LARGEST` features, unless the activation is linear.
    """
    probability = jnp.asarray(probability, gram.dtype)
    if activation == "linear":
        return _linear(gram, bias, probability)
    count = len(gram)
    if count > LARGEST:
        raise ValueError(f"an exact loss takes at most {LARGEST} features; got {count}.")
    inputs, weights, active = rule(count)
    others = np.array([[j for j in range(count) if j != i] for i in range(count)], np.int32)
    rest = jnp.take_along_axis(gram, jnp.asarray(others.reshape(count, count - 1)), axis=1)
    hidden = products.product(rest, jnp.asarray(inputs.T)) + bias[:, None]
    chance = weights * probability**active * (1 - probability) ** (count - 1 - active)
    own = jnp.diagonal(gram)[:, None]
    return jnp.sum(ERRORS[activation](own, hidden, probability) * chance[None, :], axis=1)


@cache
def _nodes(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss and Legendre's nodes and weights on [0, 1]."""
    places, weights = np.polynomial.legendre.leggauss(count)
    return (places + 1) / 2, weights / 2


@cache
def rule(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return inputs `[q, n-1]`, their weights `[q]` and how many are on `[q]`: all patterns of
    activity of the other `count` - 1 features.
    """
    inputs, weights, active = [], [], []
    for on in range(count):
        places, shares = _nodes(NODES[on])
        for chosen in combinations(range(count - 1), on):
            for picked in product(range(NODES[on]), repeat=on):
                row = np.zeros(count - 1)
                row[list(chosen)] = places[list(picked)]
                inputs.append(row)
                weights.append(np.prod(shares[list(picked)]))
                active.append(on)
    found = np.array(inputs).reshape(len(weights), count - 1)
    return found.astype(np.float32), np.array(weights, np.float32), np.array(active, np.float32)


def _linear(gram: Array, bias: Array, probability: Array) -> Array:
    """The residual is linear too: its mean squared, and its variance."""
    residual = gram - jnp.eye(len(gram), dtype=gram.dtype)
    mean = bias + probability / 2 * jnp.sum(residual, axis=1)
    variance = probability / 3 - probability**2 / 4
    return mean**2 + variance * jnp.sum(residual**2, axis=1)


def _moments(own: Array, hidden: Array) -> tuple[Array, Array]:
    """∫ relu(ax+c)² dx and ∫ x relu(ax+c) dx over [0, 1], for a = `own`, c = `hidden`.

    The line is positive on a share of the interval, from u at one end to v at the other, one of
    them 0 unless the share is all of it: no branch, and no division by a small a.
    """
    end = own + hidden
    first, last = jax.nn.relu(hidden), jax.nn.relu(end)
    whole = jnp.abs(hidden) + jnp.abs(end)
    share = (first + last) / jnp.where(whole > 0, whole, 1)
    square = share * (first**2 + first * last + last**2) / 3
    low = jnp.where(hidden < 0, 1 - share, 0)
    high = jnp.where(end < 0, share, 1)
    cross = share * (low * (2 * first + last) + high * (first + 2 * last)) / 6
    return square, cross


def _relu(own: Array, hidden: Array, probability: Array) -> Array:
    square, cross = _moments(own, hidden)
    on = 1 / 3 - 2 * cross + square
    return (1 - probability) * jax.nn.relu(hidden) ** 2 + probability * on


def _absolute(own: Array, hidden: Array, probability: Array) -> Array:
    # |z| is relu(z) + relu(-z), of which one is 0.
    _, up = _moments(own, hidden)
    _, down = _moments(-own, -hidden)
    end = own + hidden
    on = 1 / 3 - 2 * (up + down) + (hidden**2 + hidden * end + end**2) / 3
    return (1 - probability) * hidden**2 + probability * on


def _smooth(
    function: Callable[[Array], Array], own: Array, hidden: Array, probability: Array
) -> Array:
    places, weights = _nodes(_SMOOTH_NODES)
    on = jnp.zeros_like(hidden)
    for place, weight in zip(places.tolist(), weights.tolist(), strict=True):
        on += weight * (place - function(own * place + hidden)) ** 2
    return (1 - probability) * function(hidden) ** 2 + probability * on


ERRORS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "relu": _relu,
    "abs": _absolute,
    "gelu": partial(_smooth, partial(jax.nn.gelu, approximate=False)),
}
"""e(a, c) by activation."""
