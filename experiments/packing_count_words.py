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

__all__ = ["answer", "cosine_words", "other_counts", "overview", "summary"]


def answer(_config: object, result: Result) -> str:
    """The angle in one sentence, with what is proved of it."""
    return " ".join(_sentence(one) for one in answers_of(result))


def _sentence(one: dict[str, Any]) -> str:
    if one["count"] == 1:
        return f"In {one['dim']:,} dimensions, a line has no other to be close to (coherence 0)."
    lines = f"{large(one['count'])} lines"
    if one["coherence"] == 0:
        return f"In {one['dim']:,} dimensions, {lines} can be orthogonal (coherence 0)."
    angle, most = (f"{one[key]:.6f}°" for key in ("angle_degrees", "bound_angle_degrees"))
    known = f"In {one['dim']:,} dimensions, {lines} can be {angle} apart"
    coherence = f"coherence {cosine_words(one['coherence'])}"
    if one["optimal"]:
        return f"{known} ({coherence}), and no {lines} are farther apart."
    if angle == most:
        return f"{known} ({coherence}), the best possible to six decimals."
    return f"{known} ({coherence}); no {lines} are more than {most} apart."


def cosine_words(value: float) -> str:
    """A |cos| to ten digits, or to as many as tell it from 1."""
    for digits in range(10, 17):
        words = f"{value:.{digits}f}"
        if float(words) < 1:
            break
    return words


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
        f"{found['angle_degrees']:.6f}° (coherence {found['coherence_exact']}: "
        f"{readable(found['words'])})"
    )


def _optimiser(one: dict[str, Any]) -> str:
    found = one["optimiser"]
    if found["coherence"] is None:
        return f"not run ({found['reason']})"
    rounds = _counted(found["rounds"], "round")
    ending = "" if found["polished"] else ", not polished to the end"
    return (
        f"{found['angle_degrees']:.6f}° (coherence {cosine_words(found['coherence'])}, {rounds}, "
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
        f"Proved: coherence at least {cosine_words(one['bound'])}, gap {one['gap']:.2g}. "
        f"By {by['method']}: {by['statement']} ({by['reference']})."
    )


def _contacts(one: dict[str, Any]) -> str:
    found = one["contacts"]
    if found["pairs"] is None:
        return f"Contacts: not counted ({found['reason']})."
    if one["coherence"] == 0:
        return "Contacts: none, the lines are orthogonal."
    rattlers = _counted(found["rattlers"], "rattler") if found["rattlers"] else "no rattlers"
    attain = "attains" if found["pairs"] == 1 else "attain"
    return (
        f"Contacts: {found['pairs']:,} of {_counted(found['of'], 'pair')} {attain} the coherence, "
        f"{rattlers}."
    )


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
