"""The optimiser's search for lines far apart, round by round; a killed run goes on where it was."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from experiments.harness.parts import Parts
    from experiments.harness.progress import Progress
    from experiments.packing_config import Config
    from geometry.optimise import Search

__all__ = ["Searched", "searched"]


@dataclass(frozen=True)
class Searched:
    """A search and the seconds spent on it, or why there was none."""

    search: Search | None
    seconds: float
    reason: str = ""


def searched(config: Config, dim: int, count: int, progress: Progress) -> Searched:
    """The search of the rounds, or of the seconds, that the config asks for; one round at least."""
    from geometry import optimise

    if count <= dim:
        return Searched(None, 0.0, f"up to {dim:,} lines are orthogonal in {dim:,} dimensions")
    try:
        fresh = optimise.begin(dim, count, config.seed)
    except ValueError as error:
        return Searched(None, 0.0, str(error).rstrip("."))
    name = f"search-{dim}"
    search, seconds = _kept(progress.parts, name) or (fresh, 0.0)
    rounds = config.rounds or (optimise.DEFAULT_ROUNDS if config.budget is None else None)
    with progress.phase(f"rounds of the optimiser, d = {dim}", total=rounds) as step:
        step(search.rounds)
        while not _done(search.rounds, seconds, rounds, config.budget):
            begun = time.perf_counter()
            search = optimise.advance(search)
            seconds += time.perf_counter() - begun
            _keep(progress.parts, name, search, seconds)
            step()
    return Searched(search, seconds)


def _done(rounds: int, seconds: float, most: int | None, budget: float | None) -> bool:
    if rounds == 0:
        return False
    return rounds >= most if most is not None else seconds >= (budget or 0.0)


def _keep(parts: Parts, name: str, search: Search, seconds: float) -> None:
    fields = {field.name: getattr(search, field.name) for field in dataclasses.fields(search)}
    arrays = {key: np.asarray(value) for key, value in fields.items()}
    parts.save(name, {**arrays, "seconds": np.asarray(seconds)})


def _kept(parts: Parts, name: str) -> tuple[Search, float] | None:
    from geometry.optimise import Search

    arrays = parts.load(name)
    if arrays is None:
        return None
    seconds = float(arrays.pop("seconds"))
    return Search(**{key: _plain(value) for key, value in arrays.items()}), seconds


def _plain(array: NDArray[Any]) -> Any:
    """The field of a search that an array was made of: a number, a tuple, or rows."""
    if array.ndim < 2:
        listed = array.tolist()
        return tuple(listed) if array.ndim else listed
    return array
