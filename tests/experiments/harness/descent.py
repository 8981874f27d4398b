"""What tests of training share: arrays of a state, and an independent loop of descent."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments.models.training import State

Weights = NDArray[np.float64]


def vectors_of(state: State) -> NDArray[np.float32]:
    return np.array(state.params["vectors"][...], np.float32)


def leaves(tree: Any) -> list[NDArray[Any]]:
    """Every array of a pytree, integers for keys."""
    return [
        np.array(
            jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
        )
        for leaf in jax.tree.leaves(tree)
    ]


def same(one: Any, two: Any) -> bool:
    pairs = list(zip(leaves(one), leaves(two), strict=True))
    return len(pairs) > 0 and all(np.array_equal(a, b) for a, b in pairs)


def slope(weights: Weights, disturbance: Weights) -> Weights:
    """The gradient of |ReLU((W + E) Wᵀ) - I|² by loops over entries."""
    hidden = weights + disturbance
    found = np.zeros_like(weights)
    for i in range(len(weights)):
        for j in range(len(weights)):
            before = float(hidden[i] @ weights[j])
            if before > 0:
                error = 2 * (before - (i == j))
                found[i] += error * weights[j]
                found[j] += error * hidden[i]
    return found


def descend(weights: Weights, rate: float, penalty: float, steps: int) -> Weights:
    """Proximal gradient descent on the loss without noise."""
    still = np.zeros_like(weights)
    for _ in range(steps):
        moved = weights - rate * slope(weights, still)
        weights = np.sign(moved) * np.maximum(np.abs(moved) - rate * penalty, 0)
    return weights
