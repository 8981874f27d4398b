"""Scores of units: closed forms, and a plain loop."""

from __future__ import annotations

import numpy as np

from geometry import monosemanticity


def test_scores_of_known_units() -> None:
    responses = np.array(
        [
            [0, 3, 0, 0],
            [1, 1, 0, 0],
            [2, -2, 2, -2],
            [0, 0, 0, 0],
            [0, 0, 1e-3, -7],
            [1, 0, 0, 9e-4],
        ],
        np.float32,
    )
    found = np.asarray(monosemanticity.scores(responses))
    np.testing.assert_allclose(found, [1, 0.5, 0.25, 0, 7 / 7.001, 1 / 1.0009], rtol=1e-6)
    living = np.array([True, True, True, True, True, False])
    pure = np.asarray(monosemanticity.monosemantic(responses, living))
    assert pure.tolist() == [True, False, False, False, True, False]
    features = np.asarray(monosemanticity.represented(responses, living))
    assert features.tolist() == [False, True, False, True]


def test_scores_are_those_of_a_loop_and_free_of_scale_and_sign() -> None:
    generator = np.random.default_rng(0)
    responses = generator.standard_normal((20, 9)) ** 21
    living = generator.random(20) < 0.8
    values, features = [], set()
    for unit, row in enumerate(responses):
        sizes = [abs(value) for value in row]
        values.append(max(sizes) / sum(sizes))
        if living[unit] and values[-1] > 0.999:
            features.add(sizes.index(max(sizes)))
    assert 1 < len(features) < 9
    scale = generator.uniform(0.1, 10, (20, 1)) * generator.choice([-1, 1], (20, 9))
    np.testing.assert_allclose(
        np.asarray(monosemanticity.scores((responses * scale).astype(np.float32))),
        values,
        rtol=1e-5,
    )
    found = np.asarray(monosemanticity.represented(responses.astype(np.float32), living))
    assert set(np.flatnonzero(found)) == features
