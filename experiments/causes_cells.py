"""The trainings of the causes experiment: one family of models, a factorial of interventions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import ensembles
from experiments.intervals import mean_interval
from experiments.poisson import count_interval

if TYPE_CHECKING:
    from experiments.causes_config import Config
    from experiments.harness.progress import Progress

__all__ = [
    "NOTHING",
    "PENALTY_ALONE",
    "SEPARATE",
    "STARTS",
    "Cell",
    "cells",
    "full",
    "levels_of",
    "train_all",
    "widths",
]

STARTS = ("random", "collision-free", "margin", "non-negative", "planted-opposite")
KURTOSES = (-2.0, 0.0, 3.0)
RECORDS = 10
PENALTY_CLOCK, NOISE_CLOCK = 5.0, 10.0
"""Least rate·steps·penalty where there is a penalty, and rate·steps·sigma² where there is noise."""
FIT_CLOCK = 10.0
"""Least rate·steps: forty times the time on which the squared error falls by a factor e."""
TURN = 0.01
"""Most change of the mean alignment over the last fifth of a training that converged."""
QUIET, FLICKER = 0.1, 0.25
"""Most change of the mean count meanwhile; noise makes it flicker, by an eighth over 16 seeds."""
_MORE = 8
"""Members of a cell without noise, for each with: they cost far less."""


class Cell(NamedTuple):
    """A combination: the start, whether the penalty is on, excess kurtosis of the noise or None."""

    start: str
    penalised: bool
    kurtosis: float | None

    @property
    def name(self) -> str:
        """As in tables: `random, l1, noise -2`."""
        noise = "no noise" if self.kurtosis is None else f"noise {self.kurtosis:+g}"
        return f"{self.start}, {'l1' if self.penalised else 'no l1'}, {noise}"


def full(kurtosis: float) -> Cell:
    """All three causes at work; switching one off gives that cause's share."""
    return Cell("random", True, kurtosis + 0.0)


def _chart(kurtosis: float) -> list[Cell]:
    """What the decomposition needs."""
    return [
        full(kurtosis),
        full(kurtosis)._replace(start="margin"),
        full(kurtosis)._replace(penalised=False),
        *(full(other) for other in KURTOSES if other != kurtosis + 0.0),
        PENALTY_ALONE,
        SEPARATE,
        NOTHING,
    ]


PENALTY_ALONE = Cell("random", True, None)
SEPARATE = Cell("margin", True, None)
NOTHING = Cell("margin", False, None)


def cells(kurtosis: float, *, whole: bool) -> list[Cell]:
    """The combinations at one width: the whole factorial, or what the decomposition needs."""
    levels = (None, *levels_of(kurtosis))
    found = [Cell(*one) for one in product(STARTS, (True, False), levels)]
    return found if whole else _chart(kurtosis)


def levels_of(kurtosis: float) -> list[float]:
    """The excess kurtoses of the noise, that of the decomposition among them."""
    # Adding 0 makes 0 of -0.
    return sorted({*KURTOSES, kurtosis + 0.0})


def widths(config: Config) -> list[int]:
    """Neurons m at every ratio to n, rising."""
    return sorted({round(ratio * config.features) for ratio in (*config.ratios, *config.factorial)})


def train_all(config: Config, progress: Progress) -> list[dict[str, Any]]:
    """Every cell at every width; counts by seed, so that cells can be paired."""
    rows = []
    whole = {round(ratio * config.features) for ratio in config.factorial}
    with progress.phase("factorial", total=len(widths(config))) as step:
        for m in widths(config):

            def measure(m: int = m) -> Any:
                return list(_width(config, progress, m, cells(config.kurtosis, whole=m in whole)))

            rows += progress.part(f"width-{m}", measure)
            step()
    return rows


def _width(
    config: Config, progress: Progress, m: int, chosen: Sequence[Cell]
) -> Iterable[dict[str, Any]]:
    quiet = [cell for cell in chosen if cell.kurtosis is None]
    loud = [cell for cell in chosen if cell.kurtosis is not None]
    yield from _train(config, progress, m, quiet, _MORE * config.seeds)
    yield from _train(config, progress, m, loud, config.seeds)


def _train(
    config: Config, progress: Progress, m: int, chosen: Sequence[Cell], seeds: int
) -> Iterable[dict[str, Any]]:
    """All cells together; member i of each cell has the same draws as member i of any other."""
    import jax

    from experiments.models import training
    from experiments.models.tied_relu import TiedReluTask, settings
    from geometry import capacity, sharing

    noisy = chosen[0].kurtosis is not None
    root = jax.random.fold_in(jax.random.key(config.seed), m)
    keys = training.repeated(training.member_keys(root, seeds), len(chosen))

    def column(values: Iterable[float]) -> NDArray[np.float64]:
        return np.repeat(list(values), seeds)

    given = settings(
        len(chosen) * seeds,
        rate=config.rate,
        penalty=column(config.penalty * cell.penalised for cell in chosen),
        start=column(STARTS.index(cell.start) for cell in chosen),
        noise=config.noise,
        kurtosis=column(cell.kurtosis or 0.0 for cell in chosen),
    )
    task = TiedReluTask(config.features, m, noise="three-point" if noisy else None, starts=STARTS)
    every = max(1, -(-config.steps // RECORDS))
    trained = ensembles.train(
        progress,
        f"{'noise' if noisy else 'quiet'}-{m}",
        task,
        keys,
        given,
        records=RECORDS,
        every=every,
        chunks=RECORDS,
    )
    vectors = np.asarray(trained.states.params["vectors"][...])
    count = np.asarray(sharing.polysemantic(vectors, config.threshold), np.int64)
    carried = np.asarray(sharing.carriers(vectors, config.threshold))
    aligned = trained.trace["alignment"]
    # A hair more, since 0.02·12500·0.2² is not 10 in binary.
    elapsed = every * RECORDS * config.rate * (1 + 1e-9)
    for place, cell in enumerate(chosen):
        part = slice(place * seeds, (place + 1) * seeds)
        trace = trained.trace["count"][part]
        ratios = [capacity.participation_ratio(one, axis=0) for one in vectors[part]]
        # Neurons without any weight serve nobody, and do not count.
        served = [float(one[one > 0].mean()) if one.any() else 0.0 for one in ratios]
        turn = float((aligned[part, -1] - aligned[part, -3]).mean())
        late = float((trace[:, -1].astype(np.float64) - trace[:, -3]).mean())
        yield {
            "neurons": m,
            "start": cell.start,
            "penalised": cell.penalised,
            "kurtosis": cell.kurtosis,
            "name": cell.name,
            "seeds": seeds,
            "count": float(count[part].mean()),
            "interval": count_interval(float(count[part].sum()), seeds),
            "counts": count[part].tolist(),
            "represented": float((carried[part] > 0).mean()),
            "redundant": float((carried[part] > 1).mean()),
            "alignment": float(aligned[part, -1].mean()),
            "serves": float(np.mean(served)),
            "serves_interval": mean_interval(served),
            "late_change": late,
            "late_turn": turn,
            "converged": bool(
                abs(turn) <= TURN
                and elapsed >= FIT_CLOCK
                and abs(late) <= (FLICKER if noisy else QUIET)
                and (not cell.penalised or elapsed * config.penalty >= PENALTY_CLOCK)
                and (not noisy or elapsed * config.noise**2 >= NOISE_CLOCK)
            ),
        }
