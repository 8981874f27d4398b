"""Several processes, on one or several machines, that share one run.

An experiment that is `shared` has the flags of `Team`. Start its command once for each host, with
the same settings, within `--patience` seconds of one another:

    python -m experiments.audit table.npy --hosts 2 --host 0 --coordinator 10.0.0.1:7000
    python -m experiments.audit table.npy --hosts 2 --host 1 --coordinator 10.0.0.1:7000

The address is one of host 0, which all others can reach; host 0 listens there for the watch over
the hosts. JAX's own coordinator and its collectives (gloo on CPUs) take other free ports, so that
the machines must be open to each other. Every host reads the inputs by itself, under names of its
own: their contents are compared, as are settings, source and versions. Host 0 writes the run and
prints the answer; the others say one line on stderr and exit with the same code. If a host is
lost, the others say which in one line and exit with code 3.

Under SLURM, a task on each machine knows its number:

    srun --ntasks-per-node=1 bash -c 'python -m experiments.audit table.npy \\
        --hosts $SLURM_NTASKS --host $SLURM_PROCID --coordinator NODE0:7000'

where NODE0 is the first of `scontrol show hostnames`. JAX can find its cluster by itself under
SLURM, Open MPI, Kubernetes and on Cloud TPUs (`jax.distributed.initialize`), but that is not used
here: the watch has to know its hosts before JAX starts. A process uses all devices that it sees,
one process a machine. On a TPU pod `--host` must be the number that the runtime gives the machine;
another is refused.

A measurement shares its work by `progress.crew`. All hosts run the same `measure`, each on the
devices of its own machine (`jax.local_devices()`), and meet in `crew.gather`. Nothing is kept for
a run that is killed to go on from, since hosts could then differ in what they have left to do.
"""

from __future__ import annotations

import io
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Annotated, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from experiments.harness.errors import FAILED, LOST, InputError, exit_code
from experiments.harness.experiment import Json
from experiments.harness.flags import integer, option, real
from experiments.harness.watch import Place, watched
from experiments.harness.watch_helper import Helper
from experiments.harness.watch_leader import Leader, is_loopback
from experiments.harness.wire import Wire

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):([0-9]{1,5})")
# Of one collective: enough to be fast, little beside the memory of a device.
_WORDS = 1 << 24


def _address(word: str) -> str:
    found = _ADDRESS.fullmatch(word)
    if found is None or not 0 < int(found[2]) < 1 << 16:
        raise ValueError(word)
    return word


@dataclass(frozen=True)
class Team:
    """The hosts of a run, as flags say it."""

    hosts: Annotated[int, integer("--hosts", at_least=1, at_most=4096)] = 1
    """Processes that share the run, on one or several machines. Start each of them yourself."""
    host: Annotated[int, integer("--host", at_least=0)] = 0
    """Which of them this one is, from 0. Host 0 writes the run."""
    coordinator: Annotated[
        str | None,
        option("--coordinator", "like 10.0.0.1:7000", _address, metavar="ADDRESS:PORT"),
    ] = None
    """Where host 0 listens for the others."""
    patience: Annotated[float, real("--patience", 0.5, 3600)] = 20.0
    """Seconds without a sign of another host after which it counts as lost."""

    def validate(self) -> None:
        """Raise InputError for flags that do not go together."""
        if self.host >= self.hosts:
            raise InputError(f"--host must be below --hosts, {self.hosts}; got {self.host}.")
        if self.hosts > 1 and self.coordinator is None:
            raise InputError(
                f"--coordinator must be given with --hosts {self.hosts}, as ADDRESS:PORT of host "
                "0; got nothing."
            )

    def place(self) -> Place:
        """Return the place of this host among the others."""
        assert self.coordinator is not None
        host, _, port = self.coordinator.rpartition(":")
        return Place(self.host, self.hosts, (host.strip("[]"), int(port)), self.patience)


ONE_HOST = Team()


@dataclass(frozen=True)
class Crew:
    """The hosts of a run as a measurement knows them; by default, one that is alone.

    It is a `geometry.rows.Crew`, known to each other by structure.
    """

    index: int = 0
    count: int = 1
    link: Link | None = None

    def gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of every host, `[count, ...]`, exact to the last bit for any numbers.

        Every host calls it, with arrays of the same shape and type, as often as the others, from
        one thread. Cost: the memory of the result twice. If another host is lost while this one
        waits, the process ends with code 3.
        """
        array = np.asarray(values)
        if array.dtype.hasobject:
            raise TypeError("`values` must be numbers or text; got objects.")
        if self.link is None:
            return array[None]
        # Without 64-bit types in JAX only the bits are safe.
        bits = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        words = np.zeros(-(-bits.size // 4), np.uint32)
        words.view(np.uint8)[: bits.size] = bits
        gathered = np.empty((self.count, words.size), np.uint32)
        for start in range(0, words.size, _WORDS):
            piece = words[start : start + _WORDS]
            # Of few sizes, since each one is a compilation.
            padded = np.zeros(1 << (piece.size - 1).bit_length(), np.uint32)
            padded[: piece.size] = piece
            gathered[:, start : start + piece.size] = self.link.gather(padded)[:, : piece.size]
        wanted = np.ascontiguousarray(gathered.view(np.uint8)[:, : bits.size])
        return wanted.view(array.dtype).reshape(self.count, *array.shape)


ALONE = Crew()


class Link:
    """What a process that computes knows of the run: itself alone, or others by its watch."""

    def __init__(self, place: Place | None = None, wire: Wire | None = None) -> None:
        self._place = place
        self._wire = wire
        self._port: int | None = None
        self._came: queue.Queue[dict[str, Json]] = queue.Queue()
        if wire is not None:
            threading.Thread(target=partial(self._listen, wire), daemon=True).start()

    def agree(self, mark: str, *, found: bool) -> bool:
        """Return whether host 0 has found the run done, once all hosts mean the same run.

        `mark` is the hash of the run, and `found` what this host says if it is host 0. The command
        ends with code 2 if the marks differ.
        """
        if self._wire is None:
            return found
        answer = self._ask("go", mark=mark, found=found)
        port = answer["port"]
        self._port = port if isinstance(port, int) else None
        return answer["found"] is True

    def crew(self) -> Crew:
        """Return the crew, after `agree` and before JAX has started its devices."""
        if self._place is None:
            return ALONE
        self._joined(partial(self._start_jax, self._place))
        crew = Crew(self._place.index, self._place.count, self)
        # Connections are made by the first collective, and that while all hosts are at it.
        crew.gather(np.zeros(1, np.uint32))
        return crew

    def meet(self) -> None:
        """Wait until all hosts do.

        A collective of JAX has a time limit, and hosts may need longer for their shares.
        """
        self._ask("all", here=True)

    def gather(self, words: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return the words of every host, `[count, n]`."""
        from jax.experimental.multihost_utils import process_allgather

        self.meet()
        gathered: NDArray[np.uint32] = self._joined(partial(process_allgather, words))
        return gathered

    def _start_jax(self, place: Place) -> None:
        import jax

        host, _ = place.address
        named = f"[{host}]" if ":" in host else host
        bound = f"{'127.0.0.1' if host == 'localhost' else named}:{self._port}"
        # Its service takes SIGTERM for a warning, and goes on.
        setting: Callable[[str, bool], None] = jax.config.update  # JAX leaves it untyped
        setting("jax_enable_preemption_service", False)
        jax.distributed.initialize(
            f"{named}:{self._port}",
            place.count,
            place.index,
            cluster_detection_method="deactivate",
            coordinator_bind_address=bound if is_loopback(host) else None,
            # The watch notices first, and knows which host it was.
            heartbeat_timeout_seconds=100 + int(2 * place.patience),
        )
        if jax.process_index() != place.index:
            raise InputError(
                f"--host must be {jax.process_index()} on this machine, which is what its "
                f"accelerators call it; got {place.index}."
            )

    def _joined(self, work: Callable[[], Any]) -> Any:
        """Return what `work` with the other hosts gives."""
        assert self._place is not None
        try:
            return work()
        except InputError:
            raise
        except Exception:
            # If a host is lost, the watch says so and ends this process while it waits.
            time.sleep(self._place.patience + 5)
            raise

    def _ask(self, answer: str, **message: Json) -> dict[str, Json]:
        assert self._wire is not None
        self._wire.send(**message)
        while answer not in (came := self._came.get()):
            pass
        return came

    def _listen(self, wire: Wire) -> None:
        while not wire.closed:
            for message in wire.receive():
                self._came.put(message)
        # The watch was killed.
        os._exit(LOST)


def shared(team: Team, body: Callable[[Link], int]) -> int:
    """Run `body` as one of the hosts of the team, and return the exit code of the run.

    Without other hosts it is just called. Else it runs in a child of this process, which must not
    have started JAX. Raises LostError, which names what was lost, and InputError if hosts do not
    fit together.
    """
    if team.hosts == 1:
        return body(Link())
    if "jax" in sys.modules:
        raise RuntimeError("Hosts can share a run only in a process that has not imported JAX.")
    place = team.place()

    def work(wire: Wire, noise: IO[bytes]) -> NoReturn:
        _work(lambda: body(Link(place, wire)), wire, noise)

    return watched(Leader(place) if place.index == 0 else Helper(place), work)


def _work(body: Callable[[], int], wire: Wire, noise: IO[bytes]) -> NoReturn:
    """Run the body in a child, tell the watch how it ended, and wait to be ended.

    An exit would take JAX's connections down under hosts that still compute.
    """
    # The watch gets it too, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        _keep_for_python(name, descriptor, noise)
    returned = False

    def whole() -> int:
        nonlocal returned
        code = body()
        returned = True
        return code

    try:
        code = exit_code(whole)
    except BaseException:
        traceback.print_exc()
        code = FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    wire.send(code=code, returned=returned)
    while True:
        time.sleep(3600)


def _keep_for_python(name: str, descriptor: int, noise: IO[bytes]) -> None:
    """Leave a standard stream to Python, and send what libraries in C write there to a file."""
    stream = getattr(sys, name)
    try:
        if stream.fileno() != descriptor:
            return
    except (OSError, ValueError):
        return
    kept = os.fdopen(os.dup(descriptor), "wb")
    os.dup2(noise.fileno(), descriptor)
    setattr(sys, name, _text(kept, stream))


def _text(kept: IO[bytes], like: Any) -> IO[str]:
    return io.TextIOWrapper(
        kept, encoding=like.encoding, errors=like.errors, line_buffering=like.line_buffering
    )
