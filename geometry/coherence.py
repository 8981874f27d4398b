"""The largest entry of a Gram matrix that is never formed: kernels that trace.

The rows of `vectors` `[n, d]` are cut into blocks, and the kernels walk over the tiles
(block i, block j) with i <= j: by symmetry half of the pairs.  A tile is one matrix product, in
float32 with `Precision.HIGHEST`; pairs that do not count (the diagonal, the lower half of diagonal
tiles, padding) are masked by index.  Memory is O(n·d + block²); the floor of the work is n²d/2
multiply-adds, and the diagonal tiles add a share of block/n.

The list of tiles is what is distributed.  Vectors that live on several devices (replicated, say)
are compared on all of them; on one device, or inside `jit` and `vmap`, the same code runs on one.
The answers are the same.

"Pairs" are i < j, and |cos| is the absolute inner product of the rows divided by their norms.  One
row has no pairs: its largest |cos| is 0.  Input may be of any integer or floating type, is read as
float32, and must be finite there.  Errors are ValueError; inside `jit` or `vmap` values cannot be
inspected, there only shapes are checked and a NaN spreads to the result.  What needs the host is
elsewhere: `closest`, the closest pairs with a proof, and `spectrum`, the law of all cosines.
"""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from geometry import sphere, tiles

__all__ = ["largest_cross_product", "largest_inner_product", "mutual_coherence", "tile_maxima"]


def largest_inner_product(vectors: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |<v_i, v_j>| over pairs of rows as given, not normalised.  float32 scalar.

    Exact for integer rows as long as the absolute products |v_ik v_jk| of any pair sum to less
    than 2^24: then every partial sum, in whatever order, is an integer that float32 holds.  For
    rows of -1, 0, 1 this means d < 2^24.  Else the error is at most d·2^-24 |v_i||v_j|, to first
    order.  0 for one row.  About n²d/2 multiply-adds.
    """
    plan = tiles.plan(tiles.checked(vectors, "vectors"), None, block)
    largest: Array = jnp.maximum(jnp.max(tiles.run(tile_maxima, plan)), 0)
    return largest


def largest_cross_product(left: ArrayLike, right: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |<u, v>|, u a row of `left` `[m, d]` and v of `right` `[n, d]`, as given.

    float32 scalar, exact for integer rows as in `largest_inner_product`.  m·n·d multiply-adds.
    """
    first, second = tiles.checked(left, "left"), tiles.checked(right, "right")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "`left` and `right` must have as many columns; "
            f"got shapes {first.shape} and {second.shape}."
        )
    largest: Array = jnp.max(tiles.run(tile_maxima, tiles.plan(first, second, block)))
    return largest


def mutual_coherence(vectors: ArrayLike, *, block: int = tiles.BLOCK) -> Array:
    """Return the largest |cos| over pairs of rows, in [0, 1].  float32 scalar.

    Rows are normalised first; a zero row raises ValueError.  The error is at most
    `rounding.float32_bound(d)`, about 2d·2^-24, in practice a few 1e-7.  0 for one row.  About
    n²d/2 multiply-adds.  `closest.pairs` names the pair, certifies it, and is faster on large
    inputs.
    """
    rows = tiles.plan(_unit(vectors), None, block)
    largest: Array = jnp.clip(jnp.max(tiles.run(tile_maxima, rows)), 0, 1)
    return largest


def _unit(vectors: ArrayLike) -> Array:
    return sphere.normalise(tiles.checked(vectors, "vectors"))


def tile_maxima(grid: tiles.Grid, walk: Array) -> Array:
    """Kernel for `tiles.run`: the largest |inner product| of each tile, -1 where it has no pair.

    Shape that of the walk, `[chunks, length]` float32.
    """

    def largest(tile: Array) -> Array:
        # Two steps: the first runs along the vector unit.
        most: Array = tiles.unless_none(
            tile, lambda: jnp.max(jnp.max(grid.gram(tile), axis=0)), jnp.float32(-1)
        )
        return most

    found: Array = lax.map(lambda chunk: lax.map(largest, chunk), walk)
    return found
