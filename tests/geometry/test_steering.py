"""Steering's closed forms against whole readings."""

import logging
import math

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geometry import capacity, sphere, steering


def _unit(count: int = 40, dim: int = 7, seed: int = 0) -> NDArray[np.float64]:
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return np.asarray(rows / np.linalg.norm(rows, axis=1)[:, None], np.float64)


TARGETS = np.array([3, 0, 39, 17, 5])


def test_selectivity_is_the_share_of_energy() -> None:
    rows = _unit()
    written = np.random.default_rng(1).standard_normal((5, 7))
    found = steering.selectivity(rows, TARGETS, written)
    for place, target in enumerate(TARGETS):
        change = rows @ written[place]
        assert found[place] == pytest.approx(change[target] ** 2 / np.sum(change**2))
    np.testing.assert_allclose(
        steering.selectivity(rows, TARGETS, rows[TARGETS]),
        capacity.feature_dimensionality(rows)[TARGETS],
    )
    assert steering.selectivity(rows, TARGETS[:1], np.zeros((1, 7)))[0] == 0


def test_the_dual_direction_has_least_collateral() -> None:
    rows = _unit()
    dual = steering.dual_directions(rows, TARGETS)
    np.testing.assert_allclose(np.einsum("md,md->m", rows[TARGETS], dual), 1)
    best = steering.selectivity(rows, TARGETS, dual)
    np.testing.assert_allclose(best, capacity.leverage(rows)[TARGETS])
    generator = np.random.default_rng(2)
    for size in (1e-3, 0.1, 10):
        other = dual + size * generator.standard_normal(dual.shape)
        assert (steering.selectivity(rows, TARGETS, other) <= best + 1e-12).all()


def test_best_neurons() -> None:
    rows = _unit()
    best, share = steering.best_neurons(rows, TARGETS)
    for place, target in enumerate(TARGETS):
        shares = [rows[target, c] ** 2 / np.sum(rows[:, c] ** 2) for c in range(7)]
        assert best[place] == int(np.argmax(shares))
        assert share[place] == pytest.approx(max(shares))
    axes = np.eye(7)[best]
    np.testing.assert_allclose(steering.selectivity(rows, TARGETS, axes), share)
    # A neuron that nothing uses is never the best.
    silent = np.concatenate([rows, np.zeros((40, 1))], axis=1)
    assert (steering.best_neurons(silent, TARGETS)[0] < 7).all()


@pytest.mark.parametrize("entries", [1 << 21, 80])
def test_couplings(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    # With 80 entries a block holds two targets, and the last block reaches back.
    monkeypatch.setattr(steering, "_BLOCK_ENTRIES", entries)
    rows = _unit()
    written = np.random.default_rng(3).standard_normal((5, 7)) / 3
    levels = np.array([0.05, 0.3])
    change = written @ rows.T
    assert np.abs(change[..., None] - levels).min() > 1e-5  # none is decided by rounding
    found = steering.couplings(rows, TARGETS, written, levels)
    for place, target in enumerate(TARGETS):
        others = np.delete(change[place], target)
        assert found.largest[place] == pytest.approx(others.max(), rel=1e-5)
        assert found.mean_square[place] == pytest.approx(np.mean(others**2), rel=1e-5)
        assert found.passing[place].tolist() == [(others > level).sum() for level in levels]


def test_couplings_compile_once(caplog: pytest.LogCaptureFixture) -> None:
    rows = _unit(33, 6).astype(np.float32)

    def compiled(targets: NDArray[np.int64]) -> int:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            steering.couplings(rows, targets, rows[targets], np.array([0.1]))
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(np.array([1, 2, 3])) > 0
    assert compiled(np.array([30, 4, 9])) == 0


def test_first_false_activation() -> None:
    rows = _unit()
    seen = steering.couplings(rows, TARGETS, rows[TARGETS], np.array([0.5]))
    first = steering.first_false_activation(0.5, 2.0, seen.largest)
    for place, target in enumerate(TARGETS):
        for scale, some in ((first[place] - 1e-4, False), (first[place] + 1e-4, True)):
            change = (scale - 1) * 2.0 * (rows @ rows[target])
            assert bool((np.delete(change, target) > 0.5).any()) is some
    assert steering.first_false_activation(0.5, 1.0, np.array([-0.2, 0.0])).tolist() == [
        math.inf,
        math.inf,
    ]


def test_spurious_fractions() -> None:
    # science's reference numbers, to the digits given.
    for dim, share in ((64, 0.328), (256, 0.187), (768, 0.062), (4096, 1.9e-4)):
        found = float(steering.spurious_fraction(10, 0.5, dim, exact=False))
        assert float(f"{found:.2g}") == float(f"{share:.2g}")
        assert found == pytest.approx(stats.norm.sf(0.5 * math.sqrt(dim) / 9))
        exact = float(steering.spurious_fraction(10, 0.5, dim))
        z = 0.5 * math.sqrt(dim) / 9
        first = -stats.norm.pdf(z) * (z**3 - 3 * z) / (4 * (dim + 2))
        assert abs(exact - found - first) < abs(first) / 3 + 1e-7
    assert steering.spurious_fraction(np.array([1, 0]), 0.5, 16).tolist() == pytest.approx(
        [0, float(sphere.tail(0.5, 16)) / 2]
    )


def test_the_best_neuron_of_random_directions() -> None:
    features, dim, draws = 4000, 50, 30
    shares = []
    for seed in range(draws):
        rows = np.asarray(sphere.sample(jax.random.key(seed), features, dim))
        shares.append(steering.best_neurons(rows, np.arange(400))[1].mean())
    law = steering.best_neuron_law(features, dim)
    assert law < 2 * math.log(dim) / features
    # Squares of a row sum to 1, which costs O(1/d): within 3%, with an error of the mean of 0.2%.
    assert float(np.mean(shares)) == pytest.approx(law, rel=0.03)
    assert steering.best_neuron_law(10, 1) == pytest.approx(1 / 10)


@pytest.mark.parametrize(("features", "dim"), [(64, 64), (64, 16)])
def test_laws_of_random_directions_where_few_are_stored(features: int, dim: int) -> None:
    generator = np.random.default_rng(5)
    own, best = [], []
    for _ in range(1000):
        rows = generator.standard_normal((features, dim))
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        squares = (rows @ rows.T) ** 2
        own.append(np.mean(1 / squares.sum(axis=1)))
        best.append(np.mean((rows**2 / (rows**2).sum(axis=0)).max(axis=1)))
    # Four errors of the mean; exact for the one, within 0.5% for the other.
    error = 4 * np.std([own, best], axis=1) / math.sqrt(len(own))
    assert abs(np.mean(own) - steering.dimensionality_law(features, dim)) < error[0]
    law = steering.best_neuron_law(features, dim)
    assert abs(np.mean(best) - law) < error[1] + 0.005 * law


def test_the_law_of_dimensionality() -> None:
    # One other in the plane: E 1/(1 + cos² t) = 1/sqrt(2).
    assert steering.dimensionality_law(2, 2) == pytest.approx(math.sqrt(0.5))
    assert steering.dimensionality_law(1, 5) == pytest.approx(1)
    for features, dim in ((65536, 64), (65536, 1024), (4096, 512)):
        plain = 1 / (1 + (features - 1) / dim)
        assert plain < steering.dimensionality_law(features, dim) < plain * (1 + 2 / features)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`features` must be at least 2; got 1\.$"):
        steering.best_neuron_law(1, 4)
    with pytest.raises(ValueError, match=r"must be positive; got 0 and 1\.$"):
        steering.first_false_activation(0, 1, 0.1)
    with pytest.raises(ValueError, match=r"^`theta` must be at least 0 and `amplitude` positive"):
        steering.spurious_fraction(2, 0.5, 4, amplitude=0)


def test_what_a_direction_near_the_true_one_keeps() -> None:
    features, dim, cosine, draws = 40, 8, 0.8, 20_000
    rows = np.asarray(sphere.sample(jax.random.key(5), features, dim), np.float64)
    frame, own = rows.T @ rows, rows[3]
    across = np.random.default_rng(6).standard_normal((draws, dim))
    across -= np.outer(across @ own, own)
    across /= np.linalg.norm(across, axis=1)[:, None]
    written = cosine * own + math.sqrt(1 - cosine**2) * across
    energy = own @ frame @ own
    energies = np.einsum("bd,de,be->b", written, frame, written)
    found = steering.kept_selectivity(cosine, energy, features, dim)
    # The formula's inverse is the mean of an energy.
    inverse = energies / (cosine**2 * energy)
    assert abs(inverse.mean() - 1 / found) < 4 * inverse.std() / math.sqrt(draws)
    kept = steering.selectivity(rows, np.full(draws, 3), written) * energy
    assert found < kept.mean() < found * (1 + 2 * np.var(inverse * found))


def test_a_tight_frame_keeps_the_square_of_the_cosine() -> None:
    rows = np.concatenate(
        [np.eye(3), np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]]
    )
    v = np.array([[0.8, 0.6, 0.0], [0.8, 0.0, -0.6]])
    kept = steering.selectivity(rows, np.array([0, 0]), v) / 0.5
    np.testing.assert_allclose(kept, 0.64)
    for cosine, expected in ((0.8, 0.64), (-1.0, 1.0), (0.0, 0.0)):
        assert steering.kept_selectivity(cosine, 2.0, 6, 3) == pytest.approx(expected)


def test_a_latents_slope_is_least_squares() -> None:
    rng = np.random.default_rng(2)
    spread, active, dim, draws = 0.5, 4, 32, 200_000
    amplitude = 1 + spread * rng.standard_normal(draws)
    others = rng.standard_normal((draws, active - 1)) / math.sqrt(dim)
    others *= 1 + spread * rng.standard_normal((draws, active - 1))
    reading = amplitude + others.sum(axis=1)
    slope = np.cov(amplitude, reading)[0, 1] / np.var(reading)
    assert abs(steering.encoder_slope(spread, active, dim) - slope) < 0.01
    assert steering.encoder_slope(0, 1, 8) == 1
    assert steering.encoder_slope(0, 2, 8) == 0
