"""Sparse activity of features, and its superposition in few dimensions.

A signal switches some of N features on, with amplitudes a_j, and is stored as x = sum_j a_j w_j in
R^d, the rows w_j of the dictionary being unit vectors (Elhage et al. 2022, "Toy models of
superposition", section 2).  Signals are kept as slots, indices and amplitudes, never as N numbers,
so that a batch costs O(k d) a signal however large N is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "AMPLITUDES",
    "Activity",
    "Amplitude",
    "Signals",
    "draw",
    "draw_codes",
    "superpose",
    "thin",
]

# Chance that a Bernoulli signal has more active features than slots; the surplus would be dropped.
_SURPLUS = 1e-12
_NODES = 200
# Features a slot at which a product with a dense code costs as much, measured on CPUs.
_DENSE = 120


@dataclass(frozen=True)
class Amplitude:
    """A law of |a| with mean 1.  `mean_square` is E a², `mean_fourth` E a⁴."""

    mean_square: float
    mean_fourth: float
    nodes: NDArray[np.float64]
    """Quadrature of the law: E f(a) is about sum_i weights_i f(nodes_i).  Shape `[m]`."""
    weights: NDArray[np.float64]


def _uniform() -> Amplitude:
    # a = 1 + u/2 with u uniform on [-1, 1]: E u² = 1/3, E u⁴ = 1/5.
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return Amplitude(1 + 1 / 12, 1 + 6 / 12 + 1 / 80, 1 + nodes / 2, weights / 2)


def _exponential() -> Amplitude:
    # E a^m = m!.  Finely where the mass is, for functions that change over little more than the
    # interference, and coarsely far out.
    near, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes = np.concatenate([4 * (1 + near), 8 + 26 * (1 + near)])
    masses = np.concatenate([4 * weights, 26 * weights]) * np.exp(-nodes)
    return Amplitude(2.0, 24.0, nodes, masses)


AMPLITUDES: Mapping[str, Amplitude] = {
    "constant": Amplitude(1.0, 1.0, np.ones(1), np.ones(1)),
    "uniform": _uniform(),
    "exponential": _exponential(),
}
"""Laws of |a|: always 1, uniform on [1/2, 3/2], exponential with mean 1."""


@dataclass(frozen=True)
class Activity:
    """Which features are active, and how strongly.

    - `active`: k, the number of active features, or its mean.
    - `law`: "exact" switches on k features, all sets of k alike; "bernoulli" each feature by
      itself with probability k/N.
    - `signed`: amplitudes take either sign with probability 1/2, instead of being positive.
    - `amplitude`: a name in `AMPLITUDES`.
    - `noise`: standard deviation of Gaussian noise added to each coordinate of x.
    """

    active: int
    law: Literal["exact", "bernoulli"] = "exact"
    signed: bool = False
    amplitude: str = "constant"
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if self.active < 1:
            raise ValueError(f"`active` must be at least 1; got {self.active}.")
        if self.law not in ("exact", "bernoulli"):
            raise ValueError(f"`law` must be exact or bernoulli; got {self.law!r}.")
        if self.amplitude not in AMPLITUDES:
            raise ValueError(
                f"`amplitude` must be one of {', '.join(AMPLITUDES)}; got {self.amplitude!r}."
            )
        if not (self.noise >= 0 and math.isfinite(self.noise)):
            raise ValueError(f"`noise` must be a number in [0, inf); got {self.noise}.")

    @property
    def strength(self) -> Amplitude:
        """The law of |a|."""
        return AMPLITUDES[self.amplitude]

    def slots(self, features: int) -> int:
        """The number of slots that signals over `features` features need.

        k for the exact law.  Otherwise the number of active features is Binomial(N, k/N), and is
        larger than this with probability below 1e-12.  ValueError for fewer features than active.
        """
        if self.active > features:
            raise ValueError(
                f"`active` must be at most the {features} features there are; got {self.active}."
            )
        if self.law == "exact":
            return self.active
        most = stats.binom.isf(_SURPLUS, features, self.active / features)
        return min(features, int(most) + 1)


class Signals(NamedTuple):
    """A batch of signals.  Shapes `[b, slots]`.

    `support` int32 holds the active features, `amplitudes` float32 their signed amplitudes.  An
    empty slot has the support N, past the last feature, and the amplitude 0.
    """

    support: Array
    amplitudes: Array


@partial(jax.jit, static_argnums=(1, 2, 3))
def draw(key: Array, trials: int, features: int, activity: Activity) -> Signals:
    """Return `trials` independent signals over `features` features.

    Raises ValueError when more features are active than there are.
    """
    slots = activity.slots(features)
    places, sizes, signs = jax.random.split(key, 3)
    if activity.law == "exact":
        support = _exact(places, trials, features, slots)
    else:
        support = _bernoulli(places, trials, features, slots, activity.active / features)
    amplitudes = _amplitudes(sizes, (trials, slots), activity.amplitude)
    if activity.signed:
        amplitudes *= jax.random.rademacher(signs, (trials, slots), dtype=jnp.float32)
    return Signals(support, jnp.where(support < features, amplitudes, 0))


def _exact(key: Array, trials: int, features: int, slots: int) -> Array:
    """Uniform `slots`-subsets by Floyd's algorithm (Bentley and Floyd, CACM 30, 1987, p. 754)."""

    def step(support: Array, place: Array) -> tuple[Array, None]:
        newest = features - slots + place
        drawn = jax.random.randint(
            jax.random.fold_in(key, place), (trials,), 0, newest + 1, dtype=jnp.int32
        )
        taken = jnp.any(support == drawn[:, None], axis=1)
        return support.at[:, place].set(jnp.where(taken, newest, drawn)), None

    empty = jnp.full((trials, slots), features, dtype=jnp.int32)
    support, _ = lax.scan(step, empty, jnp.arange(slots, dtype=jnp.int32))
    return support


def _bernoulli(key: Array, trials: int, features: int, slots: int, share: float) -> Array:
    """Independent choices: the gaps between active features are geometric."""
    if share == 1.0:
        every = jnp.arange(slots, dtype=jnp.int32)
        return jnp.broadcast_to(every[None, :], (trials, slots))
    # Uniform on (0, 1], so that the logarithm is finite.
    uniform = 1 - jax.random.uniform(key, (trials, slots), dtype=jnp.float32)
    gaps = 1 + jnp.floor(jnp.log(uniform) / math.log1p(-share))
    # Clipped before the sum, which int32 must hold.
    steps = jnp.minimum(gaps, features + 1.0).astype(jnp.int32)
    reached = lax.associative_scan(lambda a, b: jnp.minimum(a + b, features + 1), steps, axis=1)
    return jnp.minimum(reached - 1, features)


def _amplitudes(key: Array, shape: tuple[int, ...], law: str) -> Array:
    if law == "uniform":
        return jax.random.uniform(key, shape, jnp.float32, 0.5, 1.5)
    if law == "exponential":
        return jax.random.exponential(key, shape, jnp.float32)
    return jnp.ones(shape, jnp.float32)


@partial(jax.jit, static_argnums=(1, 2), static_argnames=("signed",))
def draw_codes(key: Array, trials: int, features: int, active: ArrayLike, *, signed: bool) -> Array:
    """Return codes with exactly `active` entries of 1, or of ±1.  Shape `[trials, features]`.

    `active` is a number in [0, N], or one for each trial, `[trials]`; it may be traced, so that one
    compilation serves every k.  For few features: this keeps N numbers a trial.
    """
    places, signs = jax.random.split(key)
    # Random words, made distinct by the feature's index in their last bits, whose k smallest are
    # chosen; the k-th is found bit by bit, which is much faster than sorting on a CPU.
    last = jnp.uint32((1 << (features - 1).bit_length()) - 1)
    words = jax.random.bits(places, (trials, features), jnp.uint32) & ~last
    words |= jnp.arange(features, dtype=jnp.uint32)[None, :]
    wanted = jnp.broadcast_to(jnp.asarray(active, jnp.int32), (trials,))

    def halve(place: Array, low: Array) -> Array:
        candidate = low | (jnp.uint32(1) << (31 - place).astype(jnp.uint32))
        below = jnp.sum(words < candidate[:, None], axis=1, dtype=jnp.int32)
        return jnp.where(below < wanted, candidate, low)

    highest = lax.fori_loop(0, 32, halve, jnp.zeros(trials, jnp.uint32))
    chosen = (words <= highest[:, None]) & (wanted > 0)[:, None]
    codes = jnp.where(chosen, jnp.float32(1), jnp.float32(0))
    if signed:
        codes *= jax.random.rademacher(signs, (trials, features), dtype=jnp.float32)
    return codes


def thin(key: Array, signals: Signals, active: ArrayLike, features: int) -> Signals:
    """Return the signals with `active` of their slots kept, all choices alike, the others emptied.

    `active` may be traced: one compilation serves every number up to that of the slots.
    """
    draws = jax.random.uniform(key, signals.support.shape)
    kept = jnp.argsort(jnp.argsort(draws, axis=1), axis=1) < active
    return Signals(
        jnp.where(kept, signals.support, features), jnp.where(kept, signals.amplitudes, 0)
    )


@jax.jit
def superpose(vectors: ArrayLike, signals: Signals) -> Array:
    """Return x = sum_j a_j w_j for each signal.  Shape `[b, d]` from `vectors` `[n, d]`.

    Few slots are added up one by one, O(b slots d); many go through a dense code `[b, n]` and one
    matrix product, whose operations are cheaper than reading rows here and there.
    """
    rows = jnp.asarray(vectors, jnp.float32)
    batch, slots = signals.support.shape
    if slots * _DENSE > rows.shape[0]:
        item = jnp.arange(batch)[:, None]
        codes = jnp.zeros((batch, rows.shape[0]), jnp.float32)
        codes = codes.at[item, signals.support].add(signals.amplitudes, mode="drop")
        return jnp.matmul(codes, rows, precision=lax.Precision.HIGHEST)

    # Slot by slot, so that [b, slots, d] is never formed.
    def add(total: Array, slot: tuple[Array, Array]) -> tuple[Array, None]:
        which, amplitudes = slot
        # Row 0 stands in for an empty slot, whose amplitude is 0.
        chosen = rows[jnp.where(which < rows.shape[0], which, 0)]
        return total + amplitudes[:, None] * chosen, None

    start = jnp.zeros((signals.support.shape[0], rows.shape[1]), jnp.float32)
    total, _ = lax.scan(add, start, (signals.support.T, signals.amplitudes.T))
    return total
