"""Few more lines than dimensions: Gram matrices with a given kernel, by clipping and projecting.

N unit rows in R^d have a Gram matrix G of rank d, so G V = 0 for an orthonormal *kernel* V
`[N, k]`, k = N - d. Let P = V V^T. When |G_ij| <= eps off the diagonal, tr(P G) = 0 says that

    k <= eps (sum_ij |P_ij| - k),

which is how Bukh and Cox bound such packings ("Nearly orthogonal vectors and small antipodal
spherical codes", 2020). So good kernels have a large sum of |P_ij|: a problem in N k numbers.

`sharpen`  raises that sum: V becomes the leading eigenvectors of the signs of V V^T.
`clip`     makes a Gram matrix: entries clipped to eps, then the rank lowered to d along the k
           smallest eigenvectors and the diagonal scaled to 1, and again, with Nesterov's momentum.
           A heuristic, as matrices of rank d are not convex; but every round ends in a packing.
`lowest`   lowers eps step by step for as long as `clip` follows.

float64 on the host. A round costs about 6 N^2 k multiply-adds: 3 ms at N = 524, k = 24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Clipped",
    "clip",
    "kernel_bound",
    "lowest",
    "random_kernel",
    "repeated_kernel",
    "sharpen",
    "vectors",
]

Matrix = NDArray[np.float64]

_INSIDE = 0.9998  # of eps: where entries are clipped, so that eps is met in finitely many rounds
_DENSE = 128  # lines up to which a whole eigendecomposition takes no longer than iteration
_SHARPENINGS = 400
_FIRST_STEP, _LAST_STEP = 0.02, 1e-6  # by which `lowest` lowers eps, relative
_PATIENCE = 5  # attempts that the rounds left are shared by


@dataclass(frozen=True)
class Clipped:
    """What rounds of clipping reached: the best packing among them.

    Shapes: `gram` `[N, N]`, unit diagonal, of rank N - k; `kernel` `[N, k]`, orthonormal, with
    gram @ kernel = 0. `coherence` is the largest |entry| of `gram` off the diagonal.
    """

    gram: Matrix
    kernel: Matrix
    coherence: float
    rounds: int


def random_kernel(count: int, width: int, seed: int) -> Matrix:
    """An orthonormal `[count, width]`, uniformly distributed."""
    return repeated_kernel(np.zeros((1, 0)), count, width, seed)


def repeated_kernel(lines: Matrix, count: int, width: int, seed: int) -> Matrix:
    """The `lines` `[n, m]` of R^m, each as often as any other or once more, as a kernel.

    Orthonormal, `[count, width]`. Which of them come once more is drawn at random; so are the
    further columns where m < `width`, and the subspace kept where m > `width`.  Raises ValueError
    unless 1 <= `width` < `count`.
    """
    if not 1 <= width < count:
        raise ValueError(f"`width` must lie in [1, count - 1]; got {width} of {count}.")
    generator = np.random.default_rng(seed)
    copies = -(-count // len(lines))
    order = np.concatenate([generator.permutation(len(lines)) for _ in range(copies)])[:count]
    columns = lines.shape[1]
    if columns > width:
        kept = np.linalg.qr(generator.normal(size=(columns, width)))[0]
        return _orthonormal(lines[order] @ kept)
    further = generator.normal(size=(count, width - columns)) / 5
    return _orthonormal(np.hstack([lines[order], further]))


def kernel_bound(kernel: Matrix) -> float:
    """k / (sum |P_ij| - k): no packing with this kernel has a lower coherence."""
    width = kernel.shape[1]
    return float(width / (np.abs(kernel @ kernel.T).sum() - width))


def sharpen(kernel: Matrix) -> Matrix:
    """A kernel with a larger sum of |P_ij|, where the iteration from `kernel` comes to rest.

    The sum is tr(S P), S the signs of P, and the leading eigenvectors of S make the largest
    tr(S P): so signs and eigenvectors in turn never lower it. Three steps of subspace iteration
    stand for the eigenvectors; what they find depends on the start. At most 400 turns.
    """
    last = 0.0
    for _ in range(_SHARPENINGS):
        projection = kernel @ kernel.T
        total = float(np.abs(projection).sum())
        if total <= last * (1 + 1e-9):
            break
        last = total
        signs = np.sign(projection)
        for _ in range(3):
            # Twice the identity keeps the eigenvalues just below 0 from coming back.
            kernel = _orthonormal(signs @ kernel + 2 * kernel)
    return kernel


def clip(kernel: Matrix, eps: float, *, rounds: int, start: Matrix | None = None) -> Clipped:
    """Rounds of clipping at `eps` and projecting, until the coherence is <= `eps`.

    Begins with the Gram matrix `start` `[N, N]`, or with I - eps S, S the signs of V V^T off the
    diagonal. The kernel moves with the Gram matrix. Deterministic. Raises ValueError unless
    0 < `eps` < 1 and `rounds` >= 1.
    """
    if not 0 < eps < 1:
        raise ValueError(f"`eps` must lie in (0, 1); got {eps}.")
    if rounds < 1:
        raise ValueError(f"`rounds` must be at least 1; got {rounds}.")
    gram = -eps * np.sign(kernel @ kernel.T) if start is None else start.copy()
    np.fill_diagonal(gram, 1)
    best, least = (gram, kernel), np.inf
    previous, done = gram, 0
    for done in range(1, rounds + 1):
        projected, kernel = _project(gram, kernel)
        norms = np.sqrt(np.maximum(np.diag(projected), 1e-12))
        projected /= norms[:, None]
        projected /= norms
        np.fill_diagonal(projected, 0)
        coherence = max(float(projected.max()), -float(projected.min()))
        if coherence < least:
            least = coherence
            # Scaling the diagonal to 1 scales the rows of what the matrix vanishes on.
            best = (projected.copy(), kernel * norms[:, None])
        if coherence <= eps:
            break
        clipped = np.clip(projected, -_INSIDE * eps, _INSIDE * eps, out=projected)
        np.fill_diagonal(clipped, 1)
        momentum = (done - 1) / (done + 2)
        gram = clipped + momentum * (clipped - previous)
        previous = clipped
    gram, kernel = best
    np.fill_diagonal(gram, 1)
    return Clipped(gram, _orthonormal(kernel), least, done)


def vectors(found: Clipped) -> Matrix:
    """Unit rows `[N, d]` with the Gram matrix `found.gram`.

    With Q `[N, d]` an orthonormal basis of the kernel's complement and Q^T G Q = L L^T
    (Cholesky), they are the rows of Q L. Raises ValueError where G is not positive there: then
    clipping has not made a packing.
    """
    width = found.kernel.shape[1]
    basis = np.linalg.qr(found.kernel, mode="complete")[0][:, width:]
    try:
        rows = basis @ np.linalg.cholesky(basis.T @ found.gram @ basis)
    except np.linalg.LinAlgError:
        raise ValueError(
            "`gram` must be positive on the complement of its kernel; got one that is not."
        ) from None
    unit: Matrix = rows / np.linalg.norm(rows, axis=1)[:, None]
    return unit


def lowest(
    dim: int, count: int, seed: int, *, rounds: int = 2000, lines: Matrix | None = None
) -> tuple[Matrix, float]:
    """Unit rows `[count, dim]` of low coherence, and that coherence, computed in float64.

    Starts from a random kernel, or from `lines` `[n, m]` repeated (an equiangular tight frame of
    R^m, m near count - dim, where one is known), sharpened. Then eps goes down by steps, from
    2% to 1e-6, each from the best Gram matrix so far; at most `rounds` rounds in all, or one
    eigendecomposition of order `count` a round up to 128 lines. Deterministic in its arguments.
    Worth its time while count - dim is less than about dim/2. Raises ValueError unless
    2 <= `dim` < `count`.
    """
    if not 2 <= dim < count:
        raise ValueError(f"`dim` must lie in [2, count - 1]; got {dim} for {count} lines.")
    given = np.zeros((1, 0)) if lines is None else lines
    kernel = sharpen(repeated_kernel(given, count, count - dim, seed))
    eps = min(kernel_bound(kernel) * (1 + _FIRST_STEP), 0.99)
    best = clip(kernel, eps, rounds=max(rounds // _PATIENCE, 1))
    left, step = rounds - best.rounds, _FIRST_STEP
    while left > 0 and step > _LAST_STEP:
        target = best.coherence * (1 - step)
        one = clip(
            best.kernel, target, rounds=max(left // _PATIENCE, min(left, 50)), start=best.gram
        )
        left -= one.rounds
        # Near the end of what can be reached the target is missed, yet the best round is lower.
        step = step * 1.5 if one.coherence <= target else step / 4
        if one.coherence < best.coherence:
            best = one
    rows = vectors(best)
    cosines = np.abs(np.triu(rows @ rows.T, 1))
    return rows, float(cosines.max())


def _project(gram: Matrix, kernel: Matrix) -> tuple[Matrix, Matrix]:
    """`gram` less its parts along the k smallest eigenvectors, and those; a new array.

    Along them alone, (I - P) G (I - P), so that the result vanishes on the kernel to rounding
    even where two steps of subspace iteration have not yet found the eigenvectors.
    """
    count, width = kernel.shape
    if count <= _DENSE:
        kernel = np.linalg.eigh(gram)[1][:, :width]
    else:
        # All other eigenvalues lie about their mean, where the iteration all but removes them.
        mean = np.trace(gram) / (count - width)
        for _ in range(2):
            step = mean * kernel - gram @ kernel
            # By Cholesky: the columns are far from dependent, and it is one product, where the
            # many small ones of QR would wait for each other's threads.
            kernel = np.linalg.solve(np.linalg.cholesky(step.T @ step), step.T).T
    image = gram @ kernel
    image -= kernel @ (kernel.T @ image / 2)
    part = image @ kernel.T
    part += part.T.copy()
    return np.subtract(gram, part, out=part), kernel


def _orthonormal(columns: Matrix) -> Matrix:
    basis: Matrix = np.linalg.qr(columns)[0]
    return basis
