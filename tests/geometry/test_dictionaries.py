"""Dictionaries: unit rows, tightness, and the catalogue's coherence."""

import jax
import numpy as np
import pytest

from experiments.dictionary import NAMES
from geometry import catalogue, coherence, dictionaries, interference

# float32 rounds each entry by 2^-24 relative, so norms and d/n entries of WᵀW by a few of these.
ROUNDING = 8 * 2.0**-24


def key() -> jax.Array:
    """A key that no other test has consumed."""
    return jax.random.key(2)


@pytest.mark.parametrize(
    ("features", "dim"),
    [(4, 3), (3, 3), (9, 8), (16, 8), (15, 8), (70, 8), (2, 1), (1, 1), (40, 2)],
)
def test_tight_frames(features: int, dim: int) -> None:
    rows = dictionaries.tight_frame(key(), features, dim)
    assert rows.shape == (features, dim)
    assert rows.dtype == np.float32
    wide = rows.astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(wide, axis=1), 1, atol=ROUNDING)
    frame = wide.T @ wide
    np.testing.assert_allclose(frame, features / dim * np.eye(dim), atol=ROUNDING * features)
    # Then every row meets Welch's floor.
    if features > dim:
        gram = wide @ wide.T - np.eye(features)
        floor = interference.welch_mean_square(features, dim)
        np.testing.assert_allclose(np.sum(gram**2, axis=1) / (features - 1), floor, rtol=1e-5)


def test_d_plus_one_directions_are_the_simplex() -> None:
    rows = dictionaries.tight_frame(key(), 9, 8).astype(np.float64)
    gram = np.abs(rows @ rows.T)
    np.testing.assert_allclose(gram[np.triu_indices(9, 1)], 1 / 8, atol=1e-5)


def test_random_directions_differ_by_key() -> None:
    one, two = (dictionaries.make("random", jax.random.key(seed), 7, 4) for seed in (0, 1))
    assert not np.allclose(one, two)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=ROUNDING)
    frames = [dictionaries.make("tight", jax.random.key(seed), 7, 4) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(frames[0], frames[1])
    assert not np.allclose(frames[0], frames[2])


@pytest.mark.parametrize(("features", "dim"), [(100, 16), (30, 40), (200, 13)])
def test_packings_are_the_catalogue_s(features: int, dim: int) -> None:
    rows = dictionaries.make("packing", key(), features, dim)
    assert rows.shape == (features, dim)
    best = catalogue.least_coherent(dim, features)
    assert float(coherence.mutual_coherence(rows)) <= float(best.coherence) + 1e-6
    # Up to its sign, each row is the catalogue's, and both signs occur.
    stored = best.rows(np.arange(features)).unit()
    signs = np.sign(np.einsum("nd,nd->n", rows, stored))
    np.testing.assert_allclose(rows, stored * signs[:, None], atol=ROUNDING)
    assert 0.2 < (signs > 0).mean() < 0.8


def test_kinds() -> None:
    assert tuple(dictionaries.KINDS) == NAMES


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`kind` must be one of random, tight, packing; got 'x'"):
        dictionaries.make("x", key(), 3, 3)
    with pytest.raises(ValueError, match=r"^`features` must be at least the dimension, 4, for a"):
        dictionaries.make("tight", key(), 3, 4)
    with pytest.raises(ValueError, match=r"^`dim` must be at least 1; got 0\.$"):
        dictionaries.make("tight", key(), 3, 0)
