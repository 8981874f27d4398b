"""The watch of a host other than 0, which is connected with that one."""

from __future__ import annotations

import socket
import time

from experiments.harness.errors import InputError, LostError
from experiments.harness.experiment import Json
from experiments.harness.watch import FAREWELL_SECONDS, Place, Watch, end_of, whole
from experiments.harness.wire import Wire


class Helper(Watch):
    """Any other host."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.leader: Wire | None = None
        self.unsent: list[dict[str, Json]] = []
        self.done: int | None = None
        self.reason = "no answer"

    def hear(self, message: dict[str, Json], wire: Wire) -> None:
        """Pass on what the child and host 0 say to each other, and heed last words."""
        if wire is self.child:
            if "code" in message:
                self.ended = end_of(message)
            if self.leader is None:
                self.unsent.append(message)
            else:
                self.leader.send(**message)
        elif "go" in message or "all" in message:
            self.child.send(**message)
        elif "done" in message:
            self.done = whole(message["done"])
        elif "refused" in message:
            raise InputError(str(message["refused"]))
        elif "failed" in message:
            self.stopped(0, message["failed"], wire)
        elif "lost" in message:
            self.lost_in(0.0, LostError(str(message["lost"])))

    def outcome(self) -> int | None:
        """Return what host 0 says."""
        return self.done

    def look(self, now: float) -> None:
        """Connect with host 0, and then expect signs of it."""
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
        """Send a message to host 0."""
        if self.leader is not None:
            self.leader.send(**message)

    def close(self) -> None:
        """Close the connection with host 0."""
        self.child.close()
        if self.leader is not None:
            self.leader.finish(FAREWELL_SECONDS)
