"""The tables of the capacity report."""

from __future__ import annotations

from typing import Any

from experiments.harness.experiment import Table

__all__ = ["tables"]

_CLASSES = ("dedicated", "shared", "ignored")


def tables(data: dict[str, Any]) -> dict[str, Table]:
    """Capacities, seeds, blocks, thresholds, the map, the ReLU model."""
    example = data["example"]
    return {
        "capacities": Table(
            ("F", "capacities of", *(f"v = {value:g}" for value in example["importance"])),
            tuple(
                (row["kurtosis"], name, *row[key])
                for row in example["rows"]
                for key, name in (
                    ("theory", "theory"),
                    ("best", "best seed"),
                    ("low", "least of all seeds"),
                    ("high", "most of all seeds"),
                )
            ),
            "Capacities of the worked example",
            "The share of a dimension that a feature of importance v has to itself; least and most "
            "are over all seeds, those caught in other minima included.",
        ),
        "seeds": Table(
            (
                "F",
                *_CLASSES,
                *(f"{name}, theory" for name in _CLASSES),
                "largest distance",
                "excess loss",
                "seeds",
                "share at the optimum",
                "from",
                "to",
                "still moving",
            ),
            tuple(
                (
                    row["kurtosis"],
                    *(row["census"][name] for name in _CLASSES),
                    *(row["theory_census"][name] for name in _CLASSES),
                    row["distance"],
                    row["excess"],
                    row["seeds"],
                    row["reached"] / row["seeds"],
                    *row["share_interval"],
                    row["moving"],
                )
                for row in example["rows"]
            ),
            "The best seed, and how many find what it found",
            "Counts, distance and excess are the best seed's; the share has Clopper and Pearson's "
            "95% interval.",
        ),
        "blocks": Table(
            ("F", "features", "dimension", "spread"),
            tuple(
                (
                    row["kurtosis"],
                    " ".join(str(place + 1) for place in block["features"]),
                    block["dimension"],
                    block["spread"],
                )
                for row in example["rows"]
                for block in row["blocks"]
            ),
            "Blocks of the best seeds",
            "Features that overlap, the sum of their capacities, and the spread of their frame "
            "operator's eigenvalues over its mean, 0 for a tight frame.",
        ),
        "thresholds": Table(
            ("F", "2/(F - 1)", "measured", "measured, over theory", "from", "to", "seeds"),
            tuple(
                (
                    row["kurtosis"],
                    row["threshold"],
                    None if row["ratio"] is None else row["ratio"] * row["threshold"],
                    row["ratio"],
                    *(row["interval"] or (None, None)),
                    row["seeds"],
                )
                for row in data["scan"]
            ),
            "Two features in one dimension",
            "Where the second feature's capacity begins to rise with v2/v1: a quadratic fit of the "
            "ratio over C2, read off at C2 = 0, without the points next to the threshold.",
        ),
        "map": Table(
            ("F", *_CLASSES, *(f"{name}, theory" for name in _CLASSES), "largest distance"),
            tuple(
                (
                    row["kurtosis"],
                    *(row["census"][name] for name in _CLASSES),
                    *(row["theory_census"][name] for name in _CLASSES),
                    row["distance"],
                )
                for row in data["map"]["rows"]
            ),
            "The map",
            "Counts of the best seed and of theory, and the largest distance of a capacity.",
        ),
        "relu": Table(
            (
                "p",
                *(f"C at v = {value:.3g}" for value in data["relu"]["importance"]),
                *(word for name in _CLASSES for word in (f"{name}, mean", "from", "to")),
                "rank correlation",
                "from",
                "to",
                "pairs in order",
                "from",
                "to",
                "still moving",
            ),
            tuple(
                (
                    row["probability"],
                    *row["best"],
                    *(
                        value
                        for name in _CLASSES
                        for value in (row["counts"][name], *row["intervals"][name])
                    ),
                    row["correlation"],
                    *(row["correlation_interval"] or (None, None)),
                    row["ordered"],
                    *(row["ordered_interval"] or (None, None)),
                    row["moving"],
                )
                for row in data["relu"]["rows"]
            ),
            "The ReLU model",
            "Capacities of the best seed at each probability p of a feature to be on. Over "
            f"{data['relu']['seeds']} seeds, with 95% intervals: numbers of dedicated, shared and "
            "ignored features, Kendall's rank correlation (tau-b) of capacity with importance, and "
            "the share in order of those pairs whose capacities differ by more than the tolerance.",
        ),
    }
