"""What the experiments on trained superposition promise; `experiments.validate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments import bench_timing, bench_toy, quick_runs, whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Superposition in trained models"
_SECONDS = 180.0
_NAMES = ("superposition", "capacity", "scaling")
# Where these stand in a check's name, it has to pass; other verdicts are findings.
_REQUIRED = (
    "two in one:",
    "plateau: consecutive",
    "dimensionalities near",
    "pentagons among",
    "C5:",
    "C6:",
    "capacities of the best seed",
    "sum of capacities",
    "sharing threshold at F",
    "share of seeds at the optimum",
    "C7:",
    "C8:",
    "weak superposition:",
)


def promises() -> Iterator[Promise]:
    """Every promise about superposition in trained models."""
    yield Promise(
        _SUBJECT,
        f"{', '.join(_NAMES)}, quick: under {_SECONDS:.0f} s together; phases, plateaus, "
        "pentagons, capacities, thresholds, exponents and overlaps as required",
        partial(quick_runs.quick, _NAMES, _SECONDS, _REQUIRED),
        130,
    )
    for name, saves in (("superposition", 3), ("capacity", 2), ("scaling", 3)):
        yield Promise(
            _SUBJECT,
            f"a killed {name} run goes on to the same bits",
            partial(whole_commands.resumed, name, saves),
            13,
        )
    yield Promise(
        _SUBJECT, "members of toy models do not depend on the ensemble's size", independent
    )
    for name in bench_toy.SIZES:
        yield Promise(
            _SUBJECT,
            f"toy autoencoder, sampled, {name}: at least {bench_toy.LEAST_SAMPLED:g} times faster "
            "than PyTorch",
            partial(sampled, name),
            45,
        )
    yield Promise(
        _SUBJECT,
        f"toy autoencoder, exact, to {bench_toy.ACCURACIES[-1]:g} of the optimum: at least "
        f"{bench_toy.LEAST_ACCURATE:g} times faster than PyTorch's samples",
        accurate,
        200,
    )


def independent() -> tuple[bool, str]:
    """Members of ensembles of toy autoencoders, the quadratic model, and rare features."""
    import numpy as np

    from experiments.models import feature_recovery, quadratic, toy_autoencoder
    from experiments.models.feature_recovery import FeatureRecoveryTask
    from experiments.models.quadratic import QuadraticTask
    from experiments.models.toy_autoencoder import ToyTask

    def toy(features: int, count: int) -> Any:
        return toy_autoencoder.settings(
            count, probability=0.2, importance=np.ones(features), rate=0.01
        )

    def square(count: int) -> Any:
        return quadratic.settings(np.ones((count, 6)), kurtosis=6.0, rate=0.05, start=0.1)

    def rare(count: int) -> Any:
        return feature_recovery.settings(
            rate=0.01, bias_rate=0.1, decay=np.zeros(count), steps=np.full(count, 1000)
        )

    return whole_commands.independent(
        (
            (ToyTask(5, 2, steps=1000), partial(toy, 5)),
            (ToyTask(40, 4, steps=1000, exact=False, batch=128), partial(toy, 40)),
            (QuadraticTask(6, 3), square),
            (FeatureRecoveryTask(256, 1.0, 1.0, 16, 64, 64), rare),
        )
    )


def sampled(size: str) -> tuple[bool, str]:
    """The bench's timing; a peer that is absent was not measured."""
    return bench_timing.kept(bench_toy.sampling(size))


def accurate() -> tuple[bool, str]:
    """The bench's timing at the finest accuracy."""
    return bench_timing.kept(bench_toy.accurate(bench_toy.ACCURACIES[-1]))
