"""Rows moved until their |cos| stay within eps: the sum of squared excesses, brought to nought.

E(W) = sum over pairs of max(|<w_i, w_j>| - eps, 0)^2 is smooth, its gradient in the Gram matrix is
the part of it that exceeds eps, and it vanishes exactly on the packings with coherence <= eps. A
packing with some slack and a few further rows, at any place where they do not fit, is a start from
which L-BFGS often makes room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

__all__ = ["further_rows", "make_room"]

Matrix = NDArray[np.float64]

_INSIDE = 0.9998  # of eps: what is aimed at, since the sum only tends to nought


def further_rows(lines: Matrix, further: int, dim: int, seed: int) -> Matrix:
    """The `lines` `[n, m]` in R^`dim`, zeros appended, and random unit rows: `[n + further, dim]`.

    The random rows lean towards the last axis, where the lines leave room if m < `dim`.
    """
    generator = np.random.default_rng(seed)
    count, columns = lines.shape
    rows = np.zeros((count + further, dim))
    rows[:count, :columns] = lines
    drawn = generator.normal(size=(further, dim))
    drawn /= np.linalg.norm(drawn, axis=1)[:, None]
    drawn[:, -1] += generator.choice([-0.5, 0.5], further)
    rows[count:] = drawn / np.linalg.norm(drawn, axis=1)[:, None]
    return rows


def make_room(rows: Matrix, eps: float, *, rounds: int) -> tuple[Matrix, float, int]:
    """Unit rows `[n, d]` near `rows`, their coherence, and the rounds of L-BFGS taken.

    The coherence is <= `eps` where that was reached. n^2 d multiply-adds a round, float64 on the
    host. Raises ValueError unless 0 < `eps` < 1.
    """
    # Imported here: slow to load, and few need it.
    from scipy.optimize import minimize

    if not 0 < eps < 1:
        raise ValueError(f"`eps` must lie in (0, 1); got {eps}.")
    shape, aim = rows.shape, eps * _INSIDE

    def excess(flat: NDArray[Any]) -> tuple[float, Matrix]:
        free = flat.reshape(shape)
        norms = np.linalg.norm(free, axis=1)[:, None]
        unit = free / norms
        over = unit @ unit.T
        np.fill_diagonal(over, 0)
        over -= np.clip(over, -aim, aim)
        gradient = 2 * over @ unit
        gradient -= np.einsum("nd,nd->n", gradient, unit)[:, None] * unit
        return float(np.vdot(over, over)) / 2, (gradient / norms).ravel()

    # Where a sum of squares falls below this no pair exceeds eps any more.
    enough = (eps - aim) ** 2 / 4

    def reached(intermediate_result: OptimizeResult) -> None:
        if intermediate_result.fun <= enough:
            raise StopIteration

    # Of unit length, so that all rows move alike.
    start = rows / np.linalg.norm(rows, axis=1)[:, None]
    found = minimize(
        excess,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        callback=reached,
        options={"maxiter": rounds, "maxcor": 8, "ftol": 0, "gtol": 0},
    )
    unit: Matrix = found.x.reshape(shape)
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    return unit, float(np.abs(np.triu(unit @ unit.T, 1)).max()), int(found.nit)
