"""Absorption on hand-made dictionaries, and counts against loops."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import absorption
from geometry.absorption import Absorption

# 0 is the parent of 1 and 2, 3 that of 4; 5 stands alone.
PARENTS = np.array([-1, 0, 0, -1, 3, -1])
Bools = NDArray[np.bool_]


def _on(samples: int = 400, seed: int = 0) -> Bools:
    """Each parent on in half of the samples, each child in half of those."""
    on = np.random.default_rng(seed).random((samples, 6)) < 0.5
    for child, parent in enumerate(PARENTS):
        if parent >= 0:
            on[:, child] &= on[:, parent]
    return on


def _found(learned: NDArray[np.float64], fires: Bools, on: Bools, share: float = 0.5) -> Absorption:
    own = absorption.hierarchy(learned, np.eye(6), PARENTS)
    return absorption.absorbed(absorption.silences(fires, on, own), own, share=share)


def _absorbing() -> tuple[NDArray[np.float64], Bools, Bools]:
    # Latent 1 writes child and parent, and latent 0 is silent when child 1 is on.
    learned, on = 3 * np.eye(6), _on()
    learned[1, 0] = 3
    fires = on.copy()
    fires[:, 0] &= ~on[:, 1]
    return learned, fires, on


def test_a_perfect_dictionary_absorbs_nothing() -> None:
    on = _on()
    found = _found(np.eye(6), on, on)
    assert not found.absorbed.any()
    assert not found.absorbing.any()
    expected = [math.nan, 0, 0, math.nan, 0, math.nan]
    for shares in (found.silent, found.covered, found.excess):
        assert shares.tolist() == pytest.approx(expected, nan_ok=True)
    expected = [0, math.nan, math.nan, 0, math.nan, math.nan]
    for shares in (found.silent_alone, found.rate):
        assert shares.tolist() == pytest.approx(expected, nan_ok=True)


def test_an_absorbed_parent() -> None:
    learned, fires, on = _absorbing()
    found = _found(learned, fires, on)
    assert found.absorbed.tolist() == [True] + 5 * [False]
    assert found.absorbing.tolist() == [False, True] + 4 * [False]
    with_first, with_second = on[:, 1].sum(), on[:, 2].sum()
    both = (on[:, 1] & on[:, 2]).sum()
    assert found.silent[1] == found.covered[1] == found.excess[1] == 1
    assert found.silent[2] == both / with_second
    assert found.silent_alone[0] == 0
    assert found.rate[0] == with_first / (with_first + with_second)
    assert found.rate[3] == 0


def test_each_condition_counts() -> None:
    learned, fires, on = _absorbing()
    # A child's latent that does not carry the parent: the parent is missed, not absorbed.
    assert not _found(3 * np.eye(6), fires, on).absorbed.any()
    # One that carries it, against its direction.
    against = learned.copy()
    against[1, 0] = -3
    assert not _found(against, fires, on).absorbed.any()
    # A parent's latent that is silent whatever is on.
    broken = fires.copy()
    broken[:, 0] = False
    found = _found(learned, broken, on)
    assert not found.absorbed.any()
    assert found.excess[1] == 0
    # A child's latent that does not fire either.
    unheard = fires.copy()
    unheard[:, 1] = False
    found = _found(learned, unheard, on)
    assert not found.absorbed.any()
    assert (found.silent[1], found.covered[1]) == (1, 0)
    # No latent recovers the parent.
    gone = learned.copy()
    gone[0] = 0
    found = _found(gone, fires, on)
    assert not found.absorbed.any()
    assert np.isnan(found.silent[1])
    # The parent is never on alone: its own silence is unknown.
    child = on[:, 0] & (on[:, 1] | on[:, 2])
    found = _found(learned, fires[child], on[child])
    assert not found.absorbed.any()
    assert np.isnan(found.excess[1])


def test_how_much_of_the_parent_is_carried() -> None:
    generator = np.random.default_rng(1)
    truth = generator.standard_normal((6, 9))
    unit = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    magnitudes = np.array([2, 0.5, 1, 1, 4, 1.0])
    learned = truth.copy()
    # A full stand-in writes both with their magnitudes, 4 : 1 here; then a quarter of that, 1 : 1.
    for beta, carried in ((2.0, 1), (0.5, 0.25), (0.0, 0), (-2.0, -1)):
        learned[1] = 7 * (0.5 * unit[1] + beta * unit[0])
        own = absorption.hierarchy(learned, truth, PARENTS, magnitudes=magnitudes)
        if beta < 2:  # of two latents near the parent, the nearest is its own
            assert own.latents[0] == 0
        assert own.stand_ins.tolist() == [-1, 1, 2, -1, 4, -1]
        assert own.carried[[1, 2, 4]].tolist() == pytest.approx([carried, 0, 0])
        assert np.isnan(own.carried[[0, 3, 5]]).all()
    # A latent against its child, a zero row or a dead one is no stand-in.
    learned = np.eye(6)
    learned[1, 1], learned[2, 2] = -1, 0
    own = absorption.hierarchy(learned, np.eye(6), PARENTS, living=np.arange(6) != 4)
    assert (own.stand_ins == -1).all()
    assert np.isnan(own.carried).all()
    # Nor is a latent that recovers something else, near though it be.
    near = np.eye(6)
    near[5, 1] = 0.3
    near[1] = 0
    own = absorption.hierarchy(near, np.eye(6), PARENTS)
    assert own.latents[5] == 5
    assert own.stand_ins[1] == -1


@pytest.mark.parametrize(("share", "carried"), [(0.5, 0.5), (0.5, 0.49), (1.0, 1.0), (1.0, 0.99)])
def test_the_share_decides(share: float, carried: float) -> None:
    learned, fires, on = _absorbing()
    learned[1, 0] = 3 * (carried + 1e-9)
    assert _found(learned, fires, on, share).absorbed[0] == (carried >= share)


def test_counts_are_those_of_loops_and_add_up() -> None:
    generator = np.random.default_rng(2)
    fires, on = generator.random((2, 60, 6)) < 0.5
    learned, _, _ = _absorbing()
    learned[3] = 0  # the other parent has no latent
    own = absorption.hierarchy(learned, np.eye(6), PARENTS)
    counts = np.zeros((5, 6), int)
    for firing, present in zip(fires, on, strict=True):
        for child, parent in ((1, 0), (2, 0)):
            if present[child] and present[parent]:
                silent = not firing[parent]
                counts[:3, child] += (1, silent, silent and firing[child])
        if present[0] and not present[1] and not present[2]:
            counts[3:, 0] += (1, not firing[0])
    assert (counts.sum(axis=1) > 0).all()
    whole = absorption.silences(fires, on, own)
    parts = absorption.silences(fires[:23], on[:23], own) + absorption.silences(
        fires[23:], on[23:], own
    )
    for seen in (whole, parts):
        found = [seen.together, seen.silent, seen.covered, seen.alone, seen.silent_alone]
        assert np.array(found).tolist() == counts.tolist()


def test_no_hierarchy_and_chains() -> None:
    on = _on()
    own = absorption.hierarchy(np.eye(6), np.eye(6), np.full(6, -1))
    found = absorption.absorbed(absorption.silences(on, on, own), own)
    assert not found.absorbed.any()
    assert np.isnan(found.rate).all()
    # A grandchild counts for its parent alone.
    chain = np.array([-1, 0, 1])
    present = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]], np.bool_)
    fires = present.copy()
    fires[2, 1] = False
    learned = np.eye(3)
    learned[2, 1] = 1
    own = absorption.hierarchy(learned, np.eye(3), chain)
    found = absorption.absorbed(absorption.silences(fires, present, own), own)
    assert found.absorbed.tolist() == [False, True, False]
    assert found.absorbing.tolist() == [False, False, True]


def test_refusals() -> None:
    one = np.eye(6)
    with pytest.raises(ValueError, match=r"^`parents` must be 6 integers, one a feature; got int"):
        absorption.hierarchy(one, one, PARENTS[:5])
    with pytest.raises(ValueError, match=r"another feature below 6; got 1 for 1\.$"):
        absorption.hierarchy(one, one, np.array([-1, 1, 0, -1, 3, -1]))
    with pytest.raises(ValueError, match=r"another feature below 6; got 6 for 2\.$"):
        absorption.hierarchy(one, one, np.array([-1, 0, 6, -1, 3, -1]))
    with pytest.raises(ValueError, match=r"^`magnitudes` must be 6 positive numbers"):
        absorption.hierarchy(one, one, PARENTS, magnitudes=np.zeros(6))
    own = absorption.hierarchy(one, one, PARENTS)
    on = _on(5)
    with pytest.raises(ValueError, match=r"^`fires` must be booleans \[s, m\] with m >= 6; got"):
        absorption.silences(on[:, :5], on, own)
    with pytest.raises(ValueError, match=r"^`fires` must be booleans .* got float64 of shape"):
        absorption.silences(on.astype(float), on, own)
    with pytest.raises(ValueError, match=r"^`on` must be booleans of shape \(5, 6\); got bool"):
        absorption.silences(on, on[:4], own)
    with pytest.raises(ValueError, match=r"^`share` must lie in \(0, 1\]; got 0\.$"):
        absorption.absorbed(absorption.silences(on, on, own), own, share=0)
