"""What the experiment on sparse autoencoders promises; `experiments.validate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments import bench_sae, quick_runs, sae_arms, sae_checks, whole_commands
from experiments.harness.checks import Verdict
from experiments.harness.progress import Progress
from experiments.promise import Promise
from experiments.sae_config import NAMES, Config

__all__ = ["promises"]

_SUBJECT = "Sparse autoencoders"
_SECONDS = 180.0
_NAMES = ("sae", "steering")
# Where these stand in a check's name, it has to pass; other verdicts are findings.
_REQUIRED = (
    "C14:",
    "C15: explained variance",
    "C15: recovery, ReLU",
    "random decoder",
    "variance of a feature's best neuron",
    "C16:",
    "selectivity",
    "first false activation",
    "spurious share",
)
_BUDGETS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
_FLOOR = 0.02


def promises() -> Iterator[Promise]:
    """Every promise about sparse autoencoders."""
    yield Promise(
        _SUBJECT,
        "recovery metrics: exact on perfect, duplicated and dead dictionaries, 0 within "
        f"{_FLOOR:g} over chance on a random one",
        references,
        4,
    )
    yield Promise(
        _SUBJECT,
        "sae, paper setting: d = 64, N = 128, k = 3, 10,000,000 samples, 5 seeds: recovery at "
        f"least {sae_checks.BEST:g}, and {sae_checks.SECOND:.2f} by a second architecture",
        long,
        185,
    )
    yield Promise(
        _SUBJECT,
        f"{', '.join(_NAMES)}, quick: under {_SECONDS:.0f} s together; closed forms of steering, "
        "what neurons and latents read, explained variance without recovery as required",
        partial(quick_runs.quick, _NAMES, _SECONDS, _REQUIRED),
        110,
    )
    yield Promise(
        _SUBJECT,
        "a killed sae run goes on to the same bits",
        partial(whole_commands.resumed, "sae", 3),
        20,
    )
    yield Promise(_SUBJECT, "autoencoders do not depend on the ensemble's size", independent, 25)
    for architecture, name in bench_sae.ARCHITECTURES.items():
        for size in bench_sae.SIZES:
            yield Promise(
                _SUBJECT,
                f"{name} autoencoder, {size}: at least {bench_sae.LEAST:g} times as many samples "
                "per second as SAELens, at equal or better recovery",
                partial(faster, architecture, size),
                75,
            )


def references() -> tuple[bool, str]:
    """The metrics on dictionaries of which they are known."""
    import jax
    import numpy as np

    from geometry import recovery, sphere

    count, dim = 256, 64
    keys = jax.random.split(jax.random.key(0), 3)
    truth, other = (np.asarray(sphere.sample(key, count, dim)) for key in keys[:2])
    floor = recovery.chance_floor(keys[2], count, count, dim).mcc
    perfect = recovery.measure(3 * truth[::-1], truth)
    twice = recovery.measure(np.repeat(truth[: count // 2], 2, axis=0), truth)
    dead = recovery.measure(np.zeros((count, dim)), truth)
    chance = recovery.above_chance(recovery.measure(other, truth).mcc, floor)
    holds = (
        perfect.recall == perfect.precision == perfect.f1 == perfect.uniqueness == 1
        and twice.recall == twice.precision == twice.uniqueness == 0.5
        and dead.recall == dead.mcc == dead.mmcs == 0
        and abs(chance) <= _FLOOR
    )
    seen = (
        f"recall {perfect.recall:g}, {twice.recall:g}, {dead.recall:g}; random decoder's MCC over "
        f"chance {chance:+.4f}"
    )
    return holds, seen


def long() -> tuple[bool, str]:
    """The paper preset's comparison, of two architectures; the other arms are not about it."""
    config = Config(architectures=("topk", "batch-topk"), budgets=_BUDGETS, seeds=5)
    cells = sae_arms.Cells(config, Progress(quiet=True))
    # The budget curve is the first one's.
    rows = [
        {**labels, **cells.get(want)}
        for labels, want in sae_arms.wants(config)["architectures"]
        if want.architecture == config.architectures[0] or labels["budget"] == max(_BUDGETS)
    ]
    data = {
        "arms": {"architectures": rows},
        "rate": config.rate,
        "batch": config.batch,
        "fair": True,
    }
    best = sae_checks.ranked(data)
    found = sae_checks.recoveries(data, best)
    seen = [f"{check.note.split(',')[0]} {check.estimate:.3f} {check.verdict}" for check in found]
    course = [
        f"{row['recovery']['mean']:.3f} at {row['budget']:,}"
        for row in rows
        if row["architecture"] == config.architectures[0]
    ]
    holds = len(found) == 2 and all(check.verdict is Verdict.PASS for check in found)
    return holds, f"{'; '.join(seen)}; {NAMES[config.architectures[0]]}: {', '.join(course)}"


def independent() -> tuple[bool, str]:
    """Members of ensembles of every architecture."""
    import numpy as np

    from experiments.models import dictionary_learning
    from experiments.models.autoencoders import ARCHITECTURES
    from experiments.models.dictionary_learning import DictionaryTask
    from experiments.models.synthetic_activations import ActivationLaw

    rows = np.random.default_rng(0).standard_normal((16, 8)).astype(np.float32)
    law = ActivationLaw(16, 2)

    def given(count: int, sparsity: float) -> Any:
        return dictionary_learning.settings(
            np.tile(rows, (count, 1, 1)), sparsity=sparsity, rate=0.01, steps=1000
        )

    return whole_commands.independent(
        tuple(
            (
                DictionaryTask(law, 8, 16, name, slots=2, batch=32, window=50),
                partial(given, sparsity=0.1 if kind.penalised else 2.0),
            )
            for name, kind in ARCHITECTURES.items()
        ),
        counts=(16, 5),
    )


def faster(architecture: str, size: str) -> tuple[bool, str]:
    """The bench's race; a peer that is absent was not measured."""
    found = bench_sae.race(architecture, size)
    if found.times is None or found.peers is None:
        return False, "not measured: SAELens is absent"
    seen = (
        f"{found.times:.2f} times; best recovery {max(found.mine):.3f} against "
        f"{max(found.peers):.3f}, which chance moves by {found.slack:.3f}"
    )
    return bool(found.times >= bench_sae.LEAST and found.equal), seen
