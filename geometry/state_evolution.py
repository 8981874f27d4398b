"""State evolution: what approximate message passing does in large random dictionaries.

The effective noise of the readings s + z Wᵀ (`decoders.amp`) is Gaussian with variance tau², and

    tau² <- sigma² + E[(eta(X + tau Z; alpha tau) - X)²] / delta,     delta = d/N,

X being one entry of the code, Z standard normal, sigma the noise of each coordinate of x and eta
the soft threshold (Donoho, Maleki and Montanari, PNAS 106, 2009, equation 7; proved by Bayati and
Montanari, IEEE Trans. Inf. Theory 57, 2011, theorem 1).  The expectation has a closed form.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["FixedPoint", "fixed_point", "risk"]

_ROUNDS = 100_000


class FixedPoint(NamedTuple):
    """Effective noise tau² and mean square error of a code's entry, where the evolution rests."""

    tau_square: float
    mean_square_error: float


def risk(mean: ArrayLike, alpha: float, *, nonnegative: bool = False) -> NDArray[np.float64]:
    """Return E[(eta(m + Z; alpha) - m)²], elementwise in m; m >= 0 where `nonnegative`.

    With Phi, phi of the standard normal law, a soft threshold of both signs has
    1 + a² + (m² - 1 - a²)(Phi(a - m) - Phi(-a - m)) - (a - m) phi(a + m) - (a + m) phi(a - m)
    (Donoho and Johnstone, "Ideal spatial adaptation", Biometrika 81, 1994, appendix), and
    max(y - a, 0), with c = a - m, m² Phi(c) + (1 + a²)(1 - Phi(c)) + (c - 2a) phi(c).  ValueError
    for a negative `alpha`, or a negative m where `nonnegative`.
    """
    m, a = np.asarray(mean, np.float64), alpha
    if alpha < 0:
        raise ValueError(f"`alpha` must be at least 0; got {alpha}.")
    if nonnegative:
        if (m < 0).any():
            raise ValueError(f"`mean` must be at least 0 where nonnegative; got {m.min()}.")
        c = a - m
        value = m**2 * special.ndtr(c) + (1 + a**2) * special.ndtr(-c) + (c - 2 * a) * _bell(c)
    else:
        inside = special.ndtr(a - m) - special.ndtr(-a - m)
        value = (
            1 + a**2 + (m**2 - 1 - a**2) * inside - (a - m) * _bell(a + m) - (a + m) * _bell(a - m)
        )
    return np.asarray(value, np.float64)


def fixed_point(
    delta: float,
    values: Sequence[float],
    probabilities: Sequence[float],
    *,
    sigma: float,
    alpha: float,
    nonnegative: bool = False,
    tolerance: float = 1e-12,
) -> FixedPoint:
    """Return the fixed point reached from s = 0, for a code entry X with a discrete law.

    `values` and `probabilities` describe X, its zeros included; tau² starts at
    sigma² + E X²/delta.  X = ±1 with probability rho·delta in all, delta = .5, rho = .2,
    sigma = .1, alpha = 1.2: mean square error .009701.  Raises ValueError for a law that does not
    sum to 1, and ArithmeticError where the evolution does not settle to the relative `tolerance`.
    """
    law = np.asarray(probabilities, np.float64)
    points = np.asarray(values, np.float64)
    if points.shape != law.shape or not np.isclose(law.sum(), 1, atol=1e-12):
        raise ValueError(
            f"`probabilities` must sum to 1, one for each value; got {law.size} of sum "
            f"{law.sum():g} for {points.size} values."
        )
    if (law < 0).any():
        raise ValueError(f"`probabilities` must be at least 0; got {law.min()}.")
    if not (delta > 0 and sigma >= 0):
        raise ValueError(f"`delta` must be positive, `sigma` at least 0; got {delta}, {sigma}.")
    tau_square = sigma**2 + float(law @ points**2) / delta
    smallest = 1e-24 * tau_square
    for _ in range(_ROUNDS):
        tau = np.sqrt(tau_square)
        error = tau_square * float(law @ risk(points / tau, alpha, nonnegative=nonnegative))
        new = sigma**2 + error / delta
        if abs(new - tau_square) <= tolerance * tau_square or new <= smallest:
            return FixedPoint(new, error)
        tau_square = new
    raise ArithmeticError(f"no fixed point in {_ROUNDS} rounds at delta = {delta}, alpha = {alpha}")


def _bell(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), np.float64)
