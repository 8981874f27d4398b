"""The flow under an l1 penalty against plain descent, and against its own limits."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from geometry import sparsification

# A start of mixed signs, one with close rivals, one with a tie for the largest.
STARTS = np.array(
    [
        [0.31, -0.72, 0.05, 0.48, -0.11, 0.22],
        [-0.50, 0.49, 0.40, -0.30, 0.20, 0.10],
        [0.40, 0.15, -0.40, 0.02, -0.08, 0.33],
    ]
)
TIMES = np.array([0.0, 0.7, 2.0, 5.0, 11.0, 60.0])


def _descent(
    starts: NDArray[np.float64],
    times: NDArray[np.float64],
    penalty: float,
    rate: float,
    width: float,
) -> NDArray[np.float64]:
    """Weights `[t, b, m]` by Euler's steps of `width`; 0 is where a sign ends."""
    weights = starts.copy()
    seen, now = [], 0
    for moment in times:
        for _ in range(now, round(moment / width)):
            square = (weights**2).sum(axis=1)[:, None]
            new = weights + width * (rate * (1 - square) * weights - penalty * np.sign(weights))
            weights = np.where(new * weights > 0, new, 0)
        now = round(moment / width)
        seen.append(weights.copy())
    return np.array(seen)


@pytest.mark.parametrize(("penalty", "rate"), [(0.05, 1.0), (0.1, 4.0)])
def test_the_flow_is_what_plain_descent_does(penalty: float, rate: float) -> None:
    coarse, fine = (_descent(STARTS, TIMES, penalty, rate, width) for width in (0.008, 0.004))
    found = sparsification.flow(STARTS, TIMES, penalty, rate=rate)
    for course, order in ((found.norm, 1), (found.length, 2)):
        assert course.shape == (3, 6)
        rough, expected = (np.linalg.norm(w, ord=order, axis=2).T for w in (coarse, fine))
        # Euler's error halves with its steps, so that it is what the last halving changed, here
        # taken twice; the flow's own is 1e-4.
        allowed = 2 * np.abs(rough - expected) + 1e-4 * expected
        assert (np.abs(course - expected) <= allowed).all()
        assert (allowed < 0.01).all()
    np.testing.assert_array_equal(found.nonzeros, (fine != 0).sum(axis=2).T)
    # Weights vanish one after the other, and the tied ones remain together.
    assert found.nonzeros[:, 0].tolist() == [6, 6, 6]
    assert found.nonzeros[:, -1].tolist() == [1, 1, 2]
    # As the flow takes for granted: the order never changes, and the largest wins.
    places = np.argsort(-np.abs(STARTS), axis=1, kind="stable")
    sizes = np.take_along_axis(np.abs(fine), places[None], axis=2)
    assert (np.diff(sizes, axis=2) <= 0).all()
    assert (fine[-1][np.arange(3), places[:, 0]] != 0).all()


def test_signs_order_and_units_do_not_matter() -> None:
    found = sparsification.flow(STARTS, TIMES, 0.05)
    turned = sparsification.flow(-STARTS[:, ::-1], TIMES, 0.05)
    faster = sparsification.flow(STARTS, TIMES / 4, 0.2, rate=4.0)
    alone = sparsification.flow(STARTS[1:2], TIMES, 0.05)
    later = sparsification.flow(STARTS, TIMES[3:], 0.05)
    for part, same, scaled, one, end in zip(found, turned, faster, alone, later, strict=True):
        np.testing.assert_array_equal(part, same)
        np.testing.assert_array_equal(part[1:2], one)
        # By a power of 2, which rounds nothing.
        np.testing.assert_array_equal(part, scaled)
        # Other steps: the flow's error.
        np.testing.assert_allclose(part[:, 3:], end, rtol=1e-4)


def test_a_single_weight_takes_the_time_of_its_integral() -> None:
    penalty, rate = 0.05, 2.0

    def speed(size: float) -> float:
        return rate * (1 - size**2) * size - penalty

    sizes = np.array([0.1, 0.3, 0.6, 0.9, 0.97])
    times = [0.0]
    for low, high in itertools.pairwise(sizes):
        times.append(times[-1] + integrate.quad(lambda size: 1 / speed(size), low, high)[0])
    found = sparsification.flow(sizes[:1, None], np.array(times), penalty, rate=rate)
    # The flow's stated error.
    np.testing.assert_allclose(found.norm[0], sizes, rtol=1e-4)
    np.testing.assert_allclose(found.length, found.norm, rtol=1e-12)
    assert found.nonzeros.tolist() == [[1] * 5]


def test_ends_of_the_flow() -> None:
    # k equal weights rest where (1 - k w²) w = penalty; below its lower root a weight dies.
    rate, penalty = 1.0, 0.1
    for kept in (1, 2):
        roots = np.roots([-kept, 0, 1, -penalty / rate])
        low, high = sorted(float(root.real) for root in roots if root.real > 0)
        starts = np.array([[0.6] * kept + [0.3, 0.2], [low * 0.99] * kept + [0.0, 0.0]])
        found = sparsification.flow(starts, np.array([0.0, 60.0]), penalty, rate=rate)
        # The flow's stated error; what is left of the approach is exp(-2·60) or so.
        assert found.norm[0, 1] == pytest.approx(kept * high, rel=1e-4)
        assert found.length[0, 1] == pytest.approx(math.sqrt(kept) * high, rel=1e-4)
        assert found.nonzeros[:, 1].tolist() == [kept, 0]
        assert found.norm[1, 1] == found.length[1, 1] == 0
    nothing = sparsification.flow(np.zeros((1, 3)), np.array([0.0, 1.0]), 0.1)
    assert [part.tolist() for part in nothing] == [[[0, 0]]] * 3


def test_where_no_weight_is_left_nothing_moves() -> None:
    # A short weight under a strong penalty is gone long before the last time.
    found = sparsification.flow(np.array([[0.05, -0.02]]), [0.0, 10.0, 500.0], 0.1)
    assert found.norm[0, 0] == pytest.approx(0.07)
    for part in found:
        np.testing.assert_array_equal(part[0, 1:], 0)


def test_formula() -> None:
    for neurons in (1, 9, 100):
        for clock in (0.0, 0.3, 7.0):
            expected = 1 / (1 / math.sqrt(neurons) + clock)
            found = sparsification.formula(np.array([clock, clock]), neurons)
            assert found.tolist() == pytest.approx([expected] * 2, rel=1e-15)
    # The start's length sqrt(m) · 1, and 1/clock in the end, whatever m is.
    assert float(sparsification.formula(0.0, 64)) == 8
    assert float(sparsification.formula(1e6, 64)) == pytest.approx(1e-6, rel=1e-6)


def _moment(power: int, z: float) -> float:
    """E (|x| - z)_+^power for x standard normal."""
    return 2 * float(
        integrate.quad(
            lambda x: (x - z) ** power * stats.norm.pdf(x), z, np.inf, epsabs=0, epsrel=1e-12
        )[0]
    )


@pytest.mark.parametrize("z", [0.0, 0.3001, 1.0007, 2.0011, 4.0009, 6.0007])
def test_the_limit_is_soft_thresholding_of_a_normal(z: float) -> None:
    # |S| is the root of m E (|w| - theta)²_+, |w|_1 = m E (|w| - theta)_+ / |S|.
    neurons = 50
    clock = integrate.quad(lambda y: _moment(2, y) ** -0.5, 0, z, epsabs=0, epsrel=1e-10)[0]
    found = sparsification.limit(np.array([clock / math.sqrt(neurons)]), neurons)
    # z is found by linear interpolation on steps of 0.002: an error of at most
    # 0.002²/8 · |h'/2h|, where |h'/2h| = (phi - zQ)/h <= 0.8 + z/2; and logarithms of what is
    # returned move by at most phi/Q <= 1 + z times it.
    allowed = 5e-7 * (0.8 + z / 2) * (1 + z) + 1e-9
    norm = math.sqrt(neurons) * _moment(1, z) / math.sqrt(_moment(2, z))
    assert found.norm[0] == pytest.approx(norm, rel=allowed)
    assert found.nonzeros[0] == pytest.approx(2 * neurons * stats.norm.sf(z), rel=allowed)
    assert found.length.tolist() == [1]


def test_the_flow_of_many_neurons_under_a_small_penalty_is_the_limit() -> None:
    # Instead of draws, the quantiles of N(0, 1/m).
    neurons = 1 << 14
    start = stats.norm.ppf((np.arange(neurons) + 0.5) / neurons) / math.sqrt(neurons)
    clock = np.array([0.0, 0.005, 0.01, 0.02, 0.05])
    courses = [
        sparsification.flow(start[None], clock / penalty, penalty)
        for penalty in (1e-3, 5e-4, 2.5e-4)
    ]
    expected = sparsification.limit(clock, neurons)
    for one, two, three, limit in zip(*courses, expected, strict=True):
        # What a small penalty leaves out is of its first order and taken away twice; the second
        # order is below what that changed.  Quantiles for a law miss at most one weight above the
        # threshold, of each sign, and the combination is of three courses.
        before, found = (2 * two - one)[0], (2 * three - two)[0]
        allowed = np.abs(found - before) + 3 * 2 / expected.nonzeros * limit
        assert (np.abs(found - limit) <= allowed).all()
        assert (allowed < 0.02 * limit).all()


def test_ends_of_the_limit() -> None:
    for neurons in (64, 4096):
        # The last one lies just before the largest, at z = 8.
        clock = np.array([0.0, 0.5, 2.0, 10.0, 100.0, 1e5, 4e7]) / math.sqrt(neurons)
        found = sparsification.limit(clock, neurons)
        # Closed forms, a few roundings of 2^-53 away.
        assert found.norm[0] == pytest.approx(math.sqrt(2 * neurons / math.pi), rel=1e-14)
        assert found.nonzeros[0] == pytest.approx(neurons, rel=1e-14)
        ratio = found.nonzeros / found.norm**2
        assert ratio[0] == pytest.approx(math.pi / 2, rel=1e-14)
        assert (np.diff(ratio) > 0).all()
        # It is Qh/(phi - zQ)² = 2 - 2/z² + O(z^-4), here at z = 8.
        assert 2 - 2 / 8**2 < ratio[-1] < 2
        assert (np.diff(found.norm) < 0).all()
        # The paper's formula is the leading behaviour: it is 1 - 2/z² + O(z^-4) of the norm.
        formula = sparsification.formula(clock, neurons)
        assert 1 - 2 / 8**2 < formula[-1] / found.norm[-1] < 1
    assert sparsification.limit(np.array([]), 64).norm.shape == (0,)


def test_errors() -> None:
    shapes = r"^`starts` must have shape \[b, m\] and `times` \[t\]; got shapes "
    order = r"^`times` must rise from 0; got -?1\.0 out of order\.$"
    good = np.ones((1, 2))
    for starts, times, message in (
        (np.ones(2), np.array([1.0]), shapes),
        (good, np.array([[1.0]]), shapes),
        (good, np.array([2.0, 1.0]), order),
        (good, np.array([-1.0, 1.0]), order),
    ):
        with pytest.raises(ValueError, match=message):
            sparsification.flow(starts, times, 0.1)
    for penalty, rate, said in ((0.0, 1.0, r"0\.0 and 1\.0"), (0.1, -2.0, r"0\.1 and -2\.0")):
        with pytest.raises(
            ValueError, match=rf"^`penalty` and `rate` must be positive; got {said}\.$"
        ):
            sparsification.flow(good, np.array([1.0]), penalty, rate=rate)
    # The largest clock is the integral up to z = 8.
    with pytest.raises(ValueError, match=r"^`clock` must lie in \[0, 4\.1e\+06\]; got 1e\+07\.$"):
        sparsification.limit(np.array([0.1, 1e7]), 100)
    with pytest.raises(ValueError, match=r"^`clock` must lie in \[0, 4\.1e\+06\]; got -0\.1\.$"):
        sparsification.limit(np.array([-0.1]), 100)
    with pytest.raises(ValueError, match=r"^`clock` must lie in \[0, .*\]; got -1\.$"):
        sparsification.limit([-1, 0.1], 100)
