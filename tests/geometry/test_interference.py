"""Closed forms of interference against quadrature, exact laws and simulation."""

import itertools
import math
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from geometry import exact, interference, sphere
from geometry.interference import Law
from geometry.signals import AMPLITUDES, Activity


def exact_tail(value: float, dim: int, others: int) -> float:
    """P(sum of `others` independent coordinates > value), from the characteristic function.

    That of a coordinate of a uniform unit vector is 0F1(d/2; -t²/4); Gil-Pelaez inverts it.
    """

    def integrand(t: float) -> float:
        whole = special.hyp0f1(dim / 2, -(t**2) / 4) ** others
        return float(math.sin(t * value) / t * whole)

    half, _ = integrate.quad(integrand, 1e-12, 40 * math.sqrt(dim / others), limit=2000)
    return 0.5 - half / math.pi


@pytest.mark.parametrize(("dim", "others", "z"), [(16, 2, 2.0), (64, 4, 1.0), (64, 4, 3.0)])
def test_the_tail_is_that_of_the_sum(dim: int, others: int, z: float) -> None:
    law = interference.law(dim, 500, Activity(others), at_active=False)
    value = z * math.sqrt(law.variance)
    truth = exact_tail(value, dim, others)
    normal = float(stats.norm.sf(z))
    # What is left is of the order of the kurtosis squared, the correction of its first power.
    assert abs(float(law.tail(value)) - truth) < law.kurtosis**2 / 4
    assert abs(float(law.tail(value)) - truth) < abs(normal - truth) / 3


def test_cumulants_of_every_activity() -> None:
    generator = np.random.default_rng(0)
    dim, features, count = 12, 20, 400_000
    for activity, at_active in itertools.product(
        (
            Activity(3),
            Activity(3, amplitude="uniform"),
            Activity(3, law="bernoulli", amplitude="exponential", signed=True),
            Activity(2, noise=0.3),
        ),
        (False, True),
    ):
        terms = features - 1 if activity.law == "bernoulli" else activity.active - at_active
        total = activity.noise * generator.standard_normal(count)
        for _ in range(terms):
            coordinate = generator.beta((dim - 1) / 2, (dim - 1) / 2, count) * 2 - 1
            sizes = {
                "constant": np.ones(count),
                "uniform": generator.uniform(0.5, 1.5, count),
                "exponential": generator.exponential(size=count),
            }[activity.amplitude]
            share = activity.active / features if activity.law == "bernoulli" else 1.0
            total += sizes * coordinate * (generator.random(count) < share)
        law = interference.law(dim, features, activity, at_active=at_active)
        # Standard errors of the moments, from the sample's own fourth and eighth powers.
        square, fourth = total**2, total**4
        assert abs(square.mean() - law.variance) < 5 * square.std() / math.sqrt(count)
        wanted = (law.kurtosis + 3) * law.variance**2
        assert abs(fourth.mean() - wanted) < 5 * fourth.std() / math.sqrt(count)


def test_density_is_minus_the_slope_of_the_tail() -> None:
    law = Law(0.3, -0.2)
    points = np.linspace(-1.5, 1.5, 7)
    step = 1e-5
    slope = (law.tail(points - step) - law.tail(points + step)) / (2 * step)
    np.testing.assert_allclose(law.density(points), slope, rtol=1e-8)
    assert integrate.quad(lambda x: float(law.density(x)), -8, 8)[0] == pytest.approx(1, abs=1e-9)
    with pytest.raises(ValueError, match=r"^`variance` must be positive for a density; got 0\.$"):
        Law(0.0, 0.0).density(0.1)


def test_reference_numbers() -> None:
    # science: (N, d, k) = (2048, 256, 16) at 1/2, by the normal law.
    off = interference.law(256, 2048, Activity(16), at_active=False)
    on = interference.law(256, 2048, Activity(16), at_active=True)
    assert off.variance == 16 / 256
    assert float(off.tail(0.5) - off.correction(0.5)) == pytest.approx(0.02275, abs=5e-6)
    assert float(on.tail(0.5) - on.correction(0.5)) == pytest.approx(0.01943, abs=5e-6)
    assert off.kurtosis == pytest.approx(-6 / (16 * 258))
    assert interference.least_dim(4096, 32, theta=0.5) == 1723
    assert interference.least_dim(4096, 32) == 1234
    for features, active, bits in ((512, 4, 31.40), (1024, 8, 64.66), (4096, 32, 266.16)):
        assert interference.information_bits(features, active) == pytest.approx(bits, abs=5e-3)
        assert interference.information_bits(features, active) == pytest.approx(
            math.log2(math.comb(features, active)), rel=1e-9
        )


def test_false_alarms_and_misses() -> None:
    activity = Activity(5, amplitude="uniform", noise=0.1)
    law = interference.law(40, 300, activity, at_active=True)
    averaged, _ = integrate.quad(lambda a: float(law.tail(a - 0.6)), 0.5, 1.5)
    assert float(interference.miss(0.6, 40, 300, activity)) == pytest.approx(averaged, rel=1e-9)
    one_sided = interference.false_alarm([0.4, 0.8], 40, 300, Activity(5))
    two_sided = interference.false_alarm([0.4, 0.8], 40, 300, Activity(5, signed=True))
    np.testing.assert_allclose(two_sided, 2 * one_sided)
    # A single active feature meets no interference.
    assert float(interference.miss(0.5, 40, 300, Activity(1))) == 0
    assert float(interference.miss(1.5, 40, 300, Activity(1))) == 1
    errors = interference.expected_errors(0.6, 40, 300, Activity(5))
    alarms, missed = (
        f(0.6, 40, 300, Activity(5)) for f in (interference.false_alarm, interference.miss)
    )
    assert float(errors) == pytest.approx(295 * float(alarms) + 5 * float(missed))


@pytest.mark.parametrize("signed", [False, True])
def test_the_bayes_threshold_has_the_fewest_errors(signed: bool) -> None:
    features, dim, active = 1000, 120, 9
    sigma = math.sqrt(active / dim)

    def errors(theta: float) -> float:
        off = (2 if signed else 1) * stats.norm.sf(theta / sigma)
        # Signed: wrong on the other side counts as found, in the likelihood ratio's own problem.
        on = stats.norm.sf((1 - theta) / sigma) - (
            stats.norm.sf((1 + theta) / sigma) if signed else 0
        )
        return float((features - active) * off + active * on)

    best = optimize.minimize_scalar(errors, bounds=(0.3, 1.2), method="bounded").x
    found = interference.bayes_threshold(features, dim, active, signed=signed)
    assert found == pytest.approx(best, abs=1e-5)
    if not signed:
        assert found == pytest.approx(0.5 + active / dim * math.log((features - active) / active))


def test_the_signed_threshold_is_stable() -> None:
    # e^L overflows here; the threshold tends to 1/2 + sigma² ln(2(N-k)/k).
    found = interference.bayes_threshold(10**6, 10**6, 10, signed=True)
    assert found == pytest.approx(0.5 + 1e-5 * math.log(2 * (10**6 - 10) / 10), rel=1e-9)
    # Nearly all are active: everything counts as on.
    assert interference.bayes_threshold(100, 5, 99, signed=True) == 0.0


def test_the_best_threshold_of_any_activity() -> None:
    for activity in (
        Activity(9),
        Activity(9, signed=True, noise=0.1),
        Activity(9, amplitude="uniform"),
    ):
        best = interference.best_threshold(120, 1000, activity)
        grid = np.linspace(0.2, 1.5, 1301)
        values = interference.expected_errors(grid, 120, 1000, activity)
        least = float(interference.expected_errors(best, 120, 1000, activity))
        assert least <= values.min() * (1 + 1e-9)
        assert abs(best - grid[values.argmin()]) < 2e-3


def test_widths_and_counts_are_the_extreme_ones() -> None:
    for features, active, theta in ((300, 4, None), (300, 4, 0.5), (50, 1, 0.7)):
        dim = interference.least_dim(features, active, theta=theta)

        def errors(d: int, n: int = features, k: int = active, t: float | None = theta) -> float:
            level = interference.bayes_threshold(n, d, k) if t is None else t
            miss = stats.norm.sf((1 - level) * math.sqrt(d / (k - 1))) if k > 1 else level >= 1
            return float((n - k) * stats.norm.sf(level * math.sqrt(d / k)) + k * miss)

        assert errors(dim) <= 0.5 < errors(dim - 1)
    assert interference.most_active(4096, 1234) == 32
    assert interference.most_active(4096, 1233) == 31
    assert interference.most_active(4096, 8) == 0
    counts = [interference.most_active(4096, dim) for dim in range(64, 4097, 64)]
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("bias", "sigma"), [(0.3, 0.25), (-0.5, 0.2), (0.0, 1.0), (2.0, 0.1), (5.0, 0.2)]
)
def test_relu_moments(bias: float, sigma: float) -> None:
    first, second = interference.relu_moments(bias, sigma)
    low, high = max(bias, -12 * sigma), max(bias, 0) + 12 * sigma
    for power, found in ((1, first), (2, second)):
        truth, _ = integrate.quad(
            lambda z, power=power: (z - bias) ** power * stats.norm.pdf(z, scale=sigma),
            low,
            high,
            epsabs=0,
            epsrel=1e-12,
        )
        assert float(found) == pytest.approx(truth, rel=1e-9)
    t = bias / sigma
    if abs(t) < 3:
        phi, q = stats.norm.pdf(t), stats.norm.sf(t)
        assert float(first) == pytest.approx(sigma * phi - bias * q)
        assert float(second) == pytest.approx((sigma**2 + bias**2) * q - bias * sigma * phi)


def test_coherence_limit() -> None:
    for mu in (Fraction(1, 3), Fraction(1, 23), Fraction(1, 2), Fraction(2, 7), Fraction(1)):
        limit = interference.coherence_limit(mu)
        assert limit is not None
        assert limit < (1 + 1 / mu) / 2 <= limit + 1
    # Equal features cannot be told apart, not even one at a time.
    assert interference.coherence_limit(Fraction(1)) == interference.coherence_limit(1.0) == 0
    # Exactly where the square is rational: (2k - 1)² < n for mu = 1/sqrt(n), also far out.
    for odd in (3, 5, 2**60 + 1):
        at = exact.Cosine(Fraction(1, odd**2))
        above = exact.Cosine(Fraction(1, odd**2 + 1))
        assert interference.coherence_limit(at) == (odd - 1) // 2
        assert interference.coherence_limit(above) == (odd + 1) // 2
    # Equality is not below: mu = 1/3 gives (1 + 3)/2 = 2, so k = 1.
    assert interference.coherence_limit(Fraction(1, 3)) == 1
    assert interference.coherence_limit(exact.eps("1/23")) == 11
    assert interference.coherence_limit(0.0) is None
    assert interference.coherence_limit(exact.eps(0)) is None
    with pytest.raises(ValueError, match=r"^`coherence` must lie in \[0, 1\]; got 1\.5\.$"):
        interference.coherence_limit(1.5)


def test_threshold_window() -> None:
    assert interference.threshold_window(0.1, 3) == pytest.approx((0.3, 0.8))
    assert interference.threshold_window(0.25, 3) is None
    # It is open exactly for k < (1 + 1/mu)/2, and then (1 + mu)/2 lies in it at the largest k.
    for inverse in range(2, 40):
        mu = 1 / inverse
        limit = interference.coherence_limit(Fraction(1, inverse))
        assert limit is not None
        window = interference.threshold_window(mu, limit)
        assert window is not None
        assert window[0] < (1 + mu) / 2 <= window[1] + 1e-12
        assert interference.threshold_window(mu, limit + 1 + (inverse % 2)) is None


def test_fixed_dictionaries_by_enumeration() -> None:
    rows = np.random.default_rng(1).standard_normal((7, 3))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    gram = rows @ rows.T
    others = [j for j in range(7) if j != 2]
    mean, square = gram[2, others].mean(), (gram[2, others] ** 2).mean()
    sums = [gram[2, list(chosen)].sum() for chosen in itertools.combinations(others, 3)]
    centre, variance = interference.row_moments(mean, square, 7, 3, signed=False)
    assert float(centre) == pytest.approx(np.mean(sums))
    assert float(variance) == pytest.approx(np.var(sums))
    signs = list(itertools.product((-1, 1), repeat=3))
    signed = [
        gram[2, list(chosen)] @ sign
        for chosen in itertools.combinations(others, 3)
        for sign in signs
    ]
    centre, variance = interference.row_moments(mean, square, 7, 3, signed=True)
    assert float(centre) == 0
    assert float(variance) == pytest.approx(np.mean(np.square(signed)))


def test_fixed_mean_square() -> None:
    rows = np.random.default_rng(2).standard_normal((6, 3))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    others = (rows @ rows.T)[0, 1:]
    moments = others.mean(), (others**2).mean()
    generator = np.random.default_rng(3)
    count = 200_000
    laws: tuple[Literal["exact", "bernoulli"], ...] = ("exact", "bernoulli")
    for law, signed, amplitude in itertools.product(
        laws, (False, True), ("constant", "exponential")
    ):
        activity = Activity(2, law=law, signed=signed, amplitude=amplitude, noise=0.2)
        if law == "exact":
            on = np.argsort(np.argsort(generator.random((count, 5)))) < 2
        else:
            on = generator.random((count, 5)) < 2 / 6
        sizes = generator.exponential(size=(count, 5)) if amplitude == "exponential" else 1.0
        signs = generator.choice([-1, 1], (count, 5)) if signed else 1
        reading = (on * sizes * signs) @ others + 0.2 * generator.standard_normal(count)
        squares = reading**2
        predicted = float(interference.fixed_mean_square(*moments, 6, activity))
        assert abs(squares.mean() - predicted) < 5 * squares.std() / math.sqrt(count)


def test_fixed_false_alarm_is_the_normal_tail_of_each_row() -> None:
    mean, square = np.array([0.0, 0.05]), np.array([0.01, 0.02])
    # k (n - 1 - k)/(n - 2) times the row's variance (`row_moments`), n = 102 and k = 4.
    spread = np.sqrt(4 * 97 / 100 * (square - mean**2))
    found = interference.fixed_false_alarm(0.5, mean, square, 102, 4)
    assert np.allclose(found, stats.norm.sf((0.5 - 4 * mean) / spread), rtol=1e-12)
    # A row orthogonal to all others never reads anything.
    assert interference.fixed_false_alarm(0.5, 0.0, 0.0, 102, 4) == 0


def test_welch_mean_square() -> None:
    assert interference.welch_mean_square(6, 3) == pytest.approx(1 / 5)  # the icosahedron
    assert interference.welch_mean_square(3, 3) == 0
    # Random directions have 1/d, larger by (N-1)/(N-d).
    assert sphere.mean_square(64) / interference.welch_mean_square(512, 64) == pytest.approx(
        511 / 448
    )


def test_amplitudes_have_mean_one() -> None:
    for law in AMPLITUDES.values():
        for power, moment in ((0, 1), (1, 1), (2, law.mean_square), (4, law.mean_fourth)):
            assert law.weights @ law.nodes**power == pytest.approx(moment, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: interference.law(0, 5, Activity(1), at_active=True), "`dim` must be at least 1"),
        (lambda: interference.law(3, 5, Activity(6), at_active=True), "`active` must be at most"),
        (lambda: interference.bayes_threshold(5, 3, 5), "`active` must lie in [1, 5); got 5."),
        (lambda: interference.least_dim(50, 2, theta=1.0), "`theta` must lie in (0, 1); got 1.0."),
        (lambda: interference.least_dim(50, 2, errors=0), "`errors` must be positive; got 0."),
        (lambda: interference.most_active(50, 2, errors=-1), "`errors` must be positive; got -1."),
        (lambda: interference.relu_moments(1, 0), "`sigma` must be positive; got 0.0."),
        (lambda: interference.information_bits(3, 4), "`active` must lie in [0, 3]; got 4."),
        (
            lambda: interference.row_moments(0, 0, 2, 1, signed=True),
            "`features` must be at least 3",
        ),
        (lambda: interference.row_moments(0, 0, 5, 5, signed=True), "`others` must lie in [0, 5)"),
        (lambda: interference.welch_mean_square(0, 2), "must be at least 1; got (0, 2)."),
    ],
)
def test_errors(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match="`") as caught:
        call()
    assert said in str(caught.value)
