"""How an l1 penalty turns a random vector into a single weight: the law, exactly.

One feature alone, kept near length 1 under an l1 penalty, follows

    dw/dt = rate (1 - |w|²) w - penalty sign(w),    weights that reach 0 staying there

(Lecomte et al. 2023, arXiv 2312.03096, section 3, with rate 1; the gradient of
|ReLU(W Wᵀ) - I|² + penalty |W|_1 has rate 4).  All weights shrink by the same amount and grow by
the same factor, so the whole flow has two numbers, whatever m is:

    w_i(t) = g (|w_i(0)| - theta)_+ in size,   g' = rate (1 - |w|²) g,   theta' = penalty / g.

It is *soft thresholding of the start*: the order of the weights never changes, and the largest
one wins.  Where penalty·|w|_1 is small against rate, the length is pinned at 1, g = 1/|S| for S
the thresholded start, and the clock is penalty·t = integral of d theta / |S|.  For m weights
N(0, 1/m) with m large, theta = z/sqrt(m), Q the normal tail, phi its density and
h(z) = (1+z²)Q(z) - z phi(z),

    penalty·t = m^-1/2 integral_0^z dy / sqrt(2 h(y)),      |w|_1 = m^1/2 2(phi - zQ)/sqrt(2 h),
    weights that are not 0 = 2 m Q(z),

from which 1/(1/sqrt(m) + penalty·t), the paper's formula for |w|_1, is the leading behaviour at
large z; and nonzeros/|w|_1² rises from pi/2 at the start to 2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, special

__all__ = ["Course", "flow", "formula", "limit"]

# Of the time scale 1/rate on which lengths settle: far inside the stability of the integrator.
_STEP = 0.1
_LARGEST_Z = 8.0
_GRID = 4001


class Course(NamedTuple):
    """|w|_1, the number of weights that are not 0, and the length |w| over time, float64."""

    norm: NDArray[np.float64]
    nonzeros: NDArray[np.float64]
    length: NDArray[np.float64]


def formula(clock: ArrayLike, neurons: int) -> NDArray[np.float64]:
    """Return 1/(1/sqrt(m) + clock), elementwise, clock = penalty·t: the paper's |w|_1."""
    return np.asarray(1 / (1 / np.sqrt(neurons) + np.asarray(clock, np.float64)))


def flow(starts: ArrayLike, times: ArrayLike, penalty: float, *, rate: float = 1.0) -> Course:
    """Return the course `[b, t]` at all `times`.

    `starts` `[b, m]` are b vectors that flow alone; `times` `[t]` rise from 0 or later.  Fourth
    order Runge-Kutta on (log g, theta) with steps of at most 0.1/rate: errors below 1e-4 relative,
    but for single weights that vanish between two steps.  O(b m) memory and O(b log m) a step, by
    sums over sorted weights.  Raises ValueError for times that fall or a penalty or rate that is
    not positive.
    """
    sizes = np.abs(np.asarray(starts, np.float64))
    moments = np.asarray(times, np.float64)
    if sizes.ndim != 2 or moments.ndim != 1:
        raise ValueError(
            "`starts` must have shape [b, m] and `times` [t]; got shapes "
            f"{sizes.shape} and {moments.shape}."
        )
    falls = np.flatnonzero(np.diff(moments, prepend=0.0) < 0)
    if falls.size:
        raise ValueError(f"`times` must rise from 0; got {moments[falls[0]]} out of order.")
    if not (penalty > 0 and rate > 0):
        raise ValueError(f"`penalty` and `rate` must be positive; got {penalty} and {rate}.")
    sizes = -np.sort(-sizes, axis=1)
    # Sums over the k largest weights, k = 0 .. m.
    first, second = (np.pad(np.cumsum(sizes**power, axis=1), ((0, 0), (1, 0))) for power in (1, 2))

    def left(
        theta: NDArray[np.float64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """How many weights exceed theta; by how much in all, and in squares."""
        count = _above(sizes, theta)
        one = np.take_along_axis(first, count[:, None], 1)[:, 0]
        two = np.take_along_axis(second, count[:, None], 1)[:, 0]
        return count, one - count * theta, two - 2 * one * theta + count * theta**2

    def slope(state: NDArray[np.float64]) -> NDArray[np.float64]:
        growth = np.exp(state[0])
        count, _, square = left(state[1])
        # Where no weight is left nothing moves.
        alive = count > 0
        return np.stack([rate * (1 - growth**2 * square), penalty / growth]) * alive

    state = np.zeros((2, len(sizes)))
    norms, counts, lengths = [], [], []
    now = 0.0
    for moment in moments:
        steps = int(np.ceil((moment - now) * rate / _STEP))
        for _ in range(steps):
            width = (moment - now) / steps
            one = slope(state)
            two = slope(state + width / 2 * one)
            three = slope(state + width / 2 * two)
            four = slope(state + width * three)
            state = state + width / 6 * (one + 2 * two + 2 * three + four)
        now = moment
        count, total, square = left(state[1])
        norms.append(np.exp(state[0]) * total)
        counts.append(count.astype(np.float64))
        lengths.append(np.exp(state[0]) * np.sqrt(np.maximum(square, 0)))
    return Course(*(np.stack(part, axis=1) for part in (norms, counts, lengths)))


def _above(sizes: NDArray[np.float64], theta: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of each row's falling `sizes` exceed its theta, by bisection in all rows at once."""
    low = np.zeros(len(sizes), np.int64)
    high = np.full(len(sizes), sizes.shape[1], np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        inside = np.minimum(middle, sizes.shape[1] - 1)
        more = (low < high) & (np.take_along_axis(sizes, inside[:, None], 1)[:, 0] > theta)
        low, high = np.where(more, middle + 1, low), np.where(more, high, middle)
    return low


def limit(clock: ArrayLike, neurons: int) -> Course:
    """Return the course at penalty·t = clock `[t]` for a small penalty and many neurons.

    Shapes `[t]`; the length is 1.  Nonzeros are expected numbers: below 2 or so the law of many
    neurons no longer speaks of any one vector.  Relative error below 1e-5.  Raises ValueError for a
    negative clock or one past z = 8.
    """
    wanted = np.asarray(clock, np.float64)
    z = np.linspace(0, _LARGEST_Z, _GRID)
    tail, density = special.ndtr(-z), np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    square = 2 * _remainder(z, tail, density)
    reached = integrate.cumulative_simpson(1 / np.sqrt(square), x=z, initial=0.0) / np.sqrt(neurons)
    far = float(wanted.min() if wanted.size and wanted.min() < 0 else wanted.max(initial=0.0))
    if wanted.size and (wanted.min() < 0 or wanted.max() > reached[-1]):
        raise ValueError(f"`clock` must lie in [0, {reached[-1]:.3g}]; got {far:.3g}.")
    at = np.interp(wanted, reached, z)
    tail, density = special.ndtr(-at), np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    square = 2 * _remainder(at, tail, density)
    norm = np.sqrt(neurons) * 2 * (density - at * tail) / np.sqrt(square)
    return Course(norm, 2 * neurons * tail, np.ones_like(at))


def _remainder(
    z: NDArray[np.float64], tail: NDArray[np.float64], density: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(1 + z²) Q(z) - z phi(z)."""
    return (1 + z**2) * tail - z * density
