"""Activations with a known truth: sums of a few directions of a dictionary, as features come on.

    law = ActivationLaw(features=128, active=3)
    found = draw(key, law, batch)                     # which features, where, how strongly
    inputs = mix(dictionary, found, batch)            # [batch, d]

A sample is x = sum over the features i that are on of a_i w_i, w_i a row of the dictionary `[n, d]`
and a_i = max(0, 1 + spread·xi), xi normal.  Which are on:

- "fixed": exactly k of n, every set of k alike.
- "independent": feature i with probability p_i ∝ i^-alpha, and `active` of them in the mean.
- "correlated": features come in groups of `group`, whose members share a Gaussian copula: member j
  is on where a normal variable is past its threshold, and those of a group have correlation
  `strength`.  Groups are independent of each other, with frequencies as above.
- "hierarchical": the first feature of a group is the parent, on as above; the others are on only
  with it, each with probability `strength`.

Features that are off cost nothing: a batch is drawn as a list of groups that arrive
(`rare_features`), then of members given that one is on, and inputs are gathered rows.  The laws are
exact, but for float32's resolution of the probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy import special
from numpy.typing import NDArray

from experiments.models import rare_features, threefry

__all__ = [
    "KINDS",
    "ActivationLaw",
    "Active",
    "chances",
    "covariance",
    "dense",
    "draw",
    "mix",
    "parents",
]

KINDS = ("fixed", "independent", "correlated", "hierarchical")
"""Which features are on together, by name."""

Floats = NDArray[np.float64]
_NODES = 400
_REACH = 9.0


@dataclass(frozen=True)
class ActivationLaw:
    """How many features, how many of them are on, which together, and how strongly.

    `active` is the number on in the mean, and exactly for "fixed", where it is whole.
    """

    features: int
    active: float
    kind: str = "fixed"
    alpha: float = 0.0
    spread: float = 0.3
    group: int = 1
    strength: float = 0.0

    def __post_init__(self) -> None:
        """Hold the ranges."""
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}; got {self.kind!r}.")
        if self.features < 1 or not 0 < self.active <= self.features:
            raise ValueError(
                f"`active` must lie in (0, n], n = {self.features} features; got {self.active}."
            )
        if self.kind == "fixed" and (self.active != int(self.active) or self.alpha):
            raise ValueError(
                "`active` must be whole and `alpha` 0 for a fixed number; got "
                f"{self.active} and {self.alpha}."
            )
        grouped = self.kind in ("correlated", "hierarchical")
        if self.group < 1 or self.features % self.group or (self.group > 1) != grouped:
            raise ValueError(
                "`group` must divide the features, and be 2 or more just where they are "
                f"correlated or hierarchical; got {self.group} for {self.features} features, "
                f"{self.kind}."
            )
        if not (0 <= self.strength < 1 and self.spread >= 0 and self.alpha >= 0):
            raise ValueError(
                "`strength` must lie in [0, 1), `spread` and `alpha` be at least 0; got "
                f"{self.strength}, {self.spread}, {self.alpha}."
            )


class Active(NamedTuple):
    """What is on in a batch: feature, sample, amplitude, each `[slots]`, samples in order.

    Slots without a feature have amplitude 0; their feature and sample are in range, and mean
    nothing.
    """

    sample: Array
    feature: Array
    amplitude: Array


def chances(law: ActivationLaw) -> Floats:
    """Return the probability of each feature to be on.  Shape `[n]`."""
    if law.kind == "fixed":
        return np.full(law.features, law.active / law.features)
    heads = _heads(law)
    if law.kind != "hierarchical":
        return np.repeat(heads, law.group)
    share = np.array([1.0] + [law.strength] * (law.group - 1))
    return np.asarray((heads[:, None] * share).ravel(), np.float64)


def covariance(law: ActivationLaw) -> Floats | None:
    """Return the covariance of the features' amplitudes, `[n, n]`; None where they are grouped.

    Of rectified normal amplitudes the mean is phi(z) s + Phi(z), z = 1/s the spread's inverse, and
    the mean square Phi(z)(1 + s²) + phi(z) s.  Of k features on out of n, two are with probability
    k(k-1)/(n(n-1)).
    """
    from scipy import stats

    if law.kind not in ("fixed", "independent"):
        return None
    mean = square = 1.0
    if law.spread:
        below, height = stats.norm.cdf(1 / law.spread), stats.norm.pdf(1 / law.spread)
        mean = below + law.spread * height
        square = below * (1 + law.spread**2) + law.spread * height
    on = chances(law)
    found = np.diag(on * square - (on * mean) ** 2)
    if law.kind == "fixed" and law.features > 1:
        pairs = law.active * (law.active - 1) / (law.features * (law.features - 1))
        together = mean**2 * (pairs - on[0] ** 2)
        found += together * (1 - np.eye(law.features))
    return np.asarray(found, np.float64)


def parents(law: ActivationLaw) -> NDArray[np.int64]:
    """Return each feature's parent, -1 for none.  Shape `[n]`."""
    found = np.full(law.features, -1, np.int64)
    if law.kind == "hierarchical":
        place = np.arange(law.features)
        child = place % law.group > 0
        found[child] = place[child] // law.group * law.group
    return found


def draw(key: Array, law: ActivationLaw, batch: int) -> Active:
    """Return what is on in `batch` samples.

    Cost O(k²) a sample for a fixed number, else O(slots · (log slots + group²)), slots a little
    over the number of groups that arrive.  Raises ValueError as `rare_features` does, where a
    feature is on more than 99% of the time.
    """
    sample, feature, there, spare = (
        _fixed(key, law, batch) if law.kind == "fixed" else _grouped(key, law, batch)
    )
    size = _amplitude(spare, law.spread)
    return Active(sample, feature, jnp.where(there, size, 0))


def mix(dictionary: Array, active: Active, batch: int) -> Array:
    """Return the inputs, `[batch, d]`, from a dictionary `[n, d]`.  Cost O(slots · d)."""
    rows = active.amplitude[:, None] * dictionary[active.feature]
    found: Array = jax.ops.segment_sum(rows, active.sample, batch, indices_are_sorted=True)
    return found


def dense(active: Active, features: int, batch: int) -> Array:
    """Return the amplitudes as a whole matrix, `[batch, n]`: for measurements."""
    blank = jnp.zeros((batch, features))
    found: Array = blank.at[active.sample, active.feature].add(active.amplitude)
    return found


def _fixed(key: Array, law: ActivationLaw, batch: int) -> tuple[Array, Array, Array, Array]:
    """A uniform subset of k, by Floyd's algorithm: k draws, none of them refused.

    (Bentley and Floyd 1987, Commun. ACM 30: the j-th draw is from the first n-k+j, and the last of
    these itself where the draw was there before.)
    """
    count = int(law.active)
    draws = threefry.bits(key, (2, count, batch))
    chosen: list[Array] = []
    for place in range(count):
        last = law.features - count + place
        # Off by at most n/2^32 of its chance.
        drawn = (draws[0, place] % jnp.uint32(last + 1)).astype(jnp.int32)
        seen = jnp.zeros(batch, bool)
        for before in chosen:
            seen |= before == drawn
        chosen.append(jnp.where(seen, last, drawn))
    feature = jnp.stack(chosen, axis=1).ravel()
    spare = threefry.uniform_of(draws[1]).T.ravel()
    return jnp.repeat(jnp.arange(batch), count), feature, jnp.ones(batch * count, bool), spare


def _grouped(key: Array, law: ActivationLaw, batch: int) -> tuple[Array, Array, Array, Array]:
    """Groups that arrive, and in each the members that are on."""
    arriving, joining = jax.random.split(key)
    arrivals = _arrivals(law, batch)
    bits = threefry.bits(arriving, (rare_features.words(arrivals),))
    found = rare_features.arrive(bits, arrivals, batch)
    if law.group == 1:
        return found.sample, found.feature, found.there, found.spare
    slots = len(found.sample)
    draws = threefry.uniform(joining, (2, slots, law.group))
    if law.kind == "hierarchical":
        on = (draws[0] < law.strength).at[:, 0].set(True)
    else:
        # How many are on, given that one is; any so many members are as likely.
        table = jnp.asarray(_counts(law))[found.feature]
        count = 1 + jnp.sum(found.spare[:, None] >= table, axis=1)
        # A tie of two uniforms, one in 2^24, turns one member more on.
        rank = jnp.sum(draws[0][:, None, :] < draws[0][:, :, None], axis=2)
        on = rank < count[:, None]
    members = found.feature[:, None] * law.group + jnp.arange(law.group)[None]
    there = on & found.there[:, None]
    sample = jnp.repeat(found.sample, law.group)
    return sample, members.ravel(), there.ravel(), draws[1].ravel()


def _amplitude(spare: Array, spread: float) -> Array:
    """max(0, 1 + spread·xi) from uniform numbers in [0, 1)."""
    if not spread:
        return jnp.ones(spare.shape)
    # Half a step of the uniform numbers at 0, which would be infinite; 1 does not occur.
    normal: Array = special.ndtri(jnp.maximum(spare, jnp.float32(2.0**-25)))
    found: Array = jnp.maximum(0, 1 + spread * normal)
    return found


def _heads(law: ActivationLaw) -> Floats:
    """Probability of one member of each group, the parent where there is one.  Shape `[groups]`."""
    each = 1 + (law.group - 1) * (law.strength if law.kind == "hierarchical" else 1.0)
    return rare_features.probabilities(law.features // law.group, law.alpha, law.active / each)


@cache
def _arrivals(law: ActivationLaw, batch: int) -> rare_features.Law:
    heads = _heads(law)
    if law.kind == "correlated":
        heads = 1 - _members(law)[:, 0]
    return rare_features.law(heads, batch)


@cache
def _counts(law: ActivationLaw) -> NDArray[np.float32]:
    """P(at most c members on, given one is), c = 1 to group - 1.  Shape `[groups, group - 1]`."""
    found = _members(law)
    below = np.cumsum(found[:, 1:], axis=1)[:, :-1] / (1 - found[:, :1])
    return below.astype(np.float32)


def _members(law: ActivationLaw) -> Floats:
    """P(c members of a group are on), c = 0 to group.  Shape `[groups, group + 1]`.

    Given the factor z that a group shares, members are independent, each on with probability
    Phi((Phi^-1(p) + sqrt(rho) z)/sqrt(1 - rho)); the mean over z by the trapezoidal rule, which
    converges faster than any power for such integrands.
    """
    from scipy import special as host

    heads = _heads(law)
    z = np.linspace(-_REACH, _REACH, _NODES)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    rise = math.sqrt(law.strength) * z
    on = host.ndtr((host.ndtri(heads)[:, None] + rise) / math.sqrt(1 - law.strength))
    count = np.arange(law.group + 1)
    # SciPy's binomial fails where the probability is near 1e-308.
    likely = host.comb(law.group, count)
    given = likely * on[:, :, None] ** count * (1 - on[:, :, None]) ** (law.group - count)
    return np.asarray(np.einsum("z,gzc->gc", weight, given), np.float64)
