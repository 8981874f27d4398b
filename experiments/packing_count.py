"""How far apart n lines of R^d can be: the smallest coherence known, and what is proved of it.

Two answers compete, the catalogue's explicit packing and the rows of an optimiser; the better one
is certified. The bounds on N(d, eps), turned round, say how small the coherence can be at all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import (
    packing_checks,
    packing_count_figures,
    packing_count_rounding,
    packing_count_words,
)
from experiments.harness.checks import Check, judge
from experiments.harness.errors import InputError
from experiments.harness.experiment import Result, Table
from experiments.packing_config import Config
from experiments.packing_question import Question, answers_of, at_the_top

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from experiments.harness.progress import Progress
    from experiments.packing_search import Searched
    from geometry.optimised import Optimised
    from geometry.packing import Packing

__all__ = ["COUNT"]

_SEARCHED = (
    "coherence",
    "angle_degrees",
    "coherence_words",
    "angle_words",
    "rounds",
    "starts",
    "polished",
    "seconds",
    "recipe",
)


def _measure(config: Config, progress: Progress) -> Result:
    """The least coherent lines for every d asked for, with what surrounds them."""
    from experiments import packing_count_parts as parts

    answers: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    others: list[tuple[str | int | float | None, ...]] = []
    for dim in dict.fromkeys(config.dim):
        begun = time.perf_counter()
        answer, found = _answer(config, dim, progress)
        arrays |= found
        with progress.phase(f"other numbers of lines, d = {dim}"):
            curve = parts.around(dim, answer["count"], config)
        arrays[f"around_{dim}"] = curve
        others += packing_count_words.other_counts(dim, curve)
        answers.append(answer | {"seconds": time.perf_counter() - begun})
    return Result(
        at_the_top(answers),
        arrays,
        {
            **({} if len(answers) == 1 else {"answers": packing_count_words.overview(answers)}),
            "counts": Table(
                ("d", "lines", "catalogue", "degrees", "at least", "at most degrees"),
                tuple(others),
                "Other numbers of lines",
                "The least coherence that the catalogue has, without the optimiser, and the proved "
                "bound, both also as the angle between the closest two lines.",
            ),
        },
    )


def _answer(
    config: Config, dim: int, progress: Progress
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The answer for one dimension, and its arrays."""
    from experiments import brackets, packing_random, packing_search
    from experiments import packing_count_parts as parts
    from geometry import bounds

    count = config.count or 1
    with progress.phase(f"catalogue and bound, d = {dim}"):
        listed, catalogue = parts.catalogued(dim, count)
        bound = bounds.least_coherence(dim, count)
    search = packing_search.searched(config, dim, count, progress)
    found, optimiser = _optimised(config, search)
    packing, method = _better(dim, count, listed, found)
    with progress.phase(f"certificate and contacts, d = {dim}"):
        certificate = brackets.certificate(packing, packing.coherence)
        at_rest = method == "optimiser" and bool(optimiser["polished"])
        touching, arrays = parts.contacts(packing, at_rest=at_rest)
    arrays |= parts.cosines(packing, config)
    if found is not None:
        arrays[f"optimised_{dim}"] = found.vectors
    if search.search is not None:
        arrays[f"rounds_{dim}"] = np.array(search.search.history)
        arrays[f"ends_{dim}"] = np.array(search.search.ends)
    drawn = parts.shown_rows(packing)
    if drawn is not None:
        arrays[f"lines_{dim}"] = drawn
    random: dict[str, Any] = {"count": None, "median": None, "reason": "one line has no pair"}
    if count > 1:
        with progress.phase(f"random directions, d = {dim}"):
            random = packing_random.random_coherence(
                dim, count, seed=config.seed, seeds=config.seeds, largest=config.baseline
            )
    coherence = packing.coherence
    answer = {
        "dim": dim,
        "count": count,
        "coherence": float(coherence),
        "coherence_exact": str(coherence),
        "angle_degrees": coherence.angle_degrees(),
        "bound": float(bound),
        "bound_angle_degrees": bound.angle_degrees(),
        **packing_count_rounding.known_words(coherence),
        **packing_count_rounding.proved_words(bound),
        "bound_by": parts.bound_of(dim, count, bound),
        "gap": float(coherence) - float(bound),
        "optimal": coherence <= bound,
        "method": method,
        "certificate": certificate,
        "contacts": touching,
        "rounds": optimiser["rounds"] or 0,
        "catalogue": catalogue,
        "optimiser": optimiser,
        "random": {"coherence": random},
    }
    return answer, arrays


def _optimised(config: Config, search: Searched) -> tuple[Optimised | None, dict[str, Any]]:
    """The optimiser's packing, and what there is to say of it."""
    from geometry.optimised import Optimised

    state = search.search
    if state is None:
        return None, {**dict.fromkeys(_SEARCHED), "reason": search.reason}
    found = Optimised(state.vectors, config.seed, state.rounds)
    return found, {
        "coherence": float(found.coherence),
        "angle_degrees": found.coherence.angle_degrees(),
        **packing_count_rounding.known_words(found.coherence),
        "rounds": state.rounds,
        "starts": state.starts,
        "polished": state.polished,
        "seconds": search.seconds,
        "recipe": found.recipe(),
    }


def _better(
    dim: int, count: int, listed: Packing | None, found: Optimised | None
) -> tuple[Packing, str]:
    """The packing of the smaller coherence, the explicit one of two equals."""
    if listed is not None and (found is None or listed.coherence <= found.coherence):
        return listed, "catalogue"
    if found is not None:
        return found, "optimiser"
    raise InputError(f"--count must be within reach of a packing in R^{dim}; got {count}.")


def _checks(config: Config, result: Result) -> list[Check]:
    """The two sides in order, the certificate, and the law of random directions."""
    found: list[Check] = []
    for one in answers_of(result):
        lines = "1 line" if one["count"] == 1 else f"{one['count']} lines"
        where = f"{lines} in d = {one['dim']}"
        found.append(
            judge(
                f"coherence >= bound, {where}",
                theory=packing_count_words.at_least(one),
                estimate=one["coherence"],
                band=(one["bound"], 1.0),
            )
        )
        found.append(
            packing_checks.certificate(
                one["certificate"], where, allowed=one["coherence"], words=one["coherence_exact"]
            )
        )
        found += packing_checks.random_coherence(one["random"]["coherence"], f"d = {one['dim']}")
    return found


def _packing_of(result: Result, one: dict[str, Any]) -> Packing:
    """The packing of an answer: from its recipe, or the optimiser's rows as they were kept."""
    from geometry import catalogue
    from geometry.optimised import Optimised

    if one["method"] == "catalogue":
        return catalogue.build(one["catalogue"]["recipe"])
    recipe = one["optimiser"]["recipe"]
    rows = result.arrays[f"optimised_{one['dim']}"]
    return Optimised(rows, recipe["seed"], recipe["rounds"])


COUNT = Question(
    measure=_measure,
    checks=_checks,
    answer=packing_count_words.answer,
    summary=packing_count_words.summary,
    figures=packing_count_figures.figures,
    packing_of=_packing_of,
)
