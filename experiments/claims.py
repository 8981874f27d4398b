"""The claims that the suite examines, and the rule from named checks to each verdict.

A rule looks its checks up by name. A check states what the *mathematics* is expected to give, so
a claim that is true under one reading only has checks that all pass, and the verdict "refined".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments.harness.checks import Check, Claim, ClaimVerdict, Number, Verdict

__all__ = ["CLAIMS", "Statement", "verdicts", "verdicts_of"]


@dataclass(frozen=True)
class Statement:
    """A claim in our own words, and how it is decided.

    `parts` has the names of the checks that bear on it, by the experiment that makes them. When
    all pass, the verdict is `when_met`, and `reading` says under which reading. While the checks
    of a part are missing, a claim that holds as far as it was examined stays inconclusive.  A FAIL
    refutes a claim if it is to be supported; if it is to be refined, only where the check is named
    in `core`, which holds under any reading.  What is out of reach stays so, with the numbers of
    its checks beside the reason.
    """

    text: str
    parts: Mapping[str, tuple[str, ...]]
    when_met: ClaimVerdict = ClaimVerdict.SUPPORTED
    reading: str = ""
    core: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of all its checks."""
        return tuple(need for needs in self.parts.values() for need in needs)


CLAIMS: Mapping[str, Statement] = {
    "C1": Statement(
        "In d dimensions d features can be exactly orthogonal: 500 in 500 dimensions.",
        {
            "packing": (
                "C1: lines at eps = 0, d = 500, lower",
                "C1: lines at eps = 0, d = 500, upper",
            )
        },
    ),
    "C2": Statement(
        "Thousands of 99% orthogonal directions fit in 500 dimensions.",
        {
            "packing": (
                "C2: |cos| <= 0.01, upper",
                "C2: angle within 1% of 90°, upper",
                "C2: cos² <= 0.01, lower",
            )
        },
        ClaimVerdict.REFINED,
        "false for |cos| <= 0.01 and for angles within 1% of 90°, true for cos² <= 0.01",
        core=("C2: cos² <= 0.01, lower",),
    ),
    "C3": Statement(
        "At 95% orthogonality the number of directions grows exponentially with the dimension.",
        {
            "packing": (
                "C3: upper bound at d = 200, |cos| <= 0.05",
                "C3: proved growth rate at |cos| <= 0.05",
            )
        },
        ClaimVerdict.REFINED,
        "true in the limit, at a rate of at least eps²/2 a dimension; below 2d up to "
        "d = 1/(2 eps²) = 200",
        core=("C3: proved growth rate at |cos| <= 0.05",),
    ),
    "C4": Statement(
        "Three dimensions hold only three perpendicular directions, and intuition from them fails.",
        {
            "packing": (
                "C4: lines at eps = 0, d = 3",
                "C4: |cos| <= 0.05, d = 3, upper",
                "C4: |cos| <= 0.05, d = 500, lower",
            )
        },
    ),
    "C5": Statement(
        "A concept is spread over many neurons; a neuron serves many concepts.",
        parts={
            "interference": (
                "C5: neurons that a feature is spread over",
                "C5: features that a neuron serves",
            ),
            "superposition": (
                "C5: trained: neurons that a feature is spread over, over those of random "
                "directions",
                "C5: trained: features that a neuron serves, over those of random directions",
            ),
        },
    ),
    "C6": Statement(
        "Shared directions interfere, and networks bear it because compression pays.",
        when_met=ClaimVerdict.REFINED,
        reading="true where features are sparse; where all are on compression saves nothing, or "
        "next to nothing",
        core=(
            "C6: interference at features that are off",
            "C6: loss over the least without superposition, five features at their sparsest",
            "C6: loss over the least without superposition, large model at its sparsest",
        ),
        parts={
            "interference": (
                "C6: interference at features that are off",
                "C6: features read wrong at the best threshold",
            ),
            "superposition": (
                "C6: loss over the least without superposition, five features at their sparsest",
                "C6: loss over the least without superposition, large model at its sparsest",
                "C6: least loss of a seed over the least without superposition, p = 1",
            ),
        },
    ),
    "C7": Statement(
        "Features are dedicated, shared or ignored in the order of their importance.",
        {
            "capacity": (
                "C7: dedicated features at F = 6",
                "C7: shared features at F = 6",
                "C7: ignored features at F = 6",
                "C7: shared features at F = 2",
                "C7: dedicated features at F = 180",
                "C7: pairs of features out of the order of importance",
                "C7: ReLU model: rank correlation of capacity with importance",
                "C7: ReLU model: pairs of features out of the order of importance",
                "C7: ReLU model: probabilities at which the best seed has all three classes",
            )
        },
        ClaimVerdict.REFINED,
        "the order holds in the best of the seeds, in a quadratic and in a ReLU model, while "
        "single trainings may end in minima out of order; and the three classes meet only where "
        "features are neither dense nor very sparse, as at a kurtosis of 6: at 2 none share, and "
        "those that get no dimension are ignored; at 180 none has one to itself",
        core=(
            "C7: pairs of features out of the order of importance",
            "C7: ReLU model: pairs of features out of the order of importance",
        ),
    ),
    "C8": Statement(
        "More dimensions bring less interference, so more interpretable features.",
        when_met=ClaimVerdict.REFINED,
        reading="true for a fixed number k of active features, as 1/√d; at a fixed share k/d "
        "interference stays as it is, and what grows, slower than d, is the number of features "
        "read at once. In trained models that represent all features squared overlaps fall as "
        "1/m, and the loss about so; where only m are represented, more dimensions bring more "
        "features instead of less interference",
        parts={
            "dimensions": (
                "C8: interference over d at fixed k, exponent",
                "C8: interference over d at fixed k/d, exponent",
                "C8: largest k read without error over d, exponent",
            ),
            "scaling": (
                "C8: mean squared overlap over width, strong superposition, exponent",
                "C8: loss over width, strong superposition, exponent",
            ),
        },
        core=("C8: interference over d at fixed k, exponent",),
    ),
    "C9": Statement(
        "Random initialisation makes features share neurons although there is room.",
        {
            "incidental": (
                "C9: shared neurons with the most room",
                "C9: shared neurons from a start with a margin",
            )
        },
    ),
    "C10": Statement(
        "Training strengthens accidental sharing instead of undoing it.",
        {
            "incidental": (
                "C10: planted pair of opposite signs still shares its neuron",
                "C10: planted pair of equal signs still shares its neuron",
                "C10: natural collisions of opposite signs still share their neuron",
                "C10: natural collisions of equal signs still share their neuron",
            )
        },
        ClaimVerdict.REFINED,
        "features of opposite signs, whose collision the ReLU hides, mostly stay together, and "
        "always where their weights stand out; those of equal signs disturb each other, and "
        "training parts them. So training keeps some of the sharing, and adds none",
        core=("C10: natural collisions of opposite signs still share their neuron",),
    ),
    "C11": Statement(
        "Regularisation and neural noise help accidental sharing along.",
        {
            "incidental": (
                "C11: axis alignment without a penalty",
                "C11: axis alignment with a penalty",
                "C11: axis alignment under bipolar noise, no penalty",
                "C11: shared neurons under bipolar noise",
                "C11: axis alignment under Laplace noise, no penalty",
            )
        },
        ClaimVerdict.REFINED,
        "true in that an l1 penalty, or noise of negative excess kurtosis, is what puts features "
        "on neurons, where they can meet; without either they lie in random directions. Not true "
        "of how many meet: without a penalty, light-tailed noise leaves fewer neurons shared than "
        "chance at the start would give, and heavy-tailed noise keeps features off the neurons",
        core=(
            "C11: axis alignment with a penalty",
            "C11: axis alignment under bipolar noise, no penalty",
        ),
    ),
    "C12": Statement(
        "Capacity, noise and initialisation are three distinct causes of sharing.",
        {
            "causes": (
                "C12: capacity: shared neurons at m = n/2, margin start, penalty alone",
                "C12: capacity: shared neurons at m = 3n/4, margin start, penalty alone",
                "C12: start: random less margin at m = n, penalty alone",
                "C12: noise of excess kurtosis +3: shared neurons with less without, m = n",
                "C12: noise of excess kurtosis -2: shared neurons with less without, m = n",
            )
        },
        ClaimVerdict.REFINED,
        "each acts with the others switched off, but they interact, so that their shares do not "
        "sum to the whole; and under a penalty noise adds sharing where its tails are heavy, and "
        "removes some where they are light and neurons scarce. In this family of models: real "
        "networks were not examined",
        core=(
            "C12: capacity: shared neurons at m = n/2, margin start, penalty alone",
            "C12: start: random less margin at m = n, penalty alone",
            "C12: noise of excess kurtosis +3: shared neurons with less without, m = n",
        ),
    ),
    "C13": Statement(
        "With neurons enough, only the training dynamics keep features mixed.",
        {
            "causes": (
                "C13: shared neurons at m = 4n, margin start, penalty alone",
                "C13: shared neurons at m = 4n, random start, penalty alone",
                "C13: features a neuron serves at m = 4n with every cause off",
            )
        },
        ClaimVerdict.REFINED,
        "true of features that lie on neurons: with room, no noise and a start that keeps them "
        "apart they separate. But it takes something that prefers neurons, a penalty or noise of "
        "light tails; without it every neuron stays a mixture, however many there are",
        core=("C13: shared neurons at m = 4n, margin start, penalty alone",),
    ),
    "C14": Statement(
        "Single neurons cannot be interpreted; directions can.",
        parts={
            "steering": ("C14: selectivity of the direction over that of the best neuron",),
            "sae": (
                "C14: share of neurons that read one feature",
                "C14: share of latents that read one feature",
            ),
        },
    ),
    "C15": Statement(
        "Sparse autoencoders reverse superposition and recover the features.",
        {
            "sae": (
                "C15: recovery, best architecture",
                "C15: recovery, second architecture",
                "C15: explained variance, ReLU at the weakest penalty",
                "C15: recovery, ReLU at the weakest penalty",
                "C15: parents whose latent falls silent for a child's, TopK",
            )
        },
        ClaimVerdict.REFINED,
        "true of features that come without regard to each other, a latent for each, given samples "
        "enough and pressure to be sparse. Without that pressure nearly all of the variance is "
        "explained and no feature recovered; and of a feature that is on only with another one "
        "latent is made of both",
        core=("C15: recovery, best architecture",),
    ),
    "C16": Statement(
        "Scaling one recovered feature tenfold steers the model along it.",
        {
            "steering": (
                "C16: reading of the target at s = 10",
                "C16: reading of the target over ten times its activation, "
                "its latent scaled tenfold",
                "C16: targets that a latent recovers",
                "C16: selectivity of the picked direction over that of the true one, every target",
                "C16: other features switched on at s = 10",
                "C16: other features switched on, a recovered latent scaled tenfold",
                "spurious share at s = 10, d = 64",
                "spurious share at s = 10, d = 4096",
            )
        },
        ClaimVerdict.REFINED,
        "the target follows a recovered latent about as it follows its true direction, but not "
        "alone: the step moves every feature whose direction overlaps, and switches on those that "
        "it moves past the threshold, a share that more dimensions make small",
        core=(
            "C16: reading of the target at s = 10",
            "C16: reading of the target over ten times its activation, its latent scaled tenfold",
            "C16: targets that a latent recovers",
            "C16: selectivity of the picked direction over that of the true one, every target",
        ),
    ),
    "C17": Statement(
        "Current methods succeed on about a quarter of the cases tried.",
        {"sae": ("C15: recovery, best architecture",)},
        ClaimVerdict.OUT_OF_REACH,
        "the quarter is of prompts for which attribution graphs of one production model gave an "
        "explanation that its authors found satisfying (Lindsey et al. 2025), and no toy "
        "reproduces that; beside it the suite's own recovery, of features whose truth is known",
    ),
    "C18": Statement(
        "Superposition can be avoided in training or undone later, at a price.",
        {
            "intrinsic": (
                "C18: monosemantic share, biases starting at -1 less at 0",
                "C18: loss, biases starting at -1 over at 0",
                "C18: monosemantic share, strongest penalty less none",
                "C18: loss, strongest penalty over none",
                "C18: monosemantic share, autoencoder's latents less the layer's units",
                "C18: features that the autoencoder recovers",
            )
        },
        ClaimVerdict.REFINED,
        "biases that start low let more units keep to one feature at nearly the same loss, a head "
        "start that longer training narrows or evens out. The strongest penalty makes more units "
        "of a layer of the same width monosemantic, and the loss pays for it; an autoencoder finds "
        "the features afterwards, with latents of its own for them",
        core=(
            "C18: monosemantic share, biases starting at -1 less at 0",
            "C18: monosemantic share, strongest penalty less none",
            "C18: features that the autoencoder recovers",
        ),
    ),
}


def verdicts(ids: Iterable[str], checks: Iterable[Check]) -> list[Claim]:
    """The verdicts on the claims `ids` that the `checks` lead to."""
    named = {check.name: check for check in checks}
    return [_verdict(name, CLAIMS[name], named) for name in ids]


def verdicts_of(experiment: str, checks: Iterable[Check]) -> list[Claim]:
    """The verdicts on the claims that an experiment examines, as far as it alone decides."""
    return verdicts((name for name, claim in CLAIMS.items() if experiment in claim.parts), checks)


def _verdict(name: str, statement: Statement, named: Mapping[str, Check]) -> Claim:
    parts = statement.parts
    run = {part: needs for part, needs in parts.items() if any(need in named for need in needs)}
    missing = [need for needs in run.values() for need in needs if need not in named]
    if missing or not run:
        lacking = f"no check named {(missing or statement.needs)[0]}"
        return Claim(name, statement.text, ClaimVerdict.NOT_RUN, lacking)
    checks = [named[need] for needs in run.values() for need in needs]
    unseen = "; ".join(f"python -m experiments.{part}" for part in parts if part not in run)
    numbers = "; ".join(
        f"{check.name}: {_number(check.estimate)} ({check.verdict})" for check in checks
    )
    if statement.when_met is ClaimVerdict.OUT_OF_REACH:
        evidence = f"{statement.reading}. {numbers}"
        return Claim(name, statement.text, ClaimVerdict.OUT_OF_REACH, evidence)
    if all(check.verdict is Verdict.PASS for check in checks):
        if unseen:
            evidence = (
                f"it holds as far as this experiment examines it ({numbers}); the scorecard joins "
                f"that with {unseen}"
            )
            return Claim(name, statement.text, ClaimVerdict.INCONCLUSIVE, evidence)
        reading = f"{statement.reading}. " if statement.reading else ""
        return Claim(name, statement.text, statement.when_met, reading + numbers)
    plain = statement.when_met is ClaimVerdict.SUPPORTED
    decisive = [check for check in checks if plain or check.name in statement.core]
    if any(check.verdict is Verdict.FAIL for check in decisive):
        return Claim(name, statement.text, ClaimVerdict.REFUTED, numbers)
    return Claim(name, statement.text, ClaimVerdict.INCONCLUSIVE, numbers)


def _number(value: Number | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
