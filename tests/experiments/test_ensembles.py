"""Ensembles give the same bits in pieces, after an interruption, and on any number of devices."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from experiments import ensembles
from experiments.harness.parts import Parts
from experiments.harness.progress import Progress, Step
from experiments.models import training
from experiments.models.tied_relu import TiedReluTask, settings

Arrays = dict[str, NDArray[Any]]

MEMBERS, RECORDS, EVERY = 8, 6, 5
PROXIMAL = TiedReluTask(6, 40)
ADAMW = TiedReluTask(6, 40, descent="adamw")
NOISY = TiedReluTask(6, 40, descent="adamw", noise="laplace")


class Recorded(Progress):
    """Keeps the steps it is told of, and gets a Ctrl-C at one of them."""

    def __init__(self, folder: Path | None = None, stop_at: int | None = None) -> None:
        super().__init__(quiet=True, parts=Parts(folder))
        self.steps: list[float] = []
        self.total: float | None = None
        self._stop_at = stop_at

    @contextmanager
    def phase(
        self, name: str, total: float | None = None, *, printed: bool = True
    ) -> Iterator[Step]:
        self.total = total
        with super().phase(name, total) as step:

            def told(advance: float = 1) -> None:
                if len(self.steps) == self._stop_at:
                    raise KeyboardInterrupt
                self.steps.append(advance)
                step(advance)

            yield told


def _train(
    task: TiedReluTask,
    progress: Progress | None = None,
    *,
    chunks: int = RECORDS,
    members: int = MEMBERS,
) -> ensembles.Trained:
    # Rates at which some neurons have gone after 10 of 30 steps.
    given = settings(
        members,
        rate=0.05,
        penalty=np.geomspace(1.0, 0.1, MEMBERS)[:members],
        noise=np.linspace(0.05, 0.2, MEMBERS)[:members],
    )
    keys = training.member_keys(jax.random.key(0), members)
    return ensembles.train(
        progress or Recorded(),
        "some",
        task,
        keys,
        given,
        records=RECORDS,
        every=EVERY,
        chunks=chunks,
    )


def _arrays(trained: ensembles.Trained) -> Arrays:
    """All that was trained and traced, integers for keys."""
    found = {f"trace.{key}": np.asarray(value) for key, value in trained.trace.items()}
    for place, leaf in enumerate(jax.tree.leaves(trained.states)):
        plain = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        found[f"state.{place}"] = np.asarray(jax.random.key_data(leaf) if plain else leaf)
    found["vectors"] = np.asarray(trained.states.params["vectors"][...])
    return found


def _same(one: Arrays, two: Arrays) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with one device."""
    monkeypatch.setattr(jax, "device_count", lambda: 1)


@pytest.mark.parametrize(("task", "pieces"), [(PROXIMAL, (2, 6)), (NOISY, (6,))])
def test_pieces_do_not_change_the_result(task: TiedReluTask, pieces: tuple[int, ...]) -> None:
    whole = _train(task, chunks=1)
    assert {key: value.shape for key, value in whole.trace.items()} == dict.fromkeys(
        ("count", "one", "alignment"), (MEMBERS, RECORDS)
    )
    assert np.asarray(whole.states.step).tolist() == [RECORDS * EVERY] * MEMBERS
    for chunks in pieces:
        progress = Recorded()
        assert _same(_arrays(_train(task, progress, chunks=chunks)), _arrays(whole))
        share = RECORDS * EVERY // chunks
        assert progress.steps == [0] + [share] * chunks
        assert progress.total == RECORDS * EVERY


def test_a_run_is_one_of_training() -> None:
    given = settings(
        MEMBERS, rate=0.05, penalty=np.geomspace(1.0, 0.1, MEMBERS), noise=np.linspace(0.05, 0.2, 8)
    )
    keys = training.member_keys(jax.random.key(0), MEMBERS)
    states, trace = training.advance_all(
        training.ensemble(keys, ADAMW, given), ADAMW, RECORDS, EVERY
    )
    expected = ensembles.Trained(states, {key: np.asarray(value) for key, value in trace.items()})
    found, plain = _arrays(_train(ADAMW)), _arrays(expected)
    # On one device there are eight members side by side, on four two each: what is observed may be
    # summed in another order, 16 roundings of 2^-24.
    np.testing.assert_allclose(
        found.pop("trace.alignment"), plain.pop("trace.alignment"), rtol=2.0**-20
    )
    assert _same(found, plain)


@pytest.mark.parametrize(("task", "alone"), [(PROXIMAL, False), (NOISY, False), (PROXIMAL, True)])
def test_an_interrupted_run_goes_on_to_the_same_bits(
    task: TiedReluTask, alone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if alone:
        _alone(monkeypatch)
    expected = _arrays(_train(task))
    monkeypatch.setattr(ensembles, "SAVE_SECONDS", 0.0)
    folder = tmp_path / "kept"
    # The first step tells what an earlier run has done; the third chunk's is the fourth.
    with pytest.raises(KeyboardInterrupt):
        _train(task, Recorded(folder, stop_at=3))
    kept = Parts(folder).load("some")
    assert kept is not None
    assert int(kept["done"]) == 3
    assert kept["trace.count"].shape == (MEMBERS, 3)
    # Again interrupted, and again.
    with pytest.raises(KeyboardInterrupt):
        _train(task, Recorded(folder, stop_at=2))
    again = Recorded(folder)
    assert _same(_arrays(_train(task, again)), expected)
    # Five chunks were done before.
    assert again.steps == [5 * EVERY, EVERY]
    # Nothing is left of it, so that the next one begins at the beginning.
    assert list(folder.iterdir()) == []
    anew = Recorded(folder)
    assert _same(_arrays(_train(task, anew)), expected)
    assert anew.steps == [0] + [EVERY] * RECORDS


def test_checkpoints_are_rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ensembles.SAVE_SECONDS == 10
    monkeypatch.setattr(ensembles, "SAVE_SECONDS", 3600.0)
    with pytest.raises(KeyboardInterrupt):
        _train(PROXIMAL, Recorded(tmp_path, stop_at=5))
    assert list(tmp_path.iterdir()) == []
    # The end needs none.
    monkeypatch.setattr(ensembles, "SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        _train(PROXIMAL, Recorded(tmp_path, stop_at=1), chunks=1)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_checkpoint_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _arrays(_train(PROXIMAL))
    monkeypatch.setattr(ensembles, "SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        _train(PROXIMAL, Recorded(tmp_path, stop_at=3))
    path = tmp_path / "some.arrays"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)
    again = Recorded(tmp_path)
    assert _same(_arrays(_train(PROXIMAL, again)), expected)
    assert again.steps == [0] + [EVERY] * RECORDS
    assert list(tmp_path.iterdir()) == []


def test_states_lie_on_all_devices() -> None:
    spread = _train(ADAMW)
    leaves = jax.tree.leaves(spread.states)
    for leaf in leaves:
        assert len(leaf.sharding.device_set) == 4
        assert {shard.data.shape[0] for shard in leaf.addressable_shards} == {2}
    # Six members do not divide by four devices, which all hold all of them.
    few = _train(ADAMW, members=6)
    for leaf, all_of_them in zip(jax.tree.leaves(few.states), leaves, strict=True):
        assert {shard.data.shape for shard in leaf.addressable_shards} == {
            (6, *all_of_them.shape[1:])
        }
    found, expected = _arrays(few), _arrays(spread)
    for key in expected.keys() - {"trace.alignment"}:
        np.testing.assert_array_equal(found[key], expected[key][:6])


def save_both(path: str) -> None:
    """What one device makes of both tasks; another process calls this."""
    assert jax.device_count() == 1
    both = {"proximal": _arrays(_train(PROXIMAL)), "noisy": _arrays(_train(NOISY))}
    arrays = {f"{name}.{key}": both[name][key] for name in both for key in both[name]}
    np.savez(path, allow_pickle=False, **arrays)


def test_one_device_gives_the_bits_of_four(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_ensembles; "
        f"test_ensembles.save_both({str(tmp_path / 'one.npz')!r})"
    )
    subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "1"},
        check=True,
        timeout=120,
    )
    with np.load(tmp_path / "one.npz", allow_pickle=False) as held:
        alone = {key: held[key] for key in held.files}
    four = _arrays(_train(NOISY))
    for key, values in four.items():
        if key == "trace.alignment":
            # Observed only: 16 roundings of 2^-24.
            np.testing.assert_allclose(alone[f"noisy.{key}"], values, rtol=2.0**-20)
        else:
            np.testing.assert_array_equal(alone[f"noisy.{key}"], values)
    # There neurons out of use are left out: each of 30 steps is off by 2e-6 (test_training), and
    # differences grow threefold at the most.
    four = _arrays(_train(PROXIMAL))
    np.testing.assert_allclose(alone["proximal.vectors"], four["vectors"], rtol=0, atol=2e-4)
    np.testing.assert_array_equal(alone["proximal.trace.count"], four["trace.count"])
    assert (four["vectors"] == 0).all(axis=1).any()


def test_neurons_out_of_use_are_left_out_on_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    advance = training.advance_all

    def watched(states: Any, task: Any, records: int, every: int, **options: Any) -> Any:
        widths.append(task.neurons)
        return advance(states, task, records, every, **options)

    monkeypatch.setattr(training, "advance_all", watched)
    _train(PROXIMAL)
    assert set(widths) == {40}
    _alone(monkeypatch)
    widths.clear()
    _train(PROXIMAL)
    assert min(widths) < 40
    widths.clear()
    # Under AdamW every weight is in use for ever.
    _train(NOISY)
    assert widths == [40] * RECORDS


def test_groups_fit_into_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _arrays(_train(ADAMW))
    groups: list[int | None] = []
    advance = training.advance_all

    def watched(states: Any, *sizes: Any, group: int | None = None) -> Any:
        groups.append(group)
        return advance(states, *sizes, group=group)

    monkeypatch.setattr(training, "advance_all", watched)
    _alone(monkeypatch)
    # A member is its weights and AdamW's two moments, its Gram matrix, and a few numbers.
    member = 3 * 6 * 40 * 4 + 6 * 6 * 4 + 100
    for fitting, group in ((8, None), (5, 4), (3, 2), (1, 2)):
        monkeypatch.setattr(ensembles, "CACHE_BYTES", fitting * member)
        found = _arrays(_train(ADAMW, chunks=1))
        assert groups.pop() == group
        for key in expected.keys() - {"trace.alignment"}:
            np.testing.assert_array_equal(found[key], expected[key])


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^`chunks` must divide `records`; got 4 and 6\.$"):
        _train(PROXIMAL, chunks=4)
