"""The model of incidental polysemanticity: y = ReLU(W(Wᵀx + noise)), no bias, W `[n, m]`.

Its data are the n basis vectors, all of them at every step, so that without noise the loss is
exact,

    |ReLU(W Wᵀ) - I|² + penalty |W|_1,

with the sum over all entries (Lecomte et al. 2023, "Incidental polysemanticity", arXiv 2312.03096).
Rows of W are features, columns are neurons.  The optimisers add the penalty.
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

from experiments.models import noise, optimisers, starts, training
from geometry import sharing
from geometry.products import product

__all__ = ["Setting", "TiedRelu", "TiedReluTask", "basis_loss", "noisy_loss", "settings"]


class TiedRelu(nnx.Module):
    """ReLU(W(Wᵀx + noise)) on inputs `[b, n]`."""

    def __init__(self, start: Array) -> None:
        """`start` is W, `[n, m]`."""
        self.vectors = nnx.Param(start)

    def __call__(self, inputs: Array, disturbance: Array | None = None) -> Array:
        """Return the outputs, `[b, n]`; `disturbance` `[b, m]` is added to the neurons."""
        vectors = self.vectors[...]
        hidden = product(inputs, vectors)
        return _output(hidden if disturbance is None else hidden + disturbance, vectors)


def _output(hidden: Array, vectors: Array) -> Array:
    return jax.nn.relu(product(hidden, vectors.T))


@jax.custom_vjp
def basis_loss(vectors: Array) -> Array:
    """Return |ReLU(W Wᵀ) - I|², the squared error over all basis vectors; a scalar.

    Its gradient is 4 ((ReLU(G) - I) ∘ [G > 0]) W for G = W Wᵀ symmetric: two products, 4 n² m
    floating-point operations, where differentiating the formula makes three of 6 n² m.
    """
    return jnp.sum(jnp.square(_residual(vectors)))


def _residual(vectors: Array) -> Array:
    # Where G <= 0 the output is 0, also on the diagonal of a row of zeros, which then stays.
    gram = product(vectors, vectors.T)
    return jnp.maximum(gram, 0) - jnp.eye(len(vectors), dtype=vectors.dtype)


def _forward(vectors: Array) -> tuple[Array, tuple[Array, Array]]:
    residual = _residual(vectors)
    return jnp.sum(jnp.square(residual)), (residual, vectors)


def _backward(kept: tuple[Array, Array], weight: Array) -> tuple[Array]:
    # Off the diagonal the residual is 0 wherever G <= 0; on it G <= 0 means a row of zeros, to
    # which the product gives no gradient either.  So the mask [G > 0] has nothing left to do.
    residual, vectors = kept
    return (4 * weight * product(residual, vectors),)


basis_loss.defvjp(_forward, _backward)


def noisy_loss(model: TiedRelu, disturbance: Array) -> Array:
    """Return the squared error over all basis vectors with noise `[n, m]` on the neurons."""
    vectors = model.vectors[...]
    # A basis vector's hidden layer is its row: no product with the identity.
    output = _output(vectors + disturbance, vectors)
    return jnp.sum(jnp.square(output - jnp.eye(len(vectors), dtype=vectors.dtype)))


class Setting(NamedTuple):
    """What may differ between members that train together, each a scalar.

    The start, by its place in the task's `starts`; learning rate; l1 penalty; standard deviation of
    the noise, and its excess kurtosis where the kind is a family.
    """

    start: Array
    rate: Array
    penalty: Array
    noise: Array
    kurtosis: Array


def settings(
    count: int,
    *,
    rate: ArrayLike,
    penalty: ArrayLike,
    start: ArrayLike = 0,
    noise: ArrayLike = 0.0,
    kurtosis: ArrayLike = 0.0,
) -> Setting:
    """Return settings for `count` members; each value is one for all, or `[count]`."""
    rest = (training.column(one, count) for one in (rate, penalty, noise, kurtosis))
    return Setting(training.column(start, count, np.int32), *rest)


@dataclass(frozen=True)
class TiedReluTask:
    """Sizes; names of the optimiser (`descent`), of the noise or None, and of possible starts.

    `observed` is what is traced: "counts" (polysemantic neurons, the share of features with one
    weight above 0.5, mean alignment), "course" (|w|_1 and the number of weights that are not 0,
    `[n]` each) or "weights" (W itself).
    """

    features: int
    neurons: int
    descent: str = "proximal"
    noise: str | None = None
    starts: tuple[str, ...] = ("random",)
    observed: str = "counts"

    @property
    def workspace(self) -> int:
        """Bytes of the Gram matrix."""
        return 4 * self.features**2

    @property
    def narrows(self) -> bool:
        """Whether neurons without weights stay so, and may be left out (`narrowing`)."""
        return self.descent == "proximal" and self.noise is None and self.observed != "weights"

    @property
    def branches(self) -> bool:
        """No step has branches."""
        return False

    def model(self, key: Array, setting: Setting) -> TiedRelu:
        """Return the model at its start."""
        return TiedRelu(starts.make(self.starts, setting.start, key, self.features, self.neurons))

    def loss(self, model: TiedRelu, key: Array, setting: Setting) -> Array:
        """Return the loss without its penalty."""
        if self.noise is None:
            return basis_loss(model.vectors[...])
        shape = (self.features, self.neurons)
        unit = noise.draw(self.noise, key, shape, setting.kurtosis)
        return noisy_loss(model, setting.noise * unit)

    def optimiser(self, setting: Setting) -> optax.GradientTransformation:
        """Return the optimiser, which knows the penalty."""
        return optimisers.OPTIMISERS[self.descent](setting.rate, setting.penalty)

    def observe(self, model: TiedRelu, setting: Setting) -> dict[str, Array]:
        """Return what the trace records."""
        return OBSERVED[self.observed](model.vectors[...])


def _counts(vectors: Array) -> dict[str, Array]:
    return {
        "count": sharing.polysemantic(vectors),
        "one": jnp.mean(sharing.carriers(vectors) == 1),
        "alignment": jnp.mean(sharing.alignment(vectors)),
    }


def _course(vectors: Array) -> dict[str, Array]:
    return {
        "norm": jnp.sum(jnp.abs(vectors), axis=1),
        "nonzeros": jnp.sum(vectors != 0, axis=1).astype(jnp.float32),
    }


def _weights(vectors: Array) -> dict[str, Array]:
    return {"vectors": vectors}


OBSERVED = {"counts": _counts, "course": _course, "weights": _weights}
"""What a trace may hold, by name."""
