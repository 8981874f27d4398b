"""Small messages between processes: JSON objects, one a line, over a stream socket."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress

from experiments.harness.experiment import Json

_CHUNK = 1 << 16
# What strangers send to an open port must not fill the memory.
_LONGEST = 1 << 20


class Wire:
    """One end of a connection.

    `heard` is when the last byte came, on the monotonic clock; `closed` says that the other end is
    gone. Messages that cannot be sent are dropped: the reader of `closed` and `heard` sees why.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""
        self.heard = time.monotonic()
        self.closed = False

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._end.fileno()

    def send(self, **message: Json) -> None:
        """Send one message."""
        with suppress(OSError):
            self._end.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Json]]:
        """Return the messages that came; blocks for the first byte if the socket does.

        What is no message closes the connection.
        """
        try:
            came = self._end.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            came = b""
        if not came:
            self.closed = True
            return []
        self.heard = time.monotonic()
        *lines, self._rest = (self._rest + came).split(b"\n")
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError:
            messages = [None]
        if len(self._rest) > _LONGEST or not all(isinstance(one, dict) for one in messages):
            self.closed = True
            return []
        return messages

    def close(self) -> None:
        """Close this end at once."""
        self.closed = True
        self._end.close()

    def finish(self, seconds: float) -> None:
        """Close this end once the other has read everything, or after so many seconds.

        A socket that is closed with bytes unread would take back what it sent last.
        """
        deadline = time.monotonic() + seconds
        try:
            self._end.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._end.settimeout(left)
                if not self._end.recv(_CHUNK):
                    break
        except OSError:
            pass
        self.close()
