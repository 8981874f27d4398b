"""The laws of random directions against mpmath, quadrature and closed forms; the samplers."""

import math
from itertools import pairwise
from typing import Any

import jax
import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate

from geometry import sphere


def _log_tail(eps: float, dim: int) -> mpmath.mpf:
    # I_x(a, 1/2) by its hypergeometric series, in 40 digits: another route than the module's.
    with mpmath.workdps(40):
        point, a = mpmath.mpf(eps), mpmath.mpf(dim - 1) / 2
        x = 1 - point**2
        series = mpmath.hyp2f1(a + mpmath.mpf(1) / 2, 1, a + 1, x)
        return mpmath.log(x**a * point / (a * mpmath.beta(a, mpmath.mpf(1) / 2)) * series)


@pytest.mark.parametrize("dim", [2, 3, 4, 10, 64, 500, 12288])
def test_tail_matches_forty_digits(dim: int) -> None:
    scales = np.array([0.01, 0.1, 0.6, 1, 2, 5, 10, 20, 30, 36]) / math.sqrt(dim)
    for eps in [*scales[scales < 1], 0.5, 0.9, 1 - 1e-9]:
        exact = _log_tail(float(eps), dim)
        found = float(sphere.log_tail(eps, dim))
        with mpmath.workdps(40):
            assert abs(found / exact - 1) < 1e-12
            probability = mpmath.exp(exact)
            if probability > 1e-280:
                assert abs(float(sphere.tail(eps, dim)) / probability - 1) < 1e-12


def test_tail_at_its_ends() -> None:
    for dim in (2, 3, 64, 12288):
        np.testing.assert_array_equal(sphere.tail([0.0, 1.0], dim), [1, 0])
        np.testing.assert_array_equal(sphere.log_tail([0.0, 1.0], dim), [0, -np.inf])
    np.testing.assert_array_equal(sphere.tail([0.0, 0.5, 1.0], 1), [1, 1, 0])
    np.testing.assert_array_equal(sphere.log_tail([0.0, 0.5, 1.0], 1), [0, 0, -np.inf])
    # exp(-1770) is no float64, its logarithm is.
    assert float(sphere.tail(0.5, 12288)) == 0
    assert -1772 < float(sphere.log_tail(0.5, 12288)) < -1769


def test_closed_forms_in_two_and_three_dimensions() -> None:
    eps = np.linspace(0, 0.99, 12)
    # Fifty units in the last place: each side has a handful of roundings.
    close: dict[str, Any] = {"rtol": 50 * 2.0**-52, "atol": 0}
    np.testing.assert_allclose(sphere.tail(eps, 2), 2 / np.pi * np.arccos(eps), **close)
    np.testing.assert_allclose(sphere.tail(eps, 3), 1 - eps, **close)
    arcsine = 1 / (np.pi * np.sqrt((1 - eps) * (1 + eps)))
    np.testing.assert_allclose(sphere.density(-eps, 2), arcsine, **close)
    np.testing.assert_allclose(sphere.density(eps, 3), 0.5, **close)
    assert float(sphere.density(1.0, 2)) == np.inf
    np.testing.assert_array_equal(sphere.density([-1.0, 1.0, 1.5, -2.0], 4), 0)
    np.testing.assert_array_equal(sphere.absolute_density([-0.5, 1.5], 4), 0)


@pytest.mark.parametrize("dim", [3, 4, 41, 42, 500, 12288])
def test_density_integrates_to_its_tail_and_moments(dim: int) -> None:
    def integral(low: float, power: int) -> float:
        def value(g: float) -> float:
            return g**power * float(sphere.absolute_density(g, dim))

        # Beyond 12 standard deviations lies less than 1e-30.
        high = min(1.0, 12 / math.sqrt(dim))
        return float(integrate.quad(value, low, high, epsabs=0, epsrel=1e-12, limit=200)[0])

    # quad's own request is 1e-12 of each integral; E g^4 = Var g^2 + (E g^2)^2.
    assert integral(0, 0) == pytest.approx(1, rel=1e-11)
    middle = 0.8 / math.sqrt(dim)
    assert integral(middle, 0) == pytest.approx(float(sphere.tail(middle, dim)), rel=1e-11)
    assert integral(0, 2) == pytest.approx(sphere.mean_square(dim), rel=1e-11)
    fourth = sphere.variance_square(dim) + sphere.mean_square(dim) ** 2
    assert integral(0, 4) == pytest.approx(fourth, rel=1e-11)
    assert fourth == pytest.approx(3 / (dim * (dim + 2)), rel=1e-14)


def test_one_dimension() -> None:
    assert (sphere.mean_square(1), sphere.variance_square(1)) == (1, 0)
    assert sphere.largest_cosine_quantile(2, 1, 0.5) == 1
    assert sphere.first_clash_median(1, 0.5) == 1
    assert sphere.greedy_count(1, 0.5, 1000) == 1
    # About one draw in 2^24 is exactly zero before it is normalised.
    draws = sphere.sample(jax.random.key(0), 1000, 1)
    np.testing.assert_array_equal(np.abs(draws), 1)


def test_largest_cosine_quantiles() -> None:
    assert sphere.largest_cosine_quantile(512, 64, math.exp(-1)) == pytest.approx(0.5235, abs=5e-5)
    assert sphere.largest_cosine_quantile(512, 64, 0.5) == pytest.approx(0.5312, abs=5e-5)
    # Exact for two directions.
    for probability in (0.01, 0.5, 0.999):
        level = sphere.largest_cosine_quantile(2, 7, probability)
        assert float(sphere.tail(level, 7)) == pytest.approx(1 - probability, rel=1e-11)
    levels = [sphere.largest_cosine_quantile(100, 20, p) for p in (1e-9, 0.1, 0.5, 0.9, 1 - 1e-9)]
    assert all(0 < low < high < 1 for low, high in pairwise(levels))


@pytest.mark.parametrize(("dim", "eps"), [(2, 0.3), (3, 0.99), (64, 0.4), (500, 0.2), (64, 1e-6)])
def test_first_clash_median_is_the_median(dim: int, eps: float) -> None:
    median = sphere.first_clash_median(dim, eps)
    below = 1 - float(sphere.tail(eps, dim))
    assert median == int(median) >= 1

    def survival(n: float) -> float:
        return math.exp(n * (n - 1) / 2 * math.log(below))

    # Half or more of the runs end at the median or before it, and fewer than half end sooner.
    assert survival(median + 1) <= 0.5
    assert median == 1 or survival(median) > 0.5


def test_first_clash_median_limits() -> None:
    probability = float(sphere.tail(0.1, 500))
    rough = math.sqrt(2 * math.log(2) / probability)
    assert abs(sphere.first_clash_median(500, 0.1) - rough) <= 1
    assert sphere.first_clash_median(500, 0.0) == 1
    assert sphere.first_clash_median(12288, 0.5) == math.inf


@pytest.mark.parametrize(("dim", "eps", "kept"), [(64, 0.4, 300), (10, 0.5, 20), (5, 0.2, 4)])
def test_greedy_count_inverts_the_waiting_times(dim: int, eps: float, kept: int) -> None:
    below = 1 - float(sphere.tail(eps, dim))
    waits = sum(below**-k for k in range(kept))
    # The count is linear between whole numbers of candidates to (1/waits)^2; bracket it.
    assert sphere.greedy_count(dim, eps, math.floor(waits)) <= kept + 1e-9
    assert sphere.greedy_count(dim, eps, math.ceil(waits)) >= kept - 1e-9


def test_greedy_count_limits() -> None:
    assert sphere.greedy_count(64, 0.4, 0) == 0
    assert sphere.greedy_count(64, 0.4, 1) == 1
    assert sphere.greedy_count(64, 0.0, 1000) == 1
    # No clash is in sight: all are kept.
    assert sphere.greedy_count(12288, 0.5, 1000) == 1000
    rate = float(sphere.tail(0.4, 64))
    rough = math.log1p(rate * 10**6) / rate
    # To first order in the rate the forms differ by 1 + rate/2, relative.
    assert sphere.greedy_count(64, 0.4, 10**6) == pytest.approx(rough, rel=2 * rate)


def test_sample_follows_the_law() -> None:
    count, dim = 4000, 6
    rows = np.asarray(sphere.sample(jax.random.key(1), count, dim), np.float64)
    assert rows.shape == (count, dim)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=0, atol=dim * 2.0**-24)
    # Every coordinate is one draw of g: means within five standard errors.
    error = math.sqrt(sphere.mean_square(dim) / count)
    assert np.abs(rows.mean(axis=0)).max() < 5 * error
    error = math.sqrt(sphere.variance_square(dim) / count)
    assert np.abs((rows**2).mean(axis=0) - sphere.mean_square(dim)).max() < 5 * error
    for eps in (0.2, 0.5, 0.8):
        share = float(sphere.tail(eps, dim))
        found = (np.abs(rows) > eps).mean(axis=0)
        assert np.abs(found - share).max() < 5 * math.sqrt(share * (1 - share) / count)


def test_sample_of_nothing() -> None:
    assert sphere.sample(jax.random.key(0), 0, 3).shape == (0, 3)


def test_normalise() -> None:
    rows = np.array([[3, 4], [3e30, -4e30], [3e-30, 4e-30], [0, -7]])
    unit = np.asarray(sphere.normalise(rows))
    assert unit.dtype == np.float32
    expected = np.array([[0.6, 0.8], [0.6, -0.8], [0.6, 0.8], [0, -1]])
    # Five roundings at most, in quotients and a norm of two terms.
    np.testing.assert_allclose(unit, expected, rtol=5 * 2.0**-24, atol=0)


def test_random_rotation_is_haar() -> None:
    count, dim = 600, 3
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(2), i))(np.arange(count))
    draws = np.asarray(jax.vmap(lambda key: sphere.random_rotation(key, dim))(keys), np.float64)
    # Householder reflections of three columns: some tens of roundings.
    products = draws @ draws.transpose(0, 2, 1)
    np.testing.assert_allclose(products, np.tile(np.eye(dim), (count, 1, 1)), atol=50 * 2.0**-24)
    np.testing.assert_allclose(np.linalg.det(draws), 1, atol=50 * 2.0**-24)
    # Each entry is one coordinate of a uniform unit vector: five standard errors.
    mean, square = draws.mean(axis=0), (draws**2).mean(axis=0)
    assert np.abs(mean).max() < 5 * math.sqrt(1 / dim / count)
    assert np.abs(square - 1 / dim).max() < 5 * math.sqrt(sphere.variance_square(dim) / count)
    # Under Haar measure on SO(3) the trace has mean 0 and variance 1.
    assert abs(np.trace(draws, axis1=1, axis2=2).mean()) < 5 / math.sqrt(count)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones(3), r"^`vectors` must have shape \[n, d\]; got shape \(3,\)\.$"),
        (np.ones((3, 0)), r"^`vectors` must have a column; got shape \(3, 0\)\.$"),
        (np.array([[1, 2], [0, 0]]), r"^rows of `vectors` must be non-zero; row 1 is zero\.$"),
        (np.array([[1, np.nan]]), r"^rows of `vectors` must be finite in float32; row 0 is not\.$"),
        (np.array([[1, 1e300]]), r"^rows of `vectors` must be finite in float32; row 0 is not\.$"),
    ],
)
def test_normalise_errors(rows: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sphere.normalise(rows)


def test_errors() -> None:
    key = jax.random.key(0)
    need_dim = r"^`dim` must be at least 1; got 0\.$"
    for call in (
        lambda: sphere.sample(key, 2, 0),
        lambda: sphere.random_rotation(key, 0),
        lambda: sphere.density(0.5, 0),
        lambda: sphere.tail(0.5, 0),
        lambda: sphere.log_tail(0.5, 0),
        lambda: sphere.mean_square(0),
        lambda: sphere.variance_square(0),
        lambda: sphere.largest_cosine_quantile(2, 0, 0.5),
        lambda: sphere.first_clash_median(0, 0.5),
        lambda: sphere.greedy_count(0, 0.5, 2),
    ):
        with pytest.raises(ValueError, match=need_dim):
            call()
    with pytest.raises(ValueError, match=r"^`dim` must be at least 2: in one dimension"):
        sphere.density(0.5, 1)
    with pytest.raises(ValueError, match=r"^`count` must be at least 0; got -1\.$"):
        sphere.sample(key, -1, 2)
    for eps in (-0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\]; got {eps}\.$"):
            sphere.tail(eps, 3)
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\]; got {eps}\.$"):
            sphere.log_tail(eps, 3)
    for eps in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\); got {eps}\.$"):
            sphere.first_clash_median(3, eps)
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\); got {eps}\.$"):
            sphere.greedy_count(3, eps, 10)
    with pytest.raises(ValueError, match=r"^`candidates` must be at least 0; got -1\.$"):
        sphere.greedy_count(3, 0.5, -1)
    with pytest.raises(ValueError, match=r"^`count` must be at least 2; got 1\.$"):
        sphere.largest_cosine_quantile(1, 3, 0.5)
    for probability in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"^`probability` must lie in \(0, 1\); got "):
            sphere.largest_cosine_quantile(10, 3, probability)


@pytest.mark.parametrize("dim", [1, 2, 3, 64])
def test_absolute_quantile_inverts_the_tail(dim: int) -> None:
    shares = np.array([0.0, 0.1, 0.5, 0.9, 0.999])
    points = sphere.absolute_quantile(shares, dim)
    if dim == 1:
        assert np.all(points == 1)
    else:
        assert np.allclose(1 - sphere.tail(points, dim), shares, atol=1e-12)
    with pytest.raises(ValueError, match="must lie in"):
        sphere.absolute_quantile(1.5, dim)


def test_nearest_law_is_that_of_independent_cosines() -> None:
    # In the plane |g| = cos of a uniform angle: P(|g| <= t) = 1 - (2/π) arccos t.
    points = np.array([0.0, 0.3, 0.9, 1.0])
    one = 1 - 2 / np.pi * np.arccos(points)
    assert np.allclose(sphere.nearest_law(points, 5, 2), one**4)
    with pytest.raises(ValueError, match="at least 2"):
        sphere.nearest_law(0.5, 1, 3)
