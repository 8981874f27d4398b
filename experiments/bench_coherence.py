"""Mutual coherence against NumPy, PyTorch and FAISS, and on flat spectra against full precision.

The subject is `geometry.closest.pairs`, the closest pair.  Peers are in `bench_peers`.  Floors are
the products alone, at full precision and from bfloat16, of as many multiply-adds as half of the
pairs need.  On Gold's and Kerdock's packings every tile's largest |cos| is the same, so that a
screen in low precision can rule out none: there it is held against the path without a screen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.bench_config import Config
from experiments.bench_machine import has_amx
from experiments.bench_peers import PEERS, Peer
from experiments.bench_timing import Contest, Side

__all__ = ["AGREE", "FLAT_LIMIT", "LEAST_AMX", "LEAST_ELSEWHERE", "contest", "flat", "subjects"]

Rows = NDArray[np.float32]

SIZES = ((32768, 512), (8192, 4096))
"""Numbers of vectors and dimensions."""
JUDGED = SIZES[0]
LEAST_AMX, LEAST_ELSEWHERE = 3.0, 1.0
"""How many times faster than the fastest peer, at `JUDGED`, with AMX and without."""
FLAT_LIMIT = 1.3
"""Most that a flat spectrum may cost, in times of the path at full precision."""
AGREE = 1e-5
"""How far two answers may lie apart."""
FLAT = {"gold": (512, 16384), "kerdock": (256, 33024)}
"""Dimensions and numbers of lines: a part of Gold's 262,656, and all of Kerdock's."""
_SHARE = 8
_BLOCKS = {"cpu": 1024}
_LARGE_BLOCK = 8192


def subjects(config: Config) -> dict[str, Callable[[], Contest]]:
    """Return the contests by short name."""
    return {
        **{f"coherence-{n}x{d}": partial(contest, n, d, config) for n, d in SIZES},
        **{f"flat-{name}": partial(flat, name, config) for name in FLAT},
    }


def contest(count: int, dim: int, config: Config) -> Contest:
    """Random directions, `count` of them divided by what the config says, against all peers."""
    n = max(2, count // config.shrink)
    forms: dict[str, str] = {}

    def rows() -> Rows:
        return np.random.default_rng(config.seed).standard_normal((n, dim), np.float32)

    def peer(name: str, library: Peer) -> Callable[[], float]:
        forms[name], run = library.fastest(rows())
        return run

    sides = [Side("here", "ours", lambda: partial(ours, rows()))]
    sides += [
        Side(name, "peer", None if library.missing else partial(peer, name, library))
        for name, library in PEERS.items()
    ]
    sides += [
        Side(f"{kind} products", "floor", partial(products, n, dim, kind), scale=_SHARE)
        for kind in ("float32", "bfloat16")
    ]
    judged = (count, dim) == JUDGED and config.shrink == 1
    least = LEAST_AMX if has_amx() else LEAST_ELSEWHERE
    return Contest(
        "mutual coherence",
        f"{n:,} vectors, d = {dim:,}",
        sides,
        least=least if judged else None,
        answer=lambda found: (float(found),),
        tolerance=AGREE,
        note=lambda _: "; ".join(f"{name}: {form}" for name, form in forms.items()),
        operations=float(n) * (n - 1) * dim,
        memory=True,
    )


def flat(name: str, config: Config) -> Contest:
    """Lines of a packing with one |cos| throughout, against the path at full precision."""
    dim, count = FLAT[name]
    n = max(2, count // config.shrink)

    def rows() -> Rows:
        return np.asarray(_packing(name).rows(np.arange(n)).unit(), np.float32)

    return Contest(
        "flat spectra",
        f"{name.title()}, {n:,} × {dim:,}",
        [
            Side("here", "ours", lambda: partial(ours, rows())),
            Side("full precision", "variant", lambda: partial(ours, rows(), screen="float32")),
        ],
        least=1 / FLAT_LIMIT if config.shrink == 1 else None,
        answer=lambda found: (float(found),),
        tolerance=AGREE,
        operations=float(n) * (n - 1) * dim,
        memory=True,
    )


def ours(rows: Rows, screen: str = "auto") -> float:
    """Return the largest |cos| of `rows` `[n, d]`; `screen` as in `geometry.closest`."""
    from geometry import closest

    return float(closest.pairs(rows, 1, screen=screen).cosine[0])


def products(count: int, dim: int, kind: str) -> Callable[[], None]:
    """Return a share of the products of half of the pairs, tile by tile, nothing done with them."""
    import jax
    import jax.numpy as jnp

    block = min(count, _BLOCKS.get(jax.default_backend(), _LARGE_BLOCK))
    tiles = max(1, round(count * (count - 1) / 2 / block**2 / _SHARE))
    rows = jax.random.normal(jax.random.key(0), (block, dim), jnp.dtype(kind))

    @jax.jit
    def product(left: jax.Array, right: jax.Array) -> jax.Array:
        return jax.lax.dot_general(
            left,
            right,
            (((1,), (1,)), ((), ())),
            precision=jax.lax.Precision.HIGHEST,
            preferred_element_type=jnp.float32,
        )

    def run() -> None:
        # One at a time is waited for, so that no more than two tiles are held.
        tile = product(rows, rows)
        for _ in range(tiles - 1):
            following = product(rows, rows)
            tile.block_until_ready()
            tile = following
        tile.block_until_ready()

    return run


def _packing(name: str) -> Any:
    from geometry.constructions.gold import Gold
    from geometry.constructions.kerdock import Kerdock

    return {"gold": Gold, "kerdock": Kerdock}[name](int(np.log2(FLAT[name][0])))
