"""What one question of the packing experiment is made of: the functions of an `Experiment`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.harness.checks import Check
    from experiments.harness.experiment import Figure, Result
    from experiments.harness.progress import Progress
    from experiments.packing_config import Config
    from geometry.packing import Packing

__all__ = ["Question", "answers_of", "at_the_top"]


@dataclass(frozen=True)
class Question:
    """As the fields of `Experiment`; `packing_of` is the packing that an answer speaks of."""

    measure: Callable[[Config, Progress], Result]
    checks: Callable[[Config, Result], list[Check]]
    answer: Callable[[Config, Result], str]
    summary: Callable[[Config, Result], list[str]]
    figures: Callable[[Config, Result], list[Figure]]
    packing_of: Callable[[Result, dict[str, Any]], Packing]


def answers_of(result: Result) -> list[dict[str, Any]]:
    """The answers, one a dimension."""
    data: dict[str, Any] = result.data
    return list(data.get("answers", [data]))


def at_the_top(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The data of a run: a list, or the keys of the one answer, whose seconds are the run's."""
    if len(answers) > 1:
        return {"answers": answers}
    return {name: value for name, value in answers[0].items() if name != "seconds"}
