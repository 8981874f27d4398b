"""Counts of shared neurons against plain loops, laws of chance against every outcome there is."""

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import sharing


def _ensemble() -> NDArray[np.float32]:
    """Three members of five features on four neurons, a row of zeros among them."""
    vectors = np.random.default_rng(0).standard_normal((3, 5, 4)).astype(np.float32)
    vectors[1, 2] = 0
    # Exactly the threshold is not carried, whatever the sign.
    vectors[0, 0] = [0.5, -0.5, 0.75, -0.75]
    return vectors


def _carried(vectors: NDArray[np.float32], threshold: float) -> list[list[list[bool]]]:
    return [
        [[abs(float(weight)) > threshold for weight in row] for row in member] for member in vectors
    ]


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_counts_are_those_of_a_loop(threshold: float) -> None:
    vectors = _ensemble()
    carried = _carried(vectors, threshold)
    loads = [[sum(row[c] for row in member) for c in range(4)] for member in carried]
    assert np.asarray(sharing.load(vectors, threshold)).tolist() == loads
    assert np.asarray(sharing.polysemantic(vectors, threshold)).tolist() == [
        sum(number >= 2 for number in member) for member in loads
    ]
    assert np.asarray(sharing.carriers(vectors, threshold)).tolist() == [
        [sum(row) for row in member] for member in carried
    ]


def test_the_threshold_is_one_half_and_leading_axes_are_free() -> None:
    vectors = _ensemble()
    for count in (sharing.load, sharing.polysemantic, sharing.carriers):
        together = np.asarray(count(vectors))
        assert together.dtype == np.int32
        np.testing.assert_array_equal(together, np.asarray(count(vectors, 0.5)))
        np.testing.assert_array_equal(together[1], np.asarray(count(vectors[1])))
        two = np.asarray(count(vectors[:, None]))
        np.testing.assert_array_equal(two[:, 0], together)
    assert np.asarray(sharing.load(vectors[0, :1])).tolist() == [0, 0, 1, 1]
    # Of either sign, and three are one polysemantic neuron as two are.
    assert int(sharing.polysemantic(np.array([[1, 0, 1], [-1, 0, 1], [0, 0, -1]]))) == 2


def test_alignment_is_that_of_a_loop() -> None:
    vectors = _ensemble()
    found = np.asarray(sharing.alignment(vectors))
    expected = np.zeros((3, 5))
    for b, i in np.ndindex(3, 5):
        squares = [float(weight) ** 2 for weight in vectors[b, i]]
        if sum(squares) > 0:
            expected[b, i] = sum(s * s for s in squares) / sum(squares) ** 2
    assert expected[1, 2] == 0
    # Sums of positive terms: 16 roundings of 2^-24 (6 above, 9 below, one division) at the most.
    np.testing.assert_allclose(found, expected, rtol=16 * 2.0**-24, atol=0)
    np.testing.assert_array_equal(np.asarray(sharing.alignment(vectors[2])), found[2])


def test_alignment_of_axes_and_of_even_rows() -> None:
    rows = np.array([[0, -3, 0, 0], [0.5, -0.5, 0.5, 0.5], [0, 2, 2, 0], [0, 0, 0, 0]])
    # Powers of two: all is exact.
    assert np.asarray(sharing.alignment(rows)).tolist() == [1, 1 / 4, 1 / 2, 0]


def test_random_alignment() -> None:
    assert sharing.random_alignment(1) == 1
    # On the circle the mean of cos^4 + sin^4, of frequency 4: exact over 5 or more even angles.
    angles = 2 * np.pi * np.arange(8) / 8 + 0.1
    plane = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # Eight terms of a few roundings of 2^-53 each.
    assert np.mean((plane**4).sum(axis=1)) == pytest.approx(sharing.random_alignment(2), rel=1e-14)
    for neurons in (3, 20):
        draws = np.random.default_rng(neurons).standard_normal((20_000, neurons))
        squares = draws**2 / (draws**2).sum(axis=1)[:, None]
        found = (squares**2).sum(axis=1)
        error = found.std(ddof=1) / math.sqrt(len(found))
        assert abs(found.mean() - sharing.random_alignment(neurons)) < 4 * error


SMALL = [(1, 1), (1, 3), (2, 1), (2, 2), (3, 2), (3, 3), (4, 2), (4, 3), (5, 2)]


def _both_signs(taken: Sequence[int], neurons: int) -> int:
    """Neurons with both signs taken; slots 2j and 2j + 1 are the two signs of neuron j."""
    return sum({2 * neuron, 2 * neuron + 1} <= set(taken) for neuron in range(neurons))


@pytest.mark.parametrize(("features", "neurons"), SMALL)
def test_drop_law_is_the_mean_over_every_drop(features: int, neurons: int) -> None:
    drops = itertools.product(range(2 * neurons), repeat=features)
    mean = Fraction(sum(_both_signs(drop, neurons) for drop in drops), (2 * neurons) ** features)
    # Terms of at most 3·2 in size, each with a few roundings of 2^-53: 1e-15 or so.
    assert float(sharing.drop_law(features, neurons)) == pytest.approx(float(mean), abs=1e-14)


@pytest.mark.parametrize(("features", "neurons"), [(n, m) for n, m in SMALL if n <= 2 * m])
def test_slot_law_is_the_mean_over_every_choice_of_slots(features: int, neurons: int) -> None:
    choices = list(itertools.permutations(range(2 * neurons), features))
    mean = Fraction(sum(_both_signs(choice, neurons) for choice in choices), len(choices))
    assert float(sharing.slot_law(features, neurons)) == pytest.approx(float(mean), rel=1e-15)


@pytest.mark.parametrize("neurons", [1, 2, 5])
def test_pair_law_counts_half_of_all_ordered_pairs(neurons: int) -> None:
    drops = itertools.product(range(2 * neurons), repeat=2)
    chance = Fraction(sum(_both_signs(drop, neurons) for drop in drops), (2 * neurons) ** 2)
    for features in (1, 4, 7):
        expected = Fraction(features**2, 2) * chance
        assert float(sharing.pair_law(features, neurons)) == pytest.approx(
            float(expected), rel=1e-15
        )


def test_least_shared_is_the_least_of_all_choices() -> None:
    for features, neurons in SMALL:
        choices = list(itertools.permutations(range(2 * neurons), features))
        # With more features than slots every neuron is shared.
        least = min((_both_signs(choice, neurons) for choice in choices), default=neurons)
        assert float(sharing.least_shared(features, neurons)) == least
    assert sharing.least_shared([4, 8, 9, 20], 8).tolist() == [0, 0, 1, 8]


def test_laws_are_elementwise_and_agree_where_sharing_is_rare() -> None:
    features, neurons = np.array([16, 64]), np.array([[256], [4096]])
    for law in (sharing.pair_law, sharing.slot_law, sharing.drop_law, sharing.least_shared):
        found = law(features, neurons)
        assert found.shape == (2, 2)
        assert found.dtype == np.float64
        for i, j in np.ndindex(2, 2):
            assert found[i, j] == law(int(features[j]), int(neurons[i, 0]))
    # All are n²/4m (1 + O(1/n) + O(n/m)), with constants of at most 1.
    ratio = sharing.drop_law(features, neurons) / sharing.pair_law(features, neurons)
    assert (np.abs(ratio - 1) < 1 / features + features / neurons).all()
    ratio = sharing.slot_law(features, neurons) / sharing.pair_law(features, neurons)
    assert (np.abs(ratio - 1) < 1 / features + features / neurons).all()


def test_laws_have_their_names_in_tables() -> None:
    assert dict(sharing.LAWS) == {
        "n²/4m": sharing.pair_law,
        "n(n-1)/(4m-2)": sharing.slot_law,
        "drop model": sharing.drop_law,
    }
