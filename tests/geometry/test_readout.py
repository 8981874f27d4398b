"""Linear read-out in blocks against a NumPy count of the same signals."""

import logging
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import readout, signals, sphere
from geometry.readout import Bins
from geometry.signals import Activity

KEY = jax.random.key(3)
BINS = Bins(-1.5, 2.5, 16)
THETAS = np.array([0.0, 0.43, 0.81])
FEATURES, DIM, BLOCK, BLOCKS = 23, 6, 16, 3
ROWS = np.asarray(sphere.sample(jax.random.key(1), FEATURES, DIM))


def drawn_again(activity: Activity, place: int, active: int | None) -> tuple[Any, NDArray[Any]]:
    """The signals and the inputs of one block, from the same keys."""
    drawing, noising, thinning = jax.random.split(jax.random.fold_in(KEY, place), 3)
    drawn = signals.draw(drawing, BLOCK, FEATURES, activity)
    if active is not None:
        drawn = signals.thin(thinning, drawn, active, FEATURES)
    inputs = np.asarray(signals.superpose(ROWS, drawn), np.float64)
    if activity.noise:
        inputs = inputs + activity.noise * np.asarray(
            jax.random.normal(noising, (BLOCK, DIM), jnp.float32), np.float64
        )
    return drawn, inputs


def counted(activity: Activity, place: int, active: int | None = None) -> dict[str, Any]:
    """One block, feature by feature."""
    drawn, inputs = drawn_again(activity, place, active)
    width = (BINS.high - BINS.low) / BINS.count
    found: dict[str, Any] = {
        "inactive": np.zeros(BINS.count, int),
        "active": np.zeros(BINS.count, int),
        "false_alarms": np.zeros(3, int),
        "misses": np.zeros(3, int),
        "errorless": np.zeros(3, int),
        "separable": 0,
        "counts": np.zeros(2, int),
    }
    errors: list[list[float]] = [[], []]
    for trial in range(BLOCK):
        amplitudes = np.zeros(FEATURES)
        on = np.zeros(FEATURES, bool)
        for which, size in zip(
            np.asarray(drawn.support)[trial], np.asarray(drawn.amplitudes)[trial], strict=True
        ):
            if which < FEATURES:
                on[which], amplitudes[which] = True, size
        wrong = np.zeros(3, int)
        high, low = -np.inf, np.inf
        for i in range(FEATURES):
            y = float(ROWS[i].astype(np.float64) @ inputs[trial])
            found["counts"][int(on[i])] += 1
            if on[i]:
                aligned = y * np.sign(amplitudes[i])
                errors[1].append(y - amplitudes[i])
                # No reading may sit where float32 could push it over an edge.
                assert np.abs((aligned - BINS.low) / width % 1 - 0.5).max() < 0.5 - 1e-6
                assert np.abs(aligned - THETAS).min() > 1e-6
                slot = int(np.clip((aligned - BINS.low) // width, 0, BINS.count - 1))
                found["active"][slot] += 1
                missed = aligned <= THETAS
                found["misses"] += missed
                wrong += missed
                low = min(low, aligned)
            else:
                passing = abs(y) if activity.signed else y
                errors[0].append(y)
                slot = int(np.clip((y - BINS.low) // width, 0, BINS.count - 1))
                found["inactive"][slot] += 1
                alarm = passing > THETAS
                found["false_alarms"] += alarm
                wrong += alarm
                high = max(high, passing)
        found["errorless"] += wrong == 0
        found["separable"] += int(high < low)
    found["squares"] = [float(np.mean(np.square(part))) if part else 0.0 for part in errors]
    found["means"] = [float(np.mean(part)) if part else 0.0 for part in errors]
    return found


@pytest.mark.parametrize(
    ("activity", "active"),
    [
        (Activity(2), None),
        (Activity(3, signed=True, amplitude="uniform", noise=0.1), None),
        (Activity(2, law="bernoulli", amplitude="exponential"), None),
        (Activity(2, law="bernoulli", signed=True, noise=0.05), None),
        (Activity(8, signed=True), 2),
        (Activity(FEATURES), None),
    ],
)
def test_every_count(activity: Activity, active: int | None) -> None:
    found = readout.read(
        KEY, ROWS, activity, THETAS, bins=BINS, blocks=BLOCKS, block=BLOCK, active=active
    )
    for place in range(BLOCKS):
        expected = counted(activity, place, active)
        for name, value in expected.items():
            seen = np.asarray(getattr(found, name))[place]
            if name == "squares":
                np.testing.assert_allclose(seen, value, rtol=1e-4)
            elif name == "means":
                np.testing.assert_allclose(seen, value, atol=1e-6)
            else:
                np.testing.assert_array_equal(seen, value, err_msg=name)


def test_orthogonal_directions_make_no_error() -> None:
    found = readout.read(
        KEY, np.eye(8), Activity(3), np.array([0.5]), bins=BINS, blocks=1, block=32
    )
    assert int(found.errorless[0, 0]) == int(found.separable[0]) == 32
    assert not np.asarray(found.false_alarms).any()
    assert not np.asarray(found.misses).any()
    np.testing.assert_array_equal(np.asarray(found.squares), 0)


def test_rotation_changes_no_count() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((DIM, DIM)))[0]
    one, two = (
        readout.read(KEY, rows, Activity(2), THETAS, bins=BINS, blocks=2, block=64)
        for rows in (ROWS, (ROWS @ turn).astype(np.float32))
    )
    np.testing.assert_array_equal(np.asarray(one.misses), np.asarray(two.misses))
    np.testing.assert_array_equal(np.asarray(one.false_alarms), np.asarray(two.false_alarms))


def test_blocks_draw_by_their_number() -> None:
    few, many = (
        readout.read(KEY, ROWS, Activity(2), THETAS, bins=BINS, blocks=blocks, block=BLOCK)
        for blocks in (2, 4)
    )
    np.testing.assert_array_equal(np.asarray(few.inactive), np.asarray(many.inactive)[:2])
    assert not np.array_equal(np.asarray(many.inactive)[0], np.asarray(many.inactive)[1])


def test_a_second_call_compiles_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def compiled(theta: float, active: int) -> int:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            readout.read(
                KEY,
                ROWS,
                Activity(5),
                np.array([theta]),
                bins=BINS,
                blocks=1,
                block=7,
                active=active,
            )
        return sum("Finished XLA compilation" in record.message for record in caplog.records)

    assert compiled(0.5, 3) > 0
    assert compiled(0.6, 4) == 0


def test_memory_is_a_few_blocks() -> None:
    # The N = 65536, d = 1024: W has 256 MiB, a block of readings 8 MiB.
    features, dim = 65536, 1024
    size = readout.block_of(features)
    shape: Any = jax.ShapeDtypeStruct
    lowered = readout._read.lower(
        KEY,
        shape((features, dim), jnp.float32),
        Activity(16),
        shape((2,), jnp.float32),
        None,
        Bins(-2.0, 3.0, 320),
        1000,
        size,
    )
    memory = lowered.compile().memory_analysis()
    assert memory is not None
    assert memory.temp_size_in_bytes < 8 * 4 * size * features
    assert memory.output_size_in_bytes < 4 << 20


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vectors": np.zeros(3)}, r"`vectors` must have shape \[n, d\]; got shape \(3,\)"),
        ({"vectors": np.zeros((0, 3))}, r"`vectors` must have shape \[n, d\]; got shape \(0, 3\)"),
        ({"thresholds": np.zeros((1, 1))}, r"`thresholds` must have shape \[t\]; got shape"),
        ({"thresholds": np.array([-0.1])}, r"`thresholds` must be at least 0; got -0\.1"),
        ({"bins": Bins(0, 1, 1)}, r"`bins` must be at least 2 on low < high"),
        ({"bins": Bins(1, 1, 4)}, r"`bins` must be at least 2 on low < high"),
        ({"blocks": 0}, r"`blocks` and `block` must be at least 1; got 0 and 16"),
        ({"block": 1 << 30}, r"`block` must keep block · n below 2\^31; got"),
        ({"activity": Activity(24)}, r"`active` must be at most the 23 features there are"),
        (
            {"activity": Activity(2, law="bernoulli"), "active": 1},
            r"`active` must be left out unless the law is exact; got 1",
        ),
    ],
)
def test_errors(changes: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {
        "vectors": ROWS,
        "activity": Activity(2),
        "thresholds": THETAS,
        "bins": BINS,
        "blocks": 1,
        "block": BLOCK,
    }
    given |= changes
    first = [given.pop(name) for name in ("vectors", "activity", "thresholds")]
    with pytest.raises(ValueError, match=f"^{said}"):
        readout.read(KEY, *first, **given)
