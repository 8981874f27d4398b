"""Progress: shown on stderr, live on a terminal and in lines elsewhere, and kept in parts."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from experiments.harness.hosts import ALONE, Crew
from experiments.harness.interrupts import stop_if_asked
from experiments.harness.parts import Parts

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID


class Step(Protocol):
    """Tells the display that `advance` more units of a phase are done."""

    def __call__(self, advance: float = 1) -> None:
        """Advance the phase."""


@dataclass
class _Phase:
    name: str
    total: float | None
    started: float
    printed: bool
    done: float = 0.0
    task: TaskID | None = None


class Progress:
    """Shows phases that last. Nothing appears in the first `delay` seconds.

    Used as a context manager around a measurement; `phase` opens a part of it, also inside
    another. Lines on something that is no terminal come at most every `interval` seconds.
    `seconds` holds the time spent in each phase so far.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        delay: float = 2.0,
        interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        parts: Parts | None = None,
        crew: Crew = ALONE,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._parts = parts or Parts()
        self._crew = crew
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._delay = delay
        self._interval = interval
        self._clock = clock
        self._open: list[_Phase] = []
        self._display: Display | None = None
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Progress:
        """Start to watch."""
        if not self._quiet:
            self._over.clear()
            self._ticker = threading.Thread(target=self._watch, daemon=True)
            self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the display away."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            if self._display is not None:
                self._display.stop()
                self._display = None

    @contextmanager
    def phase(
        self, name: str, total: float | None = None, *, printed: bool = True
    ) -> Iterator[Step]:
        """Open a phase of `total` units, None if unknown; call what it yields as units get done.

        Where there is no terminal, lines tell of the phase opened last that is to be `printed`.
        A call raises KeyboardInterrupt after a Ctrl-C that was dropped elsewhere.
        """
        stop_if_asked()
        phase = _Phase(name, total, self._clock(), printed)
        with self._lock:
            self._open.append(phase)
            self._add(phase)

        def step(advance: float = 1) -> None:
            stop_if_asked()
            with self._lock:
                phase.done += advance
                if self._display is not None and phase.task is not None:
                    self._display.update(phase.task, completed=phase.done)

        try:
            yield step
            stop_if_asked()
        finally:
            with self._lock:
                self._open.remove(phase)
                spent = self._clock() - phase.started
                self.seconds[name] = self.seconds.get(name, 0.0) + spent
                if self._display is not None and phase.task is not None:
                    self._display.remove_task(phase.task)

    def say(self, name: str, line: str) -> None:
        """Show the line beside the open phase of that name, or print it where no terminal is."""
        with self._lock:
            if self._display is None:
                if not self._quiet and not self._stream.isatty():
                    print(f"{name}: {line}", file=self._stream, flush=True)
                return
            for phase in self._open:
                if phase.name == name and phase.task is not None:
                    self._display.update(phase.task, description=f"{name}: {line}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take a live display away while something else is printed on the terminal."""
        with self._lock:
            if self._display is not None:
                self._display.stop()
            try:
                yield
            finally:
                if self._display is not None:
                    self._display.start()

    def part(self, name: str, make: Callable[[], object]) -> Any:
        """Return the JSON value of `make()`, unless a run killed earlier has kept it (`Parts.get`).

        The rest of the measurement must not depend on whether `make` was called.
        """
        stop_if_asked()
        return self._parts.get(name, make)

    @property
    def parts(self) -> Parts:
        """What outlives the run if it is killed."""
        return self._parts

    @property
    def crew(self) -> Crew:
        """The hosts that share the measurement, for an experiment that is `shared`."""
        return self._crew

    def _watch(self) -> None:
        # A thread, since a phase may run for minutes without a step.
        if self._over.wait(self._delay):
            return
        if self._stream.isatty():
            self._show()
            return
        started = self._clock() - self._delay
        while True:
            self._print(started)
            if self._over.wait(self._interval):
                return

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Display

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("to go:"),
            TimeRemainingColumn(elapsed_when_finished=False),
        )
        console = Console(file=self._stream, stderr=True)
        with self._lock:
            # Phases that are over when the display begins have nothing to show.
            if self._over.is_set():
                return
            self._display = Display(
                *columns,
                console=console,
                transient=True,
                # Rich would send what is printed on stdout to stderr meanwhile.
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._display.start()
            for phase in self._open:
                self._add(phase)

    def _add(self, phase: _Phase) -> None:
        if self._display is not None:
            phase.task = self._display.add_task(phase.name, total=phase.total)
            self._display.update(phase.task, completed=phase.done)

    def _print(self, started: float) -> None:
        with self._lock:
            phase = next((phase for phase in reversed(self._open) if phase.printed), None)
        if phase is None:
            return
        amount = "" if phase.total is None else f": {phase.done:,.0f} of {phase.total:,.0f}"
        now = self._clock()
        left = ""
        if phase.total is not None and 0 < phase.done < phase.total:
            # At the pace so far.
            rest = (now - phase.started) * (phase.total / phase.done - 1)
            left = f", about {rest:.0f} s to go"
        print(f"{phase.name}{amount} ({now - started:.0f} s{left})", file=self._stream, flush=True)
