"""What the kernels promise of speed; `experiments.validate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from experiments import bench_coherence, bench_machine, bench_timing
from experiments.bench_config import Config
from experiments.bench_peers import PEERS
from experiments.promise import Promise

__all__ = ["promises"]


def promises() -> Iterator[Promise]:
    """Every promise about kernels at scale."""
    count, dim = bench_coherence.JUDGED
    amx = bench_machine.has_amx()
    least = bench_coherence.LEAST_AMX if amx else bench_coherence.LEAST_ELSEWHERE
    yield Promise(
        f"mutual coherence, n = {count}, d = {dim}: at least {least:g} times as fast as the "
        f"fastest of {', '.join(PEERS)}, each with half of the pairs "
        f"({'with' if amx else 'without'} AMX)",
        partial(coherence, count, dim),
    )
    for name, (dim, count) in bench_coherence.FLAT.items():
        yield Promise(
            f"mutual coherence of a flat spectrum ({name.title()}, n = {count}, d = {dim}): at "
            f"most {bench_coherence.FLAT_LIMIT:g} times the path at full precision",
            partial(flat, name),
        )


def coherence(count: int, dim: int) -> tuple[bool, str]:
    """The bench's contest; a peer that is absent was not measured."""
    return bench_timing.kept(bench_coherence.contest(count, dim, Config()))


def flat(name: str) -> tuple[bool, str]:
    """The bench's contest."""
    return bench_timing.kept(bench_coherence.flat(name, Config()))
