"""Sparse autoencoders' losses once more, dense and in float64, and a way to run the real ones.

The loss needs nothing but operators, so that NumPy gives its value and JAX, asked for 64 bits, its
gradient.  What no gradient passes through is computed by NumPy, or from `held`, a copy of weights.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from experiments.models.autoencoders import ARCHITECTURES, active
from experiments.models.autoencoders.base import Pressure

Floats = NDArray[np.float64]
Weights = dict[str, Any]
State = tuple[Any, Any]
Given = dict[str, NDArray[np.float32]]

LATENTS, DIM, BATCH, SLOTS, WINDOW = 12, 5, 16, 3, 5
EPSILON = 0.1


def weights(kind: str, seed: int = 0) -> Given:
    """Weights of float32 that are tied to nothing; the last two latents are never active."""
    generator = np.random.default_rng(seed)
    found = {
        "encoder": generator.standard_normal((LATENTS, DIM)),
        "decoder": 0.7 * generator.standard_normal((LATENTS, DIM)),
        "encoder_bias": 0.3 * generator.standard_normal(LATENTS),
        "decoder_bias": 0.3 * generator.standard_normal(DIM),
    }
    found["encoder_bias"][-2:] = -100
    if kind == "gated":
        found["log_gain"] = 0.3 * generator.standard_normal(LATENTS)
        found["magnitude_bias"] = 0.3 * generator.standard_normal(LATENTS)
    if kind == "jumprelu":
        found["log_threshold"] = np.log(generator.uniform(0.06, 0.3, LATENTS))
    return {name: value.astype(np.float32) for name, value in found.items()}


def inputs(seed: int, scale: float = 1.0) -> NDArray[np.float32]:
    generator = np.random.default_rng([1, seed])
    return (scale * generator.standard_normal((BATCH, DIM))).astype(np.float32)


def wide(values: dict[str, NDArray[Any]]) -> Weights:
    return {name: value.astype(np.float64) for name, value in values.items()}


def _before(given: Weights, x: Floats) -> Any:
    """`[batch, m]`."""
    return (x - given["decoder_bias"][None]) @ given["encoder"].T + given["encoder_bias"][None]


def _relu(values: Any) -> Any:
    return (values > 0) * values


def _norms(given: Weights) -> Any:
    return (given["decoder"] ** 2).sum(axis=1) ** 0.5


def _ranks(values: Floats) -> Any:
    """0 for the largest; along the last axis."""
    return np.argsort(np.argsort(-values, axis=-1), axis=-1)


def scores_of(held: Weights, x: Floats, weighed: bool = True) -> Floats:
    """What latents are chosen by, with their length or without.  Shape `[batch, m]`."""
    before: Floats = _before(held, x)
    return before * _norms(held)[None] if weighed else before


def counted(kind: str, held: Weights, x: Floats, number: float, *, weighed: bool = True) -> Floats:
    """Return by how much each latent of a sample counts, in [0, 1].  Shape `[batch, m]`."""
    scores = scores_of(held, x, weighed)
    if kind == "topk":
        counts = np.clip(number - _ranks(scores), 0, 1)
    elif kind in ("batch-topk", "matryoshka"):
        counts = (_ranks(scores.ravel()) < round(number * len(x))).reshape(scores.shape)
    elif kind == "jumprelu":
        counts = _relu(scores) > np.exp(held["log_threshold"])[None]
    else:
        counts = scores > 0
    return np.asarray(counts, np.float64)


def codes(kind: str, held: Weights, x: Floats, number: float, *, weighed: bool = True) -> Floats:
    """Return f.  Shape `[batch, m]`."""
    return np.asarray(_codes(kind, held, x, counted(kind, held, x, number, weighed=weighed)))


def _codes(kind: str, given: Weights, x: Any, counts: Any) -> Any:
    before = _before(given, x)
    if kind == "gated":
        plain = before - given["encoder_bias"][None]
        # The exponential of a NumPy or of a JAX array.
        gain = np.e ** given["log_gain"]
        return counts * _relu(gain[None] * plain + given["magnitude_bias"][None])
    return counts * _relu(before)


class Fixed(NamedTuple):
    """What no gradient passes through: how much latents count, which dead ones do, weights."""

    counts: Any
    chosen: Any
    scale: Any
    weight: Any
    held: Any


def _fixed(
    kind: str,
    held: Weights,
    x: Floats,
    *,
    number: float = 0.0,
    weight: float = 0.0,
    dead: NDArray[np.bool_] | None = None,
    weighed: bool = True,
) -> Fixed:
    """`number` of active latents, or `weight` of the penalty; the `dead` if any."""
    counts = counted(kind, held, x, number, weighed=weighed)
    mask = np.zeros(LATENTS, bool) if dead is None else dead
    count, half = int(mask.sum()), x.shape[1] // 2
    scores = np.where(mask, scores_of(held, x, weighed), -np.inf)
    chosen = (_ranks(scores) < min(half, count)) * 1.0
    return Fixed(counts, chosen, min(1.0, count / half), weight, held)


def loss(kind: str, held: Weights, x: Floats, **others: Any) -> float:
    return float(_loss(kind, held, x, _fixed(kind, held, x, **others)))


def _loss(kind: str, given: Weights, x: Any, fixed: Fixed) -> Any:
    counts, chosen, scale, weight, held = fixed

    def error(found: Any) -> Any:
        return ((x - found) ** 2).sum() / len(x)

    f = _codes(kind, given, x, counts)
    bias, decoder = given["decoder_bias"][None], given["decoder"]
    total = error(f @ decoder + bias)
    if kind == "matryoshka":
        errors = [error(f[:, :end] @ decoder[:end] + bias) for end in (1, 3, 6)]
        total = (sum(errors) + total) / 4
    if kind == "relu":
        total = total + weight * (f * _norms(given)[None]).sum() / len(x)
    if kind == "jumprelu":
        total = total + weight * counts.sum() / len(x)
    if kind == "gated":
        gate = _relu(_before(given, x))
        total = total + weight * (gate * _norms(held)[None]).sum() / len(x)
        total = total + error(gate @ held["decoder"] + held["decoder_bias"][None])
    left = x - _codes(kind, held, x, counts) @ held["decoder"] - held["decoder_bias"][None]
    explained = (chosen * _before(given, x)) @ given["decoder"]
    return total + scale * ((explained - left) ** 2).sum() / len(x)


def threshold_slope(held: Weights, x: Floats, weight: float) -> Floats:
    """The estimated slope in log theta of JumpReLU's loss, by loops.

    Equations 11 and 12 with z = relu of what is before, times |w|, and f = z/|w| where z > theta.
    """
    z = _relu(_before(held, x)) * _norms(held)[None]
    f = codes("jumprelu", held, x, 0)
    left = x - f @ held["decoder"] - held["decoder_bias"][None]
    found = np.zeros(LATENTS)
    for j in range(LATENTS):
        theta, length = np.exp(held["log_threshold"][j]), _norms(held)[j]
        for sample in range(len(x)):
            if abs(z[sample, j] - theta) < EPSILON / 2:
                # Of the squared error in f, times that of f; of the number active.
                by_code = -2 * left[sample] @ held["decoder"][j] / len(x)
                found[j] += by_code * -(theta / EPSILON) / length
                found[j] += weight / len(x) * -1 / EPSILON
        found[j] *= theta
    return found


@cache
def _slope(kind: str) -> Any:
    return jax.jit(jax.grad(partial(_loss, kind)))


def gradient(kind: str, held: Weights, x: Floats, **others: Any) -> Weights:
    """Return the gradient of `loss`, float64."""
    with jax.enable_x64(True):
        slope = _slope(kind)(held, x, _fixed(kind, held, x, **others))
        found = {name: np.asarray(value) for name, value in slope.items()}
    if kind == "jumprelu":
        found["log_threshold"] = threshold_slope(held, x, others["weight"])
    return found


class Real:
    """The real autoencoder: its loss, gradient and counters at any weights, one compilation."""

    def __init__(
        self, kind: str, window: int = 0, *, gathered: bool = False, weighed: bool = True
    ) -> None:
        """`gathered`: as with many latents, rows are gathered; else products are dense."""
        model = self.model(kind)
        model.weighed = weighed
        parts: Any = nnx.split(model, nnx.Param, ...)
        self.graph, self.params, self.rest = parts

        def value(params: Any, rest: Any, x: Any, pressure: Pressure) -> Any:
            one = nnx.merge(self.graph, params, rest, copy=True)
            with mock.patch.object(active, "GATHERED", 1 if gathered else 10**9):
                found = one.loss(x, pressure, window)
            parts: Any = nnx.split(one, nnx.Param, ...)
            return found, parts[2]

        self.slope = jax.jit(jax.value_and_grad(value, has_aux=True))

    @staticmethod
    def model(kind: str) -> Any:
        made = ARCHITECTURES[kind]
        return made(LATENTS, DIM, SLOTS, norm=1.0, rngs=nnx.Rngs(jax.random.key(0)))

    def model_at(self, given: Given, silent: NDArray[Any] | None = None) -> Any:
        """Return the model at weights, its latents silent for so long."""
        one = nnx.merge(self.graph, self.params, self.rest, copy=True)
        for name, value in given.items():
            getattr(one, name)[...] = jnp.asarray(value)
        if silent is not None:
            one.silent[...] = jnp.asarray(silent, jnp.int32)
        return one

    def at(self, given: Given, silent: NDArray[Any] | None = None) -> State:
        """Return the parameters and the other variables."""
        parts: Any = nnx.split(self.model_at(given, silent), nnx.Param, ...)
        return parts[1], parts[2]

    def __call__(
        self, state: State, x: Any, sparsity: float, share: float = 1.0
    ) -> tuple[float, dict[str, NDArray[Any]], State]:
        """Return the loss, its gradient, and the state with counters that have moved."""
        pressure = Pressure(jnp.float32(sparsity), jnp.float32(share))
        (value, rest), slope = self.slope(*state, x, pressure)
        found = {name: np.asarray(slope[name][...]) for name in slope}
        return float(value), found, (state[0], rest)


real = cache(Real)


def assert_close(found: dict[str, NDArray[Any]], expected: Weights, loose: float = 1e-5) -> None:
    """Every gradient, to `loose` of its largest entry: sums of up to 200 roundings of 6e-8."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        size = np.abs(value).max()
        assert np.abs(found[name] - value).max() <= loose * max(size, 1e-3), name
