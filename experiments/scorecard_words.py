"""How each claim is shown on the scorecard: the number that stands for it, and its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.scorecard_sketches import Bar, Bars, Curve, Line

__all__ = ["SHOWN", "Shown"]


@dataclass(frozen=True)
class Shown:
    """The name of the check whose number stands for the claim, and what that number is.

    The check is one that decides the claim, or another of the same runs that says more.
    Without a picture of its own a claim gets one of the checks' intervals in their bands.
    """

    check: str
    measures: str
    picture: Bars | Curve | None = None


def _counts(features: str, role: str) -> tuple[Line, Line]:
    rows = {"optimiser": "proximal", "n": features}
    return (
        Line("n²/4m", "theory", "chance at the start, n²/4m", where=rows),
        Line("shared neurons", role, f"n = {features}", "from", "to", where=rows, dots=True),
    )


SHOWN: Mapping[str, Shown] = {
    "C1": Shown(
        "C1: lines at eps = 0, d = 500, lower",
        "exactly orthogonal directions in 500 dimensions, and no more than these",
        Bars(
            "Exactly orthogonal directions in 500 dimensions",
            (
                Bar("C1: lines at eps = 0, d = 500, lower", "proved possible", "lower"),
                Bar("C1: lines at eps = 0, d = 500, upper", "proved to be the most", "upper"),
            ),
        ),
    ),
    "C2": Shown(
        "C2: |cos| <= 0.01, upper",
        "directions at most in 500 dimensions with every |cos| ≤ 0.01",
        Bars(
            "Directions in 500 dimensions under three readings, logarithmic",
            (
                Bar("C2: |cos| <= 0.01, upper", "|cos| ≤ 0.01: at most", "upper"),
                Bar("C2: angle within 1% of 90°, upper", "within 0.9° of 90°: at most", "upper"),
                Bar("C2: cos² <= 0.01, lower", "cos² ≤ 0.01: at least", "lower"),
            ),
            logarithmic=True,
            mark=2000,
            marked="thousands",
        ),
    ),
    "C3": Shown(
        "C3: proved growth rate at |cos| <= 0.05",
        "proved growth in nats a dimension, every |cos| ≤ 0.05",
        Curve(
            "Number of directions over the dimension, every |cos| ≤ 0.05",
            "atlas",
            "atlas",
            "d",
            (
                Line("d", "theory", "as many as dimensions", where={"eps": "0.05"}),
                Line("at least", "lower", "proved possible", where={"eps": "0.05"}),
                Line("at most", "upper", "proved to be the most", where={"eps": "0.05"}),
            ),
            logarithmic="xy",
            until=2048,
        ),
    ),
    "C4": Shown(
        "C4: |cos| <= 0.05, d = 500, lower",
        "directions at least in 500 dimensions with every |cos| ≤ 0.05; in three dimensions 3",
        Bars(
            "Directions, logarithmic",
            (
                Bar("C4: lines at eps = 0, d = 3", "3 dimensions, cos = 0: exactly", "lower"),
                Bar("C4: |cos| <= 0.05, d = 3, upper", "3, |cos| ≤ 0.05: at most", "upper"),
                Bar("C4: |cos| <= 0.05, d = 500, lower", "500, |cos| ≤ 0.05: at least", "lower"),
            ),
            logarithmic=True,
        ),
    ),
    "C5": Shown(
        "C5: trained: neurons that a feature is spread over, over those of random directions",
        "times as many neurons for a feature in trained models as for a random direction, which is "
        "spread over a third of all",
        Bars(
            "Participation ratios of random directions, logarithmic from one",
            (
                Bar("C5: neurons that a feature is spread over", "neurons of a feature"),
                Bar("C5: features that a neuron serves", "features of a neuron"),
            ),
            logarithmic=True,
        ),
    ),
    "C6": Shown(
        "C6: loss over the least without superposition, five features at their sparsest",
        "loss of a trained model over the least that it could have without superposition, "
        "five sparse features in a plane",
        Curve(
            "Loss, over the least without superposition, against the probability that a feature "
            "is on",
            "superposition",
            "sweeps",
            "probability",
            (
                Line(
                    "loss over the least without superposition",
                    "measured",
                    "5 features in 2 dimensions",
                    "from",
                    "to",
                    where={"model": "5 in 2"},
                    dots=True,
                ),
                Line(
                    "loss over the least without superposition",
                    "highlight",
                    "100 in 10",
                    "from",
                    "to",
                    where={"model": "100 in 10"},
                    dots=True,
                ),
            ),
            logarithmic="x",
        ),
    ),
    "C7": Shown(
        "C7: ReLU model: rank correlation of capacity with importance",
        "rank correlation of capacity with importance in a ReLU model",
        Curve(
            "Number of features of each class over the kurtosis of their values; dots are the "
            "best of the seeds, lines the optimum",
            "capacity",
            "map",
            "F",
            (
                Line("dedicated, theory", "lower"),
                Line("shared, theory", "highlight"),
                Line("ignored, theory", "random"),
                Line("dedicated", "lower", "dedicated", dots=True),
                Line("shared", "highlight", "shared", dots=True),
                Line("ignored", "random", "ignored", dots=True),
            ),
            logarithmic="x",
        ),
    ),
    "C8": Shown(
        "C8: interference over d at fixed k, exponent",
        "exponent of interference over the dimension, for a fixed number of active features",
        Curve(
            "Interference over the dimension; lines are the law √(k/d)",
            "dimensions",
            "dimensions",
            "d",
            (
                Line("theory", "theory"),
                Line("its theory", "theory"),
                Line("rms", "measured", "k active features", dots=True),
                Line("rms at that share", "highlight", "a share k/d of them", dots=True),
            ),
            logarithmic="xy",
        ),
    ),
    "C9": Shown(
        "all shared neurons over those of n²/4m, proximal",
        "of the shared neurons that chance at the start would give, n²/4m, are there after "
        "training, with room for every feature",
        Curve(
            "Shared neurons over the number m of neurons, for n features",
            "incidental",
            "counts",
            "m",
            (*_counts("16", "measured"), *_counts("32", "reference"), *_counts("64", "highlight")),
            logarithmic="xy",
        ),
    ),
    "C10": Shown(
        "C10: natural collisions of opposite signs still share their neuron",
        "of collisions at the start between weights of opposite signs are left after training, and "
        "none of those of equal signs",
        Bars(
            "Share of collisions that training leaves",
            (
                Bar(
                    "C10: planted pair of opposite signs still shares its neuron",
                    "planted, opposite signs",
                ),
                Bar(
                    "C10: natural collisions of opposite signs still share their neuron",
                    "natural, opposite signs",
                ),
                Bar(
                    "C10: planted pair of equal signs still shares its neuron",
                    "planted, equal signs",
                    "highlight",
                ),
                Bar(
                    "C10: natural collisions of equal signs still share their neuron",
                    "natural, equal signs",
                    "highlight",
                ),
            ),
        ),
    ),
    "C11": Shown(
        "C11: axis alignment with a penalty",
        "alignment of features with single neurons under an l1 penalty, of at most 1",
        Bars(
            "Alignment of features with single neurons, of at most 1",
            (
                Bar("C11: axis alignment with a penalty", "l1 penalty"),
                Bar("C11: axis alignment under bipolar noise, no penalty", "light-tailed noise"),
                Bar(
                    "C11: axis alignment under Laplace noise, no penalty",
                    "heavy-tailed noise",
                    "highlight",
                ),
                Bar("C11: axis alignment without a penalty", "neither", "random"),
            ),
        ),
    ),
    "C12": Shown(
        "C12: start: random less margin at m = n, penalty alone",
        "neurons shared because of the random start alone, with as many neurons as features",
        Bars(
            "Shared neurons that each cause adds, the others switched off",
            (
                Bar(
                    "C12: capacity: shared neurons at m = n/2, margin start, penalty alone",
                    "capacity, half as many neurons",
                ),
                Bar(
                    "C12: capacity: shared neurons at m = 3n/4, margin start, penalty alone",
                    "capacity, three quarters",
                ),
                Bar("C12: start: random less margin at m = n, penalty alone", "random start"),
                Bar(
                    "C12: noise of excess kurtosis +3: shared neurons with less without, m = n",
                    "heavy-tailed noise",
                ),
                Bar(
                    "C12: noise of excess kurtosis -2: shared neurons with less without, m = n",
                    "light-tailed noise",
                ),
            ),
        ),
    ),
    "C13": Shown(
        "C13: shared neurons at m = 4n, margin start, penalty alone",
        "neurons still shared with four for each feature and a start that keeps features apart",
        Bars(
            "Four neurons for each feature: neurons shared, under a penalty; features of a neuron, "
            "with no cause at work",
            (
                Bar(
                    "C13: shared neurons at m = 4n, margin start, penalty alone",
                    "shared, start that keeps apart",
                ),
                Bar(
                    "C13: shared neurons at m = 4n, random start, penalty alone",
                    "shared, random start",
                ),
                Bar(
                    "C13: features a neuron serves at m = 4n with every cause off",
                    "features of a neuron, no cause",
                    "random",
                ),
            ),
        ),
    ),
    "C14": Shown(
        "C14: share of latents that read one feature",
        "of an autoencoder's latents read one feature alone, of the neurons none",
        Bars(
            "Share that reads one feature",
            (
                Bar("C14: share of neurons that read one feature", "of neurons", "random"),
                Bar("C14: share of latents that read one feature", "of an autoencoder's latents"),
            ),
        ),
    ),
    "C15": Shown(
        "C15: recovery, best architecture",
        "of the true features are recovered by the best autoencoder of six",
        Bars(
            "Shares of features, and of variance",
            (
                Bar("C15: recovery, best architecture", "recovered, best autoencoder"),
                Bar("C15: recovery, second architecture", "recovered, second best"),
                Bar(
                    "C15: explained variance, ReLU at the weakest penalty",
                    "weakest penalty: variance explained",
                    "reference",
                ),
                Bar(
                    "C15: recovery, ReLU at the weakest penalty",
                    "weakest penalty: recovered",
                    "highlight",
                ),
                Bar(
                    "C15: parents whose latent falls silent for a child's, TopK",
                    "parents whose latent falls silent",
                    "highlight",
                ),
            ),
        ),
    ),
    "C16": Shown(
        "C16: reading of the target over ten times its activation, its latent scaled tenfold",
        "of ten times its activation is read of the target when its latent is scaled tenfold",
        Bars(
            "What a tenfold step brings, and what it costs",
            (
                Bar(
                    "C16: reading of the target over ten times its activation, "
                    "its latent scaled tenfold",
                    "target's reading, of tenfold",
                ),
                Bar("C16: targets that a latent recovers", "targets that a latent recovers"),
                Bar(
                    "spurious share at s = 10, d = 64",
                    "others switched on, d = 64",
                    "highlight",
                ),
                Bar(
                    "spurious share at s = 10, d = 4096",
                    "others switched on, d = 4096",
                    "highlight",
                ),
            ),
        ),
    ),
    "C17": Shown(
        "C15: recovery, best architecture",
        "of features recovered by the suite's best autoencoder, where the truth is known",
        Bars(
            "The suite's own share of recovered features, which is not the account's",
            (Bar("C15: recovery, best architecture", "recovered, best autoencoder"),),
            mark=0.25,
            marked="the account's quarter",
        ),
    ),
    "C18": Shown(
        "C18: loss, strongest penalty over none",
        "times the loss: the strongest penalty against superposition, over none",
        Curve(
            "Share of units that keep to one feature, against the loss over that of a plain layer",
            "intrinsic",
            "layers",
            "loss over that of the matched layer",
            (
                Line(
                    "share of the living",
                    "measured",
                    "stronger penalties",
                    "share of the living, from",
                    "share of the living, to",
                    where={"what": "the l1 penalty"},
                    dots=True,
                ),
                Line(
                    "share of the living",
                    "highlight",
                    "lower biases at the start",
                    "share of the living, from",
                    "share of the living, to",
                    where={"what": "the start of the biases"},
                    dots=True,
                ),
            ),
        ),
    ),
}
