"""Complex lines with entries exp(2 pi i t/p)/sqrt(m) as real lines in R^(2m).

A vector v of C^m and iv are orthogonal real vectors, coordinates (Re, Im) side by side, and the
real inner product of v and w is Re<v, w>, that of v and iw is Im<v, w> up to sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.binary import blocks
from geometry.constructions.field import Elements, Field

__all__ = ["additive", "half_realified", "realified", "roots_of_unity", "square_of_sum"]


def roots_of_unity(order: int) -> NDArray[np.float64]:
    """(cos, sin) of 2 pi t/`order` for t = 0 .. `order` - 1, each correctly rounded or nearly so.

    Shape `[order, 2]`. Angles are folded into [0, pi/4] first, so that multiples of a quarter turn
    are exact and conjugate roots are exact conjugates.
    """
    return _points(np.arange(order), order)


def _points(turns: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    """(cos, sin) of 2 pi t/`order` for t in `turns`, each in [0, `order`): shape `[..., 2]`."""
    eighths, rest = np.divmod(8 * turns, order)
    odd = eighths % 2 == 1
    angle = np.where(odd, order - rest, rest) * (math.pi / 4 / order)
    near = np.cos(angle)
    far = np.where(odd & (rest == 0), near, np.sin(angle))  # on the diagonal they round apart
    # Odd octants are reflected about the diagonal; each pair of octants turns by a quarter.
    cosine, sine = np.where(odd, far, near), np.where(odd, near, far)
    turned = (eighths // 2 % 2 == 1)[..., None]
    table = np.where(turned, np.stack([-sine, cosine], axis=-1), np.stack([cosine, sine], axis=-1))
    return np.where((eighths >= 4)[..., None], -table, table)


def realified(
    turns: NDArray[np.int64], order: int, rotated: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Unit rows `[n, 2m]` in float64 of the complex lines with entries exp(2 pi i t/order)/sqrt(m).

    `turns` t `[n, m]` lie in [0, order); `rotated` `[n]` is 1 where the line is taken times i,
    nowhere when it is None. Point x holds coordinates 2x and 2x + 1.
    """
    count, points = turns.shape
    # A table of all roots where it is no larger than what it serves.
    small = order <= max(turns.size, 1 << 16)
    values = (roots_of_unity(order)[turns] if small else _points(turns, order)).reshape(
        count, points, 2
    )
    values /= math.sqrt(points)
    if rotated is not None:
        chosen = rotated == 1
        values[chosen] = np.stack([-values[chosen, :, 1], values[chosen, :, 0]], axis=-1)
    return values.reshape(count, 2 * points)


def half_realified(turns: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    """`realified` rows, none times i, without the coordinate of sin at point 0: `[n, 2m - 1]`.

    For lines whose entry there is real.
    """
    return np.delete(realified(turns, order), 1, axis=1)


def square_of_sum(counts: NDArray[np.int64]) -> int | None:
    """|S|^2 for S = the sum over t of `counts`[t] exp(2 pi i t/p), `[p]`, p prime, in integers.

    |S|^2 is the sum of A(s) exp(2 pi i s/p), A the autocorrelation of the counts. It is rational
    only when A(1) = ... = A(p - 1), since the powers of a p-th root of unity have no other
    relation; then it is A(0) - A(1), and otherwise the result is None.
    """
    p = len(counts)
    twice = np.concatenate([counts, counts[:-1]])
    correlation = np.correlate(twice, counts, "valid")
    same = bool((correlation[1:] == correlation[1]).all()) if p > 1 else True
    return int(correlation[0] - correlation[1]) if same and p > 1 else None


def additive(gf: Field, turns: Callable[[Elements], NDArray[np.int64]]) -> bool:
    """Whether `turns` of all labels in GF(q), modulo p, are the sums of those of the places.

    `turns` takes labels `[n]` to `[n, points]` in [0, p). O(q points).
    """
    of_places = turns(gf.places).astype(np.float64)
    for labels in blocks(gf.elements, of_places.shape[1]):
        digits = (labels[:, None] // gf.places % gf.characteristic).astype(np.float64)
        # Sums of at most 22 products below 2^44: exact in float64.
        sums = (digits @ of_places).astype(np.int64) % gf.characteristic
        if not np.array_equal(turns(labels), sums):
            return False
    return True
