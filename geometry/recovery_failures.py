"""What each latent of a learned dictionary holds, and what became of each true feature.

Shapes and conventions are those of `recovery`: `learned` `[m, d]`, `truth` `[n, d]`, cosines
signed, a dead latent as good as a zero row.  Kinds exclude each other and cover everything.

A latent is one of

- dead: it never fires, or its row is zero.
- recovering: the one-to-one assignment gives it a feature (`recovery.recovered`).
- split: its cosine with a feature exceeds the threshold, and it was given none.  That feature has a
  latent of its own, or the assignment could have grown: this is a surplus copy.
- merged: none of these, and its cosine with its projection onto two features, both with positive
  coefficients, exceeds the threshold.
- other: the rest, mixtures of three features and more among them.

A feature is recovered; or merged, when a merged latent holds it; or missed.

Split here means several latents near one feature.  Latents for the parts of a feature that is
itself a family, also called splitting, are features of the truth here, and `absorption` looks at
them.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import recovery

__all__ = ["Failures", "Feature", "Latent", "accidental_merges", "failures"]

_FIRSTS = 8
_BLOCK_ENTRIES = 1 << 21
# Two features this near have no plane to speak of, 1 - cos² is mostly rounding; nor have a feature
# and itself.
_PLANE = 1e-9


class Latent(IntEnum):
    """Kinds of latents."""

    DEAD = 0
    RECOVERING = 1
    SPLIT = 2
    MERGED = 3
    OTHER = 4


class Feature(IntEnum):
    """Kinds of features."""

    RECOVERED = 0
    MERGED = 1
    MISSED = 2


class Failures(NamedTuple):
    """What `failures` returns.

    - `latents` `[m]` int8: a `Latent` each.
    - `features` `[n]` int8: a `Feature` each.
    - `copies` `[n]` int64: the split latents whose nearest feature this is.
    - `held` `[m, 2]` int64: the features that a latent holds, -1 where there is none.  A recovering
      and a split latent hold one, a merged one holds two.
    - `weights` `[m, 2]`: the coefficients of the unit latent on the unit features held, by least
      squares; for a single feature the cosine.  0 where there is none.
    """

    latents: NDArray[np.int8]
    features: NDArray[np.int8]
    copies: NDArray[np.int64]
    held: NDArray[np.int64]
    weights: NDArray[np.float64]


def failures(
    learned: ArrayLike,
    truth: ArrayLike,
    *,
    threshold: float = 0.9,
    balance: float = 0.25,
    living: ArrayLike | None = None,
) -> Failures:
    """Return the kind of every latent and feature.

    A merged latent's smaller coefficient must be at least `balance` times the larger.  Without that
    a latent that just misses the threshold for one feature would nearly always be lifted over it by
    a second one that lies in its noise by chance.  A noise-free mixture of two orthogonal features
    that is not within threshold t of the larger has a ratio of at least sqrt(1/t² - 1), 0.48 at
    0.9; the default is about half of that.

    The two features are the pair with the largest projection, of all pairs whose first is among the
    8 features with the largest cosines and whose second is any.  A heuristic where n > 8: it sees
    every pair that counts if the ninth cosine is at most t sqrt((1+g)/2), g the least cosine of two
    features, since the projection is that near to one of the two.

    Time O(mn(d + 8)) and that of `recovery.recovered`, memory O(n(m + n)): 6 s at m = n =
    4096, d = 256 on two cores, where no latent recovers anything.  Raises ValueError as
    `recovery.measure`, and for a balance outside [0, 1].
    """
    if not 0 <= balance <= 1:
        raise ValueError(f"`balance` must lie in [0, 1]; got {balance}.")
    table = recovery.cosines(learned, truth)
    matched = recovery.recovered(table, threshold=threshold, living=living)
    count, features = table.shape
    dead = ~np.asarray(learned, np.float64).any(axis=1)
    if living is not None:
        dead |= ~np.asarray(living)
    kinds = np.full(count, Latent.OTHER, np.int8)
    held = np.full((count, 2), -1, np.int64)
    weights = np.zeros((count, 2))

    close = ~dead & (table.max(axis=1) > threshold)
    kinds[close] = Latent.SPLIT
    held[close, 0] = table[close].argmax(axis=1)
    own = np.flatnonzero(matched >= 0)
    kinds[matched[own]] = Latent.RECOVERING
    held[matched[own], 0] = own
    weights[close, 0] = table[close, held[close, 0]]
    kinds[dead] = Latent.DEAD

    left = np.flatnonzero(kinds == Latent.OTHER)
    gram = recovery.cosines(truth, truth)
    size = max(1, _BLOCK_ENTRIES // features)
    for at in range(0, len(left), size):
        part = left[at : at + size]
        pairs, parts, reach = _best_pairs(table[part], gram, balance)
        found = reach > threshold
        kinds[part[found]] = Latent.MERGED
        held[part[found]], weights[part[found]] = pairs[found], parts[found]

    fates = np.full(features, Feature.MISSED, np.int8)
    fates[held[kinds == Latent.MERGED].ravel()] = Feature.MERGED
    fates[own] = Feature.RECOVERED
    copies = np.bincount(held[kinds == Latent.SPLIT, 0], minlength=features)
    return Failures(kinds, fates, copies.astype(np.int64), held, weights)


def _best_pairs(
    table: NDArray[np.float64], gram: NDArray[np.float64], balance: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    # Pairs [b, 2], coefficients [b, 2] and the cosine with the plane [b]; -inf where no pair is.
    count, features = table.shape
    pairs, parts = np.full((count, 2), -1, np.int64), np.zeros((count, 2))
    best = np.full(count, -np.inf)
    every = np.arange(count)
    tried = min(_FIRSTS, features)
    firsts = np.argpartition(-table, tried - 1, axis=1)[:, :tried]
    for first in firsts.T:
        p, q, g = table[every, first][:, None], table, gram[first]
        # u ~ alpha a + beta b, with p = u·a, q = u·b, g = a·b: [1 g; g 1][alpha beta] = [p q].
        plane = 1 - g**2
        spans = plane > _PLANE
        scale = 1 / np.where(spans, plane, 1)
        alpha, beta = (p - g * q) * scale, (q - g * p) * scale
        small, large = np.minimum(alpha, beta), np.maximum(alpha, beta)
        allowed = spans & (small > 0) & (small >= balance * large)
        # The squared length of the projection, (p² + q² - 2gpq)/(1 - g²).
        reach = np.sqrt(np.where(allowed, np.maximum(alpha * p + beta * q, 0), 0))
        second = reach.argmax(axis=1)
        better = allowed[every, second] & (reach[every, second] > best)
        rows, columns = every[better], second[better]
        best[rows] = reach[rows, columns]
        pairs[rows] = np.stack([first[rows], columns], axis=1)
        parts[rows] = np.stack([alpha[rows, columns], beta[rows, columns]], axis=1)
    return pairs, parts, best


def accidental_merges(latents: int, features: int, dim: int, *, threshold: float = 0.9) -> float:
    """Return a bound on the expected number of merged latents in a random decoder.

    The squared projection of a random direction onto a plane is Beta(1, (d-2)/2), so it exceeds t²
    with probability (1-t²)^((d-2)/2), and falls between two random features in a quarter of cases:
    m n(n-1)/8 (1-t²)^((d-2)/2) pairs of latent and plane are expected at balance 0.  1e-17 for
    m = n = 128 and d = 64 at 0.9.  ValueError unless `dim` >= 2 and 0 < `threshold` < 1.
    """
    if dim < 2:
        raise ValueError(f"`dim` must be at least 2; got {dim}.")
    if not 0 < threshold < 1:
        raise ValueError(f"`threshold` must lie in (0, 1); got {threshold}.")
    outside = (1 - threshold) * (1 + threshold)
    return float(latents * features * (features - 1) / 8 * outside ** ((dim - 2) / 2))
