"""Powers of matrices over finite rings, against products one by one."""

import numpy as np
import pytest

from geometry.constructions.field import field, is_prime, prime_factors
from geometry.constructions.matrix_powers import Product, modular, power, row_orbit


@pytest.mark.parametrize(
    "product", [modular(9), modular(2**20), field(8).product, field(7).product]
)
def test_powers_are_repeated_products(product: Product) -> None:
    matrix = np.array([[0, 1, 0], [0, 0, 1], [3, 5, 6]])
    row = np.array([1, 2, 3])
    orbit = row_orbit(row, matrix, 11, product)
    one = np.eye(3, dtype=np.int64)
    for exponent in range(11):
        np.testing.assert_array_equal(power(matrix, exponent, product), one)
        np.testing.assert_array_equal(orbit[exponent], product(row[None], one)[0])
        one = product(one, matrix)


def test_primes() -> None:
    sieve = [n for n in range(2, 200) if all(n % r for r in range(2, n))]
    assert [n for n in range(200) if is_prime(n)] == sieve
    assert [prime_factors(n) for n in (1, 2, 12, 97, 3**4 * 5 * 101)] == [
        [],
        [2],
        [2, 3],
        [97],
        [3, 5, 101],
    ]
