"""Metrics of recovery: reference dictionaries, a brute-force matching, floors, refusals."""

import itertools
import math
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from geometry import recovery, sphere

FEATURES, DIM = 24, 16


def _truth(features: int = FEATURES, dim: int = DIM, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    lengths = generator.uniform(0.2, 5, (features, 1))
    return np.asarray(lengths * generator.standard_normal((features, dim)), np.float64)


def _permuted(rows: NDArray[np.float64], seed: int = 1) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    scale = np.exp(generator.uniform(-5, 5, (len(rows), 1)))
    return np.asarray(scale * generator.permutation(rows), np.float64)


def _scores(found: recovery.Recovery) -> list[float]:
    return list(found[:-1])


# Reference dictionaries.


def test_a_perfect_dictionary_scores_one() -> None:
    truth = _truth()
    found = recovery.measure(_permuted(truth), truth)
    assert _scores(found)[:4] == [1, 1, 1, 1]
    assert _scores(found)[4:] == pytest.approx([1, 1], abs=1e-14)
    floor = recovery.chance_floor(jax.random.key(0), FEATURES, FEATURES, DIM, draws=2)
    assert recovery.above_chance(found.mcc, floor.mcc) == pytest.approx(1)
    assert recovery.above_chance(found.mmcs, floor.mmcs) == pytest.approx(1)


def test_a_flipped_latent_recovers_nothing_and_correlates_fully() -> None:
    truth = _truth()
    signs = np.where(np.arange(FEATURES) % 3 == 0, -1.0, 1.0)
    found = recovery.measure(_permuted(signs[:, None] * truth), truth)
    assert found.recall == found.precision == found.f1 == 2 / 3
    assert found.uniqueness == 1
    assert [found.mcc, found.mmcs] == pytest.approx([1, 1], abs=1e-14)
    assert ((found.latents < 0) == (signs < 0)).all()


def test_copies_count_once() -> None:
    truth = _truth()
    half = truth[: FEATURES // 2]
    found = recovery.measure(_permuted(np.concatenate([half, half])), truth)
    assert _scores(found)[:4] == [1 / 2, 1 / 2, 1 / 2, 1 / 2]
    # Many latents near one feature are one recovery.
    near = truth[:1] + 0.01 * np.random.default_rng(2).standard_normal((50, DIM))
    found = recovery.measure(near, truth)
    assert _scores(found)[:4] == [1 / FEATURES, 1 / 50, 2 / (50 + FEATURES), 1 / 50]


@pytest.mark.parametrize(("count", "dim", "draws"), [(256, 64, 32), (512, 64, 16), (2048, 256, 2)])
def test_a_random_decoder_scores_the_floor(count: int, dim: int, draws: int) -> None:
    floor = recovery.chance_floor(jax.random.key(1), count, count, dim, draws=draws)
    ours, theirs = jax.random.split(jax.random.key(2))
    found = recovery.measure(sphere.sample(ours, count, dim), sphere.sample(theirs, count, dim))
    assert _scores(found)[:4] == [0, 0, 0, 0]
    assert abs(recovery.above_chance(found.mcc, floor.mcc)) < 0.02
    assert abs(recovery.above_chance(found.mmcs, floor.mmcs)) < 0.02
    # The reference values are single draws, rounded: five standard deviations of one draw, and of
    # the mean. Two draws are no estimate of a deviation: that of one draw at 2048 is 0.0004.
    noted = {256: 0.357, 512: 0.378, 2048: 0.218}[count]
    deviation = 0.0004 if draws == 2 else floor.mcc_error * math.sqrt(draws)
    assert abs(floor.mcc - noted) < 5 * deviation * math.sqrt(1 + 1 / draws) + 5e-4


def test_the_floor_of_mmcs_is_that_of_simulation() -> None:
    for latents, features, dim in ((5, 7, 3), (1, 4, 2), (40, 10, 16)):
        floor = recovery.chance_floor(jax.random.key(0), latents, features, dim, draws=2).mmcs
        generator = np.random.default_rng(3)
        rows = generator.standard_normal((2000, latents, dim))
        rows /= np.linalg.norm(rows, axis=2, keepdims=True)
        largest = np.abs(rows[:, :, 0]).max(axis=1)
        assert abs(largest.mean() - floor) < 5 * largest.std() / math.sqrt(2000)
    # In one dimension every cosine is ±1; the mean |cosine| of the plane is 2/pi.
    assert recovery.chance_floor(jax.random.key(0), 3, 3, 1, draws=2)[::2] == pytest.approx((1, 1))
    plane = recovery.chance_floor(jax.random.key(0), 1, 1, 2, draws=2)
    assert plane.mmcs == pytest.approx(2 / math.pi)


def test_the_floor_is_reproducible_and_its_draws_independent() -> None:
    first = recovery.chance_floor(jax.random.key(5), 9, 12, 4, draws=8)
    assert first == recovery.chance_floor(jax.random.key(5), 9, 12, 4, draws=8)
    assert first.mcc != recovery.chance_floor(jax.random.key(6), 9, 12, 4, draws=8).mcc
    assert first.mcc_error > 0


def test_accidental_pairs() -> None:
    generator = np.random.default_rng(4)
    latents, features, dim, level, draws = 6, 5, 3, 0.8, 4000
    rows = generator.standard_normal((2, draws, 6, dim))
    rows /= np.linalg.norm(rows, axis=3, keepdims=True)
    pairs = np.einsum("smd,snd->smn", rows[0], rows[1][:, :features]) > level
    counts = pairs.sum(axis=(1, 2))
    expected = recovery.accidental_pairs(latents, features, dim, threshold=level)
    assert expected == pytest.approx(30 * 0.1)  # on the sphere the height is uniform
    assert abs(counts.mean() - expected) < 5 * counts.std() / math.sqrt(draws)
    assert recovery.accidental_pairs(4096, 4096, 64) < 1e-15


@pytest.mark.parametrize("silent", [False, True])
def test_a_dead_dictionary_scores_zero(silent: bool) -> None:
    truth = _truth()
    learned = truth if silent else np.zeros_like(truth)
    living = np.zeros(FEATURES, np.bool_) if silent else None
    found = recovery.measure(learned, truth, living=living)
    assert _scores(found) == [0, 0, 0, 0, 0, 0]
    assert (found.latents == -1).all()


def test_dead_latents_stay_in_the_denominators() -> None:
    truth = _truth()
    living = np.arange(FEATURES) % 4 > 0
    found = recovery.measure(truth, truth, living=living)
    zeroed = recovery.measure(np.where(living[:, None], truth, 0), truth)
    assert _scores(found) == _scores(zeroed)
    assert _scores(found)[:4] == [3 / 4, 3 / 4, 3 / 4, 1]
    assert (found.latents == np.where(living, np.arange(FEATURES), -1)).all()
    assert found.mcc < 1


# The matching.


def _best_matching(table: NDArray[np.float64], threshold: float) -> tuple[int, float]:
    """The most pairs above the threshold, and of those the largest sum, over all assignments."""
    if table.shape[0] < table.shape[1]:
        table = table.T
    best = (0, 0.0)
    for order in itertools.permutations(range(table.shape[0]), table.shape[1]):
        chosen = table[list(order), range(table.shape[1])]
        best = max(best, (int((chosen > threshold).sum()), chosen[chosen > threshold].sum()))
    return best


@pytest.mark.parametrize("shape", [(5, 5), (6, 3), (3, 6), (1, 4), (4, 1), (1, 1)])
def test_the_matching_is_the_best_of_all(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(5)
    for threshold in (0.2, 0.5, 0.8):
        for _ in range(12):
            table = generator.uniform(-1, 1, shape)
            found = recovery.recovered(table, threshold=threshold)
            features = np.flatnonzero(found >= 0)
            chosen = table[found[features], features]
            assert len(set(found[features])) == len(features)
            assert (chosen > threshold).all()
            pairs, total = _best_matching(table, threshold)
            assert len(chosen) == pairs
            assert chosen.sum() == pytest.approx(total, abs=1e-12)


def test_large_matchings_have_the_most_pairs() -> None:
    generator = np.random.default_rng(6)
    for m, n in ((300, 200), (200, 300)):
        # About one pair a latent: chains of rivals, where greedy choices fail.
        table = np.where(generator.random((m, n)) < 1 / n, generator.uniform(0.9, 1, (m, n)), 0.1)
        found = recovery.recovered(table, threshold=0.9)
        most = maximum_bipartite_matching(csr_array(table > 0.9), perm_type="column")
        assert (found >= 0).sum() == (most >= 0).sum()


def test_nearest_neighbours_would_be_wrong() -> None:
    # Both latents are nearest to feature 0, which leaves feature 1 out; and choosing the largest
    # cosine first leaves the second latent with nothing.
    under = np.array([[0.99, 0.95], [0.97, 0.3]])
    assert under.argmax(axis=1).tolist() == [0, 0]
    assert recovery.recovered(under).tolist() == [1, 0]
    # One latent is the nearest of both features, and is counted twice.
    over = np.array([[0.99, 0.95], [0.3, 0.2]])
    assert (over.max(axis=0) > 0.9).all()
    assert recovery.recovered(over).tolist() == [0, -1]
    # The threshold is exceeded or not; a cosine equal to it does not count, nor a negative one.
    assert recovery.recovered(np.array([[0.9, -1.0]]), threshold=0.9).tolist() == [-1, -1]


def test_a_dead_latent_is_passed_over() -> None:
    table = np.array([[0.99, 0.1], [0.95, 0.1]])
    assert recovery.recovered(table).tolist() == [0, -1]
    assert recovery.recovered(table, living=np.array([False, True])).tolist() == [1, -1]


def test_mcc_and_mmcs_are_means_of_absolute_cosines() -> None:
    for m, n in ((5, 3), (3, 5)):
        learned, truth = _truth(m, 4, seed=7), _truth(n, 4, seed=8)
        size = np.abs(recovery.cosines(learned, truth))
        found = recovery.measure(learned, truth)
        assert found.mmcs == pytest.approx(size.max(axis=0).mean())
        assert found.mcc == pytest.approx(_best_matching(size, -1.0)[1] / min(m, n))


# Invariance and shapes.


@pytest.mark.parametrize("count", [FEATURES, 10, 40, 1])
def test_rotation_scale_and_order_change_nothing(count: int) -> None:
    truth = _truth()
    generator = np.random.default_rng(9)
    learned = truth[np.arange(count) % FEATURES] + 0.3 * generator.standard_normal((count, DIM))
    living = generator.random(count) < 0.8
    before = recovery.measure(learned, truth, threshold=0.95, living=living)
    assert count == 1 or 0 < before.recall < 1
    turn, _ = np.linalg.qr(generator.standard_normal((DIM, DIM)))
    rows, columns = generator.permutation(count), generator.permutation(FEATURES)
    after = recovery.measure(
        3e200 * learned[rows] @ turn,
        1e-200 * truth[columns] @ turn,
        threshold=0.95,
        living=living[rows],
    )
    assert _scores(after) == pytest.approx(_scores(before), abs=1e-12)
    back = np.where(after.latents >= 0, rows[after.latents], -1)
    assert (back == before.latents[columns]).all()


def test_more_latents_or_fewer() -> None:
    truth = _truth()
    more = np.concatenate([truth, -truth[:8]])
    assert _scores(recovery.measure(more, truth))[:3] == [1, 3 / 4, 6 / 7]
    assert _scores(recovery.measure(truth[:8], truth))[:3] == [1 / 3, 1, 1 / 2]
    assert recovery.measure(truth[:8], truth).mcc == pytest.approx(1)  # over 8 pairs
    assert _scores(recovery.measure(truth[3:4], truth))[:4] == [1 / 24, 1, 2 / 25, 1]


def test_cosines_of_extreme_rows() -> None:
    rows = np.array([[3e300, 4e300], [5e-324, 0.0], [0.0, 0.0]])
    found = recovery.cosines(rows, np.array([[1e-300, 0.0], [0.0, -2.0]]))
    assert found == pytest.approx(np.array([[0.6, -0.8], [1, 0], [0, 0]]), rel=1e-15, abs=0)


# The small ones.


def test_explained_variance_and_mean_active() -> None:
    generator = np.random.default_rng(10)
    target = generator.standard_normal((50, 3)) + 7
    assert recovery.explained_variance(target, target) == 1
    mean = np.broadcast_to(target.mean(axis=0), target.shape)
    assert recovery.explained_variance(target, mean) == pytest.approx(0, abs=1e-14)
    half = (target + mean) / 2
    assert recovery.explained_variance(target, half) == pytest.approx(3 / 4)
    assert recovery.explained_variance(target, 3 * mean - 2 * target) == pytest.approx(-8)
    assert recovery.mean_active(np.array([[0, 2.0, 1e-9], [0, 0, 3]])) == 1.5


def test_above_chance() -> None:
    assert recovery.above_chance(0.25, 0.25) == 0
    assert recovery.above_chance(1, 0.25) == 1
    assert recovery.above_chance(0, 0.5) == -1


# Refusals.

_OK: Any = np.eye(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: recovery.cosines(np.eye(2), _OK),
            r"`learned` must have the 3 columns of `truth`; got 2\.",
        ),
        (
            lambda: recovery.cosines(np.ones(3), _OK),
            r"`learned` must be a matrix with an entry; got shape \(3,\)\.",
        ),
        (
            lambda: recovery.cosines(_OK, np.ones((0, 3))),
            r"`truth` must be a matrix with an entry; got shape \(0, 3\)\.",
        ),
        (
            lambda: recovery.cosines(np.where(_OK, np.nan, 1), _OK),
            r"`learned` must be finite; row 0 is not\.",
        ),
        (
            lambda: recovery.measure(_OK, _OK / [1, 0.5, np.inf] + [0, 0, np.inf]),
            r"`truth` must be finite; row 0 is not\.",
        ),
        (
            lambda: recovery.cosines(_OK, np.diag([1.0, 0.0, 0.0])),
            r"rows of `truth` must be non-zero; row 1 is zero\.",
        ),
        (
            lambda: recovery.recovered(_OK, threshold=1),
            r"`threshold` must lie in \(0, 1\); got 1\.",
        ),
        (
            lambda: recovery.measure(_OK, _OK, threshold=math.nan),
            r"`threshold` must lie in \(0, 1\); got nan\.",
        ),
        (
            lambda: recovery.measure(_OK, _OK, living=np.ones(2, np.bool_)),
            r"`living` must be 3 booleans, one a latent; got bool of shape \(2,\)\.",
        ),
        (
            lambda: recovery.recovered(_OK, living=np.ones(3)),
            r"`living` must be 3 booleans, one a latent; got float64 of shape \(3,\)\.",
        ),
        (
            lambda: recovery.explained_variance(_OK, np.eye(2)),
            r"`reconstruction` must have the shape \(3, 3\) of `target`; got \(2, 2\)\.",
        ),
        (
            lambda: recovery.explained_variance(np.ones((3, 3)), _OK),
            r"`target` must vary over samples; got a constant\.",
        ),
        (
            lambda: recovery.mean_active(np.full((2, 2), np.inf)),
            r"`activations` must be finite; row 0 is not\.",
        ),
        (
            lambda: recovery.above_chance(0.5, 1.0),
            r"`floor` must lie in \[0, 1\); got 1\.0\.",
        ),
        (
            lambda: recovery.chance_floor(jax.random.key(0), 0, 2, 2),
            r"`latents` must be at least 1; got 0\.",
        ),
        (
            lambda: recovery.chance_floor(jax.random.key(0), 2, 2, 2, draws=1),
            r"`draws` must be at least 2; got 1\.",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        call()
