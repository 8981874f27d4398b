"""Levenshtein's bound for real projective space, in exact rational arithmetic.

With G_n the Gegenbauer polynomial of R^d, G_n(1) = 1, and x = eps, the bound of degree m is

    L_m = C(d+m-2, d-1) * (1 + (d-1)(1 - rho)/(m(1 - x^2))),   rho = x G_m(x)/G_{m+1}(x),

for the m with z_m <= x <= z_{m+1}, where z_n is the largest zero of G_n of R^{d+2}, that is of
the derivative of G_{n+1}. It is the usual pair of formulas for m = 2k-1 and m = 2k, in adjacent
Jacobi polynomials of 2x^2 - 1, brought to one by P^{(0,0)}_k = G_{2k}, P^{(0,1)}_k = G_{2k+1}/x
and the same two for P^{(1,0)}_k, P^{(1,1)}_k in R^{d+2}. L_1 is the relative bound.

Range test. (1-x^2) G'_{n+1} is a positive multiple of G_n - x G_{n+1}. The z_n increase with n,
so the first n with G_n(x) <= x G_{n+1}(x) is m+1, and no zero is ever computed. Odd and even G_n
are x and 1 times polynomials of x^2, so everything is rational when x^2 is; the recurrence runs
in integers.

Monotone. For fixed m, L_m is the optimum of Delsarte's linear program in degree m (for even m with
a factor x^2). It cannot fall with x, which leaves fewer feasible polynomials, nor with d, also for
real d: G_n of a larger d is a non-negative combination of those of a smaller d, so a feasible
polynomial stays feasible and its mean can only grow. At a change of m the two formulas agree. So
the bound rises with d and with eps. Largest zeros fall with d, so m rises too, and the set m <=
`MOST_DEGREE` where the bound answers is a down-set.

Levenshtein, "Designs as maximum codes in polynomial metric spaces" (1992); "Universal bounds for
codes and designs", Handbook of Coding Theory (1998).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from scipy.optimize import minimize_scalar

from geometry.bounds.upper_bound import UpperBound, rounded_square, within_resolution
from geometry.exact import Cosine

__all__ = [
    "MOST_DEGREE",
    "LevenshteinValue",
    "growth_exponent",
    "levenshtein_bound",
    "levenshtein_value",
]

# Integers grow by a few dozen bits a step, so time grows with the square: half a second here.
MOST_DEGREE = 5000


class LevenshteinValue(NamedTuple):
    """The bound of degree `degree`: `numerator` / `denominator`, both positive, not reduced."""

    degree: int
    numerator: int
    denominator: int


@lru_cache(maxsize=4096)
def levenshtein_value(dim: int, square: Fraction) -> LevenshteinValue | None:
    """Levenshtein's bound for `dim` >= 2 at eps^2 = `square` > 0, exact.

    None when the degree exceeds `MOST_DEGREE` or `square` is within 2^-96 of 1.
    """
    if not within_resolution(square) or _least_degree(dim, square) > MOST_DEGREE:
        return None
    top, bottom = square.numerator, square.denominator
    # G_n = x^(n mod 2) current/D_n and likewise previous with D_(n-1); ratio = D_n/D_(n-1).
    previous, current, ratio = 1, 1, 1
    for n in range(1, MOST_DEGREE + 2):
        odd = n % 2
        scale = bottom if odd else 1
        next_ratio = (n + dim - 2) * scale
        following = (2 * n + dim - 2) * (top if odd else 1) * current
        following -= n * scale * ratio * previous
        left, right = current * next_ratio, following
        if left <= right if odd else bottom * left <= top * right:
            return _closed_form(dim, square, n - 1, previous * ratio, current)
        previous, current, ratio = current, following, next_ratio
    return None


def _least_degree(dim: int, square: Fraction) -> float:
    """The degree for large d, tau d (`growth_exponent`): it rises with both, and spares a long
    walk to no answer.
    """
    sine = math.sqrt(1 - square)
    return dim * (1 - sine) / (2 * sine)


def _closed_form(
    dim: int, square: Fraction, degree: int, here: int, following: int
) -> LevenshteinValue:
    """L_m from `here` : `following` = G_m : G_{m+1}, each without its factor x when odd."""
    top, bottom = square.numerator, square.denominator
    rho_top, rho_bottom = (here * top, following * bottom) if degree % 2 else (here, following)
    inner = degree * (bottom - top) * rho_bottom
    numerator = inner + (dim - 1) * bottom * (rho_bottom - rho_top)
    if inner < 0:  # G_{m+1}(x) is negative in the range
        numerator, inner = -numerator, -inner
    return LevenshteinValue(degree, math.comb(dim + degree - 2, degree - 1) * numerator, inner)


def levenshtein_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """Levenshtein's bound on N(`dim`, `eps`) for `dim` >= 2 and `eps` > 0, else None.

    None also where the degree is out of reach. Cost: O(m^2) for degree m, under a millisecond up
    to a few hundred and half a second at the largest.
    """
    square = rounded_square(eps)
    if dim < 2 or square == 0:
        return None
    value = levenshtein_value(dim, square)
    if value is None:
        return None
    return UpperBound(
        value.numerator // value.denominator,
        "levenshtein",
        f"N <= L_{value.degree}(d, eps), Levenshtein's bound of degree {value.degree}",
        "Levenshtein 1992, 1998",
    )


def growth_exponent(eps: float) -> float:
    """lim sup (1/d) ln N(d, eps) is at most this, in nats per dimension, for fixed `eps`.

    Kabatiansky and Levenshtein (1978). With sin^2 = 1 - x^2 and tau = (1 - sin)/(2 sin), which is
    the degree per dimension, L_m grows as h(x) = (1+tau) ln(1+tau) - tau ln(tau): m/d tends to
    tau at the largest zero, and C(d+m, m) gives h. N lines are 2N points at angle theta, cos(theta)
    = eps, and points at a small angle are counted through those at a larger angle phi, so the
    exponent is min over phi >= theta of h(cos(phi)) + ln(sin(phi/2)/sin(theta/2)); below eps =
    0.4540 (theta = 62.997 degrees) the minimum is at phi = theta. Raises ValueError unless 0 <=
    `eps` < 1.
    """
    if not 0 <= eps < 1:
        raise ValueError(f"`eps` must lie in [0, 1); got {eps}.")
    theta = math.acos(eps)
    found = minimize_scalar(_angle_exponent, bounds=(math.radians(40), math.radians(90)))
    phi = max(theta, float(found.x))
    return _angle_exponent(phi) - math.log(math.sin(theta / 2))


def _angle_exponent(phi: float) -> float:
    """h(cos(phi)) + ln(sin(phi/2))."""
    tau = (1 - math.sin(phi)) / (2 * math.sin(phi))
    degree_part = tau * math.log(tau) if tau > 0 else 0.0
    return (1 + tau) * math.log1p(tau) - degree_part + math.log(math.sin(phi / 2))
