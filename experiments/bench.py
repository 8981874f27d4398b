"""How far from the floor do the kernels and the main job run?

    python -m experiments.bench

Alternates each kernel with its floor, so that a noisy machine slows both alike, and prints the
medians and the ratio: the blocked Gram kernel against one plain NumPy float32 product of the same
number of multiply-adds, the read-out kernel against its matrix product, the training sweep and the
toy autoencoder against the same in PyTorch, sparse autoencoders against SAELens, and the main job
cold (a new process) against a run found done. With `--json` one object.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from experiments import bench_sae, bench_toy, bench_training
from experiments.harness.errors import DONE, InputError, exit_code

__all__ = ["Timing", "main"]

PAIRS = 7
COUNT, DIM = 13020, 500
SMALL, LARGE = bench_toy.SIZES


@dataclass(frozen=True)
class Timing:
    """Median seconds of a subject and of what it is held against, alternated; None if absent."""

    name: str
    subject: float
    floor_name: str
    floor: float | None
    ratio: float | None
    note: str


def alternate(
    subject: Callable[[], object], floor: Callable[[], object], pairs: int
) -> tuple[float, float]:
    """Median seconds of both, run in turn after one unmeasured run each."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(pairs + 1):
        for body, times in zip((subject, floor), seconds, strict=True):
            begun = time.perf_counter()
            body()
            if turn:
                times.append(time.perf_counter() - begun)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def timings(pairs: int, only: str = "") -> Iterator[Timing]:
    """The timings whose short names contain `only`, one after the other."""
    subjects: dict[str, Callable[[], Timing]] = {
        "gram": lambda: gram_kernel(pairs),
        "search": lambda: catalogue_query(pairs),
        "readout": lambda: readout_kernel(pairs),
        "training-proximal": lambda: training_sweep("proximal", pairs),
        "training-adamw": lambda: training_sweep("adamw", pairs),
        "toy-sampled-small": lambda: toy_sampled(SMALL, pairs),
        "toy-sampled-large": lambda: toy_sampled(LARGE, pairs),
        **{
            f"toy-accuracy-{accuracy:.0e}": partial(toy_accuracy, accuracy, pairs)
            for accuracy in bench_toy.ACCURACIES
        },
        **{
            f"autoencoder-{architecture}-{dim}": partial(autoencoder, architecture, size)
            for architecture in bench_sae.ARCHITECTURES
            for size, (dim, _) in bench_sae.SIZES.items()
        },
        "main-job": main_job,
    }
    chosen = [subject for name, subject in subjects.items() if only in name]
    if not chosen:
        raise InputError(f"--only must be part of one of {', '.join(subjects)}; got {only!r}.")
    for subject in chosen:
        yield subject()


def gram_kernel(pairs: int) -> Timing:
    """The largest inner product against half of a plain product, n^2 d / 2 multiply-adds each."""
    from geometry import coherence

    rows = np.random.default_rng(0).standard_normal((COUNT, DIM), np.float32)
    half = rows[: COUNT // 2]

    def subject() -> float:
        return float(coherence.largest_inner_product(rows))

    # Square blocks, so that the floor need not hold the whole product either.
    def floor() -> float:
        return max(float((half[a : a + 2048] @ rows.T)[0, 0]) for a in range(0, len(half), 2048))

    mine, theirs = alternate(subject, floor, pairs)
    rate = COUNT * COUNT * DIM / mine / 1e9
    name = f"largest |inner product|, n = {COUNT}, d = {DIM}"
    return Timing(name, mine, "NumPy product only", theirs, mine / theirs, f"{rate:.0f} GFLOP/s")


def catalogue_query(pairs: int) -> Timing:
    """A first question against the same one repeated."""
    from geometry import catalogue, exact

    eps = exact.eps("0.05")

    def subject() -> object:
        catalogue.shelf.cache_clear()
        return catalogue.best(DIM, eps)

    mine, theirs = alternate(subject, lambda: catalogue.best(DIM, eps), pairs)
    return Timing(f"search at ({DIM}, 0.05)", mine, "remembered", theirs, mine / theirs, "")


def readout_kernel(pairs: int) -> Timing:
    """A million read-outs against their matrix product: same type, precision, shape and run.

    Each side does a sixteenth of the million; the seconds given are for all of it.
    """
    import jax
    import jax.numpy as jnp

    from geometry import readout, sphere
    from geometry.signals import Activity

    features, dim, active = 4096, 512, 16
    share = 16
    block = readout.block_of(features)
    blocks = 1_000_000 // share // block
    making, reading, filling = jax.random.split(jax.random.key(0), 3)
    rows = sphere.sample(making, features, dim)
    inputs = jax.random.normal(filling, (block, dim), jnp.float32)

    @jax.jit
    def product(left: jax.Array, right: jax.Array) -> jax.Array:
        return jax.lax.dot_general(
            left, right, (((1,), (1,)), ((), ())), precision=jax.lax.Precision.HIGHEST
        )

    def subject() -> object:
        found = readout.read(
            reading,
            rows,
            Activity(active),
            np.array([0.5, 0.68]),
            bins=readout.Bins(-2.0, 3.0, 320),
            blocks=blocks,
        )
        return found.squares.block_until_ready()

    def floor() -> object:
        for _ in range(blocks):
            product(inputs, rows).block_until_ready()
        return None

    mine, theirs = alternate(subject, floor, pairs)
    rate = 2 * blocks * block * features * dim / mine / 1e9
    name = f"1e6 read-outs, N = {features}, d = {dim}, k = {active}"
    return Timing(
        name, share * mine, "products only", share * theirs, mine / theirs, f"{rate:.0f} GFLOP/s"
    )


def training_sweep(optimiser: str, pairs: int) -> Timing:
    """The sweep over m against PyTorch's; the note has the floor of its matrix products.

    Compilation falls into the unmeasured run.  A peer that is absent leaves its figures nan.
    """
    sizes = (
        f"n = {bench_training.FEATURES}, m = {bench_training.SWEEP[0]}..{bench_training.SWEEP[-1]}"
    )
    name = (
        f"training sweep, {optimiser}, {sizes}, {bench_training.INSTANCES} instances, "
        f"{bench_training.STEPS} steps"
    )
    mine = bench_training.ours(optimiser)
    seen: dict[str, list[float]] = {}
    floor = bench_training.flops() / (1e9 * product_rate())
    theirs: float | None = None
    if bench_training.MISSING:
        seconds, _ = alternate(lambda: seen.update(mine=mine()), lambda: None, pairs)
        peer = "PyTorch"
    else:
        other = bench_training.theirs(optimiser)
        peer = "PyTorch, one m at a time"
        seconds, theirs = alternate(
            lambda: seen.update(mine=mine()), lambda: seen.update(other=other()), pairs
        )
    counts = "; ".join(
        f"{who} {', '.join(f'{count:.1f}' for count in seen[key])} shared neurons"
        for who, key in (("here", "mine"), ("there", "other"))
        if key in seen
    )
    verdict = "absent" if theirs is None else f"{theirs / seconds:.1f} times faster"
    note = (
        f"{verdict}; its products alone, at full width and NumPy's rate, would take {floor:.2f} s "
        f"({bench_training.LIMITS[optimiser]}); {counts}"
    )
    ratio = None if theirs is None else seconds / theirs
    return Timing(name, seconds, peer, theirs, ratio, note)


def toy_sampled(size: str, pairs: int) -> Timing:
    """The toy autoencoder from fresh samples against PyTorch's; the note has the floors."""
    name = f"toy autoencoder, {size}, batch {bench_toy.BATCH}, {bench_toy.STEPS} steps"
    mine = bench_toy.sampled(size)
    drawing, _ = alternate(bench_toy.random_numbers(size), lambda: None, 3)
    products = bench_toy.flops(size) / (1e9 * product_rate())
    theirs: float | None = None
    if bench_training.MISSING:
        seconds, _ = alternate(mine, lambda: None, pairs)
    else:
        seconds, theirs = alternate(mine, bench_toy.sampled_peer(size), pairs)
    verdict = "absent" if theirs is None else f"{theirs / seconds:.1f} times faster"
    note = (
        f"{verdict}; its random numbers alone take {drawing:.2f} s, its products at NumPy's rate "
        f"{products:.2f} s, the rest is passes over the batch in cache"
    )
    return Timing(name, seconds, "PyTorch", theirs, theirs and seconds / theirs, note)


def toy_accuracy(accuracy: float, pairs: int) -> Timing:
    """The exact loss against PyTorch's samples: time until the median loss is that of the optimum.

    Each side takes the schedule of the fewest steps that gets there; the search is not timed.
    """
    plan = bench_toy.schedule(bench_toy.reach, accuracy)
    name = f"toy autoencoder, median loss within {accuracy:g} of the optimum's"
    if plan is None:
        raise RuntimeError("no schedule reaches the accuracy with the exact loss")
    mine = bench_toy.reach(plan)
    words = f"{plan.steps} steps at {plan.rate:g} here"
    theirs: float | None = None
    other = None if bench_training.MISSING else bench_toy.schedule(bench_toy.reach_peer, accuracy)
    if other is None:
        seconds, _ = alternate(mine, lambda: None, pairs)
        verdict = "absent" if bench_training.MISSING else "no schedule of the peer reaches it"
    else:
        seconds, theirs = alternate(mine, bench_toy.reach_peer(other), pairs)
        verdict = f"{theirs / seconds:.1f} times faster"
        words += f", {other.steps} at {other.rate:g} there"
    ratio = None if theirs is None else seconds / theirs
    return Timing(name, seconds, "PyTorch, sampled", theirs, ratio, f"{verdict}; {words}")


def autoencoder(architecture: str, size: str) -> Timing:
    """A sparse autoencoder against SAELens's synthetic training, over one grid of rates."""
    found = bench_sae.race(architecture, size)
    samples = bench_sae.STEPS[size] * bench_sae.BATCH
    name = (
        f"{bench_sae.ARCHITECTURES[architecture]} autoencoder, {size}, batch {bench_sae.BATCH}, "
        f"{bench_sae.STEPS[size]} steps"
    )
    mine = samples / statistics.median(found.ours)
    floor = samples * bench_sae.flops(size) / (1e9 * product_rate())
    rates = ", ".join(f"{rate:g}" for rate in bench_sae.RATES)
    recovered = ", ".join(f"{one:.3f}" for one in found.mine)
    note = f"{statistics.median(found.ours):,.0f} samples/s; "
    if found.theirs is None or found.peers is None:
        theirs = None
        note += "absent, not measured; "
    else:
        theirs = samples / statistics.median(found.theirs)
        note += (
            f"{found.times:.1f} times faster than {statistics.median(found.theirs):,.0f}; recovery "
            f"{', '.join(f'{one:.3f}' for one in found.peers)} there, "
        )
    note += (
        f"{recovered} here, at rates {rates}; five dense products at NumPy's rate would take "
        f"{floor:.1f} s"
    )
    return Timing(name, mine, "SAELens", theirs, theirs and mine / theirs, note)


def product_rate() -> float:
    """GFLOP/s of one large float32 product in NumPy, the best of three."""
    side = 2048
    left = np.random.default_rng(0).standard_normal((side, side), np.float32)
    best = math.inf
    for _ in range(4):
        begun = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best / 1e9


def main_job() -> Timing:
    """The main job in a new process, and once more when it is found done."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "experiments.packing", "--out", folder, "--quiet"]
        seconds = []
        for _ in range(2):
            begun = time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            seconds.append(time.perf_counter() - begun)
    cold, warm = seconds
    return Timing("main job, cold", cold, "main job, found done", warm, cold / warm, "one pair")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.bench",
        description="Time the kernels and the main job against their floors.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="timings whose short names contain TEXT: gram, search, readout, training, toy, "
        "autoencoder, main-job",
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N", help="alternating pairs")
    options = parser.parse_args(argv)
    return exit_code(lambda: _run(max(1, options.pairs), options.only, as_json=options.json))


def _run(pairs: int, only: str, *, as_json: bool) -> int:
    found = []
    for one in timings(pairs, only):
        found.append(one)
        if not as_json:
            floor = "absent" if one.floor is None else f"{one.floor:.3f} s"
            ratio = "" if one.ratio is None else f", ratio {one.ratio:.2f}"
            print(
                f"{one.name}: {one.subject:.3f} s, {one.floor_name}: {floor}{ratio} {one.note}",
                flush=True,
            )
    if as_json:
        print(json.dumps({"schema": 1, "timings": [asdict(one) for one in found]}))
    return DONE


if __name__ == "__main__":
    raise SystemExit(main())
