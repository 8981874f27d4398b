"""Kinds of failure on dictionaries made by hand, against all pairs, and by chance."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import recovery, recovery_failures
from geometry.recovery_failures import Feature, Latent


def _unit(count: int, dim: int, seed: int = 0) -> NDArray[np.float64]:
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float64)


def test_kinds_by_hand() -> None:
    truth = np.eye(8) * np.arange(1, 9)[:, None]
    one = np.eye(8)
    learned = np.stack(
        [
            5 * one[0],  # recovering
            one[0] + 0.1 * one[7],  # a copy, further away than the one before
            one[1] + one[2],  # merged, both features else unrecovered
            one[0] + 2 * one[3],  # merged with a feature that is recovered
            0 * one[0],  # dead: zero
            one[4],  # dead: silent
            one[5] + one[6] + one[7],  # three features
            -one[5],  # against its feature
            one[4] - one[5],  # a negative coefficient
        ]
    )
    living = np.arange(9) != 5
    found = recovery_failures.failures(learned, truth, living=living)
    merged, other, dead = Latent.MERGED, Latent.OTHER, Latent.DEAD
    assert found.latents.tolist() == [
        *(Latent.RECOVERING, Latent.SPLIT, merged, merged, dead, dead, other, other, other)
    ]
    assert found.features.tolist() == [Feature.RECOVERED] + 3 * [Feature.MERGED] + 4 * [
        Feature.MISSED
    ]
    assert found.copies.tolist() == [1] + 7 * [0]
    assert found.held[:2].tolist() == [[0, -1], [0, -1]]
    assert sorted(found.held[2].tolist()) == [1, 2]
    assert found.held[3].tolist() == [3, 0]
    assert (found.held[4:] == -1).all()
    assert found.weights[0] == pytest.approx(np.array([1, 0]))
    assert found.weights[1] == pytest.approx(np.array([1 / math.sqrt(1.01), 0]))
    assert found.weights[2] == pytest.approx(np.array([1, 1]) / math.sqrt(2))
    assert found.weights[3] == pytest.approx(np.array([2, 1]) / math.sqrt(5))
    assert (found.weights[4:] == 0).all()


def test_the_kinds_agree_with_recovery() -> None:
    truth = _unit(40, 12)
    generator = np.random.default_rng(1)
    learned = truth[generator.integers(0, 40, 60)] + 0.15 * generator.standard_normal((60, 12))
    living = generator.random(60) < 0.8
    found = recovery_failures.failures(learned, truth, living=living)
    scores = recovery.measure(learned, truth, living=living)
    assert ((found.features == Feature.RECOVERED) == (scores.latents >= 0)).all()
    recovering = np.flatnonzero(found.latents == Latent.RECOVERING)
    assert recovering.tolist() == sorted(scores.latents[scores.latents >= 0].tolist())
    assert (scores.latents[found.held[recovering, 0]] == recovering).all()
    assert ((found.latents == Latent.DEAD) == ~living).all()
    assert found.copies.sum() == (found.latents == Latent.SPLIT).sum() > 0
    # The feature of a surplus copy has a latent of its own.
    assert (scores.latents[found.copies > 0] >= 0).all()


def _merged(
    latent: NDArray[np.float64], truth: NDArray[np.float64], balance: float
) -> tuple[float, tuple[int, int]]:
    """The largest cosine with the projection onto two features, over all pairs."""
    best = (0.0, (-1, -1))
    for pair in itertools.combinations(range(len(truth)), 2):
        basis = truth[list(pair)].T
        weights = np.linalg.lstsq(basis, latent)[0]
        if weights.min() > 0 and weights.min() >= balance * weights.max():
            best = max(best, (float(np.linalg.norm(basis @ weights)), pair))
    return best


@pytest.mark.parametrize(("features", "dim", "balance"), [(8, 4, 0), (8, 4, 0.4), (20, 6, 0.25)])
def test_merged_latents_are_those_of_all_pairs(features: int, dim: int, balance: float) -> None:
    truth = _unit(features, dim, seed=2)
    learned = _unit(60, dim, seed=3)
    generator = np.random.default_rng(4)
    first, second = generator.integers(0, features, (2, 30))
    learned[:30] = truth[first] + truth[second] * generator.uniform(0.3, 1, (30, 1))
    learned[:30] += 0.1 * generator.standard_normal((30, dim))
    learned /= np.linalg.norm(learned, axis=1, keepdims=True)
    found = recovery_failures.failures(learned, truth, balance=balance)
    free = np.isin(found.latents, [Latent.MERGED, Latent.OTHER])
    assert {Latent.MERGED, Latent.OTHER} <= set(found.latents.tolist())
    for i in np.flatnonzero(free):
        reach, pair = _merged(learned[i], truth, balance)
        assert abs(reach - 0.9) > 1e-9
        assert (found.latents[i] == Latent.MERGED) == (reach > 0.9)
        if reach > 0.9:
            assert sorted(found.held[i].tolist()) == list(pair)
            weights = np.linalg.lstsq(truth[found.held[i]].T, learned[i])[0]
            assert found.weights[i] == pytest.approx(weights)
    held = set(found.held[found.latents == Latent.MERGED].ravel().tolist())
    for j in range(features):
        lost = found.features[j] != Feature.RECOVERED
        assert (found.features[j] == Feature.MERGED) == (lost and j in held)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, learned = _unit(12, 5, seed=5), _unit(30, 5, seed=6)
    whole = recovery_failures.failures(learned, truth)
    monkeypatch.setattr(recovery_failures, "_BLOCK_ENTRIES", 50)
    parts = recovery_failures.failures(learned, truth)
    assert parts.held.tolist() == whole.held.tolist()
    assert parts.weights.tolist() == whole.weights.tolist()
    assert Latent.MERGED in whole.latents


def test_rotation_and_order_change_nothing() -> None:
    truth, learned = _unit(12, 5, seed=5), _unit(30, 5, seed=6)
    before = recovery_failures.failures(learned, truth)
    generator = np.random.default_rng(7)
    turn, _ = np.linalg.qr(generator.standard_normal((5, 5)))
    rows, columns = generator.permutation(30), generator.permutation(12)
    after = recovery_failures.failures(7 * learned[rows] @ turn, truth[columns] @ turn / 3)
    assert (after.latents == before.latents[rows]).all()
    assert (after.features == before.features[columns]).all()
    assert (after.copies == before.copies[columns]).all()
    assert after.weights == pytest.approx(before.weights[rows])
    assert len(set(before.latents.tolist())) >= 3


def test_random_directions_do_not_merge() -> None:
    found = recovery_failures.failures(_unit(1000, 64, seed=8), _unit(128, 64, seed=9), balance=0)
    assert (found.latents == Latent.OTHER).all()
    assert (found.features == Feature.MISSED).all()
    assert recovery_failures.accidental_merges(128, 128, 64) == pytest.approx(
        128 * math.comb(128, 2) / 4 * (1 - 0.9**2) ** 31, rel=1e-12, abs=0
    )


def test_accidental_merges() -> None:
    latents, features, dim, level, draws = 5, 3, 4, 0.8, 1500
    generator = np.random.default_rng(10)
    counts = np.zeros(draws)
    for i in range(draws):
        rows = generator.standard_normal((latents + features, dim))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        for pair in itertools.combinations(range(features), 2):
            basis = rows[list(pair)].T
            weights = np.linalg.solve(basis.T @ basis, basis.T @ rows[features:].T)
            reach = np.linalg.norm(basis @ weights, axis=0)
            counts[i] += np.sum((weights > 0).all(axis=0) & (reach > level))
    expected = recovery_failures.accidental_merges(latents, features, dim, threshold=level)
    assert expected == pytest.approx(15 / 4 * 0.36)
    assert abs(counts.mean() - expected) < 5 * counts.std() / math.sqrt(draws)


def test_a_near_miss_is_no_merger() -> None:
    # Latents at cosine .89 of a feature. A chance second feature lifts them over .9 if it has
    # sqrt(.81 - .89²) = .134 of the .456 that are left, cosine .294, which some of 127 has in about
    # two cases of three; balanced it needs .25 · .89 = .2225, cosine .488: 4 in 1000.
    truth = _unit(128, 64, seed=11)
    generator = np.random.default_rng(12)
    near = truth[generator.integers(0, 128, 1000)]
    noise = generator.standard_normal((1000, 64))
    noise -= np.sum(noise * near, axis=1, keepdims=True) * near
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    learned = 0.89 * near + math.sqrt(1 - 0.89**2) * noise

    def merged(balance: float) -> float:
        kinds = recovery_failures.failures(learned, truth, balance=balance).latents
        return float(np.mean(kinds == Latent.MERGED))

    assert merged(0.25) < 0.02
    assert merged(0) > 0.4


def test_edges() -> None:
    # A single feature has no pair, and equal features have no plane.
    found = recovery_failures.failures(np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert found.latents.tolist() == [Latent.OTHER]
    twice = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = recovery_failures.failures(np.array([[1.0, 1.0], [1.0, 0.0]]), twice)
    assert found.latents.tolist() == [Latent.OTHER, Latent.RECOVERING]
    assert sorted(found.features.tolist()) == [Feature.RECOVERED, Feature.MISSED]
    # Two equal coefficients are balanced, and must be positive too.
    found = recovery_failures.failures(np.array([[1.0, 1], [-1, -1]]), np.eye(2), balance=1)
    assert found.latents.tolist() == [Latent.MERGED, Latent.OTHER]
    dead = recovery_failures.failures(np.zeros((3, 2)), twice)
    assert dead.latents.tolist() == 3 * [Latent.DEAD]
    assert dead.features.tolist() == 2 * [Feature.MISSED]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"balance": 1.5}, r"`balance` must lie in \[0, 1\]; got 1\.5\."),
        ({"balance": math.nan}, r"`balance` must lie in \[0, 1\]; got nan\."),
        ({"threshold": 0.0}, r"`threshold` must lie in \(0, 1\); got 0\.0\."),
    ],
)
def test_refusals(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        recovery_failures.failures(
            np.eye(2),
            np.eye(2),
            balance=arguments.get("balance", 0.25),
            threshold=arguments.get("threshold", 0.9),
        )
    with pytest.raises(ValueError, match=r"^`dim` must be at least 2; got 1\.$"):
        recovery_failures.accidental_merges(2, 2, 1)
