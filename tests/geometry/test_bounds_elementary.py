"""Relative, Bukh-Cox, arc, volume and covering bounds against direct computation."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from geometry.bounds.arc import arc_bound
from geometry.bounds.bukh_cox import bukh_cox_bound, excludes
from geometry.bounds.cap import cap_fraction
from geometry.bounds.existence import existence_exponent, existence_lower_bound
from geometry.bounds.relative import relative_bound, relative_value, welch_coherence
from geometry.bounds.volume import volume_bound
from geometry.exact import Cosine, angle, eps


def test_relative_bound_and_welch_bound_are_inverse() -> None:
    for dim in (2, 3, 7, 100):
        # Past N = d(d+1)/2 the formula goes on, as a statement about the Gram matrix's rank.
        for count in (dim + 1, dim + 2, 3 * dim, dim**3):
            square = welch_coherence(dim, count).square
            assert square == Fraction(count - dim, dim * (count - 1))
            assert relative_value(dim, square) == count
    assert welch_coherence(5, 5) == Cosine(Fraction(0)) == welch_coherence(5, 1)
    assert welch_coherence(7, 28) == eps("1/3")


def test_relative_bound_stops_at_one_over_root_dim() -> None:
    assert relative_bound(25, eps("1/5")) is None
    below = relative_bound(25, eps("0.1999"))
    assert below is not None
    assert below.count == math.floor(25 * (1 - 0.1999**2) / (1 - 25 * 0.1999**2))


def test_welch_errors() -> None:
    with pytest.raises(ValueError, match=r"^`dim` and `count` must be at least 1; got 0, 3\.$"):
        welch_coherence(0, 3)
    with pytest.raises(ValueError, match=r"^`dim` and `count` must be at least 1; got 3, 0\.$"):
        welch_coherence(3, 0)


def bukh_cox_mean(extra: int) -> mpmath.mpf:
    return ((extra - 1) * mpmath.sqrt(extra + 2) + 2) / (extra * (extra + 1))


@pytest.mark.parametrize("dim", [1, 2, 5, 40, 500])
@pytest.mark.parametrize("square", ["1/10", "1/97", "1/2500", "0.000246"])
def test_exclusion_in_high_precision(dim: int, square: str) -> None:
    at = Fraction(square)
    with mpmath.workdps(50):
        root = mpmath.sqrt(mpmath.mpf(at.numerator) / at.denominator)
        for extra in (1, 2, 3, 7, 8, 30, 200, 1000):
            left = root * ((dim + extra) * bukh_cox_mean(extra) - 1)
            assert excludes(dim, extra, at) == (left < 1)


def test_exclusion_is_strict_where_a_packing_attains_it() -> None:
    # d+1 lines at 1/d; 6 lines in R^4 at 1/3; 28 in R^21 at 1/9, the complement of 28 in R^7.
    for dim, extra, cosine in [
        (9, 1, Fraction(1, 9)),
        (4, 2, Fraction(1, 3)),
        (21, 7, Fraction(1, 9)),
    ]:
        assert not excludes(dim, extra, cosine**2)
        assert excludes(dim, extra, cosine**2 - Fraction(1, 10**40))


@pytest.mark.parametrize("extra", [1, 2, 7, 14, 23])
def test_exclusion_is_exact_at_equality(extra: int) -> None:
    # For these k, sqrt(k+2) is an integer but for k = 1, where it has no weight.
    root = math.isqrt(extra + 2)
    for dim in (2, 5, 30, 1000):
        needed = Fraction((dim + extra) * ((extra - 1) * root + 2), extra * (extra + 1)) - 1
        assert not excludes(dim, extra, 1 / needed**2)
        assert excludes(dim, extra, 1 / needed**2 - Fraction(1, 10**40))


def test_isotropic_mean_is_not_exceeded() -> None:
    # The lemma behind the bound: mean |<x,y>| <= A_k for isotropic measures; equality at 28 lines
    # in R^7 is checked above, here random projections are far below.
    rng = np.random.default_rng(0)
    for extra, count in [(1, 4), (2, 3), (3, 6), (5, 9), (8, 40)]:
        for _ in range(20):
            basis, _ = np.linalg.qr(rng.normal(size=(count, extra)))
            mean = np.abs(basis @ basis.T).sum() / (extra * count)
            assert mean <= float(bukh_cox_mean(extra)) + 1e-12


@pytest.mark.parametrize(("dim", "cosine"), [(100, "1/57"), (100, "1/99"), (500, "0.01")])
def test_bukh_cox_finds_the_smallest_exclusion(dim: int, cosine: str) -> None:
    square = eps(cosine).square
    smallest = next(k for k in range(1, dim) if excludes(dim, k, square))
    found = bukh_cox_bound(dim, eps(cosine))
    assert found is not None
    assert found.count == dim + smallest - 1
    assert f"N = d + {smallest}" in found.statement
    assert bukh_cox_bound(dim, eps("0.5")) is None


def test_search_of_bukh_cox_is_over_a_falling_sequence() -> None:
    last = 0.0
    for dim in range(1, 400):
        k = np.arange(1, dim // 2 + 2)
        needed = (dim + k) * ((k - 1) * np.sqrt(k + 2) + 2) / (k * (k + 1))
        assert np.all(np.diff(needed) < 0)
        assert needed[-1] > last
        last = float(needed[-1])


def test_arc() -> None:
    assert arc_bound(3, eps("0.5")) is None
    for cosine, count in [("0", 2), ("0.49", 2), ("0.5", 3), ("1/sqrt(2)", 4), ("0.99", 22)]:
        found = arc_bound(2, eps(cosine))
        assert found is not None
        assert found.count == count
    for degrees, count in [("1e-9", 180 * 10**9), ("50", 3), ("60", 3), ("60.0000001", 2)]:
        found = arc_bound(2, angle(degrees))
        assert found is not None
        assert found.count == count
    product = arc_bound(2, Cosine(Fraction(1, 2), Fraction(20)))  # 0.664: 48.4 degrees
    assert product is not None
    assert product.count == 3
    with pytest.raises(ValueError, match=r"^`eps` must lie in \[0, 1\); got 1\.$"):
        arc_bound(2, Cosine(Fraction(1)))


@pytest.mark.parametrize("dim", [2, 3, 4, 9, 10, 101, 500])
@pytest.mark.parametrize("y", ["0.0001", "0.1", "0.5", "0.9", "0.93", "0.94", "0.999", "0.9999999"])
def test_cap_fraction_encloses_the_beta_function(dim: int, y: str) -> None:
    low, high = cap_fraction(dim, Fraction(y), bits=80)
    with mpmath.workdps(60):
        # The complement is exact enough: 60 digits, at most 10 of them cancel.
        at = mpmath.mpf(Fraction(y).numerator) / Fraction(y).denominator
        true = mpmath.betainc((dim - 1) / mpmath.mpf(2), 0.5, 0, at, regularized=True)
        assert mpmath.mpf(low.numerator) / low.denominator <= true
        assert mpmath.mpf(high.numerator) / high.denominator >= true
    assert (high - low) * 2**78 < low


@pytest.mark.parametrize("y", ["0.3", "0.99"])
def test_cap_fraction_in_very_large_dimensions(y: str) -> None:
    dim = 40000
    low, high = cap_fraction(dim, Fraction(y), bits=80)
    assert 0 < (high - low) * 4 * dim <= low * Fraction(11, 10)
    with mpmath.workdps(30):
        a, at = (dim - 1) / mpmath.mpf(2), mpmath.mpf(y)
        # log I = a log y + log(1-y)/2 - log(a B(a, 1/2)) + log(2F1), the sum from its recurrence.
        term = total = mpmath.mpf(1)
        for j in range(8000):
            term *= at * (dim + 2 * j) / (dim + 1 + 2 * j)
            total += term
        log_true = a * mpmath.log(at) + mpmath.log(1 - at) / 2 + mpmath.log(total)
        log_true += mpmath.loggamma(a + 0.5) - mpmath.loggamma(a + 1) - mpmath.log(mpmath.pi) / 2
        assert mpmath.log(mpmath.mpf(low.numerator) / low.denominator) <= log_true
        assert mpmath.log(mpmath.mpf(high.numerator) / high.denominator) >= log_true


def test_volume_in_the_plane_and_in_space() -> None:
    # d = 2: floor(180/theta). d = 3: the pair of caps takes 1 - cos(theta/2).
    for degrees in ("7", "25.5", "41", "77"):
        assert volume_bound(2, angle(degrees)).count == math.floor(180 / float(degrees))
        half = math.radians(float(degrees)) / 2
        assert volume_bound(3, angle(degrees)).count == math.floor(1 / (1 - math.cos(half)))
    assert volume_bound(1, eps("0.9")).count == 1
    for cosine, count in [("0.5", 3), ("1/sqrt(2)", 4), ("sqrt(3)/2", 6)]:  # attained
        assert volume_bound(2, eps(cosine)).count == count


def test_covering_in_space() -> None:
    # d = 3: P(|g| > eps) = 1 - eps, Archimedes.
    assert existence_lower_bound(3, eps("0.99")) == 100
    assert existence_lower_bound(3, eps("0.9901")) == 102
    assert existence_lower_bound(3, eps("0.5")) == 3
    assert existence_lower_bound(1, eps("0.5")) == 1
    assert existence_lower_bound(6, eps(0)) == 6


@pytest.mark.parametrize(("dim", "cosine"), [(50, 0.5), (200, 0.3), (1000, 0.25)])
def test_covering_against_the_beta_law(dim: int, cosine: float) -> None:
    with mpmath.workdps(40):
        rest = 1 - mpmath.mpf(str(cosine)) ** 2
        tail = mpmath.betainc((dim - 1) / mpmath.mpf(2), 0.5, 0, rest, regularized=True)
        expected = int(mpmath.ceil(1 / tail))
    found = existence_lower_bound(dim, eps(cosine))
    # It is 2^-90 or so below the true value before rounding up.
    assert expected - 1 - expected // 2**80 <= found <= expected


@pytest.mark.parametrize("x", [0.1, 0.4, 0.8])
def test_covering_grows_at_its_exponent(x: float) -> None:
    # ln(1/P) = d * exponent + ln(d)/2 + O(1); the difference over [d, 2d] leaves ln(2)/2.
    dim = 4000
    logs = [math.log(existence_lower_bound(size, eps(x))) for size in (dim, 2 * dim)]
    slope = (logs[1] - logs[0]) / dim
    # What is left is O(1/(d x^2)) of the correction, itself below 1/(d^2 x^2) in the slope.
    assert slope == pytest.approx(
        existence_exponent(x) + math.log(2) / 2 / dim, abs=2 / (dim * x) ** 2
    )


def test_existence_errors() -> None:
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        existence_lower_bound(0, eps("0.5"))
    with pytest.raises(ValueError, match=r"^`eps` must lie in \[0, 1\); got 1\.$"):
        existence_lower_bound(3, Cosine(Fraction(1)))
    with pytest.raises(ValueError, match=r"^`eps` must lie in \[0, 1\); got 1\.0\.$"):
        existence_exponent(1.0)
