"""Delsarte's linear programming bound, with a certificate in rational arithmetic.

Let G_2k be the even Gegenbauer polynomials of R^d, G_2k(1) = 1, and f = 1 + sum_k f_k G_2k with
f_k >= 0. For N unit vectors sum_ij G_2k(<w_i,w_j>) >= 0, so N^2 <= sum_ij f(<w_i,w_j>). If f <=
delta on [0, eps], with delta < 1, the right side is at most N f(1) + N(N-1) delta, hence

    N <= (f(1) - delta)/(1 - delta).

A linear program in floating point proposes f: its touching points are made exact by Newton's
method on the optimality conditions. Only what is then proved counts: the f_k are rational, f is a
polynomial in u = t^2, and Sturm's theorem shows f < delta on [0, eps^2].

Levenshtein's bound is the optimum over polynomials of low degree, and nearly always of any degree
when d is large; this one wins in small dimensions with eps above about 0.5. It is tried for d <=
`MOST_DIM` and Levenshtein degree <= `MOST_DEGREE`, a down-set. For polynomials of degree 2
`HARMONICS` in t the optimum rises with eps (fewer feasible f) and with d (f feasible for d+1 is
feasible for d, with a mean that can only be larger). The proved number exceeds the optimum by
about a part in 10^10, in degenerate cases in 10^6, and is used rounded down: that its floor rises
too is tested, not proved.

Delsarte, Goethals, Seidel, "Bounds for systems of lines, and Jacobi polynomials" (1975).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from geometry.bounds.levenshtein import levenshtein_value
from geometry.bounds.sturm import is_negative_on
from geometry.bounds.upper_bound import UpperBound, rounded_square
from geometry.exact import Cosine

__all__ = ["HARMONICS", "MOST_DEGREE", "MOST_DIM", "Certificate", "certificate", "delsarte_bound"]

HARMONICS = 16
MOST_DIM = 24
MOST_DEGREE = 11
# Where the optimum is degenerate, Newton's method fails, and the grid is refined this many times,
# at these distances, in units of eps, from the points where f touches 0. Elsewhere the overshoot
# is the rounding error of f, about 1e-15 f(1).
_ROUNDS = 4
_SMALL = 1e-14
_CLOSER = np.array([-1e-3, -1e-4, -1e-5, 0.0, 1e-5, 1e-4, 1e-3])

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Certificate:
    """Proof that N(`dim`, eps) <= `value`, for eps^2 <= `square`.

    `coefficients` are f_1, f_2, ... and `overshoot` is delta, with f < delta on [0, eps].
    """

    dim: int
    square: Fraction
    coefficients: tuple[Fraction, ...]
    overshoot: Fraction

    @property
    def value(self) -> Fraction:
        """(f(1) - delta)/(1 - delta)."""
        return (1 + sum(self.coefficients) - self.overshoot) / (1 - self.overshoot)

    def check(self) -> bool:
        """Recomputes, exactly, all that the proof needs."""
        if self.dim < 2 or not 0 < self.square < 1 or not 0 <= self.overshoot < 1:
            return False
        if any(f < 0 for f in self.coefficients):
            return False
        harmonics = _even_gegenbauer(self.dim, len(self.coefficients))
        polynomial = [Fraction(0)] * len(harmonics)
        for weight, harmonic in zip((Fraction(1), *self.coefficients), harmonics, strict=True):
            for i, c in enumerate(harmonic):
                polynomial[i] += weight * c
        polynomial[0] -= self.overshoot
        return is_negative_on(polynomial, self.square)


def delsarte_bound(dim: int, eps: Cosine) -> UpperBound | None:
    """Delsarte's bound on N(`dim`, `eps`), or None outside the range where it is tried.

    Cost: about 12 milliseconds, 100 where the optimum is degenerate.
    """
    square = rounded_square(eps)
    if not 3 <= dim <= MOST_DIM or square == 0:
        return None
    universal = levenshtein_value(dim, square)
    if universal is None or universal.degree > MOST_DEGREE:
        return None
    proof = certificate(dim, square)
    if proof is None:
        return None
    value = proof.value
    return UpperBound(
        value.numerator // value.denominator,
        "delsarte",
        f"N <= (f(1) - δ)/(1 - δ), f of degree {2 * HARMONICS} found by linear programming, "
        "f < δ on [0, eps] by Sturm's theorem",
        "Delsarte, Goethals and Seidel 1975",
    )


@lru_cache(maxsize=1024)
def certificate(dim: int, square: Fraction) -> Certificate | None:
    """The best proof found for eps^2 = `square`, already checked; None when none is found."""
    eps = float(square) ** 0.5
    nodes = _nodes(eps, 8 * HARMONICS)
    best: Certificate | None = None
    for _ in range(_ROUNDS):
        solved = _solved(dim, nodes)
        if solved is None:
            break
        coefficients, points, weights = solved
        support = np.flatnonzero(coefficients > 0)
        for proposal in (_polished(dim, eps, support, points, weights), coefficients):
            proof = _proved(dim, square, proposal)
            if proof is not None and (best is None or proof.value < best.value):
                best = proof
            if best is not None and best.overshoot < _SMALL * best.value:
                return best
        # A degenerate optimum: look closer at the points where f touches 0.
        nodes = np.union1d(nodes, np.clip(points[:, None] + eps * _CLOSER, 0.0, eps))
    return best


def _solved(dim: int, nodes: Array) -> tuple[Array, Array, Array] | None:
    """The linear program on `nodes`: f_1, f_2, ..., the touching points and their dual weights."""
    values = _harmonics(dim, nodes)[0][1:]
    result = linprog(
        np.ones(HARMONICS), A_ub=values.T, b_ub=-np.ones(len(nodes)), method="highs-ds"
    )
    if result.status != 0:
        return None
    return np.asarray(result.x), *_touching(nodes, -np.asarray(result.ineqlin.marginals))


def _proved(dim: int, square: Fraction, coefficients: Array) -> Certificate | None:
    """The proposal as a certificate, with an overshoot that is near the least possible."""
    kept = np.maximum(coefficients, 0.0)
    nodes = _nodes(float(square) ** 0.5, 64 * HARMONICS)
    seen = float(np.max(1 + kept @ _harmonics(dim, nodes)[0][1:]))
    rational = tuple(Fraction(f) for f in kept.tolist())
    # Rounding errors of f are a few units of its largest terms.
    overshoot = max(seen, 0.0) + 1e-15 * (1 + float(kept.sum()))
    while overshoot < 0.5:
        proof = Certificate(dim, square, rational, Fraction(overshoot))
        if proof.check():
            return proof
        overshoot *= 4
    return None


def _nodes(eps: float, count: int) -> Array:
    """`count` + 1 points of [0, `eps`], denser towards `eps`, both ends exact."""
    nodes = eps * np.sin(np.linspace(0.0, np.pi / 2, count + 1))
    nodes[-1] = eps
    return np.asarray(nodes)


def _touching(nodes: Array, weights: Array) -> tuple[Array, Array]:
    """Points where f touches 0 and their dual weights: adjacent active nodes are merged."""
    active = np.flatnonzero(weights > 0)
    groups = np.split(active, np.flatnonzero(np.diff(active) > 1) + 1)
    points, sums = [], []
    for group in groups:
        share = weights[group]
        mean = float(nodes[group] @ share / share.sum())
        end = 0 if group[0] == 0 else -1 if group[-1] == len(nodes) - 1 else None
        points.append(mean if end is None else float(nodes[end]))
        sums.append(float(share.sum()))
    return np.array(points), np.array(sums)


def _polished(
    dim: int, eps: float, support: npt.NDArray[np.intp], points: Array, weights: Array
) -> Array:
    """The optimum with this support and these touching points, both made precise.

    Newton's method on the dual's equations 1 + sum_j weight_j G_2k(t_j) = 0, k in the support, in
    the weights and the interior points; then f from f(t_j) = 0, and f'(t_j) = 0 inside.
    """
    inside = (points > 0) & (points < eps)
    for _ in range(8):
        values, slopes = (part[1:][support] for part in _harmonics(dim, points))
        jacobian = np.hstack([values, slopes[:, inside] * weights[inside]])
        step = np.linalg.lstsq(jacobian, -1 - values @ weights, rcond=None)[0]
        weights = weights + step[: len(points)]
        points = points.copy()
        points[inside] = np.clip(points[inside] + step[len(points) :], 0.0, eps)
    values, slopes = (part[1:][support] for part in _harmonics(dim, points))
    system = np.vstack([values.T, slopes[:, inside].T])
    target = np.concatenate([-np.ones(len(points)), np.zeros(int(inside.sum()))])
    coefficients = np.zeros(HARMONICS)
    coefficients[support] = np.linalg.lstsq(system, target, rcond=None)[0]
    return coefficients


def _harmonics(dim: int, points: Array) -> tuple[Array, Array]:
    """(G_2k, G_2k') at `points` in [0, 1). Shape `[HARMONICS + 1, p]` each, k = 0..HARMONICS."""
    values = [np.ones_like(points), points]
    for n in range(1, 2 * HARMONICS):
        values.append(((2 * n + dim - 2) * points * values[n] - n * values[n - 1]) / (n + dim - 2))
    slopes = [np.zeros_like(points)]
    for n in range(2, 2 * HARMONICS + 1, 2):
        slopes.append(n * (values[n - 1] - points * values[n]) / (1 - points**2))
    return np.array(values[::2]), np.array(slopes)


@lru_cache(maxsize=64)
def _even_gegenbauer(dim: int, count: int) -> tuple[tuple[Fraction, ...], ...]:
    """G_0, G_2, ..., G_(2 `count`) of R^`dim` as polynomials in u = t^2, lowest power first."""
    # Odd polynomials are kept without their factor t.
    rows: list[tuple[Fraction, ...]] = [(Fraction(1),), (Fraction(1),)]
    for n in range(1, 2 * count):
        raised = (Fraction(0), *rows[n]) if n % 2 else rows[n]
        lower = rows[n - 1] + (Fraction(0),) * (len(raised) - len(rows[n - 1]))
        rows.append(
            tuple(
                ((2 * n + dim - 2) * a - n * b) / (n + dim - 2)
                for a, b in zip(raised, lower, strict=True)
            )
        )
    return tuple(rows[::2])
