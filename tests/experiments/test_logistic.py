"""The logistic crossing: its estimate, the coverage of its interval, separated data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.logistic import crossing

X = np.arange(60, 95, 5)
CENTRE, WIDTH = 77.0, 4.0


def chances(shift: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(1 / (1 + np.exp((X - CENTRE - shift) / WIDTH)), np.float64)


def test_many_trials_find_the_centre() -> None:
    generator = np.random.default_rng(0)
    found = crossing(X, generator.binomial(4000, chances(), (10, len(X))), 4000)
    assert found is not None
    assert found.at == pytest.approx(CENTRE, abs=0.1)
    assert found.width == pytest.approx(WIDTH, rel=0.03)
    assert found.interval[0] < CENTRE < found.interval[1]


def test_the_interval_covers_also_when_groups_differ() -> None:
    generator = np.random.default_rng(1)
    covered, runs = 0, 80
    for run in range(runs):
        # Each group has a centre of its own, as dictionaries do.
        won = np.stack(
            [generator.binomial(20, chances(shift)) for shift in generator.normal(0, 2, 10)]
        )
        found = crossing(X, won, 20, seed=run)
        assert found is not None
        covered += found.interval[0] <= CENTRE <= found.interval[1]
    # 95% nominal: 84% or less of 80 has a chance of 5e-4 even at 94%.
    assert covered / runs > 0.84


def test_separated_data_give_the_gap() -> None:
    won = np.tile(np.where(X < 77, 20, 0), (6, 1))
    found = crossing(X, won, 20)
    assert found is not None
    assert found.at == pytest.approx(77.5, abs=0.5)
    assert found.interval[0] <= 75
    assert found.interval[1] >= 80


def test_data_that_end_alike_have_no_crossing() -> None:
    zeros = np.zeros((6, len(X)))
    assert crossing(X, zeros, 20) is None
    assert crossing(X, zeros + 20, 20) is None
    # Success that rises with x is no such curve.
    assert crossing(X, np.tile(np.where(X < 77, 0, 20), (6, 1)), 20) is None
    # A lone success is lost in some resamples: nothing is known for sure.
    lone = zeros.copy()
    lone[0, 0] = 1
    found = crossing(X, lone, 20)
    assert found is None or found.interval == (-math.inf, math.inf)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`successes` must have shape \[groups, 7\]; got \(7,\)"):
        crossing(X, np.zeros(7), 20)
    with pytest.raises(ValueError, match=r"^`successes` must have at least 5 groups; got 4\.$"):
        crossing(X, np.zeros((4, 7)), 20)
    with pytest.raises(ValueError, match=r"^`successes` must lie between 0 and `trials`\.$"):
        crossing(X, np.full((5, 7), 21), 20)
