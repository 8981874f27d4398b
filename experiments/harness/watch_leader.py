"""The watch of host 0, with which all others are connected."""

from __future__ import annotations

import ipaddress
import selectors
import socket
from dataclasses import dataclass

from experiments.harness.errors import InputError, LostError
from experiments.harness.experiment import Json
from experiments.harness.watch import FAREWELL_SECONDS, Place, Watch, end_of
from experiments.harness.wire import Wire


@dataclass(eq=False)
class _Member:
    """A host as host 0 knows it; its own is the wire to its child."""

    wire: Wire
    mark: Json = None
    here: int = 0


class Leader(Watch):
    """Host 0."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.members: dict[int, _Member] = {}
        self.strangers: list[Wire] = []
        self.found = False
        self.met = 0
        self.listener: socket.socket | None = None

    def run(self) -> int:
        """Listen for the others, and watch until the run is over."""
        self.members[0] = _Member(self.child)
        self.listener = _listener(self.place.address)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        return super().run()

    def ready(self, source: object) -> None:
        """Hear what came over a wire, or take a new one."""
        if self.listener is None or source is not self.listener:
            super().ready(source)
            return
        try:
            end, _ = self.listener.accept()
        except OSError:
            return
        self.strangers.append(self.listen_to(end))

    def hear(self, message: dict[str, Json], wire: Wire) -> None:
        """Act on a message, also of the child here."""
        if wire in self.strangers:
            self._greet(message, wire)
            return
        known = [item for item in self.members.items() if item[1].wire is wire]
        if not known:
            return  # it was refused
        ((index, member),) = known
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
            self.stopped(index, message["failed"], wire)
        elif "lost" in message:
            self.lost_in(0.0, LostError(str(message["lost"])))

    def _greet(self, message: dict[str, Json], wire: Wire) -> None:
        self.strangers.remove(wire)
        index, count = message.get("hello"), message.get("count")
        if not isinstance(index, int) or index < 1:
            self.drop(wire)  # whatever it is
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
        code, returned = end_of(message)
        if index == 0:
            self.ended = (code, returned)
        elif returned:
            self.excused.add(index)
        else:
            self.stopped(index, code, self.members[index].wire)

    def outcome(self) -> int | None:
        """Return the exit code of the child here, for all hosts."""
        if self.ended is None:
            return None
        self.tell(done=self.ended[0])
        return self.ended[0]

    def look(self, now: float) -> None:
        """Expect all hosts to come, and then signs of them."""
        if self.waiting and now - self.begun > self.place.patience:
            missing = [i for i in range(self.place.count) if i not in self.members]
            names = " and ".join(self.place.name(index) for index in missing)
            raise LostError(f"{names} did not connect within {self.place.patience:g} s.")
        for index, member in self.members.items():
            if index > 0:
                self.expect(member.wire, index, now)

    def tell(self, **message: Json) -> None:
        """Send a message to all other hosts."""
        for index, member in self.members.items():
            if index > 0:
                member.wire.send(**message)

    def _tell_children(self, **message: Json) -> None:
        for member in self.members.values():
            member.wire.send(**message)

    def close(self) -> None:
        """Close the connections with the other hosts."""
        if self.listener is not None:
            self.listener.close()
        for wire in [member.wire for member in self.members.values()] + self.strangers:
            wire.finish(FAREWELL_SECONDS)


def is_loopback(host: str) -> bool:
    """Whether an address means the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
