"""The measured random baseline against plain loops over the same draws, and against theory."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from numpy.typing import NDArray

from geometry import baseline, sphere


def _keys(seed: int, members: int) -> Array:
    root = jax.random.key(seed)
    return jax.vmap(lambda member: jax.random.fold_in(root, member))(jnp.arange(members))


def _directions(key: Array, count: int, dim: int, batch: int) -> NDArray[np.float64]:
    parts = [
        sphere.sample(jax.random.fold_in(key, index), batch, dim)
        for index in range(-(-count // batch))
    ]
    return np.concatenate(parts)[:count].astype(np.float64)


def _first_clash(directions: NDArray[np.float64], eps: float) -> int:
    for count, direction in enumerate(directions):
        if np.any(np.abs(directions[:count] @ direction) > eps):
            return count
    return len(directions)


def _greedy(directions: NDArray[np.float64], eps: float) -> int:
    kept = np.empty((0, directions.shape[1]))
    for direction in directions:
        if not np.any(np.abs(kept @ direction) > eps):
            kept = np.concatenate([kept, direction[None, :]])
    return len(kept)


@pytest.mark.parametrize("eps", [0.45, 0.6, 0.7])
def test_first_clash_against_a_loop(eps: float) -> None:
    # Clashes fall in the first batch of 16, in later ones, and beyond the cap, which ends in the
    # middle of a batch.
    for member in range(8):
        key = jax.random.fold_in(jax.random.key(1), member)
        expected = _first_clash(_directions(key, 100, 24, 16), eps)
        found = baseline.first_clash(key, dim=24, eps=eps, cap=100, batch=16)
        assert (int(found.count), bool(found.capped)) == (expected, expected == 100)


@pytest.mark.parametrize("eps", [0.0, 0.2, 0.5])
def test_greedy_against_a_loop(eps: float) -> None:
    # 150 candidates end in the middle of a batch; at eps = 0.5 more are kept than one batch holds.
    for member in range(4):
        key = jax.random.fold_in(jax.random.key(2), member)
        expected = _greedy(_directions(key, 150, 12, 16), eps)
        found = baseline.greedy(key, dim=12, eps=eps, candidates=150, capacity=100, batch=16)
        assert (int(found.count), bool(found.full)) == (expected, False)


def test_greedy_stops_at_its_capacity() -> None:
    beyond, capacity = [], 24
    for member in range(12):
        key = jax.random.fold_in(jax.random.key(3), member)
        expected = _greedy(_directions(key, 150, 12, 16), 0.48)
        found = baseline.greedy(key, dim=12, eps=0.48, candidates=150, capacity=24, batch=16)
        assert int(found.count) == min(expected, capacity)
        assert bool(found.full) == (capacity < expected)
        beyond.append(expected - capacity)
    # The draws fall on both sides, and one meets the capacity exactly.
    assert min(beyond) < 0 < max(beyond)
    assert 0 in beyond


def test_caps_do_not_change_the_draws() -> None:
    key = jax.random.key(4)
    counts = [
        int(baseline.first_clash(key, dim=24, eps=0.6, cap=cap, batch=16).count)
        for cap in (17, 100)
    ]
    assert 17 < counts[1] < 100
    assert counts[0] == 17


def test_seeds_under_vmap_equal_the_loop() -> None:
    keys = _keys(5, 6)

    def clash(key: Array) -> baseline.FirstClash:
        return baseline.first_clash(key, dim=24, eps=0.6, cap=100, batch=16)

    def packed(key: Array) -> baseline.Greedy:
        return baseline.greedy(key, dim=12, eps=0.5, candidates=150, capacity=100, batch=16)

    clashes, packings = jax.vmap(clash)(keys), jax.vmap(packed)(keys)
    assert len(set(clashes.count.tolist())) > 1
    for member, key in enumerate(keys):
        assert int(clashes.count[member]) == int(clash(key).count)
        assert bool(clashes.capped[member]) == bool(clash(key).capped)
        assert int(packings.count[member]) == int(packed(key).count)


def test_edges() -> None:
    key = jax.random.key(6)
    for dim, eps in ((1, 0.5), (24, 0.0)):
        found = baseline.first_clash(key, dim=dim, eps=eps, cap=100, batch=16)
        assert (int(found.count), bool(found.capped)) == (1, False)
    packed = baseline.greedy(key, dim=1, eps=0.5, candidates=150, capacity=100, batch=16)
    assert (int(packed.count), bool(packed.full)) == (1, False)
    alone = baseline.first_clash(key, dim=1, eps=0.5, cap=1, batch=16)
    assert (int(alone.count), bool(alone.capped)) == (1, True)
    assert float(baseline.random_coherence(key, dim=1, count=1)) == 0


def test_first_clash_follows_its_law() -> None:
    dim, eps, members = 32, 0.62, 400
    probability = float(sphere.tail(eps, dim))
    draws = jax.vmap(
        lambda key: baseline.first_clash(key, dim=dim, eps=eps, cap=256, batch=128).count
    )(_keys(7, members))
    counts = np.asarray(draws)
    median = sphere.first_clash_median(dim, eps)
    for n in (median // 2, median, 3 * median // 2):
        pairs = n * (n - 1) / 2
        survival = (1 - probability) ** pairs
        # The law's own error, as its docstring bounds it, and four binomial standard errors.
        law = (1 - survival) * (4 * n - 7) * probability + probability**2 * pairs / 2
        noise = 4 * math.sqrt(survival * (1 - survival) / members)
        assert law + noise < 0.2
        assert abs((counts >= n).mean() - survival) < law + noise


def test_greedy_follows_its_law() -> None:
    dim, eps, candidates, members = 32, 0.55, 64, 400
    probability = float(sphere.tail(eps, dim))
    pairs = math.comb(candidates, 2)
    sizes = np.asarray(
        jax.vmap(
            lambda key: (
                baseline.greedy(
                    key, dim=dim, eps=eps, candidates=candidates, capacity=64, batch=64
                ).count
            )
        )(_keys(8, members))
    )
    # Each candidate refused ends a clashing pair, so refusals are at most the pairs that clash:
    # pairs·p on average. They fall short of it by at most one for each two clashing pairs that
    # share a candidate: pairs·(candidates-2)·p², as two such pairs are independent.
    most = pairs * probability
    least = most - pairs * (candidates - 2) * probability**2
    assert 0.5 < least < most < 1.2 * least
    noise = 5 * sizes.std() / math.sqrt(members)
    assert least - noise < candidates - sizes.mean() < most + noise
    assert least < candidates - sphere.greedy_count(dim, eps, candidates) < most


def test_random_coherence_follows_its_law() -> None:
    dim, count, members = 16, 64, 400
    draws = np.asarray(
        jax.vmap(lambda key: baseline.random_coherence(key, dim=dim, count=count))(
            _keys(9, members)
        )
    )
    pairs = math.comb(count, 2)
    for level in (0.1, 0.5, 0.9):
        outside = -math.expm1(math.log(level) / pairs)
        law = (1 - level) * (4 * count - 7) * outside + pairs * outside**2 / 2
        noise = 4 * math.sqrt(level * (1 - level) / members)
        quantile = sphere.largest_cosine_quantile(count, dim, level)
        assert abs((draws <= quantile).mean() - level) < law + noise


def test_random_coherence_against_the_gram_matrix() -> None:
    # The same key twice: the first draw is made anew in the test.
    rows = np.asarray(sphere.sample(jax.random.key(10), 50, 8), np.float64)
    largest = np.abs(rows @ rows.T)[np.triu_indices(50, 1)].max()
    # Unit to within 8 roundings, normalised once more, and a product of 8 terms.
    found = float(baseline.random_coherence(jax.random.key(10), dim=8, count=50))
    assert abs(found - largest) < 24 * 2.0**-24


def test_errors() -> None:
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        baseline.first_clash(key, dim=0, eps=0.5, cap=10)
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        baseline.random_coherence(key, dim=0, count=10)
    for eps in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\); got {eps}\.$"):
            baseline.first_clash(key, dim=3, eps=eps, cap=10)
        with pytest.raises(ValueError, match=rf"^`eps` must lie in \[0, 1\); got {eps}\.$"):
            baseline.greedy(key, dim=3, eps=eps, candidates=10, capacity=10)
    with pytest.raises(ValueError, match=r"^`cap` must lie in \[1, 2\^31 - 1\); got 0\.$"):
        baseline.first_clash(key, dim=3, eps=0.5, cap=0)
    with pytest.raises(ValueError, match=r"^`batch` must lie in \[1, 2\^31 - 1\); got 0\.$"):
        baseline.first_clash(key, dim=3, eps=0.5, cap=10, batch=0)
    for sizes in ({"candidates": 0, "capacity": 1}, {"candidates": 1, "capacity": 0}):
        with pytest.raises(ValueError, match=r"` must lie in \[1, 2\^31 - 1\); got 0\.$"):
            baseline.greedy(key, dim=3, eps=0.5, **sizes)
