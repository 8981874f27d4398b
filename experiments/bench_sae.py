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
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    "theirs",
    "truth",
]

Rows = NDArray[np.float32]

ARCHITECTURES = ("topk", "batchtopk", "l1")
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
_TRIAL = 20


class Outcome(NamedTuple):
    """Decoder rows `[m, d]`, of any length, and samples per second of the training alone."""

    decoder: Rows
    speed: float


@cache
def truth(size: str) -> Rows:
    """The features of a size, unit rows `[N, d]` without preferred directions; never written to."""
    dim, features = SIZES[size]
    drawn = np.random.default_rng(features).standard_normal((features, dim))
    rows: Rows = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    rows.setflags(write=False)
    return rows


def theirs(architecture: str, size: str, rate: float) -> Callable[[], Outcome]:
    """Return the training in SAELens; building it times the trial of threads, once a size."""
    threads = _threads(architecture, size)
    return lambda: _train(architecture, size, rate, STEPS[size], threads)


@cache
def _threads(architecture: str, size: str) -> int:
    """One thread or all cores, whichever is faster now: where cores are busy, one is."""
    counts = sorted({1, os.cpu_count() or 1})

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
    if architecture == "batchtopk":
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
