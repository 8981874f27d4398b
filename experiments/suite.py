"""Many experiments, each in a process of its own, a few at a time.

    python -m experiments all
    python -m experiments capacity causes --preset tiny

A run that was done before is not measured again, one that was killed goes on where it stopped, and
one that fails costs nothing but itself. All share one compilation cache, `<out>/.compiled/`, so
that what was compiled once is not compiled again, in this run or in a later one; and those that are
at work together share the processors.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments import scorecard, scorecard_text
from experiments.harness import cli, compiled, exact_json, markup, processors, store
from experiments.harness.checks import Verdict
from experiments.harness.children import Child, Ended, run_all
from experiments.harness.drawing import REPORT
from experiments.harness.errors import DONE, FAILED, INTERRUPTED, say_error
from experiments.harness.experiment import DEFAULT_PRESET, Experiment, Json
from experiments.harness.progress import Progress, Step
from experiments.harness.run import SCHEMA, mark_of

__all__ = ["Outcome", "Settings", "run"]

_SAID_LINES = 12


@dataclass(frozen=True)
class Settings:
    """How to run them: `jobs` at a time, and what each is told. No seed is each one's own."""

    preset: str = DEFAULT_PRESET
    seed: int | None = None
    out: Path = Path("results")
    jobs: int = 1
    standalone: bool = False
    force: bool = False
    quiet: bool = False
    json: bool = False

    def words(self) -> list[str]:
        """Return what an experiment's command line says beyond its defaults."""
        found = [] if self.preset == DEFAULT_PRESET else ["--preset", self.preset]
        found += [] if self.seed is None else ["--seed", str(self.seed)]
        found += [] if self.out == Settings().out else ["--out", str(self.out)]
        return found + ["--standalone"] * self.standalone + ["--force"] * self.force


@dataclass(frozen=True)
class Outcome:
    """What came of one experiment: exit code, seconds, its run, and its last lines on stderr."""

    name: str
    code: int
    seconds: float
    run: store.Run | None
    last: tuple[str, ...] = field(default=(), repr=False)

    @property
    def checks(self) -> list[dict[str, Any]]:
        """The checks of the run's record."""
        checks: list[dict[str, Any]] = [] if self.run is None else self.run.record["checks"]
        return checks

    @property
    def failed(self) -> bool:
        """Whether it did not end well. A check that is FAIL is a finding, and no failure."""
        found = any(check["verdict"] == Verdict.FAIL for check in self.checks)
        said = any(line.startswith("error: ") for line in self.last)
        return self.run is None or self.code not in (DONE, FAILED if found and not said else DONE)


@dataclass(frozen=True)
class _Plan:
    """An experiment, its command line, its fingerprint, and the runs that do not count as it."""

    experiment: Experiment[Any]
    words: Sequence[str]
    out: Path
    mark: str
    before: frozenset[Path]

    def found(self) -> store.Run | None:
        """The newest whole run with this fingerprint that counts: after --force, a new one."""
        if not (self.out / self.experiment.name).is_dir():
            return None
        run = store.find(self.out, self.experiment.name, self.mark)
        return None if run is None or run.folder in self.before else run


def command(name: str, words: Sequence[str]) -> list[str]:
    """Return the command that runs an experiment in a process of its own."""
    return [sys.executable, "-m", f"experiments.{name}", *words]


def run(experiments: Sequence[Experiment[Any]], settings: Settings) -> int:
    """Run the experiments, print what came of each and the scorecard, and return the exit code.

    1 if an experiment did not end well, else 0. Raises InputError for bad settings, before
    anything is measured, and KeyboardInterrupt after Ctrl-C.
    """
    begun = time.monotonic()
    store.assert_writable(settings.out)
    plans = [_plan(experiment, settings) for experiment in experiments]
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if not settings.json:
            print("\n".join(_lines(outcome)), flush=True)

    waiting = []
    for plan in plans:
        run = plan.found()
        # A report that is missing, or that is to be in one file, is drawn by the run's own command.
        if run is None or settings.standalone or not (run.folder / REPORT).is_file():
            waiting.append(plan)
        else:
            tell(Outcome(plan.experiment.name, DONE, 0.0, run))
    try:
        if waiting:
            # By those asked for, not by those left, so that what goes on has the same last digits.
            _measure(_ordered(waiting), settings, min(settings.jobs, len(experiments)), tell)
    except KeyboardInterrupt:
        if not settings.quiet:
            print("note: what is done is kept; the same command goes on from here", file=sys.stderr)
        raise
    card = scorecard.write(settings.out)
    seconds = time.monotonic() - begun
    if settings.json:
        print(exact_json.dumps(_answer(outcomes, card, seconds)), flush=True)
    else:
        print("\n".join(scorecard_text.lines(card)))
        print("\n".join(_closing(outcomes, seconds)), flush=True)
        print(f"\nScorecard: {settings.out / 'index.html'}", flush=True)
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        say_error(_trouble(outcome))
    return FAILED if failed else DONE


def _plan(experiment: Experiment[Any], settings: Settings) -> _Plan:
    words = settings.words()
    config, _ = cli.parse(experiment, words)
    if experiment.validate is not None:
        experiment.validate(config)
    folder = settings.out / experiment.name
    before = frozenset(store.runs(folder) if settings.force and folder.is_dir() else ())
    mark = mark_of(experiment, config, quiet=True)
    return _Plan(experiment, words, settings.out, mark, before)


def _ordered(plans: Sequence[_Plan]) -> list[_Plan]:
    """Put the shortest first, so that there is soon something to read, then the longest.

    So no long one is left for the end, when the others are done.
    """
    by_time = sorted(plans, key=lambda plan: plan.experiment.seconds)
    return [*by_time[:1], *reversed(by_time[1:])]


def _measure(
    plans: Sequence[_Plan],
    settings: Settings,
    processes: int,
    tell: Callable[[Outcome], None],
) -> None:
    """Run the commands, of which so many share the processors; `tell` what came of each."""
    by_name = {plan.experiment.name: plan for plan in plans}
    phases = {name: ExitStack() for name in by_name}
    try:
        cache = compiled.shared(settings.out, processors.threads(processes))
    except OSError as error:
        # Without it everything takes longer, and comes out the same.
        cache = {}
        if not settings.quiet:
            print(f"note: no shared compilation cache ({error.strerror})", file=sys.stderr)
    with (
        # The commands say every ten seconds what they do.
        Progress(quiet=settings.quiet, interval=60.0) as progress,
        progress.phase(f"{len(plans)} experiments, percent", total=100) as step,
    ):
        work = _Work({name: plan.experiment.seconds for name, plan in by_name.items()}, step)

        def started(child: Child) -> None:
            phases[child.name].enter_context(progress.phase(child.name, printed=False))
            work.start(child.name)

        def ended(found: Ended) -> None:
            name = found.child.name
            phases[name].close()
            work.end(name)
            outcome = Outcome(name, found.code, found.seconds, by_name[name].found(), found.last)
            with progress.aside():
                tell(outcome)

        run_all(
            [Child(name, command(name, by_name[name].words)) for name in by_name],
            jobs=settings.jobs,
            environment={**os.environ, **cache, **processors.share(processes)},
            started=started,
            said=lambda child, line: progress.say(child.name, line),
            ended=ended,
            turn=work.tell,
        )


class _Work:
    """How much of the work is done, in percent: by the seconds that experiments usually take.

    One that is at work has done as many of its own as have passed, up to nearly all.
    """

    def __init__(self, usual: Mapping[str, float], step: Step) -> None:
        self._usual = usual
        self._step = step
        self._begun: dict[str, float] = {}
        self._done = 0.0
        self._told = 0.0

    def start(self, name: str) -> None:
        """Say that an experiment is at work."""
        self._begun[name] = time.monotonic()

    def end(self, name: str) -> None:
        """Say that it has ended."""
        del self._begun[name]
        self._done += self._usual[name]

    def tell(self) -> None:
        """Tell the display."""
        now = time.monotonic()
        partly = (min(now - at, 0.95 * self._usual[name]) for name, at in self._begun.items())
        percent = 100 * (self._done + sum(partly)) / sum(self._usual.values())
        # An experiment that was quicker than usual never takes the display back.
        if percent > self._told:
            self._step(percent - self._told)
            self._told = percent


def _lines(outcome: Outcome) -> list[str]:
    """What the terminal says when an experiment has ended."""
    when = "done before" if outcome.seconds == 0 else markup.duration(outcome.seconds)
    if outcome.run is None:
        return [f"{outcome.name}, {when}: failed ({_code(outcome.code)})", ""]
    verdicts = Counter(str(check["verdict"]) for check in outcome.checks)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    failed = f"; {_code(outcome.code)}" if outcome.failed else ""
    return [f"{outcome.name}, {when}: {counts}{failed}", f"  {outcome.run.record['answer']}", ""]


def _closing(outcomes: Sequence[Outcome], seconds: float) -> list[str]:
    """The checks that did not pass, and the count of what was done."""
    lines = []
    for outcome in outcomes:
        for check in outcome.checks:
            if check["verdict"] != Verdict.PASS:
                lines.append(f"  {outcome.name}: {check['verdict']}: {check['name']}")
    if lines:
        lines = ["", "Checks that did not pass, which are findings:", *lines]
    failed = sum(outcome.failed for outcome in outcomes)
    plural = "s" * (len(outcomes) != 1)
    done = f"{len(outcomes)} experiment{plural} in {markup.duration(seconds)}"
    return [*lines, "", f"{done}, {failed} of them failed." if failed else f"{done}."]


def _trouble(outcome: Outcome) -> str:
    last = next((line for line in reversed(outcome.last) if line.strip()), "")
    said = f": {last.removeprefix('error: ')}" if last else ""
    return f"{outcome.name} failed ({_code(outcome.code)}){said}"


def _code(code: int) -> str:
    if code < 0:
        return f"ended by signal {-code}"
    return "interrupted" if code == INTERRUPTED else f"exit code {code}"


def _answer(
    outcomes: Sequence[Outcome], card: scorecard.Scorecard, seconds: float
) -> dict[str, Json]:
    entries: list[Json] = [
        {
            "name": outcome.name,
            "failed": outcome.failed,
            "exit_code": outcome.code,
            "seconds": round(outcome.seconds, 3),
            "run": None if outcome.run is None else str(outcome.run.folder),
            "answer": None if outcome.run is None else outcome.run.record["answer"],
            "checks": dict(Counter(str(check["verdict"]) for check in outcome.checks)),
            "reason": _trouble(outcome) if outcome.failed else None,
        }
        for outcome in outcomes
    ]
    return {
        "schema": SCHEMA,
        "experiments": entries,
        "claims": scorecard_text.as_json(card)["claims"],
        "seconds": round(seconds, 3),
    }
