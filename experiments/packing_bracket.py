"""How many lines fit in R^d with every |cos| at most eps: the bracket and what surrounds it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import packing_checks, packing_figures, packing_words, popular
from experiments.harness.checks import Check, judge
from experiments.harness.experiment import Result, Table
from experiments.packing_config import Config, threshold
from experiments.packing_question import Question, answers_of, at_the_top

if TYPE_CHECKING:
    from experiments.harness.progress import Progress
    from geometry.exact import Cosine
    from geometry.packing import Packing

__all__ = ["BRACKET"]

_SHOWN_IN_SPACE = 500  # lines drawn in the 3-D view


def _measure(config: Config, progress: Progress) -> Result:
    """Bracket N(d, eps) for every d asked for, with its surroundings."""
    from experiments import brackets, packing_random

    eps = threshold(config)
    answers: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    families: list[tuple[str | int | float | None, ...]] = []
    upper_bounds: list[tuple[str | int | float | None, ...]] = []
    for dim in dict.fromkeys(config.dim):
        begun = time.perf_counter()
        with progress.phase(f"packing and certificate, d = {dim}"):
            packing, answer = _bracket(dim, eps)
        with progress.phase(f"random directions, d = {dim}"):
            answer["random"] = packing_random.random_baseline(
                packing,
                eps,
                upper=answer["upper"]["count"],
                seed=config.seed,
                seeds=config.seeds,
                candidates=config.candidates,
                largest=config.baseline,
            )
        with progress.phase(f"bracket over eps, d = {dim}"):
            arrays |= brackets.over_eps(dim, eps, points=config.points)
        arrays |= brackets.cosines(packing, rows=config.histogram, seed=config.seed)
        if dim <= 3:
            shown = np.arange(min(packing.count, _SHOWN_IN_SPACE), dtype=np.int64)
            arrays[f"lines_{dim}"] = packing.rows(shown).unit()
        families += brackets.family_rows(dim, eps)
        upper_bounds += brackets.bound_rows(dim, eps)
        answers.append(answer | {"seconds": time.perf_counter() - begun})
    with progress.phase("bracket over d"):
        arrays |= brackets.over_dims(max(config.dim), eps, points=config.points)
    with progress.phase("popular statements"):
        examined = popular.examine()
    return Result(
        {**at_the_top(answers), "popular": examined},
        arrays,
        {
            **({} if len(answers) == 1 else {"answers": _overview(answers)}),
            "families": Table(
                (
                    "d",
                    "family",
                    "lines",
                    "certificate",
                    "paper",
                    "coherence",
                    "dimensions used",
                    "recipe",
                ),
                tuple(families),
                "Explicit families at this d and eps",
                "The largest packing of each family that fits, the one with most lines first, and "
                "how its coherence is known at little effort (above d = 2048 for the first four). "
                "The catalogue joins them by direct sums and fills what is left.",
            ),
            "bounds": Table(
                ("d", "bound", "at most", "statement", "reference"),
                tuple(upper_bounds),
                "Upper bounds at this d and eps",
                "All that answer; the smallest is the one printed.",
            ),
            "popular": popular.table(examined),
        },
    )


def _bracket(dim: int, eps: Cosine) -> tuple[Packing, dict[str, Any]]:
    """The packing, and the answer for one dimension, certificate included."""
    from experiments import brackets
    from geometry import bounds, catalogue
    from geometry.bounds import existence

    packing = catalogue.best(dim, eps)
    upper = bounds.best_upper_bound(dim, eps)
    answer = {
        "dim": dim,
        "eps": float(eps),
        "eps_exact": str(eps),
        "angle_degrees": eps.angle_degrees(),
        "lower": {
            "count": packing.count,
            "coherence": float(packing.coherence),
            "coherence_exact": str(packing.coherence),
            "method": _method(packing),
            "words": packing.words(),
            "recipe": packing.recipe(),
            "certificate": brackets.certificate(packing, eps),
        },
        "existence": {"count": existence.existence_lower_bound(dim, eps), "method": "covering"},
        "upper": {
            "count": upper.count,
            "method": upper.method,
            "statement": upper.statement,
            "reference": upper.reference,
        },
    }
    return packing, answer


def _overview(answers: list[dict[str, Any]]) -> Table:
    return Table(
        ("d", "at least", "certificate", "packing", "at most", "bound"),
        tuple(
            (
                one["dim"],
                one["lower"]["count"],
                one["lower"]["certificate"]["level"],
                one["lower"]["method"],
                one["upper"]["count"],
                one["upper"]["method"],
            )
            for one in answers
        ),
        "The answers",
        "A packing of each dimension with its certificate, and the bound that won.",
    )


def _method(packing: Packing) -> str:
    """The families behind the parts of a packing, each with the moves that led from it."""
    from geometry.moves import DirectSum, leading

    parts = packing.parts if isinstance(packing, DirectSum) else (packing,)
    found = [leading(part) for part in parts]
    named = [", ".join([family.name, *reversed(moves)]) for family, moves in found]
    return " + ".join(dict.fromkeys(named))


def _checks(config: Config, result: Result) -> list[Check]:
    """The bracket's own consistency, the random law, and the popular statements."""
    found: list[Check] = []
    for one in answers_of(result):
        lower, upper, where = one["lower"], one["upper"], f"d = {one['dim']}"
        most = packing_words.large(upper["count"], up=True)
        found.append(
            judge(
                f"lower <= upper, {where}",
                theory=f"at most {most} ({upper['method']})",
                estimate=lower["count"],
                band=(one["dim"], upper["count"]),
            )
        )
        found.append(
            packing_checks.certificate(
                lower["certificate"], where, allowed=one["eps"], words=one["eps_exact"]
            )
        )
        found += packing_checks.random_coherence(one["random"]["coherence"], where)
    examined: Any = result.data["popular"]
    return found + popular.checks(examined)


def _packing_of(_result: Result, one: dict[str, Any]) -> Packing:
    """The packing of an answer, from its recipe."""
    from geometry import catalogue

    return catalogue.build(one["lower"]["recipe"])


BRACKET = Question(
    measure=_measure,
    checks=_checks,
    answer=packing_words.answer,
    summary=packing_words.summary,
    figures=packing_figures.figures,
    packing_of=_packing_of,
)
