"""The exit codes of every command, and the error that means bad input."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from experiments.harness import interrupts

DONE = 0
FAILED = 1
BAD_INPUT = 2
LOST = 3
INTERRUPTED = 130


class InputError(Exception):
    """Bad input, said in one line that names the argument, the need and what came.

    Not a `ValueError`: tyro catches those and prints a box of its own.
    """


class LostError(Exception):
    """A device or another host was lost, said in one line that names it."""


def say_error(message: str) -> None:
    """Print `error: message` on stderr, in one line whatever the message holds."""
    print("error:", " ".join(message.split()), file=sys.stderr)


def shortened(text: str, limit: int = 60) -> str:
    """Return the text quoted as Python does, its middle left out if it is long."""
    if len(text) <= limit:
        return repr(text)
    return f"{text[: limit // 2] + '...'!r} ({len(text)} characters)"


def exit_code(body: Callable[[], int]) -> int:
    """Run `body` and return the exit code of the command.

    The code that `body` returns, or 2 after an `InputError`, 3 after a `LostError`, 1 after an
    `OSError` (a full disk, a closed pipe), 130 after Ctrl-C, each with one line on stderr. Any
    other exception is a defect and keeps its traceback.
    """
    with _streams():
        try:
            with interrupts.kept():
                return _stopped(body)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED


def _stopped(body: Callable[[], int]) -> int:
    """Return the exit code of `body`, whose Ctrl-C may have been dropped or turned into others."""
    try:
        code = _code(body)
    except Exception:
        interrupts.stop_if_asked()
        raise
    interrupts.stop_if_asked()
    return code


def _code(body: Callable[[], int]) -> int:
    try:
        code = body()
        sys.stdout.flush()
    except InputError as error:
        say_error(str(error))
        return BAD_INPUT
    except LostError as error:
        say_error(str(error))
        return LOST
    except BrokenPipeError:
        # The reader left, as in `| head`. Python flushes stdout once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        where = "" if error.filename is None else f": {shortened(str(error.filename), 200)}"
        say_error(f"{error.strerror or error}{where}")
        return FAILED
    except SystemExit as stop:
        # Help and the command-line parser's own errors leave this way.
        return stop.code if isinstance(stop.code, int) else DONE
    return code


@contextmanager
def _streams() -> Iterator[None]:
    """Let stdout and stderr take any text: none is lost to an encoding or a closed stream."""
    with ExitStack() as stack:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                setattr(sys, name, nowhere)
                stack.callback(setattr, sys, name, None)
            elif isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        yield
