"""Activations with a known truth: how often, which together, how strongly, and independence."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from experiments.models import synthetic_activations, threefry
from experiments.models.synthetic_activations import KINDS, ActivationLaw, Active

Floats = NDArray[np.float64]

# Of a float32.
UNIT = 2.0**-24
BATCH = 40_000
# With a spread of 0.1 no amplitude is rectified: 1 is ten standard deviations.
SPREAD = 0.1
LAWS = {
    "fixed": ActivationLaw(7, 3, spread=SPREAD),
    "independent": ActivationLaw(12, 2.5, "independent", alpha=1.0, spread=SPREAD),
    "correlated": ActivationLaw(
        12, 3.0, "correlated", alpha=0.7, spread=SPREAD, group=3, strength=0.6
    ),
    "hierarchical": ActivationLaw(
        12, 3.0, "hierarchical", alpha=0.5, spread=SPREAD, group=4, strength=0.4
    ),
}
draw = jax.jit(synthetic_activations.draw, static_argnames=("law", "batch"))
mix = jax.jit(synthetic_activations.mix, static_argnames="batch")


@cache
def _drawn(kind: str, seed: int = 0) -> Active:
    found: Active = draw(jax.random.key(seed), LAWS[kind], BATCH)
    return found


def _dense(active: Active, features: int, batch: int) -> Floats:
    """By a loop over slots' places; no feature is twice in a sample."""
    sample, feature, amplitude = (np.asarray(leaf) for leaf in active)
    on = amplitude > 0
    place = sample[on].astype(np.int64) * features + feature[on]
    assert len(np.unique(place)) == len(place)
    found = np.zeros(batch * features)
    found[place] = amplitude[on]
    return found.reshape(batch, features)


def _whole(kind: str, seed: int = 0) -> Floats:
    return _dense(_drawn(kind, seed), LAWS[kind].features, BATCH)


def _upper(threshold: float, count: int, correlation: float) -> float:
    """P(all of `count` <= 3 equally correlated normal variables are past the threshold)."""
    shape = np.full((count, count), correlation) + (1 - correlation) * np.eye(count)
    return float(stats.multivariate_normal.cdf(np.full(count, -threshold), np.zeros(count), shape))


def _pairs(law: ActivationLaw) -> Floats:
    """Probability of both features of a pair."""
    chances = synthetic_activations.chances(law)
    found = np.outer(chances, chances)
    for i, j in combinations(range(law.features), 2):
        first, second = i % law.group, j % law.group
        if law.kind == "fixed":
            count = int(law.active)
            found[i, j] = count * (count - 1) / (law.features * (law.features - 1))
        elif i // law.group == j // law.group and law.kind == "correlated":
            found[i, j] = _upper(float(stats.norm.isf(chances[i])), 2, law.strength)
        elif i // law.group == j // law.group and law.kind == "hierarchical":
            parent = chances[i - first]
            found[i, j] = parent * law.strength ** ((first > 0) + (second > 0))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_how_often_and_which_together(kind: str) -> None:
    law = LAWS[kind]
    on = _whole(kind) > 0
    chances, pairs = synthetic_activations.chances(law), _pairs(law)
    assert chances.shape == (law.features,)
    assert chances.sum() == pytest.approx(law.active, rel=1e-12)
    # Means of independent 0/1 draws, at least 100 of them 1: five standard errors, which one of
    # the 280 numbers here leaves with probability 280 times 6e-7.
    found = on.T.astype(np.float64) @ on / BATCH
    expected = np.triu(pairs, 1) + np.diag(chances)
    assert expected[np.triu_indices(law.features)].min() * BATCH > 100
    band = 5 * np.sqrt(expected * (1 - expected) / BATCH)
    assert (np.abs(np.triu(found) - expected) <= band).all()


def test_frequencies_fall_as_a_power() -> None:
    for kind, alpha in (("independent", 1.0), ("correlated", 0.7), ("hierarchical", 0.5)):
        law = LAWS[kind]
        chances = synthetic_activations.chances(law).reshape(-1, law.group)
        rank = np.arange(1, len(chances) + 1) ** -alpha
        share = np.ones(law.group)
        if kind == "hierarchical":
            share[1:] = law.strength
        np.testing.assert_allclose(chances, chances[0, 0] * np.outer(rank, share), rtol=1e-12)
    assert synthetic_activations.chances(LAWS["fixed"]).tolist() == [3 / 7] * 7


def test_exactly_k_and_every_set_alike() -> None:
    on = _whole("fixed") > 0
    assert (on.sum(axis=1) == 3).all()
    # Pearson's statistic of 35 equally likely sets; a right one is larger once in 10^7.
    counts = np.bincount(on @ 2 ** np.arange(7), minlength=128)
    sets = [sum(2**i for i in chosen) for chosen in combinations(range(7), 3)]
    mean = BATCH / len(sets)
    statistic = np.sum((counts[sets] - mean) ** 2) / mean
    assert statistic < stats.chi2.isf(1e-7, len(sets) - 1)


@pytest.mark.parametrize("active", [1, 5])
def test_one_or_all_features(active: int) -> None:
    law = ActivationLaw(5, active, spread=0.0)
    found = _dense(draw(jax.random.key(2), law, 50), 5, 50)
    assert (found.sum(axis=1) == active).all()
    assert set(np.unique(found).tolist()) <= {0.0, 1.0}


def test_how_many_of_a_correlated_group() -> None:
    law = LAWS["correlated"]
    on = (_whole("correlated") > 0).reshape(BATCH, -1, 3)
    for group, chance in enumerate(synthetic_activations.chances(law)[::3]):
        threshold = float(stats.norm.isf(chance))
        one, two, three = (_upper(threshold, count, 0.6) for count in (1, 2, 3))
        # Inclusion and exclusion.
        exactly = [1 - 3 * one + 3 * two - three, 3 * (one - 2 * two + three), 0, three]
        exactly[2] = 3 * (two - three)
        counts = np.bincount(on[:, group].sum(axis=1), minlength=4) / BATCH
        band = 5 * np.sqrt(np.multiply(exactly, np.subtract(1, exactly)) / BATCH)
        assert (np.abs(counts - exactly) <= band).all()


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.99])
def test_the_law_of_a_group_by_quadrature(strength: float) -> None:
    law = ActivationLaw(40, 1.0, "correlated", alpha=1.0, group=4, strength=strength)
    found = synthetic_activations._members(law)
    chances = synthetic_activations.chances(law)[::4]
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    # Members' mean frequency, and that of their six pairs, of which the orthants are known.
    np.testing.assert_allclose(found @ np.arange(5) / 4, chances, rtol=1e-7)
    pairs = [_upper(float(stats.norm.isf(chance)), 2, strength) for chance in chances]
    np.testing.assert_allclose(found @ [0, 0, 1, 3, 6] / 6, pairs, rtol=1e-6)
    if strength == 0:
        expected = stats.binom.pmf(np.arange(5), 4, chances[:, None])
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_no_child_without_its_parent() -> None:
    law = LAWS["hierarchical"]
    parents = synthetic_activations.parents(law)
    assert parents.tolist() == [-1, 0, 0, 0, -1, 4, 4, 4, -1, 8, 8, 8]
    on = _whole("hierarchical") > 0
    children = parents >= 0
    assert on[:, children].any(axis=0).all()
    assert not (on[:, children] & ~on[:, parents[children]]).any()
    for kind in ("fixed", "independent", "correlated"):
        assert set(synthetic_activations.parents(LAWS[kind]).tolist()) == {-1}


@pytest.mark.parametrize("kind", KINDS)
def test_how_strongly(kind: str) -> None:
    found = _whole(kind)
    on = found > 0
    normal = (found[on] - 1) / SPREAD
    # A right sample has a smaller p-value once in 10^6.
    assert stats.kstest(normal, stats.norm.cdf).pvalue > 1e-6
    # Independent of which feature it is, of how many are on, and of each other.
    sums = np.where(on, (found - 1) / SPREAD, 0)
    assert (np.abs(sums.sum(axis=0)) < 5 * np.sqrt(on.sum(axis=0))).all()
    number = np.broadcast_to(on.sum(axis=1, keepdims=True), on.shape)[on]
    covariance = np.mean((number - number.mean()) * normal)
    assert abs(covariance) <= 5 * number.std() / np.sqrt(len(normal))
    both = np.triu(on.T.astype(np.float64) @ on, 1)
    assert (np.abs(np.triu(sums.T @ sums, 1)) <= 5 * np.sqrt(both)).all()


def test_amplitudes_are_rectified() -> None:
    law = ActivationLaw(6, 2, spread=0.8)
    active = draw(jax.random.key(1), law, BATCH)
    found = np.asarray(active.amplitude, np.float64)
    assert len(found) == 2 * BATCH
    spread, edge = law.spread, 1 / law.spread
    density = stats.norm.pdf(edge)
    # E a^p of a = max(0, 1 + s xi): Phi(1/s) for p = 0, and by parts
    # E a^p = E a^(p-1) + s² (p - 1) E a^(p-2), but for E a = Phi(1/s) + s phi(1/s).
    moments = [stats.norm.cdf(edge)]
    moments.append(moments[0] + spread * density)
    for power in (2, 3, 4):
        moments.append(moments[-1] + spread**2 * (power - 1) * moments[-2])
    for power, value in ((0, found > 0), (1, found), (2, found**2)):
        error = np.sqrt((moments[2 * power] - moments[power] ** 2) / len(found))
        assert abs(value.mean() - moments[power]) < 5 * error
    assert 0.05 < np.mean(found == 0) < 0.15
    assert (found >= 0).all()


@pytest.mark.parametrize("word", [0, 2**32 - 1])
def test_the_ends_of_the_uniform_numbers_are_finite(
    word: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jnp.full(shape, word, jnp.uint32)

    monkeypatch.setattr(threefry, "bits", same)
    active = synthetic_activations.draw(jax.random.key(0), ActivationLaw(4, 1, spread=1.0), 3)
    # The quantile of 2^-25 is -5.4, that of 1 - 2^-24 is 5.3.
    expected = 0 if word == 0 else 1 - stats.norm.ppf(2.0**-24)
    np.testing.assert_allclose(np.asarray(active.amplitude), [expected] * 3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_and_steps_are_independent(kind: str) -> None:
    first, second = _whole(kind) > 0, _whole(kind, seed=1) > 0
    chances = synthetic_activations.chances(LAWS[kind])
    # Indicators of a feature in neighbouring samples, and in the same sample of another step: a
    # mean of products of variance (p(1 - p))²; there are at most 24 of these.
    bound = 5 * chances * (1 - chances) / np.sqrt(BATCH - 1)
    centred, other = first - chances, second - chances
    for left, right in ((centred[1:], centred[:-1]), (centred, other)):
        assert (np.abs((left * right).mean(axis=0)) <= bound).all()
    # And so the numbers on in a sample; a fixed number does not vary.
    numbers = [np.asarray(one.sum(axis=1), np.float64) for one in (first, second)]
    for left, right in ((numbers[0][1:], numbers[0][:-1]), numbers):
        spread = left.std() * right.std()
        product = np.mean((left - left.mean()) * (right - right.mean()))
        assert abs(product) <= 5 * spread / np.sqrt(BATCH - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_sums_of_rows(kind: str) -> None:
    law = LAWS[kind]
    rows = np.random.default_rng(0).standard_normal((law.features, 5)).astype(np.float32)
    active, whole = _drawn(kind), _whole(kind)
    sample = np.asarray(active.sample)
    assert (np.diff(sample) >= 0).all()
    assert sample.min() >= 0
    assert sample.max() < BATCH
    np.testing.assert_array_equal(
        np.asarray(synthetic_activations.dense(active, law.features, BATCH)), whole
    )
    found = np.asarray(mix(rows, active, BATCH))
    # A product and at most twelve sums.
    allowed = 13 * UNIT * (whole @ np.abs(rows).astype(np.float64))
    assert (np.abs(found - whole @ rows.astype(np.float64)) <= allowed).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "other"}, "`kind` must be one of fixed, independent, correlated, hierarchical"),
        ({"features": 0}, r"`active` must lie in \(0, n\], n = 0 features; got 2"),
        ({"active": 0}, r"`active` must lie in \(0, n\], n = 8 features; got 0"),
        ({"active": 9}, r"`active` must lie in \(0, n\], n = 8 features; got 9"),
        ({"active": 2.5}, "`active` must be whole and `alpha` 0 for a fixed number; got 2.5"),
        ({"alpha": 1.0}, "`active` must be whole and `alpha` 0 for a fixed number; got 2 and 1"),
        ({"group": 2}, "`group` must divide the features, and be 2 or more just where they are"),
        ({"kind": "independent", "group": 2}, "`group` must divide the features"),
        ({"kind": "correlated"}, "`group` must divide the features"),
        ({"kind": "hierarchical", "group": 3}, "`group` must divide the features"),
        ({"kind": "hierarchical", "group": 0}, "`group` must divide the features"),
        ({"kind": "correlated", "group": 2, "strength": 1.0}, r"`strength` must lie in \[0, 1\)"),
        ({"strength": -0.1}, r"`strength` must lie in \[0, 1\)"),
        ({"spread": -0.1}, r"`strength` must lie in \[0, 1\), `spread` and `alpha`"),
        ({"kind": "independent", "alpha": -1.0}, "`spread` and `alpha` be at least 0"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as found:
        ActivationLaw(**{"features": 8, "active": 2, **given})
    assert "\n" not in str(found.value)


def test_features_that_are_always_on_are_refused() -> None:
    law = ActivationLaw(4, 3.99, "independent")
    with pytest.raises(ValueError, match=r"^`expected` must lie in \(0, 0\.99 n\]; got 3\.99"):
        synthetic_activations.draw(jax.random.key(0), law, 8)
