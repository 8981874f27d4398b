"""Steering: what happens to the other readings when one feature is scaled.

A feature i with amplitude a is scaled by s: x becomes x + (s-1) a v, where v is the direction that
is written along.  The reading y = W x then changes by (s-1) a W v, at the target and elsewhere; for
the true direction v = w_i that is (s-1) a G_ij at feature j.  Rows of `vectors` `[n, d]` are unit.

An arm says which v: the true direction w_i, the dual one, the best neuron, or a random direction.
All are scaled so that the target's reading rises by (s-1) a, w_i·v = 1: equal effect, and the arms
differ in what they do to the others.  Arguments out of range raise ValueError.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray
from scipy import integrate, special, stats

from geometry import capacity, sphere

__all__ = [
    "Couplings",
    "best_neuron_law",
    "best_neurons",
    "couplings",
    "dimensionality_law",
    "dual_directions",
    "encoder_slope",
    "first_false_activation",
    "kept_selectivity",
    "selectivity",
    "spurious_fraction",
]

_BLOCK_ENTRIES = 1 << 21


def dual_directions(vectors: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Return F⁺w_i / (w_iᵀF⁺w_i) for each target.  Shape `[m, d]`.

    Of all v with w_i·v = 1 it changes the readings least, in the sum of squares vᵀFv (the minimiser
    of a quadratic form under one linear constraint); its selectivity is the leverage.
    """
    rows = np.asarray(vectors, np.float64)
    axes = capacity.whitening(rows)
    chosen = rows[np.asarray(targets)] @ axes
    return np.asarray(chosen @ axes.T / np.sum(chosen**2, axis=1, keepdims=True), np.float64)


def best_neurons(
    vectors: ArrayLike, targets: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return, for each target i, the neuron c with the largest W_ic² / sum_j W_jc², and that share.

    Shapes `[m]`.  The share is the selectivity of writing along the neuron's axis.
    """
    rows = np.asarray(vectors, np.float64)
    totals = np.sum(rows**2, axis=0)
    chosen = rows[np.asarray(targets)] ** 2
    shares = np.divide(chosen, totals, out=np.zeros_like(chosen), where=totals > 0)
    best = np.argmax(shares, axis=1)
    return best.astype(np.int64), np.take_along_axis(shares, best[:, None], axis=1)[:, 0]


def selectivity(
    vectors: ArrayLike, targets: ArrayLike, directions: ArrayLike
) -> NDArray[np.float64]:
    """Return (w_i·v)² / sum_j (w_j·v)²: the target's share of the energy that v adds to readings.

    `targets` `[m]`, `directions` `[m, d]`; shape `[m]`, in [0, 1].  The sum is vᵀFv, so no pair of
    features is formed.  For v = w_i it is the feature dimensionality D_i; the dual direction's is
    the leverage, the largest there is.  0 where v changes no reading.
    """
    rows = np.asarray(vectors, np.float64)
    written = np.asarray(directions, np.float64)
    frame = rows.T @ rows
    hit = np.einsum("md,md->m", rows[np.asarray(targets)], written) ** 2
    energy = np.einsum("md,md->m", written @ frame, written)
    share = np.divide(hit, energy, out=np.zeros(len(written)), where=energy > 0)
    return np.asarray(share, np.float64)


def kept_selectivity(
    cosines: ArrayLike, energies: ArrayLike, features: int, dim: int
) -> NDArray[np.float64]:
    """Return the share of the selectivity of w that a direction near it keeps, elementwise.

    v = c w + sqrt(1-c²) u, u uniform among unit vectors orthogonal to w: selectivity is 1/E for w,
    E = wᵀFw, and c²/(vᵀFv) for v.  Over u the cross term has mean 0 and uᵀFu the mean (n-E)/(d-1),
    since tr F = n, so that the share is c²E/(c²E + (1-c²)(n-E)/(d-1)), a ratio of means: 1/vᵀFv has
    a mean larger by its variance, relative to its square.  In a tight frame, E = n/d, it is c², for
    every u.  `cosines` c, `energies` E in [1, n], d = `dim` >= 2; the energy's inverse is D_i.
    """
    squares = np.asarray(cosines, np.float64) ** 2
    energy = np.asarray(energies, np.float64)
    across = (features - energy) / (dim - 1)
    return np.asarray(squares * energy / (squares * energy + (1 - squares) * across), np.float64)


def encoder_slope(spread: float, active: float, dim: int) -> float:
    """Return by how much a latent's activation rises with its feature's, at the least error.

    Amplitudes have mean 1 and standard deviation `spread`; `active` - 1 other features in random
    directions add (active-1)(1+spread²)/d of variance to a reading.  The best linear estimate of an
    amplitude from a reading has the slope spread²/(spread² + that), and is right at the mean: it
    shrinks what lies farther out.  1 where there is neither spread nor another feature.
    """
    noise = (active - 1) * (1 + spread**2) / dim
    return 1.0 if noise == 0 else spread**2 / (spread**2 + noise)


class Couplings(NamedTuple):
    """What a unit of target effect does elsewhere, for each target i and its direction v.

    - `largest` `[m]`: max over j ≠ i of w_j·v.
    - `mean_square` `[m]`: mean over j ≠ i of (w_j·v)².
    - `passing` `[m, t]` int32: how many j ≠ i have w_j·v > level, for each level.
    """

    largest: NDArray[np.float32]
    mean_square: NDArray[np.float32]
    passing: NDArray[np.int32]


def couplings(
    vectors: ArrayLike, targets: ArrayLike, directions: ArrayLike, levels: ArrayLike
) -> Couplings:
    """Return the couplings of `directions` `[m, d]`, a block of targets at a time.

    `levels` `[t]`: feature j is switched on at s when (s-1) a (w_j·v) > theta, so the level of s is
    theta/((s-1) a).  Memory O(n d + block), block 2^21 readings.
    """
    rows = jnp.asarray(vectors, jnp.float32)
    chosen = np.asarray(targets, np.int32)
    written = np.asarray(directions, np.float32)
    size = max(1, min(len(chosen), _BLOCK_ENTRIES // rows.shape[0]))
    parts = []
    for at in range(0, len(chosen), size):
        # The last block reaches back, so that one shape is compiled.
        at = min(at, len(chosen) - size)
        part = _couplings(
            rows, chosen[at : at + size], written[at : at + size], jnp.asarray(levels, jnp.float32)
        )
        parts.append((at, part))
    largest = np.empty(len(chosen), np.float32)
    mean_square = np.empty(len(chosen), np.float32)
    passing = np.empty((len(chosen), np.size(levels)), np.int32)
    for at, part in parts:
        largest[at : at + size], mean_square[at : at + size] = part[0], part[1]
        passing[at : at + size] = part[2]
    return Couplings(largest, mean_square, passing)


@jax.jit
def _couplings(
    rows: Array, targets: Array, written: Array, levels: Array
) -> tuple[Array, Array, Array]:
    product = lax.dot_general(
        written, rows, (((1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST
    )
    target = lax.broadcasted_iota(jnp.int32, product.shape, 1) == targets[:, None]
    others = jnp.where(target, -jnp.inf, product)
    squares = jnp.where(target, 0, product) ** 2
    count = max(rows.shape[0] - 1, 1)
    passing = lax.map(lambda level: jnp.sum(others > level, axis=1, dtype=jnp.int32), levels)
    return jnp.max(others, axis=1), jnp.sum(squares, axis=1) / count, passing.T


def first_false_activation(
    theta: float, amplitude: float, largest: ArrayLike
) -> NDArray[np.float64]:
    """Return s* = 1 + theta/(a max_j w_j·v), elementwise: the scale at which another turns on.

    Infinite where no coupling is positive.  `theta` and `amplitude` are positive.
    """
    if not (theta > 0 and amplitude > 0):
        raise ValueError(f"`theta` and `amplitude` must be positive; got {theta} and {amplitude}.")
    coupling = np.asarray(largest, np.float64)
    reach = np.divide(
        theta / amplitude, coupling, out=np.full(coupling.shape, np.inf), where=coupling > 0
    )
    return np.asarray(1 + reach, np.float64)


def spurious_fraction(
    scale: ArrayLike, theta: float, dim: int, *, amplitude: float = 1.0, exact: bool = True
) -> NDArray[np.float64]:
    """Return the share of other features of a random dictionary that scale s switches on.

    P((s-1) a g > theta) for g a coordinate of a uniform unit vector, from `sphere.tail`; with
    `exact` False the normal law Q(theta sqrt(d)/(|s-1| a)), off by the Edgeworth term
    phi(z)(z³-3z)/(4(d+2)) and O(1/d²).  0 at s = 1.  `theta` >= 0.
    """
    if not (theta >= 0 and amplitude > 0):
        raise ValueError(
            f"`theta` must be at least 0 and `amplitude` positive; got {theta} and {amplitude}."
        )
    dose = np.abs(np.asarray(scale, np.float64) - 1) * amplitude
    level = np.divide(theta, dose, out=np.full(dose.shape, np.inf), where=dose > 0)
    if exact:
        return np.asarray(sphere.tail(np.minimum(level, 1.0), dim) / 2, np.float64)
    return np.asarray(special.ndtr(-level * np.sqrt(dim)), np.float64)


def best_neuron_law(features: int, dim: int) -> float:
    """Return the expected selectivity of the best of d neurons, for N >= 2 random directions.

    For normal W the share W_ic²/sum_j W_jc² of one row in column c is Beta(1/2, (N-1)/2),
    independent over c (a ratio of chi-squares), and this is the expected maximum of d such; about
    2 ln(d)/N for large d and N.  Rows of unit length change it by less than 0.5% from N = 64 on.
    """
    if features < 2:
        raise ValueError(f"`features` must be at least 2; got {features}.")
    share = stats.beta(0.5, (features - 1) / 2)
    # E max = integral of P(max > x) = 1 - (1 - sf(x))^d, and nearly all of it at small x.
    value, _ = integrate.quad(
        lambda x: -np.expm1(dim * share.logcdf(x)),
        0,
        1,
        points=(min(0.5, 2 * np.log(dim + 1) / features),),
        limit=400,
    )
    return float(value)


def dimensionality_law(features: int, dim: int) -> float:
    """Return E D_i for N random directions in d dimensions, exactly.

    D_i = 1/(1 + sum_j G_ij²) over the N - 1 others, with G_ij² independent Beta(1/2, (d-1)/2), so
    E D_i = integral over t > 0 of exp(-t) M(t)^(N-1), M(t) = E exp(-t G²) = 1F1(1/2; d/2; -t).
    1/(1 + (N-1)/d) is below it (Jensen), by 2/N relative or less.
    """
    scale = 1 + (features - 1) / dim
    value, _ = integrate.quad(
        lambda u: (
            np.exp(-u / scale) * special.hyp1f1(0.5, dim / 2, -u / scale) ** (features - 1) / scale
        ),
        0,
        np.inf,
        limit=400,
    )
    return float(value)
