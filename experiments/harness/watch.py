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

import ipaddress
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
_FAREWELL_SECONDS = 1.0
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


def watched(place: Place, work: Work) -> int:
    """Run `work` in a child and return the exit code of the run.

    `work` gets the wire to this process, and a file for what libraries print. It never returns:
    it sends `code` and `returned` and waits for its end. Raises LostError, which names what was
    lost, and InputError if hosts do not fit together.
    """
    watch = _Leader(place) if place.index == 0 else _Helper(place)
    with tempfile.TemporaryFile() as noise:
        watch.start(work, noise)
        try:
            return watch.run()
        except _CrashError:
            noise.seek(0)
            sys.stderr.write(noise.read().decode(errors="replace"))
            raise
        finally:
            watch.end()


def is_loopback(host: str) -> bool:
    """Whether an address means the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _CrashError(LostError):
    """The child of this host ended without a word."""


class _Watch(ABC):
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

    def run(self) -> int:
        """Watch until the run is over, and return its exit code."""
        try:
            self.open()
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

    def stopped(self, index: int, code: Json) -> None:
        """Give this host a moment to end by itself, since another one did.

        What is wrong may be so for all hosts, and then each says it in its own line.
        """
        self.excused.add(index)
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
        self.lost_in(_LONGEST_GRACE_SECONDS if aborted else 0.0, _CrashError(text))

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
    def open(self) -> None:
        """Make ready for the other hosts."""

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


@dataclass(eq=False)
class _Member:
    """A host as host 0 knows it; its own is the wire to its child."""

    wire: Wire
    mark: Json = None
    here: int = 0


class _Leader(_Watch):
    """Host 0."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.members: dict[int, _Member] = {}
        self.strangers: list[Wire] = []
        self.found = False
        self.met = 0
        self.listener: socket.socket | None = None

    def open(self) -> None:
        self.members[0] = _Member(self.child)
        self.listener = _listener(self.place.address)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)

    def ready(self, source: object) -> None:
        if self.listener is None or source is not self.listener:
            super().ready(source)
            return
        try:
            end, _ = self.listener.accept()
        except OSError:
            return
        self.strangers.append(self.listen_to(end))

    def hear(self, message: dict[str, Json], wire: Wire) -> None:
        if wire in self.strangers:
            self._greet(message, wire)
            return
        index = next(index for index, member in self.members.items() if member.wire is wire)
        member = self.members[index]
        if "mark" in message:
            member.mark = message["mark"]
            self.found = message["found"] is True if index == 0 else self.found
            self._start_if_all_know()
        elif "here" in message:
            member.here += 1
            self._meet_if_all_are_here()
        elif "code" in message:
            self._end_of(index, message)
        elif "failed" in message:
            self.stopped(index, message["failed"])
        elif "lost" in message:
            self.lost_in(0.0, LostError(str(message["lost"])))

    def _greet(self, message: dict[str, Json], wire: Wire) -> None:
        self.strangers.remove(wire)
        index, count = message.get("hello"), message.get("count")
        if not isinstance(index, int):
            self.selector.unregister(wire)
            wire.close()
        elif count != self.place.count:
            text = f"got {self.place.count} on host 0 and {count} on host {index}."
            wire.send(refused=f"--hosts must be the same on all hosts; {text}")
            raise InputError(f"--hosts must be the same on all hosts; {text}")
        elif index in self.members:
            wire.send(refused=f"--host must be another on each host; got {index} twice.")
        else:
            self.members[index] = _Member(wire)
            self.waiting = len(self.members) < self.place.count

    def _start_if_all_know(self) -> None:
        marks = {index: member.mark for index, member in sorted(self.members.items())}
        if len(marks) < self.place.count or None in marks.values():
            return
        for index, mark in marks.items():
            if mark != marks[0]:
                raise InputError(
                    f"--host {index} must run what --host 0 runs, with the same settings, input "
                    "files, source and versions; got others."
                )
        port = None if self.found else _free_port(self.place.address[0])
        self._tell_children(go=True, found=self.found, port=port)

    def _meet_if_all_are_here(self) -> None:
        if all(member.here > self.met for member in self.members.values()):
            self.met += 1
            self._tell_children(all=self.met)

    def _end_of(self, index: int, message: dict[str, Json]) -> None:
        code, returned = _end(message)
        if index == 0:
            self.ended = (code, returned)
        elif returned:
            self.excused.add(index)
        else:
            self.stopped(index, code)

    def outcome(self) -> int | None:
        if self.ended is None:
            return None
        self.tell(done=self.ended[0])
        return self.ended[0]

    def look(self, now: float) -> None:
        if self.waiting and now - self.begun > self.place.patience:
            missing = [i for i in range(self.place.count) if i not in self.members]
            names = " and ".join(self.place.name(index) for index in missing)
            raise LostError(f"{names} did not connect within {self.place.patience:g} s.")
        for index, member in self.members.items():
            if index > 0:
                self.expect(member.wire, index, now)

    def tell(self, **message: Json) -> None:
        for index, member in self.members.items():
            if index > 0:
                member.wire.send(**message)

    def _tell_children(self, **message: Json) -> None:
        for member in self.members.values():
            member.wire.send(**message)

    def close(self) -> None:
        if self.listener is not None:
            self.listener.close()
        for wire in [member.wire for member in self.members.values()] + self.strangers:
            wire.finish(_FAREWELL_SECONDS)


class _Helper(_Watch):
    """Any other host."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.leader: Wire | None = None
        self.unsent: list[dict[str, Json]] = []
        self.done: int | None = None
        self.reason = "no answer"

    def open(self) -> None:
        pass

    def hear(self, message: dict[str, Json], wire: Wire) -> None:
        if wire is self.child:
            if "code" in message:
                self.ended = _end(message)
            if self.leader is None:
                self.unsent.append(message)
            else:
                self.leader.send(**message)
        elif "go" in message or "all" in message:
            self.child.send(**message)
        elif "done" in message:
            self.done = _whole(message["done"])
        elif "refused" in message:
            raise InputError(str(message["refused"]))
        elif "failed" in message:
            self.stopped(0, message["failed"])
        elif "lost" in message:
            self.lost_in(0.0, LostError(str(message["lost"])))

    def outcome(self) -> int | None:
        return self.done

    def look(self, now: float) -> None:
        if self.leader is not None:
            self.expect(self.leader, 0, now)
        elif not self._connected() and time.monotonic() - self.begun > self.place.patience:
            host, port = self.place.address
            raise LostError(
                f"{self.place.name(0)} could not be reached at {host}:{port} within "
                f"{self.place.patience:g} s ({self.reason})."
            )

    def _connected(self) -> bool:
        try:
            end = socket.create_connection(self.place.address, timeout=0.5)
        except OSError as error:
            self.reason = (error.strerror or str(error)).lower()
            return False
        # Where nobody listens on this machine yet, a port can be connected with itself.
        if end.getsockname() == end.getpeername():
            end.close()
            return False
        self.leader = self.listen_to(end)
        self.leader.send(hello=self.place.index, count=self.place.count)
        for message in self.unsent:
            self.leader.send(**message)
        self.waiting = False
        return True

    def tell(self, **message: Json) -> None:
        if self.leader is not None:
            self.leader.send(**message)

    def close(self) -> None:
        self.child.close()
        if self.leader is not None:
            self.leader.finish(_FAREWELL_SECONDS)


def _end(message: dict[str, Json]) -> tuple[int, bool]:
    return _whole(message["code"]), message["returned"] is True


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else FAILED


def _listener(address: tuple[str, int]) -> socket.socket:
    host, port = address
    try:
        if is_loopback(host):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family)
        # The name that others know a machine by often means the loopback on itself.
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"--coordinator must be an address where host 0 can listen; got {host}:{port} "
            f"({reason})."
        ) from None


def _free_port(host: str) -> int:
    """Return a port for JAX, free a moment ago; the one of the watch is taken."""
    with _listener((host, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
