"""How many processors there are, and how several processes share them.

A process uses all processors by itself: XLA starts a thread for each, and so does NumPy's linear
algebra.  Two such processes at a time have twice as many threads as processors, which wait for each
other in loops that keep them busy: on two processors they need half as much time again, and several
times as much where small matrices follow one another.  So each is given its part.
"""

from __future__ import annotations

import os

__all__ = ["count", "share", "threads"]

# How many threads XLA starts: of the two that it reads, the first that is an integer.
_XLA = ("PJRT_NPROC", "NPROC")
# And those of OpenBLAS or MKL, or of Apple's Accelerate, which NumPy and SciPy use.
_ALGEBRA = ("OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def count() -> int:
    """Return the number of processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads(processes: int = 1, *, devices: int = 1) -> int:
    """Return how many threads XLA has in each of so many processes that share the processors.

    At least one for each of its CPU devices.
    """
    told = _told()
    return max(count() // processes if told is None else told, devices)


def share(processes: int) -> dict[str, str]:
    """Return environment variables by which so many processes at a time share the processors.

    What the environment says already is left as it is.  Sums that threads share are rounded in
    another order, so that last digits may depend on how many there are.
    """
    names = [name for name in _ALGEBRA if not os.environ.get(name)]
    if _told() is None:
        names.append(_XLA[-1])
    return dict.fromkeys(names, str(max(1, count() // processes)))


def _told() -> int | None:
    """The number of XLA's threads that the environment asks for, None if it does not."""
    for name in _XLA:
        try:
            return int(os.environ.get(name, ""))
        except ValueError:
            continue
    return None
