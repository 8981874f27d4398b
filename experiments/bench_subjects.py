"""All that the bench can time, by short name."""

from __future__ import annotations

from collections.abc import Callable

from experiments import (
    bench_coherence,
    bench_devices,
    bench_kernels,
    bench_sae,
    bench_toy,
    bench_training,
)
from experiments.bench_config import Config
from experiments.bench_timing import Contest
from experiments.harness.errors import InputError, shortened

__all__ = ["subjects", "validate"]

_PARTS = (bench_coherence, bench_devices, bench_kernels, bench_training, bench_toy, bench_sae)


def subjects(config: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests whose names contain what `only` asks for, in the order they run."""
    found = {name: make for part in _PARTS for name, make in part.subjects(config).items()}
    return {name: make for name, make in found.items() if (config.only or "") in name}


def validate(config: Config) -> None:
    """Hold that something is timed."""
    if not subjects(config):
        names = ", ".join(subjects(Config()))
        raise InputError(
            f"--only must be part of one of {names}; got {shortened(config.only or '')}."
        )
