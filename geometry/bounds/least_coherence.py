"""The bounds turned round: how small the coherence of `count` lines in R^d can be at all.

If an upper bound on N(d, eps) is below `count`, then `count` lines have coherence above eps. Every
bound here rises with eps, so each excludes an interval that begins at 0, and the largest end of
these intervals is the answer. The relative, the orthoplex and the Bukh-Cox bound have inverses in
closed form. The others are solved for eps: the value is exact at every eps that is tried, and the
largest eps seen with a value below `count` is returned, so that only its distance from the end of
the interval depends on floating point.

Levenshtein's bound of one degree is a rational function of eps^2 that rises and is not constant:
where it equals `count` at a rational, every smaller eps is excluded, and that rational is the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from geometry.bounds import delsarte
from geometry.bounds.bukh_cox import bukh_cox_coherence
from geometry.bounds.levenshtein import levenshtein_value
from geometry.bounds.orthoplex import orthoplex_coherence
from geometry.bounds.relative import welch_coherence
from geometry.bounds.volume import volume_bound
from geometry.exact import Cosine

__all__ = ["least_coherence"]

_CLOSE = 1e-11  # of eps^2/(1 - eps^2), relative
_MOST_TRIALS = 200
# Of ln(eps^2/(1 - eps^2)), as floats hold; `count` lines of R^d come to about 2 ln(count)/(d - 1).
_FARTHEST = 700.0
_SHORT = 10**6  # denominators of the exact ends that are looked for

# The value of a bound at eps^2, exact; None where it does not answer.
_Value = Callable[[Fraction], Fraction | None]


@lru_cache(maxsize=4096)
def least_coherence(dim: int, count: int) -> Cosine:
    """No `count` lines in R^`dim` have a smaller coherence than this: proved, exact as stated.

    For every smaller eps `best_upper_bound(dim, eps)` is below `count`; at one larger by a part in
    10^10 it is not. Exact in the plane and for `count` <= `dim` (0), and wherever a closed form or
    a short rational square is the end. ValueError unless `dim` and `count` >= 1, and from `dim` 3
    on ln(`count`) <= 315 (`dim` - 1). Cost: a few milliseconds, up to a second where Delsarte's
    bound is tried (`dim` <= 24), and seconds where Levenshtein's comes to degrees of thousands.
    """
    if dim < 1 or count < 1:
        raise ValueError(f"`dim` and `count` must be at least 1; got {dim}, {count}.")
    if count <= dim:
        return Cosine(Fraction(0))
    if dim == 1:
        return Cosine(Fraction(1))
    if dim == 2:
        return Cosine(Fraction(1), Fraction(180, count))
    most = 0.9 * _FARTHEST / 2 * (dim - 1)
    if math.log(count) > most:
        power = math.floor(most / math.log(10))
        raise ValueError(
            f"`count` must be at most about 10^{power} in {dim} dimensions; "
            f"got one of {math.floor(math.log10(count)) + 1} digits."
        )
    low = max(
        welch_coherence(dim, count),
        orthoplex_coherence(dim, count),
        bukh_cox_coherence(dim, count),
    ).square

    def universal(square: Fraction) -> Fraction | None:
        value = levenshtein_value(dim, square)
        return None if value is None else Fraction(value.numerator, value.denominator)

    def linear(square: Fraction) -> Fraction | None:
        value = levenshtein_value(dim, square)
        if value is None or value.degree > delsarte.MOST_DEGREE:
            return None
        proof = delsarte.certificate(dim, square)
        return None if proof is None else proof.value

    def volume(square: Fraction) -> Fraction | None:
        return Fraction(volume_bound(dim, Cosine(square)).count)

    low, high = _end(universal, count, low)
    low = _exact_end(universal, count, low, high)
    if dim <= delsarte.MOST_DIM:
        low, _ = _end(linear, count, low)
    return Cosine(_end(volume, count, low)[0])


def _end(value: _Value, count: int, low: Fraction) -> tuple[Fraction, Fraction]:
    """Squares (low, high), close together: at `low` it is known that `count` lines do not fit.

    `low` is the one given or one where `value` is below `count`; at `high` it is not. A step
    grows until it fails; then false position on the logarithm, halving where that is slow (the
    Illinois method). The variable is ln(eps^2/(1 - eps^2)), so that squares near 0 and near 1 are
    both found to the same relative error.
    """
    target = math.log(count)

    def tried(place: float) -> tuple[Fraction, float | None]:
        """The square at a place, and by how much ln(value) is above the target."""
        ratio = Fraction(math.exp(place))
        square = ratio / (1 + ratio)
        found = value(square)
        if found is None:
            return square, None
        excess = math.log(found.numerator) - math.log(found.denominator) - target
        # The sign is decided exactly.
        return square, min(excess, -5e-324) if found < count else max(excess, 0.0)

    start = math.log(low / (1 - low))
    left, step = start, _CLOSE
    square, f_left = tried(left + step)
    if f_left is None or f_left >= 0:
        return low, square
    while True:
        left, low = left + step, square
        step = min(64 * step, _FARTHEST - left)
        square, f_right = tried(left + step)
        if f_right is None or f_right >= 0:
            break
        f_left = f_right
    right, high, side = left + step, square, 0
    for _ in range(_MOST_TRIALS):
        if right - left <= _CLOSE:
            break
        place = (left + right) / 2
        if f_right is not None:
            inner = left + (right - left) * f_left / (f_left - f_right)
            # Close to an end, beyond it: the interval then shrinks from both sides.
            place = min(max(inner, left + _CLOSE / 2), right - _CLOSE / 2)
        square, found = tried(place)
        if found is not None and found < 0:
            left, low, f_left = place, square, found
            # An end that stays a second time would hold the next point back.
            f_right = f_right / 2 if f_right is not None and side < 0 else f_right
            side = -1
        else:
            right, high, f_right = place, square, found
            f_left = f_left / 2 if side > 0 else f_left
            side = 1
    return low, high


def _exact_end(value: _Value, count: int, low: Fraction, high: Fraction) -> Fraction:
    """The rational of short denominator in [`low`, `high`] where `value` is `count`, else `low`."""
    middle = ((low + high) / 2).limit_denominator(_SHORT)
    return middle if low <= middle <= high and value(middle) == count else low
