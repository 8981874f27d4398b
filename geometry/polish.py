"""From a packing near a local optimum to the optimum itself, in float64, by linear programmes.

The coherence of unit rows w_i is the largest |g_ij|, and to first order, for steps u_i tangent to
the sphere, |g_ij| becomes s_ij (g_ij + w_i·u_j + w_j·u_i), s_ij the sign of g_ij.  The steps within
a trust region that lower the largest of these the most solve a linear programme in n(d - 1) + 1
unknowns, with a row for each pair near the top: sequential linear programming, which converges
quadratically where the contacts determine the packing, as they do for nearly all optima (R.
Fletcher, E. Sainz de la Maza, Nonlinear programming and nonsmooth optimization by successive linear
programming, Math. Program. 43 (1989)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

__all__ = ["LARGEST", "polish"]

LARGEST = 300  # unknowns: a linear programme then takes a tenth of a second or two

_STEPS = 100
_RADIUS = 0.05  # of the first trust region, in each tangent coordinate
_LARGEST_RADIUS = 0.1
_CONVERGED = 1e-12  # decrease of the coherence that the linear model still promises
_TOLERANCE = (
    1e-10  # of the linear programmes, the smallest that HiGHS takes; in units of the radius
)

_linear_programme: Callable[..., Any] = linprog  # its published types know no sparse matrices


def polish(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, bool]:
    """Return unit rows `[n, d]` of no larger coherence, their coherence, and whether it converged.

    Converged: within the last trust region no linearised step promises to lower the coherence by
    1e-12.  Rows of more than `LARGEST` unknowns come back as they are, normalised, and are not.
    Needs n >= 2 and d >= 2.
    """
    rows = _unit(vectors)
    count, dim = rows.shape
    first, second = np.triu_indices(count, 1)

    def cosines(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (rows @ rows.T)[first, second]
        return found

    inner = cosines(rows)
    top, radius = float(np.abs(inner).max()), _RADIUS
    if count * (dim - 1) > LARGEST:
        return rows, top, False
    for _ in range(_STEPS):
        # A pair changes by at most 2 |u|, and the top falls by no more.
        near = np.abs(inner) >= top - 4 * radius * np.sqrt(dim - 1)
        pairs = np.stack([first[near], second[near]], 1)
        found = _step(rows, pairs, inner[near], top, radius)
        if found is None:
            return rows, top, False
        steps, promised = found
        if promised < _CONVERGED:
            return rows, top, True
        tried = _unit(rows + steps)
        tried_inner = cosines(tried)
        lower = top - float(np.abs(tried_inner).max())
        if lower > 0:
            rows, inner, top = tried, tried_inner, top - lower
        if lower > 0.75 * promised:
            radius = min(2 * radius, _LARGEST_RADIUS)
        elif lower < 0.25 * promised:
            radius /= 4
    return rows, top, False


def _step(
    rows: NDArray[np.float64],
    pairs: NDArray[np.int64],
    inner: NDArray[np.float64],
    top: float,
    radius: float,
) -> tuple[NDArray[np.float64], float] | None:
    """Tangent steps `[n, d]` within `radius` and the decrease they promise; None if HiGHS fails.

    In units of the radius, so that the solver's tolerance shrinks with it.
    """
    count, dim = rows.shape
    bases = _tangents(rows)
    width, number = dim - 1, len(pairs)
    signs = np.sign(inner)[:, None]
    left, right = pairs.T
    entries = np.concatenate(
        [
            signs * np.einsum("pd,pde->pe", rows[right], bases[left]),
            signs * np.einsum("pd,pde->pe", rows[left], bases[right]),
            np.ones((number, 1)),
        ],
        axis=1,
    )
    columns = np.concatenate(
        [
            left[:, None] * width + np.arange(width),
            right[:, None] * width + np.arange(width),
            np.full((number, 1), count * width),
        ],
        axis=1,
    )
    starts = np.arange(number + 1) * (2 * width + 1)
    shape = (number, count * width + 1)
    # The last unknown is the decrease: |g| + radius (slope of the steps + decrease) <= top.
    found = _linear_programme(
        np.append(np.zeros(count * width), -1.0),
        A_ub=csr_matrix((entries.ravel(), columns.ravel(), starts), shape=shape),
        b_ub=(top - np.abs(inner)) / radius,
        bounds=[(-1, 1)] * (count * width) + [(0, None)],
        method="highs",
        options={
            "primal_feasibility_tolerance": _TOLERANCE,
            "dual_feasibility_tolerance": _TOLERANCE,
        },
    )
    if found.x is None:
        return None
    steps = np.einsum("nde,ne->nd", bases, found.x[:-1].reshape(count, width))
    return radius * steps, radius * float(found.x[-1])


def _tangents(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal bases `[n, d, d - 1]` of the tangent spaces, by reflections onto an axis."""
    dim = rows.shape[1]
    mirror = rows.copy()
    mirror[:, 0] += np.where(rows[:, 0] >= 0, 1.0, -1.0)
    scale = 2 / np.einsum("nd,nd->n", mirror, mirror)
    reflections = np.eye(dim) - scale[:, None, None] * mirror[:, :, None] * mirror[:, None, :]
    found: NDArray[np.float64] = reflections[:, :, 1:]
    return found


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found
