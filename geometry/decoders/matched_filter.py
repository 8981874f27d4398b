"""The linear reader: y = x Wᵀ, and simple rules on each reading by itself.

At feature i the reading is its amplitude plus interference (`geometry.interference`, which also has
the thresholds: 1/2, the Bayes threshold, (1 + mu)/2).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry.decoders.batch import arguments
from geometry.products import product

__all__ = ["correlations", "relu", "strongest", "threshold"]


def correlations(vectors: ArrayLike, inputs: ArrayLike) -> Array:
    """Return y = x Wᵀ.  Shape `[b, n]`."""
    rows, signals = arguments(vectors, inputs)
    codes: Array = _correlations(rows, signals)
    return codes


@jax.jit
def _correlations(rows: Array, signals: Array) -> Array:
    return product(signals, rows.T)


def threshold(
    vectors: ArrayLike, inputs: ArrayLike, theta: ArrayLike, *, signed: bool = False
) -> Array:
    """Return 1 where y > theta and 0 elsewhere; `signed`, the sign of y where |y| > theta."""
    rows, signals = arguments(vectors, inputs)
    codes: Array = _threshold(rows, signals, jnp.asarray(theta, jnp.float32), signed)
    return codes


@partial(jax.jit, static_argnums=3)
def _threshold(rows: Array, signals: Array, theta: Array, signed: bool) -> Array:
    readings = product(signals, rows.T)
    if signed:
        return jnp.where(jnp.abs(readings) > theta, jnp.sign(readings), 0)
    return jnp.where(readings > theta, jnp.float32(1), jnp.float32(0))


def relu(vectors: ArrayLike, inputs: ArrayLike, bias: ArrayLike) -> Array:
    """Return ReLU(y - bias): a layer's own read-out, which cuts small interference off."""
    rows, signals = arguments(vectors, inputs)
    codes: Array = _relu(rows, signals, jnp.asarray(bias, jnp.float32))
    return codes


@jax.jit
def _relu(rows: Array, signals: Array, bias: Array) -> Array:
    return jax.nn.relu(product(signals, rows.T) - bias)


def strongest(
    vectors: ArrayLike, inputs: ArrayLike, active: ArrayLike, *, signed: bool = False
) -> Array:
    """Return the readings of the `active` features that read highest (in |y| if `signed`), else 0.

    `active` is an integer in [1, n], or one for each input, `[b]`; it may be traced.  Positive
    features must read above 0.  Features tied with the last one are all returned.
    """
    rows, signals = arguments(vectors, inputs)
    wanted = jnp.broadcast_to(jnp.asarray(active, jnp.int32), (signals.shape[0],))
    codes: Array = _strongest(rows, signals, wanted, signed)
    return codes


@partial(jax.jit, static_argnums=3)
def _strongest(rows: Array, signals: Array, active: Array, signed: bool) -> Array:
    readings = product(signals, rows.T)
    strength = jnp.abs(readings) if signed else jnp.maximum(readings, 0)
    # Non-negative floats are ordered as their bits are: thirty-one halvings find the k-th largest
    # exactly, much faster than a sort on a CPU.
    bits = lax.bitcast_convert_type(strength, jnp.int32)

    def halve(place: Array, low: Array) -> Array:
        candidate = low | (jnp.int32(1) << (30 - place))
        enough = jnp.sum(bits >= candidate[:, None], axis=1, dtype=jnp.int32) >= active
        return jnp.where(enough, candidate, low)

    least = lax.fori_loop(0, 31, halve, jnp.zeros(bits.shape[0], jnp.int32))
    return jnp.where((bits >= least[:, None]) & (bits > 0), readings, 0)
