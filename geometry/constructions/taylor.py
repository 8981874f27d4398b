"""Taylor's unitary two-graphs: q^3 + 1 equiangular lines in R^(q^2 - q + 1) at 1/q, q odd.

The isotropic points of a Hermitian form h on GF(q^2)^3 are (1, 0, 0) and (z, y, 1) with
z + z^q + y^(q+1) = 0, and S_uv = +-chi(h(u, v)), chi the quadratic character of GF(q^2). Put
y = a + bw and z = -y^(q+1)/2 + sw with w^2 = e, a non-square of GF(q): a point is (a, b, s) in
GF(q)^3, chi(h) = chi_q(norm h), and h(u, v) is the coordinate z of v^-1 u in the group

    (a, b, s)(a', b', s') = (a + a', b + b', s + s' + b a' - a b'),

so that S_uv is a function f of v^-1 u: of n = a^2 - e b^2 and s alone, +-chi_q(n^2 - 4 e s^2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geometry.constructions.admissible import least_reciprocal
from geometry.constructions.field import Field, field, prime_power, prime_powers
from geometry.constructions.phases import roots_of_unity
from geometry.exact import Cosine
from geometry.packing import Indices, OrbitCheck, Packing, Rows

__all__ = ["TaylorFrame"]

_LARGEST = 1 << 10  # tables have q^2 entries
_BLOCK = 1 << 20  # entries of the sign matrix made at a time


def _norm(gf: Field, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """a^2 - e b^2, the norm of a + bw; e is the field's generator, a non-square."""
    return gf.subtract(gf.multiply(a, a), gf.multiply(gf.exp[1], gf.multiply(b, b)))


@lru_cache(maxsize=8)
def _signs(q: int) -> NDArray[np.int8]:
    """f(n, s) = +-chi_q(n^2 - 4 e s^2), + for q = 1 mod 4; 0 at (0, 0) only. `[q, q]`."""
    gf = field(q)
    doubled = gf.add(gf.elements, gf.elements)
    table = gf.character[_norm(gf, gf.elements[:, None], doubled)]
    table = table if q % 4 == 1 else -table
    table.setflags(write=False)
    return table


@lru_cache(maxsize=4)
def _traces(q: int) -> NDArray[np.int16]:
    """The absolute traces Tr(xt), `[q, q]`: a product of two elements as a phase."""
    gf = field(q)
    table = gf.trace[gf.multiply(gf.elements[:, None], gf.elements)].astype(np.int16)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=4)
def _vectors(q: int) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """x_c(t), scaled for the rows, and psi(ct), for one c of each {c, -c}: `[q, (q-1)/2]` each.

    The group acts on functions of t in GF(q) by rho_c(a, b, s) g(t) = psi(c(s - ab + 2bt)) g(t-a).
    The Gram matrix is a positive definite function phi on the group (1 at the identity, f/q
    elsewhere), 1/q^2 plus a sum over c of multiples of <rho_c(u) x_c, x_c>; so the sum of
    phi(u) rho_c(u) is (q+1) times the projection to x_c. Its kernel, of which one column is x_c, is

        P(t, t') = sum over b of F(norm(t - t', b)) psi(cb(t + t')), F(n) = sum of phi psi(cs),

    real because norms are even in b. The column with the largest diagonal entry is taken. O(q^3).
    """
    gf = field(q)
    labels = gf.exp[: (q - 1) // 2].astype(np.int64)
    roots = roots_of_unity(gf.characteristic)
    cosine = roots[:, 0][_traces(q)]
    values = _signs(q) / q
    values[0, 0] = 1
    sums = values @ cosine[:, labels]
    points = gf.elements
    doubled = gf.add(points, points)
    diagonal = _norm(gf, np.zeros(1, np.int64), points)
    found = np.empty((q, len(labels)))
    for place, label in enumerate(labels):
        scaled = gf.multiply(label, points)
        top = int((sums[diagonal, place] @ cosine[scaled][:, doubled]).argmax())
        norms = _norm(gf, gf.subtract(points, top)[:, None], points)
        turns = cosine[scaled[None, :], gf.add(points, top)[:, None]]
        column = (sums[norms, place] * turns).sum(axis=1)
        found[:, place] = column * (math.sqrt(2 * (q + 1)) / q / np.linalg.norm(column))
    waves = (roots[:, 0] + 1j * roots[:, 1])[_traces(q)[:, labels]]
    found.setflags(write=False)
    waves.setflags(write=False)
    return found, waves


@dataclass(frozen=True)
class TaylorFrame(Packing):
    """The equiangular tight frame of the isotropic points of the unitary plane over GF(`q`^2)."""

    q: int

    name: ClassVar[str] = "Taylor frame"
    reference: ClassVar[str] = "Taylor 1977"

    def __post_init__(self) -> None:
        """Raise ValueError unless `q` is an odd prime power in [3, 1024]."""
        if self.q % 2 == 0 or not 3 <= self.q <= _LARGEST or prime_power(self.q) is None:
            raise ValueError(f"`q` must be an odd prime power in [3, {_LARGEST}]; got {self.q}.")

    @property
    def dim(self) -> int:
        """`q`^2 - `q` + 1."""
        return self.q**2 - self.q + 1

    @property
    def count(self) -> int:
        """`q`^3 + 1."""
        return self.q**3 + 1

    @property
    def coherence(self) -> Cosine:
        """1/`q`, the relative bound."""
        return Cosine.ratio(Fraction(1, self.q))

    @property
    def tight(self) -> bool:
        """Equality in the relative bound."""
        return True

    @property
    def proof(self) -> str:
        """The spectrum of S."""
        return (
            "S^2 = (q^2 - q)S + q^3 I for the signs S of a Hermitian form on its isotropic points, "
            "so I + S/q is a Gram matrix of rank q^2 - q + 1 (Taylor 1977)."
        )

    def words(self) -> str:
        """The recipe in words."""
        return (
            f"Taylor's equiangular tight frame of {self.count} lines in {self.dim} dimensions, the "
            f"isotropic points of the unitary plane over GF({self.q**2})"
        )

    def _points(self, indices: Indices) -> tuple[Indices, Indices, Indices]:
        """(a, b, s) of lines 1 + (aq + b)q + s; line 0 is made like line 1 and overwritten."""
        rest, s = np.divmod(np.maximum(indices - 1, 0), self.q)
        a, b = np.divmod(rest, self.q)
        return a, b, s

    def rows(self, indices: Indices) -> Rows:
        """+-1/q, and rho_c(a, b, s) x_c at t as (Re, Im), for all c at one t after another.

        Line 0, the point (1, 0, 0), is the first coordinate axis.
        """
        q, gf = self.q, field(self.q)
        vectors, waves = _vectors(q)
        a, b, s = self._points(indices)
        shifted = gf.subtract(gf.elements, a[:, None])
        slopes = gf.multiply(gf.add(b, b)[:, None], gf.elements)
        phases = gf.add(gf.subtract(s, gf.multiply(a, b))[:, None], slopes)
        values = np.empty((len(indices), self.dim))
        values[:, 0] = (1 if q % 4 == 1 else -1) / q
        pairs = vectors[shifted] * waves[phases]
        values[:, 1:] = pairs.view(np.float64).reshape(len(indices), self.dim - 1)
        values[indices == 0] = 0
        values[indices == 0, 0] = 1
        return Rows.floating(values)

    def sign_matrix(self) -> NDArray[np.int8]:
        """S, line 0 first."""
        q, gf = self.q, field(self.q)
        values = np.full((self.count, self.count), 1 if q % 4 == 1 else -1, np.int8)
        a, b, s = self._points(np.arange(1, self.count))
        step = max(1, _BLOCK // self.count)
        for first in range(0, q**3, step):
            u = slice(first, first + step)
            norms = _norm(gf, gf.subtract(a[u, None], a), gf.subtract(b[u, None], b))
            twist = gf.subtract(gf.multiply(b[u, None], a), gf.multiply(a[u, None], b))
            heights = gf.add(gf.subtract(s[u, None], s), twist)
            values[1 + first : 1 + first + step, 1:] = _signs(q)[norms, heights]
        values[0, 0] = 0
        return values

    def orbit_check(self) -> OrbitCheck:
        """S^2 = (q^2 - q)S + q^3 I in integers, on one pair of points of each class.

        The group acts by left multiplication, so the pairs (identity, u) decide; the maps
        y -> ky, s -> norm(k) s are automorphisms that keep f, so y = 1 and y = 0 do. That a
        generating k does so is checked on f. (S^2)_u0 is 1 plus the sum of f(v^-1 u) f(v) over v,
        whose sums over s are products of q x q matrices. O(q^4).
        """
        q, gf = self.q, field(self.q)
        table = _signs(q).astype(np.float64)
        points = gf.elements
        # Norms of k run over GF(q)*, so a generator of that group is the norm of one.
        scaled = gf.multiply(gf.exp[1], points)
        symmetric = np.array_equal(_signs(q)[scaled[:, None], scaled], _signs(q))
        norms = _norm(gf, points[:, None], points)
        others = _norm(gf, gf.subtract(1, points)[:, None], points)
        at_one, at_zero = np.ones(q), np.ones(q)
        differences = gf.subtract(points[:, None], points)
        for norm in points:
            # products[n, s] = sum over r of f(n, r) f(norm, s - r)
            products = table @ table[norm][differences].T
            a, b = np.nonzero(norms == norm)
            at_zero += len(a) * products[norm]
            for other, second in zip(others[a, b], b, strict=True):
                # v^-1 u has s_u - s_v + a_v b_u - b_v a_u at u = (1, 0, s_u).
                at_one += products[other][gf.subtract(points, second)]
        slope = q * q - q
        holds = (
            symmetric
            and table.sum(axis=1)[norms].sum() == slope
            and np.array_equal(at_one, slope * table[1])
            and np.array_equal(at_zero[1:], slope * table[0, 1:])
            and at_zero[0] == q**3
            and not table[0, 0]
            and np.count_nonzero(table) == q * q - 1
        )
        return OrbitCheck(
            bool(holds),
            self.pairs,
            f"the sign matrix S of order {self.count} satisfies S^2 = {slope} S + {q**3} I: "
            f"{q + 1} entries in integers stand for all under a group of order "
            f"{q**3 * (q * q - 1)}",
        )

    @classmethod
    def candidates(cls, max_dim: int, eps: Cosine) -> Iterator[Self]:
        """Every odd prime power that fits."""
        least = least_reciprocal(eps)
        if least is None:
            return
        largest = min((1 + math.isqrt(max(4 * max_dim - 3, 0))) // 2, _LARGEST)
        yield from (cls(q) for q in prime_powers(largest) if q % 2 and q >= least)

    @classmethod
    def tight_frames(cls, most_lines: int) -> Iterator[Self]:
        """Every odd prime power with that few lines."""
        for q in prime_powers(_LARGEST):
            if q**3 + 1 > most_lines:
                return
            if q % 2:
                yield cls(q)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """q = 3, 5 and 9."""
        return cls(3), cls(5), cls(9)
