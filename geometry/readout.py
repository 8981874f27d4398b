"""Linear read-out of superposed features, simulated: what a reader of y = W x sees.

Signals x = sum_j a_j w_j are drawn, read by one matrix product a block, and reduced at once to
histograms and counts, so that memory is one block of readings whatever the number of trials:
`block` · n floats, and neither n² nor trials · n.  The floor of the work is that product, 2 n d
operations a trial; `experiments.bench` measures the distance to it.

A feature counts as read when its reading passes a threshold theta: y > theta for positive
amplitudes; for signed ones |y| > theta, and at an active feature with the right sign.  A false
alarm is an inactive feature that passes, a miss an active one that does not.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry import signals
from geometry.signals import Activity

__all__ = ["Bins", "Readings", "block_of", "read"]

# Readings of one block: 8 MiB in float32.
_BLOCK_ENTRIES = 1 << 21


@dataclass(frozen=True)
class Bins:
    """Bins of equal width on [low, high]; what lies outside counts in the first or the last."""

    low: float
    high: float
    count: int


class Readings(NamedTuple):
    """What a batch of blocks showed, each block being `block` independent trials.

    - `inactive` `[blocks, bins]` int32: histogram of y at inactive features.
    - `active` `[blocks, bins]` int32: histogram of y at active features, times the sign of a.
    - `false_alarms`, `misses` `[blocks, thresholds]` int32: numbers of features.
    - `errorless` `[blocks, thresholds]` int32: trials without any false alarm or miss.
    - `separable` `[blocks]` int32: trials in which every active feature reads above every
      inactive one, so that some threshold, or "take the k largest", makes no error.
    - `squares` `[blocks, 2]` float32: means of the squared interference, y at inactive features
      and y - a at active ones.
    - `means` `[blocks, 2]` float32: means of the same two, with their signs.
    - `counts` `[blocks, 2]` int32: how many inactive and active features were read.
    """

    inactive: Array
    active: Array
    false_alarms: Array
    misses: Array
    errorless: Array
    separable: Array
    squares: Array
    means: Array
    counts: Array


def block_of(features: int) -> int:
    """Return a number of trials a block that fills 8 MiB with readings, between 1 and 512.

    The matrix product is as fast as it gets from 256 rows on, and the readings fit a cache.
    """
    return max(1, min(512, _BLOCK_ENTRIES // features))


def read(
    key: Array,
    vectors: ArrayLike,
    activity: Activity,
    thresholds: ArrayLike,
    *,
    bins: Bins,
    blocks: int,
    block: int | None = None,
    active: ArrayLike | None = None,
) -> Readings:
    """Simulate `blocks` · `block` read-outs with the unit rows `vectors` `[n, d]`.

    `thresholds` `[t]` must be at least 0.  Block i has the key `fold_in(key, i)`.  `active`, which
    may be traced, switches on only so many of the `activity.active` features that are drawn, all
    choices alike: one compilation then serves every k up to that.  Raises ValueError for a shape
    or a number out of range.
    """
    rows = jnp.asarray(vectors, jnp.float32)
    levels = jnp.asarray(thresholds, jnp.float32)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    if levels.ndim != 1:
        raise ValueError(f"`thresholds` must have shape [t]; got shape {levels.shape}.")
    if not isinstance(levels, jax.core.Tracer) and not bool(jnp.all(levels >= 0)):
        raise ValueError(f"`thresholds` must be at least 0; got {levels.min()}.")
    if bins.count < 2 or not bins.low < bins.high:
        raise ValueError(f"`bins` must be at least 2 on low < high; got {bins}.")
    size = block_of(rows.shape[0]) if block is None else block
    if blocks < 1 or size < 1:
        raise ValueError(f"`blocks` and `block` must be at least 1; got {blocks} and {size}.")
    # The counts of a block must fit in int32.
    if size * rows.shape[0] > 2**31 - 1:
        raise ValueError(f"`block` must keep block · n below 2^31; got {size}.")
    activity.slots(rows.shape[0])  # more active features than there are: ValueError
    if active is not None and activity.law != "exact":
        raise ValueError(f"`active` must be left out unless the law is exact; got {active}.")
    kept = None if active is None else jnp.asarray(active, jnp.int32)
    found: Readings = _read(key, rows, activity, levels, kept, bins, blocks, size)
    return found


@partial(jax.jit, static_argnums=(2, 5, 6, 7))
def _read(
    key: Array,
    rows: Array,
    activity: Activity,
    levels: Array,
    kept: Array | None,
    bins: Bins,
    blocks: int,
    size: int,
) -> Readings:
    def one(place: Array) -> Readings:
        return _block(jax.random.fold_in(key, place), rows, activity, levels, kept, bins, size)

    found: Readings = lax.map(one, jnp.arange(blocks))
    return found


def _block(
    key: Array,
    rows: Array,
    activity: Activity,
    levels: Array,
    kept: Array | None,
    bins: Bins,
    size: int,
) -> Readings:
    features, dim = rows.shape
    drawing, noising, thinning = jax.random.split(key, 3)
    drawn = signals.draw(drawing, size, features, activity)
    if kept is not None:
        drawn = signals.thin(thinning, drawn, kept, features)
    inputs = signals.superpose(rows, drawn)
    if activity.noise > 0:
        inputs += activity.noise * jax.random.normal(noising, (size, dim), jnp.float32)
    readings = lax.dot_general(
        inputs, rows, (((1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST
    )
    there = drawn.support < features
    at_active = jnp.take_along_axis(readings, jnp.where(there, drawn.support, 0), axis=1)
    sign = jnp.sign(drawn.amplitudes)
    aligned = at_active * sign
    errors = jnp.where(there, at_active - drawn.amplitudes, 0)

    # Over all features at once, less the few active ones.
    passing = jnp.abs(readings) if activity.signed else readings
    passing_active = jnp.abs(at_active) if activity.signed else at_active
    trial = jnp.arange(size, dtype=jnp.int32)[:, None]
    others = passing.at[trial, drawn.support].set(-jnp.inf, mode="drop")
    highest = jnp.max(others, axis=1)
    lowest = jnp.min(jnp.where(there, aligned, jnp.inf), axis=1)

    def at_level(level: Array) -> tuple[Array, Array, Array]:
        alarms = jnp.sum(passing > level, dtype=jnp.int32) - jnp.sum(
            there & (passing_active > level), dtype=jnp.int32
        )
        misses = jnp.sum(there & (aligned <= level), dtype=jnp.int32)
        return alarms, misses, jnp.sum((highest <= level) & (lowest > level), dtype=jnp.int32)

    false_alarms, misses, errorless = lax.map(at_level, levels)
    active_count = jnp.sum(there, dtype=jnp.int32)
    inactive_count = size * features - active_count
    every_square = jnp.sum(jnp.sum(readings**2, axis=1))
    active_square = jnp.sum(jnp.where(there, at_active, 0) ** 2)
    squares = jnp.stack(
        [
            (every_square - active_square) / jnp.maximum(inactive_count, 1),
            jnp.sum(errors**2) / jnp.maximum(active_count, 1),
        ]
    )
    every, active_sum = jnp.sum(jnp.sum(readings, axis=1)), jnp.sum(jnp.where(there, at_active, 0))
    means = jnp.stack(
        [
            (every - active_sum) / jnp.maximum(inactive_count, 1),
            jnp.sum(errors) / jnp.maximum(active_count, 1),
        ]
    )
    return Readings(
        inactive=_histogram(readings, bins) - _histogram(at_active, bins, there),
        active=_histogram(aligned, bins, there),
        false_alarms=false_alarms,
        misses=misses,
        errorless=errorless,
        separable=jnp.sum(highest < lowest, dtype=jnp.int32),
        squares=squares,
        means=means,
        counts=jnp.stack([inactive_count, active_count]),
    )


def _histogram(values: Array, bins: Bins, counted: Array | None = None) -> Array:
    scale = bins.count / (bins.high - bins.low)
    place = jnp.clip(jnp.floor((values - bins.low) * scale), 0, bins.count - 1).astype(jnp.int32)
    if counted is not None:
        place = jnp.where(counted, place, bins.count)
    return jnp.zeros(bins.count, jnp.int32).at[place.ravel()].add(1, mode="drop")
