"""The training sweep against the same in PyTorch, one m at a time, at equal steps.

The peer is the fastest form that PyTorch's own operations give on a CPU: one batch of instances,
ReLU(W Wᵀ) without the product with the identity that the published code makes, autograd, the fused
AdamW.  It is left out, and said to be absent, where PyTorch is not installed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from experiments.bench_config import Config
from experiments.bench_machine import product_rate
from experiments.bench_timing import Contest, Results, Side

__all__ = ["LEAST", "LIMITS", "MISSING", "SWEEP", "contest", "flops", "ours", "subjects", "theirs"]

FEATURES, INSTANCES, STEPS = 64, 16, 1000
SWEEP = (64, 128, 256, 512, 1024)
RATES = {"proximal": 0.1, "adamw": 0.01}
PENALTY = 0.05
LEAST = {"proximal": 3.0, "adamw": 1.5}
"""How many times faster than the peer the sweep should be."""
LIMITS = {
    "proximal": "limited by the products; narrowing makes fewer of them",
    "adamw": "limited by the products, then by passes over weights and two moments",
}
"""What the sweep spends its time on."""
MISSING = importlib.util.find_spec("torch") is None
"""Whether the peer is absent."""
_RECORDS = 10


def subjects(_: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    return {f"training-{optimiser}": partial(contest, optimiser) for optimiser in LEAST}


def contest(optimiser: str) -> Contest:
    """The sweep over m against PyTorch's; the note has the floor of its matrix products.

    Compilation falls into the turn that is not counted.
    """

    def note(results: Results) -> str:
        floor = flops() / (1e9 * product_rate())
        counts = "; ".join(
            f"{who} {', '.join(f'{count:.1f}' for count in found[-1])} shared neurons"
            for who, found in results.items()
        )
        return (
            f"n = {FEATURES}, m = {SWEEP[0]} to {SWEEP[-1]}, {INSTANCES} instances, {STEPS} steps, "
            "in PyTorch one m at a time; the products alone, at full width and NumPy's rate, would "
            f"take {floor:.2f} s ({LIMITS[optimiser]}); {counts}"
        )

    return Contest(
        "training",
        f"sweep over widths, {optimiser}",
        [
            Side("here", "ours", partial(ours, optimiser)),
            Side("PyTorch", "peer", None if MISSING else partial(theirs, optimiser)),
        ],
        least=LEAST[optimiser],
        note=note,
        memory=True,
    )


def flops() -> float:
    """Floating-point operations of the sweep's two products a step, at full width."""
    return 4.0 * FEATURES**2 * sum(SWEEP) * INSTANCES * STEPS


def ours(optimiser: str) -> Callable[[], list[float]]:
    """Return the sweep: mean shared neurons for each m."""
    import jax

    from experiments import ensembles
    from experiments.harness.progress import Progress
    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings

    def sweep() -> list[float]:
        found = []
        for m in SWEEP:
            trained = ensembles.train(
                Progress(quiet=True),
                "bench",
                TiedReluTask(FEATURES, m, descent=optimiser),
                training.member_keys(jax.random.key(m), INSTANCES),
                settings(INSTANCES, rate=RATES[optimiser], penalty=PENALTY),
                records=_RECORDS,
                every=STEPS // _RECORDS,
                chunks=_RECORDS,
            )
            found.append(float(trained.trace["count"][:, -1].mean()))
        return found

    return sweep


def theirs(optimiser: str) -> Callable[[], list[float]]:
    """Return the same sweep in PyTorch."""
    import torch

    def train(m: int) -> float:
        torch.manual_seed(m)
        start = torch.randn(INSTANCES, FEATURES, m) / math.sqrt(m)
        vectors = torch.nn.Parameter(start)
        identity = torch.eye(FEATURES).expand(INSTANCES, FEATURES, FEATURES)
        rate = RATES[optimiser]
        rule: Any
        if optimiser == "adamw":
            rule = torch.optim.AdamW([vectors], lr=rate, weight_decay=0.01, fused=True)
        else:
            rule = torch.optim.SGD([vectors], lr=rate)
        for _ in range(STEPS):
            rule.zero_grad()
            output = torch.relu(vectors @ vectors.mT)
            loss = torch.sum((output - identity) ** 2)
            if optimiser == "adamw":
                loss = loss + PENALTY * vectors.abs().sum()
            loss.backward()
            rule.step()
            if optimiser == "proximal":
                with torch.no_grad():
                    vectors.copy_(torch.nn.functional.softshrink(vectors, rate * PENALTY))
        size = np.abs(vectors.detach().numpy())
        return float((((size > 0.5).sum(axis=1)) >= 2).sum(axis=1).mean())

    return lambda: [train(m) for m in SWEEP]
