"""Interference under superposition, and linear read-out: closed forms, in float64.

k of N features are active, x = sum_j a_j w_j with unit rows w_j in R^d, and a reader computes
y = W x.  At feature i the reading is a_i (0 if it is off) plus the interference of the others,
sum_j a_j <w_i, w_j>, plus noise.  In a *random dictionary* the w_j are independent and uniform on
the sphere.  Given w_i the terms <w_i, w_j> are then independent, each a coordinate of a uniform
unit vector, so the interference is a sum of independent terms with known moments.

Q is the upper tail of the standard normal law and phi its density.  The activity (k, exactly or on
average, signs, amplitudes, noise) is a `signals.Activity`.

Arguments out of range raise ValueError.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from geometry.exact import Cosine
from geometry.signals import Activity

__all__ = [
    "Law",
    "bayes_threshold",
    "best_threshold",
    "coherence_limit",
    "expected_errors",
    "false_alarm",
    "fixed_false_alarm",
    "fixed_mean_square",
    "information_bits",
    "law",
    "least_dim",
    "miss",
    "most_active",
    "relu_moments",
    "row_moments",
    "threshold_window",
    "welch_mean_square",
]

_LARGEST_DIM = 1 << 40


@dataclass(frozen=True)
class Law:
    """A symmetric law near the normal one, by its variance and excess kurtosis.

    `tail` carries the first Edgeworth term (Petrov, Sums of Independent Random Variables, 1975,
    chapter VI, theorem 7): for a sum of m independent symmetric terms what is left is O(1/m²).
    """

    variance: float
    kurtosis: float

    def density(self, value: ArrayLike) -> NDArray[np.float64]:
        """Return the density at `value`, elementwise; ValueError for variance 0.

        phi(z)/sigma · (1 + kurtosis/24 · (z⁴ - 6z² + 3)), z = value/sigma.
        """
        if self.variance == 0:
            raise ValueError("`variance` must be positive for a density; got 0.")
        z = np.asarray(value, np.float64) / math.sqrt(self.variance)
        bell = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi * self.variance)
        return bell * (1 + self.kurtosis / 24 * (z**4 - 6 * z**2 + 3))

    def tail(self, value: ArrayLike) -> NDArray[np.float64]:
        """Return P(interference > value), elementwise: Q(z) plus `correction`."""
        point = np.asarray(value, np.float64)
        if self.variance == 0:
            return np.where(point < 0, 1.0, 0.0)
        return special.ndtr(-point / math.sqrt(self.variance)) + self.correction(point)

    def correction(self, value: ArrayLike) -> NDArray[np.float64]:
        """Return the Edgeworth term of the tail, kurtosis/24 · phi(z) (z³ - 3z), elementwise.

        Bands of checks take its size as the error of the normal law.
        """
        if self.variance == 0:
            return np.zeros_like(np.asarray(value, np.float64))
        z = np.asarray(value, np.float64) / math.sqrt(self.variance)
        bell = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return self.kurtosis / 24 * bell * (z**3 - 3 * z)


def law(dim: int, features: int, activity: Activity, *, at_active: bool) -> Law:
    """Return the law of the interference in a random dictionary, at an active feature or another.

    A term a·g, g a coordinate of a uniform unit vector, has E (ag)² = E a²/d and
    E (ag)⁴ = 3 E a⁴ / (d(d+2)).  With exactly k active there are m = k - 1 terms at an active
    feature and m = k at another; with Bernoulli activity N - 1 terms, each present with
    probability k/N, at either.  So the variance is k E a²/d at an inactive feature, and for
    constant amplitudes the excess kurtosis is -6/(m(d+2)).  Noise adds its variance.

    Raises ValueError for `dim` < 1 or more active features than there are.
    """
    _need(dim >= 1, f"`dim` must be at least 1; got {dim}.")
    activity.slots(features)
    terms, share = float(activity.active - at_active), 1.0
    if activity.law == "bernoulli":
        terms, share = float(features - 1), activity.active / features
    strength = activity.strength
    second = share * strength.mean_square / dim
    fourth = share * 3 * strength.mean_fourth / (dim * (dim + 2))
    variance = terms * second + activity.noise**2
    if variance == 0:
        return Law(0.0, 0.0)
    return Law(variance, terms * (fourth - 3 * second**2) / variance**2)


def false_alarm(
    theta: ArrayLike, dim: int, features: int, activity: Activity
) -> NDArray[np.float64]:
    """Return the chance that an inactive feature passes the threshold, elementwise.

    Q(theta sqrt(d/k)) for exactly k active with amplitude 1, with the Edgeworth term; twice that
    for signed activity, where |y| > theta counts (theta >= 0).
    """
    sides = 2 if activity.signed else 1
    return sides * law(dim, features, activity, at_active=False).tail(theta)


def miss(theta: ArrayLike, dim: int, features: int, activity: Activity) -> NDArray[np.float64]:
    """Return the chance that an active feature does not pass the threshold, elementwise.

    Q((1 - theta) sqrt(d/(k-1))) for exactly k active with amplitude 1, with the Edgeworth term;
    otherwise its mean over the law of the amplitude.  Signed features must pass with their sign.
    """
    strength = activity.strength
    margin = strength.nodes - np.asarray(theta, np.float64)[..., None]
    missed = law(dim, features, activity, at_active=True).tail(margin)
    return np.asarray(missed @ strength.weights, np.float64)


def expected_errors(
    theta: ArrayLike, dim: int, features: int, activity: Activity
) -> NDArray[np.float64]:
    """Return (N - k) P(false alarm) + k P(miss), the mean number of features read wrong."""
    k = activity.active
    alarms = false_alarm(theta, dim, features, activity)
    return (features - k) * alarms + k * miss(theta, dim, features, activity)


def bayes_threshold(features: int, dim: int, active: int, *, signed: bool = False) -> float:
    """Return the threshold with the fewest expected errors, for amplitude 1 and variance k/d.

    The likelihoods of on and off, weighted k to N - k, are equal there.  Positive features:
    1/2 + (k/d) ln((N-k)/k).  Signed ones: (k/d) arccosh(e^L), L = ln((N-k)/k) + d/(2k), and 0 where
    L <= 0.  Raises ValueError unless 1 <= k < N and d >= 1.
    """
    _need(dim >= 1, f"`dim` must be at least 1; got {dim}.")
    _need(1 <= active < features, f"`active` must lie in [1, {features}); got {active}.")
    variance = active / dim
    odds = math.log((features - active) / active)
    if not signed:
        return 0.5 + variance * odds
    level = odds + 1 / (2 * variance)
    if level <= 0:
        return 0.0
    return variance * (level + math.log1p(math.sqrt(-math.expm1(-2 * level))))


def best_threshold(dim: int, features: int, activity: Activity) -> float:
    """Return the threshold in [0, 4] that minimises `expected_errors`, for any activity.

    For amplitude 1 it lies within O(1/k) of `bayes_threshold`, which takes both variances as k/d.
    """
    grid = np.linspace(0.0, 4.0, 401)
    values = expected_errors(grid, dim, features, activity)
    place = int(np.argmin(values))
    around = (grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(
        lambda theta: float(expected_errors(theta, dim, features, activity)),
        bounds=around,
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.x)


def least_dim(
    features: int, active: int, *, errors: float = 0.5, theta: float | None = None
) -> int:
    """Return the smallest d at which a linear reader makes at most `errors` expected errors.

    Exactly `active` positive features of amplitude 1, normal law; `theta` None is the Bayes
    threshold.  (4096, 32): 1723 at theta = 1/2 and 1234 at the Bayes threshold.  Raises ValueError
    for a theta outside (0, 1), at which no width would do.
    """
    _need(errors > 0, f"`errors` must be positive; got {errors}.")
    _need(theta is None or 0 < theta < 1, f"`theta` must lie in (0, 1); got {theta}.")
    low, high = 0, 1
    while _normal_errors(high, features, active, theta) > errors:
        low, high = high, 2 * high
        _need(high < _LARGEST_DIM, f"`errors` must be within reach of d < 2^40; got {errors}.")
    return _first(low, high, lambda dim: _normal_errors(dim, features, active, theta) <= errors)


def most_active(features: int, dim: int, *, errors: float = 0.5, theta: float | None = None) -> int:
    """Return the largest k < N read with at most `errors` expected errors, up to which all k are.

    As in `least_dim`; 0 if there is none.
    """
    _need(errors > 0, f"`errors` must be positive; got {errors}.")

    def fails(active: int) -> bool:
        return active >= features or _normal_errors(dim, features, active, theta) > errors

    # The errors grow with k while they are few: both variances do, and so does the number of
    # features at risk.  The search looks at small k first, and stops at the first that fails.
    high = 1
    while not fails(high):
        high *= 2
    return _first(high // 2, high, fails) - 1


def _normal_errors(dim: int, features: int, active: int, theta: float | None) -> float:
    level = bayes_threshold(features, dim, active) if theta is None else theta
    alarm = special.ndtr(-level * math.sqrt(dim / active))
    if active == 1:
        missed = float(level >= 1)
    else:
        missed = special.ndtr(-(1 - level) * math.sqrt(dim / (active - 1)))
    return float((features - active) * alarm + active * missed)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest integer in (low, high] that holds, for one that holds from some point on."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def relu_moments(bias: ArrayLike, sigma: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return E r and E r² of r = ReLU(z - bias), z normal with standard deviation `sigma` > 0.

    E r = sigma phi(t) - bias Q(t) and E r² = (sigma² + bias²) Q(t) - bias sigma phi(t), t =
    bias/sigma.  For t > 0 both come from Mills' ratio M = Q/phi, as sigma phi (1 - tM) and
    sigma² phi ((1 + t²) M - t), which cancel less; relative error below 1e-9 for t < 30.
    """
    b, s = np.asarray(bias, np.float64), np.asarray(sigma, np.float64)
    _need(bool(np.all(s > 0)), f"`sigma` must be positive; got {s.min()}.")
    t = b / s
    bell = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    high = np.maximum(t, 0)
    mills = math.sqrt(math.pi / 2) * special.erfcx(high / math.sqrt(2))
    below = special.ndtr(-np.minimum(t, 0))
    low = np.minimum(t, 0)
    first = np.where(t > 0, bell * (1 - high * mills), bell - low * below)
    second = np.where(
        t > 0, bell * ((1 + high**2) * mills - high), (1 + low**2) * below - low * bell
    )
    return s * first, s**2 * second


def coherence_limit(coherence: float | Fraction | Cosine) -> int | None:
    """Return the largest k with k < (1 + 1/mu)/2; None, no limit, for mu = 0, and 0 for mu = 1.

    Every k features are then read without error by basis pursuit and by orthogonal matching
    pursuit (Tropp, "Greed is good", IEEE Trans. Inf. Theory 50, 2004, theorems A and B), and for
    unit amplitudes by the threshold (1 + mu)/2; at mu = 1 two features are the same.  Compared
    exactly where mu² is rational, else with a bound on it.  Raises ValueError for mu outside
    [0, 1].
    """
    if isinstance(coherence, Cosine):
        square = coherence.upper_square()
    else:  # with the number's sign
        square = Fraction(coherence) * abs(Fraction(coherence))
    _need(0 <= square <= 1, f"`coherence` must lie in [0, 1]; got {coherence}.")
    if square == 0:
        return None
    # k < (1 + 1/mu)/2 means (2k - 1)² < 1/mu².
    return (math.isqrt(math.ceil(1 / square) - 1) + 1) // 2


def threshold_window(coherence: float, active: int) -> tuple[float, float] | None:
    """Return (k mu, 1 - (k-1) mu): the thresholds between them read any k unit features right.

    An inactive feature reads at most k mu, an active one at least 1 - (k-1) mu.  None where the
    window is empty.
    """
    low, high = active * coherence, 1 - (active - 1) * coherence
    return (low, high) if low < high else None


def information_bits(features: int, active: int) -> float:
    """Return log2 C(N, k): the bits that name a set of k features, and pass through d numbers."""
    _need(0 <= active <= features, f"`active` must lie in [0, {features}]; got {active}.")
    # 1/((N+1) B(N-k+1, k+1)) is C(N, k).
    log = -math.log(features + 1) - float(special.betaln(features - active + 1, active + 1))
    return log / math.log(2)


def welch_mean_square(features: int, dim: int) -> float:
    """Return the least mean of <w_i, w_j>² over pairs i ≠ j of N unit vectors, (N-d)/(d(N-1)).

    0 for N <= d.  Met, row by row, by any unit-norm tight frame (Welch 1974; Benedetto and Fickus,
    "Finite normalized tight frames", Adv. Comput. Math. 18, 2003, theorem 7.1).  Random directions
    have 1/d, larger by (N-1)/(N-d) only: a good packing cuts the worst case, not the average.
    """
    _need(dim >= 1 and features >= 1, f"`features`, `dim` must be at least 1; got {features, dim}.")
    return (features - dim) / (dim * (features - 1)) if features > dim else 0.0


def row_moments(
    mean: ArrayLike, mean_square: ArrayLike, features: int, others: int, *, signed: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of the interference at feature i of a *fixed* dictionary.

    `others` = m of the other N - 1 features are active with amplitude 1, all sets alike; `mean` and
    `mean_square` are those of G_ij over j ≠ i.  Sampling without replacement gives m·mean and
    m (N-1-m)/(N-2) · (mean_square - mean²) (Cochran, Sampling Techniques, 1977, theorem 2.2, with
    the population's variance); with random signs 0 and m·mean_square.
    """
    first, second = np.asarray(mean, np.float64), np.asarray(mean_square, np.float64)
    _need(features > 2, f"`features` must be at least 3; got {features}.")
    _need(0 <= others < features, f"`others` must lie in [0, {features}); got {others}.")
    if signed:
        return np.zeros_like(first), others * second
    kept = others * (features - 1 - others) / (features - 2)
    return others * first, kept * (second - first**2)


def fixed_mean_square(
    mean: ArrayLike, mean_square: ArrayLike, features: int, activity: Activity
) -> NDArray[np.float64]:
    """Return E y_i² at an inactive feature i of a *fixed* dictionary, for any activity.

    `mean` and `mean_square` are those of G_ij over j ≠ i (`capacity.off_diagonal_moments`).  Random
    signs leave m E a² mean_square; positive amplitudes also add up along the row's mean, and the
    choice of the m features and of the amplitudes adds its variance.  Noise adds its own.
    """
    first, second = np.asarray(mean, np.float64), np.asarray(mean_square, np.float64)
    others, strength = features - 1, activity.strength
    noise = activity.noise**2
    share = activity.active / (others if activity.law == "exact" else features)
    if activity.signed:
        return np.asarray(others * share * strength.mean_square * second + noise, np.float64)
    if activity.law == "bernoulli":
        spread = others * (share * strength.mean_square - share**2) * second
        return np.asarray(spread + (others * share * first) ** 2 + noise, np.float64)
    # Law of total variance: over the set, then over amplitudes of mean 1.
    centre, variance = row_moments(first, second, features, activity.active, signed=False)
    amplitudes = activity.active * (strength.mean_square - 1) * second
    return np.asarray(centre**2 + variance + amplitudes + noise, np.float64)


def fixed_false_alarm(
    theta: float, mean: ArrayLike, mean_square: ArrayLike, features: int, active: int
) -> NDArray[np.float64]:
    """Return the chance that inactive feature i of a *fixed* dictionary reads above `theta`.

    By the normal law with the mean and the variance of `row_moments`, exactly `active` positive
    features of amplitude 1: exact moments, but the normal shape is a guess where few cosines of a
    row are much larger than the others.
    """
    centre, variance = row_moments(mean, mean_square, features, active, signed=False)
    spread = np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny))
    return np.asarray(special.ndtr((centre - theta) / spread), np.float64)


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
