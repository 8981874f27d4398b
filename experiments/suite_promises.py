"""What is promised of all experiments together, measured; `experiments.validate` prints it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from experiments import quick_runs, same_runs
from experiments.__main__ import discover
from experiments.claims import CLAIMS
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "The suite"
_FIRST_SECONDS, _AGAIN_SECONDS = 720.0, 300.0
_ATLAS_SECONDS = 45.0
_REFERENCE = Path(__file__).parents[1] / "results" / "reference"
_REFERENCE_BYTES = 10 << 20
# What a claim may be without a record, if it says why.  After the suite none may be "not run".
_UNDECIDED = frozenset({"inconclusive", "out of reach"})


def promises() -> Iterator[Promise]:
    """Every promise about the suite."""
    yield Promise(
        _SUBJECT,
        f"python -m experiments all, from nothing: under {_FIRST_SECONDS / 60:.0f} min, a record "
        "of each",
        first,
        300,
    )
    yield Promise(
        _SUBJECT,
        f"the second time, with --force: under {_AGAIN_SECONDS / 60:.0f} min; records and reports "
        "are the same but for times",
        second,
        250,
    )
    yield Promise(_SUBJECT, "the third time, without --force: nothing is measured", third, 20)
    yield Promise(_SUBJECT, "every claim has a verdict from a record, or says why not", claims, 0.1)
    yield Promise(
        _SUBJECT, f"results/reference has at most {_REFERENCE_BYTES >> 20} MiB", reference, 0.1
    )
    yield Promise(
        _SUBJECT, f"atlas, quick: under {_ATLAS_SECONDS:.0f} s, every check passes", atlas, 10
    )


def first() -> tuple[bool, str]:
    """All experiments, cold, as many at a time as is usual."""
    suite = quick_runs.once()
    if suite.trouble:
        return False, suite.trouble
    longest = sorted(suite.runs.items(), key=lambda one: -one[1].seconds)[:3]
    seen = f"{len(suite.runs)} experiments in {suite.seconds:.0f} s; the longest "
    seen += ", ".join(f"{name} {ran.seconds:.0f} s" for name, ran in longest)
    seen += f"; without a record: {suite.failed}" if suite.failed else ""
    missing = {one.name for one in discover() if not one.alone} - set(suite.runs)
    seen += f"; missing: {sorted(missing)}" if missing else ""
    whole = suite.code == 0 and not suite.failed and not missing
    return whole and suite.seconds < _FIRST_SECONDS, seen


def second() -> tuple[bool, str]:
    """Measured anew with what was compiled before, and compared with the first time."""
    before, after = quick_runs.once(), quick_runs.again("--force")
    if before.trouble or after.trouble:
        return False, before.trouble or after.trouble
    unlike = []
    for name, ran in before.runs.items():
        one, two = ran.folder, after.runs[name].folder if name in after.runs else None
        if one is None or two is None or one == two:
            unlike.append(f"{name} has no two runs")
        else:
            unlike += [f"{name}/{file}" for file in same_runs.unlike(one, two)]
    seen = f"{after.seconds:.0f} s; {len(before.runs)} runs twice, not the same: "
    seen += ", ".join(unlike) or "none"
    return after.code == 0 and not unlike and after.seconds < _AGAIN_SECONDS, seen


def third() -> tuple[bool, str]:
    """Every run is found done."""
    suite = quick_runs.again()
    if suite.trouble:
        return False, suite.trouble
    measured = [name for name, ran in suite.runs.items() if ran.seconds > 0]
    return (
        suite.code == 0 and not measured,
        f"{suite.seconds:.0f} s, measured: {measured or 'none'}",
    )


def claims() -> tuple[bool, str]:
    """The scorecard of the first time."""
    suite = quick_runs.once()
    judged = {claim["id"]: claim for claim in suite.claims}
    silent = [name for name in CLAIMS if name not in judged]
    for name, claim in judged.items():
        reason = claim["verdict"] in _UNDECIDED and bool(claim["evidence"])
        decided = bool(claim["runs"]) and claim["verdict"] != "not run"
        if not (decided or reason):
            silent.append(name)
    counts = Counter(claim["verdict"] for claim in suite.claims)
    seen = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return not silent, f"{len(judged)} claims: {seen}; without either: {silent or 'none'}"


def reference() -> tuple[bool, str]:
    """The bytes of all files there."""
    if not _REFERENCE.is_dir():
        return False, "not measured: there is no results/reference"
    size = sum(path.stat().st_size for path in _REFERENCE.rglob("*") if path.is_file())
    return size <= _REFERENCE_BYTES, f"{size / 2**20:.2f} MiB"


def atlas() -> tuple[bool, str]:
    """The atlas's run at its defaults."""
    return quick_runs.quick(("atlas",), _ATLAS_SECONDS, ("",))
