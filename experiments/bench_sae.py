"""Sparse autoencoders against SAELens's synthetic training: samples per second, and recovery.

Both sides train on fresh samples of one law, with one batch, architecture, auxiliary loss and
number of steps, at each rate of one grid.  The law: each of N features is on with probability
`ACTIVE`/N, at magnitude 1, and writes its unit row into R^d.  The peer is SAELens's own
`train_toy_sae` on PyTorch's CPU build, in the fastest form that it has: samples as sparse tensors,
TopK's latents too, on as many threads as a short trial finds best.  Latents are therefore chosen by
their activations alone: its default, which weighs them by decoder norms, fails on a CPU with sparse
latents.  It is left out, and said to be absent, where SAELens is not installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.bench_config import Config
from experiments.bench_machine import product_rate
from experiments.bench_timing import Contest, Results, Side
from experiments.harness import processors

__all__ = [
    "ACTIVE",
    "ARCHITECTURES",
    "BATCH",
    "LEAST",
    "MISSING",
    "PENALTY",
    "RATES",
    "SIZES",
    "STEPS",
    "Outcome",
    "Race",
    "contest",
    "flops",
    "ours",
    "race",
    "recovery",
    "subjects",
    "theirs",
    "truth",
]

Rows = NDArray[np.float32]

ARCHITECTURES = {"topk": "TopK", "batch-topk": "BatchTopK", "relu": "ReLU+L1"}
SIZES = {"d/N = 64/512": (64, 512), "d/N = 128/1024": (128, 1024), "d/N = 256/2048": (256, 2048)}
"""Width and features; as many latents as features."""
STEPS = {"d/N = 64/512": 1500, "d/N = 128/1024": 800, "d/N = 256/2048": 400}
"""The peer's auxiliary loss starts after 1001 steps: at the first size only."""
BATCH, ACTIVE = 1024, 8
"""Samples a step; features on in the mean, and latents kept by TopK and, in the mean, BatchTopK."""
RATES = (3e-3, 1e-2, 2e-2)
"""Of Adam, constant."""
PENALTY = {"d/N = 64/512": 0.5, "d/N = 128/1024": 0.3, "d/N = 256/2048": 0.3}
"""What L1 weighs a latent's activation times its decoder norm by: most features are then found."""
LEAST = 2.0
"""How many times faster than the peer each architecture should be."""
MISSING = importlib.util.find_spec("sae_lens") is None
"""Whether the peer is absent."""
_TRIAL, _PIECES = 20, 10


class Race(NamedTuple):
    """Both sides over the grid of rates: speeds in samples per second, recoveries in [0, 1].

    `theirs` and `peers` are None where the peer is absent.
    """

    features: int
    ours: list[float]
    mine: list[float]
    theirs: list[float] | None
    peers: list[float] | None

    @property
    def times(self) -> float | None:
        """How many times faster than the peer, by the medians over the grid."""
        if self.theirs is None:
            return None
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def slack(self) -> float:
        """By how much two recoveries may differ by chance: two standard errors.

        Each of N features is found or not, with the peer's best share; one training each.
        """
        best = max(self.peers or self.mine)
        return 2 * math.sqrt(2 * best * (1 - best) / self.features)

    @property
    def equal(self) -> bool | None:
        """Whether the best recovery over the grid is the peer's, less what chance does, or more."""
        return None if self.peers is None else max(self.mine) >= max(self.peers) - self.slack


class Outcome(NamedTuple):
    """Decoder rows `[m, d]`, of any length, and samples per second of the training alone."""

    decoder: Rows
    speed: float


def subjects(_: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    return {
        f"autoencoder-{architecture}-{dim}": partial(contest, architecture, size)
        for architecture in ARCHITECTURES
        for size, (dim, _) in SIZES.items()
    }


def contest(architecture: str, size: str) -> Contest:
    """A sparse autoencoder against SAELens's: one turn at each rate of the grid, and again."""
    samples = STEPS[size] * BATCH

    def grid(side: Callable[[str, str, float], Callable[[], Outcome]]) -> Callable[[], Outcome]:
        runs = cycle([side(architecture, size, rate) for rate in RATES])
        return lambda: next(runs)()

    def note(results: Results) -> str:
        words = [
            f"{statistics.median(one.speed for one in found):,.0f} samples/s and recovery "
            f"{', '.join(f'{recovery(one, size):.3f}' for one in found[: len(RATES)])} {who}"
            for who, found in results.items()
        ]
        floor = samples * flops(size) / (1e9 * product_rate())
        return (
            f"batch {BATCH}, {STEPS[size]} steps, at rates "
            f"{', '.join(f'{rate:g}' for rate in RATES)}; {'; '.join(words)}; five dense products "
            f"at NumPy's rate would take {floor:.1f} s"
        )

    def took(outcome: Outcome) -> float:
        return samples / outcome.speed

    return Contest(
        "autoencoders",
        f"{ARCHITECTURES[architecture]}, {size}",
        [
            Side("here", "ours", partial(grid, ours), took=took),
            Side("SAELens", "peer", None if MISSING else partial(grid, theirs), took=took),
        ],
        least=LEAST,
        note=note,
        multiple=len(RATES),
        # Both sides compile, or try their threads, before.
        first=False,
        memory=True,
    )


@cache
def truth(size: str) -> Rows:
    """The features of a size, unit rows `[N, d]` without preferred directions; never written to."""
    dim, features = SIZES[size]
    drawn = np.random.default_rng(features).standard_normal((features, dim))
    rows: Rows = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    rows.setflags(write=False)
    return rows


def race(architecture: str, size: str) -> Race:
    """Train on both sides at every rate, in turn."""
    features = SIZES[size][1]
    own: list[Outcome] = []
    other: list[Outcome] = []
    for rate in RATES:
        own.append(ours(architecture, size, rate)())
        if not MISSING:
            other.append(theirs(architecture, size, rate)())
    return Race(
        features,
        [one.speed for one in own],
        [recovery(one, size) for one in own],
        None if MISSING else [one.speed for one in other],
        None if MISSING else [recovery(one, size) for one in other],
    )


def recovery(outcome: Outcome, size: str) -> float:
    """Return the share of features with a latent of their own at a cosine above 0.9."""
    from geometry import recovery as metrics

    return metrics.measure(outcome.decoder, truth(size)).recall


def flops(size: str) -> float:
    """Floating-point operations of the five dense products of a sample's step."""
    dim, features = SIZES[size]
    return 10.0 * dim * features


def ours(architecture: str, size: str, rate: float) -> Callable[[], Outcome]:
    """Return the training here, compiled."""
    import jax

    from experiments.models import training
    from experiments.models.dictionary_learning import DictionaryTask, settings
    from experiments.models.synthetic_activations import ActivationLaw

    dim, features = SIZES[size]
    law = ActivationLaw(features, ACTIVE, "independent", spread=0.0)
    task = DictionaryTask(
        law,
        dim,
        features,
        architecture,
        slots=ACTIVE,
        batch=BATCH,
        window=1000,
        norm=0.1,
        weighed=architecture == "relu",
    )
    sparsity = PENALTY[size] if architecture == "relu" else ACTIVE

    def start(steps: int) -> Any:
        given = settings(truth(size)[None], sparsity=sparsity, rate=rate, steps=steps)
        return training.ensemble(training.member_keys(jax.random.key(0), 1), task, given)

    every = STEPS[size] // _PIECES
    compiled, _ = training.advance_all(start(STEPS[size]), task, 1, every, group=1)
    compiled.step.block_until_ready()

    def train() -> Outcome:
        states = start(STEPS[size])
        states.step.block_until_ready()
        begun = time.perf_counter()
        for _ in range(_PIECES):
            states, _ = training.advance_all(states, task, 1, every, group=1)
        states.step.block_until_ready()
        seconds = time.perf_counter() - begun
        return Outcome(np.asarray(states.params["decoder"][0]), STEPS[size] * BATCH / seconds)

    return train


def theirs(architecture: str, size: str, rate: float) -> Callable[[], Outcome]:
    """Return the training in SAELens; building it times the trial of threads, once a size."""
    threads = _threads(architecture, size)
    return lambda: _train(architecture, size, rate, STEPS[size], threads)


@cache
def _threads(architecture: str, size: str) -> int:
    """One thread or all cores, whichever is faster now: where cores are busy, one is."""
    counts = sorted({1, processors.count()})

    def speed(threads: int) -> float:
        _train(architecture, size, RATES[0], 2, threads)
        return _train(architecture, size, RATES[0], _TRIAL, threads).speed

    return max(counts, key=speed)


def _train(architecture: str, size: str, rate: float, steps: int, threads: int) -> Outcome:
    with _quiet():
        import torch
        from sae_lens.synthetic import ActivationGenerator, FeatureDictionary, train_toy_sae

        dim, features = SIZES[size]
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        dictionary = FeatureDictionary(features, dim, initializer=None)
        dictionary.feature_vectors.data = torch.tensor(truth(size))
        generator = ActivationGenerator(features, ACTIVE / features, use_sparse_tensors=True)
        model = _model(architecture, size)
        begun = time.perf_counter()
        train_toy_sae(
            model,
            dictionary,
            generator,
            training_samples=steps * BATCH,
            batch_size=BATCH,
            lr=rate,
        )
        seconds = time.perf_counter() - begun
        decoder = model.W_dec.detach().numpy().copy()
    return Outcome(decoder, steps * BATCH / seconds)


def _model(architecture: str, size: str) -> Any:
    import sae_lens

    dim, latents = SIZES[size]
    shape = {"d_in": dim, "d_sae": latents}
    plain = {"rescale_acts_by_decoder_norm": False, **shape}
    if architecture == "topk":
        return sae_lens.TopKTrainingSAE(
            sae_lens.TopKTrainingSAEConfig(k=ACTIVE, use_sparse_activations=True, **plain)
        )
    if architecture == "batch-topk":
        return sae_lens.BatchTopKTrainingSAE(
            sae_lens.BatchTopKTrainingSAEConfig(k=float(ACTIVE), **plain)
        )
    return sae_lens.StandardTrainingSAE(
        sae_lens.StandardTrainingSAEConfig(l1_coefficient=PENALTY[size], **shape)
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No bar of progress, warning or log message of the peer."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
