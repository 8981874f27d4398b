"""The optimisers that the trained experiments compare, as optax transformations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

__all__ = ["OPTIMISERS", "adamw", "proximal_sgd", "soft_threshold"]


def soft_threshold(values: Array, reach: Array) -> Array:
    """Return sign(v)(|v| - reach)_+, the proximal map of reach·|v|_1, elementwise."""
    return jnp.sign(values) * jnp.maximum(jnp.abs(values) - reach, 0)


def proximal_sgd(rate: Array, penalty: Array) -> optax.GradientTransformation:
    """Return W <- soft_threshold(W - rate·gradient, rate·penalty): gradient descent with exact
    zeros.

    The gradient is that of the loss without its l1 penalty.  A weight whose gradient is below the
    penalty stays 0, as in the gradient flow; plain descent would let it flicker about 0.
    """

    def update(slope: Any, memory: Any, params: Any = None) -> tuple[Any, Any]:
        def change(weights: Array, gradient: Array) -> Array:
            # Subtracting w from 0 and adding it again gives 0 exactly.
            return soft_threshold(weights - rate * gradient, rate * penalty) - weights

        return jax.tree.map(change, params, slope), memory

    return optax.GradientTransformation(lambda _: optax.EmptyState(), update)


def adamw(rate: Array, penalty: Array) -> optax.GradientTransformation:
    """Return AdamW (Loshchilov and Hutter 2019) with weight decay 0.01 on the penalised loss.

    The subgradient penalty·sign(W) joins the gradient, as when the penalty is part of the loss.
    """

    def penalise(slope: Any, memory: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda g, w: g + penalty * jnp.sign(w), slope, params), memory

    return optax.chain(
        optax.GradientTransformation(lambda _: optax.EmptyState(), penalise),
        optax.adamw(rate, weight_decay=0.01),
    )


OPTIMISERS = {"proximal": proximal_sgd, "adamw": adamw}
"""By the name of the flag."""
