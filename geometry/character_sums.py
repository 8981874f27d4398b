"""True maxima of exponential sums, which theorems bound from above: by FFTs, up to symmetry.

For f over F_p write S_f for the sum of exp(2 pi i f(x)/p) over x. Weil: |S_f| <= (D - 1) sqrt(p)
for f of degree D < p (Weil 1948). The largest |S_f| is smaller, the more so the larger D is. It is
found over one polynomial of each class under

    f(x) -> f(x + h) - f(h), which frees a class of its term of degree D - 1,
    f(x) -> f(cx), and f -> -f, which conjugates S_f,

and all linear terms at once by one FFT of length p. What is left of D - 3 free coefficients takes
about p^(D - 3)/2 FFTs: two or three for cubics, p for quartics, p^2/2 for quintics. Odd polynomials
have fewer. `largest_over` works through ranges of them, so that a long search can be saved in
pieces; results of long searches are in a table (`recorded_maximum`).

Rounding. u is 2^-53 in float64 and 2^-24 in float32. An FFT of N values of modulus <= 1 is a
product of sparse matrices, unitary but for scale, and its computed values are off by at most
c u log2(8 N) N, since the error's 2-norm is at most c u log2(8 N) times the result's, which is at
most sqrt(N) sqrt(N) (Higham, Accuracy and Stability of Numerical Algorithms, 2002, theorem 24.2).
For Cooley and Tukey's radices c is below 10; c = 64 also covers prime lengths, three such
transforms of length below 4N and a chirp (Bluestein 1970).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from geometry import tables
from geometry.constructions.field import field, is_prime

__all__ = [
    "Maximum",
    "Record",
    "classes",
    "free_polynomials",
    "largest_over",
    "largest_sum",
    "largest_transform",
    "recorded_degrees",
    "recorded_maximum",
    "transform_error",
    "transforms",
]

_BATCH = 1 << 21  # entries of a batch of transforms
_LARGEST_PRIME = 1 << 20  # powers of residues are formed in int64 products


def transform_error(length: int, unit: float) -> float:
    """The largest error of an FFT of `length` values of modulus <= 1, u = `unit`; see above."""
    return 64 * unit * math.log2(8 * length) * length


def largest_transform(values: NDArray[np.complex128], characteristic: int) -> float:
    """An upper bound, tight to about 1e-11, of |sum over x of v(x) exp(-2 pi i b.x/p)| over all b.

    `values` `[rows, p^n]` have modulus <= 1 and are indexed by x, whose base-p digits are its
    coordinates; p = `characteristic`. The largest over all rows and all b. O(rows q log q).
    """
    rows, order = values.shape
    digits = round(math.log(order, characteristic))
    shaped = values.reshape(rows, *(characteristic,) * digits)
    sums = fft.fftn(shaped, axes=tuple(range(1, digits + 1)))
    return float(np.abs(sums).max()) * (1 + 2.0**-50) + transform_error(order, 2.0**-53)


@dataclass(frozen=True, order=True)
class Maximum:
    """The largest |S_f| over some polynomials f, rounded up, and an f that attains it.

    `coefficients` belongs to the powers x^1 .. x^D.
    """

    value: float
    coefficients: tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """A maximum from the table: |S_f|/sqrt(p) rounded up, where it is, and from how many FFTs."""

    ratio: Fraction
    coefficients: tuple[int, ...]
    transforms: int


def _require(prime: int, degree: int) -> None:
    if degree < 3:
        raise ValueError(f"`degree` must be at least 3; got {degree}.")
    if not (degree < prime <= _LARGEST_PRIME and is_prime(prime)):
        raise ValueError(
            f"`prime` must be a prime above `degree` = {degree} and at most 2^20; got {prime}."
        )


def classes(prime: int, degree: int) -> tuple[int, ...]:
    """A leading coefficient of each class: F_p* modulo D-th powers and -1.

    Raises ValueError unless `degree` >= 3 and `prime` is a prime above it.
    """
    _require(prime, degree)
    root = int(field(prime).exp[1])
    return tuple(pow(root, i, prime) for i in range(math.gcd(degree, (prime - 1) // 2)))


def _free(degree: int, odd: bool) -> range:
    """The powers of x with free coefficients: all but the last two and the first."""
    return range(3, degree, 2) if odd else range(2, degree - 1)


def free_polynomials(prime: int, degree: int, *, odd: bool = False) -> int:
    """The number of choices of the free coefficients, which `largest_over` takes a range of."""
    free: int = prime ** len(_free(degree, odd))
    return free


def _reduced(
    prime: int, degree: int, start: int, stop: int, odd: bool
) -> Iterator[NDArray[np.int64]]:
    """The free coefficients `[n, k]` in [start, stop), one of each orbit, in batches.

    The substitutions x -> cx, and f -> -f where c^D = -1, that keep the leading coefficient act on
    them. Of an orbit the least is kept, wherever it lies: ranges that cover all miss none.
    """
    powers = np.array(_free(degree, odd), np.int64)
    places = np.array([prime**i for i in range(len(powers))], np.int64)
    root = int(field(prime).exp[1])
    order = math.gcd(2 * degree, prime - 1)
    scalings = [pow(root, (prime - 1) // order * i, prime) for i in range(1, order)]
    factors = [
        [pow(c, degree, prime) * pow(c, int(j), prime) % prime for j in powers] for c in scalings
    ]
    step = max(_BATCH // prime, 1)
    for low in range(start, stop, step):
        labels = np.arange(low, min(low + step, stop), dtype=np.int64)
        for factor in factors:
            digits = labels[:, None] // places % prime
            labels = labels[digits * np.array(factor, np.int64) % prime @ places >= labels]
        if len(labels):
            yield labels[:, None] // places % prime


def transforms(prime: int, degree: int, *, odd: bool = False) -> int:
    """The number of FFTs of length `prime` that the search over all classes takes."""
    total = free_polynomials(prime, degree, odd=odd)
    per_class = sum(len(some) for some in _reduced(prime, degree, 0, total, odd))
    return per_class * len(classes(prime, degree))


def largest_over(
    prime: int, degree: int, leading: int, start: int, stop: int, *, odd: bool = False
) -> Maximum:
    """The largest |S_f| over f with one `leading` coefficient and a range of free coefficients.

    `leading` is one of `classes`; `start` and `stop` lie in [0, `free_polynomials`]; all linear
    coefficients are taken, and only odd powers where `odd`. FFTs in single precision are the
    screen; whatever comes within their error of the largest is summed again term by term, with
    correctly rounded additions: terms are off by 2^-52 at most, so the value by p 2^-52.
    Value 0 and no coefficients for an empty range. O((stop - start) p log p). Raises ValueError as
    `classes`.
    """
    _require(prime, degree)
    points = np.arange(prime, dtype=np.int64)
    powers = [np.ones(prime, np.int64)]
    for _ in range(degree):
        powers.append(powers[-1] * points % prime)
    free = np.array([powers[j] for j in _free(degree, odd)], np.float64).reshape(-1, prime)
    top = (leading * powers[degree] % prime).astype(np.float64)
    roots = np.exp(2j * np.pi / prime * points)
    narrow = roots.astype(np.complex64)
    # Sums of products of residues stay far below 2^53; remainders of int32 are the faster ones.
    integer = np.dtype(np.int32 if (len(free) + 1) * prime * prime < 2**31 else np.int64)
    error = transform_error(prime, 2.0**-24) + prime * 2.0**-23  # the roots' own rounding too
    best = Maximum(0.0, ())
    for digits in _reduced(prime, degree, start, stop, odd):
        whole: NDArray[np.integer] = (digits.astype(np.float64) @ free + top).astype(integer)
        turns = whole % prime
        values: NDArray[Any] = narrow.take(turns)
        sums = np.abs(fft.fft(values, axis=1))
        near = np.argwhere(sums >= max(float(sums.max()) - 2 * error, best.value - error))
        for row, k in near[np.argsort(-sums[near[:, 0], near[:, 1]])]:
            if sums[row, k] < best.value - error:
                break
            exact = roots[(turns[row] - k * points) % prime]
            value = math.hypot(math.fsum(exact.real), math.fsum(exact.imag))
            middle = dict(zip(_free(degree, odd), digits[row].tolist(), strict=True))
            linear = int(-k % prime)
            found = [linear, *(middle.get(j, 0) for j in range(2, degree)), leading]
            best = max(best, Maximum(value + prime * 2.0**-51, tuple(found)))
    return best


def largest_sum(prime: int, degree: int, *, odd: bool = False) -> Maximum:
    """The largest |S_f| over all f of this degree, or all odd ones. `transforms` FFTs."""
    total = free_polynomials(prime, degree, odd=odd)
    return max(
        largest_over(prime, degree, leading, 0, total, odd=odd)
        for leading in classes(prime, degree)
    )


@lru_cache(maxsize=1)
def _records() -> dict[tuple[bool, int, int], Record]:
    listed = tables.read("weil_maxima.json")
    return {
        (family == "odd", int(degree), int(prime)): Record(Fraction(ratio), tuple(where), count)
        for family in ("all", "odd")
        for degree, entries in listed[family].items()
        for prime, (ratio, where, count) in entries.items()
    }


@lru_cache(maxsize=1)
def _degrees() -> dict[int, tuple[int, ...]]:
    degrees: dict[int, list[int]] = {}
    for odd, degree, prime in _records():
        if not odd:
            degrees.setdefault(prime, []).append(degree)
    return {prime: tuple(sorted(some)) for prime, some in degrees.items()}


def recorded_degrees(prime: int) -> tuple[int, ...]:
    """The degrees whose largest sum over F_p the table holds, ascending; odd polynomials apart."""
    return _degrees().get(prime, ())


def recorded_maximum(prime: int, degree: int, *, odd: bool = False) -> Record | None:
    """The largest |S_f| over f of this degree, or odd ones, when the table holds it."""
    return _records().get((odd, degree, prime))
