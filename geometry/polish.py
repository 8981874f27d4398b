"""From a packing near a local optimum to the optimum itself, in float64: an interior-point method.

Lower t while every |g_ij| <= t, over unit rows w_i: Newton's method on the conditions of the
barrier problem, to minimise t - mu sum log(t - |g_ij|), with multipliers of their own (primal-dual;
J. Nocedal, S. Wright, Numerical Optimization, 2nd ed., ch. 19), mu falling to 0.  At the end
multipliers lambda >= 0 of sum 1 balance the contacts, sum lambda_ij s_ij grad g_ij = 0 in every
tangent space, and lie on pairs with |g_ij| = t only: the conditions of a local optimum (s_ij the
sign of g_ij).  Second derivatives are exact, so that it leaves saddles, where linear programming
stops, and its last steps converge quadratically.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

__all__ = ["LARGEST", "operations", "polish"]

LARGEST = 1500  # unknowns n(d - 1): a tenth of a second a step

_STEPS, _AT_ONCE = 800, 100  # in all, and from one beginning
_INSIDE = 1e-3  # t begins this far above the coherence, relative to it
# Pairs below this share of the coherence at the start are watched, and not in the model.
_NEAR = 0.6
_FALL = 0.2  # of mu, from one solved barrier problem to the next
_SOLVED = 10.0  # residual in units of the gap at which a barrier problem counts as solved
_PRIMAL = 10.0  # multipliers stay within this factor of mu/slack, their value on the central path
_LONGEST = 0.1  # a row moves no farther in a step
_REGULAR = 1e-3  # first shift of an indefinite Hessian, in units of its diagonal
_GAP, _RESIDUAL = 1e-13, 1e-9  # at which it has converged

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def operations(dim: int, count: int) -> float:
    """Return the multiply-adds of one of its 15 to 100 steps, roughly: a Cholesky factor's."""
    width = dim - 1
    return (count * width) ** 3 / 6 + count**2 * width**2 * (dim + 2)


def polish(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, bool]:
    """Return unit rows `[n, d]` of no larger coherence, their coherence, and whether it converged.

    Converged: a first-order local optimum, the contacts balanced to 1e-9 and the coherence within
    1e-13 of what its multipliers prove for the linearised problem.  Rows of more than `LARGEST`
    unknowns come back as they are, normalised, and are not.  Needs n >= 2 and d >= 2.
    """
    rows = _unit(vectors)
    count, dim = rows.shape
    least = _coherence(rows, np.triu_indices(count, 1))
    if count * (dim - 1) > LARGEST or least == 0:
        return rows, least, least == 0
    converged, left = False, _STEPS
    while left > 0 and not converged:
        # A pair that was not near at the beginning, and blocks the way, is near in the next; and
        # multipliers that went astray begin anew.
        rows, least, converged, taken = _descent(rows, least, min(left, _AT_ONCE))
        left -= taken
    return rows, least, converged


def _descent(
    rows: NDArray[np.float64], least: float, steps: int
) -> tuple[NDArray[np.float64], float, bool, int]:
    """What `polish` returns, from unit rows of coherence `least` in one go, and the steps taken."""
    best = rows
    every = np.triu_indices(len(rows), 1)
    inner = (rows @ rows.T)[every]
    # Rounded, the coherence of rows that coincide may lie past 1, and the bound past all pairs.
    bound = min(max(_NEAR * least, 2 * least**2 - 1), least)
    near = np.flatnonzero(np.abs(inner) >= bound)
    state = _State.begin(rows, least * (1 + _INSIDE), inner[near])
    pairs = every[0][near], every[1][near]
    for taken in range(steps):
        system = _System.at(state, pairs)
        if system.gap < _GAP and system.residual < _RESIDUAL:
            return best, least, True, taken + 1
        moved = _moved(state, system, every, near)
        if moved is None:
            return best, least, False, taken + 1
        state = moved
        coherence = _coherence(state.rows, every)
        if coherence < least:
            best, least = state.rows, coherence
    return best, least, False, steps


@dataclass(frozen=True)
class _State:
    """An iterate: rows `[n, d]`, t, and of each near pair its inner product, slack, multiplier."""

    rows: NDArray[np.float64]
    top: float
    inner: NDArray[np.float64]
    slack: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    barrier: float  # mu
    shift: float  # of the Hessian, kept while steps are short

    @classmethod
    def begin(cls, rows: NDArray[np.float64], top: float, inner: NDArray[np.float64]) -> _State:
        """At the multipliers of the central path, for a mu that makes their sum 1."""
        slack = top - np.abs(inner)
        multipliers = 1 / slack / (1 / slack).sum()
        barrier = float((multipliers * slack).mean())
        return cls(rows, top, inner, slack, multipliers, barrier, 0.0)


@dataclass(frozen=True)
class _System:
    """What the conditions of an optimum lack, and their derivatives.

    |g| of a near pair depends on two rows only, so its slope is kept as two vectors.
    """

    pairs: Pairs
    bases: NDArray[np.float64]  # `[n, d, d - 1]`, orthonormal in the tangent spaces
    left: NDArray[np.float64]  # `[m, d - 1]`, slopes of |g| in the step of the pair's first row
    right: NDArray[np.float64]  # and of its second
    hessian: NDArray[np.float64]  # `[n, n, d - 1, d - 1]`, of the Lagrangian
    scale: float  # of its diagonal
    residual: float  # largest entry of the Lagrangian's gradient
    gap: float  # sum of multiplier times slack

    @classmethod
    def at(cls, state: _State, pairs: Pairs) -> _System:
        """Their values at an iterate."""
        rows, (first, second) = state.rows, pairs
        count = len(rows)
        bases, signs = _tangents(rows), np.sign(state.inner)
        left = signs[:, None] * np.einsum("pd,pde->pe", rows[second], bases[first])
        right = signs[:, None] * np.einsum("pd,pde->pe", rows[first], bases[second])
        weights = np.zeros((count, count))
        weights[first, second] = state.multipliers * signs
        weights += weights.T
        hessian = np.einsum("ij,ide,jdf->ijef", weights, bases, bases, optimize=True)
        # Along a great circle a row bends back by half its squared step, so |g| bends by -|g|.
        bend = state.multipliers * np.abs(state.inner)
        bends = np.bincount(first, bend, count) + np.bincount(second, bend, count)
        every = np.arange(count)
        hessian[every, every] -= bends[:, None, None] * np.eye(rows.shape[1] - 1)
        found = cls(
            pairs,
            bases,
            left,
            right,
            hessian,
            scale=float(bends.mean()),
            residual=0.0,
            gap=float(state.multipliers @ state.slack),
        )
        residual = float(np.abs(found.pulled(state.multipliers)).max())
        return dataclasses.replace(found, residual=residual)

    def pulled(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The slopes summed with weights `[m]`: a gradient `[n (d - 1)]`."""
        summed = np.zeros((len(self.bases), self.left.shape[1]))
        np.add.at(summed, self.pairs[0], weights[:, None] * self.left)
        np.add.at(summed, self.pairs[1], weights[:, None] * self.right)
        return summed.ravel()

    def changes(self, turn: NDArray[np.float64]) -> NDArray[np.float64]:
        """How each |g| changes with a step `[n (d - 1)]`, to first order: `[m]`."""
        steps = turn.reshape(len(self.bases), -1)
        first, second = self.pairs
        found: NDArray[np.float64] = np.einsum("pe,pe->p", self.left, steps[first])
        found += np.einsum("pe,pe->p", self.right, steps[second])
        return found

    def matrix(self, stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
        """The Hessian and the slopes' outer products, weighted, `[n (d - 1), n (d - 1)]`."""
        first, second = self.pairs
        blocks = self.hessian.copy()
        left, right = stiffness[:, None] * self.left, stiffness[:, None] * self.right
        # Every pair has blocks of its own off the diagonal; on it they add up.
        cross = left[:, :, None] * self.right[:, None, :]
        blocks[first, second] += cross
        blocks[second, first] += cross.transpose(0, 2, 1)
        np.add.at(blocks, (first, first), left[:, :, None] * self.left[:, None, :])
        np.add.at(blocks, (second, second), right[:, :, None] * self.right[:, None, :])
        size = blocks.shape[0] * blocks.shape[2]
        return blocks.transpose(0, 2, 1, 3).reshape(size, size)


def _moved(state: _State, system: _System, every: Pairs, near: NDArray[np.int64]) -> _State | None:
    """The next iterate, whose barrier function is no larger; None where no step is short enough."""
    barrier = state.barrier
    if system.residual < _SOLVED * max(system.gap, _GAP):
        barrier = min(barrier, _FALL * system.gap / len(near))
    value = state.top - barrier * float(np.log(state.slack).sum())
    shift = state.shift
    while shift <= 1e6 * system.scale:
        turn, rise, steepness, shift = _newton(state, system, barrier, shift)
        step = np.einsum("nde,ne->nd", system.bases, turn.reshape(len(state.rows), -1))
        length = min(1.0, _LONGEST / max(float(np.linalg.norm(step, axis=1).max()), 1e-300))
        while length > 1e-6:
            rows, top = _unit(state.rows + length * step), state.top + length * rise
            inner = (rows @ rows.T)[every]
            inside = top > np.abs(inner).max()
            inner = inner[near]
            slack = top - np.abs(inner)
            # No slack falls to less than a hundredth of what it was.
            inside = bool(inside and (slack > 0.01 * state.slack).all())
            if inside and top - barrier * float(np.log(slack).sum()) <= value + 1e-15:
                multipliers = _multipliers(state, steepness, length, barrier / slack)
                regular = _REGULAR * system.scale
                if length < 0.1:
                    shift = 4 * max(shift, regular)
                else:
                    shift = shift / 4 if shift > regular else 0.0
                return _State(rows, top, inner, slack, multipliers, barrier, shift)
            length /= 2
        shift = 4 * max(shift, _REGULAR * system.scale)
    return None


def _newton(
    state: _State, system: _System, barrier: float, shift: float
) -> tuple[NDArray[np.float64], float, NDArray[np.float64], float]:
    """Steps of the rows, of t and of the multipliers, and the shift that made the Hessian positive.

    The multipliers are eliminated, and then t, so that one Cholesky factor serves.
    """
    stiffness = state.multipliers / state.slack
    central = barrier / state.slack
    matrix = system.matrix(stiffness)
    while True:
        try:
            shifted = matrix.copy()
            shifted[np.diag_indices(len(matrix))] += shift + 1e-12 * system.scale
            factor = cho_factor(shifted, overwrite_a=True)
            break
        except LinAlgError:
            shift = 4 * shift if shift else _REGULAR * system.scale
    pull = system.pulled(stiffness)
    free = -cho_solve(factor, system.pulled(central))
    lifted = cho_solve(factor, pull)
    rise = float((central.sum() - 1 + pull @ free) / (stiffness.sum() - pull @ lifted))
    turn = free + rise * lifted
    change = central - state.multipliers - stiffness * (rise - system.changes(turn))
    return turn, rise, change, shift


def _multipliers(
    state: _State, change: NDArray[np.float64], length: float, central: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The next multipliers: positive, and near the central path's, should the step be short."""
    falling = change < 0
    if falling.any():
        reached = state.multipliers[falling] / -change[falling]
        length = min(length, 0.99 * float(reached.min()))
    found: NDArray[np.float64] = np.clip(
        state.multipliers + length * change, central / _PRIMAL, central * _PRIMAL
    )
    return found


def _coherence(rows: NDArray[np.float64], every: Pairs) -> float:
    return float(np.abs((rows @ rows.T)[every]).max())


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
