"""The quadratic model of capacity: ŷ = |Wᵀx|² + b learns y = sum_i v_i x_i², exactly in the mean.

Features are independent, of mean 0, variance 1 and kurtosis F.  The expected loss with the bias at
its best has a closed form (`geometry.allocation`), so that nothing is sampled and no bias trained
(Scherlis et al. 2022, "Polysemanticity and capacity in neural networks").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from numpy.typing import ArrayLike

from experiments.models import training
from geometry.products import product

__all__ = ["Quadratic", "QuadraticTask", "Setting", "expected_loss", "settings"]


class Quadratic(nnx.Module):
    """|Wᵀx|² on inputs `[b, n]`."""

    def __init__(self, start: Array) -> None:
        """`start` is W, `[n, d]`."""
        self.vectors = nnx.Param(start)

    def __call__(self, inputs: Array) -> Array:
        """Return the outputs `[b]` before a bias, whose best value is sum_i (v_i - |w_i|²)."""
        hidden = product(inputs, self.vectors[...])
        return jnp.sum(jnp.square(hidden), axis=1)


def _gram(vectors: Array) -> Array:
    return product(vectors, vectors.T)


def _residual(vectors: Array, importance: Array, kurtosis: Array) -> tuple[Array, Array]:
    """G - diag v, and the weights: F - 1 on the diagonal, 2 off it."""
    eye = jnp.eye(len(vectors), dtype=vectors.dtype)
    return _gram(vectors) - importance[:, None] * eye, 2 + (kurtosis - 3) * eye


@jax.custom_vjp
def expected_loss(vectors: Array, importance: Array, kurtosis: Array) -> Array:
    """Return (F - 1) sum_i (v_i - G_ii)² + 2 sum_{i≠j} G_ij² for G = W Wᵀ; a scalar.

    Its gradient in W is 4 (K ∘ (G - diag v)) W with K_ii = F - 1 and K_ij = 2; v and F are given
    no gradient.
    """
    residual, weight = _residual(vectors, importance, kurtosis)
    return jnp.sum(weight * jnp.square(residual))


def _forward(
    vectors: Array, importance: Array, kurtosis: Array
) -> tuple[Array, tuple[Array, Array]]:
    residual, weight = _residual(vectors, importance, kurtosis)
    pull = weight * residual
    return jnp.sum(pull * residual), (pull, vectors)


def _backward(kept: tuple[Array, Array], outer: Array) -> tuple[Array, None, None]:
    pull, vectors = kept
    return 4 * outer * product(pull, vectors), None, None


expected_loss.defvjp(_forward, _backward)


class Setting(NamedTuple):
    """What may differ between members: v `[n]`, F, rate and the start's standard deviation."""

    importance: Array
    kurtosis: Array
    rate: Array
    start: Array


def settings(
    importance: ArrayLike,
    *,
    kurtosis: ArrayLike,
    rate: ArrayLike,
    start: ArrayLike,
) -> Setting:
    """Return settings for the members of `importance` `[b, n]`; others one for all, or `[b]`."""
    values = np.asarray(importance, np.float32)
    rest = (training.column(one, len(values)) for one in (kurtosis, rate, start))
    return Setting(jnp.asarray(values), *rest)


@dataclass(frozen=True)
class QuadraticTask:
    """Sizes n and d, and the momentum of gradient descent; a `training.Task`.

    Rows start normal.  Descent has Nesterov's momentum, and its rate is divided by F + 1, the sum
    of the loss's two weights, so that one rate serves all F: for v <= 1 curvatures are then at most
    about 8, and rates up to 0.1 are stable.
    """

    features: int
    dim: int
    momentum: float = 0.9

    @property
    def workspace(self) -> int:
        """Bytes of the Gram matrix."""
        return 4 * self.features**2

    @property
    def branches(self) -> bool:
        """No step has branches."""
        return False

    def model(self, key: Array, setting: Setting) -> Quadratic:
        """Return the model at its start."""
        return Quadratic(setting.start * jax.random.normal(key, (self.features, self.dim)))

    def loss(self, model: Quadratic, key: Array, setting: Setting) -> Array:
        """Return the expected loss; nothing is drawn."""
        return expected_loss(model.vectors[...], setting.importance, setting.kurtosis)

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return gradient descent with momentum."""
        return optax.sgd(setting.rate / (setting.kurtosis + 1), self.momentum, nesterov=True)

    def observe(self, model: Quadratic, setting: Setting) -> dict[str, Array]:
        """Return the capacities, `[n]`."""
        gram = _gram(model.vectors[...])
        own, rows = jnp.square(jnp.diagonal(gram)), jnp.sum(jnp.square(gram), axis=1)
        return {"capacities": jnp.where(rows > 0, own / jnp.where(rows > 0, rows, 1), 0)}
