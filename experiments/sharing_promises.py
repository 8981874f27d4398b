"""What the experiments on shared neurons promise, measured; `experiments.validate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from experiments import bench_timing, bench_training, quick_runs, whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Shared neurons and their causes"
_SECONDS = 240.0
# Where these stand in a check's name, it has to pass; other verdicts are findings.
_REQUIRED = (
    "shared neurons at n =",
    "sizes that converged",
    "half-width",
    "from a margin start",
    "from a non-negative start",
    "C10:",
    "collision-free",
    "|w|_1",
    "slope",
    "axis alignment",
    "least fall",
    "C12:",
    "C13:",
)


def promises() -> Iterator[Promise]:
    """Every promise about shared neurons."""
    yield Promise(
        _SUBJECT,
        f"incidental, causes, quick: under {_SECONDS:.0f} s together; counts, half-widths, "
        "interventions, dynamics and noise as required",
        partial(quick_runs.quick, ("incidental", "causes"), _SECONDS, _REQUIRED),
        160,
    )
    yield Promise(
        _SUBJECT,
        "a killed incidental run goes on to the same bits",
        partial(whole_commands.resumed, "incidental", 6),
        30,
    )
    yield Promise(
        _SUBJECT, "members do not depend on the ensemble's size, to the bit", independent, 20
    )
    for optimiser, least in bench_training.LEAST.items():
        yield Promise(
            _SUBJECT,
            f"training sweep, {optimiser}: at least {least:g} times faster than PyTorch",
            partial(faster, optimiser),
            80,
        )


def independent() -> tuple[bool, str]:
    """Members of ensembles of three tasks."""
    from experiments.models.tied_relu import Setting, TiedReluTask, settings

    def given(count: int) -> Setting:
        return settings(count, rate=0.02, penalty=0.05, noise=0.15)

    tasks = (
        TiedReluTask(16, 256),
        TiedReluTask(16, 256, descent="adamw"),
        TiedReluTask(8, 16, noise="gaussian"),
    )
    return whole_commands.independent([(task, given) for task in tasks])


def faster(optimiser: str) -> tuple[bool, str]:
    """The bench's sweep; a peer that is absent was not measured."""
    return bench_timing.kept(bench_training.contest(optimiser))
