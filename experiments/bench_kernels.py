"""Kernels against their floors, and the main job cold against found done."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.bench_config import Config
from experiments.bench_timing import Contest, Side

__all__ = ["gram", "main_job", "readouts", "search", "subjects"]

COUNT, DIM = 13020, 500
LEAST_READOUTS = 0.5
"""Of the matrix product's rate, that a million read-outs have to run at."""


def subjects(_: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    return {"gram": gram, "readout": readouts, "search": search, "main-job": main_job}


def gram() -> Contest:
    """The largest inner product against half of a plain product, n^2 d / 2 multiply-adds each."""

    def rows() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.random.default_rng(0).standard_normal((COUNT, DIM), np.float32)

    def kernel() -> Callable[[], float]:
        from geometry import coherence

        vectors = rows()
        return lambda: float(coherence.largest_inner_product(vectors))

    def product() -> Callable[[], None]:
        vectors = rows()
        half = vectors[: COUNT // 2]

        # By blocks, so that the floor need not hold the whole product either.
        def run() -> None:
            for a in range(0, len(half), 2048):
                half[a : a + 2048] @ vectors.T

        return run

    return Contest(
        "kernels",
        f"Gram, {COUNT:,} × {DIM}",
        [Side("here", "ours", kernel), Side("NumPy product", "floor", product)],
        operations=float(COUNT) ** 2 * DIM,
        memory=True,
    )


def search() -> Contest:
    """A first question against the same one repeated."""

    def first() -> Callable[[], object]:
        from geometry import catalogue, exact

        eps = exact.eps("0.05")

        def run() -> object:
            catalogue.shelf.cache_clear()
            return catalogue.best(DIM, eps)

        return run

    def again() -> Callable[[], object]:
        from geometry import catalogue, exact

        eps = exact.eps("0.05")
        return lambda: catalogue.best(DIM, eps)

    return Contest(
        "main job",
        f"search for ({DIM}, 0.05)",
        [Side("here", "ours", first), Side("remembered", "variant", again)],
    )


def readouts() -> Contest:
    """A million read-outs against their matrix product: same type, precision, shape and run.

    Each side does a sixteenth of the million; the seconds given are for all of it.
    """
    features, dim, active = 4096, 512, 16
    share = 16

    def sizes() -> tuple[int, int]:
        from geometry import readout

        block = readout.block_of(features)
        return block, 1_000_000 // share // block

    def kernel() -> Callable[[], object]:
        import jax

        from geometry import readout, sphere
        from geometry.signals import Activity

        making, reading = jax.random.split(jax.random.key(0))
        rows = sphere.sample(making, features, dim)

        def run() -> object:
            found = readout.read(
                reading,
                rows,
                Activity(active),
                np.array([0.5, 0.68]),
                bins=readout.Bins(-2.0, 3.0, 320),
                blocks=sizes()[1],
            )
            return found.squares.block_until_ready()

        return run

    def products() -> Callable[[], None]:
        import jax
        import jax.numpy as jnp

        block, blocks = sizes()
        making, filling = jax.random.split(jax.random.key(0))
        rows = jax.random.normal(making, (features, dim), jnp.float32)
        inputs = jax.random.normal(filling, (block, dim), jnp.float32)

        @jax.jit
        def product(left: jax.Array, right: jax.Array) -> jax.Array:
            return jax.lax.dot_general(
                left, right, (((1,), (1,)), ((), ())), precision=jax.lax.Precision.HIGHEST
            )

        def run() -> None:
            for _ in range(blocks):
                product(inputs, rows).block_until_ready()

        return run

    return Contest(
        "kernels",
        f"1e6 read-outs, {features:,} × {dim}",
        [
            Side("here", "ours", kernel, scale=share),
            Side("its products", "floor", products, scale=share),
        ],
        least=LEAST_READOUTS,
        operations=2e6 * features * dim,
        memory=True,
    )


def main_job() -> Contest:
    """The main job in a new process, and once more when it is found done."""
    folder = tempfile.TemporaryDirectory()
    words = [sys.executable, "-m", "experiments.packing", "--quiet", "--out"]
    places: list[Path] = []

    def cold() -> None:
        places.append(Path(folder.name) / str(len(places)))
        again()

    def again() -> None:
        subprocess.run([*words, str(places[-1])], check=True, capture_output=True)

    return Contest(
        "main job",
        f"({DIM}, 0.05), report included",
        [
            Side("cold", "ours", lambda: cold),
            Side("found done", "variant", lambda: again),
        ],
        # Each is a process of its own, so that nothing is left of a first turn.
        first=False,
        finish=folder.cleanup,
    )
