"""The l1 threshold against its reference values and the statistical dimension."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from geometry import donoho_tanner, state_evolution

DELTAS = (0.1, 0.25, 0.5, 0.75)


def statistical_dimension(share: float, *, nonnegative: bool) -> float:
    """delta at which a share k/N of active entries is at the threshold.

    Amelunxen, Lotz, McCoy and Tropp, "Living on the edge", Inf. Inference 3 (2014), proposition
    4.5: inf over t of share (1 + t²) + (1 - share) E[(|Z| - t)_+²], of both sides or of one.
    """

    def dimension(t: float) -> float:
        tail, _ = integrate.quad(lambda z: (z - t) ** 2 * stats.norm.pdf(z), t, t + 12)
        return share * (1 + t**2) + (1 - share) * (1 if nonnegative else 2) * tail

    return float(optimize.minimize_scalar(dimension, bounds=(0, 8), method="bounded").fun)


def test_reference_values() -> None:
    # science.md, section 2.7.
    signed = (0.189429, 0.267384, 0.385690, 0.533712)
    nonnegative = (0.240976, 0.365089, 0.558228, 0.765884)
    np.testing.assert_allclose(donoho_tanner.threshold(np.array(DELTAS)), signed, atol=6e-7)
    np.testing.assert_allclose(
        donoho_tanner.threshold(np.array(DELTAS), nonnegative=True), nonnegative, atol=6e-7
    )


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("delta", [1e-3, 0.05, 0.5, 0.95])
def test_the_statistical_dimension_says_the_same(delta: float, nonnegative: bool) -> None:
    rho = float(donoho_tanner.threshold(delta, nonnegative=nonnegative))
    assert statistical_dimension(rho * delta, nonnegative=nonnegative) == pytest.approx(
        delta, rel=1e-6
    )


@pytest.mark.parametrize("nonnegative", [False, True])
def test_message_passing_recovers_below_and_not_above(nonnegative: bool) -> None:
    delta = 0.4
    rho = float(donoho_tanner.threshold(delta, nonnegative=nonnegative))
    alpha = float(donoho_tanner.tuning(delta, nonnegative=nonnegative))
    # The least favourable amplitudes are infinite; large ones come close.
    for factor, recovered in ((0.97, True), (1.03, False)):
        share = factor * rho * delta
        values = (0.0, 100.0) if nonnegative else (-100.0, 0.0, 100.0)
        law = (1 - share, share) if nonnegative else (share / 2, 1 - share, share / 2)
        fixed = state_evolution.fixed_point(
            delta, values, law, sigma=1e-3, alpha=alpha, nonnegative=nonnegative
        )
        assert (fixed.tau_square < 1e-3) is recovered


def test_monotone_with_its_ends() -> None:
    deltas = np.concatenate([np.geomspace(1e-4, 0.1, 30), np.linspace(0.11, 1, 60)])
    for nonnegative in (False, True):
        values = donoho_tanner.threshold(deltas, nonnegative=nonnegative)
        assert (np.diff(values) > 0).all()
        assert values[-1] == 1
        assert float(donoho_tanner.threshold(0.9999, nonnegative=nonnegative)) > 0.985
    # rho ~ 1/(2 ln(1/delta)) for small delta (Donoho and Tanner 2009), slowly.
    tiny = float(donoho_tanner.threshold(1e-4))
    assert tiny == pytest.approx(1 / (2 * math.log(1e4)), rel=0.15)


def test_widths_and_numbers() -> None:
    assert donoho_tanner.least_dim(4096, 32) == 207
    assert donoho_tanner.least_dim(4096, 32, nonnegative=True) == 178
    assert donoho_tanner.most_active(4096, 207) == 32
    assert donoho_tanner.most_active(4096, 206) == 31
    assert donoho_tanner.least_dim(10, 10) == 10
    assert donoho_tanner.most_active(10, 30) == 10


def test_errors() -> None:
    for delta in (0.0, 1.1, -0.5):
        with pytest.raises(ValueError, match=r"^`delta` must lie in \(0, 1\]; got "):
            donoho_tanner.threshold(delta)
    with pytest.raises(ValueError, match=r"^`active` must lie in \[1, 5\]; got 6\.$"):
        donoho_tanner.least_dim(5, 6)
    with pytest.raises(ValueError, match=r"must be at least 1; got 0 and 3\.$"):
        donoho_tanner.most_active(0, 3)
