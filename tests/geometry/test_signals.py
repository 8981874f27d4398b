"""Sparse signals: their laws, and their superposition against a loop."""

import itertools
import logging
import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from geometry import signals
from geometry.signals import AMPLITUDES, Activity, Signals

LAWS: tuple[Literal["exact", "bernoulli"], ...] = ("exact", "bernoulli")
# A test of many at once fails by chance with this probability.
RARE = 1e-6


def key() -> jax.Array:
    """A key that no other test has consumed."""
    return jax.random.key(7)


def test_exact_supports_are_uniform_subsets() -> None:
    trials, features, active = 40_000, 6, 3
    drawn = signals.draw(key(), trials, features, Activity(active))
    support = np.sort(np.asarray(drawn.support), axis=1)
    assert (np.diff(support, axis=1) > 0).all()
    assert support.min() >= 0
    assert support.max() < features
    subsets = dict.fromkeys(itertools.combinations(range(features), active), 0)
    for row in support:
        subsets[tuple(row.tolist())] += 1
    assert stats.chisquare(list(subsets.values())).pvalue > RARE
    np.testing.assert_array_equal(np.asarray(drawn.amplitudes), 1)


def test_bernoulli_features_are_independent() -> None:
    trials, features, active = 40_000, 12, 3
    drawn = signals.draw(key(), trials, features, Activity(active, law="bernoulli"))
    support = np.asarray(drawn.support)
    on = np.zeros((trials, features + 1), int)
    np.add.at(on, (np.arange(trials)[:, None], support), 1)
    on = on[:, :features]
    assert on.max() == 1
    share = active / features
    counts = np.bincount(on.sum(axis=1), minlength=features + 1)
    expected = trials * stats.binom.pmf(np.arange(features + 1), features, share)
    kept = expected > 5
    assert (
        stats.chisquare(
            [*counts[kept], counts[~kept].sum()], [*expected[kept], expected[~kept].sum()]
        ).pvalue
        > RARE
    )
    # Each feature, and each pair of features, as often as independent ones.
    assert np.abs(on.mean(axis=0) - share).max() < 5 * math.sqrt(share * (1 - share) / trials)
    pairs = (on.T @ on) / trials
    off = pairs[np.triu_indices(features, 1)]
    assert np.abs(off - share**2).max() < 5 * math.sqrt(share**2 * (1 - share**2) / trials)
    assert (np.asarray(drawn.amplitudes)[support == features] == 0).all()


@pytest.mark.parametrize("law", LAWS)
def test_everything_can_be_active(law: Literal["exact", "bernoulli"]) -> None:
    drawn = signals.draw(key(), 3, 5, Activity(5, law=law))
    np.testing.assert_array_equal(np.sort(np.asarray(drawn.support), axis=1), [range(5)] * 3)
    one = signals.draw(key(), 4, 1, Activity(1, law=law))
    np.testing.assert_array_equal(np.asarray(one.support), [[0]] * 4)


@pytest.mark.parametrize("name", AMPLITUDES)
def test_amplitudes_follow_their_law(name: str) -> None:
    drawn = signals.draw(key(), 50_000, 40, Activity(4, signed=True, amplitude=name))
    values = np.asarray(drawn.amplitudes, np.float64).ravel()
    law = AMPLITUDES[name]
    sizes = np.abs(values)
    for power, moment in ((1, 1.0), (2, law.mean_square), (4, law.mean_fourth)):
        seen = sizes**power
        assert abs(seen.mean() - moment) <= 5 * seen.std() / math.sqrt(len(seen))
    # Either sign alike.
    assert abs((values > 0).mean() - 0.5) < 5 * 0.5 / math.sqrt(len(values))
    if name == "uniform":
        assert stats.kstest(sizes, stats.uniform(0.5, 1).cdf).pvalue > RARE
    if name == "exponential":
        assert stats.kstest(sizes, stats.expon.cdf).pvalue > RARE


def test_rare_features_keep_their_rate() -> None:
    # Gaps of a million: the uniforms' resolution of 2^-24 would bias gaps far beyond 17/p alone.
    features, active, trials = 1 << 20, 8, 4096
    drawn = signals.draw(key(), trials, features, Activity(active, law="bernoulli"))
    support = np.asarray(drawn.support)
    count = int((support < features).sum())
    assert abs(count - trials * active) < 5 * math.sqrt(trials * active)
    places = support[support < features] / features
    assert stats.kstest(places, stats.uniform.cdf).pvalue > RARE


def test_codes_have_exactly_the_asked_number() -> None:
    asked = np.array([0, 1, 3, 5, 6] * 400, np.int32)
    codes = np.asarray(signals.draw_codes(key(), len(asked), 6, asked, signed=True))
    np.testing.assert_array_equal((codes != 0).sum(axis=1), asked)
    assert set(np.unique(codes)) == {-1.0, 0.0, 1.0}
    three = codes[asked == 3] != 0
    subsets: dict[tuple[int, ...], int] = dict.fromkeys(itertools.combinations(range(6), 3), 0)
    for row in three:
        subsets[tuple(np.flatnonzero(row).tolist())] += 1
    assert stats.chisquare(list(subsets.values())).pvalue > RARE
    positive = np.asarray(signals.draw_codes(key(), 5, 6, 2, signed=False))
    assert set(np.unique(positive)) == {0.0, 1.0}


def test_thinning_keeps_a_uniform_choice() -> None:
    drawn = signals.draw(key(), 20_000, 5, Activity(4))
    kept = signals.thin(jax.random.key(8), drawn, 2, 5)
    support, amplitudes = np.asarray(kept.support), np.asarray(kept.amplitudes)
    assert ((support < 5).sum(axis=1) == 2).all()
    np.testing.assert_array_equal(amplitudes != 0, support < 5)
    subsets = dict.fromkeys(itertools.combinations(range(5), 2), 0)
    for row in support:
        subsets[tuple(sorted(row[row < 5].tolist()))] += 1
    assert stats.chisquare(list(subsets.values())).pvalue > RARE


@pytest.mark.parametrize("features", [5, 2000])
def test_superposition(features: int) -> None:
    # Five features with four slots go through a dense code, two thousand are added one by one.
    rows = np.random.default_rng(1).standard_normal((features, 3)).astype(np.float32)
    drawn = signals.draw(
        key(), 6, features, Activity(2, law="bernoulli", signed=True, amplitude="exponential")
    )
    found = np.asarray(signals.superpose(rows, drawn))
    for trial in range(6):
        total = np.zeros(3)
        for which, amplitude in zip(
            np.asarray(drawn.support)[trial], np.asarray(drawn.amplitudes)[trial], strict=True
        ):
            if which < features:
                total += float(amplitude) * rows[which].astype(np.float64)
        np.testing.assert_allclose(found[trial], total, atol=1e-5)
    turned, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    np.testing.assert_allclose(
        np.asarray(signals.superpose((rows @ turned).astype(np.float32), drawn)),
        found @ turned,
        atol=1e-5,
    )


def test_empty_slots_add_nothing() -> None:
    empty = Signals(jnp.full((2, 3), 4, jnp.int32), jnp.zeros((2, 3), jnp.float32))
    np.testing.assert_array_equal(np.asarray(signals.superpose(np.ones((4, 2)), empty)), 0)


def test_the_number_of_active_features_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def compiled(active: int) -> int:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            signals.draw_codes(key(), 9, 31, active, signed=False)
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(4) > 0
    assert compiled(5) == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`active` must be at least 1; got 0\.$"):
        Activity(0)
    with pytest.raises(ValueError, match=r"^`amplitude` must be one of constant, uniform, exp"):
        Activity(1, amplitude="gamma")
    for noise in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^`noise` must be a number in \[0, inf\); got "):
            Activity(1, noise=noise)
    with pytest.raises(ValueError, match=r"^`active` must be at most the 3 features there are"):
        signals.draw(key(), 2, 3, Activity(4))
