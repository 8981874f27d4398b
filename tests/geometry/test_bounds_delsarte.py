"""Delsarte's bound: known optima, and certificates that fail when they are spoilt."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.special import eval_gegenbauer

from geometry.bounds.delsarte import Certificate, certificate, delsarte_bound
from geometry.bounds.levenshtein import levenshtein_value
from geometry.bounds.sturm import is_negative_on
from geometry.bounds.upper_bound import rounded_square
from geometry.exact import angle, eps


def proof_of(dim: int, square: Fraction) -> Certificate:
    proof = certificate(dim, square)
    assert proof is not None
    return proof


def test_beats_levenshtein_in_small_dimensions() -> None:
    assert float(proof_of(3, Fraction(1, 4)).value) == pytest.approx(6.4170, abs=1e-4)
    # 60 lines: the diameters of the 600-cell.
    proof = proof_of(4, rounded_square(angle(36)))
    assert 60 <= float(proof.value) < 60 + 1e-4
    universal = levenshtein_value(4, proof.square)
    assert universal is not None
    assert universal.numerator / universal.denominator == pytest.approx(60.326, abs=1e-3)


@pytest.mark.parametrize(
    ("dim", "square", "count"),
    [(3, "1/5", 6), (4, "1/4", 12), (8, "1/4", 120), (23, "1/9", 2300), (24, "1/4", 98280)],
)
def test_meets_tight_packings(dim: int, square: str, count: int) -> None:
    value = proof_of(dim, Fraction(square)).value
    # A proof may not go below a packing that exists; the slack is 1e-14 of f(1) squared.
    assert count <= value < count + 1e-4


@pytest.mark.parametrize(("dim", "square"), [(3, "0.7"), (5, "0.5"), (12, "0.45"), (24, "0.4")])
def test_certificate_in_floating_point(dim: int, square: str) -> None:
    proof = proof_of(dim, Fraction(square))
    points = np.linspace(0, float(proof.square) ** 0.5, 4001)
    half = dim / 2 - 1
    f = np.ones_like(points)
    for k, weight in enumerate(proof.coefficients, start=1):
        f += float(weight) * eval_gegenbauer(2 * k, half, points) / eval_gegenbauer(2 * k, half, 1)
    top = float(1 + sum(proof.coefficients))
    # Rounding of 16 terms of size <= f(1).
    assert f.max() <= float(proof.overshoot) + 1e-13 * top
    assert float(proof.value) == pytest.approx(top, rel=1e-3)
    universal = levenshtein_value(dim, proof.square)
    assert universal is not None
    assert float(proof.value) <= universal.numerator / universal.denominator * (1 + 1e-6)


def test_spoilt_certificates_fail() -> None:
    proof = proof_of(5, Fraction(1, 2))
    assert proof.check()
    first, *rest = proof.coefficients
    spoilt = [
        replace(proof, overshoot=Fraction(0)),
        replace(proof, overshoot=Fraction(1)),
        replace(proof, overshoot=-proof.overshoot),
        replace(proof, square=proof.square + Fraction(1, 10**6)),
        replace(proof, square=Fraction(0)),
        replace(proof, dim=1),
        replace(proof, dim=6),
        replace(proof, coefficients=(first * (1 + Fraction(1, 10**9)), *rest)),
        replace(proof, coefficients=(-first, *rest)),
        replace(proof, coefficients=(first, *rest[:-1], Fraction(-1, 10**20))),
    ]
    assert not any(bad.check() for bad in spoilt)


def test_answers_only_in_its_range() -> None:
    assert delsarte_bound(2, eps("0.5")) is None
    assert delsarte_bound(25, eps("0.5")) is None
    assert delsarte_bound(3, eps("0.999")) is None
    assert delsarte_bound(3, eps(0)) is None
    assert delsarte_bound(3, eps("0.9999999999999999")) is None
    found = delsarte_bound(5, eps("0.8"))
    assert found is not None
    assert (found.count, found.method) == (159, "delsarte")


def test_sturm_against_known_roots() -> None:
    one = Fraction(1)
    # (u - 1/3)^2 (u - 2) - c: touches -c at 1/3, has its only zero near 2.
    touching = [Fraction(-2, 9), Fraction(13, 9), Fraction(-8, 3), one]
    tiny = Fraction(1, 10**30)
    assert is_negative_on([touching[0] - tiny, *touching[1:]], one)
    assert not is_negative_on(touching, one)  # zero inside
    assert not is_negative_on([touching[0] + tiny, *touching[1:]], one)  # two zeros inside
    assert not is_negative_on([touching[0] - tiny, *touching[1:]], Fraction(3))
    assert not is_negative_on([-one, one], one)  # zero at the end
    assert is_negative_on([-one, one], one - tiny)
    assert not is_negative_on([Fraction(0), -one], one)  # zero at the start
    assert not is_negative_on([one], one)
    assert not is_negative_on([Fraction(0)], one)
    assert is_negative_on([-one, Fraction(0), Fraction(0)], one)


def test_sturm_against_numpy_roots() -> None:
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(200):
        degree = int(rng.integers(1, 9))
        whole = rng.integers(-9, 10, size=degree + 1)
        whole[0] = -abs(whole[0]) - 1
        grid = np.linspace(0, 1, 2001)
        largest = float(np.max(np.polynomial.polynomial.polyval(grid, whole.astype(float))))
        if abs(largest) < 0.01:  # the grid's error: slopes are below 8 * 9 * 9 on steps of 1/4000
            continue
        verdict = is_negative_on([Fraction(int(c)) for c in whole], Fraction(1))
        assert verdict == (largest < 0)
        seen.add(verdict)
    assert seen == {True, False}
