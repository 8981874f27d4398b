"""Levenshtein's bound against the textbook formula in Jacobi polynomials, and its growth."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy.special import roots_jacobi

from geometry.bounds import levenshtein, upper_bound
from geometry.bounds.levenshtein import growth_exponent, levenshtein_bound, levenshtein_value
from geometry.bounds.relative import relative_value
from geometry.exact import Cosine, angle, eps


def largest_zero(degree: int, a: float, b: float) -> float:
    return -1.0 if degree == 0 else float(np.max(roots_jacobi(degree, a, b)[0]))


def textbook(dim: int, square: Fraction) -> tuple[int, mpmath.mpf]:
    """(2k-1+e, L) from zeros and values of adjacent Jacobi polynomials (Levenshtein 1998)."""
    a, b = (dim - 3) / 2, -0.5
    sigma = float(2 * square - 1)
    for k in range(1, 40):
        for e in (0, 1):
            if sigma <= largest_zero(k, a + 1, b + e) + 1e-12:
                assert sigma >= largest_zero(k - 1 + e, a + 1, b + 1 - e) - 1e-12
                j = k - 1 + e
                with mpmath.workdps(60):
                    at = 2 * mpmath.mpf(square.numerator) / square.denominator - 1

                    def normal(n: int, p: float, q: float, at: mpmath.mpf = at) -> mpmath.mpf:
                        return mpmath.jacobi(n, p, q, at) / mpmath.jacobi(n, p, q, 1)

                    ratio = normal(j, a + 1, b) / normal(k, a, b + e)
                    # dim Harm_2i is the rise in the number of monomials of degree 2i.
                    total = 1 + sum(
                        math.comb(dim + 2 * i - 1, dim - 1) - math.comb(dim + 2 * i - 3, dim - 1)
                        for i in range(1, j + 1)
                    )
                    return 2 * k - 1 + e, (1 - ratio) * total
    raise AssertionError("degree out of the oracle's range")


@pytest.mark.parametrize("dim", [3, 4, 5, 8, 24, 100, 333])
@pytest.mark.parametrize("square", ["1/1000", "1/33", "1/17", "1/8", "9/50", "0.41", "0.6"])
def test_agrees_with_the_textbook_formula(dim: int, square: str) -> None:
    at = Fraction(square)
    if dim > 30 and at > Fraction(1, 5):
        at /= 10  # keeps the degree within the oracle's range
    degree, expected = textbook(dim, at)
    value = levenshtein_value(dim, at)
    assert value is not None
    assert value.degree == degree
    with mpmath.workdps(60):
        # 60 digits, less what cancels in polynomials of degree below 80.
        assert mpmath.almosteq(mpmath.mpf(value.numerator) / value.denominator, expected, 1e-25)


@pytest.mark.parametrize("dim", [3, 7, 50, 12288])
def test_first_two_degrees_have_closed_forms(dim: int) -> None:
    first = Fraction(1, dim + 3)
    value = levenshtein_value(dim, first)
    assert value is not None
    assert value.degree == 1
    assert Fraction(value.numerator, value.denominator) == relative_value(dim, first)
    for square in (Fraction(2, dim + 4), Fraction(3, dim + 4)):
        value = levenshtein_value(dim, square)
        assert value is not None
        assert value.degree == 2
        expected = dim * (dim + 2) * (1 - square) / (3 - (dim + 2) * square)
        assert Fraction(value.numerator, value.denominator) == expected


def test_continuous_where_the_degree_changes() -> None:
    # z_2 of R^d: eps^2 = 1/(d+2), where L_1 = L_2 = d(d+1)/2.
    for dim in (3, 7, 23, 100):
        at, step = Fraction(1, dim + 2), Fraction(1, 10**20)
        values = [levenshtein_value(dim, at + side * step) for side in (-1, 0, 1)]
        ratios = [Fraction(v.numerator, v.denominator) for v in values if v is not None]
        assert [v.degree for v in values if v is not None] == [1, 1, 2]
        assert ratios[1] == Fraction(dim * (dim + 1), 2)
        # Slopes are below d^4.
        assert 0 < ratios[1] - ratios[0] < dim**4 * step
        assert 0 < ratios[2] - ratios[1] < dim**4 * step


@pytest.mark.parametrize("square", [Fraction(1, 400), Fraction(1, 20), Fraction(2, 5)])
def test_real_value_rises_with_dim(square: Fraction) -> None:
    last = Fraction(0)
    for dim in range(2, 120):
        value = levenshtein_value(dim, square)
        assert value is not None
        assert Fraction(value.numerator, value.denominator) > last
        last = Fraction(value.numerator, value.denominator)


def test_gives_up_beyond_its_degree(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levenshtein_bound(64, eps("0.999999")) is None
    assert levenshtein_bound(3, angle("1e-30")) is None
    assert levenshtein_bound(3, eps(0)) is None
    assert levenshtein_bound(1, eps("0.5")) is None
    monkeypatch.setattr(levenshtein, "MOST_DEGREE", 4)
    levenshtein_value.cache_clear()
    assert levenshtein_value(24, Fraction(1, 4)) is not None  # degree 4
    assert levenshtein_value(24, Fraction(1, 3)) is None  # degree 5
    levenshtein_value.cache_clear()


def test_rounding_of_eps_goes_to_the_least_short_rational_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upper_bound, "_LARGEST_DENOMINATOR", 30)
    short = sorted({Fraction(p, q) for q in range(1, 31) for p in range(q + 1)})
    for i in range(997):
        value = Fraction(i, 997)
        assert upper_bound._round_up(value) == min(s for s in short if s >= value)


def test_rounding_keeps_short_squares_and_stays_below_one() -> None:
    for text in ("0.05", "1/3", "1/sqrt(5)", "0", "0.015707"):
        assert upper_bound.rounded_square(eps(text)) == eps(text).square
    near = upper_bound.rounded_square(angle("1e-60"))
    assert not upper_bound.within_resolution(near)
    assert near < 1
    cosine = angle(36)
    rounded = upper_bound.rounded_square(cosine)
    assert cosine < Cosine(rounded)
    assert float(rounded) == pytest.approx(math.cos(math.radians(36)) ** 2, rel=1e-15)


@pytest.mark.parametrize(("x", "dim"), [(0.1, 200000), (0.3, 20000), (0.45, 10000)])
def test_growth_is_that_of_the_bound(x: float, dim: int) -> None:
    # Here no larger angle helps. The largest zero is off its limit by a relative m^(-2/3), and so
    # is the slope of ln L_m over [d, 2d]; m is about 1000 at 2d.
    square = Fraction(x).limit_denominator(1000) ** 2
    logs = []
    for size in (dim, 2 * dim):
        value = levenshtein_value(size, square)
        assert value is not None
        logs.append(math.log(value.numerator) - math.log(value.denominator))
    assert (logs[1] - logs[0]) / dim == pytest.approx(growth_exponent(x), rel=0.01)


def test_growth_has_its_known_values() -> None:
    assert growth_exponent(0.0) == 0
    # 2^(0.401 d) at 60 degrees; 2^(-0.5990 d) for sphere packing as the angle goes to 0
    # (Kabatiansky and Levenshtein 1978).
    assert growth_exponent(0.5) / math.log(2) == pytest.approx(0.4010, abs=5e-4)
    small = 1e-3
    per_volume = growth_exponent(math.cos(small)) + math.log(math.sin(small / 2))
    assert per_volume / math.log(2) == pytest.approx(-0.5990, abs=5e-4)
    grid = [growth_exponent(i / 100) for i in range(100)]
    assert grid == sorted(grid)
    for bad in (1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"`eps` must lie in \[0, 1\); got"):
            growth_exponent(bad)
