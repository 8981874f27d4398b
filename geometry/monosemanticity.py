"""Whether a unit responds to one feature alone.

`responses` is `[k, n]`: the activation of each of k units on each of n features alone, at the same
amplitude.  A unit's score is its largest response over the sum of all, sizes without signs: 1 for a
unit of one feature, 1/n for one that responds to all alike.  Jermyn, Schiefer and Hubinger (2022,
"Engineering monosemanticity in toy models", arXiv 2211.09169) call a unit monosemantic whose score
is above .999.
"""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

__all__ = ["THRESHOLD", "monosemantic", "represented", "scores"]

THRESHOLD = 0.999
"""Least score of a monosemantic unit, itself not enough."""


def scores(responses: ArrayLike) -> Array:
    """Return max_i |a_ji| / sum_i |a_ji|.  Shape `[k]`, in [1/n, 1]; 0 for a unit of zeros."""
    sizes = jnp.abs(jnp.asarray(responses))
    total = jnp.sum(sizes, axis=1)
    return jnp.max(sizes, axis=1) / jnp.where(total > 0, total, 1)


def monosemantic(responses: ArrayLike, living: ArrayLike) -> Array:
    """Return which units are alive and monosemantic, from `living` `[k]`.  Shape `[k]`, bool."""
    return jnp.asarray(living) & (scores(responses) > THRESHOLD)


def represented(responses: ArrayLike, living: ArrayLike) -> Array:
    """Return which features have a living monosemantic unit.  Shape `[n]`, bool."""
    sizes = jnp.abs(jnp.asarray(responses))
    chosen = jnp.argmax(sizes, axis=1)
    blank = jnp.zeros(sizes.shape[1], bool)
    return blank.at[chosen].max(monosemantic(responses, living))
