"""Random directions: sampling in JAX, and their exact laws in float64 on the host.

Throughout, u and v are independent and uniform on the unit sphere of R^d, and g = <u, v> is the
cosine between them.  By rotation g is one coordinate of a uniform unit vector, so
g² ~ Beta(1/2, (d-1)/2) and (1+g)/2 ~ Beta((d-1)/2, (d-1)/2).  In one dimension |g| = 1.

The laws about many directions treat the pairs of N directions as independent.  Pairs are
independent two by two, so means over pairs are exact; each docstring bounds or names the error of
the rest.

Arguments out of the ranges that are named raise ValueError; no dimension is below 1.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import ArrayLike as HostLike
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "absolute_density",
    "absolute_quantile",
    "below_one",
    "density",
    "first_clash_median",
    "greedy_count",
    "largest_cosine_quantile",
    "log_tail",
    "mean_square",
    "nearest_law",
    "normalise",
    "random_rotation",
    "sample",
    "sample_padded",
    "tail",
    "unit_rows",
    "variance_square",
]

# Coefficients of a^-1, a^-3, ... in log G(a+1/2) - log G(a) - log(a)/2, G the gamma function: the
# Stirling series of both terms, subtracted.
_HALF_STEP = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432)
_SMALLEST = 1e-280
_LEVELS = 5


@partial(jax.jit, static_argnums=(1, 2))
def _sample(key: Array, count: int, dim: int) -> Array:
    rows = jax.random.normal(key, (count, dim), dtype=jnp.float32)
    norms = jnp.linalg.norm(rows, axis=1, keepdims=True)
    # A row of exact zeros has positive probability in float32 when dim is 1.
    safe = jnp.where(norms > 0, norms, 1)
    return jnp.where(norms > 0, rows / safe, jnp.eye(1, dim, dtype=jnp.float32))


def sample(key: Array, count: int, dim: int) -> Array:
    """Return independent uniform unit vectors.  Shape `[count, dim]`, float32.

    A standard normal vector divided by its norm is uniform on the sphere.  `count` may be 0.
    """
    _need(count >= 0, f"`count` must be at least 0; got {count}.")
    _check_dim(dim)
    rows: Array = _sample(key, count, dim)
    return rows


def sample_padded(key: Array, count: int, dim: int | Array, width: int) -> Array:
    """Return independent uniform unit vectors of R^dim, followed by zeros.  Shape `[count, width]`.

    `dim` may be traced: inner products are those of R^dim, and one compilation serves every
    dimension up to `width`.  The draws differ from those of `sample`.
    """
    _need(count >= 0, f"`count` must be at least 0; got {count}.")
    if not isinstance(dim, jax.core.Tracer):
        _need(1 <= int(dim) <= width, f"`dim` must lie in [1, {width}]; got {dim}.")
    rows: Array = _sample_padded(key, jnp.asarray(dim, jnp.int32), count, width)
    return rows


@partial(jax.jit, static_argnums=(2, 3))
def _sample_padded(key: Array, dim: Array, count: int, width: int) -> Array:
    rows = jax.random.normal(key, (count, width), dtype=jnp.float32)
    rows = jnp.where(jnp.arange(width)[None, :] < dim, rows, 0)
    norms = jnp.linalg.norm(rows, axis=1, keepdims=True)
    safe = jnp.where(norms > 0, norms, 1)
    return jnp.where(norms > 0, rows / safe, jnp.eye(1, width, dtype=jnp.float32))


def normalise(vectors: ArrayLike) -> Array:
    """Return the rows divided by their Euclidean norms.  Shape `[n, d]`, float32.

    Each row is scaled by its largest entry first, so nothing over- or underflows.  A row that is
    zero in float32, or not finite, raises ValueError.  Inside `jit` or `vmap` values cannot be
    inspected: there a zero row stays zero.
    """
    with np.errstate(over="ignore"):
        rows = jnp.asarray(vectors, dtype=jnp.float32)
    _need(rows.ndim == 2, f"`vectors` must have shape [n, d]; got shape {rows.shape}.")
    _need(rows.shape[1] > 0, f"`vectors` must have a column; got shape {rows.shape}.")
    unit: Array
    unit, scale = unit_rows(rows)
    if not isinstance(scale, jax.core.Tracer):
        peaks = np.asarray(scale)
        _need_rows(np.isfinite(peaks), "finite in float32", "is not")
        _need_rows(peaks > 0, "non-zero", "is zero")
    return unit


@jax.jit
def unit_rows(rows: Array) -> tuple[Array, Array]:
    """Return float32 rows divided by their norms `[n, d]`, and their largest |entry| `[n]`.

    Nothing is checked: a zero row stays zero, and its largest entry says so.  The same arithmetic
    as in `normalise`: two divisions an entry, the first by the largest.
    """
    scale: Array = jnp.max(jnp.abs(rows), axis=1, keepdims=True)
    scaled = rows / jnp.where(scale > 0, scale, 1)
    norms = jnp.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / jnp.where(norms > 0, norms, 1), scale[:, 0]


def below_one(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Return rows `[n, d]` in float64, the largest |entry| of each brought to [1/2, 1).

    By a power of two, so that nothing is rounded, and squares can neither over- nor underflow by
    much.  A zero row stays zero.
    """
    wide = np.asarray(vectors, np.float64)
    power = np.frexp(np.abs(wide).max(axis=1))[1]
    scaled: NDArray[np.float64] = np.ldexp(wide, -power[:, None])
    return scaled


def random_rotation(key: Array, dim: int) -> Array:
    """Return a rotation drawn from the Haar measure of SO(d).  Shape `[dim, dim]`, float32.

    The Q of a Gaussian matrix, its columns signed so that R has a positive diagonal, is Haar on
    O(d) (Mezzadri, "How to generate random matrices from the classical compact groups", Notices
    AMS 54, 2007, section 5).  Where the determinant is -1 the first column is turned about.
    Cost O(d³).
    """
    _check_dim(dim)
    rotation: Array = _random_rotation(key, dim)
    return rotation


@partial(jax.jit, static_argnums=1)
def _random_rotation(key: Array, dim: int) -> Array:
    q, r = jnp.linalg.qr(jax.random.normal(key, (dim, dim), dtype=jnp.float32))
    q = q * jnp.where(jnp.diagonal(r) < 0, -1, 1)[None, :].astype(jnp.float32)
    first = jnp.where(jnp.linalg.slogdet(q)[0] < 0, -q[:, 0], q[:, 0])
    return q.at[:, 0].set(first)


def density(cosine: HostLike, dim: int) -> NDArray[np.float64]:
    """Return the density of g = <u, v> on [-1, 1], elementwise; 0 outside.

    f(g) = (1 - g²)^((d-3)/2) / B(1/2, (d-1)/2): the area of the sphere's slice at height g.
    d = 2 is the arcsine law 1/(pi sqrt(1-g²)), infinite at the ends; d = 3 is constant 1/2.
    Relative error below 1e-15·(1 + |log f|).  d = 1 has no density: ValueError.
    """
    _check_dim(dim)
    _need(dim > 1, f"`dim` must be at least 2: in one dimension |g| = 1 has no density; got {dim}.")
    g = np.asarray(cosine, dtype=np.float64)
    inside = np.abs(g) <= 1
    gap = np.where(inside, (1 - g) * (1 + g), 1.0)
    with np.errstate(divide="ignore"):
        value = np.exp(special.xlogy((dim - 3) / 2, gap) - _log_beta_half(dim))
    return np.where(inside, value, 0.0)


def absolute_density(cosine: HostLike, dim: int) -> NDArray[np.float64]:
    """Return the density of |g| on [0, 1], elementwise: twice `density` there, 0 outside."""
    g = np.asarray(cosine, dtype=np.float64)
    return np.where(g >= 0, 2 * density(g, dim), 0.0)


def tail(eps: HostLike, dim: int) -> NDArray[np.float64]:
    """Return P(|g| > eps), elementwise, for eps in [0, 1].

    The regularised incomplete beta function I_{1-eps²}((d-1)/2, 1/2).  Relative error below 1e-12
    where the result exceeds 1e-280, below 1e-11 to the end of the normal range; then it underflows
    to 0, see `log_tail`.  d = 2 gives (2/pi) arccos(eps); d = 1 gives 1 for eps < 1; `tail(0, dim)`
    is 1 and `tail(1, dim)` is 0.
    """
    point = _check_eps(eps, dim)
    if dim == 1:
        return np.where(point < 1, 1.0, 0.0)
    # Each form keeps the small one of eps² and 1 - eps² free of cancellation.
    near = special.betaincc(0.5, (dim - 1) / 2, point**2)
    far = special.betainc((dim - 1) / 2, 0.5, (1 - point) * (1 + point))
    return np.where(point**2 < 0.5, near, far)


def log_tail(eps: HostLike, dim: int) -> NDArray[np.float64]:
    """Return log P(|g| > eps), elementwise, for eps in [0, 1]; -inf at 1.

    The logarithm of `tail` where that exceeds 1e-280, by way of P(|g| <= eps) where it is near 1.
    Beyond, with a = (d-1)/2 and x = 1 - eps²,

        I_x(a, 1/2) = x^a sqrt(1-x) / (a B(a, 1/2)) · 1/(1 + d_1/(1 + d_2/(1 + ...))),

    the continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, taken in
    logarithms.  Relative error below 1e-12.
    """
    point = _check_eps(eps, dim)
    if dim == 1:
        return np.where(point < 1, 0.0, -np.inf)
    outside = tail(point, dim)
    below = special.betainc(0.5, (dim - 1) / 2, point**2)
    direct = np.where(
        below < 0.5,
        np.log1p(-np.minimum(below, 0.5)),
        np.log(np.maximum(outside, _SMALLEST)),
    )
    return np.where(outside > _SMALLEST, direct, _log_tail_fraction(point, dim))


def _log_tail_fraction(eps: NDArray[np.float64], dim: int) -> NDArray[np.float64]:
    # From the innermost term outwards.  Below 1e-280 five levels reach float64 precision.
    a, b, x = (dim - 1) / 2, 0.5, (1 - eps) * (1 + eps)
    fraction = np.ones_like(x)
    for m in range(_LEVELS, 0, -1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m - 1) * (a + b + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1))
        fraction = 1 + odd / (1 + even / fraction)
    with np.errstate(divide="ignore"):
        power = a * (np.log1p(-eps) + np.log1p(eps)) + np.log(eps)
    return power - math.log(a) - _log_beta_half(dim) - np.log(fraction)


def mean_square(dim: int) -> float:
    """Return E g² = 1/d: the d coordinates of a unit vector share its squared length alike."""
    _check_dim(dim)
    return 1 / dim


def variance_square(dim: int) -> float:
    """Return Var g² = 2(d-1) / (d²(d+2)), the variance of Beta(1/2, (d-1)/2).  It is 0 at d = 1."""
    _check_dim(dim)
    return 2 * (dim - 1) / (dim**2 * (dim + 2))


def absolute_quantile(probability: HostLike, dim: int) -> NDArray[np.float64]:
    """Return t with P(|g| <= t) = probability, elementwise, for probabilities in [0, 1].

    The inverse of 1 - `tail`: sqrt of the inverse of I_x(1/2, (d-1)/2).  1 at d = 1.
    """
    _check_dim(dim)
    share = _within_unit("probability", probability)
    if dim == 1:
        return np.ones_like(share)
    return np.asarray(np.sqrt(special.betaincinv(0.5, (dim - 1) / 2, share)), np.float64)


def nearest_law(eps: HostLike, count: int, dim: int) -> NDArray[np.float64]:
    """Return P(largest |cos| of a direction with `count` - 1 others <= eps), elementwise.

    (1 - P(|g| > eps))^(N-1), exact: given one direction, its cosines with the others are
    independent.  0 <= eps <= 1 and `count` >= 2.
    """
    _need(count >= 2, f"`count` must be at least 2; got {count}.")
    outside = tail(eps, dim)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp((count - 1) * np.log1p(-outside)), np.float64)


def largest_cosine_quantile(count: int, dim: int, probability: float) -> float:
    """Return t with P(largest |g| among `count` random directions <= t) = `probability`.

    Solves (1 - p)^M = probability for p = P(|g| > t), over the M = N(N-1)/2 pairs.  At probability
    e^-1 this is p = 1/M to order 1/M², the usual Poisson law.  Exact for N = 2.  Otherwise the
    attained probability is off by at most (1 - e^-λ)(4N - 7)p with λ = Mp (Arratia, Goldstein and
    Gordon, "Two moments suffice for Poisson approximations", Ann. Probab. 17, 1989, theorem 1:
    pairs that share a direction are independent two by two, pairs that share none are
    independent), plus p·λ/2 for writing (1-p)^M as e^-λ: small when N is large.
    `count` >= 2, 0 < probability < 1.  Result in [0, 1]; 1 at d = 1.
    """
    _check_dim(dim)
    _need(count >= 2, f"`count` must be at least 2; got {count}.")
    _need(0 < probability < 1, f"`probability` must lie in (0, 1); got {probability}.")
    if dim == 1:
        return 1.0
    outside = -math.expm1(math.log(probability) / math.comb(count, 2))
    return math.sqrt(float(special.betainccinv(0.5, (dim - 1) / 2, outside)))


def first_clash_median(dim: int, eps: float) -> float:
    """Return the median of N, the random directions drawn before the first pair with |g| > eps.

    N counts the directions free of clashes: direction N+1 clashes with one of the first N.  With
    the pairs taken as independent P(N >= n) = (1-p)^(n(n-1)/2), p = P(|g| > eps), so the median
    is the smallest m with m(m+1)/2 · c >= ln 2, c = -ln(1-p); for small p about sqrt(2 ln2 / p).
    P(N >= n) is off by at most (1 - e^-λ)(4n - 7)p, λ = n(n-1)p/2, plus p·λ/2, as in
    `largest_cosine_quantile`: at the median about 2.4 sqrt(p).  So it is a law for small p, and a
    guide otherwise.  A whole number of at least 1 (eps = 0, or d = 1), rounded beyond 2^53; inf
    where p underflows.  0 <= eps < 1.
    """
    rate = _clash_rate(dim, eps)
    if rate == 0:
        return math.inf
    wanted = math.log(2) / rate
    # (sqrt(1 + 8w) - 1)/2 without the cancellation at small w; the ceiling is an integer.
    return float(max(1, math.ceil(4 * wanted / (math.sqrt(1 + 8 * wanted) + 1))))


def greedy_count(dim: int, eps: float, candidates: int) -> float:
    """Return the expected size of the greedy packing of `candidates` random directions.

    A heuristic.  A candidate is kept when |g| <= eps with all k kept so far, which has probability
    q^k, q = P(|g| <= eps), if these events were independent.  Then the wait for the next is q^-k,
    and the waits for k directions sum to T = (q^-k - 1)/(1/q - 1): k = 1 + ln(q + (1-q)T)/c with
    c = -ln q, which is ln(1 + cT)/c when c is small.  Kept directions repel each other, so their
    caps overlap less than independent ones, cover more, and the true size is smaller once the
    caps fill a good part of the sphere; far below that (k·c << 1) the law is sharp.
    `candidates` >= 0; 0 gives 0 and 1 gives 1.  eps = 0, or d = 1, gives 1.  0 <= eps < 1.
    """
    _need(candidates >= 0, f"`candidates` must be at least 0; got {candidates}.")
    rate = _clash_rate(dim, eps)
    if candidates == 0:
        return 0.0
    if rate == 0:
        return float(candidates)
    return 1 + math.log1p(-math.expm1(-rate) * (candidates - 1)) / rate


def _clash_rate(dim: int, eps: float) -> float:
    # -log P(|g| <= eps), from whichever of the two tails is the smaller; inf at eps = 0.
    _check_dim(dim)
    _need(0 <= eps < 1, f"`eps` must lie in [0, 1); got {eps}.")
    if dim == 1 or eps == 0:
        return math.inf
    below = float(special.betainc(0.5, (dim - 1) / 2, eps**2))
    if below == 0:  # eps^2 underflows
        return math.inf
    return -math.log(below) if below < 0.5 else -math.log1p(-float(tail(eps, dim)))


def _log_beta_half(dim: int) -> float:
    # log B(1/2, (d-1)/2).  Differences of log-gamma lose digits in proportion to their size.
    a = (dim - 1) / 2
    if a < 20:
        return float(special.betaln(0.5, a))
    step = math.log(a) / 2 + sum(c * a ** -(2 * k + 1) for k, c in enumerate(_HALF_STEP))
    return math.log(math.pi) / 2 - step


def _check_dim(dim: int) -> None:
    _need(dim >= 1, f"`dim` must be at least 1; got {dim}.")


def _check_eps(eps: HostLike, dim: int) -> NDArray[np.float64]:
    _check_dim(dim)
    return _within_unit("eps", eps)


def _within_unit(name: str, values: HostLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    outside = ~((given >= 0) & (given <= 1))
    if outside.any():
        raise ValueError(f"`{name}` must lie in [0, 1]; got {given[outside][0]}.")
    return given


def _need_rows(good: NDArray[np.bool_], need: str, fault: str) -> None:
    if not good.all():
        raise ValueError(f"rows of `vectors` must be {need}; row {int(np.argmin(good))} {fault}.")


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
