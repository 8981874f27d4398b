"""The best upper bound: published numbers, order, and the errors."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from geometry import exact
from geometry.bounds import UpperBound, all_upper_bounds, best_upper_bound
from geometry.bounds.existence import existence_lower_bound
from geometry.exact import Cosine

# Sizes of known packings that meet the bound: (dim, eps, count).
TIGHT = [
    (3, "1/sqrt(5)", 6),
    (4, "1/2", 12),
    (6, "1/2", 36),
    (7, "1/2", 63),
    (8, "1/2", 120),
    (7, "1/3", 28),
    (15, "1/5", 36),
    (21, "1/5", 126),
    (23, "1/5", 276),
    (23, "1/3", 2300),
    (24, "1/2", 98280),
    (16, "1/4", 144),
    (64, "1/8", 2112),
    (256, "1/16", 33024),
    (1024, "1/32", 525312),
]
# Values of the formulas, computed apart from this code.
REFERENCE = [
    (100, "0.1", 5100, "levenshtein"),
    (100, "0.2", 346691, "levenshtein"),
    (500, "0.01", 525, "bukh-cox"),
    (500, "0.0157", 570, "relative"),
    (500, "0.05", 143479, "levenshtein"),
    (500, "0.1", 138234855, "levenshtein"),
    (512, "1/16", 264204, "levenshtein"),
    (768, "0.05", 548727, "levenshtein"),
    (1000, "0.05", 2019181, "levenshtein"),
    (1024, "0.05", 2409189, "levenshtein"),
]


@pytest.mark.parametrize(("dim", "eps", "count"), TIGHT)
def test_meets_the_packings_that_are_optimal(dim: int, eps: str, count: int) -> None:
    assert best_upper_bound(dim, exact.eps(eps)).count == count


@pytest.mark.parametrize(("dim", "eps", "count", "method"), REFERENCE)
def test_reference_values(dim: int, eps: str, count: int, method: str) -> None:
    best = best_upper_bound(dim, exact.eps(eps))
    assert (best.count, best.method) == (count, method)


@pytest.mark.parametrize(
    ("dim", "eps", "value"),
    [(4096, "0.05", 4.3136e16), (4096, "0.1", 1.8211e42), (12288, "0.05", 3.249e40)],
)
def test_reference_values_beyond_doubles(dim: int, eps: str, value: float) -> None:
    # The references have four or five digits.
    assert best_upper_bound(dim, exact.eps(eps)).count == pytest.approx(value, rel=1e-4)


def test_angles() -> None:
    assert best_upper_bound(100, exact.angle(89)).count == 102
    assert best_upper_bound(4, exact.angle(36)).count == 60
    assert best_upper_bound(500, exact.angle("89.1")).count == 570
    assert best_upper_bound(3, exact.angle(90)).count == 3


@pytest.mark.parametrize("dim", [1, 2, 3, 17, 500, 12288])
def test_orthogonal_lines(dim: int) -> None:
    assert best_upper_bound(dim, exact.eps(0)).count == dim


@pytest.mark.parametrize("eps", ["0", "0.3", "0.999"])
def test_one_line_in_one_dimension(eps: str) -> None:
    assert best_upper_bound(1, exact.eps(eps)).count == 1


def test_plane_is_exact_at_every_angle() -> None:
    for count in range(2, 60):
        attained = exact.angle(Fraction(180, count))
        assert best_upper_bound(2, attained) == UpperBound(
            count, "arc", "N <= 180°/arccos(eps), in the plane", "elementary"
        )
        if count < 59:
            narrower = exact.angle(Fraction(180, count) - Fraction(1, 10**9))
            assert best_upper_bound(2, narrower).count == count


def test_all_bounds_are_sorted_and_hold_the_best() -> None:
    bounds = all_upper_bounds(8, exact.eps("0.6"))
    assert bounds[0].method == best_upper_bound(8, exact.eps("0.6")).method
    assert [b.count for b in bounds] == sorted(b.count for b in bounds)
    assert {b.method for b in bounds} == {"levenshtein", "delsarte", "volume"}
    assert all(b.statement and b.reference for b in bounds)


def test_monotone_and_above_what_exists() -> None:
    cosines: list[Cosine] = sorted(
        {exact.eps(Fraction(i, 40)) for i in range(0, 40, 4)}
        | {exact.eps(Fraction(1, k)) for k in (3, 5, 8, 16)}
        | {exact.eps(f"1/sqrt({k})") for k in (3, 5, 12, 32, 66)}
        | {exact.angle(a) for a in (15, 36, 54, 72, 89)}
    )
    dims = [1, 2, 3, 4, 7, 8, 16, 24, 25, 48, 64]
    table = [[best_upper_bound(dim, eps).count for eps in cosines] for dim in dims]
    for dim, row in zip(dims, table, strict=True):
        assert row == sorted(row)
        for eps, count in zip(cosines, row, strict=True):
            assert existence_lower_bound(dim, eps) <= count
    for column in zip(*table, strict=True):
        assert list(column) == sorted(column)


@pytest.mark.parametrize(
    ("dim", "eps"),
    [
        (64, exact.eps("0.999999")),
        (3, exact.angle("1e-9")),
        (12288, exact.eps("0.99")),
        (3, exact.eps("1e-12")),
        (3, exact.angle("1e-100")),
        (5, exact.eps("0." + "9" * 60)),
        (40000, exact.eps("0.5")),
    ],
)
def test_extremes_are_answered(dim: int, eps: Cosine) -> None:
    count = best_upper_bound(dim, eps).count
    assert count >= existence_lower_bound(dim, eps) >= dim


def test_small_angle_in_space_is_near_the_densest_possible() -> None:
    # A cap of radius t/2 takes about t^2/8 of the half sphere, so N <= 8/t^2; covering by caps of
    # radius t gives N >= 2/t^2. Both hold to relative t^2.
    angle = math.radians(1e-9)
    eps = exact.angle("1e-9")
    assert best_upper_bound(3, eps).count == pytest.approx(8 / angle**2, rel=1e-9)
    assert existence_lower_bound(3, eps) == pytest.approx(2 / angle**2, rel=1e-9)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        best_upper_bound(0, exact.eps("0.5"))
    with pytest.raises(ValueError, match=r"^`eps` must lie in \[0, 1\); got 1\.$"):
        best_upper_bound(2, Cosine(Fraction(1)))
    with pytest.raises(ValueError, match=r"^`eps` must lie in \[0, 1\); got 2\.$"):
        best_upper_bound(3, Cosine(Fraction(4)))
