"""The largest entries of large arrays, exactly, faster than by sorting them."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import Array

__all__ = ["by_rank", "largest", "largest_of_all", "true_places"]

_GROUP = 8
_WIDE = 1024
_PROBED = 64
_BLOCK = 32
_ROOM = 1.5
_GUESSES = 12
_ROUNDS = 64
_PLAIN = 30

Halving = tuple[Array, Array, Array, Array, Array, Array]


def largest(values: Array, count: int) -> Array:
    """Return the columns of the `count` largest entries of each row, falling.  Shape `[b, count]`.

    Of `values` `[b, m]`.  In wide arrays first the largest of each group of eight: the entries
    sought lie in the groups with the `count` largest of these, since each of those groups holds an
    entry as large.  Ties aside the same as `lax.top_k`.
    """
    rows, width = values.shape
    if width < _WIDE or width % _GROUP or count * _GROUP > width // 2:
        return jax.lax.top_k(values, count)[1]
    groups = width // _GROUP
    # Group g holds columns g, g + groups, ...: contiguous reads.
    split = values.reshape(rows, _GROUP, groups)
    best = jax.lax.top_k(jnp.max(split, axis=1), count)[1]
    near = jnp.take_along_axis(split, best[:, None, :], axis=2).reshape(rows, -1)
    place = jax.lax.top_k(near, count)[1]
    return place // count * groups + jnp.take_along_axis(best, place % count, axis=1)


def by_rank(values: Array, weights: Array) -> Array:
    """Return each entry's weight by its rank in its column, `[m, b]`; 0 past the last weight.

    Of `values` `[m, b]` and `weights` `[k]`, for the largest first: k passes that find the largest
    below the one before, a fraction of the time of `lax.top_k` on narrow arrays.  Entries that tie
    have one rank, and so has what follows them.
    """
    bound = jnp.max(values, axis=0)
    falls = weights - jnp.append(weights[1:], 0)
    found = jnp.where(values >= bound[None], falls[0], 0)
    for rank in range(1, len(weights)):
        below = values < bound[None]
        bound = jnp.max(values, axis=0, where=below, initial=-jnp.inf)
        found += jnp.where(values >= bound[None], falls[rank], 0)
    return found


def largest_of_all(values: Array, number: Array, most: int) -> Array:
    """Return the places, in the raveled array, of its `number` largest entries, rising.

    Of `values` `[b, m]`; `number` is at most `most`.  Shape `[most]`, padded with the array's size.
    A bound is guessed from some rows and moved until enough entries pass it and not too many; among
    those the exact bound is found.  Of entries that tie at it, the first of them.  Infinitely
    negative entries do not count, and numbers below 1e-38 count as 0.
    """
    rows, nowhere = values.shape[0], values.size
    room = min(math.ceil(_ROOM * most / _BLOCK) * _BLOCK, values.size)
    probed = values[:: max(1, rows // _PROBED)][:_PROBED]
    aim = number * ((_ROOM + 1) / 2 * probed.size / values.size)
    guess = _bound(probed, aim, aim, _GUESSES)[0]
    bound, passing = _bound(values, number, _ROOM * number, _ROUNDS, guess)

    def tied() -> Array:
        least = _least(values, bound)
        above = true_places(values > least, most)
        lacking = number - jnp.sum(above < nowhere)
        equal = jnp.where(jnp.arange(most) < lacking, true_places(values == least, most), nowhere)
        both = jnp.sort(jnp.concatenate([above, equal]))[:room]
        return jnp.pad(both, (0, max(0, room - len(both))), constant_values=nowhere)

    # More pass only where they tie.
    places = jax.lax.cond(passing > room, tied, lambda: true_places(values >= bound, room))
    there = places < nowhere
    near = jnp.where(there, values.ravel()[jnp.where(there, places, 0)], -jnp.inf)
    least = _least(near, _bound(near, number, number, _ROUNDS, bound)[0])
    above, equal = near > least, near == least
    kept = above | (equal & (jnp.cumsum(equal) <= number - jnp.sum(above)))
    slot = jnp.where(kept, jnp.cumsum(kept) - 1, most)
    return jnp.full(most, nowhere).at[slot].set(places, mode="drop")


def _least(values: Array, bound: Array) -> Array:
    return jnp.min(values, where=values >= bound, initial=jnp.inf)


def _bound(
    values: Array, least: Array, most: Array, rounds: int, guess: Array | None = None
) -> tuple[Array, Array]:
    """A number that between `least` and `most` entries pass, by halving, and how many do.

    Where entries tie there may be none; then, after all rounds, the largest that `least` pass.
    """

    def passing(bound: Array) -> Array:
        return jnp.sum(values >= bound)

    def astray(state: Halving) -> Array:
        *_, number, turn = state
        return ((number < least) | (number > most)) & (turn < rounds)

    def halve(state: Halving) -> Halving:
        low, high, held, bound, number, turn = state
        enough = number >= least
        low, high = jnp.where(enough, bound, low), jnp.where(enough, high, bound)
        held = jnp.where(enough, number, held)
        # Values of one scale are halved sooner; representable numbers surely, in 32 rounds.
        bound = jnp.where(turn < _PLAIN, low / 2 + high / 2, _between(low, high))
        return low, high, held, bound, passing(bound), turn + 1

    low, high = jnp.min(values, where=values > -jnp.inf, initial=jnp.inf), jnp.max(values)
    first = low / 2 + high / 2 if guess is None else guess
    first = jnp.where((first >= low) & (first <= high), first, low)
    start = (low, high, jnp.int32(values.size), first, passing(first), jnp.int32(0))
    low, _, held, bound, number, _ = jax.lax.while_loop(astray, halve, start)
    enough = number >= least
    return jnp.where(enough, bound, low), jnp.where(enough, number, held)


def _between(low: Array, high: Array) -> Array:
    """The middle one of the float32 numbers from `low` to `high`."""

    def swapped(bits: Array) -> Array:
        # Integers in the order of the numbers whose bits these are, and back.
        return jnp.where(bits < 0, bits ^ 0x7FFFFFFF, bits)

    first, last = (swapped(jax.lax.bitcast_convert_type(end, jnp.int32)) for end in (low, high))
    middle = (first >> 1) + (last >> 1) + (first & last & 1)
    return jax.lax.bitcast_convert_type(swapped(middle), jnp.float32)


def true_places(mask: Array, room: int) -> Array:
    """Return where the raveled `mask` is true, rising, up to `room` places; then its size.

    As `jnp.nonzero`, whose running sum over all entries is five
    to ten times slower on a processor: here entries are bits of words, the sum runs over words, and
    only words with a bit set are looked into.
    """
    filled = jnp.pad(mask.ravel(), (0, -mask.size % _BLOCK))
    bits = filled.reshape(-1, _BLOCK).astype(jnp.uint32)
    bits <<= jnp.arange(_BLOCK, dtype=jnp.uint32)[None]
    words = jnp.sum(bits, axis=1, dtype=jnp.uint32)
    held = jax.lax.population_count(words).astype(jnp.int32)
    ends = jnp.cumsum(held)
    starts = ends - held
    # A word's number at the slot of its first bit, carried on over its others.
    marks = jnp.zeros(room, jnp.int32)
    marks = marks.at[jnp.where(held > 0, starts, room)].max(
        jnp.arange(len(held), dtype=jnp.int32), mode="drop"
    )
    word = jax.lax.cummax(marks)
    slots = jnp.arange(room)
    # The bit of that rank in the word: in its lower half, or else in its upper; and so on.
    rank, left, place = slots - starts[word], words[word], word * _BLOCK
    for half in (16, 8, 4, 2, 1):
        below = left & jnp.uint32((1 << half) - 1)
        number = jax.lax.population_count(below).astype(jnp.int32)
        upper = rank >= number
        rank = jnp.where(upper, rank - number, rank)
        left = jnp.where(upper, left >> half, below)
        place = place + jnp.where(upper, half, 0)
    return jnp.where(slots < ends[-1], place, mask.size)
