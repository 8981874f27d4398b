"""Numerical packings: n lines in R^d with the smallest coherence that many starts find.

The coherence is the largest of n(n - 1)/2 inner products, and not smooth.  Its smooth stand-in is
(1/p) log sum |g_ij|^p, which lies above it by at most log(n(n - 1)/2)/p; p rises geometrically to
4096 while L-BFGS follows, for a batch of starts at once.  The best ends of each batch are then
polished in float64 (`geometry.polish`), all of them where that is quick.

Where p begins decides what is found.  From p = 4 all starts run into the few broad basins: of the
best packings known some are never met so (14 lines in R^3, 8 in R^4), and are from p = 16 to 256.
With more unknowns a late beginning only sticks, so they cycle through a range that shrinks
with n d.  From the third round on, half of the starts are the best packing so far, with one to
three of its lines thrown anew and all others shaken.

Where lines are many and few more than dimensions, a round also clips Gram matrices
(`geometry.kernel_clip`), from the tight frame that promises most or from a random kernel: seconds
for what L-BFGS takes minutes to come near.

    search = optimise.begin(5, 16, seed=0)
    search = optimise.advance(search)  # one more round
    search.coherence, search.vectors

A round is a function of (dim, count, seed, round) and of the best so far: repeated on the same
machine it gives the same numbers.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from numpy.typing import NDArray

from geometry import kernel_clip, polish, sphere
from geometry.constructions import families
from geometry.products import product

__all__ = [
    "DEFAULT_ROUNDS",
    "LARGEST",
    "Search",
    "advance",
    "begin",
    "contacts",
    "effort",
    "starts_a_round",
]

DEFAULT_ROUNDS = 3
LARGEST = 2.5e6  # `effort` of a start: a minute a round on two cores

_LAST_EXPONENT = 4096.0
# Where p begins, in turn, for so many unknowns at most.  Late beginnings find what early ones miss
# among few lines; among many they stick.
_BEGINNINGS = ((64, (4, 16, 64, 256)), (256, (8, 16, 64, 128)), (math.inf, (4, 16)))
_STAGES = 8  # values of p, in geometric progression
_STEPS = 60  # L-BFGS steps for each
_MEMORY = 10  # pairs of steps and gradients that L-BFGS keeps
# Evaluations of a step: starts of a batch wait for the slowest, and more find none.
_LINE_SEARCH = 5
_MOST_STARTS = 64
_FRESH_ROUNDS = 2  # with fresh starts only
_MOST_EFFORT = 5e5  # of the starts of a round: some ten seconds on two cores
_MOST_POLISHING = 2e8  # multiply-adds of a step of every polish in a round: seconds in all
_ALIKE = 1e-5  # relative difference of coherences that float32 and p = 4096 leave between equals
_CONTACT = 1e-8
_ROUNDING = 1e-14  # relative: no gain that gives up a converged packing for one that is not
# Gram matrices are clipped where `effort` is large and lines are few more than dimensions, by this
# share, from so many frames of about the kernel's dimension in turn.
_CLIPPED_FROM, _CLIPPED_EXCESS, _FRAMES = 1e5, 0.5, 3
_MOST_FRAME_LINES = 1024


@dataclass(frozen=True)
class Search:
    """What a search has found after so many rounds.

    `vectors` `[n, d]` float64 unit rows and their `coherence`, a local optimum to 1e-12 if
    `polished`.  `history` `[rounds]`: the best coherence after each round.  `ends` `[starts]`: the
    coherence at which each start ended, to about 1e-4 where it was not polished.
    """

    dim: int
    count: int
    seed: int
    vectors: NDArray[np.float64]
    coherence: float
    polished: bool
    history: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()

    @property
    def rounds(self) -> int:
        """Rounds done."""
        return len(self.history)

    @property
    def starts(self) -> int:
        """Starts followed to their end."""
        return len(self.ends)


def begin(dim: int, count: int, seed: int = 0) -> Search:
    """Return a search with nothing tried yet; of at most `dim` lines the answer, a basis.

    Raises ValueError, in one line, for `dim` < 1, `count` < 1, or an `effort` above `LARGEST`.
    """
    for name, value in (("dim", dim), ("count", count)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be an integer >= 1; got {value!r}.")
    if effort(dim, count) > LARGEST:
        raise ValueError(
            f"count² (1 + dim/400) must be at most {LARGEST:,.0f} for the optimiser; "
            f"got {effort(dim, count):,.0f}."
        )
    # Lines beyond a basis repeat it: coherence 1 until a round is done.
    vectors = np.eye(dim)[np.arange(count) % dim]
    return Search(dim, count, seed, vectors, 0.0 if count <= dim else 1.0, count <= dim)


def effort(dim: int, count: int) -> float:
    """Return what a start costs, in units of 20 microseconds or so of one core.

    Powers and gathered entries of count²/2 pairs, and from dim = 400 on rather the matrix products.
    """
    return count**2 * (1 + dim / 400)


def starts_a_round(dim: int, count: int) -> int:
    """Return the number of starts in a round: fewer where one takes long."""
    return int(np.clip(_MOST_EFFORT // effort(dim, count), 1, _MOST_STARTS))


def advance(search: Search) -> Search:
    """Return the search after one more round: a batch of starts, the best of them polished.

    About 1500 Gram matrices and gradients for each start: seconds a round for a few dozen lines.
    The best so far is kept, so the coherence never rises.
    """
    if search.count <= search.dim or search.dim == 1:
        known = (*search.history, search.coherence)
        return dataclasses.replace(search, history=known)
    batch = starts_a_round(search.dim, search.count)
    key = jax.random.fold_in(jax.random.key(search.seed), search.rounds)
    first = search.rounds * batch + np.arange(batch)
    # Every other start is the best so far, shaken.
    again = jnp.asarray((first % 2 == 1) & (search.rounds >= _FRESH_ROUNDS))
    exponents = _exponents(search.dim, search.count, first)
    starts = _starts(key, jnp.asarray(search.vectors, jnp.float32), again)
    vectors, ends = (np.asarray(one, np.float64) for one in _descend(starts, exponents))
    ends = ends.copy()
    best, found, polished = search.vectors, search.coherence, search.polished
    for place in _chosen(ends, search.dim, search.count):
        rows, top, done = polish.polish(vectors[place])
        ends[place] = top
        if top < found and not (polished and not done and top > found * (1 - _ROUNDING)):
            best, found, polished = rows, top, done
    if _is_clipped(search.dim, search.count):
        rows, top = _clipped(search)
        if top < found:
            best, found, polished = rows, top, False
    return dataclasses.replace(
        search,
        vectors=best,
        coherence=found,
        polished=polished,
        history=(*search.history, found),
        ends=(*search.ends, *ends.tolist()),
    )


def contacts(vectors: NDArray[np.float64], tolerance: float = _CONTACT) -> NDArray[np.int64]:
    """Return the pairs `[m, 2]`, i < j, of unit rows `[n, d]` whose |cos| is the coherence.

    To within `tolerance`, which a polished packing's contacts keep by far.
    """
    cosines = np.triu(np.abs(vectors @ vectors.T), 1)
    near = cosines >= max(float(cosines.max(initial=0.0)) - tolerance, tolerance)
    return np.argwhere(near).astype(np.int64)


def _exponents(dim: int, count: int, places: NDArray[np.int64]) -> Array:
    """The rising p of each start `[s, stages]`; its beginning goes by the start's place."""
    ladder = next(begin for most, begin in _BEGINNINGS if dim * count <= most)
    # Neighbours in pairs, so that fresh starts and shaken ones have all beginnings.
    begin_at = np.array(ladder, np.float64)[places // 2 % len(ladder)]
    ratio = (_LAST_EXPONENT / begin_at)[:, None]
    rising = begin_at[:, None] * ratio ** (np.arange(_STAGES) / (_STAGES - 1))
    return jnp.asarray(rising, jnp.float32)


@jax.jit
def _starts(key: Array, best: Array, again: Array) -> Array:
    """Starts `[s, n, d]`: independent directions, or where `again`, the best packing shaken."""

    def one(key: Array, again: Array) -> Array:
        fresh_key, shake_key, size_key, pick_key = jax.random.split(key, 4)
        count, dim = best.shape
        fresh = jax.random.normal(fresh_key, (count, dim)) / jnp.sqrt(dim)
        shake = 10.0 ** jax.random.uniform(size_key, minval=-2.0, maxval=-0.5)
        moved = best + shake / jnp.sqrt(dim) * jax.random.normal(shake_key, (count, dim))
        thrown_key, number_key = jax.random.split(pick_key)
        thrown = jax.random.permutation(thrown_key, count)
        thrown = thrown < jax.random.randint(number_key, (), 1, 4)
        return jnp.where(again & ~thrown[:, None], moved, fresh)

    found: Array = jax.vmap(one)(jax.random.split(key, again.shape[0]), again)
    return found


def _smooth_maximum(vectors: Array, exponent: Array) -> Array:
    """log of the p-norm of all |cos| of the rows `[n, d]`, by their largest for scale."""
    first, second = np.triu_indices(vectors.shape[0], 1)
    rows = sphere.normalise(vectors)
    squares = jnp.square(product(rows, rows.T)[first, second])
    largest = jax.lax.stop_gradient(squares.max())
    total = jnp.sum((squares / largest) ** (exponent / 2))
    return jnp.log(largest) / 2 + jnp.log(total) / exponent


@partial(jax.jit, donate_argnums=0)
def _descend(starts: Array, exponents: Array) -> tuple[Array, Array]:
    """Unit rows `[s, n, d]` at the end of every start, and their coherence `[s]`."""
    line = optax.scale_by_zoom_linesearch(_LINE_SEARCH, initial_guess_strategy="one")
    optimiser = optax.lbfgs(memory_size=_MEMORY, linesearch=line)

    def stage(vectors: Array, exponent: Array) -> tuple[Array, None]:
        def loss(vectors: Array) -> Array:
            return _smooth_maximum(vectors, exponent)

        measured = optax.value_and_grad_from_state(loss)

        def step(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], None]:
            vectors, state = carry
            value, slope = measured(vectors, state=state)
            change, state = optimiser.update(
                slope, state, vectors, value=value, grad=slope, value_fn=loss
            )
            return (optax.apply_updates(vectors, change), state), None

        (vectors, _), _ = jax.lax.scan(step, (vectors, optimiser.init(vectors)), length=_STEPS)
        return sphere.normalise(vectors), None

    def one(vectors: Array, exponents: Array) -> tuple[Array, Array]:
        vectors, _ = jax.lax.scan(stage, vectors, exponents)
        first, second = np.triu_indices(vectors.shape[0], 1)
        return vectors, jnp.abs(product(vectors, vectors.T)[first, second]).max()

    found: tuple[Array, Array] = jax.vmap(one)(starts, exponents)
    return found


def _is_clipped(dim: int, count: int) -> bool:
    return effort(dim, count) >= _CLIPPED_FROM and count - dim <= _CLIPPED_EXCESS * dim


def _clipped(search: Search) -> tuple[NDArray[np.float64], float]:
    """Rows and coherence of a packing by clipping: from a frame, and every fourth from none."""
    starts = [*_frames(search.dim, search.count), None]
    lines = starts[search.rounds % len(starts)]
    seed = int(np.random.SeedSequence((search.seed, search.rounds)).generate_state(1)[0])
    return kernel_clip.lowest(search.dim, search.count, seed, lines=lines)


@lru_cache(maxsize=8)
def _frames(dim: int, count: int) -> list[NDArray[np.float64]]:
    """The lines of the tight frames whose repetition is the best kernel, the best first."""
    width = count - dim
    found = []
    for family in families():
        for frame in family.tight_frames(min(count, _MOST_FRAME_LINES)):
            if width / 2 <= frame.dim <= 2 * width and frame.dim < frame.count:
                lines = frame.rows(np.arange(frame.count)).unit()
                kernel = kernel_clip.repeated_kernel(lines, count, width, 0)
                found.append((kernel_clip.kernel_bound(kernel), lines))
    return [lines for _, lines in sorted(found, key=lambda one: one[0])[:_FRAMES]]


def _chosen(ends: NDArray[np.float64], dim: int, count: int) -> list[int]:
    """Places of the ends to polish, the best first: all where that is quick, else one of equals."""
    most = int(np.clip(_MOST_POLISHING // polish.operations(dim, count), 1, len(ends)))
    order = [int(place) for place in np.argsort(ends, kind="stable")]
    if most == len(ends):
        return order
    chosen: list[int] = []
    for place in order:
        if not chosen or ends[place] > ends[chosen[-1]] * (1 + _ALIKE):
            chosen.append(place)
    return chosen[:most]
