import io
import re
import sys
import threading
import time

import pytest

from experiments.harness.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def wait_for(stream: io.StringIO, text: str) -> None:
    """Waits for the progress thread, generously: a loaded machine may be slow."""
    deadline = time.monotonic() + 20
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.005)


def test_nothing_appears_before_the_delay(capfd: pytest.CaptureFixture[str]) -> None:
    threads = threading.active_count()
    with Progress() as progress, progress.phase("short", total=2) as step:
        step()
        step()
    assert threading.active_count() == threads
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quiet_is_silent(stream: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        Progress(quiet=True, stream=stream, delay=0, interval=0.01) as progress,
        progress.phase("long"),
    ):
        time.sleep(0.1)
    assert stream.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_plain_lines_tell_the_innermost_phase_and_its_amount() -> None:
    stream = io.StringIO()
    with (
        Progress(stream=stream, delay=0, interval=0.01) as progress,
        progress.phase("outer"),
    ):
        wait_for(stream, "outer (")
        with progress.phase("inner", total=2000) as step:
            step(1500)
            wait_for(stream, "inner: 1,500 of 2,000 (")
    lines = stream.getvalue().splitlines()
    pattern = r"\w+(: [\d,]+ of [\d,]+)? \(\d+ s(, about \d+ s to go)?\)"
    assert all(re.fullmatch(pattern, line) for line in lines), lines
    # Of 2,000 units 1,500 are done, in this much time.
    assert all(("to go" in line) == ("1,500" in line) for line in lines), lines


def test_plain_lines_are_rare() -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream, delay=0, interval=60)
    with progress.phase("many", total=1000) as step, progress:
        wait_for(stream, "many")
        for _ in range(1000):
            step()
        time.sleep(0.05)
    assert len(stream.getvalue().splitlines()) == 1


def test_terminal_shows_a_bar_and_takes_it_away(capfd: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with Progress(stream=stream, delay=0) as progress, progress.phase("adding", total=4) as step:
        wait_for(stream, "adding")
        step(3)
        wait_for(stream, "75%")
        with progress.phase("late"):
            wait_for(stream, "late")
        sys.stdout.write("an answer\n")
    # The last it does is to clear the line and to show the cursor again.
    assert "\x1b[2K\x1b[?25h" in stream.getvalue()[-20:]
    assert capfd.readouterr() == ("an answer\n", "")


def test_seconds_add_up_by_phase() -> None:
    ticks = iter([0.0, 10.0, 12.0, 20.0, 23.0, 30.0])
    progress = Progress(quiet=True, clock=lambda: next(ticks))
    with progress.phase("all"):
        for _ in range(2):
            with progress.phase("part"):
                pass
    assert progress.seconds == {"part": 5.0, "all": 30.0}


def test_a_phase_closes_when_its_work_fails() -> None:
    progress = Progress(quiet=True)
    with pytest.raises(ZeroDivisionError), progress, progress.phase("part"):
        raise ZeroDivisionError
    assert list(progress.seconds) == ["part"]
