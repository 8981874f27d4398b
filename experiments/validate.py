"""Does the program keep its promises?

    python -m experiments.validate

Measures every number that the project promises, in one command: brackets that close, upper bounds
to the last line, certificates over all pairs, monotone brackets over a grid, the main job's time
from a cold start, and the one-line errors. Prints a table of PASS and FAIL, or with `--json` one
object. Exit code 1 when a promise is broken. A few minutes on two cores.

A new promise is one more `Promise` in `promises`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from experiments import (
    audit_promises,
    intrinsic_promises,
    packing_promises,
    reading_promises,
    sae_promises,
    scale_promises,
    sharing_promises,
    superposition_promises,
)
from experiments.harness.errors import DONE, FAILED, InputError, exit_code
from experiments.promise import Promise
from experiments.reference_numbers import LARGE_UPPER, LOWER, TIGHT, UPPER, threshold
from geometry import bounds, catalogue, certify, exact
from geometry.bounds.relative import welch_coherence
from geometry.constructions import families
from geometry.constructions.conference import ConferenceRows
from geometry.constructions.gold import Gold
from geometry.constructions.hadamard import HadamardColumns
from geometry.constructions.kerdock import Kerdock
from geometry.constructions.simplex import Simplex
from geometry.exact import Cosine
from geometry.moves import BlowUp, DirectSum, Puncture, Subset, Tensor, WithAxes, ZeroPad
from geometry.packing import Packing
from geometry.rounding import float64_bound

__all__ = ["Promise", "main", "promises"]

BAD = (
    *(("--dim", value) for value in ("1", "0", "-3", "2.5", "")),
    *(("--eps", value) for value in ("-0.1", "1", "1.5", "nan", "inf", "abc", "1/0", "")),
    *(("--angle", value) for value in ("0", "91")),
    ("--eps", "0.1", "--angle", "80"),
    *(("--count", value) for value in ("0", "-1", "2.5", "")),
    ("--count", "16", "--eps", "0.1"),
    ("--count", "16", "--rounds", "0"),
    ("--rounds", "3"),
    ("--out", "/dev/null/results"),
)
_COLD_SECONDS = 30.0
_TIGHT_SECONDS = 60.0
_WIDE_SECONDS, _WIDE_BYTES = 60.0, 2 << 30
_ATLAS_SECONDS = 45.0
_LARGEST_FRAME = 1000


@dataclass(frozen=True)
class Kept:
    """What came of a promise."""

    name: str
    verdict: str
    seen: str
    seconds: float


def promises() -> Iterator[Promise]:
    """Every promise of the project."""
    for dim, eps, count in TIGHT:
        yield Promise(f"N({dim}, {eps}) = {count}, certified", partial(tight, dim, eps, count))
    yield Promise(
        f"every equiangular tight frame of at most {_LARGEST_FRAME} lines closes its bracket",
        frames_close,
    )
    yield Promise("N(2, angle) = floor(180/angle) at 2000 angles", polygons_close)
    yield Promise("N(d, 0) = d for d = 2 .. 2000", bases_close)
    for dim, eps, count in UPPER:
        yield Promise(f"upper({dim}, {eps}) = {count}", partial(upper, dim, eps, count))
    for dim, eps, about in LARGE_UPPER:
        yield Promise(f"upper({dim}, {eps}) = {about:.4e}", partial(upper_about, dim, eps, about))
    for dim, eps, count in LOWER:
        yield Promise(f"lower({dim}, {eps}) >= {count}", partial(lower, dim, eps, count))
    for packing in examples():
        yield Promise(f"all pairs: {packing.words()}", partial(all_pairs, packing))
    yield Promise("brackets and monotone on d = 2 .. 64 by all eps = i/40, 1/k, 1/√k", grid)
    yield Promise(f"(500, 0.05) cold in under {_COLD_SECONDS:.0f} s, all pairs", cold_start)
    yield Promise(
        f"(12288, 0.05) in under {_WIDE_SECONDS:.0f} s and 2 GiB", partial(wide, 12288, "0.05")
    )
    yield Promise(f"atlas, quick, in under {_ATLAS_SECONDS:.0f} s", atlas_start)
    yield Promise("bad input: one line, exit 2, nothing written", bad_input)
    yield from packing_promises.promises()
    yield from reading_promises.promises()
    yield from sharing_promises.promises()
    yield from superposition_promises.promises()
    yield from sae_promises.promises()
    yield from intrinsic_promises.promises()
    yield from scale_promises.promises()
    yield from audit_promises.promises()


def tight(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """Both sides equal, the packing certified, in time."""
    begun = time.perf_counter()
    allowed = threshold(eps)
    packing = catalogue.best(dim, allowed)
    above = bounds.best_upper_bound(dim, allowed).count
    finding = certify.certificate(packing, allowed).check()
    seconds = time.perf_counter() - begun
    holds = packing.count == above == count and finding.holds and seconds < _TIGHT_SECONDS
    return holds, f"{packing.count} .. {above}, {finding.level}, {seconds:.1f} s"


def frames_close() -> tuple[bool, str]:
    """Equiangular tight frames of all families meet the relative bound, and the answers say so."""
    seen, open_ = set(), []
    for family in families():
        for frame in family.tight_frames(_LARGEST_FRAME):
            where = (frame.dim, frame.coherence)
            if where in seen or frame.dim < 2 or frame.sign_matrix() is None:
                continue
            seen.add(where)
            below = catalogue.best(*where).count
            if not below == frame.count == bounds.best_upper_bound(*where).count:
                open_.append(f"({frame.dim}, {frame.coherence})")
    return not open_, f"{len(seen)} frames, open: {open_ or 'none'}"


def polygons_close() -> tuple[bool, str]:
    """d = 2: the bracket closes at whole, fractional and extreme angles."""
    angles = [Fraction(k, 7) for k in range(1, 631, 1)] + [Fraction(180, k) for k in range(2, 1372)]
    open_ = [
        angle
        for angle in angles
        if not (
            catalogue.best(2, exact.angle(angle)).count
            == bounds.best_upper_bound(2, exact.angle(angle)).count
            == 180 // angle
        )
    ]
    return not open_, f"{len(angles)} angles, {len(open_)} open"


def bases_close() -> tuple[bool, str]:
    """eps = 0: exactly d."""
    right = exact.eps(0)
    shelf = catalogue.shelf(2000, right)
    open_ = [
        dim
        for dim in range(2, 2001)
        if not shelf.count(dim) == bounds.best_upper_bound(dim, right).count == dim
    ]
    return not open_, f"{len(open_)} open"


def upper(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """An upper bound to the last line."""
    found = bounds.best_upper_bound(dim, exact.eps(eps))
    return found.count == count, f"{found.count} ({found.method})"


def upper_about(dim: int, eps: str, about: float) -> tuple[bool, str]:
    """An upper bound to the digits that its reference value has."""
    found = bounds.best_upper_bound(dim, exact.eps(eps)).count
    digits = len(f"{about:g}".split("e")[0].replace(".", ""))
    return math.isclose(found, about, rel_tol=0.51 * 10.0 ** (1 - digits)), f"{found:.5e}"


def lower(dim: int, eps: str, count: int) -> tuple[bool, str]:
    """An explicit packing of at least that many lines, certified."""
    allowed = exact.eps(eps)
    packing = catalogue.best(dim, allowed)
    finding = certify.certificate(packing, allowed).check()
    return packing.count >= count and finding.holds, f"{packing.count}, {finding.level}"


def examples() -> list[Packing]:
    """Three members of each family and of each move, small enough to compare every pair."""
    return [
        *(packing for family in families() for packing in family.examples()),
        *(Subset(base, 100) for base in (Gold(5), Kerdock(4), Gold(7))),
        *(ZeroPad(Kerdock(4), dim) for dim in (17, 20, 40)),
        DirectSum((Kerdock(4), ConferenceRows(25), Simplex(5))),
        DirectSum((Simplex(2), Simplex(2))),
        DirectSum((Kerdock(4), Gold(3))),
        *(WithAxes(HadamardColumns(order, 1)) for order in (4, 12, 20)),
        *(Puncture(HadamardColumns(order, 0), 2) for order in (8, 12, 20)),
        BlowUp(Simplex(2), 34),
        BlowUp(Kerdock(4), 1),
        BlowUp(Kerdock(6, 5), 2),
        *(Tensor(Kerdock(4), other) for other in (Simplex(2), Gold(3), Kerdock(2))),
    ]


def all_pairs(packing: Packing) -> tuple[bool, str]:
    """Every pair of the rows agrees with the stated coherence."""
    import numpy as np

    rows = packing.rows(np.arange(packing.count, dtype=np.int64))
    finding = certify.AllPairs(rows, packing.coherence, packing.coherence, packing.proof).check()
    attained = not packing.exact or math.isclose(
        float(finding.largest),
        float(packing.coherence),
        abs_tol=float64_bound(packing.dim),
    )
    return (
        finding.holds and attained,
        f"{finding.pairs} pairs, largest {float(finding.largest):.6f}",
    )


def eps_grid() -> list[Cosine]:
    """eps = i/40, 1/k and 1/sqrt(k), in order."""
    values = {Cosine.ratio(Fraction(i, 40)) for i in range(40)}
    values |= {Cosine.ratio(Fraction(1, k)) for k in range(2, 65)}
    values |= {Cosine(Fraction(1, k)) for k in range(2, 65)}
    return sorted(values)


def grid() -> tuple[bool, str]:
    """lower <= upper, and both monotone in d and in eps."""
    dims, points = range(2, 65), eps_grid()
    below = {(d, e): catalogue.shelf(64, e).count(d) for d in dims for e in points}
    above = {(d, e): bounds.best_upper_bound(d, e).count for d in dims for e in points}
    wrong = sum(below[key] > above[key] for key in below)
    falls = 0
    for table in (below, above):
        falls += sum(table[d, a] > table[d, b] for d in dims for a, b in itertools.pairwise(points))
        falls += sum(table[c, e] > table[d, e] for e in points for c, d in itertools.pairwise(dims))
    closed = sum(below[key] == above[key] for key in below)
    # The relative bound and its inverse form agree: no packing beats Welch's coherence.
    wrong += sum(count > d and welch_coherence(d, count) > e for (d, e), count in below.items())
    return (
        wrong == falls == 0,
        f"{len(below)} points, {closed} closed, {wrong} wrong, {falls} falls",
    )


def wide(dim: int, eps: str) -> tuple[bool, str]:
    """A large question in a fresh process: seconds, and the largest resident memory."""
    code = (
        "import resource, sys; from experiments.harness.run import main; "
        "from experiments.packing import EXPERIMENT; code = main(EXPERIMENT, sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); raise SystemExit(code)"
    )
    with tempfile.TemporaryDirectory() as folder:
        words = ["--dim", str(dim), "--eps", eps, "--quiet", "--out", folder]
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begun
    if done.returncode:
        return False, done.stderr.strip()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = int(done.stdout.split()[-1]) * unit
    holds = seconds < _WIDE_SECONDS and peak < _WIDE_BYTES
    return holds, f"{seconds:.1f} s, {peak / 2**30:.2f} GiB"


def atlas_start() -> tuple[bool, str]:
    """The atlas at its default preset in a fresh process, its report included."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "experiments.atlas", "--preset", "quick", "--out", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begun
    return done.returncode == 0 and seconds < _ATLAS_SECONDS, f"{seconds:.1f} s"


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments.packing", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def cold_start() -> tuple[bool, str]:
    """The main job in a fresh process, its report included."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = _command("--dim", "500", "--eps", "0.05", "--json", "--out", folder)
        seconds = time.perf_counter() - begun
    if done.returncode:
        return False, done.stderr.strip()
    record = json.loads(done.stdout)
    below, above = record["lower"], record["upper"]
    certificate = below["certificate"]
    holds = (
        below["count"] >= 13000
        and above["count"] == 143479
        and certificate["level"] == "all pairs"
        and certificate["pairs_checked"] == math.comb(below["count"], 2)
        and seconds < _COLD_SECONDS
    )
    return holds, f"{below['count']} .. {above['count']}, {certificate['level']}, {seconds:.1f} s"


def bad_input() -> tuple[bool, str]:
    """Every bad value is refused in one line and nothing is written."""
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for words in BAD:
            out = () if "--out" in words else ("--out", folder)
            done = _command(*words, *out)
            line = done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
            clean = not done.stdout and not any(Path(folder).iterdir())
            if not (done.returncode == 2 and line and clean):
                broken.append(" ".join(words))
    return not broken, f"{len(BAD)} inputs" + (f", broken: {broken}" if broken else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.validate",
        description="Measure every number that the project promises.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", default="", metavar="TEXT", help="promises that contain TEXT")
    options = parser.parse_args(argv)
    return exit_code(lambda: _run(options.only, as_json=options.json))


def _run(only: str, *, as_json: bool) -> int:
    kept = []
    chosen = [promise for promise in promises() if only in promise.name]
    if not chosen:
        raise InputError(f"--only must be part of a promise's name; got {only!r}.")
    for promise in chosen:
        begun = time.perf_counter()
        holds, seen = promise.measure()
        verdict = "PASS" if holds else "FAIL"
        kept.append(Kept(promise.name, verdict, seen, time.perf_counter() - begun))
        if not as_json:
            one = kept[-1]
            print(f"{one.verdict}  {one.name}: {one.seen} ({one.seconds:.1f} s)", flush=True)
    failed = sum(one.verdict == "FAIL" for one in kept)
    if as_json:
        print(json.dumps({"schema": 1, "failed": failed, "promises": [asdict(k) for k in kept]}))
    else:
        print(f"{len(kept) - failed} passed, {failed} failed")
    return FAILED if failed else DONE


if __name__ == "__main__":
    raise SystemExit(main())
