"""Ctrl-C that stops a run even where its exception is swallowed.

Python raises KeyboardInterrupt wherever the main thread is. Inside a destructor or a callback of
the garbage collector (JAX has one) nothing can catch it: it is printed and dropped, and the run
goes on. So the request is kept, and the run asks for it at points where it can stop.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


@contextmanager
def kept() -> Iterator[None]:
    """Keep the request of a Ctrl-C while the context is open.

    Changes nothing outside of the main thread, or where SIGINT has another meaning already.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    report = sys.unraisablehook

    def interrupt(number: int, frame: FrameType | None) -> None:
        _asked.set()
        raise KeyboardInterrupt

    def unraisable(dropped: sys.UnraisableHookArgs) -> None:
        # The run stops soon and says so in its own line.
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            report(dropped)

    _asked.clear()
    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        sys.unraisablehook = report
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _asked.clear()


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed in the context of `kept`."""
    if _asked.is_set():
        raise KeyboardInterrupt
