"""What the autoencoder experiment is held to, and its tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.harness.checks import Check, judge
from experiments.harness.experiment import Table
from experiments.intervals import mean_interval

__all__ = ["checks", "largest", "ranked", "tables"]

BEST, SECOND = 0.95, 0.9
"""Recovery asked of the best architecture and of the next, at the largest budget."""
LAW = 0.05
"""How far the best neuron may be from its law: 16,000 samples leave its squared correlation of 0.05
an error of 7% for one feature, and below 1% for the mean of 128."""


def largest(data: Any) -> list[Any]:
    """Return the rows of the architectures at the largest budget."""
    most = max(row["budget"] for row in data["arms"]["architectures"])
    return [row for row in data["arms"]["architectures"] if row["budget"] == most]


def ranked(data: Any) -> list[Any]:
    """Return these rows by falling recovery."""
    return sorted(largest(data), key=lambda row: -row["recovery"]["mean"])


def checks(data: Any) -> list[Check]:
    """Recovery, what explained variance is worth, who reads features, what families do."""
    best = ranked(data)
    budget = f"after {best[0]['samples']:,} samples"
    first = next(row for row in largest(data) if row["architecture"] == data["first"])
    weakest = data["arms"]["penalties"][0]
    found = [
        _held(
            "C15: recovery, best architecture",
            f"at least {BEST:g} of the features have a latent of their own, cosine > 0.9, {budget}",
            best[0]["recovery"],
            (BEST, None),
            f"{best[0]['architecture']}, the best of {len(best)} by its mean",
        ),
        _held(
            "C15: explained variance, ReLU at the weakest penalty",
            "above 0.95 with next to no pressure to be sparse",
            weakest["explained"],
            (0.95, None),
            f"penalty {weakest['penalty']:g}",
        ),
        _held(
            "C15: recovery, ReLU at the weakest penalty",
            "below 0.05: explained variance is no sign of recovery",
            weakest["recovery"],
            (None, 0.05),
        ),
        _held(
            "C14: share of neurons that read one feature",
            "below 0.05: a neuron's variance comes from many features, the largest share being "
            "about 2 ln(N)/N",
            first["neurons_reading"],
            (None, 0.05),
            "a unit reads a feature that explains over half of its variance",
        ),
        _held(
            "C14: share of latents that read one feature",
            "above 0.9",
            first["latents_reading"],
            (0.9, None),
            f"living latents of {first['architecture']}",
        ),
        _held(
            "MCC of a random decoder, over chance",
            "0 within 0.02",
            data["random"]["mcc"],
            (-0.02, 0.02),
        ),
        _held(
            "recovery by a random decoder",
            "0: two random directions have a cosine above 0.9 next to never",
            data["random"]["recovery"],
            (None, 0.01),
        ),
    ]
    if len(best) > 1:
        found.insert(
            1,
            _held(
                "C15: recovery, second architecture",
                f"at least {SECOND:g}, {budget}",
                best[1]["recovery"],
                (SECOND, None),
                best[1]["architecture"],
            ),
        )
    law = first.get("neuron_law")
    if law is not None:
        pairs = zip(first["neuron_reading"]["seeds"], law["seeds"], strict=True)
        ratios = [seen / by for seen, by in pairs]
        found.append(
            judge(
                "variance of a feature's best neuron that is the feature's, over theory",
                theory=f"1 within {LAW:.0%}: {law['mean']:.4g} by the dictionary's entries and the "
                "covariance of the features",
                estimate=sum(ratios) / len(ratios),
                interval=mean_interval(ratios),
                band=(1 - LAW, 1 + LAW),
            )
        )
    for row in data["arms"]["families"]:
        if row["architecture"] == "topk":
            found.append(
                _held(
                    "C15: parents whose latent falls silent for a child's, TopK",
                    "more than half: one latent along parent and child saves one of k",
                    row["absorbed"],
                    (0.5, None),
                )
            )
    return found


def _held(
    name: str,
    theory: str,
    effect: Any,
    band: tuple[float | None, float | None],
    note: str = "",
) -> Check:
    interval = effect["interval"]
    return judge(
        name,
        theory=theory,
        estimate=effect["mean"],
        interval=None if interval is None else tuple(interval),
        band=band,
        note=note,
    )


def _cells(effect: Any) -> tuple[float | None, ...]:
    return (effect["mean"], *(effect["interval"] or (None, None)))


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
        *_cells(row["recovery"]),
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
                    row["latent_reading"]["mean"],
                    row["neuron_reading"]["mean"],
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
