"""The second answer of the packing experiment in words: how far apart n lines can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.harness.experiment import Result, Table
from experiments.packing_question import answers_of
from experiments.packing_random import random_words
from experiments.packing_words import large, readable

__all__ = ["answer", "at_least", "other_counts", "overview", "summary"]

_CLOSE = 1e-6  # degrees
_FAR = 10  # times the angle known: a bound beyond says that little is known


def answer(_config: object, result: Result) -> str:
    """The angle in one sentence, with what is proved of it."""
    return " ".join(_sentence(one) for one in answers_of(result))


def _sentence(one: dict[str, Any]) -> str:
    if one["count"] == 1:
        return f"In {one['dim']:,} dimensions, a line has no other to be close to (coherence 0)."
    lines = f"{large(one['count'])} lines"
    if one["coherence"] == 0:
        return f"In {one['dim']:,} dimensions, {lines} can be orthogonal (coherence 0)."
    known = (
        f"In {one['dim']:,} dimensions, {lines} can be {one['angle_words']}° apart "
        f"(coherence {one['coherence_words']})"
    )
    if one["optimal"]:
        return f"{known}, and no {lines} are farther apart."
    if one["bound_angle_degrees"] - one["angle_degrees"] <= _CLOSE and not _is_far(one):
        return f"{known}, the best possible to six decimals."
    return f"{known}; no {lines} are more than {one['bound_angle_words']}° apart.{_far(one)}"


def _is_far(one: dict[str, Any]) -> bool:
    return 0 < _FAR * float(one["angle_words"]) < float(one["bound_angle_words"])


def _far(one: dict[str, Any]) -> str:
    """Nothing, or that the two angles are far apart and, where so, that nobody searched."""
    if not _is_far(one):
        return ""
    unsearched = one["optimiser"]["coherence"] is None
    search = ", and the optimiser was not run at this size" if unsearched else ""
    times = math.floor(float(one["bound_angle_words"]) / float(one["angle_words"]))
    return f" Little is known here: that is {times:,} times the angle or more{search}."


def at_least(one: dict[str, Any]) -> str:
    """What the bound says of the coherence."""
    by = one["bound_by"]
    if one["bound"] == 0:
        return f"at least 0 ({by['statement']})"
    return f"at least {one['bound_words']} ({by['method']})"


def summary(_config: object, result: Result) -> list[str]:
    """Who won, how each side is known, and what random directions do."""
    answers = answers_of(result)
    if len(answers) == 1:
        return _sides(answers[0])
    return [f"d = {one['dim']:,}: {_race(one)}" for one in answers]


def _race(one: dict[str, Any]) -> str:
    """Both answers, the better one first."""
    said = {"catalogue": _catalogue(one), "optimiser": _optimiser(one)}
    winner = one["method"]
    (other,) = said.keys() - {winner}
    return f"{winner} {said[winner]}; {other} {said[other]}."


def _catalogue(one: dict[str, Any]) -> str:
    found = one["catalogue"]
    if found["coherence"] is None:
        return f"without an answer ({found['reason'].rstrip('.')})"
    return (
        f"{found['angle_words']}° (coherence {found['coherence_exact']}: "
        f"{readable(found['words'])})"
    )


def _optimiser(one: dict[str, Any]) -> str:
    found = one["optimiser"]
    if found["coherence"] is None:
        return f"not run ({found['reason']})"
    rounds = _counted(found["rounds"], "round")
    ending = "" if found["polished"] else ", not polished to the end"
    return (
        f"{found['angle_words']}° (coherence {found['coherence_words']}, {rounds}, "
        f"{_counted(found['starts'], 'start')}, {found['seconds']:.1f} s{ending})"
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _sides(one: dict[str, Any]) -> list[str]:
    certificate, random = one["certificate"], one["random"]["coherence"]
    by_theorem = certificate["level"] == "by theorem"
    pairs = "" if by_theorem else f", {_counted(certificate['pairs_checked'], 'pair')}"
    lines = [
        f"Best known here: {_race(one)}",
        _proved(one),
        f"Certificate: {certificate['level']}{pairs}, {certificate['seconds']:.1f} s "
        f"({readable(certificate['detail'].rstrip('.'))}).",
        _contacts(one),
    ]
    if random["count"] is not None:
        lines.append(f"Random directions: {random_words(random)}.")
    return lines


def _proved(one: dict[str, Any]) -> str:
    by = one["bound_by"]
    if one["bound"] == 0:
        return f"Proved: nothing, since {by['statement']}."
    return (
        f"Proved: coherence at least {one['bound_words']}, gap {one['gap']:.2g}. "
        f"By {by['method']}: {by['statement']} ({by['reference']})."
    )


def _contacts(one: dict[str, Any]) -> str:
    found = one["contacts"]
    if found["pairs"] is None:
        return f"Contacts: not counted ({found['reason']})."
    if one["count"] == 1:
        return "Contacts: none, there is one line."
    if one["coherence"] == 0:
        return "Contacts: none, the lines are orthogonal."
    pairs = f"{found['pairs']:,} of {_counted(found['of'], 'pair')}"
    if found["rattlers"] is None:
        within = "is" if found["pairs"] == 1 else "are"
        return (
            f"Closest pairs: {pairs} {within} within {found['tolerance']:g} of the largest |cos| "
            f"(the lines are {found['reason']})."
        )
    rattlers = _counted(found["rattlers"], "rattler") if found["rattlers"] else "no rattlers"
    attain = "attains" if found["pairs"] == 1 else "attain"
    return f"Contacts: {pairs} {attain} the coherence to {found['tolerance']:g}, {rattlers}."


def overview(answers: list[dict[str, Any]]) -> Table:
    """The answers of several dimensions side by side."""
    return Table(
        ("d", "lines", "degrees", "coherence", "at least", "gap", "won by", "certificate"),
        tuple(
            (
                one["dim"],
                one["count"],
                one["angle_degrees"],
                one["coherence"],
                one["bound"],
                one["gap"],
                one["method"],
                one["certificate"]["level"],
            )
            for one in answers
        ),
        "The answers",
        "The better one of catalogue and optimiser in each dimension, and the bound.",
    )


def other_counts(
    dim: int, curve: NDArray[np.float64]
) -> list[tuple[str | int | float | None, ...]]:
    """The curve over the number of lines as rows of a table."""
    return [
        (
            dim,
            int(lines),
            None if math.isnan(known) else float(known),
            None if math.isnan(known) else _degrees(known),
            float(bound),
            _degrees(bound),
        )
        for lines, known, bound in curve
    ]


def _degrees(cosine: float) -> float:
    return math.degrees(math.acos(min(1.0, cosine)))
