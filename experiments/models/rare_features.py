"""Features that are rarely on, with frequencies that fall as a power of their rank.

x_i is 0, or with probability p_i uniform on [0, 2], independently; p_i ∝ i^-alpha, and the p_i sum
to the number of features expected to be on (Liu, Liu and Gore 2025, "Superposition yields robust
neural scaling", arXiv 2505.10465).

A batch is drawn by its features that are on alone, so that the rest cost nothing.  Let feature i
arrive Poisson(lambda_i) times in a sample, lambda_i = -log(1 - p_i): it arrives at all with
probability p_i, independently of the others.  So a batch of B samples has Poisson(B·Lambda)
arrivals, Lambda = sum lambda_i, each at a sample chosen uniformly and of a feature chosen with
probability lambda_i/Lambda; a feature that arrives twice in a sample counts once.  That law is
exact, but for what does not fit into the slots that are set aside for a batch (`slots`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from experiments.models import threefry

__all__ = [
    "LARGEST",
    "TRUNCATED",
    "Active",
    "Arrivals",
    "Law",
    "arrivals",
    "arrive",
    "draw",
    "law",
    "probabilities",
    "slots",
    "tail_loss",
    "variances",
    "words",
]

LARGEST = 0.99
"""No feature is on more often."""
TRUNCATED = 1e-12
"""Most probability with which a batch loses arrivals: 1e-6 for a million batches."""

_CODES = 2**31

Floats = NDArray[np.float64]


def probabilities(features: int, alpha: float, expected: float) -> Floats:
    """Return p_i = min(c·i^-alpha, 0.99), with c such that they sum to `expected`.  Shape `[n]`.

    Raises ValueError unless 0 < `expected` <= 0.99 n.
    """
    if not 0 < expected <= LARGEST * features:
        raise ValueError(f"`expected` must lie in (0, {LARGEST} n]; got {expected}.")
    shape = np.arange(1, features + 1, dtype=np.float64) ** -alpha
    capped = 0
    # Each round caps at least one more feature, or none and is the last.
    while True:
        scale = (expected - LARGEST * capped) / shape[capped:].sum()
        over = int((scale * shape[capped:] > LARGEST).sum())
        if not over:
            return np.concatenate([np.full(capped, LARGEST), scale * shape[capped:]])
        capped += over


def arrivals(chances: Floats) -> Floats:
    """Return lambda_i = -log(1 - p_i).  Shape `[n]`."""
    return -np.log1p(-chances)


def variances(chances: Floats) -> Floats:
    """Return Var x_i = 4 p_i/3 - p_i², as E x_i = p_i and E x_i² = 4 p_i/3.  Shape `[n]`."""
    return 4 * chances / 3 - chances**2


def tail_loss(chances: Floats, width: int) -> float:
    """Return (1/n) sum of Var x_i over i > m: the loss of m features restored without fault.

    The others are given their mean, by the bias; the paper counts E x_i² of theirs,
    which is more by p_i².
    """
    return float(variances(chances)[width:].sum() / len(chances))


class Law(NamedTuple):
    """What draws need: an alias table of lambda_i/Lambda, and the law of a batch's arrivals.

    `threshold` and `alias` are `[n]`: a cell i is chosen uniformly, and the feature is i below the
    cell's threshold and its alias above (Walker 1977).  An inverse of the distribution function in
    float32 would round features of probability 1e-6 to multiples of 1e-7; here roundings are
    relative to 1/n.  `counts` `[slots]` are the probabilities of k arrivals or fewer.
    """

    threshold: NDArray[np.float32]
    alias: NDArray[np.int32]
    counts: NDArray[np.float32]


def law(chances: Floats, batch: int) -> Law:
    """Return what draws of `batch` samples need, for probabilities p `[n]`.

    The alias table by Vose's algorithm (1991, IEEE Trans. Softw. Eng. 17), O(n).
    """
    from scipy import special

    rates = arrivals(chances)
    share = rates / rates.sum() * len(rates)
    threshold, alias = np.ones(len(rates)), np.arange(len(rates))
    small = [int(i) for i in np.flatnonzero(share < 1)]
    large = [int(i) for i in np.flatnonzero(share >= 1)]
    while small and large:
        low, high = small.pop(), large[-1]
        threshold[low], alias[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    counts = special.pdtr(np.arange(slots(chances, batch)), rates.sum() * batch)
    return Law(threshold.astype(np.float32), alias.astype(np.int32), np.asarray(counts, np.float32))


def slots(chances: Floats, batch: int) -> int:
    """Return how many arrivals a batch has room for: more come with probability below 1e-12.

    By Chernoff's bound, P(Poisson(a) >= k) <= exp(k - a - k log(k/a)) for k > a.
    """
    mean = float(arrivals(chances).sum()) * batch
    count = math.ceil(mean) + 1
    while count - mean - count * math.log(count / mean) > math.log(TRUNCATED):
        count += max(1, count // 50)
    return count


class Arrivals(NamedTuple):
    """Features that are on in a batch: which, in which sample, each `[slots]`, sample by sample.

    `there` is false in slots without one, whose sample and feature are in range and mean nothing;
    they come last, or are second arrivals.  `spare` is uniform on [0, 1) and independent of all.
    """

    sample: Array
    feature: Array
    there: Array
    spare: Array


class Active(NamedTuple):
    """The features of a batch that are on: which, in which sample, how strongly; each `[slots]`.

    Slots without one have value 0; their sample and feature are in range, and mean nothing.
    """

    sample: Array
    feature: Array
    value: Array


def draw(key: Array, law: Law, batch: int) -> Active:
    """Return the features that are on in `batch` samples, with values uniform on [0, 2].

    As `arrive` says.
    """
    found = arrive(jax.random.bits(threefry.unrolled(key), (words(law),)), law, batch)
    return Active(found.sample, found.feature, jnp.where(found.there, 2 * found.spare, 0))


def words(law: Law) -> int:
    """Return how many random words of 32 bits `arrive` takes."""
    return 4 * len(law.counts) + 1


def arrive(bits: Array, law: Law, batch: int) -> Arrivals:
    """Return which features are on in `batch` samples, of which `law` must be.

    `bits` are uniform words, `[words(law)]`: one call makes them all, since each compiles for long.
    Cost O(slots · log slots).  Raises ValueError unless batch times n is below 2^31, since 32-bit
    integers say where a feature is on.
    """
    features, room = len(law.threshold), len(law.counts)
    if batch * features >= _CODES:
        raise ValueError(f"`batch` times n must be below 2^31; got {batch} times {features}.")
    # A remainder of 32 bits favours no sample or cell by more than n/2^32 of its chance, where a
    # float32 times n would by n/2^23.
    placing, choosing, turning, sizing = bits[1:].reshape(4, room)
    # Counts of probability below 2^-24 do not occur, as float32 has no uniforms so close to 1.
    count = jnp.sum(threefry.uniform_of(bits[0]) >= law.counts)
    sample = (placing % batch).astype(jnp.int32)
    cell = (choosing % features).astype(jnp.int32)
    kept = threefry.uniform_of(turning) < jnp.asarray(law.threshold)[cell]
    feature = jnp.where(kept, cell, jnp.asarray(law.alias)[cell])
    # Sorted, empty slots last, the same feature twice in a sample is side by side.  Values are
    # independent of what is sorted.
    nowhere = batch * features
    code = jnp.sort(jnp.where(jnp.arange(room) < count, sample * features + feature, nowhere))
    new = jnp.concatenate([jnp.ones(1, bool), code[1:] != code[:-1]])
    # The last code of all is that of the last sample's last feature.
    place = jnp.minimum(code, nowhere - 1)
    there = new & (code < nowhere)
    return Arrivals(place // features, place % features, there, threefry.uniform_of(sizing))
