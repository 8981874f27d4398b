"""The answer of the packing experiment in words: one sentence, and how each side is known."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from experiments.harness.experiment import Result
from experiments.packing_question import answers_of

__all__ = ["answer", "large", "readable", "summary"]


def answer(_config: object, result: Result) -> str:
    """The bracket in one sentence."""
    answers = answers_of(result)
    limit = f"with every |cos| at most {_eps_words(answers[0])}"
    if len(answers) == 1:
        one = answers[0]
        return f"In {one['dim']:,} dimensions, {_between(one)} directions fit {limit}."
    fits = "; ".join(f"{_between(one)} in {one['dim']:,} dimensions" for one in answers)
    return f"Directions that fit {limit}: {fits}."


def _between(one: dict[str, Any]) -> str:
    low, high = one["lower"]["count"], one["upper"]["count"]
    return f"exactly {low:,}" if low == high else f"between {large(low)} and {large(high, up=True)}"


def _eps_words(one: dict[str, Any]) -> str:
    """eps as a decimal where that is exact, else in its exact form with the decimal beside it."""
    for digits in range(6, 18):
        decimal = f"{one['eps']:.{digits}g}"
        if float(decimal) < 1:
            break
    try:
        exactly = Fraction(one["eps_exact"])
    except ValueError:  # a root or an angle
        return f"{one['eps_exact']} ({decimal})"
    plain = next((text for text in (decimal, repr(one["eps"])) if Fraction(text) == exactly), None)
    return plain or f"{one['eps_exact']} ({decimal})"


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{large(count)} pairs"


def large(count: int, *, up: bool = False) -> str:
    """A count in full up to 15 digits, then in powers of ten, cut to four digits.

    What is cut makes a lower bound smaller; an upper bound is rounded `up`.
    """
    if count < 10**15:
        return f"{count:,}"
    power = len(str(count)) - 4
    digits, rest = divmod(count, 10**power)
    digits += up and rest > 0
    if digits == 10**4:
        digits, power = 10**3, power + 1
    return f"{digits // 1000}.{digits % 1000:03}e{power + 3}"


def readable(words: str) -> str:
    """A recipe's words with separators in its long counts; those of fields stay as they are.

    The first 1 of some lines is the first of them.
    """

    def shown(match: re.Match[str]) -> str:
        return large(int(match[0]))

    words = re.sub(r"\bthe first 1 of: ", "the first of ", words)
    return re.sub(r"(?<![\w.,^/(√])\d{5,}(?= )", shown, words)


def summary(_config: object, result: Result) -> list[str]:
    """How each side of the bracket is known, and what random directions do."""
    answers = answers_of(result)
    if len(answers) == 1:
        return _sides(answers[0])
    return [
        f"d = {one['dim']:,}: {one['lower']['words']} ({one['lower']['certificate']['level']}); "
        f"{one['upper']['method']}."
        for one in answers
    ]


def _sides(one: dict[str, Any]) -> list[str]:
    lower, upper, random = one["lower"], one["upper"], one["random"]
    certificate, exists = lower["certificate"], one["existence"]["count"]
    # A theorem needs no pairs; what was compared beside it is in the detail.
    by_theorem = certificate["level"] == "by theorem"
    pairs = "" if by_theorem else f", {_pairs(certificate['pairs_checked'])}"
    lines = [
        f"At least {large(lower['count'])}: {readable(lower['words'])}. "
        f"Coherence {lower['coherence_exact']}.",
        f"Certificate: {certificate['level']}{pairs}, {certificate['seconds']:.1f} s "
        f"({readable(certificate['detail'].rstrip('.'))}).",
        f"At most {large(upper['count'], up=True)}: {upper['statement']} ({upper['reference']}).",
        f"Random directions: {'; '.join(random['words'])}.",
    ]
    if exists > lower["count"]:
        lines.insert(2, f"At least {large(exists)} exist by a covering argument, none explicit.")
    if random["greedy"]["mean"] > lower["count"]:
        lines.append("Here a greedy random choice holds more lines than the explicit packing.")
    return lines
