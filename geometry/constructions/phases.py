"""Complex lines with entries exp(2 pi i t/p)/sqrt(m) as real lines in R^(2m).

A vector v of C^m and iv are orthogonal real vectors, coordinates (Re, Im) side by side, and the
real inner product of v and w is Re<v, w>, that of v and iw is Im<v, w> up to sign.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["realified", "roots_of_unity"]


def roots_of_unity(order: int) -> NDArray[np.float64]:
    """(cos, sin) of 2 pi t/`order` for t = 0 .. `order` - 1, each correctly rounded or nearly so.

    Shape `[order, 2]`. Angles are folded into [0, pi/4] first, so that multiples of a quarter turn
    are exact and conjugate roots are exact conjugates.
    """
    eighths, rest = np.divmod(8 * np.arange(order), order)
    odd = eighths % 2 == 1
    angle = np.where(odd, order - rest, rest) * (math.pi / 4 / order)
    near, far = np.cos(angle), np.sin(angle)
    # Odd octants are reflected about the diagonal; each pair of octants turns by a quarter.
    cosine, sine = np.where(odd, far, near), np.where(odd, near, far)
    turned = (eighths // 2 % 2 == 1)[:, None]
    table = np.where(turned, np.stack([-sine, cosine], axis=1), np.stack([cosine, sine], axis=1))
    return np.where((eighths >= 4)[:, None], -table, table)


def realified(
    turns: NDArray[np.int64], order: int, rotated: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Unit rows `[n, 2m]` in float64 of the complex lines with entries exp(2 pi i t/order)/sqrt(m).

    `turns` t `[n, m]` lie in [0, order); `rotated` `[n]` is 1 where the line is taken times i.
    Point x holds coordinates 2x and 2x + 1.
    """
    count, points = turns.shape
    table = roots_of_unity(order) / math.sqrt(points)
    both = np.stack([table, np.stack([-table[:, 1], table[:, 0]], axis=1)])
    return both[rotated[:, None], turns].reshape(count, 2 * points)
