"""The largest |cos| between two rows in NumPy, PyTorch and FAISS, each in its fastest form.

All take half of the pairs, by symmetry, in float32: row blocks against the rows from there on.
Each has the forms that its users would write; a short trial on the first rows picks the form and
the block.

- NumPy: products of blocks, as square tiles or as strips of eight; then the tile's maximum and
  minimum, so that no pass writes.
- PyTorch: the same, with `aminmax`, which reads a tile once on all threads, or in-place `abs_` and
  `max`.  On the GPU where its build has one.
- FAISS: an `IndexFlatIP` over the rows from the block on; the block's two best matches (the best is
  the row itself), and the best match of its negative, since it searches signed products: two
  searches for both signs.  Or `pairwise_distances`: all squared distances of unit rows,
  2 - 2 cos, of which both ends count, from one product, in the same strips.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PEERS", "Peer"]

Rows = NDArray[np.float32]
Form = Callable[[Rows, int], float]

_BLOCKS = (256, 512, 1024, 2048)
_WIDE = 8
_TRIAL_ROWS = 4096


class Peer(NamedTuple):
    """A library: what to import, and its forms by name, made when it is imported."""

    module: str
    forms: Callable[[], Mapping[str, Form]]

    @property
    def missing(self) -> bool:
        """Whether it is not installed."""
        return importlib.util.find_spec(self.module) is None

    def fastest(self, vectors: Rows) -> tuple[str, Callable[[], float]]:
        """Return the name of the fastest form on the first of `vectors` `[n, d]`, and its run."""
        trial = vectors[:_TRIAL_ROWS]
        best: tuple[float, str, Form, int] | None = None
        for name, form in self.forms().items():
            for block in _BLOCKS:
                if block > _BLOCKS[0] and block > len(trial):
                    continue
                seconds = min(_seconds(partial(form, trial, block)) for _ in range(2))
                if best is None or seconds < best[0]:
                    best = seconds, name, form, block
        if best is None:
            raise ValueError("a peer needs a form")
        _, name, form, block = best
        return f"{name}, blocks of {block}", partial(form, vectors, block)


def _seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _unit(vectors: Rows) -> Rows:
    norms: Rows = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return vectors / norms[:, None]


def _tiles(count: int, block: int, width: int) -> Iterator[tuple[slice, slice]]:
    """The tiles on and above the diagonal."""
    for i in range(0, count, block):
        for j in range(i, count, width):
            yield slice(i, i + block), slice(j, j + width)


def _numpy_forms() -> Mapping[str, Form]:
    def walk(vectors: Rows, block: int, width: int) -> float:
        rows = _unit(vectors)
        room = np.empty(block * min(width, len(rows)), np.float32)
        largest = 0.0
        for top, side in _tiles(len(rows), block, width):
            left, right = rows[top], rows[side]
            tile = room[: len(left) * len(right)].reshape(len(left), len(right))
            np.matmul(left, right.T, out=tile)
            if top.start == side.start:
                np.fill_diagonal(tile, 0)
            largest = max(largest, float(tile.max()), -float(tile.min()))
        return largest

    return {
        "square tiles": lambda vectors, block: walk(vectors, block, block),
        "strips": lambda vectors, block: walk(vectors, block, _WIDE * block),
    }


def _torch_forms() -> Mapping[str, Form]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"

    def ends(tile: Any) -> Any:
        low, high = torch.aminmax(tile)
        return torch.maximum(-low, high)

    def absolute(tile: Any) -> Any:
        return tile.abs_().max()

    def walk(vectors: Rows, block: int, width: int, reduce: Callable[[Any], Any]) -> float:
        rows = torch.nn.functional.normalize(torch.from_numpy(vectors).to(device))
        room = torch.empty(block * min(width, len(rows)), device=device)
        largest = torch.zeros((), device=device)
        for top, side in _tiles(len(rows), block, width):
            left, right = rows[top], rows[side]
            tile = room[: len(left) * len(right)].view(len(left), len(right))
            torch.mm(left, right.T, out=tile)
            if top.start == side.start:
                tile.fill_diagonal_(0)
            largest = torch.maximum(largest, reduce(tile))
        return float(largest)

    return {
        "square tiles, aminmax": lambda vectors, block: walk(vectors, block, block, ends),
        "square tiles, abs_ and max": lambda vectors, block: walk(vectors, block, block, absolute),
        "strips, aminmax": lambda vectors, block: walk(vectors, block, _WIDE * block, ends),
        "strips, abs_ and max": lambda vectors, block: walk(
            vectors, block, _WIDE * block, absolute
        ),
    }


def _faiss_forms() -> Mapping[str, Form]:
    import faiss

    def search(vectors: Rows, block: int) -> float:
        rows = _unit(vectors)
        largest = 0.0
        for i in range(0, len(rows), block):
            index = faiss.IndexFlatIP(rows.shape[1])
            index.add(rows[i:])
            left = rows[i : i + block]
            if index.ntotal > 1:
                largest = max(largest, float(index.search(left, 2)[0][:, 1].max()))
            largest = max(largest, float(index.search(-left, 1)[0].max()))
        return largest

    def pairwise(vectors: Rows, block: int) -> float:
        rows = _unit(vectors)
        low, high = 2.0, 2.0
        for top, side in _tiles(len(rows), block, _WIDE * block):
            squares = faiss.pairwise_distances(rows[top], rows[side])
            if top.start == side.start:
                np.fill_diagonal(squares, 2)
            low, high = min(low, float(squares.min())), max(high, float(squares.max()))
        return max(1 - low / 2, high / 2 - 1)

    return {"IndexFlatIP, two searches": search, "pairwise_distances": pairwise}


PEERS = {
    "NumPy": Peer("numpy", _numpy_forms),
    "PyTorch": Peer("torch", _torch_forms),
    "FAISS": Peer("faiss", _faiss_forms),
}
