"""The process that watches over the one which computes, and over the other hosts of a run.

JAX ends a process by SIGABRT when another of its run is gone, and waits for the dead at an ordinary
exit. So the work is done in a child. This process never starts JAX: it talks to its like on the
other hosts, notices a closed connection at once and a silent one by heartbeats, says in one line
what was lost, and ends its child. Host 0 listens, the others connect to it and pass on what their
children send. A child sends `mark` and `found` when it knows which run it is to make, `here` when
it waits for all, `code` and `returned` at its end. It gets `go` and `all`. Beyond that, hosts send
`hello` first, `beat` while nothing else is to be said, and `done`, `failed`, `lost` or `refused`
as their last words.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import tempfile
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, NoReturn

from experiments.harness.errors import FAILED, INTERRUPTED, InputError, LostError
from experiments.harness.experiment import Json
from experiments.harness.wire import Wire

Work = Callable[[Wire, IO[bytes]], NoReturn]

# How long the last words of a host may take to arrive, and how often a busy watch looks around.
FAREWELL_SECONDS = 1.0
_GLANCE_SECONDS = 0.1
_LONGEST_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Place:
    """Host `index` of `count`, where host 0 listens at `address`.

    Another host is lost after `patience` seconds without a sign of it.
    """

    index: int
    count: int
    address: tuple[str, int]
    patience: float

    def name(self, index: int) -> str:
        """Return what a host is called in errors."""
        return f"host {index} of {self.count}"


def watched(watch: Watch, work: Work) -> int:
    """Run `work` in a child that the watch looks after, and return the exit code of the run.

    `work` gets the wire to this process, and a file for what libraries print. It never returns:
    it sends `code` and `returned` and waits for its end. Raises LostError, which names what was
    lost, and InputError if hosts do not fit together.
    """
    with tempfile.TemporaryFile() as noise:
        watch.start(work, noise)
        try:
            return watch.run()
        except _CrashError as crash:
            if crash.defect:
                noise.seek(0)
                sys.stderr.write(noise.read().decode(errors="replace"))
            raise
        finally:
            watch.end()


class _CrashError(LostError):
    """The child of this host ended without a word; by a `defect` unless it was killed."""

    def __init__(self, message: str, *, defect: bool) -> None:
        super().__init__(message)
        self.defect = defect


class Watch(ABC):
    """What host 0 and the others have in common."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.begun = time.monotonic()
        self.ended: tuple[int, bool] | None = None
        self.trouble: tuple[float, LostError] | None = None
        self.excused: set[int] = set()
        self.waiting = True
        self._interval = min(1.0, place.patience / 5)
        self._beaten = self.begun
        self._pid: int | None = None

    def start(self, work: Work, noise: IO[bytes]) -> None:
        """Start the child."""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python warns of other threads: those of NumPy's linear algebra, idle at this point.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                work(Wire(theirs), noise)
            finally:
                os._exit(FAILED)
        self._pid = pid
        theirs.close()
        self.selector = selectors.DefaultSelector()
        self.child = self.listen_to(ours)

    def listen_to(self, end: socket.socket) -> Wire:
        """Return a wire whose messages will be heard."""
        end.setblocking(False)
        wire = Wire(end)
        self.selector.register(wire, selectors.EVENT_READ)
        return wire

    def drop(self, wire: Wire) -> None:
        """Hear and send no more over a wire."""
        if not wire.closed:
            self.selector.unregister(wire)
            wire.close()

    def run(self) -> int:
        """Watch until the run is over, and return its exit code."""
        try:
            while (code := self._code()) is None:
                pass
            return code
        except LostError as error:
            self.tell(lost=str(error))
            raise
        except InputError as error:
            self.tell(refused=str(error))
            raise
        except KeyboardInterrupt:
            self.tell(failed=INTERRUPTED)
            raise

    def _code(self) -> int | None:
        busy = self.waiting or self.trouble is not None or self.child.closed
        for key, _ in self.selector.select(_GLANCE_SECONDS if busy else self._interval):
            self.ready(key.fileobj)
        now = time.monotonic()
        if now - self._beaten >= self._interval:
            self._beaten = now
            self.tell(beat=True)
        if self.ended is None:
            self._look_after_child()
        elif not self.ended[1]:
            self.tell(failed=self.ended[0])
            return self.ended[0]
        if (code := self.outcome()) is not None:
            return code
        self.look(now)
        if self.trouble is not None and now >= self.trouble[0]:
            raise self.trouble[1]
        return None

    def ready(self, source: object) -> None:
        """Hear what came over a wire."""
        assert isinstance(source, Wire)
        messages = source.receive()
        if source.closed:
            self.selector.unregister(source)
        for message in messages:
            self.hear(message, source)

    def expect(self, wire: Wire, index: int, now: float) -> None:
        """Raise LostError if the wire to a host is closed, or silent for too long.

        Not if it has ended its share, or has said that it stops.
        """
        if index in self.excused:
            return
        if wire.closed:
            raise LostError(f"{self.place.name(index)} was lost: its connection closed.")
        if now - wire.heard > self.place.patience:
            patience = f"{self.place.patience:g} s"
            raise LostError(f"{self.place.name(index)} was lost: no sign of it for {patience}.")

    def stopped(self, index: int, code: Json, wire: Wire) -> None:
        """Give this host a moment to end by itself, since another one did.

        What is wrong may be so for all hosts, and then each says it in its own line.
        """
        self.excused.add(index)
        # It waits for that before it goes.
        self.drop(wire)
        grace = min(_LONGEST_GRACE_SECONDS, self.place.patience / 4)
        text = f"{self.place.name(index)} was lost: it stopped with exit code {code}."
        self.lost_in(grace, LostError(text))

    def lost_in(self, seconds: float, error: LostError) -> None:
        """Raise the error then, unless the run is over before or another is to be raised sooner."""
        then = time.monotonic() + seconds
        if self.trouble is None or then < self.trouble[0]:
            self.trouble = (then, error)

    def _look_after_child(self) -> None:
        if self._pid is None:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return
        self._pid = None
        code = os.waitstatus_to_exitcode(status)
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        text = f"{self.place.name(self.place.index)} was lost: its computing ended by {how}."
        # JAX aborts it when another host is gone, which is about to be noticed here.
        aborted = code == -signal.SIGABRT
        crash = _CrashError(text, defect=code != -signal.SIGKILL)
        self.lost_in(_LONGEST_GRACE_SECONDS if aborted else 0.0, crash)

    def end(self) -> None:
        """End the child, and close the connections once the last words have arrived."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = None
            if self.ended is None and sys.stderr.isatty():
                # A display of progress hides the cursor.
                sys.stderr.write("\r\x1b[K\x1b[?25h")
        self.close()

    @abstractmethod
    def hear(self, message: dict[str, Json], wire: Wire) -> None:
        """Act on a message."""

    @abstractmethod
    def outcome(self) -> int | None:
        """Return the exit code if the run is over."""

    @abstractmethod
    def look(self, now: float) -> None:
        """Look after the connections. Raises LostError."""

    @abstractmethod
    def tell(self, **message: Json) -> None:
        """Send a message to all hosts that this one is connected with."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections once the last words have arrived."""


def end_of(message: dict[str, Json]) -> tuple[int, bool]:
    """Return the exit code of a child, and whether it has done its work."""
    return whole(message["code"]), message["returned"] is True


def whole(value: Json) -> int:
    """Return an exit code as it was sent."""
    return value if isinstance(value, int) else FAILED
