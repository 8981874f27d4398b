"""How many processors there are, and how several processes share them.

A process uses all processors by itself: XLA starts a thread for each, and so does NumPy's linear
algebra.  Two such processes at a time have twice as many threads as processors, which wait for each
other in loops that keep them busy: on two processors they need half as much time again, and several
times as much where small matrices follow one another.  So each is given its part.
"""

from __future__ import annotations

import os

__all__ = ["count", "share", "told"]

# XLA's threads, and those of OpenBLAS or MKL, which NumPy and SciPy use.
_XLA, _ALGEBRA = "NPROC", "OMP_NUM_THREADS"


def count() -> int:
    """Return the number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(processes: int) -> dict[str, str]:
    """Return environment variables by which so many processes at a time share the processors.

    Variables that the environment sets already are left out.  Sums that threads share are rounded
    in another order, so that last digits may depend on how many there are.
    """
    threads = str(max(1, count() // processes))
    return {name: threads for name in (_XLA, _ALGEBRA) if not os.environ.get(name)}


def told() -> str:
    """Return the processors and how many of them XLA uses in this process, as records say it."""
    threads = os.environ.get(_XLA)
    return f"{count()} CPUs" + (f", {threads} used" if threads else "")
