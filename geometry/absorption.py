"""Absorption: a child's latent stands in for its parent's, which falls silent.

Where a feature c (the child) is on only when another, p (the parent), is on, a sparse dictionary
can do with one latent along c + p instead of two.  p's latent then looks right, and has exceptions
wherever c is on (Chanin et al., arXiv 2409.14507).  With a known truth it is seen directly:

    own = absorption.hierarchy(learned, truth, parents)
    seen = absorption.silences(fires, on, own)        # of one batch; batches add up with +
    found = absorption.absorbed(seen, own)

`learned` `[m, d]` and `truth` `[n, d]` are those of `recovery`.  `parents` `[n]`: the parent of
each feature, -1 for none.  A child has one parent, so what concerns a pair is stored at the child.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from geometry import recovery

__all__ = ["Absorption", "Hierarchy", "Silences", "absorbed", "hierarchy", "silences"]

# Below this 1 - cos² a child and its parent have no plane, and no coefficients of their own.
_PLANE = 1e-9


class Hierarchy(NamedTuple):
    """Parents and children with their latents, as `hierarchy` finds them.  Shapes `[n]`.

    - `parents` int64: as given.
    - `latents` int64: the latent that recovers the feature, -1 for none.
    - `stand_ins` int64: of a child, the latent that recovers it, else the nearest (positive cosine)
      of the living latents that recover nothing; -1 for none.
    - `carried`: how much of p the decoder row of c's stand-in holds, as a multiple of what a full
      stand-in would: with alpha c + beta p the least-squares fit of the row and a_c, a_p the mean
      magnitudes, (beta/alpha)/(a_p/a_c).  0 for a pure child.  NaN where there is no stand-in or
      alpha <= 0.
    """

    parents: NDArray[np.int64]
    latents: NDArray[np.int64]
    stand_ins: NDArray[np.int64]
    carried: NDArray[np.float64]


def hierarchy(
    learned: ArrayLike,
    truth: ArrayLike,
    parents: ArrayLike,
    *,
    magnitudes: ArrayLike | None = None,
    threshold: float = 0.9,
    living: ArrayLike | None = None,
) -> Hierarchy:
    """Return which latents belong to parents and children, and how much children's carry.

    `magnitudes` `[n]`, positive: the mean length that a feature adds to a sample when it is on (of
    a parent, when a child is on too), by default equal ones.  `threshold` and `living` as in
    `recovery.measure`, whose cost and errors these are; ValueError too for wrong `parents` and
    `magnitudes`.
    """
    table = recovery.cosines(learned, truth)
    count = table.shape[1]
    above = _parents(parents, count)
    size = np.ones(count) if magnitudes is None else np.asarray(magnitudes, np.float64)
    wrong = ~(np.isfinite(size) & (size > 0))
    if size.shape != (count,) or wrong.any():
        came = f"shape {size.shape}" if size.shape != (count,) else str(size[wrong][0])
        raise ValueError(
            f"`magnitudes` must be {count} positive numbers, one a feature; got {came}."
        )
    latents = recovery.recovered(table, threshold=threshold, living=living)

    free = np.ones(len(table), np.bool_) if living is None else np.array(living)
    free[latents[latents >= 0]] = False
    spare = np.where(free[:, None], table, 0)
    nearest = np.where(spare.max(axis=0) > 0, spare.argmax(axis=0), -1)
    stand_ins = np.where(latents >= 0, latents, nearest)
    stand_ins[above < 0] = -1

    carried = np.full(count, np.nan)
    child = np.flatnonzero(stand_ins >= 0)
    parent = above[child]
    gram = recovery.cosines(truth, truth)
    g = gram[child, parent]
    of_child, of_parent = table[stand_ins[child], child], table[stand_ins[child], parent]
    # Both coefficients times 1 - g², which their ratio is free of.
    alpha, beta = of_child - g * of_parent, of_parent - g * of_child
    fits = (alpha > 0) & (1 - g**2 > _PLANE)
    ratio = size[parent[fits]] / size[child[fits]]
    carried[child[fits]] = beta[fits] / alpha[fits] / ratio
    return Hierarchy(above, latents, stand_ins, carried)


@dataclass(frozen=True)
class Silences:
    """Counts of samples, int64 `[n]`; those of several batches are added with +.

    Of a child c whose parent p has a latent: `together`, both on; `silent`, of these p's latent
    silent; `covered`, of these c's stand-in firing.  Of a parent p with a latent: `alone`, p on and
    no child of it; `silent_alone`, of these p's latent silent.  0 elsewhere.
    """

    together: NDArray[np.int64]
    silent: NDArray[np.int64]
    covered: NDArray[np.int64]
    alone: NDArray[np.int64]
    silent_alone: NDArray[np.int64]

    def __add__(self, other: "Silences") -> "Silences":
        """Return the counts of both."""
        return Silences(
            self.together + other.together,
            self.silent + other.silent,
            self.covered + other.covered,
            self.alone + other.alone,
            self.silent_alone + other.silent_alone,
        )


def silences(fires: ArrayLike, on: ArrayLike, own: Hierarchy) -> Silences:
    """Return the counts of one batch: `fires` `[s, m]`, latents; `on` `[s, n]`, features.  bool.

    O(s n) time and memory.  ValueError for other types and shapes.
    """
    firing, present = np.asarray(fires), np.asarray(on)
    count = len(own.parents)
    least = int(max(own.latents.max(), own.stand_ins.max())) + 1
    if firing.dtype != np.bool_ or firing.ndim != 2 or firing.shape[1] < least:
        raise ValueError(
            f"`fires` must be booleans [s, m] with m >= {least}; "
            f"got {firing.dtype} of shape {firing.shape}."
        )
    if present.dtype != np.bool_ or present.shape != (len(firing), count):
        raise ValueError(
            f"`on` must be booleans of shape {(len(firing), count)}; "
            f"got {present.dtype} of shape {present.shape}."
        )
    counts = np.zeros((5, count), np.int64)
    child = np.flatnonzero(own.parents >= 0)
    families = np.unique(own.parents[child])
    families = families[own.latents[families] >= 0]
    child = child[own.latents[own.parents[child]] >= 0]
    parent = own.parents[child]

    both = present[:, child] & present[:, parent]
    silent = both & ~firing[:, own.latents[parent]]
    covered = silent & firing[:, own.stand_ins[child]] & (own.stand_ins[child] >= 0)
    counts[:3, child] = both.sum(axis=0), silent.sum(axis=0), covered.sum(axis=0)

    member = csr_array(
        (np.ones(len(child), np.int32), (np.searchsorted(families, parent), child)),
        shape=(len(families), count),
    )
    alone = present[:, families] & ~(member @ present.T.astype(np.int32) > 0).T
    counts[3:, families] = (
        alone.sum(axis=0),
        (alone & ~firing[:, own.latents[families]]).sum(axis=0),
    )
    return Silences(*counts)


class Absorption(NamedTuple):
    """What `absorbed` returns.  Shapes `[n]`; shares are NaN where their samples are none.

    - `absorbed` bool: of a parent, whether some child absorbs it.
    - `absorbing` bool: of a child, whether it absorbs its parent.
    - `silent`: of a child, the share of samples with its parent in which the parent's latent is
      silent; `covered`, in which its stand-in fires as well.
    - `silent_alone`: of a parent, the share of samples without a child in which its latent is
      silent: what silence is its own.
    - `excess`: of a child, `silent` less its parent's `silent_alone`.
    - `rate`: of a parent, the share of its samples with a child (one with two counts twice) that
      absorbing children cover.
    """

    absorbed: NDArray[np.bool_]
    absorbing: NDArray[np.bool_]
    silent: NDArray[np.float64]
    covered: NDArray[np.float64]
    silent_alone: NDArray[np.float64]
    excess: NDArray[np.float64]
    rate: NDArray[np.float64]


def absorbed(seen: Silences, own: Hierarchy, *, share: float = 0.5) -> Absorption:
    """Return which parents are absorbed, by which children, and how often.

    A child absorbs its parent where the parent has a latent, and

    - with the child on, in at least half of the samples that latent is silent and the child's
      stand-in fires;
    - with no child on, it is silent in less than half: it works otherwise;
    - the stand-in's decoder holds at least `share` of the parent that a full stand-in would
      (`Hierarchy.carried`), in (0, 1].  Without that the parent would just be missed.

    A parent that is never on alone cannot be judged, and is not absorbed.  Only full silence
    counts, as in the paper: a parent's latent that fires weakly is not silent.  O(n) time.
    ValueError for another `share`.
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` must lie in (0, 1]; got {share}.")
    silent, covered = _share(seen.silent, seen.together), _share(seen.covered, seen.together)
    silent_alone = _share(seen.silent_alone, seen.alone)
    has = own.parents >= 0
    before = np.where(has, silent_alone[own.parents], np.nan)
    # Comparisons with NaN are false.
    absorbing = (covered >= 0.5) & (before < 0.5) & (own.carried >= share)
    count = len(has)

    def summed(values: NDArray[np.int64]) -> NDArray[np.int64]:
        total = np.zeros(count, np.int64)
        np.add.at(total, own.parents[has], values[has])
        return total

    return Absorption(
        absorbed=summed(absorbing.astype(np.int64)) > 0,
        absorbing=absorbing,
        silent=silent,
        covered=covered,
        silent_alone=silent_alone,
        excess=silent - before,
        rate=_share(summed(np.where(absorbing, seen.covered, 0)), summed(seen.together)),
    )


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    shares = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return np.asarray(shares, np.float64)


def _parents(parents: ArrayLike, count: int) -> NDArray[np.int64]:
    above = np.asarray(parents)
    if above.shape != (count,) or not np.issubdtype(above.dtype, np.integer):
        raise ValueError(
            f"`parents` must be {count} integers, one a feature; "
            f"got {above.dtype} of shape {above.shape}."
        )
    wrong = (above < -1) | (above >= count) | (above == np.arange(count))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"`parents` must be -1 or another feature below {count}; got {above[i]} for {i}."
        )
    return above.astype(np.int64)
