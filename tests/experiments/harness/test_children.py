"""Commands in processes of their own: order, at most so many at once, what they say, Ctrl-C."""

import os
import signal
import sys
import threading
import time

import pytest

from experiments.harness.children import Child, Ended, run_all


def child(name: str, code: str) -> Child:
    return Child(name, (sys.executable, "-c", code))


class Listener:
    """What is told of the children."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.ended: dict[str, Ended] = {}
        self.most = 0

    def run(self, *children: Child, jobs: int) -> None:
        run_all(
            children,
            jobs=jobs,
            environment={**os.environ, "MARK": "seen"},
            started=self.start,
            said=lambda child, line: self.said.append((child.name, line)),
            ended=self.end,
        )

    def start(self, child: Child) -> None:
        self.started.append(child.name)
        self.most = max(self.most, len(self.started) - len(self.ended))

    def end(self, found: Ended) -> None:
        self.ended[found.child.name] = found


def test_each_ends_in_its_own_way() -> None:
    heard = Listener()
    heard.run(
        child("good", "import os, sys; print('lost'); print(os.environ['MARK'], file=sys.stderr)"),
        child("bad", "raise SystemExit(3)"),
        child("dead", "import os; os.kill(os.getpid(), 9)"),
        child("loud", "import sys; [print(i, file=sys.stderr) for i in range(100)]"),
        jobs=2,
    )
    assert heard.started == ["good", "bad", "dead", "loud"]
    assert heard.most == 2
    codes = {name: found.code for name, found in heard.ended.items()}
    assert codes == {"good": 0, "bad": 3, "dead": -signal.SIGKILL, "loud": 0}
    assert heard.ended["good"].last == ("seen",)
    assert heard.ended["loud"].last == tuple(str(i) for i in range(60, 100))
    assert [line for name, line in heard.said if name == "loud"] == [str(i) for i in range(100)]
    assert all(found.seconds > 0 for found in heard.ended.values())


def test_one_at_a_time() -> None:
    heard = Listener()
    heard.run(*(child(str(place), "pass") for place in range(3)), jobs=1)
    assert heard.most == 1
    assert list(heard.ended) == heard.started == ["0", "1", "2"]


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        Listener().run(Child("none", ("/nothing/here",)), jobs=1)


def test_a_second_ctrl_c_leaves_no_child_behind() -> None:
    deaf = (
        "import os, signal, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "print(os.getpid(), file=sys.stderr); time.sleep(60)"
    )
    heard = Listener()
    over = threading.Event()

    def interrupt() -> None:
        while not heard.said and not over.is_set():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)
        # It is seen within half a second, and then the child has three to leave by itself.
        over.wait(1.5)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            heard.run(child("deaf", deaf), jobs=1)
    finally:
        # The second one, wherever it comes, belongs to this test.
        thread.join()
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(heard.said[0][1]), 0)


def test_ctrl_c_stops_those_at_work_and_starts_no_other() -> None:
    waits = "import os, sys, time; print(os.getpid(), file=sys.stderr); time.sleep(60)"
    heard = Listener()
    over = threading.Event()

    def interrupt() -> None:
        # As a terminal does, but for the children: these are told when they do not leave.
        while len(heard.said) < 2 and not over.is_set():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            heard.run(child("one", waits), child("two", waits), child("three", waits), jobs=2)
    finally:
        over.set()
        thread.join()
    assert time.monotonic() - begun < 30
    assert heard.started == ["one", "two"]
    for _, process in heard.said[:2]:
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)
