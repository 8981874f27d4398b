"""How each claim is shown on the scorecard: the number that stands for it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SHOWN", "Shown"]


@dataclass(frozen=True)
class Shown:
    """The name of the check whose number stands for the claim, and what that number is."""

    check: str
    measures: str


SHOWN: Mapping[str, Shown] = {
    "C1": Shown(
        "C1: lines at eps = 0, d = 500, lower",
        "exactly orthogonal directions in 500 dimensions, and no more than these",
    ),
    "C2": Shown(
        "C2: |cos| <= 0.01, upper",
        "directions at most in 500 dimensions with every |cos| ≤ 0.01",
    ),
    "C3": Shown(
        "C3: proved growth rate at |cos| <= 0.05",
        "proved growth in nats a dimension, every |cos| ≤ 0.05",
    ),
    "C4": Shown(
        "C4: |cos| <= 0.05, d = 500, lower",
        "directions at least in 500 dimensions with every |cos| ≤ 0.05; in three dimensions 3",
    ),
    "C5": Shown(
        "C5: neurons that a feature is spread over",
        "neurons that a feature in a random direction is spread over",
    ),
    "C6": Shown(
        "C6: loss over the least without superposition, five features at their sparsest",
        "loss of a trained model over the least that it could have without superposition, "
        "five sparse features in a plane",
    ),
    "C7": Shown(
        "C7: ReLU model: rank correlation of capacity with importance",
        "rank correlation of capacity with importance in a ReLU model",
    ),
    "C8": Shown(
        "C8: interference over d at fixed k, exponent",
        "exponent of interference over the dimension, for a fixed number of active features",
    ),
    "C9": Shown(
        "C9: shared neurons with the most room",
        "neurons shared after training where there is the most room",
    ),
    "C10": Shown(
        "C10: planted pair of opposite signs still shares its neuron",
        "share of planted pairs of opposite signs that still share their neuron",
    ),
    "C11": Shown(
        "C11: axis alignment with a penalty",
        "alignment of features with single neurons under an l1 penalty",
    ),
    "C12": Shown(
        "C12: start: random less margin at m = n, penalty alone",
        "neurons shared because of the random start alone, with as many neurons as features",
    ),
    "C13": Shown(
        "C13: shared neurons at m = 4n, margin start, penalty alone",
        "neurons still shared with four for each feature and a start that keeps features apart",
    ),
    "C14": Shown(
        "C14: selectivity of the direction over that of the best neuron",
        "times as selective: a feature's own direction, against its best neuron",
    ),
    "C15": Shown(
        "C15: recovery, best architecture",
        "share of the true features that the best autoencoder recovers",
    ),
    "C16": Shown(
        "C16: reading of the target over ten times its activation, its latent scaled tenfold",
        "of ten times its activation is read of the target when its latent is scaled tenfold",
    ),
    "C17": Shown(
        "C15: recovery, best architecture",
        "share of features recovered by the suite's best autoencoder, where the truth is known",
    ),
    "C18": Shown(
        "C18: loss, strongest penalty over none",
        "times the loss: the strongest penalty against superposition, over none",
    ),
}
