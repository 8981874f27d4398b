"""Commands in processes of their own, several at a time, and what they say meanwhile.

What a child writes to stdout is dropped. Each line that it writes to stderr is passed on as it
comes, and the last ones are kept.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

__all__ = ["Child", "Ended", "run_all"]

_LAST_LINES = 40
# Ctrl-C on a terminal reaches children too. One that has not left in this time was not told.
_HEARD_SECONDS = 3.0
# An experiment stops between two steps of its measurement.
_STOP_SECONDS = 60.0
# Ctrl-C is seen between two turns at the latest.
_TURN_SECONDS = 0.5


@dataclass(frozen=True)
class Child:
    """A command to run, and a name for it."""

    name: str
    words: Sequence[str]


@dataclass(frozen=True)
class Ended:
    """How a command ended, after how many seconds, with the last lines that it wrote to stderr.

    `code` is its exit code, negative for the signal that ended it.
    """

    child: Child
    code: int
    seconds: float
    last: tuple[str, ...]


def run_all(
    children: Sequence[Child],
    *,
    jobs: int,
    environment: Mapping[str, str],
    started: Callable[[Child], None],
    said: Callable[[Child, str], None],
    ended: Callable[[Ended], None],
    turn: Callable[[], None] = lambda: None,
) -> None:
    """Run the commands in their order, `jobs` at a time, with `environment` as their variables.

    `started`, `ended` and, a few times a second, `turn` are called on this thread, `said` with a
    line of stderr on others. After
    Ctrl-C no further command starts, those at work are asked to stop, and KeyboardInterrupt is
    raised when all are gone; after a second one they are killed. Raises OSError where a command
    cannot be started.
    """
    working: dict[str, subprocess.Popen[str]] = {}
    try:
        # In a function of its own: before 3.13 Python skips this `finally` where Ctrl-C meets a
        # `continue` to the first thing under this `try`.
        for found in _ends(children, working, jobs, environment, started, said):
            if found is not None:
                ended(found)
            turn()
    finally:
        _stop(list(working.values()))


def _ends(
    children: Sequence[Child],
    working: dict[str, subprocess.Popen[str]],
    jobs: int,
    environment: Mapping[str, str],
    started: Callable[[Child], None],
    said: Callable[[Child, str], None],
) -> Iterator[Ended | None]:
    """Start the commands one after the other, and yield how each ended; None where a turn is over.

    `working` are those that are on.
    """
    waiting = deque(children)
    over: SimpleQueue[Ended] = SimpleQueue()
    while waiting or working:
        while waiting and len(working) < jobs:
            child = waiting.popleft()
            process = subprocess.Popen(
                child.words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            working[child.name] = process
            started(child)
            threading.Thread(target=_listen, args=(child, process, said, over), daemon=True).start()
        try:
            found = over.get(timeout=_TURN_SECONDS)
        except Empty:
            yield None
        else:
            del working[found.child.name]
            yield found


def _listen(
    child: Child,
    process: subprocess.Popen[str],
    said: Callable[[Child, str], None],
    over: SimpleQueue[Ended],
) -> None:
    """Pass on what the child says until it ends."""
    begun = time.monotonic()
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        if process.stderr is not None:
            with process.stderr as lines:
                for line in lines:
                    last.append(line.rstrip())
                    said(child, line.rstrip())
    finally:
        code = process.wait()
        over.put(Ended(child, code, time.monotonic() - begun, tuple(last)))


def _stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait for the children to leave, after a Ctrl-C that they may not have heard."""
    try:
        for patience, then in ((_HEARD_SECONDS, signal.SIGINT), (_STOP_SECONDS, signal.SIGKILL)):
            deadline = time.monotonic() + patience
            for process in processes:
                try:
                    process.wait(max(deadline - time.monotonic(), 0.0))
                except subprocess.TimeoutExpired:
                    process.send_signal(then)
    finally:
        # After a second Ctrl-C too: none goes on without its parent.
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
