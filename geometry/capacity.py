"""How much of the space a feature has for itself, and how features and neurons share.

G = W Wᵀ is the Gram matrix of a dictionary `[n, d]`, F = WᵀW its frame operator `[d, d]`.  Sums
over a row of G come from F, as sum_j G_ij² = w_iᵀ F w_i, so that nothing here costs n²: O(n d²)
time and O(n d + d²) memory, but for `cumulative_coherence`, which has to see every entry of G and
keeps one block of rows at a time.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from numpy.typing import NDArray

from geometry import tiles

__all__ = [
    "RowMoments",
    "cumulative_coherence",
    "feature_dimensionality",
    "leverage",
    "off_diagonal_moments",
    "participation_ratio",
    "whitening",
]

_BLOCK_ENTRIES = 1 << 21
_ROWS = 4096
_ZERO = 1e-6


def feature_dimensionality(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return D_i = (w_i·w_i)² / sum_j (w_i·w_j)².  Shape `[n]`, in [0, 1]; 0 for a zero row.

    The share of a dimension that feature i has to itself (Elhage et al. 2022, "Toy models of
    superposition", with unnormalised rows as Scherlis et al. 2022 define capacity).  1 for a row
    orthogonal to the others, d/n in a unit-norm tight frame; the D_i sum to at most the rank.
    ValueError for another shape, here and below.
    """
    rows = _rows(vectors)
    squares = np.einsum("nd,nd->n", rows, rows) ** 2
    shared = _row_energies(rows)
    found = np.divide(squares, shared, out=np.zeros(len(rows)), where=shared > 0)
    return np.asarray(found, np.float64)


def leverage(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return w_iᵀ F⁺ w_i.  Shape `[n]`, in [D_i, 1]; the sum is the rank of W.

    The selectivity of the least-collateral direction F⁺w_i (`steering.dual_directions`).
    Eigenvalues of F below 1e-6 times the largest count as 0: float32 rows know no better.
    """
    rows = _rows(vectors)
    axes = whitening(rows)
    found = np.empty(len(rows))
    for at in range(0, len(rows), _ROWS):
        found[at : at + _ROWS] = np.sum((rows[at : at + _ROWS] @ axes) ** 2, axis=1)
    return found


def whitening(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return A `[d, r]` with A Aᵀ = F⁺, r the rank of W; the cut is that of `leverage`."""
    rows = _rows(vectors)
    values, axes = np.linalg.eigh(rows.T @ rows)
    kept = values > _ZERO * max(values[-1], 0.0)
    return np.asarray(axes[:, kept] / np.sqrt(values[kept]), np.float64)


class RowMoments(NamedTuple):
    """Mean and mean square of G_ij over j ≠ i, for each row i.  Shapes `[n]`, float64."""

    mean: NDArray[np.float64]
    mean_square: NDArray[np.float64]


def off_diagonal_moments(vectors: ArrayLike) -> RowMoments:
    """Return the moments of each row of G off the diagonal; ValueError for a single row."""
    rows = _rows(vectors)
    if len(rows) < 2:
        raise ValueError(f"`vectors` must have at least 2 rows; got {len(rows)}.")
    own = np.einsum("nd,nd->n", rows, rows)
    mean = (rows @ rows.sum(axis=0) - own) / (len(rows) - 1)
    return RowMoments(mean, np.maximum(_row_energies(rows) - own**2, 0) / (len(rows) - 1))


def participation_ratio(vectors: ArrayLike, *, axis: int) -> NDArray[np.float64]:
    """Return (sum w²)² / sum w⁴ along `axis`; 0 for a slice of zeros.

    Axis 1: over how many neurons feature i is spread, `[n]`, from 1 to d.  Axis 0: how many
    features neuron j serves, `[d]`, from 1 to n.  Of a random direction the inverse has mean
    3/(d+2) exactly, as E u⁴ = 3/(d(d+2)) for a coordinate.  It depends on the basis: a rotation of
    the space keeps every inner product and changes this.
    """
    if axis not in (0, 1):
        raise ValueError(f"`axis` must be 0 (features of a neuron) or 1 (neurons); got {axis}.")
    squares = _rows(vectors) ** 2
    second, fourth = squares.sum(axis=axis), (squares**2).sum(axis=axis)
    return np.asarray(
        np.divide(second**2, fourth, out=np.zeros_like(second), where=fourth > 0), np.float64
    )


def cumulative_coherence(
    vectors: ArrayLike, active: Sequence[int], *, positive: bool = False
) -> NDArray[np.float64]:
    """Return, for each m in `active`, the largest sum of m of the |G_ij|, j ≠ i, over rows i.

    Shape `[len(active)]`.  Tropp's Babel function ("Greed is good", IEEE Trans. Inf. Theory 50,
    2004, section II-B): the most interference that m features of amplitude ±1 can cause at another.
    With `positive` amplitudes all are 1, and the largest sum of m signed G_ij is what counts, which
    is negative where all features repel each other.  At most m times the coherence.  O(n² d) time
    for the rows of G; one block of them is held at a time.  Raises ValueError for an m outside
    [1, n - 1].
    """
    rows = tiles.checked(vectors, "vectors").astype(jnp.float32)
    count = rows.shape[0]
    for m in active:
        if not 1 <= m < count:
            raise ValueError(f"`active` must lie in [1, {count - 1}]; got {m}.")
    size = max(1, min(count, _BLOCK_ENTRIES // count))
    most = max(active)
    best = np.full(most, -np.inf)
    for at in range(0, count, size):
        part = np.array(_gram_rows(rows, jnp.int32(min(at, count - size)), size, positive))
        # The m largest of every row; the diagonal was masked.
        part.partition(count - most, axis=1)
        top = -np.sort(-part[:, count - most :].astype(np.float64), axis=1)
        np.maximum(best, np.cumsum(top, axis=1).max(axis=0), out=best)
    return best[[m - 1 for m in active]]


@partial(jax.jit, static_argnums=(2, 3))
def _gram_rows(rows: Array, at: Array, size: int, positive: bool) -> Array:
    part = lax.dynamic_slice_in_dim(rows, at, size)
    product = lax.dot_general(part, rows, (((1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST)
    column = lax.broadcasted_iota(jnp.int32, product.shape, 1)
    row = at + lax.broadcasted_iota(jnp.int32, product.shape, 0)
    return jnp.where(row == column, -jnp.inf, product if positive else jnp.abs(product))


def _row_energies(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum_j G_ij² for each row i, `[n]`, a few rows at a time."""
    frame = rows.T @ rows
    found = np.empty(len(rows))
    for at in range(0, len(rows), _ROWS):
        part = rows[at : at + _ROWS]
        found[at : at + _ROWS] = np.einsum("nd,nd->n", part @ frame, part)
    return found


def _rows(vectors: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    return rows
