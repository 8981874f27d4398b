"""The risk of soft thresholds against quadrature; the fixed point."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from geometry import state_evolution


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(("mean", "alpha"), [(0.0, 1.2), (0.7, 0.0), (2.5, 1.5), (9.0, 2.0)])
def test_risk(mean: float, alpha: float, nonnegative: bool) -> None:
    def loss(z: float) -> float:
        y = mean + z
        shrunk = max(y - alpha, 0) if nonnegative else np.sign(y) * max(abs(y) - alpha, 0)
        return float((shrunk - mean) ** 2 * stats.norm.pdf(z))

    corners = sorted({-alpha - mean, alpha - mean})
    pieces = [-12.0, *(c for c in corners if -12 < c < 12), 12.0]
    truth = sum(integrate.quad(loss, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(pieces))
    found = float(state_evolution.risk(mean, alpha, nonnegative=nonnegative))
    assert found == pytest.approx(truth, rel=1e-8)
    if not nonnegative:
        assert float(state_evolution.risk(-mean, alpha)) == pytest.approx(found)


def test_the_reference_fixed_point() -> None:
    # science.md, section 2.8.
    fixed = state_evolution.fixed_point(
        0.5, (-1.0, 0.0, 1.0), (0.05, 0.9, 0.05), sigma=0.1, alpha=1.2
    )
    assert fixed.mean_square_error == pytest.approx(0.009701, abs=5e-7)
    # It rests there.
    tau = np.sqrt(fixed.tau_square)
    again = fixed.tau_square * (
        0.1 * float(state_evolution.risk(1 / tau, 1.2))
        + 0.9 * float(state_evolution.risk(0.0, 1.2))
    )
    assert 0.01 + again / 0.5 == pytest.approx(fixed.tau_square, rel=1e-9)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`alpha` must be at least 0; got -1\.$"):
        state_evolution.risk(0.0, -1)
    with pytest.raises(ValueError, match=r"^`mean` must be at least 0 where nonnegative; got -1"):
        state_evolution.risk(-1.0, 1, nonnegative=True)
    with pytest.raises(ValueError, match=r"^`probabilities` must sum to 1, one for each value"):
        state_evolution.fixed_point(0.5, (0.0, 1.0), (0.5, 0.4), sigma=0, alpha=1)
    with pytest.raises(ValueError, match=r"^`delta` must be positive, `sigma` at least 0; got 0"):
        state_evolution.fixed_point(0.0, (0.0,), (1.0,), sigma=0, alpha=1)
