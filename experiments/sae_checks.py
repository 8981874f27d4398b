"""What the autoencoder experiment is held to, and its tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from experiments.effects import cells
from experiments.harness.checks import Check, judge, judge_effect
from experiments.harness.experiment import Table
from experiments.intervals import mean_interval
from experiments.sae_config import NAMES

__all__ = ["WEAK", "checks", "largest", "ranked", "recoveries", "settled", "tables"]

BEST, SECOND = 0.95, 0.9
"""Recovery asked of the best architecture and of the next, at the largest budget."""
WEAK = 0.01
"""Largest penalty that counts as next to no pressure to be sparse: a feature that is on adds 1."""
CLOCK = 10.0
"""Least rate times steps: Adam could have moved a weight ten times from 0 to 1."""
LATE = 0.02
"""Most change of the recovery over the last tenth of a training that has settled."""
ERRORS = 5.0
"""Standard errors of a seed's mean by which the best neuron may differ from its law."""


def largest(data: Any) -> list[Any]:
    """Return the rows of the architectures at the largest budget."""
    most = max(row["budget"] for row in data["arms"]["architectures"])
    return [row for row in data["arms"]["architectures"] if row["budget"] == most]


def ranked(data: Any) -> list[Any]:
    """Return these rows by falling recovery."""
    return sorted(largest(data), key=lambda row: -row["recovery"]["mean"])


def settled(data: Any, row: Any) -> bool:
    """Return whether a training was long enough, and its recovery no longer moves."""
    course = [sum(seeds) / len(seeds) for seeds in zip(*row["course"], strict=True)]
    late = course[-1 - max(1, len(course) // 10) :]
    far = data["rate"] * row["samples"] / data["batch"] >= CLOCK
    return bool(far and max(late) - min(late) <= LATE)


def checks(data: Any) -> list[Check]:
    """Recovery, what explained variance is worth, who reads features, what families do.

    What bears on a claim is named after it only where the claim is about the setting: features that
    come without regard to each other, about as often, and a latent for each.
    """
    fair = data["fair"]
    best = ranked(data)
    first = next(row for row in best if row["architecture"] == data["first"])
    found = [*recoveries(data, best), *_variance(data)]
    found += [
        _held(
            f"{'C14: ' if fair else ''}share of neurons that read one feature",
            "below 0.05: a neuron's variance comes from many features, the largest share being "
            "about 2 ln(N)/N",
            first["neurons_reading"],
            (None, 0.05),
            "a unit reads a feature that explains over half of its variance",
        ),
        _held(
            f"{'C14: ' if fair else ''}share of latents that read one feature",
            "above 0.9",
            first["latents_reading"],
            (0.9, None),
            f"living latents of {NAMES[data['first']]}",
            converged=settled(data, first),
        ),
        _held(
            "MCC of a random decoder, over chance",
            "0 within 0.02",
            data["random"]["mcc"],
            (-0.02, 0.02),
        ),
        _held(
            "recovery by a random decoder",
            f"{data['theory']['chance']:.2g}, as two random directions have a cosine above 0.9; "
            "twice that, or 0.01",
            data["random"]["recovery"],
            (None, max(0.01, 2 * data["theory"]["chance"])),
        ),
    ]
    law = first.get("neuron_law")
    if law is not None:
        found.append(_neurons(data, first, law))
    for row in data["arms"]["families"]:
        if row["architecture"] == "topk":
            found.append(
                _held(
                    "C15: parents whose latent falls silent for a child's, TopK",
                    "more than half: one latent along parent and child saves one of k",
                    row["absorbed"],
                    (0.5, None),
                    converged=settled(data, row),
                )
            )
    return found


def recoveries(data: Any, best: list[Any]) -> list[Check]:
    """What the best two of `ranked` rows recover."""
    prefix = "C15: " if data["fair"] else ""
    budget = f"after {best[0]['samples']:,} samples"
    names = [NAMES[row["architecture"]] for row in best]
    found = [
        _held(
            f"{prefix}recovery, best architecture",
            f"at least {BEST:g} of the features have a latent of their own, cosine > 0.9, {budget}",
            best[0]["recovery"],
            (BEST, None),
            f"{names[0]}, the best of {len(best)} by its mean, for which its interval makes no "
            "allowance",
            converged=settled(data, best[0]),
        )
    ]
    if len(best) > 1:
        found.append(
            _held(
                f"{prefix}recovery, second architecture",
                f"at least {SECOND:g}, {budget}",
                best[1]["recovery"],
                (SECOND, None),
                names[1],
                converged=settled(data, best[1]),
            )
        )
    return found


def _variance(data: Any) -> list[Check]:
    weakest = data["arms"]["penalties"][0]
    if weakest["penalty"] > WEAK:
        return []
    note = f"penalty {weakest['penalty']:g}"
    far = settled(data, weakest)
    return [
        _held(
            "C15: explained variance, ReLU at the weakest penalty",
            "above 0.95 with next to no pressure to be sparse",
            weakest["explained"],
            (0.95, None),
            note,
            converged=far,
        ),
        _held(
            "C15: recovery, ReLU at the weakest penalty",
            "below 0.05: explained variance is no sign of recovery",
            weakest["recovery"],
            (None, 0.05),
            note,
            converged=far,
        ),
    ]


def _neurons(data: Any, first: Any, law: Any) -> Check:
    """The best neuron against theory: a squared correlation s of n samples errs by 2(1-s)√(s/n)."""
    pairs = zip(first["neuron_reading"]["seeds"], law["seeds"], strict=True)
    ratios = [seen / by for seen, by in pairs]
    share = law["mean"]
    error = 2 * (1 - share) / math.sqrt(share * first["half"] * data["features"])
    reach = ERRORS * error
    return judge(
        "variance of a feature's best neuron that is the feature's, over theory",
        theory=f"1 within {reach:.1%}: {share:.4g} by the dictionary's entries and the covariance "
        f"of the features; {ERRORS:g} standard errors of a mean over features",
        estimate=sum(ratios) / len(ratios),
        interval=mean_interval(ratios),
        band=(1 - reach, 1 + reach),
    )


def _held(
    name: str,
    theory: str,
    effect: Any,
    band: tuple[float | None, float | None],
    note: str = "",
    *,
    converged: bool = True,
) -> Check:
    # Shares, of features or of variance: none of these is more than the whole.
    return judge_effect(
        name,
        theory=theory,
        effect=effect,
        band=band,
        within=(-math.inf, 1.0),
        converged=converged,
        note=note,
    )


def _mean(row: Any, key: str) -> float | None:
    return row[key]["mean"] if key in row else None


_MEASURED = (
    "recovery",
    "from",
    "to",
    "precision",
    "MCC over chance",
    "explained variance",
    "active latents",
)


def _measured(row: Any) -> tuple[float | None, ...]:
    return (
        *cells(row["recovery"]),
        *(row[key]["mean"] for key in ("precision", "mcc", "explained", "active")),
    )


def tables(data: Any) -> dict[str, Table]:
    """Architectures over budgets, what fails, every other arm."""
    arms = data["arms"]
    labels: dict[str, tuple[str, Callable[[Any], str]]] = {
        "dictionaries": ("dictionary", lambda row: str(row["kind"])),
        "sparsities": ("latents given", lambda row: f"{row['number']:g}"),
        "sizes": ("N/d, features on", lambda row: f"{row['ratio']:g}, {row['on']}"),
        "penalties": ("penalty of ReLU", lambda row: f"{row['penalty']:g}"),
        "families": ("families, seen by", lambda row: str(row["architecture"])),
    }
    kinds = [key for key in arms["architectures"][0] if key.startswith(("features: ", "latents: "))]
    return {
        "architectures": Table(
            ("architecture", "samples", *_MEASURED, "best latent's share", "best neuron's share"),
            tuple(
                (
                    row["architecture"],
                    row["samples"],
                    *_measured(row),
                    *(_mean(row, key) for key in ("latent_reading", "neuron_reading")),
                )
                for row in arms["architectures"]
            ),
            "Architectures over budgets",
            "Means over seeds, recovery with Student's 95% interval. Shares: of a feature's best "
            "unit, the part of its variance that is the feature's.",
        ),
        "failures": Table(
            ("architecture", "samples", *kinds),
            tuple(
                (row["architecture"], row["samples"], *(row[key]["mean"] for key in kinds))
                for row in arms["architectures"]
            ),
            "What becomes of features and latents",
            "Numbers, means over seeds. A merged latent lies between two features, a split one is "
            "a further copy of a feature that has its own latent.",
        ),
        "arms": Table(
            ("varied", "value", *_MEASURED),
            tuple(
                (words, label(row), *_measured(row))
                for arm, (words, label) in labels.items()
                for row in arms[arm]
            ),
            "Everything else",
            "As above; each at its own number of samples.",
        ),
        "families": Table(
            ("architecture", "parents recovered", "children recovered", "parents absorbed"),
            tuple(
                (
                    row["architecture"],
                    *(row[key]["mean"] for key in ("parents", "children")),
                    row["absorbed"]["mean"],
                )
                for row in arms["families"]
            ),
            "Parents and children",
            "Shares, means over seeds. A parent is absorbed where its latent is silent in at least "
            "half of the samples with a child on, and the child's latent stands in for it.",
        ),
    }
