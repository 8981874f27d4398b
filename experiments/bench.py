"""How many times faster than other tools, and how far from the hardware's limit, does this run?

    python -m experiments.bench

Mutual coherence against NumPy, PyTorch and FAISS, each with the saving of half of the pairs, and on
flat spectra against full precision; the Gram and read-out kernels against their matrix products;
trainings against PyTorch and SAELens; the main job cold against found done; one, two and four
virtual devices.  All sides of a timing run in turn in one process; memory is that of a run in a
process of its own.  A peer that is not installed is said to be absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments import bench_figures, bench_machine, bench_memory, bench_timing
from experiments.bench_config import Config
from experiments.bench_subjects import subjects, validate
from experiments.command import main
from experiments.harness.checks import Check, Claim, judge
from experiments.harness.experiment import Experiment, Result, Table

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Time every contest that is asked for, and the memory of its sides."""
    machine = bench_machine.describe() | {"load_before": bench_machine.load()}
    before = bench_machine.matmul_rates()
    rows = []
    chosen = subjects(config)
    with progress.phase("timings", total=len(chosen)) as step:
        for name, make in chosen.items():
            with progress.phase(name):
                rows.append(_row(name, make(), config))
            step()
    # A machine that others use too is as fast as it ever was.
    rates = {kind: max(rate, before[kind]) for kind, rate in bench_machine.matmul_rates().items()}
    machine |= {"matmul": rates, "load_after": bench_machine.load()}
    data: dict[str, Any] = {"machine": machine, "timings": rows}
    return Result(data, {}, _tables(data))


def _row(name: str, contest: bench_timing.Contest, config: Config) -> dict[str, Any]:
    timing = bench_timing.measure(contest, config.pairs)
    memory = [
        bench_memory.peak(name, place, config)
        if contest.memory and side.role != "floor" and side.prepare is not None
        else None
        for place, side in enumerate(contest.sides)
    ]
    return {
        "name": name,
        "group": timing.group,
        "title": timing.title,
        "sides": [
            {
                "name": side.name,
                "role": side.role,
                "missing": side.missing,
                "seconds": side.seconds,
                "median": side.median,
                "times": side.times and vars(side.times),
                "memory": bytes_,
            }
            for side, bytes_ in zip(timing.sides, memory, strict=True)
        ],
        "least": timing.least,
        "fastest": timing.fastest and timing.fastest.name,
        "difference": timing.difference,
        "tolerance": timing.tolerance,
        "operations": timing.operations,
        "note": timing.note,
    }


def _fastest(row: Any) -> Any:
    """The side that the subject is judged by; None if all are absent."""
    return next((side for side in row["sides"] if side["name"] == row["fastest"]), None)


def _absent(rows: list[Any]) -> list[str]:
    sides = [side for row in rows for side in row["sides"] if side["median"] is None]
    return list(dict.fromkeys(f"{side['name']} {side['missing']}" for side in sides))


def _tables(data: dict[str, Any]) -> dict[str, Table]:
    rates = data["machine"]["matmul"]
    most = max(rates, key=rates.__getitem__)
    return {
        "timings": Table(
            ("timing", "side", "seconds", "faster", "from", "to", "GFLOP/s", "share", "MiB"),
            tuple(
                (
                    f"{row['group']}: {row['title']}",
                    f"{side['name']}: {side['missing']}".removesuffix(": "),
                    _digits(side["median"]),
                    *(
                        _digits(side["times"] and side["times"][key])
                        for key in ("median", "low", "high")
                    ),
                    *_rate(row["operations"], side["median"], rates[most]),
                    None if side["memory"] is None else round(side["memory"] / 2**20),
                )
                for row in data["timings"]
                for side in row["sides"]
            ),
            "Timings",
            "The first side is the subject. Seconds: the median turn. Faster: how many times as "
            "fast as the side the subject is, by the ratio of both within a turn: its median, and "
            "its quartiles over the turns; below 1 the side is faster. GFLOP/s: operations that "
            "the answer needs, a second; share: of what one large product reaches on this device, "
            f"from {most} ({', '.join(f'{k} {v / 1e9:,.0f} GFLOP/s' for k, v in rates.items())}). "
            "MiB: most resident host memory of one run in a process of its own, compilation "
            "included, less what was resident before it (imports and input).",
        ),
        "notes": Table(
            ("timing", "note"),
            tuple((row["name"], row["note"]) for row in data["timings"] if row["note"]),
            "What each side did",
            "Forms that a trial picked, settings, floors, and what came out.",
        ),
    }


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _rate(
    operations: float | None, seconds: float | None, most: float
) -> tuple[float | None, float | None]:
    if operations is None or seconds is None:
        return None, None
    rate = operations / seconds
    return _digits(rate / 1e9), _digits(rate / most)


def checks(_config: Config, result: Result) -> list[Check]:
    """That all sides agree, and that what has to be reached is."""
    data: Any = result.data
    found = []
    for row in data["timings"]:
        title = f"{row['group']}, {row['title']}"
        measured = [side for side in row["sides"] if side["median"] is not None]
        if row["difference"] is not None and len(measured) > 1:
            found.append(
                judge(
                    f"{title}: all sides have the same answer",
                    theory="one number, whoever computes it",
                    estimate=row["difference"],
                    band=(0, row["tolerance"]),
                    note="the largest difference between two of them",
                )
            )
        fastest = _fastest(row)
        if row["least"] is not None and fastest and not _absent([row]):
            times = fastest["times"]
            found.append(
                judge(
                    f"{title}: at least {row['least']:.3g} times as fast as {row['fastest']}",
                    theory="a promise of this project, at the median turn",
                    estimate=times["median"],
                    band=(row["least"], None),
                    note=_spread(times),
                )
            )
    return found


def _spread(times: Any) -> str:
    words = f"quartiles {times['low']:.3g} to {times['high']:.3g}"
    if times["interval"]:
        low, high = times["interval"]
        words += f"; the median's interval at 95% is {low:.3g} to {high:.3g}"
    return words


def claims(_checks: list[Check]) -> list[Claim]:
    """No published claim is about time."""
    return []


def answer(_config: Config, result: Result) -> str:
    """The first timing, against the fastest of the others."""
    data: Any = result.data
    row = data["timings"][0]
    mine = row["sides"][0]["median"]
    subject = f"{row['group'].capitalize()}, {row['title']}: {mine:.3g} s"
    fastest = _fastest(row)
    if fastest is None:
        return f"{subject}; nothing to hold it against is installed."
    peers = sum(side["role"] == "peer" and side["median"] is not None for side in row["sides"])
    which = f", the fastest of {peers} peers" if peers > 1 else ""
    return f"{subject}, {fastest['times']['median']:.2f} times as fast as {fastest['name']}{which}."


def summary(config: Config, result: Result) -> list[str]:
    """The machine, and what was absent."""
    data: Any = result.data
    machine = data["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v is not None)
    flags = f" ({', '.join(machine['flags'])})" if machine["flags"] else ""
    loads = [machine["load_before"], machine["load_after"]]
    busy = "" if None in loads else f", load {loads[0]:.1f} before and {loads[1]:.1f} after"
    lines = [
        f"{machine['processor']}{flags}, {machine['cores']} cores{busy}; JAX on "
        f"{machine['device']}; {versions}. Medians over at least {config.pairs} "
        f"turn{'s' if config.pairs > 1 else ''}."
    ]
    if absent := _absent(data["timings"]):
        lines.append(f"Not measured: {', '.join(absent)}.")
    return lines


EXPERIMENT = Experiment(
    name="bench",
    question="How many times faster than other tools does this run?",
    primer=(
        "A time depends on the machine and on what else it does, so that every job runs in turn "
        "with others, and the ratio within a turn counts. Peers are other libraries, each in its "
        "fastest form that comes to the same answer; products are the bare work."
    ),
    duration="hours on two cores; 5 min with --only coherence",
    alone="takes hours",
    cite=(
        "J. Johnson, M. Douze and H. Jegou, Billion-scale similarity search with GPUs, IEEE Trans. "
        "Big Data 7 (2021)",
    ),
    examples=(
        "python -m experiments.bench",
        "python -m experiments.bench --only coherence --pairs 15",
        "python -m experiments.bench --only devices --json",
    ),
    config=Config,
    presets={
        "tiny": {"only": "coherence-8192x4096", "pairs": 1, "shrink": 64},
        "quick": {},
        "paper": {"pairs": 15},
        "full": {"pairs": 31},
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=bench_figures.figures,
    validate=validate,
    again=True,
    printed=("timings",),
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
