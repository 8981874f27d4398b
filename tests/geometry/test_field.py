"""Field axioms on all elements against tables made by schoolbook polynomial arithmetic."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from geometry.constructions.field import Field, field, prime_power, prime_powers

ORDERS = [2, 3, 4, 5, 7, 8, 9, 16, 25, 27, 49, 64]


def schoolbook_product(gf: Field, a: int, b: int) -> int:
    """Multiply two polynomials digit by digit and reduce by the modulus, in plain integers."""
    p, n = gf.characteristic, gf.degree
    left, right = ([code // p**i % p for i in range(n)] for code in (a, b))
    total = [0] * (2 * n - 1)
    for i, j in product(range(n), range(n)):
        total[i + j] += left[i] * right[j]
    tail = [int(c) for c in gf.companion[-1]]
    for power in range(2 * n - 2, n - 1, -1):
        for i in range(n):
            total[power - n + i] += total[power] * tail[i]
        total[power] = 0
    return sum(c % p * p**i for i, c in enumerate(total[:n]))


@pytest.mark.parametrize("order", ORDERS)
def test_operations_match_schoolbook_arithmetic(order: int) -> None:
    gf = field(order)
    p = gf.characteristic
    every = gf.elements
    products = gf.multiply(every[:, None], every)
    expected = [[schoolbook_product(gf, a, b) for b in range(order)] for a in range(order)]
    assert np.array_equal(products, expected)
    sums = [
        [sum((a // p**i + b // p**i) % p * p**i for i in range(gf.degree)) for b in range(order)]
        for a in range(order)
    ]
    assert np.array_equal(gf.add(every[:, None], every), sums)
    assert not gf.add(every, gf.negate(every)).any()
    restored = gf.add(gf.subtract(every[:, None], every), every)
    assert np.array_equal(restored, np.broadcast_to(every[:, None], (order, order)))
    assert np.array_equal(gf.multiply(gf.inverse(every[1:]), every[1:]), np.ones(order - 1))
    # No zero divisors: with the ring's axioms this makes it a field.
    assert products[1:, 1:].all()


@pytest.mark.parametrize("order", ORDERS)
def test_generator_runs_through_the_group(order: int) -> None:
    gf = field(order)
    assert sorted(gf.exp[: order - 1].tolist()) == list(range(1, order))
    assert np.array_equal(gf.exp[gf.log[1:]], np.arange(1, order))
    assert not gf.exp[2 * (order - 1) :].any()


@pytest.mark.parametrize("order", ORDERS)
def test_trace_is_the_sum_of_conjugates(order: int) -> None:
    gf = field(order)
    conjugate, total = gf.elements, np.zeros(order, np.int64)
    for _ in range(gf.degree):
        total = gf.add(total, conjugate)
        conjugate = gf.power(conjugate, gf.characteristic)
    assert np.array_equal(conjugate, gf.elements)  # Frobenius has order n
    assert np.array_equal(gf.trace, total)


@pytest.mark.parametrize("order", [q for q in ORDERS if q % 2])
def test_character_marks_the_squares(order: int) -> None:
    gf = field(order)
    squares = set(gf.multiply(gf.elements, gf.elements).tolist()) - {0}
    assert [int(c) for c in gf.character] == [
        0 if a == 0 else 1 if a in squares else -1 for a in range(order)
    ]


@pytest.mark.parametrize("order", [4, 7, 27])
def test_powers_by_repeated_products(order: int) -> None:
    gf = field(order)
    expected = np.ones(order, np.int64)
    for exponent in range(2 * order):
        assert np.array_equal(gf.power(gf.elements, exponent), expected)
        expected = gf.multiply(expected, gf.elements)


@pytest.mark.parametrize("order", [2**13, 3**8, 97**2, 999983])
def test_large_fields_on_random_elements(order: int) -> None:
    gf = field(order)
    rng = np.random.default_rng(order)
    a, b, c = rng.integers(0, order, (3, 2000))
    assert np.array_equal(gf.multiply(a, gf.multiply(b, c)), gf.multiply(gf.multiply(a, b), c))
    assert np.array_equal(
        gf.multiply(a, gf.add(b, c)), gf.add(gf.multiply(a, b), gf.multiply(a, c))
    )
    assert np.array_equal(gf.power(a, order), a)
    assert np.array_equal(gf.trace[gf.add(a, b)], (gf.trace[a] + gf.trace[b]) % gf.characteristic)
    assert len(np.unique(gf.exp[: order - 1])) == order - 1


def test_prime_powers_by_trial_division() -> None:
    primes = [p for p in range(2, 260) if all(p % r for r in range(2, p))]

    def factors(number: int) -> set[int]:
        return {p for p in primes if number % p == 0}

    for q in range(-2, 260):
        expected = None
        if q >= 2 and len(factors(q)) == 1:
            (p,) = factors(q)
            expected = (p, next(n for n in range(1, 9) if p**n == q))
        assert prime_power(q) == expected
    assert list(prime_powers(259)) == [q for q in range(260) if prime_power(q)]
    assert prime_powers(1) == ()
    assert prime_powers(-1) == ()


def test_known_counts_of_prime_powers() -> None:
    # pi(10^6) = 78498.
    primes = [p for p in range(2, 1001) if all(p % r for r in range(2, p))]
    higher = sum(p**n <= 10**6 for p in primes for n in range(2, 20))
    assert len(prime_powers(10**6)) == 78498 + higher
    assert prime_power(3**23) == (3, 23)
    assert prime_power(1048573) == (1048573, 1)
    assert prime_power(1048573**2) == (1048573, 2)
    assert prime_power(1009 * 1013) is None


def test_errors() -> None:
    for order in (0, 1, 6, 12, 2**23):
        with pytest.raises(ValueError, match=rf"^`order` must be a prime power .*; got {order}\.$"):
            field(order)
    with pytest.raises(ValueError, match=r"^`q` must be at most 2\^40; got \d+\.$"):
        prime_power(2**41)
    with pytest.raises(ZeroDivisionError, match="0 has no inverse"):
        field(5).inverse([1, 0])
    with pytest.raises(ValueError, match=r"^`exponent` must be at least 0; got -1\.$"):
        field(5).power(2, -1)
    with pytest.raises(ValueError, match=r"^`order` must be odd for .*; got 8\.$"):
        _ = field(8).character
