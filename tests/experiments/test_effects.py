"""Effects in records, tables and sentences."""

from __future__ import annotations

import pytest

from experiments import effects
from experiments.intervals import mean_interval
from experiments.sentences import capital, first_of, listed


def test_an_effect_of_seeds() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = effects.estimate(values)
    assert found == {"mean": 3.0, "interval": list(mean_interval(values))}
    assert effects.cells(found) == (3.0, *mean_interval(values))
    assert effects.estimate([1.0]) == {"mean": 1.0, "interval": None}
    assert effects.cells(effects.estimate([1.0])) == (1.0, None, None)


@pytest.mark.parametrize(
    ("mean", "interval", "said"),
    [
        (0.5, [0.25, 0.75], "50% (25% to 75%)"),
        (0.9, [0.7, 1.1], "90% (70% to 100%)"),
        (0.1, [-0.1, 0.3], "10% (0% to 30%)"),
        # What was measured stands, wherever it lies.
        (1.2, [1.1, 1.3], "120% (110% to 120%)"),
        (0.5, None, "50%"),
        (None, None, "not measured"),
    ],
)
def test_an_effect_in_words(mean: float | None, interval: list[float] | None, said: str) -> None:
    effect = {"mean": mean, "interval": interval}
    assert effects.in_words(effect, ".0%", least=0, most=1) == said


def test_words_in_sentences() -> None:
    assert capital("all of N") == "All of N"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert first_of(["a", "b"]) == "a; b"
    assert first_of(list("abcdefg")) == "a; b; c; d and 3 more"
