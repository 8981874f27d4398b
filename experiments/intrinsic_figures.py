"""The figures of the intrinsic report; no mathematics."""

from __future__ import annotations

from experiments.harness.experiment import Figure, Result

__all__ = ["figures"]


def figures(_config: object, result: Result) -> list[Figure]:
    return []
