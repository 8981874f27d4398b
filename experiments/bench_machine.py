"""The machine that a timing was made on: processor, devices, versions, rates of its products."""

from __future__ import annotations

import math
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from experiments.harness import processors

__all__ = ["describe", "has_amx", "load", "matmul_rates", "product_rate"]

_FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2", "asimd", "bf16")
"""What decides the speed of products, of the flags that a kernel lists."""
_PEERS = ("torch", "faiss-cpu", "sae-lens")
_SIDE = {"cpu": 2048}
_LARGE_SIDE = 8192


def describe() -> dict[str, Any]:
    """Return processor, flags, cores, device, and versions of peers, None where absent."""
    import jax

    model, flags = _processor()
    devices = jax.devices()
    return {
        "processor": model,
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": processors.count(),
        "device": f"{len(devices)} × {devices[0].device_kind}, {devices[0].platform}",
        "versions": {name: _version(name) for name in ("jax", "numpy", *_PEERS)},
    }


def has_amx() -> bool:
    """Whether the processor multiplies matrices of bfloat16 in hardware (Intel's AMX)."""
    return "amx_bf16" in _processor()[1]


def load() -> float | None:
    """Return how many processes wanted to run in the last minute, in the mean; None if unknown."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def matmul_rates() -> dict[str, float]:
    """Floating-point operations a second of one large product on JAX's device, best of five.

    By type of the factors; sums are in float32, and float32 factors at full precision.
    """
    import jax
    import jax.numpy as jnp

    side = _SIDE.get(jax.default_backend(), _LARGE_SIDE)

    @jax.jit
    def product(left: jax.Array) -> jax.Array:
        return jax.lax.dot_general(
            left,
            left,
            (((1,), (1,)), ((), ())),
            precision=jax.lax.Precision.HIGHEST,
            preferred_element_type=jnp.float32,
        )

    rates = {}
    for name in ("float32", "bfloat16"):
        left = jax.random.normal(jax.random.key(0), (side, side), jnp.dtype(name))
        product(left).block_until_ready()
        best = math.inf
        for _ in range(5):
            begun = time.perf_counter()
            product(left).block_until_ready()
            best = min(best, time.perf_counter() - begun)
        rates[name] = 2.0 * side**3 / best
    return rates


def product_rate() -> float:
    """GFLOP/s of one large float32 product in NumPy, the best of four."""
    side = 2048
    left = np.random.default_rng(0).standard_normal((side, side), np.float32)
    best = math.inf
    for _ in range(4):
        begun = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best / 1e9


def _processor() -> tuple[str, set[str]]:
    """The model's name and the flags, as Linux tells them; elsewhere what Python knows."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), set()
    facts: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", facts.get("Features", ""))
    return facts.get("model name") or platform.machine(), set(flags.split())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
