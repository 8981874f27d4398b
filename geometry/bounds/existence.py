"""A lower bound that builds nothing: a packing that cannot be extended covers the sphere.

If no line can be added to N lines with pairwise |cos| <= eps, every direction x has |<x,w_i>| > eps
for some i. So N P(|g| > eps) >= 1 for the inner product g of random unit vectors, and N(d, eps) >=
ceil(1/P(|g| > eps)). (Gilbert 1952 and Varshamov 1957 for codes, Shannon 1959 for the sphere.)
"""

from __future__ import annotations

import math
from functools import lru_cache

from geometry.bounds.cap import cap_fraction
from geometry.bounds.upper_bound import square_bounds
from geometry.exact import Cosine

__all__ = ["existence_exponent", "existence_lower_bound"]

_BITS = 96


@lru_cache(maxsize=4096)
def existence_lower_bound(dim: int, eps: Cosine) -> int:
    """A proved lower bound on N(`dim`, `eps`): ceil(1/P(|g| > eps)), never below `dim`.

    Somewhere there is a packing of this size, as an orthonormal basis or by covering; nothing here
    produces it. Accurate to about 24 digits up to dim = 32768, and to a part in 4 `dim` beyond.
    Raises ValueError unless dim >= 1 and eps < 1.
    """
    if dim < 1:
        raise ValueError(f"`dim` must be at least 1; got {dim}.")
    square = square_bounds(eps)[0]
    if dim == 1 or square == 0:
        return dim
    _, high = cap_fraction(dim, 1 - square, bits=_BITS)
    return max(dim, math.ceil(1 / high))


def existence_exponent(eps: float) -> float:
    """lim (1/d) ln(1/P(|g| > `eps`)) = -ln(1 - eps^2)/2, in nats per dimension.

    P(|g| > eps) is (1 - eps^2)^((d-1)/2) up to a power of d. Raises ValueError unless 0 <= `eps`
    < 1.
    """
    if not 0 <= eps < 1:
        raise ValueError(f"`eps` must lie in [0, 1); got {eps}.")
    return -math.log1p(-eps * eps) / 2
