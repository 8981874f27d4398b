"""Largest exponential sums against sums term by term over every polynomial."""

from __future__ import annotations

import itertools
import json
import math
from importlib import resources
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft

from geometry import character_sums
from geometry.character_sums import (
    Maximum,
    classes,
    free_polynomials,
    largest_over,
    largest_sum,
    largest_transform,
    recorded_degrees,
    recorded_maximum,
    transforms,
)


def sum_at(prime: int, coefficients: tuple[int, ...]) -> float:
    """|S_f| for the coefficients of x, x^2, ..., by Python's complex numbers."""
    terms = [
        sum(c * pow(x, j, prime) for j, c in enumerate(coefficients, 1)) % prime
        for x in range(prime)
    ]
    angles = [2 * math.pi * t / prime for t in terms]
    return math.hypot(math.fsum(map(math.cos, angles)), math.fsum(map(math.sin, angles)))


def largest_by_definition(prime: int, degree: int, *, odd: bool) -> float:
    """The largest |S_f| over every f of this degree, no symmetry used."""
    x = np.arange(prime)
    roots = np.exp(2j * np.pi * x / prime)
    powers = range(1, degree, 2 if odd else 1)
    lower = np.array(list(itertools.product(range(prime), repeat=len(powers))))
    base = lower @ np.array([x**j % prime for j in powers])
    return max(
        float(np.abs(roots[(base + leading * x**degree) % prime].sum(axis=1)).max())
        for leading in range(1, prime)
    )


@pytest.mark.parametrize(
    ("prime", "degree", "odd"),
    [
        (5, 3, False),
        (7, 3, False),
        (13, 3, False),
        (5, 4, False),  # quartic classes: p = 5, 7 and 1 modulo 8
        (7, 4, False),
        (17, 4, False),
        (7, 5, False),
        (11, 4, False),
        (7, 5, True),
        (11, 5, True),
        (13, 5, True),
        (31, 5, True),
    ],
)
def test_against_all_polynomials(prime: int, degree: int, odd: bool) -> None:
    found = largest_sum(prime, degree, odd=odd)
    expected = largest_by_definition(prime, degree, odd=odd)
    # A sum of p terms in float64 is off by p 2^-50 at most; the value is rounded up by as much.
    assert 0 <= found.value - expected + prime * 2.0**-50 <= prime * 2.0**-48
    assert abs(sum_at(prime, found.coefficients) - found.value) <= prime * 2.0**-48
    assert len(found.coefficients) == degree
    assert found.coefficients[-1] in classes(prime, degree)
    assert not odd or not any(found.coefficients[1::2])
    assert found.value <= (degree - 1) * math.sqrt(prime) * (1 + 1e-12)


def test_ranges_together_make_the_whole() -> None:
    whole = largest_sum(31, 5)
    total = free_polynomials(31, 5)
    assert total == 31**2
    pieces = [
        largest_over(31, 5, leading, start, min(start + 200, total))
        for leading in classes(31, 5)
        for start in range(0, total, 200)
    ]
    assert max(pieces) == whole
    assert largest_over(31, 5, 1, 7, 7) == Maximum(0.0, ())


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = largest_sum(101, 4)
    monkeypatch.setattr(character_sums, "_BATCH", 1000)
    assert largest_sum(101, 4) == whole


def test_screen_is_rechecked(monkeypatch: pytest.MonkeyPatch) -> None:
    # A screen that is off by less than its stated error must not change the value.
    whole = largest_sum(61, 4)
    honest = fft.fft
    noise = np.random.default_rng(0)

    def noisy(values: NDArray[Any], axis: int) -> NDArray[Any]:
        sums = honest(values, axis=axis)
        return np.asarray(sums + noise.uniform(-1.9, 1.9, sums.shape))

    monkeypatch.setattr(character_sums, "transform_error", lambda length, unit: 2.0)
    monkeypatch.setattr(fft, "fft", noisy)
    for _ in range(5):
        assert largest_sum(61, 4) == whole


def test_single_precision_transforms_keep_their_error() -> None:
    rng = np.random.default_rng(1)
    for length in (7, 61, 1021, 6143):
        values = np.exp(2j * np.pi * rng.random((3, length)))
        wide = np.fft.fft(values)
        narrow = fft.fft(values.astype(np.complex64), axis=1)
        # Rounding the values themselves costs length 2^-24 at most.
        error = character_sums.transform_error(length, 2.0**-24) + length * 2.0**-24
        assert np.abs(wide - narrow).max() <= error / 10


@pytest.mark.parametrize(("prime", "degree"), [(7, 3), (13, 4), (17, 4), (31, 5), (11, 6)])
def test_numbers_of_transforms(prime: int, degree: int) -> None:
    # Orbits of c^(2D) = 1 on the free coefficients, counted one by one.
    generators = [c for c in range(1, prime) if pow(c, 2 * degree, prime) == 1]
    orbits = {
        min(
            tuple(pow(c, degree, prime) * pow(c, j, prime) * a % prime for j, a in enumerate(f, 2))
            for c in generators
        )
        for f in itertools.product(range(prime), repeat=degree - 3)
    }
    powers = {pow(c, degree, prime) for c in range(1, prime)}
    powers |= {-power % prime for power in powers}
    assert len(classes(prime, degree)) == (prime - 1) // len(powers)
    assert transforms(prime, degree) == len(orbits) * len(classes(prime, degree))


@pytest.mark.parametrize(("characteristic", "degree"), [(2, 3), (3, 2), (5, 1), (7, 2)])
def test_transform_over_the_additive_group(characteristic: int, degree: int) -> None:
    order = characteristic**degree
    values = np.exp(2j * np.pi * np.random.default_rng(order).random((2, order)))
    codes = np.arange(order)
    digits = codes[:, None] // characteristic ** np.arange(degree) % characteristic
    characters = np.exp(2j * np.pi / characteristic * (digits @ digits.T))
    expected = np.abs(values @ characters).max()
    # Rounded up by transform_error at most, 64 u log2(8q) q.
    assert 0 <= largest_transform(values, characteristic) - expected <= 1e-11


def test_table_is_right_where_recomputed() -> None:
    for prime, degree, odd in [(13, 4, False), (211, 4, False), (41, 5, False), (199, 5, True)]:
        record = recorded_maximum(prime, degree, odd=odd)
        assert record is not None
        value = largest_sum(prime, degree, odd=odd).value / math.sqrt(prime)
        # The value is rounded up by 1e-13, and the record by 1e-9 more.
        assert -1e-12 <= float(record.ratio) - value <= 1.001e-9
        assert record.transforms == transforms(prime, degree, odd=odd)
        assert abs(sum_at(prime, record.coefficients) / math.sqrt(prime) - value) < 1e-12


def test_every_record_is_attained() -> None:
    records = character_sums._records()
    assert len(records) > 400
    assert recorded_degrees(7) == (4, 5, 6)
    assert recorded_degrees(4) == ()
    assert recorded_maximum(9, 4) is None
    assert recorded_maximum(65537, 5) is None
    for (odd, degree, prime), record in records.items():
        assert len(record.coefficients) == degree < prime
        assert not odd or not any(record.coefficients[1::2])
        assert record.ratio <= degree - 1
        turns, power = np.zeros(prime, np.int64), np.ones(prime, np.int64)
        for coefficient in record.coefficients:
            power = power * np.arange(prime) % prime
            turns = (turns + coefficient * power) % prime
        found = abs(np.exp(2j * np.pi / prime * turns).sum()) / math.sqrt(prime)
        # 1e-9 of rounding up, and 1e-12 of float64.
        assert abs(found - float(record.ratio)) < 1.01e-9


def test_known_maxima() -> None:
    # x^3 over F_7: cubes are 0 once and +-1 three times each, so |S| = 1 + 6 cos(2 pi/7).
    assert abs(largest_sum(7, 3).value - (1 + 6 * math.cos(2 * math.pi / 7))) < 1e-12


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`degree` must be at least 3; got 2\.$"):
        classes(7, 2)
    for prime in (1, 4, 5, 9, 2**20 + 7):
        with pytest.raises(
            ValueError,
            match=rf"^`prime` must be a prime above `degree` = 5 and .* 2\^20; got {prime}\.$",
        ):
            largest_sum(prime, 5)


def test_all_polynomials_have_sums_at_least_as_large_as_odd_ones() -> None:
    table = json.loads(
        resources.files("geometry").joinpath("tables/weil_maxima.json").read_text("utf-8")
    )
    compared = 0
    for degree, odd in table["odd"].items():
        for prime, (ratio, *_) in odd.items():
            if prime in table["all"].get(degree, {}):
                compared += 1
                # An odd polynomial's record can be that of all, and never exceeds it; the table
                # would be wrong if the two coincided everywhere.
                assert float(table["all"][degree][prime][0]) >= float(ratio), (degree, prime)
    assert compared >= 100


@pytest.mark.parametrize(("prime", "degree"), [(101, 4), (499, 4), (97, 5), (149, 5), (19, 6)])
def test_entries_of_the_table_are_found_again(prime: int, degree: int) -> None:
    record = recorded_maximum(prime, degree)
    assert record is not None
    found = largest_sum(prime, degree).value / math.sqrt(prime)
    # Rounded up at nine digits, and the maximum itself by a few units of the sum.
    assert 0 <= float(record.ratio) - found + 1e-12 <= 1e-9 + 2e-12


def test_the_quintics_over_6143_exceed_the_odd_ones() -> None:
    both = [recorded_maximum(6143, 5, odd=odd) for odd in (False, True)]
    assert both[0] is not None
    assert both[1] is not None
    assert both[0].ratio > both[1].ratio
    # Every choice of x^3's and x^2's coefficients up to conjugation: p(p + 1)/2 transforms.
    assert both[0].transforms == 6143 * 6144 // 2
