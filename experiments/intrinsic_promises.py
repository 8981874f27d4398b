"""What the intrinsic experiment promises, measured; `experiments.validate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from experiments import quick_runs, whole_commands
from experiments.promise import Promise

__all__ = ["promises"]

_SUBJECT = "Less superposition from the start"
_SECONDS = 60.0
# Where these stand in a check's name, it has to pass; other verdicts are findings.
_REQUIRED = ("C18:",)


def promises() -> Iterator[Promise]:
    """Every promise about less superposition, in training and afterwards."""
    yield Promise(
        _SUBJECT,
        f"intrinsic, quick: under {_SECONDS:.0f} s; at N = 64, d = 16, 128 units, 3,000 steps, "
        "biases that start at -1 raise the monosemantic share, an autoencoder recovers features",
        partial(quick_runs.quick, ("intrinsic",), _SECONDS, _REQUIRED),
        45,
    )
    yield Promise(
        _SUBJECT,
        "a killed intrinsic run goes on to the same bits",
        partial(whole_commands.resumed, "intrinsic", 3),
        20,
    )
    yield Promise(
        _SUBJECT, "feature decoders do not depend on the ensemble's size", independent, 15
    )


def independent() -> tuple[bool, str]:
    """Members of ensembles of feature decoders."""
    from experiments.models import feature_decoder
    from experiments.models.feature_decoder import FeatureDecoderTask

    def given(count: int) -> Any:
        return feature_decoder.settings(
            count, probability=0.1, rate=0.01, start=-0.5, penalty=0.1, shrink=6.0
        )

    tasks = [
        FeatureDecoderTask(16, 8, 32, 1000, activation, batch=32)
        for activation in feature_decoder.ACTIVATIONS
    ]
    return whole_commands.independent([(task, given) for task in tasks], counts=(16, 5))
