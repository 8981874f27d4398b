"""How does the loss fall with the width of a layer that holds more features than dimensions?

    python -m experiments.scaling

Liu, Liu and Gore (2025) restore n rarely active features through m < n numbers.  When decay leaves
only the most frequent m features, the loss is what the others would have added: weak superposition.
When rows are drawn to unit length, all features are there, disturb each other by squared overlaps
of 1/m, and the loss falls as 1/m whatever the frequencies: strong superposition.  Both are trained
here at every width and held against these laws.  40 s on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments import scaling_arms, scaling_checks, scaling_figures, scaling_fits
from experiments.claims import verdicts_of
from experiments.command import main
from experiments.effects import in_words
from experiments.harness.checks import Check, Claim
from experiments.harness.experiment import Experiment, Result
from experiments.scaling_config import Config, validate

if TYPE_CHECKING:
    from experiments.harness.progress import Progress

__all__ = ["EXPERIMENT", "Config"]


def measure(config: Config, progress: Progress) -> Result:
    """Train every width and arm; fit."""
    from geometry import interference

    rows = scaling_arms.train_all(config, progress)
    for row in rows:
        row["welch"] = interference.welch_mean_square(config.features, row["width"])
    data: dict[str, Any] = {
        "features": config.features,
        "alpha": config.alpha,
        "expected": config.expected,
        "steps": config.steps,
        "seeds": config.seeds,
        "ranks": scaling_arms.ranks(config.features).tolist(),
        "rows": rows,
        "fits": scaling_fits.fits(rows, scaling_arms.travel(config)),
    }
    return Result(data, {}, scaling_checks.tables(data))


def checks(_config: Config, result: Result) -> list[Check]:
    """Exponents, overlaps and the unlearned tail."""
    return scaling_checks.checks(result.data)


def claims(found: list[Check]) -> list[Claim]:
    """C8, as far as trained models go."""
    return verdicts_of("scaling", found)


def _of(effect: Any) -> str:
    return in_words(effect, ".2f")


def answer(_config: Config, result: Result) -> str:
    """The exponent, and what makes it."""
    data: Any = result.data
    found = data["fits"]
    first, last = found["widths"][0], found["widths"][-1]
    open_ = "" if found["settled"] else ", not converged"
    least = min(min(row["strong"]["represented"]) for row in data["rows"])
    shown = "all" if least >= data["features"] else f"{least:,.0f} or more"
    return (
        f"With {data['features']:,} features in {first} to {last} dimensions and {shown} of them "
        "represented, the loss falls, on average over these widths, as m to the power "
        f"{_of(found['exponent'])}{open_}, and the mean squared overlap with "
        f"{_of(found['overlap_exponent'])}; where only m features are represented, the exponent "
        f"of the loss is {_of(found['weak_exponent'])}, and that of what they leave out "
        f"{found['tail_exponent']:.2f}."
    )


def summary(_config: Config, result: Result) -> list[str]:
    """Overlaps, local exponents, the tail, what has not converged."""
    data: Any = result.data
    found = data["fits"]
    widths = found["widths"]
    lines = [
        "Strong: mean squared overlap times m: "
        + "; ".join(f"m = {m}: {_of(one)}" for m, one in zip(widths, found["overlap"], strict=True))
        + ".",
        "Strong: exponent of the loss from one width to the next: "
        + "; ".join(
            f"{low} to {high}: {_of(one)}"
            for low, high, one in zip(widths, widths[1:], found["local"], strict=False)
        )
        + f". Training half as long moves that over all widths by {found['drift']:+.2f}.",
        "Weak: loss over that of the unlearned tail: "
        + "; ".join(f"m = {m}: {_of(one)}" for m, one in zip(widths, found["weak"], strict=True))
        + ".",
        f"Sampling error of a loss: at most {100 * found['sampling']:.1f}% for one seed, with the "
        "same samples for all widths and arms; it is part of the intervals.",
    ]
    open_ = [
        *([] if found["settled"] else ["the strong exponent"]),
        *([] if found["overlap_settled"] else ["the overlaps"]),
        *(
            f"the weak arm at m = {m}"
            for m, one in zip(widths, found["weak"], strict=True)
            if not one["settled"]
        ),
    ]
    if open_:
        lines.append(f"NOT CONVERGED: {', '.join(open_)}.")
    return lines


EXPERIMENT = Experiment(
    name="scaling",
    question="How does the loss fall with the width of a layer with more features than dimensions?",
    primer=(
        "A layer of m dimensions restores n features, m < n, each on rarely and the i-th with a "
        "probability that falls as a power of i. Weight decay decides what is represented. A "
        "positive decay leaves room for the most frequent m: then the loss is the variance of all "
        "others, which falls with m as slowly as the frequencies do. A negative one draws every "
        "feature's direction to unit length: then all share the space, each disturbs the others by "
        "its squared overlap, 1/m for random directions, and the loss falls about as 1/m. Lines "
        "are these laws, points are trained models with 95% intervals over seeds."
    ),
    duration="40 s on two cores; paper: hours",
    seconds=38,
    cite=(
        "Y. Liu, Z. Liu, J. Gore, Superposition yields robust neural scaling, arXiv 2505.10465 "
        "(2025)",
        "N. Elhage et al., Toy models of superposition (2022)",
        "M. D. Vose, A linear algorithm for generating random numbers with a given distribution, "
        "IEEE Trans. Softw. Eng. 17 (1991)",
        "L. R. Welch, Lower bounds on the maximum cross correlation of signals, IEEE Trans. Inf. "
        "Theory 20 (1974)",
    ),
    examples=(
        "python -m experiments.scaling",
        "python -m experiments.scaling --alpha 0.5 --steps 4000",
        "python -m experiments.scaling --features 100000 --widths 8 16 32 --steps 100 --seeds 2 "
        "--evaluations 1024",
    ),
    config=Config,
    presets={
        "tiny": {
            "features": 32,
            "widths": (2, 4, 8),
            "batch": 16,
            "outputs": 16,
            "steps": 40,
            "evaluations": 64,
            "seeds": 2,
        },
        "quick": {},
        "paper": {
            "features": 1000,
            "widths": (10, 15, 25, 39, 63, 100),
            "batch": 2048,
            "outputs": 1000,
            "rate": 0.01,
            "steps": 20_000,
            "evaluations": 65_536,
            "weak": (0.25, 0.5, 1.0),
        },
        "full": {
            "features": 100_000,
            "widths": (16, 32, 64, 128, 256, 512, 1024),
            "batch": 8192,
            "outputs": 4096,
            "steps": 40_000,
            "weak": (0.25, 0.5, 1.0),
        },
    },
    measure=measure,
    checks=checks,
    claims=claims,
    answer=answer,
    summary=summary,
    figures=scaling_figures.figures,
    validate=validate,
)

if __name__ == "__main__":
    raise SystemExit(main(EXPERIMENT))
