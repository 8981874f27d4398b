"""The measurements of the causes experiment: one family of models, a factorial of interventions."""

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
    "KURTOSES",
    "STARTS",
    "Cell",
    "cells",
    "decompose",
    "interactions",
    "train_all",
    "widths",
]

STARTS = ("random", "collision-free", "margin", "non-negative", "planted-opposite")
KURTOSES = (-2.0, 0.0, 3.0)
RECORDS = 10
CLOCK = 100.0
"""Least rate·steps of a cell that converged: 5/0.05, the clock of the default penalty."""
LATE = 0.1
"""Most drift of the mean count over the last fifth of a training that converged, where an interval
tells it from 0."""
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
    return Cell("random", True, kurtosis)


def _chart(kurtosis: float) -> list[Cell]:
    """What the decomposition needs."""
    return [
        full(kurtosis),
        full(kurtosis)._replace(start="margin"),
        full(kurtosis)._replace(penalised=False),
        *(full(other) for other in KURTOSES if other != kurtosis),
        PENALTY_ALONE,
        SEPARATE,
        NOTHING,
    ]


PENALTY_ALONE = Cell("random", True, None)
SEPARATE = Cell("margin", True, None)
NOTHING = Cell("margin", False, None)


def cells(kurtosis: float, *, whole: bool) -> list[Cell]:
    """The combinations at one width: the whole factorial, or what the decomposition needs."""
    levels = (None, *sorted({*KURTOSES, kurtosis}))
    found = [Cell(*one) for one in product(STARTS, (True, False), levels)]
    return found if whole else _chart(kurtosis)


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
    for place, cell in enumerate(chosen):
        part = slice(place * seeds, (place + 1) * seeds)
        trace = trained.trace["count"][part]
        ratios = [capacity.participation_ratio(one, axis=0) for one in vectors[part]]
        # Neurons without any weight serve nobody, and do not count.
        served = [float(one[one > 0].mean()) if one.any() else 0.0 for one in ratios]
        change = trace[:, -1].astype(np.float64) - trace[:, -3]
        low, high = mean_interval(change)
        late = float(change.mean())
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
            "alignment": float(trained.trace["alignment"][part, -1].mean()),
            "serves": float(np.mean(served)),
            "serves_interval": mean_interval(served),
            "late_change": late,
            # Noise makes counts flicker; what matters is a drift.
            "converged": bool(
                (abs(late) <= LATE or low <= 0 <= high) and every * RECORDS * config.rate >= CLOCK
            ),
        }


def _counts(rows: Sequence[dict[str, Any]], m: int, cell: Cell) -> NDArray[np.float64]:
    for row in rows:
        if row["neurons"] == m and row["name"] == cell.name:
            return np.array(row["counts"], np.float64)
    raise KeyError(f"{cell.name} at m = {m}")


def _effect(values: NDArray[np.float64]) -> dict[str, Any]:
    return {"mean": float(values.mean()), "interval": mean_interval(values)}


def decompose(
    rows: Sequence[dict[str, Any]], features: int, kurtosis: float
) -> list[dict[str, Any]]:
    """Shares of the causes at each width, in neurons, seeds paired.

    observed = all causes on.  necessary = max(0, n - m).  A cause's share is observed less the
    count with that cause alone switched off.  They need not sum to what is observed: what is left
    over is the residual.  `by_kurtosis` has the share of noise of each kind instead.
    """
    from geometry import sharing

    found = []
    for m in sorted({row["neurons"] for row in rows}):

        def counts(cell: Cell, m: int = m) -> NDArray[np.float64]:
            return _counts(rows, m, cell)

        here = full(kurtosis)
        observed = counts(here)
        seeds = len(observed)
        alone = counts(PENALTY_ALONE)
        necessary = float(sharing.least_shared(features, m))
        shares = {
            "start": observed - counts(here._replace(start="margin")),
            "penalty": observed - counts(here._replace(penalised=False)),
            "noise": observed - alone[:seeds],
        }
        incidental = observed - necessary
        found.append(
            {
                "neurons": m,
                "observed": _effect(observed),
                "necessary": necessary,
                "incidental": _effect(incidental),
                **{name: _effect(values) for name, values in shares.items()},
                "residual": _effect(incidental - sum(shares.values())),
                "start_alone": _effect(alone - counts(SEPARATE)),
                "penalty_alone": _effect(alone),
                "separate": _effect(counts(SEPARATE)),
                "nothing": _effect(counts(NOTHING)),
                "by_kurtosis": {
                    f"{level:g}": _effect(counts(full(level)) - alone[:seeds])
                    for level in sorted({*KURTOSES, kurtosis})
                },
            }
        )
    return found


def interactions(
    rows: Sequence[dict[str, Any]], chosen: Iterable[int], kurtosis: float
) -> list[dict[str, Any]]:
    """Main effects and interactions of the cube start × penalty × noise at each width.

    Each is a mean of differences over the other factors' two levels, halved for every further
    factor, as in a two-level factorial design (Box, Hunter and Hunter 2005, chapter 5): an
    interaction is half the difference between a factor's effects at the other's two levels.
    """
    found = []
    for m in chosen:
        cube = {}
        for start, penalised, noisy in product((0, 1), repeat=3):
            cell = Cell(
                "random" if start else "margin", bool(penalised), kurtosis if noisy else None
            )
            cube[start, penalised, noisy] = _counts(rows, m, cell)
        seeds = min(map(len, cube.values()))
        for factors in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
            total = np.zeros(seeds)
            for corner, counts in cube.items():
                sign = np.prod([2 * corner[factor] - 1 for factor in factors])
                total += sign * counts[:seeds]
            found.append(
                {
                    "neurons": m,
                    "effect": " × ".join(("start", "penalty", "noise")[one] for one in factors),
                    **_effect(total / 4),
                }
            )
    return found
